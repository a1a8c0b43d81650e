//! Which record types exist, and what a record of each must be.

mod parse;
mod record;
mod serialized;

pub use parse::SchemaError;
pub use record::{IntoRecord, Record};
pub use serialized::{SchemaMismatch, SerializedSchema};

use crate::ids::Key;
use crate::value::Object;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

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

/// The record types of a room or client, with the version of each migration sequence.
///
/// ```
/// use roomsync::{RecordType, Schema, Scope};
///
/// let schema = Schema::builder()
///     .record_type("note", RecordType::new(Scope::Document))
///     .record_type("cursor", RecordType::new(Scope::Presence))
///     .sequence("com.example.note", 1)
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
        SchemaBuilder { types: BTreeMap::new(), sequences: Some(SerializedSchema::default()) }
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
        }
    }

    /// The schema with these versions of its sequences instead of its own.
    #[must_use]
    pub fn with_serialized(mut self, serialized: SerializedSchema) -> Self {
        self.serialized = Some(serialized);
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

/// Collects the types and sequences of a [`Schema`].
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    types: BTreeMap<Key, RecordType>,
    sequences: Option<SerializedSchema>,
}

impl SchemaBuilder {
    /// Adds a record type, or replaces the one of that name.
    #[must_use]
    pub fn record_type(mut self, name: &str, record_type: RecordType) -> Self {
        self.types.insert(Key::from(name), record_type);
        self
    }

    /// Sets the version of a migration sequence.
    #[must_use]
    pub fn sequence(mut self, id: &str, version: u64) -> Self {
        self.sequences.get_or_insert_default().insert(id, version);
        self
    }

    /// Sets the versions of all sequences.
    #[must_use]
    pub fn serialized(mut self, schema: SerializedSchema) -> Self {
        self.sequences = Some(schema);
        self
    }

    /// Lets a room take on the serialized schema of its snapshot, or else of its first client.
    #[must_use]
    pub fn adopt(mut self) -> Self {
        self.sequences = None;
        self
    }

    /// The schema.
    ///
    /// # Errors
    ///
    /// When more than one type is of presence scope.
    pub fn build(self) -> Result<Schema, SchemaError> {
        let Self { types, sequences: serialized } = self;
        let mut presence = types.iter().filter(|(_, of)| of.scope == Scope::Presence);
        let presence_type = presence.next().map(|(name, _)| name.clone());
        if presence.next().is_some() {
            return Err(SchemaError::TwoPresenceTypes);
        }
        Ok(Schema { types, presence_type, serialized })
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
