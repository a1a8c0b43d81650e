//! The room in process.

use super::{Heap, nanoseconds, schema};
use crate::request::Answer;
use crate::shapes::{shape, shape_id};
use roomsync::{
    ConnectionId, Frame, Instant, Room as Machine, RoomAction, RoomConfig, RoomSnapshot,
    SessionParams,
};
use serde_json::json;
use std::hint::black_box;
use std::time::Duration;

const A_FRAME: Duration = Duration::from_millis(17);

struct Room {
    machine: Machine,
    now: Instant,
    sent: usize,
    /// Frames that slow sockets have not sent yet, when they are kept.
    kept: Option<Vec<Frame>>,
    sessions: Vec<(ConnectionId, u64)>,
}

impl Room {
    fn new(shapes: usize) -> Self {
        let mut snapshot = RoomSnapshot::default();
        snapshot.clock = 1;
        let record = |number| shape(number).to_string().parse().expect("a shape is an object");
        snapshot.documents = (0..shapes).map(|number| (record(number), 1)).collect();
        let mut config = RoomConfig::default();
        config.idle_timeout = None;
        config.limits.sessions = 100_000;
        let machine = Machine::restore(config, schema(), snapshot).expect("a sound room");
        Self { machine, now: Instant::ZERO, sent: 0, kept: None, sessions: Vec::new() }
    }

    /// Takes all actions, as a driver does.
    fn drain(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                RoomAction::Send { to, frame } => {
                    for connection in &to {
                        self.sent += 1;
                        black_box((connection, &frame));
                        if let Some(kept) = &mut self.kept {
                            kept.push(frame.clone());
                        }
                    }
                }
                RoomAction::Close { reason, .. } => panic!("the room closed a session: {reason}"),
                RoomAction::Persist(commit) => drop(black_box(commit)),
                RoomAction::Event(event) => drop(black_box(event)),
            }
        }
        black_box(self.machine.poll_timeout());
    }

    fn connect(&mut self, number: usize, last_server_clock: i64) {
        let params = SessionParams::new(format!("session {number}"));
        let connection = self.machine.handle_connect(self.now, params).expect("there is room");
        self.sessions.push((connection, 0));
        let text = json!({
            "type": "connect", "connectRequestId": format!("r{number}"), "lastServerClock": last_server_clock,
            "protocolVersion": 8, "schema": { "schemaVersion": 2, "sequences": {} },
        });
        self.message(connection, &text.to_string());
    }

    fn connect_all(&mut self, sessions: usize) {
        for number in 0..sessions {
            self.connect(number, -1);
        }
    }

    fn message(&mut self, connection: ConnectionId, text: &str) {
        self.machine.handle_message(self.now, connection, text.as_bytes());
        self.drain();
    }

    /// The text of a session's next push. `rest` is the diff and whatever follows in the message.
    fn push_text(&mut self, number: usize, rest: &str) -> String {
        let (_, clock) = &mut self.sessions[number];
        *clock += 1;
        format!(r#"{{"type":"push","clientClock":{clock},{rest}}}"#)
    }

    fn push(&mut self, number: usize, text: &str) {
        let (connection, _) = self.sessions[number];
        self.message(connection, text);
    }

    fn flush(&mut self) {
        self.now = self.now.saturating_add(A_FRAME);
        self.machine.handle_timeout(self.now);
        self.drain();
        // So that the next push comes after a quiet spell, as it always does in the stock room.
        self.now = self.now.saturating_add(A_FRAME);
    }

    fn answer(&self, ns: f64) -> Answer {
        Answer { ns, sent: self.sent, ..Answer::default() }
    }
}

fn drag_diff(number: usize, step: usize) -> String {
    let id = shape_id(number);
    format!(r#""diff":{{"{id}":["patch",{{"x":["put",{step}.5],"y":["put",{}]}}]}}"#, step * 2)
}

pub(super) fn drag(shapes: usize, sessions: usize, pushes: usize, burst: usize) -> Answer {
    let mut room = Room::new(shapes);
    room.connect_all(sessions);
    let texts: Vec<String> =
        (1..=pushes).map(|step| room.push_text(0, &drag_diff(7, step))).collect();
    let start = std::time::Instant::now();
    for burst in texts.chunks(burst) {
        for text in burst {
            room.push(0, text);
        }
        room.flush();
    }
    room.answer(nanoseconds(start))
}

pub(super) fn everyone(shapes: usize, sessions: usize, rounds: usize) -> Answer {
    let mut room = Room::new(shapes);
    room.connect_all(sessions);
    let mut texts = Vec::new();
    for step in 1..=rounds {
        for number in 0..sessions {
            let presence = if step == 1 {
                format!(
                    r#"["put",{{"id":"p{number}","typeName":"instance_presence","userName":"user {number}","cursor":{{"x":0,"y":0}}}}]"#
                )
            } else {
                format!(r#"["patch",{{"cursor":["put",{{"x":{step}.5,"y":{number}}}]}}]"#)
            };
            let rest = format!(r#"{},"presence":{presence}"#, drag_diff(number, step));
            texts.push((number, room.push_text(number, &rest)));
        }
    }
    let start = std::time::Instant::now();
    for (number, text) in &texts {
        room.push(*number, text);
        room.flush();
    }
    room.answer(nanoseconds(start))
}

pub(super) fn stroke(shapes: usize, sessions: usize, length: usize) -> Answer {
    let mut room = Room::new(shapes);
    room.connect_all(sessions);
    let piece = "abcdefghij".repeat(6);
    let pushes = length.div_ceil(piece.len());
    let id = shape_id(7);
    let append = |push: usize| {
        let offset = "hello".len() + push * piece.len();
        format!(
            r#""diff":{{"{id}":["patch",{{"props":["patch",{{"label":["append","{piece}",{offset}]}}]}}]}}"#
        )
    };
    let texts: Vec<String> = (0..pushes).map(|push| room.push_text(0, &append(push))).collect();
    let mut deciles = Vec::new();
    for decile in 0..10 {
        let tenth = |part: usize| (pushes * part + 5) / 10;
        let start = std::time::Instant::now();
        for text in &texts[tenth(decile)..tenth(decile + 1)] {
            room.push(0, text);
            room.flush();
        }
        deciles.push(nanoseconds(start));
    }
    let record = room.machine.record(&id).expect("the shape is there").to_string();
    assert!(record.len() > length, "the appends were taken");
    Answer { deciles: deciles.clone(), ..room.answer(deciles.iter().sum()) }
}

pub(super) fn hydrate(shapes: usize, clients: usize, cold: bool, up_to_date: bool) -> Answer {
    let mut room = Room::new(shapes);
    room.connect_all(2);
    let mut ns = 0.0;
    for number in 2..clients + 2 {
        if cold {
            let text = room.push_text(0, &drag_diff(7, number));
            room.push(0, &text);
        }
        room.flush();
        let clock = room.machine.clock().cast_signed();
        let start = std::time::Instant::now();
        room.connect(number, if up_to_date { clock } else { -1 });
        ns += nanoseconds(start);
    }
    room.answer(ns)
}

pub(super) fn storm(shapes: usize, clients: usize, heap: Heap) -> Answer {
    let mut room = Room::new(shapes);
    let before = (heap.live)();
    room.kept = Some(Vec::with_capacity(2 * clients));
    let start = std::time::Instant::now();
    room.connect_all(clients);
    let ns = nanoseconds(start);
    let bytes = (heap.live)().saturating_sub(before) as f64;
    let most_bytes = (heap.most)().saturating_sub(before) as f64;
    Answer { bytes, most_bytes, ..room.answer(ns) }
}

pub(super) fn records(shapes: usize, live: fn() -> usize) -> Answer {
    let before = live();
    let room = Room::new(shapes);
    let bytes = live().saturating_sub(before) as f64;
    Answer { bytes, ..room.answer(0.0) }
}

pub(super) fn sessions(shapes: usize, sessions: usize, live: fn() -> usize) -> Answer {
    let mut room = Room::new(shapes);
    room.sessions.reserve(sessions + 1);
    room.connect(0, -1);
    let before = live();
    for number in 1..=sessions {
        room.connect(number, -1);
    }
    room.flush();
    let bytes = live().saturating_sub(before) as f64;
    Answer { bytes, ..room.answer(0.0) }
}
