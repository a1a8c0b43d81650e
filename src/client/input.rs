//! What arrives: connections, messages, time. A peer can never make these fail or panic.

use super::Client;
use super::action::{Checkpoint, ClientAction, ClientEvent, NetworkHint, Status};
use super::connection::Connection;
use crate::close::CloseReason;
use crate::error::Malformed;
use crate::ids::LinkId;
use crate::time::Instant;
use crate::wire::{Codec, IncompatibilityReason, ServerMessage};

impl Client {
    /// The driver has connected. The new link takes the place of any earlier one.
    pub fn handle_connected(&mut self, now: Instant) -> LinkId {
        self.advance(now);
        self.last_link += 1;
        let link = LinkId(self.last_link);
        if matches!(self.connection, Connection::Stopped) {
            self.actions.push_back(ClientAction::Close { link, reason: CloseReason::Closed });
            return link;
        }
        self.close_link(CloseReason::Replaced);
        self.enter(link);
        self.finish();
        link
    }

    /// The driver could not connect. Ignored when it was not asked to.
    pub fn handle_dial_failed(&mut self, now: Instant) {
        self.advance(now);
        if matches!(self.connection, Connection::Dialing { .. }) {
            self.retry_later(CloseReason::Disconnected);
        }
    }

    /// A message arrived. On a link that is gone it is ignored.
    pub fn handle_message(&mut self, now: Instant, link: LinkId, bytes: &[u8]) {
        self.advance(now);
        if self.connection.link() != Some(link) {
            return;
        }
        if let Connection::Online(online) = &mut self.connection {
            online.health.note_heard(self.now);
        }
        let limits = &self.config.limits;
        if bytes.len() > limits.message_bytes {
            self.start_over();
        } else {
            match ServerMessage::decode(bytes, limits.value_depth) {
                Ok(message) => self.handle_server_message(message, Codec::of(bytes)),
                Err(Malformed) => self.start_over(),
            }
        }
        self.finish();
    }

    /// The transport of a link ended. Ignored for one that is closed or replaced already. After a
    /// fatal reason, as [`CloseReason::from_wire`] tells it, the client stops.
    pub fn handle_disconnected(&mut self, now: Instant, link: LinkId, reason: CloseReason) {
        self.advance(now);
        if self.connection.link() != Some(link) {
            return;
        }
        // Gone from here, so that nothing is asked of the transport any more.
        self.connection = Connection::Waiting { until: self.now };
        if reason.is_fatal() {
            self.stop(reason.clone(), Status::Refused(reason));
        } else {
            self.retry_later(reason);
        }
    }

    /// The driver has learned something of the network or the application's place on the screen.
    pub fn handle_network(&mut self, now: Instant, hint: NetworkHint) {
        self.advance(now);
        if !matches!(self.connection, Connection::Stopped) {
            self.handle_hint(hint);
        }
    }

    /// Time has passed. Does what is due; early, late and repeated calls are safe.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        self.run_timers();
        self.finish();
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Ends an input or command: pushes what may be pushed, and tells whether all is settled.
    pub(super) fn finish(&mut self) {
        self.push_if_due();
        let answered = self.replica.answered_changes();
        if answered > self.told_answered {
            self.emit(ClientEvent::Confirmed(Checkpoint(answered)));
            self.told_answered = answered;
        }
        let is_settled = self.replica.is_settled();
        if is_settled && !self.told_settled {
            self.emit(ClientEvent::Settled);
        }
        self.told_settled = is_settled;
    }

    fn handle_server_message(&mut self, message: ServerMessage, codec: Codec) {
        match message {
            ServerMessage::Connect(answer) => self.handle_connect_answer(answer, codec),
            ServerMessage::Data(entries) => self.handle_data(entries),
            ServerMessage::Pong => {
                if let Connection::Online(online) = &mut self.connection {
                    online.health.note_pong();
                }
            }
            ServerMessage::Custom(data) => self.emit(ClientEvent::Custom(data)),
            ServerMessage::Incompatible(reason) => {
                let reason = match reason {
                    IncompatibilityReason::ClientTooOld => CloseReason::ClientTooOld,
                    IncompatibilityReason::ServerTooOld => CloseReason::ServerTooOld,
                    IncompatibilityReason::InvalidRecord => CloseReason::InvalidRecord,
                    IncompatibilityReason::InvalidOperation => CloseReason::UnknownError,
                };
                self.stop(CloseReason::Closed, Status::Refused(reason));
            }
        }
    }
}
