//! How a schema is read from a file.

use super::{RecordType, Schema, Scope, SerializedSchema};
use crate::error::{JsonError, display};
use crate::ids::Key;
use crate::value::Value;

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
    /// More than one type is of presence scope.
    TwoPresenceTypes,
    /// A serialized schema is of neither form of the wire.
    NotASchema,
}

display!(SchemaError, self, f => match self {
    Self::Json(error) => write!(f, "the schema is not JSON: {error}"),
    Self::NoTypes => f.write_str("the schema has no object `types`"),
    Self::BadScope(name) => {
        write!(f, "the `scope` of type `{name}` is not document, session or presence")
    }
    Self::TwoPresenceTypes => f.write_str("more than one type is of presence scope"),
    Self::NotASchema => f.write_str(
        "a serialized schema is an object with `schemaVersion` 2 and `sequences`, \
         or 1 and `storeVersion` and `recordVersions`",
    ),
});

impl Schema {
    /// Reads `{"types":{"shape":{"scope":"document"},…},"schema":S}`, where S is a serialized
    /// schema. Without `schema`, the schema adopts its first client's.
    ///
    /// # Errors
    ///
    /// When the text is not that.
    pub fn from_json(text: &str) -> Result<Self, SchemaError> {
        let file: Value = text.parse().map_err(SchemaError::Json)?;
        let field = |name| file.as_object().and_then(|file| file.get(name));
        let types = field("types").and_then(Value::as_object).ok_or(SchemaError::NoTypes)?;
        let mut builder = match field("schema") {
            Some(schema) => Self::builder().serialized(SerializedSchema::from_value(schema)?),
            None => Self::builder().adopt(),
        };
        for (name, of) in types.iter() {
            let scope = of.as_object().and_then(|of| of.get("scope")).and_then(Value::as_str);
            let scope = match scope {
                Some("document") => Scope::Document,
                Some("session") => Scope::Session,
                Some("presence") => Scope::Presence,
                Some(_) | None => return Err(SchemaError::BadScope(name.clone())),
            };
            builder = builder.record_type(name, RecordType::new(scope));
        }
        builder.build()
    }
}
