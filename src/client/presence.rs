//! What others see of this client.

use super::connection::Online;
use super::replica::Replica;
use super::{Client, PresenceMode};
use crate::diff::{ObjectDiff, StringAppend};
use crate::error::TransactError;
use crate::schema::Scope;
use crate::store::Transaction;
use crate::time::Instant;
use crate::value::Object;
use crate::wire::PresenceOp;

impl Client {
    /// Sets the record that others see of this client. The room gives it an id of its own.
    ///
    /// With `None` nothing more is sent. As the protocol has no word for taking presence back,
    /// others see what they saw until the room lets the session go: when the connection has ended
    /// and the client has not come back within the room's grace of some seconds.
    ///
    /// # Errors
    ///
    /// When the record is not a valid one of the schema's presence type.
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
