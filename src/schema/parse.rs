//! How a schema is read from a file.

use super::{RecordType, Schema, SchemaError, Scope, SerializedSchema, json_schema};
use crate::value::Value;

impl Schema {
    /// Reads `{"types":{"shape":{"scope":"document"},…},"schema":S}`, where S is a serialized
    /// schema. Without `schema`, the schema adopts its first client's. A type may have a
    /// `validator`, a JSON Schema document; that needs the feature `json-schema`.
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
            let of = |name| of.as_object().and_then(|of| of.get(name));
            let scope = match of("scope").and_then(Value::as_str) {
                Some("document") => Scope::Document,
                Some("session") => Scope::Session,
                Some("presence") => Scope::Presence,
                Some(_) | None => return Err(SchemaError::BadScope(name.clone())),
            };
            let mut record_type = RecordType::new(scope);
            if let Some(document) = of("validator") {
                let validator = json_schema::compile(document);
                let failed = |error| SchemaError::Validator(name.clone(), error);
                record_type.validator = Some(validator.map_err(failed)?);
            }
            builder = builder.record_type(name, record_type);
        }
        builder.build()
    }
}
