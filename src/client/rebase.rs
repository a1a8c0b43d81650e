//! What a change is to one record, and what it does to another state of it.

use crate::diff::{Effect, ObjectDiff, RecordOp, StringAppend};
use crate::schema::{Schema, Scope, identity};
use crate::value::Object;

/// What turns one state of a record into another, or `None` when they are equal.
pub(super) fn change_between(before: Option<&Object>, after: Option<&Object>) -> Option<RecordOp> {
    match (before, after) {
        (None, None) => None,
        (Some(_), None) => Some(RecordOp::Remove),
        (None, Some(after)) => Some(RecordOp::Put(after.clone())),
        (Some(before), Some(after)) if before.get("typeName") != after.get("typeName") => {
            Some(RecordOp::Put(after.clone()))
        }
        (Some(before), Some(after)) => {
            ObjectDiff::between(before, after, StringAppend::Allowed).map(RecordOp::Patch)
        }
    }
}

/// What `op` will make of a record. As in a room, what does not fit has no effect; and what would
/// leave a record that the schema refuses has none either, where a room would end the session.
pub(super) fn predict(schema: &Schema, record: Option<Object>, op: &RecordOp) -> Option<Object> {
    match op {
        RecordOp::Put(record) => Some(record.clone()),
        RecordOp::Remove => None,
        RecordOp::Patch(diff) => {
            let record = record?;
            Some(patched(schema, &record, diff).unwrap_or(record))
        }
    }
}

/// Whether the schema does not let the change happen to a record that is there.
pub(super) fn is_refused(schema: &Schema, record: Option<&Object>, op: &RecordOp) -> bool {
    match op {
        RecordOp::Put(record) => {
            let type_name = identity(record).map_or("", |(_, type_name)| type_name);
            schema.scope(type_name) != Some(Scope::Document)
                || schema.validate(type_name, record).is_err()
        }
        RecordOp::Patch(diff) => {
            record.is_some_and(|record| patched(schema, record, diff).is_none())
        }
        RecordOp::Remove => false,
    }
}

/// The record with `diff` applied, or `None` when it would not be the same record or not valid.
fn patched(schema: &Schema, record: &Object, diff: &ObjectDiff) -> Option<Object> {
    let mut after = record.clone();
    if diff.apply(&mut after) == Effect::None {
        return Some(after);
    }
    let (_, type_name) = identity(record)?;
    let is_valid =
        identity(record) == identity(&after) && schema.validate(type_name, &after).is_ok();
    is_valid.then_some(after)
}
