//! Clients and a room in one thread, on links that delay and cut, driven from a seed.

use super::persist::essence;
use super::*;
use crate::ids::{ConnectionId, RecordId};
use crate::room::RoomConfig;
use crate::schema::{Migration, MigrationSequence};
use crate::wire::Codec;
use alloc::collections::VecDeque;

/// A small generator of numbers: the same seed, the same run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end as u64)).unwrap()
    }

    pub(super) fn one_in(&mut self, end: usize) -> bool {
        self.below(end) == 0
    }
}

/// An ordered stream in both directions. What is not delivered when it is cut is lost.
struct Wire {
    link: LinkId,
    connection: ConnectionId,
    to_room: VecDeque<Vec<u8>>,
    to_client: VecDeque<Vec<u8>>,
}

pub(super) struct Member {
    name: String,
    pub(super) client: Client,
    /// Whether the client asked for a connection that it did not get yet.
    dials: bool,
    wire: Option<Wire>,
    /// What is durable of the client.
    store: ClientSnapshot,
    push_budget: PushBudget,
    /// What the events alone say that there is.
    told: BTreeMap<RecordId, Object>,
    told_presence: BTreeMap<RecordId, Object>,
}

pub(super) struct World {
    pub(super) now: Instant,
    schema: Arc<Schema>,
    room: Room,
    pub(super) members: Vec<Member>,
    pub(super) random: Random,
    crashes: usize,
    undone: usize,
}

impl Member {
    /// A client that goes on with what is durable of this one.
    fn restore(&self, now: Instant, schema: &Arc<Schema>) -> Client {
        let config = ClientConfig { push_budget: self.push_budget, ..ClientConfig::default() };
        Client::restore(now, config, Arc::clone(schema), &self.store).unwrap()
    }

    /// The process ends, and the next one goes on with what is durable.
    fn restart(&mut self, now: Instant, schema: &Arc<Schema>) {
        self.client = self.restore(now, schema);
        self.dials = false;
        self.told = self.client.records().map(|(id, it)| (id.clone(), it.clone())).collect();
        self.told_presence.clear();
    }
}

impl World {
    pub(super) fn new(seed: u64, members: usize) -> Self {
        let room = Room::new(RoomConfig::default(), schema()).unwrap();
        let member = |index: usize| Member {
            name: format!("member-{index}"),
            // Not all count their pushes.
            client: client_of(
                (index != 1).then(|| format!("client-{index}")),
                if index % 2 == 1 { Codec::Postcard } else { Codec::Json },
                budget(index),
            ),
            push_budget: budget(index),
            dials: false,
            wire: None,
            store: ClientSnapshot::default(),
            told: BTreeMap::new(),
            told_presence: BTreeMap::new(),
        };
        let random = Random::new(seed);
        let members = (0..members).map(member).collect();
        let (now, schema) = (Instant::ZERO, schema());
        let mut world = Self { now, schema, room, members, random, crashes: 0, undone: 0 };
        world.settle_actions();
        world
    }

    /// Carries out what all machines ask for, and what they ask for because of that.
    pub(super) fn settle_actions(&mut self) {
        self.carry_out_clients_actions();
        while self.carry_out_room_actions() {
            self.carry_out_clients_actions();
        }
    }

    fn carry_out_clients_actions(&mut self) {
        for member in &mut self.members {
            let mut persisted = false;
            while let Some(action) = member.client.poll_action() {
                match action {
                    ClientAction::Dial => member.dials = true,
                    ClientAction::Send { link, frame } => {
                        if let Some(wire) = member.wire.as_mut().filter(|wire| wire.link == link) {
                            wire.to_room.push_back(frame.to_bytes().to_vec());
                        }
                    }
                    ClientAction::Close { link, reason } => {
                        assert!(!reason.is_fatal());
                        if let Some(wire) = member.wire.take_if(|wire| wire.link == link) {
                            self.room.handle_disconnect(self.now, wire.connection);
                        }
                    }
                    ClientAction::Event(ClientEvent::Changed { changes, .. }) => {
                        tell(&mut member.told, changes);
                    }
                    ClientAction::Event(ClientEvent::Presence(changes)) => {
                        tell(&mut member.told_presence, changes);
                    }
                    ClientAction::Persist(commit) => {
                        member.store.apply(&commit);
                        persisted = true;
                    }
                    ClientAction::Event(_) => {}
                }
            }
            if persisted {
                let restored = essence(&member.restore(self.now, &self.schema));
                assert_eq!(restored, essence(&member.client), "what is kept is all there is");
            }
            assert!(member.told.iter().eq(member.client.records()), "events tell the records");
            assert!(member.told_presence.iter().eq(member.client.presence()));
        }
    }

    /// Whether there was anything to carry out.
    fn carry_out_room_actions(&mut self) -> bool {
        let mut any = false;
        while let Some(action) = self.room.poll_action() {
            any = true;
            match action {
                RoomAction::Send { to, frame } => {
                    for connection in &to {
                        let member = member_on(&mut self.members, *connection);
                        if let Some(wire) = member.and_then(|member| member.wire.as_mut()) {
                            wire.to_client.push_back(frame.to_bytes().to_vec());
                        }
                    }
                }
                RoomAction::Close { connection, reason } => {
                    assert!(!reason.is_fatal(), "{reason}");
                    if let Some(member) = member_on(&mut self.members, connection)
                        && let Some(wire) = member.wire.take()
                    {
                        // What is on its way still arrives before the end of an ordered stream.
                        for bytes in &wire.to_client {
                            member.client.handle_message(self.now, wire.link, bytes);
                        }
                        member.client.handle_disconnected(self.now, wire.link, reason);
                    }
                }
                RoomAction::Persist(_) | RoomAction::Event(_) => {}
            }
        }
        any
    }

    /// A random member edits, delivers, cuts, connects or waits.
    fn step(&mut self) {
        let index = self.random.below(self.members.len());
        match self.random.below(20) {
            0..7 => self.edit(index),
            7 => self.undo_or_redo(index),
            8..16 => self.deliver(index),
            16 => self.connect(index),
            17 if self.random.one_in(3) => self.cut(index),
            17 if self.random.one_in(4) => self.crash(index),
            18 => {
                let x = self.random.below(9);
                let cursor = format!(r#"{{"id":"cursor:me","typeName":"cursor","x":{x}}}"#);
                let client = &mut self.members[index].client;
                client.set_presence(self.now, Some(cursor.parse().unwrap())).unwrap();
            }
            _ => {
                let millis = [1, 20, 300, 6_000][self.random.below(4)];
                self.pass(Duration::from_millis(millis));
            }
        }
        self.settle_actions();
    }

    pub(super) fn edit(&mut self, index: usize) {
        let random = &mut self.random;
        let id = format!("note:{}", random.below(4));
        let client = &mut self.members[index].client;
        let number = random.below(1000);
        client
            .transact(self.now, |tx| {
                if tx.record(&id).is_none() {
                    let fields = r#","text":"","tags":[],"props":{}"#;
                    return tx.put(note(id.trim_start_matches("note:"), fields));
                }
                match number % 6 {
                    0 => tx.remove(&id),
                    1 => tx.update(&id, |record| {
                        record.insert("x", number.to_string());
                    }),
                    2 => tx.update(&id, |record| {
                        let text = record.get("text").and_then(Value::as_str).unwrap_or_default();
                        record.insert("text", format!("{text}{number}"));
                    }),
                    3 => tx.update(&id, |record| {
                        if let Some(Value::Array(tags)) = record.get_mut("tags") {
                            tags.push(Value::from(number.to_string()));
                        }
                    }),
                    4 => tx.update(&id, |record| {
                        if let Some(Value::Object(props)) = record.get_mut("props") {
                            props.insert(format!("p{}", number % 5), number.to_string());
                        }
                    }),
                    _ => tx.update(&id, |record| {
                        record.remove("x");
                    }),
                }
            })
            .unwrap();
    }

    fn undo_or_redo(&mut self, index: usize) {
        let is_undo = self.random.below(3) > 0;
        let client = &mut self.members[index].client;
        let (can, was_told) = if is_undo {
            (client.can_undo(), client.undo(self.now))
        } else {
            (client.can_redo(), client.redo(self.now))
        };
        assert_eq!(can, was_told);
        self.undone += usize::from(was_told);
    }

    pub(super) fn deliver(&mut self, index: usize) {
        let member = &mut self.members[index];
        let Some(wire) = &mut member.wire else { return };
        if self.random.one_in(2) {
            if let Some(bytes) = wire.to_room.pop_front() {
                self.room.handle_message(self.now, wire.connection, &bytes);
            }
        } else if let Some(bytes) = wire.to_client.pop_front() {
            member.client.handle_message(self.now, wire.link, &bytes);
        }
    }

    pub(super) fn connect(&mut self, index: usize) {
        let member = &mut self.members[index];
        if !core::mem::take(&mut member.dials) {
            return;
        }
        let params = SessionParams::new(member.name.as_str());
        let connection = self.room.handle_connect(self.now, params).unwrap();
        let link = member.client.handle_connected(self.now);
        let (to_room, to_client) = (VecDeque::new(), VecDeque::new());
        member.wire = Some(Wire { link, connection, to_room, to_client });
    }

    /// Each side hears of the end by itself; what was on its way is lost.
    pub(super) fn cut(&mut self, index: usize) {
        let member = &mut self.members[index];
        if let Some(wire) = member.wire.take() {
            self.room.handle_disconnect(self.now, wire.connection);
            let reason = CloseReason::Disconnected;
            member.client.handle_disconnected(self.now, wire.link, reason);
        }
    }

    /// The process of a client dies between two actions, and the next goes on with what was durable.
    fn crash(&mut self, index: usize) {
        self.edit(index);
        let member = &mut self.members[index];
        for _ in 0..self.random.below(4) {
            match member.client.poll_action() {
                Some(ClientAction::Persist(commit)) => member.store.apply(&commit),
                Some(ClientAction::Send { frame, .. }) => {
                    let wire = member.wire.iter_mut();
                    wire.for_each(|wire| wire.to_room.push_back(frame.to_bytes().to_vec()));
                }
                _ => {}
            }
        }
        if let Some(wire) = member.wire.take() {
            let arrives = self.random.below(wire.to_room.len() + 1);
            for bytes in wire.to_room.iter().take(arrives) {
                self.room.handle_message(self.now, wire.connection, bytes);
            }
            self.room.handle_disconnect(self.now, wire.connection);
        }
        member.restart(self.now, &self.schema);
        self.crashes += 1;
    }

    /// All processes end, and those that go on have another schema.
    fn upgrade(&mut self, schema: Arc<Schema>) {
        let snapshot = self.room.snapshot();
        self.room = Room::restore(RoomConfig::default(), Arc::clone(&schema), snapshot).unwrap();
        for member in &mut self.members {
            member.wire = None;
            member.restart(self.now, &schema);
        }
        self.schema = schema;
        self.settle_actions();
    }

    /// Lets time pass, with wake-ups exactly at the deadlines.
    pub(super) fn pass(&mut self, duration: Duration) {
        let until = self.now.saturating_add(duration);
        loop {
            self.settle_actions();
            let clients = self.members.iter().filter_map(|member| member.client.poll_timeout());
            let due = clients.chain(self.room.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= until) else { break };
            self.now = self.now.max(due);
            self.room.handle_timeout(self.now);
            for member in &mut self.members {
                member.client.handle_timeout(self.now);
            }
            self.settle_actions();
            let mut later = self.members.iter().map(|member| member.client.poll_timeout());
            assert!(later.all(|next| next.is_none_or(|next| next > self.now)));
        }
        self.now = until;
    }

    /// Connects everybody and delivers everything, until nothing moves any more.
    pub(super) fn quiesce(&mut self) {
        for _ in 0..60 {
            for index in 0..self.members.len() {
                self.connect(index);
                self.settle_actions();
                let member = &mut self.members[index];
                let Some(wire) = &mut member.wire else { continue };
                for bytes in core::mem::take(&mut wire.to_room) {
                    self.room.handle_message(self.now, wire.connection, &bytes);
                }
                for bytes in core::mem::take(&mut wire.to_client) {
                    member.client.handle_message(self.now, wire.link, &bytes);
                }
            }
            self.pass(Duration::from_millis(100));
        }
    }

    pub(super) fn assert_converged(&self, seed: u64) {
        for member in &self.members {
            let name = &member.name;
            assert_eq!(member.client.status(), &Status::Online, "seed {seed}: {name}");
            assert!(member.client.is_settled(), "seed {seed}: {name} is settled");
            let seen: Vec<_> = member.client.records().collect();
            let there: Vec<_> = self.room.records().collect();
            assert_eq!(seen, there, "seed {seed}: {name} sees what the room has");
            assert_eq!(member.client.server_clock(), Some(self.room.clock()), "seed {seed}");
            let shown: Vec<_> = member.client.presence().map(|(_, it)| it.get("x")).collect();
            let others = self.room.presence().filter(|(session, _)| session.as_str() != name);
            let others: Vec<_> = others.map(|(_, it)| it.get("x")).collect();
            assert_eq!(
                shown.len(),
                others.len(),
                "seed {seed}: {name} sees the presence of others"
            );
            for x in others {
                assert!(shown.contains(&x), "seed {seed}: {name} sees the presence of others");
            }
        }
    }
}

/// One of them pushes few changes at once.
fn budget(index: usize) -> PushBudget {
    let all = ClientConfig::default().push_budget;
    if index == 2 { PushBudget { ops: 2, ..all } } else { all }
}

fn client_of(client_id: Option<String>, codec: Codec, push_budget: PushBudget) -> Client {
    let client_id = client_id.map(Into::into);
    let config =
        ClientConfig { client_id, codec, push_budget, persist: true, ..ClientConfig::default() };
    Client::new(Instant::ZERO, config, schema()).unwrap()
}

fn member_on(members: &mut [Member], connection: ConnectionId) -> Option<&mut Member> {
    members
        .iter_mut()
        .find(|member| member.wire.as_ref().is_some_and(|wire| wire.connection == connection))
}

pub(super) fn tell(told: &mut BTreeMap<RecordId, Object>, changes: Vec<RecordChange>) {
    for RecordChange { id, before, after } in changes {
        assert_ne!(before, after, "only net changes are told");
        let was = match after {
            Some(after) => told.insert(id, after),
            None => told.remove(&id),
        };
        assert_eq!(was, before, "an event continues where the last one ended");
    }
}

#[test]
fn clients_converge_whatever_happens_on_the_way() {
    let (mut pushes, mut reconnects, mut crashes, mut undone) = (0, 0, 0, 0);
    for seed in 1..=60 {
        let mut world = World::new(seed, 3);
        for _ in 0..400 {
            world.step();
        }
        world.quiesce();
        world.assert_converged(seed);
        pushes += world.members.iter().map(|member| member.client.last_push).sum::<u64>();
        crashes += world.crashes;
        undone += world.undone;
        reconnects += world.members.iter().map(|member| member.client.last_link).sum::<u64>();
    }
    let enough = pushes > 1500 && reconnects > 300 && crashes > 100 && undone > 300;
    assert!(enough, "{pushes} pushes, {undone} undone, {reconnects} links, {crashes} crashes");
}

/// The next schema. In it `x` is `z`, there is no `note:0`, and a note says how many there were.
fn stocked() -> Arc<Schema> {
    let first = Migration::record("com.example.note/1", |_| Ok(()));
    let second = Migration::store("com.example.note/2", |records| {
        records.delete("note:0");
        let notes: Vec<Object> = records.entries().map(|(_, note)| note.clone()).collect();
        records.set(note("stock", &format!(r#","count":{}"#, notes.len())))?;
        for mut note in notes {
            if let Some(x) = note.remove("x") {
                note.insert("z", x);
                records.set(note)?;
            }
        }
        Ok(())
    });
    let migrations = MigrationSequence::new("com.example.note").then(first).then(second);
    let builder = Schema::builder()
        .record_type("note", RecordType::new(Scope::Document))
        .record_type("cursor", RecordType::new(Scope::Presence));
    Arc::new(builder.migrations(migrations).build().unwrap())
}

#[test]
fn clients_converge_over_a_migration_of_the_store_and_none_of_it_is_lost() {
    let mut unsettled = 0;
    for seed in 1..=40 {
        let mut world = World::new(seed, 3);
        for _ in 0..200 {
            world.step();
        }
        let pending = |member: &Member| member.client.pending().count();
        unsettled += world.members.iter().map(pending).sum::<usize>();
        world.upgrade(stocked());
        for _ in 0..100 {
            world.step();
        }
        world.quiesce();
        world.assert_converged(seed);
        // And what is durable is the same again, without a word of the room.
        for member in &world.members {
            let again = member.restore(world.now, &world.schema);
            assert!(again.records().eq(world.room.records()), "seed {seed}: {}", member.name);
        }
    }
    assert!(unsettled > 50, "{unsettled}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| {
        let mut world = World::new(seed, 3);
        for _ in 0..300 {
            world.step();
        }
        let actions = world.members.iter().map(|member| format!("{:?}", member.client));
        actions.collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
