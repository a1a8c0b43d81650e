//! The client alone, driven with messages as a room would send them.

mod aside;
mod budget;
mod codecs;
mod connection;
mod discard;
mod documents;
mod hostile;
mod hydration;
mod once;
mod persist;
mod presence;
mod pushes;
mod queries;
mod standing;
mod timers;
mod together;
mod undo;
mod undo_laws;
mod upgrade;

use super::*;
use crate::close::CloseReason;
use crate::diff::NetworkDiff;
use crate::error::TransactError;
use crate::ids::LinkId;
use crate::room::{Room, RoomAction, SessionParams};
use crate::schema::{InvalidRecord, RecordType, Scope};
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// Notes are documents, and refuse a `text` that is `bad`. Cursors are presence, cameras session.
fn schema() -> Arc<Schema> {
    let note = RecordType::new(Scope::Document).with_validator(|record| {
        if record.get("text").and_then(Value::as_str) == Some("bad") {
            return Err(InvalidRecord);
        }
        Ok(())
    });
    let builder = Schema::builder()
        .record_type("note", note)
        .record_type("page", RecordType::new(Scope::Document))
        .record_type("cursor", RecordType::new(Scope::Presence))
        .record_type("camera", RecordType::new(Scope::Session))
        .sequence("com.example.note", 1);
    Arc::new(builder.build().unwrap())
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn note(id: &str, fields: &str) -> Object {
    format!(r#"{{"id":"note:{id}","typeName":"note"{fields}}}"#).parse().unwrap()
}

/// A client with a link, and what it did since it was last asked.
struct Probe {
    client: Client,
    link: LinkId,
    now: Instant,
}

/// What a client did.
#[derive(Debug, Default)]
struct Done {
    dials: usize,
    sent: Vec<String>,
    closed: Vec<CloseReason>,
    statuses: Vec<Status>,
    /// `source id before -> after`
    changes: Vec<String>,
    presence: Vec<String>,
    /// `query id before -> after`
    queries: Vec<String>,
    settled: usize,
    confirmed: Vec<Checkpoint>,
    refused: Vec<Refusal>,
    given_up: Vec<Refusal>,
    /// `read-only, object access`
    access: Vec<(bool, ObjectAccess)>,
    unreadable: Vec<RecordId>,
    custom: Vec<Value>,
    persisted: Vec<ClientCommit>,
}

fn drain(client: &mut Client) -> Done {
    let mut done = Done::default();
    let text = |record: &Option<Object>| match record {
        Some(record) => record.to_string(),
        None => "none".into(),
    };
    let change = |change: &RecordChange| {
        format!("{} {} -> {}", change.id, text(&change.before), text(&change.after))
    };
    while let Some(action) = client.poll_action() {
        match action {
            ClientAction::Dial => done.dials += 1,
            ClientAction::Send { frame, .. } => done.sent.push(frame.to_text().unwrap().into()),
            ClientAction::Close { reason, .. } => done.closed.push(reason),
            ClientAction::Persist(commit) => done.persisted.push(commit),
            ClientAction::Event(ClientEvent::Status(status)) => done.statuses.push(status),
            ClientAction::Event(ClientEvent::Changed { source, changes }) => {
                assert!(!changes.is_empty());
                let told = changes.iter().map(|it| format!("{source:?} {}", change(it)));
                done.changes.extend(told);
            }
            ClientAction::Event(ClientEvent::Presence(changes)) => {
                assert!(!changes.is_empty());
                done.presence.extend(changes.iter().map(change));
            }
            ClientAction::Event(ClientEvent::Query { query, changes }) => {
                assert!(!changes.is_empty());
                done.queries.extend(changes.iter().map(|it| format!("{query} {}", change(it))));
            }
            ClientAction::Event(ClientEvent::Settled) => done.settled += 1,
            ClientAction::Event(ClientEvent::Confirmed(point)) => done.confirmed.push(point),
            ClientAction::Event(ClientEvent::Refused(refused)) => done.refused.extend(refused),
            ClientAction::Event(ClientEvent::GivenUp(given_up)) => done.given_up.extend(given_up),
            ClientAction::Event(ClientEvent::Access { is_readonly, object_access }) => {
                done.access.push((is_readonly, object_access));
            }
            ClientAction::Event(ClientEvent::Unreadable(ids)) => done.unreadable.extend(ids),
            ClientAction::Event(ClientEvent::Custom(data)) => done.custom.push(data),
        }
    }
    done
}

impl Probe {
    /// A client that was asked to dial.
    fn new() -> Self {
        Self::with(ClientConfig::default())
    }

    fn with(config: ClientConfig) -> Self {
        let mut client = Client::new(Instant::ZERO, config, schema()).unwrap();
        assert_eq!(drain(&mut client).dials, 1);
        Self { client, link: LinkId(0), now: Instant::ZERO }
    }

    /// A client that is in an empty room.
    fn online() -> Self {
        Self::online_with(ClientConfig::default(), "{}")
    }

    fn online_with(config: ClientConfig, documents: &str) -> Self {
        let mut probe = Self::with(config);
        probe.connect();
        probe.answer("wipe_all", documents, 0);
        probe.done();
        probe
    }

    fn done(&mut self) -> Done {
        drain(&mut self.client)
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now.saturating_add(Duration::from_millis(millis));
    }

    /// Lets time pass, waking the client up just when it asks for it.
    fn sleep(&mut self, millis: u64) -> Done {
        let until = self.now.saturating_add(Duration::from_millis(millis));
        let mut done = self.done();
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
            let next = self.done();
            done.dials += next.dials;
            done.sent.extend(next.sent);
            done.closed.extend(next.closed);
            done.statuses.extend(next.statuses);
            assert!(self.client.poll_timeout().is_none_or(|later| later > self.now));
        }
        self.now = until;
        done
    }

    fn connect(&mut self) {
        self.link = self.client.handle_connected(self.now);
    }

    fn hear(&mut self, message: &str) {
        self.client.handle_message(self.now, self.link, message.as_bytes());
    }

    /// Answers the latest `connect`.
    fn answer(&mut self, hydration: &str, diff: &str, clock: u64) {
        let request = self.client.last_request;
        self.hear(&connect_answer(&request.to_string(), hydration, diff, clock));
    }

    fn data(&mut self, entries: &str) {
        self.hear(&format!(r#"{{"type":"data","data":[{entries}]}}"#));
    }

    fn cut(&mut self) {
        self.client.handle_disconnected(self.now, self.link, CloseReason::Disconnected);
    }

    /// Loses the connection and gets another one, on which the room says `diff`.
    fn reconnect(&mut self, hydration: &str, diff: &str, clock: u64) -> Done {
        self.cut();
        self.connect();
        self.done();
        self.answer(hydration, diff, clock);
        self.done()
    }

    fn put(&mut self, record: Object) {
        self.client.transact(self.now, |tx| tx.put(record)).unwrap();
    }

    fn set(&mut self, id: &str, key: &str, value: impl Into<Value>) {
        let change = |record: &mut Object| {
            record.insert(key, value);
        };
        self.client.transact(self.now, |tx| tx.update(id, change)).unwrap();
    }

    fn remove(&mut self, id: &str) {
        self.client.transact(self.now, |tx| tx.remove(id)).unwrap();
    }

    fn text(&self, id: &str) -> Option<&str> {
        self.client.record(id)?.get("text")?.as_str()
    }
}

fn connect_answer(request: &str, hydration: &str, diff: &str, clock: u64) -> String {
    format!(
        r#"{{"type":"connect","connectRequestId":"{request}","hydrationType":"{hydration}",
        "protocolVersion":8,"schema":{{"schemaVersion":2,"sequences":{{}}}},"diff":{diff},
        "serverClock":{clock},"isReadonly":false,"objectAccess":"write"}}"#
    )
}

fn patch(diff: &str, clock: u64) -> String {
    format!(r#"{{"type":"patch","diff":{diff},"serverClock":{clock}}}"#)
}

fn result(push: u64, clock: u64, action: &str) -> String {
    format!(
        r#"{{"type":"push_result","clientClock":{push},"serverClock":{clock},"action":{action}}}"#
    )
}

const COMMIT: &str = r#""commit""#;
const DISCARD: &str = r#""discard""#;

fn rebase(diff: &str) -> String {
    format!(r#"{{"rebaseWithDiff":{diff}}}"#)
}

/// The document part of a push.
fn pushed(message: &str) -> NetworkDiff {
    let message: Value = message.parse().unwrap();
    let message = message.as_object().unwrap();
    assert_eq!(message.get("type").and_then(Value::as_str), Some("push"), "{message}");
    let diff = message.get("diff");
    diff.map(|diff| diff.to_string().parse().unwrap()).unwrap_or_default()
}

fn put_note(id: &str, fields: &str) -> String {
    format!(r#"{{"note:{id}":["put",{}]}}"#, note(id, fields))
}

/// Lets a client into a room, and both talk for some seconds.
fn meet(client: &mut Client, room: &mut Room, since: Instant) {
    let link = client.handle_connected(since);
    let connection = room.handle_connect(since, SessionParams::new("me")).unwrap();
    for millis in (0..4_000).step_by(10) {
        let now = since.saturating_add(Duration::from_millis(millis));
        client.handle_timeout(now);
        room.handle_timeout(now);
        while let Some(action) = client.poll_action() {
            if let ClientAction::Send { frame, .. } = action {
                room.handle_message(now, connection, &frame.to_bytes());
            }
        }
        while let Some(action) = room.poll_action() {
            match action {
                RoomAction::Send { frame, .. } => {
                    client.handle_message(now, link, &frame.to_bytes())
                }
                RoomAction::Close { reason, .. } => client.handle_disconnected(now, link, reason),
                RoomAction::Persist(_) | RoomAction::Event(_) => {}
            }
        }
    }
}
