//! How a client enters its room, and what it does when it cannot make sense of the answer.

use super::Client;
use super::action::{ClientAction, ClientEvent, Status};
use super::connection::{Connection, Online};
use super::health::Health;
use super::replica::Replica;
use super::step::{Fault, Staged, Step};
use crate::close::CloseReason;
use crate::diff::NetworkDiff;
use crate::ids::{Key, LinkId};
use crate::limits::Limits;
use crate::wire::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, HydrationType, ObjectAccess,
    PROTOCOL_VERSION, split,
};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

/// So many answers in a row that make no sense end all attempts.
const MOST_FAILED_HYDRATIONS: u32 = 3;

impl Client {
    /// Asks to be let in on a new link.
    pub(super) fn enter(&mut self, link: LinkId) {
        self.last_request += 1;
        let request = Key::from(format!("{}", self.last_request));
        let (since, until) = (self.now, self.now.saturating_add(self.config.answer_timeout));
        let entering = Connection::Entering { link, request: request.clone(), since, until };
        self.leave(entering, Status::Connecting);
        self.send(&ClientMessage::Connect(ConnectRequest {
            connect_request_id: request,
            last_server_clock: self.server_clock,
            protocol_version: Some(PROTOCOL_VERSION),
            schema: self.schema.serialized().cloned(),
            client_id: self.config.client_id.clone(),
            last_acked_push: self.config.client_id.as_ref().map(|_| self.last_acked_push),
            codecs: self.offered_codecs(),
        }));
    }

    /// Takes the answer to the latest request; answers to others are ignored.
    pub(super) fn handle_connect_answer(&mut self, answer: ConnectAnswer, codec: Codec) {
        let Connection::Entering { link, request, .. } = &self.connection else { return };
        if *request != answer.connect_request_id {
            return;
        }
        let link = *link;
        let applied = answer.last_applied_push.filter(|_| self.config.client_id.is_some());
        match self.hydration(answer.hydration_type, answer.diff, applied) {
            Ok(staged) => {
                self.set_access(answer.is_readonly, answer.object_access.unwrap_or_default());
                self.server_clock = Some(answer.server_clock);
                // An earlier life of this client has pushed more: its numbers are taken.
                self.last_push = self.last_push.max(applied.unwrap_or(0));
                self.failed_hydrations = 0;
                self.retry.reset();
                self.connection = Connection::Online(Online {
                    link,
                    // The room speaks it, so it reads it.
                    codec: if codec == self.config.codec { codec } else { Codec::Json },
                    health: Health::new(self.now, self.config.ping_interval),
                    pushed_at: None,
                    pause: Duration::ZERO,
                    pushed_presence: None,
                });
                self.take_over(staged, Replica::hydrate);
                self.set_status(Status::Online);
            }
            Err(Fault) => self.start_over(),
        }
    }

    /// Connects anew, since the room said something that makes no sense here.
    pub(super) fn start_over(&mut self) {
        if matches!(self.connection, Connection::Entering { .. }) {
            self.failed_hydrations += 1;
            if self.failed_hydrations >= MOST_FAILED_HYDRATIONS {
                return self.stop(CloseReason::Closed, Status::Refused(CloseReason::UnknownError));
            }
        }
        self.retry_later(CloseReason::Reset);
    }

    /// Sends a message, in pieces if it is long, on the link that there is.
    pub(super) fn send(&mut self, message: &ClientMessage) {
        let Some(link) = self.connection.link() else { return };
        let frames = split(message.encode(self.connection.codec())).into_iter();
        self.actions.extend(frames.map(|frame| ClientAction::Send { link, frame }));
    }

    /// What the room may answer in, besides JSON.
    fn offered_codecs(&self) -> Vec<Codec> {
        match self.config.codec {
            Codec::Json => Vec::new(),
            codec @ Codec::Postcard => [codec].into(),
        }
    }

    fn set_access(&mut self, is_readonly: bool, object_access: ObjectAccess) {
        if (self.is_readonly, self.object_access) != (is_readonly, object_access) {
            self.is_readonly = is_readonly;
            self.object_access = object_access;
            self.emit(ClientEvent::Access { is_readonly, object_access });
        }
    }

    /// What an answer to connect comes to. `applied` is the last push that the room says it has taken, if
    /// the client had asked for that.
    fn hydration(
        &self,
        hydration: HydrationType,
        diff: NetworkDiff,
        applied: Option<u64>,
    ) -> Result<Staged, Fault> {
        if applied >= Some(Limits::MAX_CLOCK) {
            // It leaves no number for the next one.
            return Err(Fault);
        }
        let mut step = Step::new(&self.schema, &self.replica, &self.presence);
        step.wipe(hydration);
        step.apply_others(diff)?;
        let mut staged = step.into_staged();
        // A number that was never given is of somebody else, and says nothing of pushes made here.
        if let Some(applied) = applied.filter(|push| *push <= self.last_push) {
            // The diff holds what these pushes did, or it was undone since.
            let taken = self.replica.pending().iter().take_while(|push| push.clock <= applied);
            staged.answered = taken.count();
            // No other push has reached the room, so that it does not need to be guessed.
            staged.gone.clear();
        }
        Ok(staged)
    }
}
