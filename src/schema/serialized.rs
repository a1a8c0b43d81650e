//! What peers tell each other of their schemas: how far each migration sequence has come.

use super::SchemaError;
use crate::ids::Key;
use crate::value::{Number, Object, Value};
use alloc::collections::BTreeMap;
use alloc::format;

/// The version of each migration sequence. Both forms of the wire are read; the newer is written.
///
/// ```
/// use roomsync::{SerializedSchema, Value};
///
/// let wire: Value = r#"{"schemaVersion":2,"sequences":{"com.example.shape":4}}"#.parse()?;
/// let schema = SerializedSchema::from_value(&wire)?;
/// assert_eq!(schema.version("com.example.shape"), Some(4));
/// assert_eq!(schema.to_value(), wire);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SerializedSchema(BTreeMap<Key, u64>);

/// Why records of another schema cannot be made records of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaMismatch {
    /// It lacks something that this schema has, and no migration is known for that.
    TooOld,
    /// It has something that this schema does not know.
    TooNew,
}

impl SerializedSchema {
    /// The version of the sequence.
    #[must_use]
    pub fn version(&self, sequence: &str) -> Option<u64> {
        self.0.get(sequence).copied()
    }

    /// Sets the version of the sequence.
    pub fn insert(&mut self, sequence: &str, version: u64) {
        self.0.insert(Key::from(sequence), version);
    }

    /// The versions, in order of the sequences' ids.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, u64)> {
        self.0.iter().map(|(id, version)| (id, *version))
    }

    /// Reads a serialized schema of version 1 or 2.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn from_value(value: &Value) -> Result<Self, SchemaError> {
        let object = value.as_object().ok_or(SchemaError::NotASchema)?;
        match number(object.get("schemaVersion"))? {
            2 => Self::from_version_2(object),
            1 => Self::from_version_1(object),
            _ => Err(SchemaError::NotASchema),
        }
    }

    fn from_version_2(object: &Object) -> Result<Self, SchemaError> {
        let sequences = object.get("sequences").and_then(Value::as_object);
        let sequences = sequences.ok_or(SchemaError::NotASchema)?;
        let version = |(id, version): (&Key, &Value)| Ok((id.clone(), number(Some(version))?));
        sequences.iter().map(version).collect::<Result<_, _>>().map(Self)
    }

    fn from_version_1(object: &Object) -> Result<Self, SchemaError> {
        let mut schema = Self::default();
        schema.insert("com.tldraw.store", number(object.get("storeVersion"))?);
        let records = object.get("recordVersions").and_then(Value::as_object);
        for (name, record) in records.ok_or(SchemaError::NotASchema)?.iter() {
            let record = record.as_object().ok_or(SchemaError::NotASchema)?;
            schema.insert(&format!("com.tldraw.{name}"), number(record.get("version"))?);
            let Some(subtypes) = record.get("subTypeVersions") else { continue };
            for (subtype, version) in subtypes.as_object().ok_or(SchemaError::NotASchema)?.iter() {
                schema.insert(&format!("com.tldraw.{name}.{subtype}"), number(Some(version))?);
            }
        }
        Ok(schema)
    }

    /// The schema as the wire carries it, in version 2.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let sequences: Object = self.0.iter().map(|(id, version)| (id.clone(), *version)).collect();
        let schema: Object =
            [("schemaVersion", Value::from(2)), ("sequences", Value::from(sequences))]
                .into_iter()
                .collect();
        Value::from(schema)
    }
}

fn number(value: Option<&Value>) -> Result<u64, SchemaError> {
    let number = value.and_then(Value::as_number).and_then(Number::as_i64);
    number.and_then(|number| u64::try_from(number).ok()).ok_or(SchemaError::NotASchema)
}
