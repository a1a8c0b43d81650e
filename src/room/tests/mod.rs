//! What the tests of the room share: a room with its time, and what it did, by connection.

mod bad_input;
mod codecs;
mod commands;
mod documents;
mod events;
mod handshake;
mod hibernation;
mod history;
mod hooks;
mod hydration;
mod large;
mod legacy;
mod limits;
mod messages;
mod migrations;
mod older_clients;
mod once;
mod persist;
mod policy;
mod presence;
mod push;
mod random;
mod rates;
mod replica;
mod sending;
mod sessions;
mod stalls;
mod timeouts;
mod visibility;
mod waking;

use super::*;
use crate::close::CloseReason;
use crate::frame::Frame;
use crate::schema::{InvalidRecord, RecordType, Scope};
use crate::wire::{Codec, ServerMessage};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// What the clients of these tests say of their schema.
const SCHEMA: &str = r#"{"schemaVersion":2,"sequences":{"com.test":2}}"#;

/// What a client offers that speaks it.
const POSTCARD: &str = r#"["postcard-1"]"#;

/// Two document types, a session type and a presence type. A record with the key `bad` is invalid.
fn schema() -> Schema {
    let good = |record: &Object| match record.get("bad") {
        None => Ok(()),
        Some(_) => Err(InvalidRecord),
    };
    Schema::builder()
        .record_type("page", RecordType::new(Scope::Document).with_validator(good))
        .record_type("shape", RecordType::new(Scope::Document).with_validator(good))
        .record_type("camera", RecordType::new(Scope::Session))
        .record_type("cursor", RecordType::new(Scope::Presence).with_validator(good))
        .sequence("com.test", 2)
        .build()
        .unwrap()
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A room under test. Every input drains the actions, which wait here to be looked at.
struct World {
    room: Room,
    now: Instant,
    actions: Vec<RoomAction>,
}

impl World {
    /// A room that says at once what it has to say.
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(configure: impl FnOnce(&mut RoomConfig)) -> Self {
        Self::timed(|config| {
            config.flush_interval = Duration::ZERO;
            configure(config);
        })
    }

    /// A room that keeps the default times, but for what `configure` changes.
    fn timed(configure: impl FnOnce(&mut RoomConfig)) -> Self {
        let mut config = RoomConfig::default();
        configure(&mut config);
        Self::of(Room::new(config, Arc::new(schema())).unwrap())
    }

    fn of(room: Room) -> Self {
        Self { room, now: Instant::from_millis(1000), actions: Vec::new() }
    }

    /// Carries out an input and drains.
    fn act<T>(&mut self, input: impl FnOnce(&mut Room, Instant) -> T) -> T {
        let result = input(&mut self.room, self.now);
        self.drain();
        result
    }

    fn drain(&mut self) {
        while let Some(action) = self.room.poll_action() {
            self.actions.extend(action.split());
        }
    }

    fn open(&mut self, name: &str) -> ConnectionId {
        self.open_as(SessionParams::new(name))
    }

    fn open_as(&mut self, params: SessionParams) -> ConnectionId {
        self.act(|room, now| room.handle_connect(now, params)).unwrap()
    }

    fn say(&mut self, connection: ConnectionId, text: &str) {
        self.say_bytes(connection, text.as_bytes());
    }

    fn say_bytes(&mut self, connection: ConnectionId, bytes: &[u8]) {
        self.act(|room, now| room.handle_message(now, connection, bytes));
    }

    /// Says `connect` and gives back the answer.
    fn hello(&mut self, connection: ConnectionId, clock: i64) -> String {
        self.hello_as(connection, clock, 8)
    }

    fn hello_as(&mut self, connection: ConnectionId, clock: i64, version: u32) -> String {
        self.say(connection, &connect(clock, &version.to_string(), SCHEMA));
        let answers = self.heard(connection);
        assert_eq!(answers.len(), 1, "one answer to a connect: {answers:?}");
        answers.into_iter().next().unwrap()
    }

    /// A session that is in.
    fn join(&mut self, name: &str) -> ConnectionId {
        self.join_as(SessionParams::new(name), 8)
    }

    fn join_as(&mut self, params: SessionParams, version: u32) -> ConnectionId {
        let connection = self.open_as(params);
        self.hello_as(connection, -1, version);
        connection
    }

    fn push(&mut self, connection: ConnectionId, client_clock: u64, diff: &str) {
        let text = format!(r#"{{"type":"push","clientClock":{client_clock},"diff":{diff}}}"#);
        self.say(connection, &text);
    }

    fn present(&mut self, connection: ConnectionId, client_clock: u64, op: &str) {
        let text = format!(r#"{{"type":"push","clientClock":{client_clock},"presence":{op}}}"#);
        self.say(connection, &text);
    }

    fn writable(&mut self, connection: ConnectionId, writable: bool) {
        self.act(|room, now| room.handle_writable(now, connection, writable));
    }

    fn disconnect(&mut self, connection: ConnectionId) {
        self.act(|room, now| room.handle_disconnect(now, connection));
    }

    /// Time passes, and nobody tells the room.
    fn wait(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
    }

    /// Time passes, and the room is told.
    fn tick(&mut self, time: Duration) {
        self.wait(time);
        self.act(Room::handle_timeout);
    }

    /// The messages, as JSON, that were sent to `connection` since the last look.
    fn heard(&mut self, connection: ConnectionId) -> Vec<String> {
        let sent = |action: &mut RoomAction| match action {
            RoomAction::Send { to, .. } => **to == [connection],
            RoomAction::Close { .. } | RoomAction::Persist(_) | RoomAction::Event(_) => false,
        };
        let text = |action| match action {
            RoomAction::Send { frame, .. } => to_json(&frame),
            RoomAction::Close { .. } | RoomAction::Persist(_) | RoomAction::Event(_) => {
                unreachable!("only what was sent")
            }
        };
        self.actions.extract_if(.., sent).map(text).collect()
    }

    /// `connection` heard one data message of these entries since the last look.
    #[track_caller]
    fn assert_data(&mut self, connection: ConnectionId, entries: &[String]) {
        assert_eq!(self.heard(connection), [data(entries)]);
    }

    #[track_caller]
    fn assert_silence(&mut self, connection: ConnectionId) {
        assert_eq!(self.heard(connection), [""; 0]);
    }

    /// Why `connection` was closed, if it was.
    fn closed(&self, connection: ConnectionId) -> Option<CloseReason> {
        let mut closes = self.actions.iter().filter_map(|action| match action {
            RoomAction::Close { connection: closed, reason } if *closed == connection => {
                Some(reason.clone())
            }
            RoomAction::Close { .. }
            | RoomAction::Send { .. }
            | RoomAction::Persist(_)
            | RoomAction::Event(_) => None,
        });
        let close = closes.next();
        assert!(closes.next().is_none(), "closed twice");
        close
    }

    /// The events since the last look.
    fn events(&mut self) -> Vec<RoomEvent> {
        let is_event = |action: &mut RoomAction| matches!(action, RoomAction::Event(_));
        let event = |action| match action {
            RoomAction::Event(event) => event,
            RoomAction::Send { .. } | RoomAction::Close { .. } | RoomAction::Persist(_) => {
                unreachable!("only events")
            }
        };
        self.actions.extract_if(.., is_event).map(event).collect()
    }

    /// The commits that were to be made durable since the last look.
    fn persisted(&mut self) -> Vec<Arc<Commit>> {
        let is_persist = |action: &mut RoomAction| matches!(action, RoomAction::Persist(_));
        let commit = |action| match action {
            RoomAction::Persist(commit) => commit,
            RoomAction::Send { .. } | RoomAction::Close { .. } | RoomAction::Event(_) => {
                unreachable!("only commits")
            }
        };
        self.actions.extract_if(.., is_persist).map(commit).collect()
    }

    /// The record as JSON, or nothing.
    fn record(&self, id: &str) -> String {
        self.room.record(id).map(ToString::to_string).unwrap_or_default()
    }
}

/// A `connect` with these raw fields.
fn connect(clock: i64, version: &str, schema: &str) -> String {
    format!(
        r#"{{"type":"connect","connectRequestId":"r","lastServerClock":{clock},"protocolVersion":{version},"schema":{schema}}}"#
    )
}

/// The `connect` with an offer of codecs.
fn offering(connect: &str, codecs: &str) -> String {
    connect.replace(r#","schema":"#, &format!(r#","codecs":{codecs},"schema":"#))
}

/// The JSON of a message in any codec.
fn to_json(frame: &Frame) -> String {
    if let Some(text) = frame.to_text() {
        return text.into();
    }
    let message =
        ServerMessage::decode(&frame.to_bytes(), 48).expect("a message of the room is read");
    message.encode(Codec::Json).to_text().unwrap().into()
}

fn data(entries: &[String]) -> String {
    format!(r#"{{"type":"data","data":[{}]}}"#, entries.join(","))
}

fn patch(clock: u64, diff: &str) -> String {
    format!(r#"{{"type":"patch","diff":{diff},"serverClock":{clock}}}"#)
}

fn result(client_clock: u64, clock: u64, action: &str) -> String {
    format!(
        r#"{{"type":"push_result","clientClock":{client_clock},"serverClock":{clock},"action":{action}}}"#
    )
}

fn commit(client_clock: u64, clock: u64) -> String {
    result(client_clock, clock, r#""commit""#)
}

fn discard(client_clock: u64, clock: u64) -> String {
    result(client_clock, clock, r#""discard""#)
}

fn rebase(client_clock: u64, clock: u64, diff: &str) -> String {
    result(client_clock, clock, &format!(r#"{{"rebaseWithDiff":{diff}}}"#))
}

/// The JSON of a page with these further fields.
fn page(id: &str, fields: &str) -> String {
    format!(r#"{{"id":"{id}","typeName":"page"{fields}}}"#)
}

/// The JSON of an object with its keys in the order in which the room writes them.
fn sorted(json: &str) -> String {
    json.parse::<Object>().unwrap().to_string()
}

/// A diff that puts a page.
fn put_page(id: &str, fields: &str) -> String {
    format!(r#"{{"{id}":["put",{}]}}"#, page(id, fields))
}
