//! What is made durable, and before whom it is told.

use super::*;
use crate::store::{AppliedPush, PushClient};

/// What a driver has stored that does as commits say and nothing else.
#[derive(Default)]
pub(super) struct Stored {
    clock: u64,
    history_starts_at: u64,
    documents: BTreeMap<RecordId, (Object, u64)>,
    tombstones: BTreeMap<RecordId, u64>,
    schema: Option<SerializedSchema>,
    applied: BTreeMap<PushClient, AppliedPush>,
}

impl Stored {
    pub(super) fn store(&mut self, commit: &Commit) {
        assert!(commit.clock >= self.clock, "commits come in order");
        assert_eq!(commit.clock > self.clock, !commit.changes.is_empty());
        self.clock = commit.clock;
        self.history_starts_at = commit.tombstone_history_starts_at;
        for change in &commit.changes {
            match &change.after {
                Some(record) => {
                    self.tombstones.remove(&change.id);
                    self.documents.insert(change.id.clone(), (record.clone(), commit.clock));
                }
                None => {
                    self.documents.remove(&change.id);
                    self.tombstones.insert(change.id.clone(), commit.clock);
                }
            }
        }
        for id in &commit.pruned {
            assert!(self.tombstones.remove(id).is_some(), "only tombstones are pruned");
        }
        if let Some(applied) = &commit.applied {
            self.applied.insert(applied.client.clone(), applied.clone());
        }
        for client in &commit.forgotten {
            assert!(self.applied.remove(client).is_some(), "only what was known is forgotten");
        }
        if let Some(schema) = &commit.schema {
            self.schema = Some(schema.clone());
        }
    }

    pub(super) fn snapshot(&self) -> RoomSnapshot {
        let mut applied_pushes: Vec<AppliedPush> = self.applied.values().cloned().collect();
        applied_pushes.sort_by_key(|applied| applied.order);
        RoomSnapshot {
            clock: self.clock,
            tombstone_history_starts_at: self.history_starts_at,
            documents: self.documents.values().cloned().collect(),
            tombstones: self.tombstones.clone().into_iter().collect(),
            schema: self.schema.clone(),
            applied_pushes,
        }
    }
}

/// Stores what is to be stored, and checks that nobody is told of anything before.
pub(super) fn store_all(stored: &mut Stored, actions: &[RoomAction]) {
    for action in actions {
        match action {
            RoomAction::Persist(commit) => stored.store(commit),
            RoomAction::Send { frame, .. } => {
                for told in to_json(frame).split(r#""serverClock":"#).skip(1) {
                    let end = told.find(|c: char| !c.is_ascii_digit()).unwrap();
                    let clock: u64 = told[..end].parse().unwrap();
                    assert!(clock <= stored.clock, "told of {clock} before it was durable");
                }
            }
            RoomAction::Event(RoomEvent::Committed(commit)) => {
                assert!(commit.clock <= stored.clock, "an event before its commit is durable");
            }
            RoomAction::Close { .. } | RoomAction::Event(_) => {}
        }
    }
}

#[test]
fn a_commit_is_durable_before_anybody_is_told_of_it() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.push(b, 1, r#"{"p":["patch",{"x":["put",1]}]}"#);
    world.act(|room, now| room.transact(now, |tx| tx.remove("p"))).unwrap();
    let snapshot = RoomSnapshot {
        documents: [(page("q", "").parse().unwrap(), 0)].into(),
        ..RoomSnapshot::default()
    };
    world.act(|room, now| room.load_snapshot(now, snapshot)).unwrap();
    let mut stored = Stored::default();
    let sends = |action: &RoomAction| matches!(action, RoomAction::Send { .. });
    assert!(world.actions.iter().filter(|action| sends(action)).count() > 6);
    store_all(&mut stored, &world.actions);
    assert_eq!(stored.snapshot(), world.room.snapshot());
}

#[test]
fn what_was_stored_opens_as_the_room_that_it_was() {
    let mut world = World::with(|config| config.limits.tombstones = 5);
    let a = world.join("a");
    for n in 0..12 {
        world.push(a, n, &put_page(&format!("p{n}"), ""));
    }
    for n in 0..8 {
        world.push(a, n, &format!(r#"{{"p{n}":["remove"]}}"#));
    }
    world.push(a, 9, &put_page("p7", r#","x":1"#));
    let mut stored = Stored::default();
    store_all(&mut stored, &world.actions);
    let snapshot = stored.snapshot();
    assert!(snapshot.tombstone_history_starts_at > 0 && !snapshot.tombstones.is_empty());
    let mut config = RoomConfig::default();
    config.limits.tombstones = 5;
    let room = Room::restore(config, Arc::new(schema()), snapshot).unwrap();
    assert_eq!(room.snapshot(), world.room.snapshot());
    // It answers those who come back as the first one did.
    let mut reopened = World::of(room);
    for clock in -1..=22 {
        let answers = [&mut world, &mut reopened].map(|world| {
            let new = world.open("new");
            world.hello(new, clock)
        });
        assert_eq!(answers[0], answers[1], "since {clock}");
    }
}

#[test]
fn a_snapshot_survives_its_json() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", r#","x":[1.5,"é"]"#));
    world.push(a, 2, &put_page("q", ""));
    world.push(a, 3, r#"{"q":["remove"]}"#);
    let snapshot = world.room.snapshot();
    let p = page("p", r#","x":[1.5,"é"]"#);
    let json = format!(
        r#"{{"documentClock":3,"documents":[{{"lastChangedClock":1,"state":{p}}}],"schema":{SCHEMA},"tombstoneHistoryStartsAtClock":0,"tombstones":{{"q":3}}}}"#
    );
    assert_eq!(snapshot.to_value().to_string(), json);
    assert_eq!(RoomSnapshot::from_json(&json), Ok(snapshot));
}

#[test]
fn records_that_are_no_documents_are_left_out_of_an_opened_room() {
    let json = r#"{"clock":1,"documents":[
        {"state":{"id":"p","typeName":"page"},"lastChangedClock":1},
        {"state":{"id":"c","typeName":"camera"},"lastChangedClock":1},
        {"state":{"id":"i","typeName":"cursor"},"lastChangedClock":1}]}"#;
    let snapshot = RoomSnapshot::from_json(json).unwrap();
    let room = Room::restore(RoomConfig::default(), Arc::new(schema()), snapshot).unwrap();
    let ids: Vec<_> = room.records().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["p"]);
}

#[test]
fn a_clock_at_its_end_neither_overflows_nor_panics() {
    let snapshot = RoomSnapshot { clock: (1 << 53) - 1, ..RoomSnapshot::default() };
    let room = Room::restore(RoomConfig::default(), Arc::new(schema()), snapshot).unwrap();
    let mut world = World::of(room);
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, r#"{"p":["remove"]}"#);
    assert_eq!(world.closed(a), None);
}

#[test]
fn changes_are_the_same_if_all_of_them_is_also_what_was_before() {
    let change = |first: u64, then: u64| {
        let mut world = World::new();
        let a = world.join("a");
        world.push(a, 1, &put_page("p", &format!(r#","x":{first}"#)));
        world.push(a, 2, &format!(r#"{{"p":["patch",{{"x":["put",{then}]}}]}}"#));
        world.persisted().last().unwrap().changes[0].clone()
    };
    assert_eq!(change(1, 2), change(1, 2));
    assert_ne!(change(1, 2), change(0, 2));
    assert_ne!(change(1, 2), change(1, 3));
}

/// Of a thousand notes there is one list of keys, however each of them came to have them.
#[test]
fn records_of_the_same_keys_share_them() {
    let mut world = World::new();
    let a = world.join("a");
    for id in ["p", "q"] {
        world.push(a, 1, &put_page(id, r#","x":1"#));
        world.push(a, 2, &format!(r#"{{"{id}":["patch",{{"props":["put",{{"w":1,"h":2}}]}}]}}"#));
        world.push(
            a,
            3,
            &format!(r#"{{"{id}":["patch",{{"props":["patch",{{"o":["put",{{"k":1}}]}}]}}]}}"#),
        );
        world.push(a, 4, &put_page(&format!("{id}2"), r#","y":1"#));
    }
    let object = |id: &str, path: &[&str]| {
        let record = world.room.record(id).unwrap().clone();
        path.iter()
            .fold(record, |object, key| object.get(key).unwrap().as_object().unwrap().clone())
    };
    assert!(object("p2", &[]).keys_ptr_eq(&object("q2", &[])));
    assert!(object("p", &["props", "o"]).keys_ptr_eq(&object("q", &["props", "o"])));
    world
        .act(|room, now| {
            room.transact(now, |tx| {
                tx.put(page("r", r#","z":1"#).parse::<Object>().unwrap())?;
                tx.put(page("s", r#","z":1"#).parse::<Object>().unwrap())
            })
        })
        .unwrap();
    let object = |id: &str| world.room.record(id).unwrap().clone();
    assert!(object("r").keys_ptr_eq(&object("s")));
}
