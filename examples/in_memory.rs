#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "an example")]
//! A room and two clients in one thread: no sockets, no clock, the standard library alone.
use roomsync::{
    Client, ClientAction, ClientConfig, ConnectionId, Instant, LinkId, Object, OpenError,
    RecordType, Room, RoomAction, RoomConfig, Schema, Scope, SessionParams,
};
use std::{error::Error, sync::Arc, time::Duration};

struct Peer {
    name: &'static str,
    client: Client,
    link: Option<(LinkId, ConnectionId)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let note = RecordType::new(Scope::Document);
    let schema = Schema::builder().record_type("note", note).sequence("com.example.note", 1);
    let schema = Arc::new(schema.build()?);

    let mut now = Instant::ZERO;
    let mut room = Room::new(RoomConfig::default(), Arc::clone(&schema))?;
    let client = || Client::new(Instant::ZERO, ClientConfig::default(), Arc::clone(&schema));
    let ann = Peer { name: "ann", client: client()?, link: None };
    let bob = Peer { name: "bob", client: client()?, link: None };
    let mut peers = [ann, bob];
    run(&mut now, &mut room, &mut peers)?;

    let shopping: Object = r#"{"id":"note:1","typeName":"note","title":"Shopping"}"#.parse()?;
    peers[0].client.transact(now, |tx| tx.put(shopping))?;
    run(&mut now, &mut room, &mut peers)?;

    // Both change the note at the same time.
    let (title, done) = ("Groceries", true);
    peers[0].client.transact(now, |tx| tx.update("note:1", |note| set(note, "title", title)))?;
    peers[1].client.transact(now, |tx| tx.update("note:1", |note| set(note, "done", done)))?;
    run(&mut now, &mut room, &mut peers)?;

    let note = room.record("note:1").ok_or("the note is gone")?;
    assert_eq!(
        note.to_string(),
        r#"{"done":true,"id":"note:1","title":"Groceries","typeName":"note"}"#
    );
    assert!(peers.iter().all(|peer| peer.client.record("note:1") == Some(note)));
    Ok(())
}

fn set(note: &mut Object, key: &str, value: impl Into<roomsync::Value>) {
    note.insert(key, value);
}

/// Lets a second pass, from deadline to deadline, and carries out what the machines want.
fn run(now: &mut Instant, room: &mut Room, peers: &mut [Peer]) -> Result<(), OpenError> {
    let end = now.saturating_add(Duration::from_secs(1));
    while *now < end {
        while carry_out(*now, room, peers)? {}
        let deadlines = peers.iter().filter_map(|peer| peer.client.poll_timeout());
        *now = deadlines.chain(room.poll_timeout()).min().map_or(end, |next| next.min(end));
        room.handle_timeout(*now);
        peers.iter_mut().for_each(|peer| peer.client.handle_timeout(*now));
    }
    Ok(())
}

/// Carries out the actions that wait. Says whether there were any.
fn carry_out(now: Instant, room: &mut Room, peers: &mut [Peer]) -> Result<bool, OpenError> {
    let mut any = false;
    for Peer { name, client, link } in &mut *peers {
        while let Some(action) = client.poll_action() {
            any = true;
            match (action, *link) {
                (ClientAction::Dial, _) => {
                    let connection = room.handle_connect(now, SessionParams::new(*name))?;
                    *link = Some((client.handle_connected(now), connection));
                }
                (ClientAction::Send { frame, .. }, Some((_, connection))) => {
                    room.handle_message(now, connection, &frame.to_bytes());
                }
                (ClientAction::Close { .. }, Some((_, connection))) => {
                    room.handle_disconnect(now, connection);
                }
                // A client that persists is kept before anything else is done.
                (ClientAction::Persist(_), _) => {}
                (ClientAction::Event(event), _) => println!("{name}: {event:?}"),
                (ClientAction::Send { .. } | ClientAction::Close { .. }, None) => {}
            }
        }
    }
    while let Some(action) = room.poll_action() {
        any = true;
        for Peer { client, link, .. } in &mut *peers {
            let Some((link, its)) = *link else { continue };
            match &action {
                RoomAction::Send { to, frame } if to.contains(&its) => {
                    client.handle_message(now, link, &frame.to_bytes());
                }
                RoomAction::Close { connection, reason } if *connection == its => {
                    client.handle_disconnected(now, link, reason.clone());
                }
                // A host makes `Persist` durable before it goes on.
                RoomAction::Send { .. } | RoomAction::Close { .. } => {}
                RoomAction::Persist(_) | RoomAction::Event(_) => {}
            }
        }
    }
    Ok(any)
}
