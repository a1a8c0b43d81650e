//! Which record types exist, and what a record of each must be.

mod builder;
mod json_schema;
mod migration;
mod parse;
mod path;
mod record;
mod sequences;
mod serialized;

pub use builder::{SchemaBuilder, SchemaError};
pub use json_schema::JsonSchemaError;
pub use migration::{Migration, MigrationFailed, MigrationFault, MigrationSequence, StoredRecords};
pub use path::{MigrationError, MigrationPath};
pub use record::{IntoRecord, Record};
pub use serialized::{SchemaMismatch, SerializedSchema};

use crate::ids::Key;
use crate::value::Object;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;
use sequences::Sequences;

/// Where records of a type live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Synced and stored.
    Document,
    /// Never leaves the client.
    Session,
    /// Synced, never stored, gone with the connection.
    Presence,
}

/// A record that a validator refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRecord;

/// Decides whether a record of a type is valid. Must be a pure function of the record.
pub type Validator = Arc<dyn Fn(&Object) -> Result<(), InvalidRecord> + Send + Sync>;

/// A record type: where its records live and what they must be.
#[derive(Clone)]
pub struct RecordType {
    scope: Scope,
    validator: Option<Validator>,
}

/// The record types of a room or client, and how older records become those of today.
///
/// ```
/// use roomsync::{RecordType, Schema, Scope};
///
/// let schema = Schema::builder()
///     .record_type("note", RecordType::new(Scope::Document))
///     .record_type("cursor", RecordType::new(Scope::Presence))
///     .build()?;
/// assert_eq!(schema.scope("note"), Some(Scope::Document));
/// assert_eq!(schema.presence_type().map(|name| name.as_str()), Some("cursor"));
/// # Ok::<(), roomsync::SchemaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    types: BTreeMap<Key, RecordType>,
    presence_type: Option<Key>,
    serialized: Option<SerializedSchema>,
    sequences: Sequences,
}

impl RecordType {
    /// A type whose every record is valid.
    #[must_use]
    pub const fn new(scope: Scope) -> Self {
        Self { scope, validator: None }
    }

    /// The type with a validator.
    #[must_use]
    pub fn with_validator(
        mut self,
        validator: impl Fn(&Object) -> Result<(), InvalidRecord> + Send + Sync + 'static,
    ) -> Self {
        self.validator = Some(Arc::new(validator));
        self
    }

    /// Where records of the type live.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }
}

impl Schema {
    /// Begins a schema without types.
    #[must_use]
    pub fn builder() -> SchemaBuilder {
        SchemaBuilder::default()
    }

    /// The record types of stock tldraw, without validators.
    ///
    /// It adopts: a room takes on the serialized schema of its snapshot or else of its first
    /// client, so that it serves whatever version of tldraw its clients run.
    #[must_use]
    pub fn tldraw() -> Self {
        use Scope::{Document, Presence, Session};
        let types = [
            ("document", Document),
            ("page", Document),
            ("shape", Document),
            ("asset", Document),
            ("binding", Document),
            ("user", Document),
            ("camera", Session),
            ("instance", Session),
            ("instance_page_state", Session),
            ("pointer", Session),
            ("instance_presence", Presence),
        ];
        Self {
            types: types.map(|(name, scope)| (Key::from(name), RecordType::new(scope))).into(),
            presence_type: Some(Key::from("instance_presence")),
            serialized: None,
            sequences: Sequences::default(),
        }
    }

    /// The schema with these versions instead of its own sequences, and without migrations.
    #[must_use]
    pub fn with_serialized(mut self, serialized: SerializedSchema) -> Self {
        self.serialized = Some(serialized);
        self.sequences = Sequences::default();
        self
    }

    /// Where records of the type live, or `None` when there is no such type.
    #[must_use]
    pub fn scope(&self, type_name: &str) -> Option<Scope> {
        self.types.get(type_name).map(RecordType::scope)
    }

    /// The type of presence records, if there is one.
    #[must_use]
    pub const fn presence_type(&self) -> Option<&Key> {
        self.presence_type.as_ref()
    }

    /// The versions of the migration sequences, or `None` when the schema adopts its first
    /// client's.
    #[must_use]
    pub const fn serialized(&self) -> Option<&SerializedSchema> {
        self.serialized.as_ref()
    }

    /// The migrations that lie between records of an older schema and those of this one.
    ///
    /// Of a sequence that both have, they are those after the older version; of one that the older
    /// schema lacks, all if the sequence is retroactive, and none otherwise.
    ///
    /// # Errors
    ///
    /// Too new when any sequence of `from` is unknown here or further than here, or this schema
    /// [adopts](SchemaBuilder::adopt); too old when the migrations that would be needed are not
    /// known.
    pub fn migration_path(&self, from: &SerializedSchema) -> Result<MigrationPath, SchemaMismatch> {
        let own = self.serialized.as_ref().ok_or(SchemaMismatch::TooNew)?;
        self.migration_path_to(own, from)
    }

    /// The same, to what a schema that adopts has taken on.
    pub(crate) fn migration_path_to(
        &self,
        own: &SerializedSchema,
        from: &SerializedSchema,
    ) -> Result<MigrationPath, SchemaMismatch> {
        self.sequences.path(own, from)
    }

    /// Checks a record by the validator of its type.
    ///
    /// # Errors
    ///
    /// When its type is unknown, or the validator refuses it.
    pub fn validate(&self, type_name: &str, record: &Object) -> Result<(), InvalidRecord> {
        let record_type = self.types.get(type_name).ok_or(InvalidRecord)?;
        record_type.validator.as_ref().map_or(Ok(()), |validator| validator(record))
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordType")
            .field("scope", &self.scope)
            .field("validated", &self.validator.is_some())
            .finish()
    }
}

/// The string at `id` and at `typeName` of a record.
pub(crate) fn identity(record: &Object) -> Option<(&str, &str)> {
    Some((record.get("id")?.as_str()?, record.get("typeName")?.as_str()?))
}

#[cfg(test)]
mod tests;
