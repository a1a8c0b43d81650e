//! How a type of the application's stands for a record type.

use super::{InvalidRecord, RecordType, Scope, identity};
use crate::error::{RecordError, TransactError};
use crate::ids::RecordId;
use crate::value::{Object, PassingOver, Value, ValueError, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

const TYPE_NAME_FIELD: &str = "typeName";

/// A type of the application's that stands for the records of one type.
///
/// It has a field for the record's `id`, and need not have one for its `typeName`. Fields of a record
/// that it does not know are passed over when it is read, and gone when it is put: use
/// [`Transaction::edit`](crate::Transaction::edit), which keeps them, or keep them in an [`Object`]
/// by serde's `flatten`.
///
/// ```
/// use roomsync::{Object, Record, RecordId, RecordType, Schema, Scope};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Note {
///     id: RecordId,
///     text: String,
/// }
///
/// impl Record for Note {
///     const TYPE_NAME: &'static str = "note";
/// }
///
/// let note = Note { id: "note:a".into(), text: "Hello".into() };
/// let object = note.to_object()?;
/// assert_eq!(object.to_string(), r#"{"id":"note:a","text":"Hello","typeName":"note"}"#);
/// assert_eq!(Note::from_object(&object)?.text, "Hello");
///
/// // It also says what a record of the type must be.
/// let schema = Schema::builder()
///     .record_type(Note::TYPE_NAME, RecordType::typed::<Note>(Scope::Document))
///     .build()?;
/// let wrong: Object = r#"{"id":"note:b","text":7,"typeName":"note"}"#.parse()?;
/// assert!(schema.validate("note", &wrong).is_err());
/// assert_eq!(
///     Note::from_object(&wrong).map(drop).unwrap_err().to_string(),
///     "cannot read `note:b`: at `text`: invalid type: integer `7`, expected a string",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Record: Serialize + DeserializeOwned {
    /// The `typeName` of the records.
    const TYPE_NAME: &'static str;

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// When it is of another type, or not as this type wants it.
    fn from_object(record: &Object) -> Result<Self, RecordError> {
        let id = || RecordId::from(record.get("id").and_then(Value::as_str).unwrap_or_default());
        if record.get(TYPE_NAME_FIELD).and_then(Value::as_str) != Some(Self::TYPE_NAME) {
            return Err(RecordError::OtherType { id: id(), expected: Self::TYPE_NAME });
        }
        Self::deserialize(PassingOver { object: record, field: TYPE_NAME_FIELD })
            .map_err(|error| RecordError::Unreadable { id: id(), error })
    }

    /// The record that this stands for.
    ///
    /// # Errors
    ///
    /// When serde makes no object of it, or one with another `typeName`, or something that
    /// [`to_value`] refuses.
    fn to_object(&self) -> Result<Object, ValueError> {
        let Value::Object(mut record) = to_value(self)? else {
            return Err(ValueError::new("a record is an object"));
        };
        let type_name = record.insert(TYPE_NAME_FIELD, Self::TYPE_NAME);
        if type_name.is_some_and(|other| other.as_str() != Some(Self::TYPE_NAME)) {
            return Err(ValueError::new(format_args!("its `typeName` is not {}", Self::TYPE_NAME)));
        }
        Ok(record)
    }
}

/// What can be put into a transaction: an [`Object`], or a reference to a [`Record`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record",
    note = "put an `Object`, or a reference to a type that implements `Record`"
)]
pub trait IntoRecord {
    /// The record.
    ///
    /// # Errors
    ///
    /// When it cannot be written as one.
    fn into_record(self) -> Result<Object, TransactError>;
}

impl IntoRecord for Object {
    fn into_record(self) -> Result<Object, TransactError> {
        Ok(self)
    }
}

impl<T: Record> IntoRecord for &T {
    fn into_record(self) -> Result<Object, TransactError> {
        self.to_object().map_err(TransactError::Unwritable)
    }
}

impl RecordType {
    /// A type whose records are valid when they can be read as a `T` and have a string `id`. To
    /// refuse fields that `T` does not know, give it serde's `deny_unknown_fields`.
    #[must_use]
    pub fn typed<T: Record>(scope: Scope) -> Self {
        Self::new(scope).with_validator(|record| {
            identity(record).ok_or(InvalidRecord)?;
            T::from_object(record).map(drop).map_err(|_| InvalidRecord)
        })
    }
}
