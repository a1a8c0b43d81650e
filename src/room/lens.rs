//! How a client of an older schema sees the records of the room, and what its edits do to them.

use crate::diff::{ObjectDiff, RecordOp, StringAppend};
use crate::schema::{MigrationError, MigrationPath, SerializedSchema};
use crate::value::{Object, Value};

/// The migrations between a client's schema and the room's, all of which go both ways.
#[derive(Clone, Debug)]
pub(super) struct Lens {
    pub(super) client: SerializedSchema,
    pub(super) path: MigrationPath,
}

/// Sessions share the lens of a schema, so that is enough to tell two from one another.
impl PartialEq for Lens {
    fn eq(&self, other: &Self) -> bool {
        self.client == other.client
    }
}

impl Lens {
    /// Whether records of that type look different through it.
    pub(super) fn alters(&self, type_name: &str) -> bool {
        self.path.may_see(type_name)
    }

    /// The record as the client sees it.
    pub(super) fn view(&self, record: &Object) -> Result<Object, MigrationError> {
        self.path.migrate_down(record.clone())
    }

    /// What the client sees of a record's change, or `None` when it sees none.
    pub(super) fn see(
        &self,
        before: Option<&Object>,
        after: Option<&Object>,
        strings: StringAppend,
    ) -> Result<Option<RecordOp>, MigrationError> {
        let type_name = |record: &Object| record.get("typeName").cloned();
        Ok(match (before, after) {
            (Some(before), Some(after)) if type_name(before) == type_name(after) => {
                let (before, after) = (self.view(before)?, self.view(after)?);
                ObjectDiff::between(&before, &after, strings).map(RecordOp::Patch)
            }
            (_, Some(after)) => Some(RecordOp::Put(self.view(after)?)),
            (Some(_), None) => Some(RecordOp::Remove),
            (None, None) => None,
        })
    }

    /// The record of the room once the client has made its view of it be `view`.
    ///
    /// What the client did not change stays as it is in the room: much of that may not be in the
    /// client's view at all.
    pub(super) fn edit(
        &self,
        before: Option<&Object>,
        view: Object,
    ) -> Result<Object, MigrationError> {
        let after = self.path.migrate_up(view)?;
        let Some(before) = before else { return Ok(after) };
        let unchanged = self.path.migrate_up(self.view(before)?)?;
        Ok(merge(before, &unchanged, &after, &["props", "meta"]))
    }
}

/// `object` with all that differs between `base` and `edited`; at the keys `inside` that goes one
/// level deeper.
fn merge(object: &Object, base: &Object, edited: &Object, inside: &[&str]) -> Object {
    let mut merged = object.clone();
    for (key, value) in edited.iter().filter(|(key, value)| base.get(key) != Some(value)) {
        let value = match (object.get(key), base.get(key), value) {
            (Some(Value::Object(object)), Some(Value::Object(base)), Value::Object(edited))
                if inside.contains(&key.as_str()) =>
            {
                Value::from(merge(object, base, edited, &[]))
            }
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    for (key, _) in base.iter().filter(|(key, _)| edited.get(key).is_none()) {
        merged.remove(key);
    }
    merged
}
