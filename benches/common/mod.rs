//! Rooms full of stock-like shapes, and how to drive them.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use roomsync::{
    ConnectionId, Instant, Object, Room, RoomAction, RoomConfig, RoomSnapshot, Schema,
    SessionParams,
};
use std::hint::black_box;
use std::sync::Arc;

/// An id of the length that stock ids have.
pub(crate) fn shape_id(number: usize) -> String {
    format!("shape:{number:021}")
}

/// A geo shape of about 480 bytes of JSON.
pub(crate) fn shape(number: usize) -> Object {
    let (x, y) = (number * 7 % 5000, number * 13 % 5000);
    let text = format!(
        r#"{{"id":"{}","typeName":"shape","type":"geo","x":{x}.25,"y":{y}.5,"rotation":0,"index":"a{number}","parentId":"page:page","isLocked":false,"opacity":1,"meta":{{}},"props":{{"w":120,"h":80,"geo":"rectangle","color":"black","labelColor":"black","fill":"none","dash":"draw","size":"m","font":"draw","align":"middle","verticalAlign":"middle","growY":0,"url":"","scale":1,"label":"hello","richText":{{"type":"doc","content":[{{"type":"paragraph","attrs":{{"dir":"auto"}},"content":[{{"type":"text","text":"shape {number}"}}]}}]}}}}}}"#,
        shape_id(number)
    );
    text.parse().unwrap()
}

/// A room of so many shapes.
pub(crate) fn filled_room(shapes: usize) -> Room {
    let mut snapshot = RoomSnapshot::default();
    snapshot.clock = 1;
    snapshot.documents = (0..shapes).map(|number| (shape(number), 1)).collect();
    let mut config = RoomConfig::default();
    config.idle_timeout = None;
    config.limits.sessions = 1000;
    Room::restore(config, Arc::new(Schema::tldraw()), snapshot).unwrap()
}

/// Lets a session in, as one that was last told `clock`.
pub(crate) fn connect(room: &mut Room, number: usize, clock: i64) -> ConnectionId {
    let now = Instant::ZERO;
    let params = SessionParams::new(format!("session {number}"));
    let connection = room.handle_connect(now, params).unwrap();
    let text = format!(
        r#"{{"type":"connect","connectRequestId":"r{number}","lastServerClock":{clock},"protocolVersion":8,"schema":{{"schemaVersion":2,"sequences":{{"com.tldraw.shape":4}}}}}}"#
    );
    message(room, now, connection, &text);
    assert!(drain(room) > 0, "the room answers");
    connection
}

pub(crate) fn message(room: &mut Room, now: Instant, connection: ConnectionId, text: &str) {
    room.handle_message(now, connection, text.as_bytes());
}

/// Takes all actions, as a driver does, and says how many messages went out.
pub(crate) fn drain(room: &mut Room) -> usize {
    let mut sent = 0;
    while let Some(action) = room.poll_action() {
        if let RoomAction::Send { to, frame } = &action {
            for connection in to {
                black_box((connection, frame));
                sent += 1;
            }
        }
        black_box(action);
    }
    black_box(room.poll_timeout());
    sent
}
