//! What is measured, apart from how: see `bench.rs`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/records.rs"]
pub mod records;

use common::{connect, drain, filled_room, message, shape_id};

use roomsync::{
    Client, ClientAction, ClientConfig, Codec, ConnectionId, Instant, LinkId, Object, RecordType,
    Room, RoomAction, Schema, Scope, SessionParams,
};
use std::sync::Arc;
use std::time::Duration;

/// A room in which one session pushes.
pub struct Pushing {
    room: Room,
    pusher: ConnectionId,
    now: Instant,
    clock: u64,
    offset: usize,
}

impl Pushing {
    /// So many sessions in a room of so many shapes, after a few pushes.
    #[must_use]
    pub fn new(shapes: usize, sessions: usize) -> Self {
        let mut room = filled_room(shapes);
        let mut pusher = None;
        for number in 0..sessions {
            // One that knows all that there is, so that nothing was told whole yet.
            let connection = connect(&mut room, number, 1);
            pusher.get_or_insert(connection);
        }
        let pusher = pusher.expect("a room has sessions");
        let mut pushing = Self { room, pusher, now: Instant::ZERO, clock: 0, offset: 5 };
        pushing.drag(5);
        pushing.draw(5);
        pushing
    }

    fn push(&mut self, diff: &str) {
        self.clock += 1;
        // A quiet spell, so that it is flushed at once.
        self.now = self.now.saturating_add(Duration::from_millis(17));
        let text = format!(r#"{{"type":"push","clientClock":{},"diff":{diff}}}"#, self.clock);
        message(&mut self.room, self.now, self.pusher, &text);
        drain(&mut self.room);
    }

    /// Moves a shape so many times.
    pub fn drag(&mut self, times: usize) {
        for _ in 0..times {
            let (id, x) = (shape_id(7), self.clock);
            let y = x * 2;
            self.push(&format!(r#"{{"{id}":["patch",{{"x":["put",{x}.5],"y":["put",{y}]}}]}}"#));
        }
    }

    /// Makes a string longer by 60 bytes so many times.
    pub fn draw(&mut self, times: usize) {
        let (id, piece) = (shape_id(8), "abcdefghij".repeat(6));
        for _ in 0..times {
            let offset = self.offset;
            self.push(&format!(
                r#"{{"{id}":["patch",{{"props":["patch",{{"label":["append","{piece}",{offset}]}}]}}]}}"#
            ));
            self.offset += piece.len();
        }
    }

    /// The same after a client was let in and a shape was moved.
    #[must_use]
    pub fn hydrated(mut self, codec: Codec) -> Self {
        self.hydrate(codec);
        self.drag(1);
        self
    }

    /// Lets a further session in, and gives back what it is told.
    pub fn hydrate(&mut self, codec: Codec) -> Vec<u8> {
        let params = SessionParams::new(format!("late {}", self.clock));
        let connection = self.room.handle_connect(self.now, params).expect("there is room");
        let codecs = if codec == Codec::Json { "[]" } else { r#"["postcard-1"]"# };
        let text = format!(
            r#"{{"type":"connect","connectRequestId":"1","lastServerClock":-1,"protocolVersion":8,"codecs":{codecs},"schema":{{"schemaVersion":2,"sequences":{{"com.tldraw.shape":4}}}}}}"#
        );
        message(&mut self.room, self.now, connection, &text);
        let mut told = Vec::new();
        while let Some(action) = self.room.poll_action() {
            if let RoomAction::Send { to, frame } = action
                && to.contains(&connection)
            {
                told = frame.to_bytes().to_vec();
            }
        }
        assert!(told.len() > 1000);
        told
    }
}

/// A client that is about to be let in.
pub struct Entering {
    client: Client,
    link: LinkId,
}

impl Entering {
    /// A client that has asked.
    #[must_use]
    pub fn new() -> Self {
        let schema = Schema::builder()
            .record_type("shape", RecordType::new(Scope::Document))
            .sequence("com.tldraw.shape", 4)
            .build();
        let schema = Arc::new(schema.expect("a good schema"));
        let client = Client::new(Instant::ZERO, ClientConfig::default(), schema);
        let mut client = client.expect("a good configuration");
        let link = client.handle_connected(Instant::ZERO);
        settle(&mut client);
        Self { client, link }
    }

    /// Takes an answer.
    pub fn hear(&mut self, told: &[u8]) {
        self.client.handle_message(Instant::ZERO, self.link, told);
        settle(&mut self.client);
    }

    /// Changes so many shapes, of which nothing is confirmed.
    pub fn change(&mut self, shapes: usize) {
        for number in 0..shapes {
            let change = |record: &mut Object| {
                record.insert("x", 7);
            };
            let id = shape_id(number * 3);
            let changed = self.client.transact(Instant::ZERO, |tx| tx.update(&id, change));
            changed.expect("the shape is there");
        }
        settle(&mut self.client);
    }

    /// Hears that others have changed so many shapes, each by a message of its own.
    pub fn rebase(&mut self, messages: &[Vec<u8>]) {
        for message in messages {
            self.hear(message);
        }
    }
}

impl Default for Entering {
    fn default() -> Self {
        Self::new()
    }
}

fn settle(client: &mut Client) {
    while let Some(action) = client.poll_action() {
        let action: ClientAction = action;
        std::hint::black_box(action);
    }
}

/// What a client is told that enters a room of so many shapes.
#[must_use]
pub fn hydration(shapes: usize, codec: Codec) -> Vec<u8> {
    Pushing::new(shapes, 1).hydrate(codec)
}

/// A client in a room of 1,000 shapes of which it has changed 100, and 100 changes of others.
#[must_use]
pub fn rebasing() -> (Entering, Vec<Vec<u8>>) {
    let mut client = Entering::new();
    client.hear(&hydration(1000, Codec::Json));
    client.change(100);
    let told = |number: usize| {
        let (id, clock) = (shape_id(number * 7 % 1000), 100 + number);
        format!(
            r#"{{"type":"data","data":[{{"type":"patch","diff":{{"{id}":["patch",{{"y":["put",{number}]}}]}},"serverClock":{clock}}}]}}"#
        )
        .into_bytes()
    };
    (client, (0..100).map(told).collect())
}
