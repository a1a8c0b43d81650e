//! Where one stands: what is pending, what was confirmed, refused or allowed.

use super::*;
use crate::diff::RecordOp;

#[test]
fn a_checkpoint_is_confirmed_when_all_changes_before_it_are_answered() {
    let mut probe = Probe::online();
    let before = probe.client.checkpoint();
    assert!(probe.client.is_confirmed(before));
    probe.put(note("a", ""));
    let first = probe.client.checkpoint();
    probe.put(note("b", ""));
    let second = probe.client.checkpoint();
    assert!(before < first && first < second);
    assert!(!probe.client.is_confirmed(first) && probe.client.is_confirmed(before));
    probe.sleep(40);
    probe.set("note:a", "x", 1);
    let third = probe.client.checkpoint();
    probe.done();
    probe.data(&result(1, 1, COMMIT));
    assert_eq!(probe.done().confirmed, [first]);
    assert!(probe.client.is_confirmed(first) && !probe.client.is_confirmed(second));
    // A discarded change is answered too.
    probe.data(&result(2, 1, DISCARD));
    assert_eq!(probe.done().confirmed, [second]);
    probe.sleep(40);
    probe.data(&result(3, 2, COMMIT));
    let done = probe.done();
    assert_eq!((done.confirmed, done.settled), ([third].into(), 1));
}

#[test]
fn a_change_that_cancels_out_is_confirmed_with_what_came_before() {
    let mut probe = Probe::new();
    probe.put(note("a", ""));
    let point = probe.client.checkpoint();
    assert!(!probe.client.is_confirmed(point));
    probe.remove("note:a");
    assert!(probe.client.is_confirmed(point) && probe.client.is_settled());
}

#[test]
fn a_record_that_changes_its_type_is_confirmed_with_its_second_push() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    probe
        .client
        .transact(probe.now, |tx| {
            tx.remove("note:a")?;
            tx.put(r#"{"id":"note:a","typeName":"page"}"#.parse::<Object>().unwrap())
        })
        .unwrap();
    let point = probe.client.checkpoint();
    probe.data(&result(1, 1, COMMIT));
    assert!(!probe.client.is_confirmed(point));
    probe.sleep(40);
    probe.data(&result(2, 2, COMMIT));
    assert!(probe.client.is_confirmed(point));
}

#[test]
fn a_checkpoint_is_confirmed_over_a_reconnect() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    let point = probe.client.checkpoint();
    probe.reconnect("wipe_presence", "{}", 0);
    assert!(!probe.client.is_confirmed(point));
    probe.data(&result(2, 1, COMMIT));
    assert_eq!(probe.done().confirmed, [point]);
}

#[test]
fn pending_are_the_documents_that_the_room_has_not_confirmed() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    assert_eq!(probe.client.pending().len(), 0);
    probe.set("note:a", "x", 1);
    probe.put(note("b", ""));
    let pending: Vec<&str> = probe.client.pending().map(|id| id.as_str()).collect();
    assert_eq!(pending, ["note:a", "note:b"]);
    probe.data(&result(1, 1, COMMIT));
    assert_eq!(probe.client.pending().count(), 1);
}

#[test]
fn a_change_that_the_room_refuses_or_alters_is_told_with_what_happened() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","text":"x""#));
    probe.set("note:a", "text", "mine");
    probe.data(&result(1, 0, DISCARD));
    let [refusal] = &probe.done().refused[..] else { panic!() };
    assert_eq!((refusal.id.as_str(), &refusal.happened), ("note:a", &None));
    let asked = r#"{"note:a":["patch",{"text":["put","mine"]}]}"#;
    let asked: NetworkDiff = asked.parse().unwrap();
    assert_eq!(Some(&refusal.asked), asked.get("note:a"));

    probe.sleep(40);
    probe.set("note:a", "text", "more");
    probe.put(note("b", ""));
    probe.sleep(40);
    probe.done();
    let happened = r#"{"note:a":["patch",{"text":["put","less"]}]}"#;
    probe.data(&result(2, 1, &rebase(happened)));
    probe.data(&result(3, 1, DISCARD));
    let refused = probe.done().refused;
    let ids: Vec<&str> = refused.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["note:a", "note:b"]);
    let happened: NetworkDiff = happened.parse().unwrap();
    assert_eq!(refused[0].happened.as_ref(), happened.get("note:a"));
    assert!(matches!(refused[1].asked, RecordOp::Put(_)));
}

#[test]
fn what_happened_in_other_words_or_is_told_later_is_no_refusal() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","text":"x""#));
    // Stock rooms tell a string that grew in their own words.
    probe.set("note:a", "text", "mine");
    probe.data(&result(
        1,
        1,
        &rebase(r#"{"note:a":["put",{"id":"note:a","typeName":"note","text":"mine"}]}"#),
    ));
    probe.sleep(40);
    // A room that could not tell all of it says what there is.
    probe.set("note:a", "text", "mine and more");
    probe.remove("note:a");
    probe.put(note("b", ""));
    probe.sleep(40);
    let state = format!(r#"{{"note:a":["remove"],"note:b":["put",{}]}}"#, note("b", ""));
    let entries = [result(2, 2, DISCARD), result(3, 2, DISCARD), patch(&state, 2)];
    probe.data(&entries.join(","));
    let done = probe.done();
    assert_eq!((done.refused, done.settled), (Vec::new(), 1));
    assert!(probe.client.record("note:b").is_some());
}

#[test]
fn a_change_of_what_the_room_allows_is_told() {
    let mut probe = Probe::new();
    probe.connect();
    let readonly = connect_answer("1", "wipe_all", "{}", 0)
        .replace(r#""isReadonly":false"#, r#""isReadonly":true"#)
        .replace(r#""objectAccess":"write""#, r#""objectAccess":"read""#);
    probe.hear(&readonly);
    assert_eq!(probe.done().access, [(true, ObjectAccess::Read)]);
    assert!(probe.client.is_readonly());
    assert_eq!(probe.client.object_access(), ObjectAccess::Read);
    let done = probe.reconnect("wipe_presence", "{}", 0);
    assert_eq!(done.access, [(false, ObjectAccess::Write)]);
    assert_eq!(probe.reconnect("wipe_presence", "{}", 0).access, []);
}
