//! What undo and redo promise, whatever is done in whichever order.

use super::together::{Random, World};
use super::*;

type Documents = BTreeMap<RecordId, Object>;

fn documents(client: &Client) -> Documents {
    client.records().map(|(id, record)| (id.clone(), record.clone())).collect()
}

/// The states that a user who is alone goes through: those to undo to, this one, those to redo to.
struct Timeline {
    states: Vec<Documents>,
    now: usize,
}

impl Timeline {
    fn edited(&mut self, state: Documents) {
        if self.states[self.now] != state {
            self.states.truncate(self.now + 1);
            self.states.push(state);
            self.now += 1;
        }
    }

    fn back(&mut self) -> bool {
        let can = self.now > 0;
        self.now -= usize::from(can);
        can
    }

    fn forth(&mut self) -> bool {
        let can = self.now + 1 < self.states.len();
        self.now += usize::from(can);
        can
    }

    /// Forgets what was between `mark` and now.
    fn squash(&mut self, mark: usize) {
        if self.now > mark {
            let state = self.states.split_off(self.now).remove(0);
            self.states.truncate(mark + 1);
            self.now = mark;
            self.edited(state);
        }
    }
}

#[test]
fn alone_one_goes_back_and_forth_through_the_same_states() {
    let mut travelled = 0;
    for seed in 1..=20 {
        let mut world = World::new(seed, 1);
        let mut time = Timeline { states: [Documents::new()].into(), now: 0 };
        for _ in 0..250 {
            let choice = world.random.below(24);
            match choice {
                0..10 => {
                    world.edit(0);
                    time.edited(documents(&world.members[0].client));
                }
                10..14 => {
                    assert_eq!(world.members[0].client.undo(world.now), time.back());
                    travelled += 1;
                }
                14..17 => assert_eq!(world.members[0].client.redo(world.now), time.forth()),
                17 | 18 => {
                    let (point, mark) = (time.now, world.members[0].client.undo_mark());
                    for _ in 0..world.random.below(4) {
                        world.edit(0);
                        time.edited(documents(&world.members[0].client));
                    }
                    if choice == 17 {
                        world.members[0].client.squash_to(mark);
                        time.squash(point);
                    } else {
                        let changes = time.now > point
                            && time.states[point] != documents(&world.members[0].client);
                        assert_eq!(world.members[0].client.bail_to(world.now, mark), changes);
                        if time.now > point {
                            time.states.truncate(point + 1);
                            time.now = point;
                        }
                    }
                }
                19 | 20 => world.deliver(0),
                21 => world.connect(0),
                22 if world.random.one_in(4) => world.cut(0),
                _ => world.pass(Duration::from_millis(50)),
            }
            world.settle_actions();
            let client = &world.members[0].client;
            assert_eq!(documents(client), time.states[time.now], "seed {seed}");
            assert_eq!(client.can_undo(), time.now > 0, "seed {seed}");
            assert_eq!(client.can_redo(), time.now + 1 < time.states.len(), "seed {seed}");
        }
        let last = documents(&world.members[0].client);
        let steps = time.now;
        for _ in 0..steps {
            assert!(world.members[0].client.undo(world.now));
            world.pass(Duration::from_millis(20));
        }
        assert_eq!(documents(&world.members[0].client), Documents::new(), "seed {seed}");
        for _ in 0..steps {
            assert!(world.members[0].client.redo(world.now));
            world.deliver(0);
            world.settle_actions();
        }
        assert_eq!(documents(&world.members[0].client), last, "seed {seed}");
        world.quiesce();
        world.assert_converged(seed);
    }
    assert!(travelled > 300, "{travelled} ways back");
}

/// Edits a part of a document: `side` has fields of its own.
fn edit_part(record: &mut Object, side: &str, number: usize) {
    let value = number.to_string();
    match number % 4 {
        0 => drop(record.insert(side, value)),
        1 => drop(record.remove(side)),
        part => {
            if let Some(Value::Object(props)) = record.get_mut("props") {
                let key = format!("{side}{part}");
                if number.is_multiple_of(3) {
                    props.remove(&key)
                } else {
                    props.insert(key, value)
                };
            }
        }
    }
}

#[test]
fn what_others_did_elsewhere_is_exact_when_all_of_mine_is_undone() {
    for seed in 1..=60 {
        let mut random = Random::new(seed);
        let fresh = |id: usize| note(&id.to_string(), r#","props":{}"#);
        let start: NetworkDiff = (0..4).fold(NetworkDiff::default(), |mut diff, id| {
            diff.insert(format!("note:{id}"), crate::diff::RecordOp::Put(fresh(id)));
            diff
        });
        let mut probe = Probe::online_with(ClientConfig::default(), &start.to_string());
        // What there were if nobody but the others had done anything.
        let mut theirs = documents(&probe.client);
        let mut clock = 0;
        for _ in 0..120 {
            let number = random.below(1000);
            let id = format!("note:{}", random.below(4));
            match random.below(8) {
                0..3 => {
                    let edit = |record: &mut Object| edit_part(record, "mine", number);
                    probe.client.transact(probe.now, |tx| tx.update(&id, edit)).unwrap();
                }
                // Documents that only I make and remove, and such of others.
                3 => {
                    let id = format!("mine{}", number % 3);
                    let change = |tx: &mut crate::Transaction<'_>| {
                        let key = format!("note:{id}");
                        if tx.record(&key).is_some() {
                            return tx.remove(&key);
                        }
                        tx.put(note(&id, &format!(r#","x":{number}"#)))
                    };
                    probe.client.transact(probe.now, change).unwrap();
                }
                4 => {
                    probe.client.undo(probe.now);
                }
                5 => {
                    probe.client.redo(probe.now);
                }
                _ => {
                    clock += 1;
                    let id = RecordId::from(id);
                    let new = RecordId::from(format!("note:theirs{}", number % 3));
                    let before = theirs.clone();
                    if !number.is_multiple_of(5) {
                        edit_part(theirs.get_mut(&id).unwrap(), "theirs", number);
                    } else if theirs.remove(&new).is_none() {
                        let record = note(new.trim_start_matches("note:"), "");
                        theirs.insert(new, record);
                    }
                    let mut diff = NetworkDiff::default();
                    for id in before.keys().chain(theirs.keys()) {
                        let op = rebase::change_between(before.get(id), theirs.get(id));
                        op.into_iter().for_each(|op| drop(diff.insert(id.clone(), op)));
                    }
                    probe.data(&patch(&diff.to_string(), clock));
                }
            }
            if random.one_in(3)
                && let Some(push) = probe.client.replica.pending().front()
            {
                probe.data(&result(push.clock, clock, COMMIT));
            }
            probe.sleep(20);
        }
        while probe.client.redo(probe.now) {}
        let all = documents(&probe.client);
        let mut steps = 0;
        while probe.client.undo(probe.now) {
            steps += 1;
        }
        assert_eq!(documents(&probe.client), theirs, "seed {seed}");
        while probe.client.redo(probe.now) {
            steps -= 1;
        }
        assert_eq!((documents(&probe.client), steps), (all, 0), "seed {seed}");
        assert_eq!(probe.client.status(), &Status::Online);
    }
}
