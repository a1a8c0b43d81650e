//! A live client and a room that says what bytes say.

use super::messages::{Known, sent, server_message};
use super::room::Reached;
use crate::edit::{OBJECT_TYPE, edit, new_record, presence, schema};
use crate::laws;
use crate::model::Records;
use crate::oracle::records_of;
use crate::tape::Tape;
use crate::watched::Watched;
use roomsync::{
    Client, ClientAction, ClientConfig, ClientEvent, ClientMessage, ClientSnapshot, CloseReason,
    Codec, Instant, Key, Limits, LinkId, NetworkHint, PresenceMode, RecordChange, Room, RoomAction,
    RoomConfig, RoomSnapshot, SessionParams, Status,
};
use std::time::Duration;

/// The clock of the sound room: one of which no other room says that it has seen it, so that it tells
/// everything.
const CLOCK: u64 = 1 << 40;

/// Feeds a client what `bytes` say. What it tells its application and what it keeps is what it has;
/// and with a sound room it comes to agree in the end, unless it was told to stop.
pub fn client(bytes: &[u8]) {
    let _ = client_reach(bytes);
}

/// The same, and says what was met.
#[must_use]
pub fn client_reach(bytes: &[u8]) -> Reached {
    let mut tape = Tape::new(bytes.to_vec(), Vec::new());
    let mut scene = Scene::new(&mut tape);
    while !tape.is_spent() {
        scene.step(&mut tape);
        scene.drain();
    }
    scene.meet_a_sound_room()
}

struct Scene {
    now: Instant,
    config: ClientConfig,
    client: Client,
    link: Option<LinkId>,
    dials: bool,
    /// What it has asked and was not answered, as far as a room would know.
    request: Key,
    pushes: Vec<u64>,
    /// What its application knows by events, and what is durable.
    status: Status,
    documents: Records,
    others: Records,
    watched: Watched,
    kept: ClientSnapshot,
    stamp: u64,
    /// Messages that it sends, for the sound room.
    outbox: Vec<Vec<u8>>,
    reached: Reached,
}

impl Scene {
    fn new(tape: &mut Tape) -> Self {
        let now = Instant::from_micros(1 << 40);
        let mut config = ClientConfig::default();
        let how = tape.choose(32);
        config.object_types.insert(Key::from(OBJECT_TYPE));
        config.codec = [Codec::Json, Codec::Postcard][how & 1];
        config.persist = how & 2 > 0;
        config.client_id = (how & 4 > 0).then(|| "phone".into());
        if how & 8 > 0 {
            config.limits.unanswered_pushes = 2;
            config.undo_steps = 2;
        }
        if how & 16 > 0 {
            config.presence_mode = PresenceMode::Solo;
        }
        let client = Client::new(now, config.clone(), schema(false)).expect("a good config");
        let mut scene = Self {
            now,
            config,
            client,
            link: None,
            dials: false,
            request: Key::from(""),
            pushes: Vec::new(),
            status: Status::Offline,
            documents: Records::new(),
            others: Records::new(),
            watched: Watched::default(),
            kept: ClientSnapshot::default(),
            stamp: 0,
            outbox: Vec::new(),
            reached: Reached::new(),
        };
        scene.drain();
        scene
    }

    fn step(&mut self, tape: &mut Tape) {
        let now = self.now;
        match tape.choose(16) {
            0 => self.advance(Duration::from_millis(tape.choose(256) as u64)),
            1 => self.advance(Duration::from_secs(tape.choose(40) as u64)),
            2 | 3 => {
                self.stamp += 1;
                let (record, how) = (tape.choose(256) as u16, tape.choose(256) as u16 * 7);
                // What does not fit what is there does nothing.
                drop(self.client.transact(now, |tx| edit(tx, record, how, self.stamp)));
            }
            4 => match tape.choose(8) {
                0 | 1 => {
                    if self.client.undo(now) {
                        self.reached.insert("undone".into());
                    }
                }
                2 => {
                    if self.client.redo(now) {
                        self.reached.insert("redone".into());
                    }
                }
                3 => {
                    use NetworkHint::{Background, Down, Foreground, Up};
                    self.client
                        .handle_network(now, [Up, Down, Foreground, Background][tape.choose(4)]);
                }
                4 => drop(self.client.send_custom(now, tape.new_value())),
                5 => {
                    let mode = [PresenceMode::Full, PresenceMode::Solo][tape.choose(2)];
                    self.client.set_presence_mode(now, mode);
                }
                _ => {
                    let shown = presence(tape.choose(256) as u16);
                    drop(self.client.set_presence(now, Some(shown)));
                }
            },
            5 => self.hang_up(tape),
            6 if self.dials && tape.choose(4) == 0 => {
                self.dials = false;
                self.client.handle_dial_failed(now);
            }
            _ if self.dials => self.pick_up(),
            _ => self.hear(tape),
        }
    }

    fn pick_up(&mut self) {
        self.dials = false;
        self.pushes.clear();
        self.link = Some(self.client.handle_connected(self.now));
    }

    /// The link ends, in one of many ways.
    fn hang_up(&mut self, tape: &mut Tape) {
        let Some(link) = self.link.take() else { return };
        let codes = [1000, 1006, 1001, 1006, 1000, 1006, 4099, 1006];
        let code = codes[tape.choose(codes.len())];
        let text = String::from_utf8_lossy(&tape.take(4)).into_owned();
        let reason = CloseReason::from_wire(code, &text);
        self.client.handle_disconnected(self.now, link, reason);
    }

    /// The room says something, on a link that may be gone.
    fn hear(&mut self, tape: &mut Tape) {
        let Some(link) = self.link else { return };
        let record = |id: &str| self.client.record(id).cloned();
        let known = Known {
            record: &record,
            clock: self.client.server_clock().unwrap_or(0),
            request: self.request.clone(),
            pushes: &self.pushes,
        };
        let message = server_message(tape, &known);
        let frame = message.encode([Codec::Json, Codec::Postcard][tape.choose(2)]);
        let bytes = sent(tape, &frame);
        if matches!(message, roomsync::ServerMessage::Data(_)) && !self.pushes.is_empty() {
            self.pushes.remove(0);
        }
        self.client.handle_message(self.now, link, &bytes);
    }

    fn advance(&mut self, by: Duration) {
        let until = self.now.saturating_add(by);
        self.drain();
        while let Some(next) = self.client.poll_timeout().filter(|next| *next <= until) {
            assert!(next > self.now, "due at {next:?} and not done");
            self.now = next;
            self.client.handle_timeout(next);
            self.drain();
        }
        self.now = until;
    }

    /// Carries out what the client asks for, and compares what it told with what it has.
    fn drain(&mut self) {
        while let Some(action) = self.client.poll_action() {
            match action {
                ClientAction::Dial => self.dials = true,
                ClientAction::Send { link, frame } => {
                    assert_eq!(Some(link), self.link, "sent on a link that is gone");
                    self.note(&frame.to_bytes());
                }
                ClientAction::Close { link, reason } => {
                    self.reached.insert(format!("closed: {reason}"));
                    if self.link == Some(link) {
                        self.link = None;
                    }
                }
                ClientAction::Persist(commit) => {
                    self.kept.apply(&laws::read_back(&commit));
                }
                ClientAction::Event(event) => self.hears_event(event),
            }
        }
        assert_eq!(records_of(self.client.records()), self.documents);
        assert_eq!(records_of(self.client.presence()), self.others);
        assert_eq!(*self.client.status(), self.status);
        self.watched.look(0, &mut self.client).expect("queries");
        if self.config.persist {
            let (config, kept) = (self.config.clone(), &self.kept);
            let again = Client::restore(self.now, config, schema(false), kept);
            let again = again.expect("what a client keeps");
            assert_eq!(again.server_clock(), self.client.server_clock());
            assert_eq!(again.is_settled(), self.client.is_settled());
            assert_eq!(records_of(again.records()), self.documents);
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        match ClientMessage::decode(bytes, Limits::MAX_VALUE_DEPTH) {
            Ok(ClientMessage::Connect(request)) => self.request = request.connect_request_id,
            Ok(ClientMessage::Push(push)) => self.pushes.push(push.client_clock),
            Ok(ClientMessage::Ping | ClientMessage::Custom(_)) => {}
            // A piece of a long one.
            Err(_) => assert!(bytes.first().is_some_and(u8::is_ascii_digit)),
        }
        self.outbox.push(bytes.to_vec());
    }

    fn hears_event(&mut self, event: ClientEvent) {
        let name = format!("{event:?}");
        let name = name.split([' ', '{', '(', '[']).next().unwrap_or_default();
        self.reached.insert(name.to_owned());
        match event {
            ClientEvent::Changed { changes, .. } => fold(&mut self.documents, changes),
            ClientEvent::Presence(changes) => fold(&mut self.others, changes),
            ClientEvent::Status(status) => self.status = status,
            ClientEvent::Query { query, changes } => {
                self.watched.hears(0, query, changes).expect("queries");
            }
            ClientEvent::Confirmed(_)
            | ClientEvent::Settled
            | ClientEvent::Refused(_)
            | ClientEvent::Access { .. }
            | ClientEvent::Unreadable(_)
            | ClientEvent::Custom(_)
            | _ => {}
        }
    }

    /// The client gets to a room that keeps to the protocol.
    fn meet_a_sound_room(mut self) -> Reached {
        if matches!(self.status, Status::Refused(_) | Status::Closed) {
            self.advance(Duration::from_secs(100));
            assert!(!self.dials && self.link.is_none(), "it goes on though it was told to stop");
            return self.reached;
        }
        let mut snapshot = RoomSnapshot::default();
        (snapshot.clock, snapshot.tombstone_history_starts_at) = (CLOCK, CLOCK);
        snapshot.documents = vec![(new_record(0, 5), CLOCK), (new_record(3, 2), CLOCK)];
        let mut room =
            Room::restore(RoomConfig::default(), schema(false), snapshot).expect("a good snapshot");
        if let Some(link) = self.link.take() {
            self.client.handle_disconnected(self.now, link, CloseReason::Disconnected);
        }
        self.outbox.clear();
        let mut connection = None;
        let end = self.now.saturating_add(Duration::from_secs(400));
        loop {
            self.drain();
            if self.dials {
                self.pick_up();
                self.outbox.clear();
                connection = room.handle_connect(self.now, SessionParams::new("s")).ok();
                self.drain();
            }
            for bytes in core::mem::take(&mut self.outbox) {
                if let Some(connection) = connection {
                    room.handle_message(self.now, connection, &bytes);
                }
            }
            let mut is_idle = true;
            while let Some(action) = room.poll_action() {
                match action {
                    RoomAction::Send { frame, .. } => {
                        is_idle = false;
                        if let Some(link) = self.link {
                            self.client.handle_message(self.now, link, &frame.to_bytes());
                        }
                    }
                    RoomAction::Close { reason, .. } => panic!("the room closes it: {reason:?}"),
                    RoomAction::Persist(_) | RoomAction::Event(_) => {}
                }
            }
            let is_done = self.status == Status::Online && self.client.is_settled();
            if is_idle && self.outbox.is_empty() && (is_done || self.now >= end) {
                break;
            }
            if is_idle && self.outbox.is_empty() && !self.dials {
                let next = [self.client.poll_timeout(), room.poll_timeout()].into_iter().flatten();
                self.now = next.min().unwrap_or(end).max(self.now);
                self.client.handle_timeout(self.now);
                room.handle_timeout(self.now);
            }
        }
        assert_eq!(self.status, Status::Online);
        assert!(self.client.is_settled());
        assert_eq!(self.documents, records_of(room.records()));
        self.reached
    }
}

fn fold(records: &mut Records, changes: Vec<RecordChange>) {
    for RecordChange { id, before, after } in changes {
        assert_eq!(records.get(&id), before.as_ref(), "{id} before a change");
        assert_ne!(before, after, "{id} changed into itself");
        match after {
            Some(record) => records.insert(id, record),
            None => records.remove(&id),
        };
    }
}
