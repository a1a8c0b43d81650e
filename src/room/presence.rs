//! What sessions show of themselves: synced like records, stored never.

use super::Room;
use super::session::SessionKey;
use crate::diff::{Effect, ObjectDiff, RecordOp, StringAppend};
use crate::schema::InvalidRecord;
use crate::store::size_of_object;
use crate::value::Object;
use crate::wire::PresenceOp;

/// What a change of presence will do. Nothing has happened yet.
pub(super) struct PresenceChange {
    pub(super) after: Object,
    pub(super) op: RecordOp,
}

impl Room {
    /// Works out what `op` does to the session's presence, or `None` when that is nothing.
    pub(super) fn plan_presence(
        &self,
        key: SessionKey,
        op: PresenceOp,
    ) -> Result<Option<PresenceChange>, InvalidRecord> {
        let (Some(session), Some(presence_type)) =
            (self.sessions.get(&key), self.schema.presence_type())
        else {
            return Ok(None);
        };
        let mut after = match (op, &session.presence) {
            (PresenceOp::Put(record), _) => record,
            // There is nothing to patch.
            (PresenceOp::Patch(_), None) => return Ok(None),
            (PresenceOp::Patch(diff), Some(before)) => {
                let mut after = before.clone();
                if diff.apply(&mut after) == Effect::None {
                    return Ok(None);
                }
                after
            }
        };
        after.insert("id", session.presence_id.as_str());
        after.insert("typeName", presence_type.as_str());
        if size_of_object(&after) > self.config.limits.presence_bytes {
            return Err(InvalidRecord);
        }
        self.schema.validate(presence_type, &after)?;
        let op = match &session.presence {
            None => RecordOp::Put(after.clone()),
            Some(before) => match ObjectDiff::between(before, &after, StringAppend::Allowed) {
                None => return Ok(None),
                Some(diff) => RecordOp::Patch(diff),
            },
        };
        Ok(Some(PresenceChange { after, op }))
    }
}
