//! How a schema is put together, and what can be wrong with it.

use super::json_schema::JsonSchemaError;
use super::sequences::Sequences;
use super::{MigrationSequence, RecordType, Schema, Scope, SerializedSchema};
use crate::error::{JsonError, display};
use crate::ids::Key;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Collects the types and sequences of a [`Schema`].
///
/// A schema whose records never change their form needs no sequence. One that has changed says in
/// each sequence how:
///
/// ```
/// use roomsync::{
///     Migration, MigrationSequence, Object, RecordType, Schema, Scope, SerializedSchema,
/// };
///
/// let notes = MigrationSequence::new("com.example.note").then(
///     Migration::reversible_record(
///         "com.example.note/1",
///         |note| {
///             note.insert("color", "yellow");
///             Ok(())
///         },
///         |note| {
///             note.remove("color");
///             Ok(())
///         },
///     )
///     .for_type("note"),
/// );
/// let schema = Schema::builder()
///     .record_type("note", RecordType::new(Scope::Document))
///     .migrations(notes)
///     .build()?;
///
/// // A room of this schema opens what was stored before, and serves clients from before.
/// let mut before = SerializedSchema::default();
/// before.insert("com.example.note", 0);
/// let path = schema.migration_path(&before).unwrap();
/// assert!(path.is_reversible());
///
/// let old: Object = r#"{"id":"note:a","typeName":"note"}"#.parse().unwrap();
/// let new = path.migrate_up(old.clone())?;
/// assert_eq!(new.get("color").and_then(|color| color.as_str()), Some("yellow"));
/// assert_eq!(path.migrate_down(new)?, old);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SchemaBuilder {
    types: BTreeMap<Key, RecordType>,
    versions: Vec<(Key, u64)>,
    migrations: Vec<MigrationSequence>,
    adopts: bool,
}

/// Why a schema cannot be built or read. The fault is the programmer's or the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not JSON.
    Json(JsonError),
    /// There is no object of `types`.
    NoTypes,
    /// The scope of the type is not `document`, `session` or `presence`.
    BadScope(Key),
    /// The `validator` of the type cannot be used.
    Validator(Key, JsonSchemaError),
    /// More than one type is of presence scope.
    TwoPresenceTypes,
    /// A serialized schema is of neither form of the wire.
    NotASchema,
    /// The id of a sequence is empty or has a `/` in it.
    BadSequenceId(Key),
    /// Two sequences have this id.
    RepeatedSequence(Key),
    /// The id of a migration is not that of its sequence, `/` and its place there, from 1.
    WrongMigrationId {
        /// What it would be.
        expected: Key,
        /// What it is.
        found: Key,
    },
    /// A migration depends on one that is not there.
    MissingDependency {
        /// Which.
        migration: Key,
        /// On what.
        dependency: Key,
    },
    /// This migration would have to come before itself.
    Cycle(Key),
    /// This migration works on all records at once, and yet has a filter.
    FilterOfAllRecords(Key),
    /// The schema adopts, and has versions or migrations of its own.
    AdoptsAndHasSequences,
}

display!(SchemaError, self, f => match self {
    Self::Json(error) => write!(f, "the schema is not JSON: {error}"),
    Self::NoTypes => f.write_str("the schema has no object `types`"),
    Self::BadScope(name) => {
        write!(f, "the `scope` of type `{name}` is not document, session or presence")
    }
    Self::Validator(name, error) => write!(f, "the `validator` of type `{name}`: {error}"),
    Self::TwoPresenceTypes => f.write_str("more than one type is of presence scope"),
    Self::NotASchema => f.write_str(
        "a serialized schema is an object with `schemaVersion` 2 and `sequences`, \
         or 1 and `storeVersion` and `recordVersions`",
    ),
    Self::BadSequenceId(id) => write!(f, "the sequence id `{id}` is empty or has a `/` in it"),
    Self::RepeatedSequence(id) => write!(f, "there are two sequences `{id}`"),
    Self::WrongMigrationId { expected, found } => {
        write!(f, "the migration `{found}` stands where `{expected}` belongs")
    }
    Self::MissingDependency { migration, dependency } => {
        write!(f, "the migration `{migration}` depends on `{dependency}`, which is not there")
    }
    Self::Cycle(id) => write!(f, "the migration `{id}` depends on itself"),
    Self::FilterOfAllRecords(id) => {
        write!(f, "the migration `{id}` works on all records at once and cannot have a filter")
    }
    Self::AdoptsAndHasSequences => {
        f.write_str("a schema that adopts cannot have sequences of its own")
    }
});

impl SchemaBuilder {
    /// Adds a record type, or replaces the one of that name.
    #[must_use]
    pub fn record_type(mut self, name: &str, record_type: RecordType) -> Self {
        self.types.insert(Key::from(name), record_type);
        self
    }

    /// Adds a sequence of migrations. Its version is the number of the last.
    #[must_use]
    pub fn migrations(mut self, sequence: MigrationSequence) -> Self {
        self.migrations.push(sequence);
        self
    }

    /// Sets the version of a sequence whose migrations are known elsewhere, say in the programs of
    /// the clients. Records and clients of an older version are too old for this schema.
    #[must_use]
    pub fn sequence(mut self, id: &str, version: u64) -> Self {
        self.versions.push((Key::from(id), version));
        self
    }

    /// Sets the versions of such sequences, as peers tell each other.
    #[must_use]
    pub fn serialized(mut self, schema: SerializedSchema) -> Self {
        self.versions.extend(schema.iter().map(|(id, version)| (id.clone(), version)));
        self
    }

    /// Lets a room take on the serialized schema of its snapshot, or else of its first client.
    #[must_use]
    pub const fn adopt(mut self) -> Self {
        self.adopts = true;
        self
    }

    /// The schema.
    ///
    /// # Errors
    ///
    /// Whatever is wrong, by name: see [`SchemaError`].
    pub fn build(self) -> Result<Schema, SchemaError> {
        let Self { types, versions, migrations, adopts } = self;
        let mut presence = types.iter().filter(|(_, of)| of.scope == Scope::Presence);
        let presence_type = presence.next().map(|(name, _)| name.clone());
        if presence.next().is_some() {
            return Err(SchemaError::TwoPresenceTypes);
        }
        if adopts && !(versions.is_empty() && migrations.is_empty()) {
            return Err(SchemaError::AdoptsAndHasSequences);
        }
        let mut serialized = SerializedSchema::default();
        for (id, version) in versions {
            if serialized.version(&id).is_some() {
                return Err(SchemaError::RepeatedSequence(id));
            }
            serialized.insert(&id, version);
        }
        let sequences = Sequences::build(migrations, &mut serialized)?;
        let serialized = (!adopts).then_some(serialized);
        Ok(Schema { types, presence_type, serialized, sequences })
    }
}
