//! What others see of this client.

use super::connection::Online;
use super::replica::Replica;
use super::{Client, PresenceMode};
use crate::diff::{ObjectDiff, StringAppend};
use crate::error::TransactError;
use crate::schema::{Scope, identity};
use crate::store::{Transaction, size_of_object};
use crate::time::Instant;
use crate::value::Object;
use crate::wire::PresenceOp;

/// The bytes that a room adds to the name of the type to make the id of a presence, at most.
const ROOMS_OWN: usize = 21;

impl Client {
    /// Sets the record that others see of this client. The room gives it an id of its own.
    ///
    /// With `None` nothing more is sent. As the protocol has no word for taking presence back,
    /// others see what they saw until the room lets the session go: when the connection has ended
    /// and the client has not come back within the room's grace of some seconds.
    ///
    /// # Errors
    ///
    /// When the record is not a valid one of the schema's presence type, nests deeper than
    /// [`Limits::value_depth`](crate::Limits::value_depth), or is larger than
    /// [`Limits::presence_bytes`](crate::Limits::presence_bytes) as the room will have it.
    pub fn set_presence(
        &mut self,
        now: Instant,
        presence: Option<Object>,
    ) -> Result<(), TransactError> {
        self.advance(now);
        if let Some(record) = &presence {
            let nothing = Replica::default();
            let depth = self.config.limits.value_depth;
            Transaction::new(&nothing, &self.schema, &[Scope::Presence], depth)
                .put(record.clone())?;
            let (id, type_name) = identity(record).unwrap_or_default();
            let more = (type_name.len() + ROOMS_OWN).saturating_sub(id.len());
            if size_of_object(record).saturating_add(more) > self.config.limits.presence_bytes {
                return Err(TransactError::TooLarge(id.into()));
            }
        }
        self.own_presence = presence;
        self.finish();
        Ok(())
    }

    /// Tells the client whether anybody else is there to see its presence.
    pub fn set_presence_mode(&mut self, now: Instant, mode: PresenceMode) {
        self.advance(now);
        self.presence_mode = mode;
        self.finish();
    }

    /// What to tell the room of the client's presence, if anything.
    pub(super) fn presence_op(&self, online: &Online) -> Option<PresenceOp> {
        if self.presence_mode == PresenceMode::Solo {
            return None;
        }
        let presence = self.own_presence.as_ref()?;
        match &online.pushed_presence {
            Some(pushed) => {
                ObjectDiff::between(pushed, presence, StringAppend::Allowed).map(PresenceOp::Patch)
            }
            None => Some(PresenceOp::Put(presence.clone())),
        }
    }

    /// Whether there is something to tell the room of the client's presence.
    pub(super) fn has_unsent_presence(&self, online: &Online) -> bool {
        self.presence_mode == PresenceMode::Full
            && self.own_presence.is_some()
            && self.own_presence != online.pushed_presence
    }
}
