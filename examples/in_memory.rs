//! A room and two clients in one thread, without sockets or clocks.
//!
//! Both clients edit one note at the same time and end up with the same note; then one is cut off,
//! goes on editing, and comes back.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use roomsync::{
    Client, ClientAction, ClientConfig, CloseReason, ConnectionId, Instant, LinkId, Object,
    RecordType, Room, RoomAction, RoomConfig, Schema, Scope, SessionParams,
};
use std::error::Error;
use std::sync::Arc;

/// A client, and its connection to the room while it has one.
struct Peer {
    name: &'static str,
    client: Client,
    link: Option<(LinkId, ConnectionId)>,
    is_cut_off: bool,
}

struct World {
    now: Instant,
    room: Room,
    peers: Vec<Peer>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let schema = Schema::builder()
        .record_type("note", RecordType::new(Scope::Document))
        .sequence("com.example.note", 1)
        .build()?;
    let schema = Arc::new(schema);
    let room = Room::new(RoomConfig::default(), Arc::clone(&schema))?;
    let mut world = World { now: Instant::ZERO, room, peers: Vec::new() };
    for name in ["ann", "bob"] {
        let client = Client::new(world.now, ClientConfig::default(), Arc::clone(&schema))?;
        world.peers.push(Peer { name, client, link: None, is_cut_off: false });
    }
    world.run_for(1000)?;

    world.edit(0, |note| drop(note.insert("title", "Shopping")))?;
    world.run_for(1000)?;
    world.edit(0, |note| drop(note.insert("title", "Groceries")))?;
    world.edit(1, |note| drop(note.insert("done", true)))?;
    world.run_for(1000)?;
    world.show("both edited at once");

    world.cut_off(1);
    world.edit(1, |note| drop(note.insert("done", false)))?;
    world.edit(0, |note| drop(note.insert("title", "Groceries for Sunday")))?;
    world.run_for(1000)?;
    world.show("bob is cut off");

    world.peers[1].is_cut_off = false;
    world.run_for(5000)?;
    world.show("bob is back");

    let note = world.room.record("note:1").ok_or("the note is gone")?;
    assert_eq!(world.peers[0].client.record("note:1"), Some(note));
    assert_eq!(world.peers[1].client.record("note:1"), Some(note));
    Ok(())
}

impl World {
    fn edit(
        &mut self,
        peer: usize,
        change: impl FnOnce(&mut Object),
    ) -> Result<(), Box<dyn Error>> {
        self.peers[peer].client.transact(self.now, |tx| {
            if tx.get("note:1").is_none() {
                tx.put([("id", "note:1"), ("typeName", "note")].into_iter().collect())?;
            }
            tx.update("note:1", change)
        })?;
        Ok(())
    }

    fn cut_off(&mut self, peer: usize) {
        self.peers[peer].is_cut_off = true;
        if let Some((link, connection)) = self.peers[peer].link.take() {
            let reason = CloseReason::Disconnected;
            self.peers[peer].client.handle_disconnected(self.now, link, reason);
            self.room.handle_disconnect(self.now, connection);
        }
    }

    /// Lets time pass, from one deadline of a machine to the next.
    fn run_for(&mut self, millis: u64) -> Result<(), Box<dyn Error>> {
        let end = self.now.saturating_add(core::time::Duration::from_millis(millis));
        loop {
            self.carry_out_actions()?;
            let timeouts = self.peers.iter().filter_map(|peer| peer.client.poll_timeout());
            let next = timeouts.chain(self.room.poll_timeout()).min();
            self.now = match next {
                Some(next) if next <= end => next,
                Some(_) | None => end,
            };
            self.room.handle_timeout(self.now);
            for peer in &mut self.peers {
                peer.client.handle_timeout(self.now);
            }
            if self.now == end {
                return self.carry_out_actions();
            }
        }
    }

    /// Carries messages to and fro until nobody has anything to say.
    fn carry_out_actions(&mut self) -> Result<(), Box<dyn Error>> {
        let (now, room) = (self.now, &mut self.room);
        loop {
            let mut is_quiet = true;
            for peer in &mut self.peers {
                while let Some(action) = peer.client.poll_action() {
                    is_quiet = false;
                    match (action, peer.link) {
                        (ClientAction::Dial, _) if peer.is_cut_off => {
                            peer.client.handle_dial_failed(now);
                        }
                        (ClientAction::Dial, _) => {
                            let connection =
                                room.handle_connect(now, SessionParams::new(peer.name))?;
                            peer.link = Some((peer.client.handle_connected(now), connection));
                        }
                        (ClientAction::Send { link, frame }, Some((current, connection)))
                            if link == current =>
                        {
                            room.handle_message(now, connection, frame.bytes());
                        }
                        (ClientAction::Close { link, .. }, Some((current, connection)))
                            if link == current =>
                        {
                            room.handle_disconnect(now, connection);
                            peer.link = None;
                        }
                        (ClientAction::Send { .. } | ClientAction::Close { .. }, _)
                        | (ClientAction::Event(_), _) => {}
                    }
                }
            }
            while let Some(action) = room.poll_action() {
                is_quiet = false;
                let peer_of = |connection| {
                    let is_its =
                        move |peer: &&mut Peer| peer.link.is_some_and(|(_, its)| its == connection);
                    self.peers.iter_mut().find(is_its)
                };
                match action {
                    RoomAction::Send { connection, frame } => {
                        if let Some(peer) = peer_of(connection)
                            && let Some((link, _)) = peer.link
                        {
                            peer.client.handle_message(now, link, frame.bytes());
                        }
                    }
                    RoomAction::Close { connection, reason } => {
                        if let Some(peer) = peer_of(connection)
                            && let Some((link, _)) = peer.link.take()
                        {
                            peer.client.handle_disconnected(now, link, reason);
                        }
                    }
                    // A host would write this to its disk before it goes on.
                    RoomAction::Persist(_) => {}
                    RoomAction::Event(_) => {}
                }
            }
            if is_quiet {
                return Ok(());
            }
        }
    }

    fn show(&self, when: &str) {
        println!("{when}:");
        let note = |note: Option<&Object>| note.map_or("nothing".into(), Object::to_string);
        println!("  room  {}", note(self.room.record("note:1")));
        for peer in &self.peers {
            println!("  {}   {}", peer.name, note(peer.client.record("note:1")));
        }
    }
}
