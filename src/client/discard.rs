//! How an application gives up what the room will not take.

use super::Client;
use super::action::{ClientEvent, Source, Status};
use super::connection::Connection;
use crate::close::CloseReason;
use crate::time::Instant;

impl Client {
    /// Gives up all changes of documents that the room has not confirmed: they are undone here, told
    /// as [`ClientEvent::GivenUp`], and not kept any more. A client that the room has refused then
    /// tries again.
    ///
    /// It is for an application whose client is refused because of what it wants to change: with
    /// [`CloseReason::InvalidRecord`] by a room that is stricter than the client's own schema, or with
    /// [`CloseReason::RateLimited`] or [`CloseReason::UnknownError`] where it takes less than
    /// [`ClientConfig::limits`](super::ClientConfig::limits) and
    /// [`ClientConfig::push_budget`](super::ClientConfig::push_budget) say. Such a client is refused
    /// whenever it comes back, also when it is restored. [`Client::pending`] says of which documents
    /// there are changes, so that the user can be shown, or make a copy of, what will be lost.
    ///
    /// What was pushed and is not answered may have arrived: then the room will tell of it as of any
    /// change. To find out, a client that waits for such an answer connects anew.
    pub fn discard_unconfirmed(&mut self, now: Instant) {
        self.advance(now);
        let waits_for_answer = self.replica.pending().iter().any(|push| !push.diff.is_empty());
        let (given_up, changes) = self.replica.discard();
        self.undo.note_others(&changes);
        if !changes.is_empty() {
            self.emit(ClientEvent::Changed { source: Source::Local, changes });
        }
        if !given_up.is_empty() {
            self.emit(ClientEvent::GivenUp(given_up));
        }
        let is_refused = matches!(self.status, Status::Refused(_));
        // Answers to what is given up would be answers to nothing.
        let is_asked = matches!(self.connection, Connection::Online(_)) && waits_for_answer;
        if is_refused || is_asked {
            self.failed_hydrations = 0;
            self.retry.reset();
            self.close_link(CloseReason::Reset);
            self.dial();
        }
        self.finish();
    }
}
