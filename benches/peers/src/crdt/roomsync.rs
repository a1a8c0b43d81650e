//! roomsync: a room, and clients that push each edit by itself, in either codec.

use super::{Edit, PROPS, STRINGS, Size};
use crate::ours::schema;
use crate::shapes::shape_id;
use roomsync::{
    Client, ClientAction, ClientConfig, Codec, ConnectionId, Instant, LinkId, Object, Room,
    RoomAction, RoomConfig, RoomSnapshot, SessionParams,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than what any machine waits to collect changes.
const A_FRAME: Duration = Duration::from_millis(40);

pub(super) struct Network<const BINARY: bool> {
    room: Room,
    now: Instant,
    clients: Vec<Replica>,
    by_connection: BTreeMap<ConnectionId, usize>,
    sent: usize,
}

struct Replica {
    client: Client,
    link: LinkId,
    connection: ConnectionId,
}

fn record(number: usize) -> Object {
    let mut record: Object = STRINGS.into_iter().collect();
    record.insert("id", shape_id(number));
    record.insert("x", 0.0);
    record.insert("y", 0.0);
    record.insert("props", PROPS.into_iter().collect::<Object>());
    record
}

impl<const BINARY: bool> Network<BINARY> {
    fn client(&self) -> Client {
        let mut config = ClientConfig::default();
        config.codec = if BINARY { Codec::Postcard } else { Codec::Json };
        Client::new(self.now, config, schema()).expect("it is sound")
    }

    fn enter(&mut self) {
        let number = self.clients.len();
        let session = SessionParams::new(format!("session {number}"));
        let connection = self.room.handle_connect(self.now, session).expect("there is room");
        let mut client = self.client();
        let link = client.handle_connected(self.now);
        self.clients.push(Replica { client, link, connection });
        self.by_connection.insert(connection, number);
        self.settle(number);
    }

    /// Carries what the client has to say to the room, and what the room has to say to all.
    fn settle(&mut self, from: usize) {
        self.speak(from);
        while let Some(action) = self.room.poll_action() {
            let RoomAction::Send { to, frame } = action else { continue };
            for connection in &to {
                self.sent += frame.len();
                let Some(to) = self.by_connection.get(connection).copied() else { continue };
                let Replica { client, link, .. } = &mut self.clients[to];
                client.handle_message(self.now, *link, &frame.to_bytes());
                self.speak(to);
            }
        }
    }

    /// Takes the client's actions, as a driver does after each input.
    fn speak(&mut self, number: usize) {
        let Replica { client, connection, .. } = &mut self.clients[number];
        while let Some(action) = client.poll_action() {
            if let ClientAction::Send { frame, .. } = action {
                self.sent += frame.len();
                self.room.handle_message(self.now, *connection, &frame.to_bytes());
            }
        }
    }
}

impl<const BINARY: bool> super::Network for Network<BINARY> {
    fn new(size: Size) -> Self {
        let mut snapshot = RoomSnapshot::default();
        snapshot.clock = 1;
        snapshot.documents = (0..size.records).map(|number| (record(number), 1)).collect();
        let mut config = RoomConfig::default();
        config.idle_timeout = None;
        config.limits.sessions = 1000;
        let room = Room::restore(config, schema(), snapshot).expect("it is sound");
        let mut network = Self {
            room,
            now: Instant::ZERO,
            clients: Vec::new(),
            by_connection: BTreeMap::new(),
            sent: 0,
        };
        for _ in 0..size.writers + size.receivers {
            network.enter();
        }
        network
    }

    fn edit(&mut self, writer: usize, edit: Edit) -> usize {
        self.sent = 0;
        self.now = self.now.saturating_add(A_FRAME);
        let client = &mut self.clients[writer].client;
        let change = |record: &mut Object| drop(record.insert("x", edit.x));
        let id = shape_id(edit.record);
        client.transact(self.now, |tx| tx.update(&id, change)).expect("the record is there");
        self.settle(writer);
        self.sent
    }

    fn full(&mut self) -> Vec<u8> {
        let session = SessionParams::new("newcomer");
        let connection = self.room.handle_connect(self.now, session).expect("there is room");
        let codecs = if BINARY { r#"["postcard-1"]"# } else { "[]" };
        let hello = format!(
            r#"{{"type":"connect","connectRequestId":"1","lastServerClock":-1,"protocolVersion":8,"codecs":{codecs},"schema":{{"schemaVersion":2,"sequences":{{}}}}}}"#
        );
        self.room.handle_message(self.now, connection, hello.as_bytes());
        let mut full = Vec::new();
        while let Some(action) = self.room.poll_action() {
            if let RoomAction::Send { frame, .. } = action {
                full = frame.to_bytes().to_vec();
            }
        }
        full
    }

    fn load(&mut self, full: &[u8]) -> impl Sized {
        let mut client = self.client();
        let link = client.handle_connected(self.now);
        client.handle_message(self.now, link, full);
        while client.poll_action().is_some() {}
        client
    }

    fn received(&self, record: usize) -> f64 {
        let replica = self.clients.last().expect("somebody receives");
        let record = replica.client.record(&shape_id(record)).expect("the record is there");
        record.get("x").and_then(|x| x.as_number()).expect("x is a number").as_f64()
    }
}
