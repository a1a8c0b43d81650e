//! Random sessions, good and bad, over random time: at rest everybody knows the same.

use super::persist::{Stored, store_all};
use super::policy::{is_allowed, sees, strict};
use super::replica::Replica;
use super::*;
use alloc::collections::VecDeque;
use core::sync::atomic::{AtomicBool, Ordering};

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    const fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// A client with the wire to it: what was sent and did not arrive yet.
struct Client {
    name: String,
    version: u32,
    codec: Codec,
    connection: Option<ConnectionId>,
    is_writable: bool,
    wire: VecDeque<Frame>,
    replica: Replica,
    client_clock: u64,
}

struct Simulation {
    world: World,
    random: Random,
    clients: Vec<Client>,
    stored: Stored,
    /// What an application knows that only listens to events.
    told: BTreeMap<RecordId, Object>,
    shown: BTreeMap<SessionId, Object>,
    snapshots: Vec<RoomSnapshot>,
    requests: u64,
    /// Whether who sees whom goes by [`sees`], unless everybody is seen for now.
    is_filtered: bool,
    is_open: Arc<AtomicBool>,
    /// Whether sessions may do what [`is_allowed`] says alone.
    is_strict: bool,
    most_records: usize,
    /// All actions so far, as text.
    transcript: String,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let (is_filtered, is_open) = (random.chance(50), Arc::new(AtomicBool::new(false)));
        let is_strict = random.chance(30);
        let most_records = if random.chance(30) { 3 } else { 1000 };
        let world = World::timed(|config| {
            if random.chance(50) {
                config.limits.log_bytes = 400;
            }
            if random.chance(50) {
                config.limits.tombstones = 3;
            }
            if random.chance(30) {
                config.limits.unanswered_pushes = 3;
            }
            if random.chance(20) {
                config.reconnect_grace = Duration::ZERO;
            }
            config.limits.records = most_records;
            if is_strict {
                config.hooks = Hooks::default().authorize("page", strict());
            }
            if is_filtered {
                let is_open = Arc::clone(&is_open);
                let hooks = core::mem::take(&mut config.hooks);
                config.hooks = hooks.filter_presence(move |viewer, _, record| {
                    is_open.load(Ordering::Relaxed) || sees(viewer.presence, record)
                });
            }
        });
        let client = |(name, version, codec): (&str, u32, Codec)| Client {
            name: name.into(),
            version,
            codec,
            connection: None,
            is_writable: true,
            wire: VecDeque::new(),
            replica: Replica::new(version),
            client_clock: 0,
        };
        Self {
            world,
            random,
            clients: [
                ("a", 8, Codec::Json),
                ("b", 8, Codec::Postcard),
                ("c", 7, Codec::Postcard),
                ("d", 5, Codec::Json),
                ("e", 8, Codec::Json),
            ]
            .map(client)
            .into(),
            stored: Stored::default(),
            told: BTreeMap::new(),
            shown: BTreeMap::new(),
            snapshots: Vec::new(),
            requests: 0,
            is_filtered,
            is_open,
            is_strict,
            most_records,
            transcript: String::new(),
        }
    }

    /// Takes what the room did: onto the wires, into the store, to the application.
    fn carry_out(&mut self) {
        let actions = core::mem::take(&mut self.world.actions);
        self.transcript.push_str(&format!("{actions:?}\n"));
        store_all(&mut self.stored, &actions);
        for action in actions {
            match action {
                RoomAction::Send { to, frame } => {
                    let is_to = |client: &&mut Client| client.connection == Some(to[0]);
                    let Some(client) = self.clients.iter_mut().find(is_to) else {
                        panic!("sent to a connection that is gone");
                    };
                    assert!(client.is_writable, "sent to a client that does not read");
                    client.wire.push_back(frame);
                }
                RoomAction::Close { connection, .. } => {
                    let is_to = |client: &&mut Client| client.connection == Some(connection);
                    if let Some(client) = self.clients.iter_mut().find(is_to) {
                        client.deliver(usize::MAX);
                        client.cut();
                    }
                }
                RoomAction::Persist(_) => {}
                RoomAction::Event(RoomEvent::Committed(commit)) => {
                    assert_eq!(Commit::from_value(&commit.to_value()), Ok((*commit).clone()));
                    let before = self.told.len();
                    for change in &commit.changes {
                        assert_eq!(change.before().as_ref(), self.told.get(&change.id));
                        match &change.after {
                            Some(record) => self.told.insert(change.id.clone(), record.clone()),
                            None => self.told.remove(&change.id),
                        };
                        if self.is_strict && commit.origin != Origin::Host {
                            let (before, after) = (change.before(), change.after.as_ref());
                            assert!(is_allowed(before.as_ref(), after), "{change:?}");
                        }
                    }
                    if commit.origin != Origin::Host {
                        assert!(self.told.len() <= before.max(self.most_records));
                    }
                }
                RoomAction::Event(RoomEvent::Presence { session, record }) => {
                    match record {
                        Some(record) => self.shown.insert(session, record),
                        None => self.shown.remove(&session),
                    };
                }
                RoomAction::Event(RoomEvent::Left { session, .. }) => {
                    assert!(!self.shown.contains_key(&session), "presence outlives its session");
                }
                RoomAction::Event(_) => {}
            }
        }
    }

    fn step(&mut self) {
        let at = usize::try_from(self.random.below(5)).unwrap();
        match (self.random.below(100), self.clients[at].connection) {
            (0..40, Some(connection)) => self.push(at, connection),
            (40..50, Some(connection)) => self.present(at, connection),
            (50..56, Some(connection)) => self.misbehave(at, connection),
            (56..64, Some(connection)) => {
                let writable = self.random.chance(50);
                self.clients[at].is_writable = writable;
                self.world.writable(connection, writable);
            }
            (64..68, Some(connection)) => {
                // The client learns of it only by and by, and loses what was on the wire.
                self.clients[at].cut();
                self.world.disconnect(connection);
            }
            (68..71, Some(connection)) => self.connect(at, connection),
            (71..73, Some(connection)) => {
                let reason = CloseReason::Custom("enough".into());
                self.world.act(|room, now| room.close_session(now, connection, reason)).unwrap();
            }
            (73..75, Some(_)) | (0..60, None) => self.open(at),
            (75..78, _) => self.host(),
            (78..90, _) => {
                let some = usize::try_from(self.random.below(4)).unwrap();
                self.clients[at].deliver(some);
            }
            _ => {
                let time = *self.random.pick(&[0, 1, 5, 17, 40, 40, 200, 6000, 21_000]);
                self.world.tick(millis(time));
                let deadline = self.world.room.poll_timeout();
                assert!(deadline.is_none_or(|deadline| deadline > self.world.now));
            }
        }
        self.carry_out();
    }

    /// Opens a connection, also in place of a live one, and mostly says `connect` on it.
    fn open(&mut self, at: usize) {
        let name = self.clients[at].name.clone();
        let readonly = self.random.chance(10);
        // What is sent to the old connection from here on reaches nobody.
        self.clients[at].cut();
        let params = SessionParams { readonly, ..SessionParams::new(name) };
        let connection = self.world.open_as(params);
        let client = &mut self.clients[at];
        client.connection = Some(connection);
        client.is_writable = true;
        if self.random.chance(90) {
            self.connect(at, connection);
        }
    }

    fn connect(&mut self, at: usize, connection: ConnectionId) {
        let client = &mut self.clients[at];
        let clock = client.replica.clock.map_or(-1, |clock| i64::try_from(clock).unwrap());
        let text = connect(clock, &client.version.to_string(), SCHEMA);
        let text = offering(&text, if client.codec == Codec::Json { "[]" } else { POSTCARD });
        self.requests += 1;
        let request = self.requests.to_string();
        self.world.say(connection, &text.replace(r#""r""#, &format!("{request:?}")));
        client.replica.asks(request);
    }

    fn push(&mut self, at: usize, connection: ConnectionId) {
        if !self.clients[at].replica.may_push() {
            return;
        }
        let ops: Vec<String> = (0..=self.random.below(3)).map(|_| self.op()).collect();
        let diff = format!("{{{}}}", ops.join(","));
        let client = &mut self.clients[at];
        client.client_clock += 1;
        client.replica.pushed(client.client_clock, &diff);
        self.world.push(connection, client.client_clock, &diff);
    }

    /// An op on one of few pages, which mostly has an effect.
    fn op(&mut self) -> String {
        let id = format!("p{}", self.random.below(6));
        let known = self.world.room.record(&id).cloned();
        let text = |record: &Object| record.get("text").and_then(crate::Value::as_text).cloned();
        let (n, kind) = (self.random.below(9), self.random.below(10));
        let op = match (kind, known) {
            (0, _) => r#"["remove"]"#.into(),
            (1, Some(known)) => format!(r#"["put",{known}]"#),
            (2..=9, Some(known)) => {
                let end = text(&known).map_or(0, |text| text.utf16_len() as u64);
                let end = if self.random.chance(80) { end } else { n };
                let inner = match self.random.below(7) {
                    0 => format!(r#""x":["put",{n}]"#),
                    1 => r#""x":["delete"]"#.into(),
                    2 => format!(r#""text":["append"," and more 🖋 of it {n}",{end}]"#),
                    3 => format!(
                        r#""list":["append",[{n}],{}],"x":["put",{n}]"#,
                        self.random.below(3)
                    ),
                    4 => format!(r#""list":["patch",{{"{n}":["put",{n}]}}],"text":["put","t{n}"]"#),
                    5 => format!(r#""meta":["patch",{{"a":["put",{n}],"b":["append","é",{n}]}}]"#),
                    _ => format!(
                        r#""meta":["put",{{"b":"{}"}}]"#,
                        "bbbbbbbbb".get(..usize::try_from(n).unwrap()).unwrap()
                    ),
                };
                format!(r#"["patch",{{{inner}}}]"#)
            }
            (_, _) => {
                let fields = format!(r#","list":[1,2],"meta":{{"b":"b"}},"text":"t","x":{n}"#);
                format!(r#"["put",{}]"#, page(&id, &fields))
            }
        };
        format!(r#""{id}":{op}"#)
    }

    fn present(&mut self, at: usize, connection: ConnectionId) {
        if !self.clients[at].replica.may_push() {
            return;
        }
        let n = self.random.below(5);
        let op = match self.random.below(4) {
            0 => format!(r#"["put",{{"chat":"c","x":{n}}}]"#),
            1 => format!(r#"["patch",{{"chat":["append","hey",{n}]}}]"#),
            2 => format!(r#"["put",{{"chat":"chat{n}"}}]"#),
            _ => format!(r#"["patch",{{"x":["put",{n}]}}]"#),
        };
        let client = &mut self.clients[at];
        client.client_clock += 1;
        client.replica.pushed(client.client_clock, "{}");
        self.world.present(connection, client.client_clock, &op);
    }

    fn misbehave(&mut self, at: usize, connection: ConnectionId) {
        let op = self.op();
        let bad = put_page("z", r#","bad":1"#);
        let texts = [
            "garbage".into(),
            r#"{"type":"dance"}"#.into(),
            "3_{".into(),
            r#"{"type":"ping"}"#.into(),
            format!(r#"{{"type":"push","clientClock":0,"diff":{bad}}}"#),
            format!(
                r#"{{"type":"push","clientClock":0,"diff":{{{op},"z":["put",{{"id":"z","typeName":"cursor"}}]}}}}"#
            ),
            format!(
                r#"{{"type":"push","clientClock":0,"diff":{{{op}}},"presence":["put",{{"bad":1}}]}}"#
            ),
        ];
        let text: &String = self.random.pick(&texts);
        if text.contains("push") {
            if !self.clients[at].replica.may_push() {
                return;
            }
            // One that may not write is answered like for any other push.
            self.clients[at].replica.pushed(0, "{}");
        }
        self.world.say(connection, text);
    }

    fn host(&mut self) {
        if self.random.chance(20) {
            let is_open = self.random.chance(30);
            self.is_open.store(is_open, Ordering::Relaxed);
            self.world.act(Room::review_presence);
        } else if self.random.chance(70) {
            let id = format!("p{}", self.random.below(6));
            let n = self.random.below(9);
            let write = |tx: &mut crate::Transaction<'_>| {
                if tx.record(&id).is_some() {
                    return tx
                        .update(&id, |page| drop(page.insert("text", format!("the host {n}"))));
                }
                tx.put(page(&id, r#","text":"t""#).parse::<Object>().unwrap())
            };
            self.world.act(|room, now| room.transact(now, write)).unwrap();
        } else if self.snapshots.len() > 2 {
            let snapshot = self.random.pick(&self.snapshots).clone();
            let again = snapshot.clone();
            self.world.act(|room, now| room.load_snapshot(now, snapshot)).unwrap();
            let (loaded, actions) = (self.world.room.snapshot(), self.world.actions.len());
            self.world.act(|room, now| room.load_snapshot(now, again)).unwrap();
            assert_eq!(self.world.room.snapshot(), loaded);
            assert_eq!(self.world.actions.len(), actions, "a second time it changes nothing");
        } else {
            self.snapshots.push(self.world.room.snapshot());
        }
    }

    /// Lets everybody come back, read, and be quiet.
    fn settle(&mut self) {
        for at in 0..self.clients.len() {
            match self.clients[at].connection {
                Some(connection) => {
                    self.clients[at].is_writable = true;
                    self.world.writable(connection, true);
                }
                None => self.open(at),
            }
            self.carry_out();
        }
        for at in 0..self.clients.len() {
            self.clients[at].deliver(usize::MAX);
            if let Some(connection) = self.clients[at].connection
                && !self.clients[at].replica.may_push()
            {
                self.connect(at, connection);
                self.carry_out();
            }
        }
        for _ in 0..3 {
            self.world.tick(millis(17));
            self.carry_out();
            self.clients.iter_mut().for_each(|client| client.deliver(usize::MAX));
        }
    }

    fn check(&self) -> usize {
        let mut checked = 0;
        for client in &self.clients {
            // One in a chunk that never ended, or that was too far behind, was closed meanwhile.
            if client.replica.may_push() {
                let presence = self.world.room.presence();
                let own = |(session, _): &(&SessionId, &Object)| ***session == *client.name;
                let viewer = self.world.room.presence().find(own).map(|(_, record)| record);
                let seen = presence.filter(|(session, record)| {
                    let is_open = !self.is_filtered || self.is_open.load(Ordering::Relaxed);
                    ***session != *client.name && (is_open || sees(viewer, record))
                });
                let seen = seen.map(|(_, record)| record);
                client.replica.assert_sees(&self.world.room, seen);
                assert!(client.replica.has_answers());
                checked += 1;
            }
        }
        assert_eq!(self.stored.snapshot().documents, self.world.room.snapshot().documents);
        if self.world.room.clock() > 0 {
            assert_eq!(self.stored.snapshot(), self.world.room.snapshot());
        }
        let records = self.world.room.records();
        let records: BTreeMap<_, _> = records.map(|(id, of)| (id.clone(), of.clone())).collect();
        assert_eq!(self.told, records);
        let shown = self.world.room.presence();
        let shown: BTreeMap<_, _> =
            shown.map(|(of, record)| (of.clone(), record.clone())).collect();
        assert_eq!(self.shown, shown);
        checked
    }
}

impl Client {
    /// The connection is gone, with what was on the wire.
    fn cut(&mut self) {
        self.connection = None;
        self.wire.clear();
        self.replica.lost_connection();
    }

    fn deliver(&mut self, most: usize) {
        for frame in self.wire.drain(..most.min(self.wire.len())) {
            self.replica.hear(frame.to_bytes());
        }
    }
}

fn run(seed: u64) -> (String, usize) {
    let mut simulation = Simulation::new(seed);
    let mut checked = 0;
    for _ in 0..8 {
        for _ in 0..60 {
            simulation.step();
        }
        simulation.settle();
        checked += simulation.check();
    }
    (simulation.transcript, checked)
}

#[test]
fn at_rest_every_copy_is_the_room() {
    let mut checked = 0;
    let mut seen = String::new();
    for seed in 0..60 {
        let (transcript, copies) = run(seed);
        checked += copies;
        seen.push_str(&transcript);
    }
    // The runs were about something.
    assert!(checked > 60 * 8 * 3, "{checked} copies were compared");
    for what in [
        "wipe_all",
        "wipe_presence",
        r#"\"commit\""#,
        r#"\"discard\""#,
        "rebaseWithDiff",
        "InvalidRecord",
        "incompatibility_error",
        "Replaced",
        "BadChunk",
        "Idle",
        "Reset",
        r#"[\"remove\"]"#,
        r#"[\"append\""#,
        "pruned: [\"",
    ] {
        assert!(seen.contains(what), "no run came by {what}");
    }
}

#[test]
fn the_same_inputs_lead_to_the_same_actions() {
    for seed in 0..4 {
        assert_eq!(run(seed), run(seed));
    }
}
