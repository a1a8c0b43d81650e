//! What sessions show of themselves: synced like records, stored never.

use super::Room;
use super::push::Refusal;
use super::session::SessionKey;
use crate::diff::{Effect, ObjectDiff, RecordOp, StringAppend};
use crate::store::{is_within_depth, size_of_object};
use crate::value::Object;
use crate::wire::PresenceOp;

/// What a change of presence will do. Nothing has happened yet.
pub(super) struct PresenceChange {
    pub(super) before: Option<Object>,
    pub(super) after: Object,
    pub(super) op: RecordOp,
}

impl Room {
    /// Works out what `op` does to the session's presence, or `None` when that is nothing.
    pub(super) fn plan_presence(
        &self,
        key: SessionKey,
        op: PresenceOp,
    ) -> Result<Option<PresenceChange>, Refusal> {
        let (Some(session), Some(presence_type)) =
            (self.sessions.get(&key), self.schema.presence_type())
        else {
            return Ok(None);
        };
        let lens = session.reader().and_then(|reader| reader.dialect.form.lens.as_ref());
        let lens = lens.filter(|lens| lens.alters(presence_type));
        let mut after = match (op, &session.presence) {
            (PresenceOp::Put(record), _) => record,
            // There is nothing to patch.
            (PresenceOp::Patch(_), None) => return Ok(None),
            (PresenceOp::Patch(diff), Some(before)) => {
                let mut after =
                    lens.map_or_else(|| Ok(before.clone()), |lens| lens.view(before))?;
                if diff.apply(&mut after) == Effect::None {
                    return Ok(None);
                }
                after
            }
        };
        after.insert("id", session.presence_id.as_str());
        after.insert("typeName", presence_type.as_str());
        if let Some(lens) = lens {
            after = lens.edit(session.presence.as_ref(), after)?;
        }
        let limits = &self.config.limits;
        if size_of_object(&after) > limits.presence_bytes
            || lens.is_some() && !is_within_depth(&after, limits.value_depth)
        {
            return Err(Refusal::InvalidRecord);
        }
        self.schema.validate(presence_type, &after)?;
        let op = match &session.presence {
            None => RecordOp::Put(after.clone()),
            Some(before) => match ObjectDiff::between(before, &after, StringAppend::Allowed) {
                None => return Ok(None),
                Some(diff) => RecordOp::Patch(diff),
            },
        };
        let before = session.presence.clone();
        Ok(Some(PresenceChange { before, after, op }))
    }
}
