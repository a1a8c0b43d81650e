//! How each push takes effect once: who a client says it is, and which of its pushes were taken.

use super::Room;
use super::session::{Claim, Session, SessionKey};
use crate::close::CloseReason;
use crate::ids::ClientId;
use crate::store::PushClient;

impl Room {
    /// Who a client says it is, and the last of its pushes that was taken. Any
    /// other session of the same client is closed first, so that this cannot change behind it.
    pub(super) fn claim(
        &mut self,
        key: SessionKey,
        client: Option<ClientId>,
        last_acked: Option<u64>,
    ) -> Option<Claim> {
        let client = client?;
        let client = PushClient { identity: self.sessions.get(&key)?.identity.clone(), client };
        if let Some(other) = self.other_session_of(key, &client) {
            self.remove(other, CloseReason::Replaced);
        }
        // What the client has the answer of was taken, even if it is forgotten here.
        let applied = self.store.applied().last_of(&client).unwrap_or_default();
        Some(Claim { client, applied: applied.max(last_acked.unwrap_or_default()) })
    }

    /// Another session that says it is that client.
    pub(super) fn other_session_of(
        &self,
        key: SessionKey,
        client: &PushClient,
    ) -> Option<SessionKey> {
        let says_so = |session: &Session| {
            let claim = session.reader().and_then(|reader| reader.claim.as_ref());
            claim.is_some_and(|claim| claim.client == *client)
        };
        let mut others = self.sessions.iter().filter(|(other, _)| **other != key);
        others.find(|(_, session)| says_so(session)).map(|(other, _)| *other)
    }
}
