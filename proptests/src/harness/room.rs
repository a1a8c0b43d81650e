//! A live room among honest clients and peers that say what bytes say.

use super::messages::{client_message, known, pieces, request, sent, size_of};
use crate::edit::{OBJECT_TYPE, edit, presence, schema, serialized_schema};
use crate::oracle::records_of;
use crate::sleep::{kept, reopened};
use crate::storage::Storage;
use crate::tape::Tape;
use roomsync::{
    Client, ClientAction, ClientConfig, ClientMessage, ClientSnapshot, CloseReason, Codec, Commit,
    ConnectionId, DataEntry, Frame, Identity, Instant, Key, Limits, LinkId, Meta, PushAction, Rate,
    Room, RoomAction, RoomConfig, RoomEvent, ServerMessage, SessionParams, Status, Value,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// How deep records nest in a room of small limits.
const SMALL_DEPTH: usize = 7;

/// What was met on the way, by names of its own.
pub type Reached = BTreeSet<String>;

/// Peers that mean no good.
const PEERS: usize = 3;

/// How a room is configured: with the limits that are the default, or, if `small` is odd, with such that
/// are met.
pub(super) fn room_config(small: usize) -> RoomConfig {
    let mut config = RoomConfig::default();
    config.object_types.insert(Key::from(OBJECT_TYPE));
    if small % 2 == 1 {
        config.limits.message_bytes = 8192;
        config.limits.value_depth = SMALL_DEPTH;
        config.limits.record_bytes = 700;
        config.limits.presence_bytes = 400;
        config.limits.push_ops = 40;
        config.limits.records = 12;
        config.limits.tombstones = 3;
        config.limits.log_bytes = 300;
        config.limits.known_clients = 3;
        config.limits.id_bytes = 60;
        config.limits.unanswered_pushes = 3;
        config.limits.sessions = 4;
    }
    config
}

/// The same, where a peer may not say much at once.
fn scene_config(small: usize) -> RoomConfig {
    let mut config = room_config(small);
    if small % 2 == 1 {
        config.rates.messages = Some(Rate { per_second: 100, burst: 30 });
    }
    config
}

/// Feeds a room what `bytes` say. Honest clients stay in, and in the end agree with the room.
pub fn room(bytes: &[u8]) {
    let _ = room_reach(bytes);
}

/// The same, and says what was met.
#[must_use]
pub fn room_reach(bytes: &[u8]) -> Reached {
    let mut tape = Tape::new(bytes.to_vec(), Vec::new());
    let mut scene = Scene::new(tape.choose(4));
    while !tape.is_spent() {
        scene.step(&mut tape);
        scene.pump();
        scene.check();
    }
    scene.settle()
}

/// A message that comes in pieces does what it does whole, and pieces do no harm out of order.
pub fn chunks(bytes: &[u8]) {
    let mut tape = Tape::new(bytes.to_vec(), Vec::new());
    let mut whole = Room::new(room_config(tape.choose(2)), schema(false)).expect("a good config");
    let mut in_pieces = whole.clone();
    let open = |room: &mut Room| room.handle_connect(Instant::ZERO, SessionParams::new("s"));
    let connection = open(&mut whole).expect("there is room");
    assert_eq!(open(&mut in_pieces).as_ref(), Ok(&connection));
    while !tape.is_spent() {
        let record = |id: &str| whole.record(id).cloned();
        let message = client_message(&mut tape, &known(&record, whole.clock()));
        let text =
            String::from_utf8(message.encode(Codec::Json).to_bytes().to_vec()).expect("JSON");
        let mut pieces = pieces(&mut tape, &text);
        if tape.choose(8) == 7 {
            // Cut short, and then garbled.
            let at = tape.choose(pieces.len());
            pieces.truncate(at);
            pieces.push(String::from_utf8_lossy(&tape.take(12)).into_owned());
            let pieces = pieces.iter().map(String::as_bytes);
            pieces.for_each(|piece| in_pieces.handle_message(Instant::ZERO, connection, piece));
            break;
        }
        whole.handle_message(Instant::ZERO, connection, text.as_bytes());
        for piece in pieces {
            in_pieces.handle_message(Instant::ZERO, connection, piece.as_bytes());
        }
        loop {
            let (one, other) = (whole.poll_action(), in_pieces.poll_action());
            assert_eq!(one, other);
            if one.is_none() {
                break;
            }
        }
    }
}

/// What a room sends can be read.
pub(super) fn read(frame: &Frame) -> ServerMessage {
    ServerMessage::decode(&frame.to_bytes(), Limits::MAX_VALUE_DEPTH).expect("a room's message")
}

/// A client of the library over a link that loses nothing and takes no time.
struct Honest {
    client: Client,
    params: SessionParams,
    link: Option<(LinkId, ConnectionId)>,
    kept: ClientSnapshot,
}

struct Scene {
    small: usize,
    now: Instant,
    room: Room,
    storage: Storage,
    honest: Vec<Honest>,
    /// Of each peer its last connection, which may be closed.
    peers: [Option<ConnectionId>; PEERS],
    stamp: u64,
    reached: Reached,
}

impl Scene {
    fn new(small: usize) -> Self {
        let room = Room::new(scene_config(small), schema(false)).expect("a good config");
        let mut scene = Self {
            small,
            now: Instant::from_micros(1 << 40),
            storage: Storage::of_new(&room),
            room,
            honest: Vec::new(),
            peers: [None; PEERS],
            stamp: 0,
            reached: Reached::new(),
        };
        for index in 0..2 {
            let mut config = ClientConfig::default();
            config.object_types.insert(Key::from(OBJECT_TYPE));
            config.codec = [Codec::Json, Codec::Postcard][index];
            config.client_id = Some(["phone", "secret"][index].into());
            config.persist = index == 1;
            let mut params = SessionParams::new(["alice", "bob"][index]);
            params.identity = (index == 0).then(|| Identity::from("alice"));
            let client = Client::new(scene.now, config, schema(false)).expect("a good config");
            let kept = ClientSnapshot::default();
            scene.honest.push(Honest { client, params, link: None, kept });
        }
        scene.pump();
        scene
    }

    fn step(&mut self, tape: &mut Tape) {
        let peer = tape.choose(PEERS);
        match tape.choose(16) {
            0 => self.advance(Duration::from_millis(tape.choose(256) as u64)),
            1 => self.advance(Duration::from_secs(tape.choose(30) as u64)),
            2 => self.open(peer),
            3 => {
                let writable = tape.choose(2) == 0;
                if let Some(connection) = self.peers[peer] {
                    self.room.handle_writable(self.now, connection, writable);
                }
            }
            4 => {
                if let Some(connection) = self.peers[peer] {
                    self.room.handle_disconnect(self.now, connection);
                }
            }
            5 | 6 => {
                self.stamp += 1;
                let (record, how) = (tape.choose(256) as u16, tape.choose(256) as u16 * 7);
                let (own, stamp) = (&mut self.honest[peer % 2].client, self.stamp);
                // What does not fit what is there does nothing.
                drop(own.transact(self.now, |tx| edit(tx, record, how, stamp)));
            }
            7 => {
                let shown = (tape.choose(4) > 0).then(|| presence(tape.choose(256) as u16));
                let own = &mut self.honest[peer % 2].client;
                own.set_presence(self.now, shown).expect("a good presence");
            }
            8 if tape.choose(2) == 1 => drop(self.honest[peer % 2].client.undo(self.now)),
            8 => self.sleep(),
            9 => self.enter(peer, tape),
            _ => self.say(peer, tape),
        }
    }

    /// A peer's transport connects; in place of its last one, if that is there.
    fn open(&mut self, peer: usize) {
        let mut params = SessionParams::new(format!("evil-{peer}"));
        params.readonly = peer == 2;
        self.peers[peer] = self.room.handle_connect(self.now, params).ok();
        if self.peers[peer].is_none() {
            self.reached.insert("a room that is full".into());
        }
    }

    /// A peer connects and asks to be let in.
    fn enter(&mut self, peer: usize, tape: &mut Tape) {
        self.open(peer);
        let Some(connection) = self.peers[peer] else { return };
        let record = |id: &str| self.room.record(id).cloned();
        let mut request = request(tape, &known(&record, self.room.clock()));
        request.schema = Some(serialized_schema());
        let frame = ClientMessage::Connect(request).encode(Codec::Json);
        self.room.handle_message(self.now, connection, &frame.to_bytes());
    }

    /// A peer says something, whole or in pieces.
    fn say(&mut self, peer: usize, tape: &mut Tape) {
        let Some(connection) = self.peers[peer] else { return };
        let record = |id: &str| self.room.record(id).cloned();
        let message = client_message(tape, &known(&record, self.room.clock()));
        let codec = [Codec::Json, Codec::Postcard][tape.choose(2)];
        let frame = message.encode(codec);
        match frame.to_text().filter(|_| tape.choose(4) == 1) {
            Some(text) => {
                for piece in pieces(tape, &text) {
                    self.room.handle_message(self.now, connection, piece.as_bytes());
                }
            }
            None => self.room.handle_message(self.now, connection, &sent(tape, &frame)),
        }
    }

    /// The room's memory is given up and made anew, while all connections stay.
    fn sleep(&mut self) {
        self.reached.insert("sleep".into());
        // Who cannot be kept ends first, and all hear of it once nobody is in their grace.
        loop {
            let mut kept = self.honest.len();
            for peer in self.peers.into_iter().flatten() {
                match self.room.session_snapshot(peer) {
                    Some(_) => kept += 1,
                    None => self.room.handle_disconnect(self.now, peer),
                }
            }
            self.advance(Duration::from_millis(100));
            if self.room.session_count() == kept {
                break;
            }
        }
        let kept = |connection: ConnectionId| kept(&self.room, connection);
        let honest: Vec<_> =
            self.honest.iter().map(|own| own.link.and_then(|(_, it)| kept(it))).collect();
        let peers = self.peers.map(|peer| peer.and_then(kept));
        let (config, schema) = (scene_config(self.small), schema(false));
        self.room =
            reopened(&mut self.storage, config, schema).expect("what a room has made durable");
        let (room, now) = (&mut self.room, self.now);
        let mut resume = |kept| room.handle_resume(now, kept, Meta::default()).ok();
        for (own, kept) in self.honest.iter_mut().zip(honest) {
            let resumed = resume(kept.expect("an honest client is in")).expect("there is room");
            own.link = own.link.map(|(link, _)| (link, resumed));
        }
        self.peers = peers.map(|kept| kept.and_then(&mut resume));
    }

    /// Lets time pass, and whatever is due happen.
    fn advance(&mut self, by: Duration) {
        let until = self.now.saturating_add(by);
        self.pump();
        loop {
            let clients = self.honest.iter().filter_map(|own| own.client.poll_timeout());
            let next = clients.chain(self.room.poll_timeout()).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            assert!(next > self.now, "due at {next:?} and not done");
            self.now = next;
            self.room.handle_timeout(next);
            self.honest.iter_mut().for_each(|own| own.client.handle_timeout(next));
            self.pump();
        }
        self.now = until;
    }

    /// Carries out whatever anybody asks for, until nobody does.
    fn pump(&mut self) {
        loop {
            let mut is_idle = true;
            while let Some(action) = self.room.poll_action() {
                is_idle = false;
                self.note(&action);
                self.carry_out(action);
            }
            for index in 0..self.honest.len() {
                while let Some(action) = self.honest[index].client.poll_action() {
                    is_idle = false;
                    self.carry_out_for(index, action);
                }
            }
            if is_idle {
                return;
            }
        }
    }

    fn note(&mut self, action: &RoomAction) {
        let mut note = |what: &str| {
            self.reached.insert(what.to_owned());
        };
        match action {
            RoomAction::Send { frame, .. } => match read(frame) {
                ServerMessage::Connect(answer) => {
                    note(&format!("{:?}", answer.hydration_type));
                    note(&format!("protocol {}", answer.protocol_version));
                    note(if frame.is_binary() { "in postcard" } else { "in JSON" });
                }
                ServerMessage::Data(entries) => entries.iter().for_each(|entry| match entry {
                    DataEntry::Patch { .. } => note("patch"),
                    DataEntry::PushResult { action, .. } => match action {
                        PushAction::Commit => note("commit"),
                        PushAction::Discard => note("discard"),
                        PushAction::RebaseWithDiff(_) => note("rebase"),
                    },
                }),
                ServerMessage::Pong => note("pong"),
                ServerMessage::Custom(_) => note("custom"),
                ServerMessage::Incompatible(_) => note("incompatible"),
            },
            RoomAction::Close { reason, .. } => note(&format!("closed: {reason}")),
            RoomAction::Persist(commit) => {
                if !commit.pruned.is_empty() {
                    note("pruned");
                }
                if !commit.forgotten.is_empty() {
                    note("forgotten");
                }
                if commit.applied.is_some() && commit.changes.is_empty() {
                    note("taken in vain");
                }
            }
            RoomAction::Event(RoomEvent::Custom { .. }) => note("custom of a client"),
            RoomAction::Event(_) => {}
        }
    }

    fn carry_out(&mut self, action: RoomAction) {
        let now = self.now;
        let has = |own: &&mut Honest, it| own.link.is_some_and(|(_, connection)| connection == it);
        match action {
            RoomAction::Send { to, frame } => {
                for own in &mut self.honest {
                    if let Some((link, connection)) = own.link
                        && to.contains(&connection)
                    {
                        own.client.handle_message(now, link, &frame.to_bytes());
                    }
                }
            }
            RoomAction::Close { connection, reason } => {
                let honest = self.honest.iter_mut().find(|own| has(own, connection));
                assert!(honest.is_none(), "an honest connection is closed: {reason:?}");
            }
            RoomAction::Persist(commit) => {
                self.storage.write(&commit).expect("a commit that follows");
                self.storage.sync();
                let line = commit.to_value().to_string().parse().expect("it was written");
                assert_eq!(Commit::from_value(&line).as_ref(), Ok(&*commit));
            }
            RoomAction::Event(_) => {}
        }
    }

    fn carry_out_for(&mut self, index: usize, action: ClientAction) {
        let own = &mut self.honest[index];
        match action {
            ClientAction::Dial => {
                let connected = self.room.handle_connect(self.now, own.params.clone());
                let link = own.client.handle_connected(self.now);
                own.link = Some((link, connected.expect("there is room")));
            }
            ClientAction::Send { frame, .. } => {
                let (_, connection) = own.link.expect("it has connected");
                self.room.handle_message(self.now, connection, &frame.to_bytes());
            }
            ClientAction::Close { reason, .. } => {
                assert_ne!(reason, CloseReason::Reset, "an honest client starts over");
                panic!("an honest client closes its link: {reason:?}");
            }
            ClientAction::Persist(commit) => own.kept.apply(&commit),
            ClientAction::Event(_) => {}
        }
    }

    /// Whatever peers did, the room keeps to its limits.
    fn check(&self) {
        if self.small.is_multiple_of(2) {
            return;
        }
        let limits = room_config(self.small).limits;
        assert!(self.room.session_count() <= limits.sessions);
        assert!(self.room.records().count() <= limits.records);
        for (id, record) in self.room.records() {
            assert!((1..=limits.id_bytes).contains(&id.len()), "{id}");
            let record = Value::from(record.clone());
            assert!(record.is_within_depth(SMALL_DEPTH), "{record}");
            assert!(size_of(&record) <= limits.record_bytes, "{record}");
        }
        for (_, record) in self.room.presence() {
            let record = Value::from(record.clone());
            assert!(record.is_within_depth(SMALL_DEPTH), "{record}");
            assert!(size_of(&record) <= limits.presence_bytes, "{record}");
        }
    }

    /// All that honest clients did has arrived, and they have what the room has.
    fn settle(mut self) -> Reached {
        self.advance(Duration::from_secs(3));
        self.check();
        assert_eq!(self.storage.told_snapshot(), self.room.snapshot());
        let records = records_of(self.room.records());
        for own in &self.honest {
            assert_eq!(own.client.status(), &Status::Online);
            assert!(own.client.is_settled());
            assert_eq!(records_of(own.client.records()), records);
            let others = self.room.presence().filter(|(name, _)| **name != own.params.session);
            let mut others: Vec<_> = others.map(|(_, record)| record.clone()).collect();
            others.sort_by_key(|record| record.get("id").cloned());
            let seen: Vec<_> = own.client.presence().map(|(_, record)| record.clone()).collect();
            assert_eq!(seen, others);
        }
        let (config, kept) = (ClientConfig::default(), &self.honest[1].kept);
        let again = Client::restore(self.now, config, schema(false), kept);
        let again = again.expect("what a client keeps");
        assert_eq!(records_of(again.records()), records);
        self.reached
    }
}
