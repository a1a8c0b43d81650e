//! Validators from JSON Schema documents.

use super::Validator;
use crate::error::display;
use crate::value::Value;
use alloc::string::String;

/// Why a JSON Schema document makes no validator. The fault is the programmer's or the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonSchemaError {
    /// The crate was built without its feature `json-schema`.
    NotBuiltIn,
    /// It is no JSON Schema, or asks for more than this crate does: a document from elsewhere, an
    /// unknown format, or a pattern that a linear regular expression cannot tell. Says where and
    /// why.
    Document(String),
}

display!(JsonSchemaError, self, f => match self {
    Self::NotBuiltIn => f.write_str("built without the feature `json-schema`"),
    Self::Document(why) => write!(f, "not a JSON Schema to validate by: {why}"),
});

#[cfg(feature = "json-schema")]
impl super::RecordType {
    /// The type with the validator that a JSON Schema document describes, of any draft that it
    /// names in `$schema`; otherwise 2020-12. It sees the whole record, `id` and `typeName`
    /// included, and looks nothing up outside of the document. Formats are checked.
    ///
    /// ```
    /// use roomsync::{Object, RecordType, Schema, Scope};
    ///
    /// let document = r#"{"properties":{"title":{"type":"string","maxLength":80}},"required":["title"]}"#;
    /// let note = RecordType::new(Scope::Document).with_json_schema(&document.parse()?)?;
    /// let schema = Schema::builder().record_type("note", note).build()?;
    /// let valid: Object = r#"{"id":"note:1","typeName":"note","title":"Shopping"}"#.parse()?;
    /// let invalid: Object = r#"{"id":"note:1","typeName":"note","title":7}"#.parse()?;
    /// assert!(schema.validate("note", &valid).is_ok());
    /// assert!(schema.validate("note", &invalid).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the document makes no validator.
    pub fn with_json_schema(mut self, document: &Value) -> Result<Self, JsonSchemaError> {
        self.validator = Some(compile(document)?);
        Ok(self)
    }
}

/// The validator that a document describes.
#[cfg(feature = "json-schema")]
pub(super) fn compile(document: &Value) -> Result<Validator, JsonSchemaError> {
    use super::InvalidRecord;
    use crate::value::Object;
    use alloc::string::ToString;
    use alloc::sync::Arc;

    let document = serde_json::to_value(document);
    let document = document.map_err(|error| JsonSchemaError::Document(error.to_string()))?;
    let validator = jsonschema::options()
        .offline()
        // One that backtracks would let a record keep a room busy.
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .build(&document)
        .map_err(|error| JsonSchemaError::Document(describe(&error)))?;
    Ok(Arc::new(move |record: &Object| {
        let record = serde_json::to_value(record).map_err(|_| InvalidRecord)?;
        if validator.is_valid(&record) { Ok(()) } else { Err(InvalidRecord) }
    }))
}

/// In one line, and where in the document.
#[cfg(feature = "json-schema")]
fn describe(error: &jsonschema::ValidationError<'_>) -> String {
    let place = error.instance_path();
    let place = if place.as_str().is_empty() { "its root" } else { place.as_str() };
    alloc::format!("at {place}, {error}")
}

#[cfg(not(feature = "json-schema"))]
pub(super) fn compile(_: &Value) -> Result<Validator, JsonSchemaError> {
    Err(JsonSchemaError::NotBuiltIn)
}

#[cfg(test)]
mod tests {
    #[cfg(not(feature = "json-schema"))]
    use super::JsonSchemaError;
    use crate::schema::{Schema, SchemaError};

    fn file(validator: &str) -> Result<Schema, SchemaError> {
        Schema::from_json(&alloc::format!(
            r#"{{"types":{{"note":{{"scope":"document","validator":{validator}}}}}}}"#
        ))
    }

    #[cfg(not(feature = "json-schema"))]
    #[test]
    fn a_validator_that_cannot_be_had_is_an_error() {
        for validator in ["{}", "true", "5"] {
            let error = SchemaError::Validator("note".into(), JsonSchemaError::NotBuiltIn);
            assert_eq!(file(validator).unwrap_err(), error);
        }
    }

    #[cfg(feature = "json-schema")]
    #[test]
    fn a_schema_file_holds_validators() {
        let schema = file(
            r##"{"type":"object","required":["x"],"additionalProperties":false,
            "properties":{"id":{"type":"string","pattern":"^note:"},"typeName":{"const":"note"},
                "x":{"type":"number","minimum":0},"when":{"format":"date"},
                "next":{"$ref":"#/properties/x"}}}"##,
        )
        .unwrap();
        let validate = |fields: &str| {
            let note = alloc::format!(r#"{{"typeName":"note",{fields}}}"#);
            schema.validate("note", &note.parse().unwrap()).is_ok()
        };
        for valid in [
            r#""id":"note:1","x":0"#,
            r#""id":"note:1","x":1.5,"next":7"#,
            r#""id":"note:1","x":1e300,"when":"2020-02-29""#,
        ] {
            assert!(validate(valid), "{valid}");
        }
        for invalid in [
            r#""id":"note:1""#,
            r#""id":"page:1","x":0"#,
            r#""id":"note:1","x":-1"#,
            r#""id":"note:1","x":"0""#,
            r#""id":"note:1","x":0,"y":0"#,
            r#""id":"note:1","x":0,"next":-1"#,
            r#""id":"note:1","x":0,"when":"2021-02-29""#,
        ] {
            assert!(!validate(invalid), "{invalid}");
        }
    }

    #[cfg(feature = "json-schema")]
    #[test]
    fn a_document_that_makes_no_validator_is_an_error_that_says_where() {
        for (validator, why) in [
            ("5", "its root"),
            (r#"{"type":"strnig"}"#, "/type"),
            (r#"{"properties":{"x":{"minimum":"0"}}}"#, "/properties/x/minimum"),
            (r#"{"pattern":"("}"#, "/pattern"),
            (r#"{"pattern":"(?=x)x"}"#, "/pattern"),
            (r#"{"format":"phase-of-the-moon"}"#, "format"),
            (r##"{"$ref":"#/nowhere"}"##, "nowhere"),
            (r#"{"$ref":"https://example.com/note.json"}"#, "example.com"),
            (r#"{"$ref":"file:///etc/passwd"}"#, "passwd"),
        ] {
            let error = file(validator).unwrap_err();
            assert!(matches!(&error, SchemaError::Validator(name, _) if name.as_str() == "note"));
            let line = alloc::string::ToString::to_string(&error);
            assert!(line.contains("`note`") && line.contains(why), "{validator}: {line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
