//! How much goes to the room at once.

use super::*;
use crate::limits::Limits;
use crate::room::{Room, RoomConfig};

fn config(bytes: usize, ops: usize) -> ClientConfig {
    ClientConfig { push_budget: PushBudget { bytes, ops }, ..ClientConfig::default() }
}

/// What a client that has made these notes while offline pushes when it is back, push by push.
fn pushes(config: ClientConfig, notes: &[&str]) -> Vec<String> {
    let mut probe = Probe::online_with(config, "{}");
    probe.cut();
    notes.iter().for_each(|id| probe.put(note(id, "")));
    probe.connect();
    probe.answer("wipe_presence", "{}", 1);
    let sent = probe.sleep(4_000).sent.into_iter().filter(|sent| sent.contains("push"));
    let ids = |sent: String| -> Vec<String> {
        pushed(&sent).iter().map(|(id, _)| id.to_string()).collect()
    };
    sent.map(|sent| ids(sent).join(" ")).collect()
}

#[test]
fn a_push_has_so_many_bytes() {
    // Of each: the id, twice, the type, two keys, three values, and what the op has beside it.
    let two = 2 * (2 * 6 + 4 + 10 + 3 * 8 + 16);
    assert_eq!(pushes(config(two, 99), &["a", "b"]), ["note:a note:b"]);
    assert_eq!(pushes(config(two - 1, 99), &["a", "b"]), ["note:a", "note:b"]);
    assert_eq!(pushes(config(40, 99), &["a", "b"]), ["note:a", "note:b"], "one goes in any case");
}

#[test]
fn a_push_changes_so_many_records() {
    assert_eq!(pushes(config(999, 2), &["a", "b"]), ["note:a note:b"]);
    assert_eq!(pushes(config(999, 2), &["a", "b", "c"]), ["note:a note:b", "note:c"]);
}

#[test]
fn what_was_changed_first_goes_first() {
    assert_eq!(pushes(config(999, 2), &["c", "b", "a"]), ["note:b note:c", "note:a"]);
    // Also what was pushed before, and did not arrive.
    let mut probe = Probe::online_with(config(999, 1), "{}");
    probe.put(note("z", ""));
    probe.put(note("a", ""));
    probe.set("note:z", "x", 1);
    let done = probe.reconnect("wipe_presence", "{}", 1);
    assert!(pushed(&done.sent[0]).get("note:z").is_some(), "{:?}", done.sent);
}

#[test]
fn a_point_is_confirmed_once_every_push_with_a_change_before_it_is_answered() {
    let mut probe = Probe::online_with(config(999, 1), "{}");
    probe.put(note("first", ""));
    probe.put(note("b", ""));
    let second = probe.client.checkpoint();
    probe.put(note("a", ""));
    probe.done();
    probe.data(&result(1, 1, COMMIT));
    assert!(!probe.client.is_confirmed(second));
    assert_eq!(probe.client.pending().count(), 2);
    probe.sleep(500);
    probe.data(&result(2, 2, COMMIT));
    assert_eq!(probe.done().confirmed, [second]);
    probe.sleep(500);
    assert!(!probe.client.is_settled());
    probe.data(&result(3, 3, COMMIT));
    assert_eq!((probe.done().settled, probe.client.pending().count()), (1, 0));
}

#[test]
fn what_a_cut_leaves_of_a_push_is_not_confirmed_before_it_is_pushed_again() {
    let mut probe = Probe::online_with(config(999, 1), "{}");
    probe.put(note("first", ""));
    let first = probe.client.checkpoint();
    probe.put(note("second", ""));
    probe.set("note:first", "x", 1);
    probe.reconnect("wipe_presence", &put_note("second", ""), 1);
    assert!(!probe.client.is_confirmed(first));
    probe.data(&result(2, 2, COMMIT));
    assert!(probe.client.is_confirmed(first));
}

#[test]
fn after_a_full_push_there_is_a_pause() {
    for (records, pause) in [(4, 500), (1, 125)] {
        let mut probe = Probe::online_with(config(1 << 20, 4), "{}");
        let put = |tx: &mut crate::Transaction<'_>| {
            (0..records).try_for_each(|record| tx.put(note(&format!("{record}"), "")))
        };
        probe.client.transact(probe.now, put).unwrap();
        assert_eq!(probe.done().sent.len(), 1);
        probe.put(note("next", ""));
        assert_eq!(probe.sleep(pause - 1).sent, [""; 0]);
        assert_eq!(probe.sleep(1).sent.len(), 1);
    }
}

#[test]
fn closing_pushes_all_in_as_many_pushes_as_it_takes() {
    let mut probe = Probe::online_with(config(999, 1), "{}");
    for id in ["a", "b", "c"] {
        probe.put(note(id, ""));
    }
    probe.client.close(probe.now);
    let sent = probe.done().sent;
    assert_eq!(sent.iter().map(|sent| pushed(sent).len()).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn long_work_offline_arrives_in_a_room_that_takes_no_such_message() {
    let mut room = RoomConfig::default();
    room.limits.message_bytes = 50_000;
    let mut room = Room::new(room, schema()).unwrap();
    let mut client = Client::new(Instant::ZERO, config(20_000, 99), schema()).unwrap();
    for id in ["a", "b", "c"] {
        let picture = note(id, &format!(r#","text":"{}""#, "x".repeat(30_000)));
        client.transact(Instant::ZERO, |tx| tx.put(picture)).unwrap();
    }
    meet(&mut client, &mut room, at(0));
    assert!(client.is_settled());
    assert_eq!(room.records().count(), 3);
}

#[test]
fn by_default_a_push_is_within_what_a_room_takes_by_default() {
    let (budget, room) = (ClientConfig::default().push_budget, Limits::default());
    // As JSON, a control character is six bytes.
    assert!(6 * budget.bytes + room.presence_bytes < room.message_bytes);
    assert!(budget.ops < room.push_ops);
    // In a second there are two full pushes.
    let rates = RoomConfig::default().rates;
    assert!(2 * budget.bytes as u64 <= rates.bytes.unwrap().per_second);
    assert!(2 * budget.ops as u64 <= rates.ops.unwrap().per_second);
}
