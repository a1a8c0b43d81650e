//! Undo and redo, case by case.

use super::*;

fn undo(probe: &mut Probe) -> bool {
    let can = probe.client.can_undo();
    assert_eq!(probe.client.undo(probe.now), can);
    can
}

fn redo(probe: &mut Probe) -> bool {
    let can = probe.client.can_redo();
    assert_eq!(probe.client.redo(probe.now), can);
    can
}

fn field(probe: &Probe, id: &str, key: &str) -> Option<Value> {
    probe.client.record(id)?.get(key).cloned()
}

/// Online, in a room with `note:a` that has `fields`.
fn with_note(fields: &str) -> Probe {
    Probe::online_with(ClientConfig::default(), &put_note("a", fields))
}

#[test]
fn each_transaction_is_a_step_back_and_forth() {
    let mut probe = with_note(r#","x":0"#);
    assert!(!undo(&mut probe) && !redo(&mut probe));
    probe.set("note:a", "x", 1);
    probe.put(note("b", ""));
    probe.done();
    assert!(undo(&mut probe));
    assert_eq!(probe.done().changes, [r#"Local note:b {"id":"note:b","typeName":"note"} -> none"#]);
    assert!(undo(&mut probe) && !undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":0"#)));
    assert!(redo(&mut probe) && redo(&mut probe) && !redo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":1"#)));
    assert!(probe.client.record("note:b").is_some());
    // A transaction ends what can be redone; one without effect does not.
    undo(&mut probe);
    probe.set("note:a", "x", 1);
    assert!(probe.client.can_redo());
    probe.set("note:a", "x", 2);
    assert!(!redo(&mut probe));
}

#[test]
fn what_is_undone_goes_to_the_room() {
    let mut probe = with_note(r#","x":0"#);
    probe.set("note:a", "x", 1);
    probe.data(&result(1, 1, COMMIT));
    assert!(probe.client.is_settled());
    probe.pass(100);
    probe.done();
    undo(&mut probe);
    let push = pushed(&probe.done().sent[0]);
    assert_eq!(push.to_string(), r#"{"note:a":["patch",{"x":["put",0]}]}"#);
}

#[test]
fn what_others_have_changed_since_stays() {
    let mut probe = with_note(r#","x":0,"y":0,"props":{"w":0,"h":0}"#);
    probe
        .client
        .transact(probe.now, |tx| tx.put(note("a", r#","x":1,"y":1,"z":1,"props":{"w":1,"h":1}"#)))
        .unwrap();
    probe.data(&result(1, 1, COMMIT));
    let others = r#"{"note:a":["patch",{"y":["put",9],"props":["patch",{"h":["put",9]}]}]}"#;
    probe.data(&patch(others, 2));
    assert!(undo(&mut probe));
    assert_eq!(
        probe.client.record("note:a"),
        Some(&note("a", r#","x":0,"y":9,"props":{"w":0,"h":9}"#))
    );
    // Redo does again what undo took back, and no more.
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",5]}]}"#, 3));
    assert!(redo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(1.into()), "what is not confirmed hides it");
}

#[test]
fn bailing_forgets_also_a_step_that_others_may_make_undoable_again() {
    let mut probe = with_note(r#","x":0"#);
    let mark = probe.client.undo_mark();
    probe.set("note:a", "x", 1);
    probe.data(&result(1, 1, COMMIT));
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",9]}]}"#, 2));
    assert!(!probe.client.bail_to(probe.now, mark));
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",1]}]}"#, 3));
    assert!(!undo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(1.into()));
}

#[test]
fn a_step_of_which_nothing_is_left_is_passed_over() {
    let mut probe = with_note(r#","x":0,"y":0"#);
    probe.set("note:a", "y", 1);
    probe.set("note:a", "x", 1);
    probe.sleep(100);
    probe.data(&format!("{},{}", result(1, 1, COMMIT), result(2, 2, COMMIT)));
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",9]}]}"#, 3));
    assert!(undo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(9.into()));
    assert_eq!(field(&probe, "note:a", "y"), Some(0.into()));
    assert!(!undo(&mut probe) && redo(&mut probe) && !redo(&mut probe));
}

#[test]
fn a_document_that_i_made_goes_with_what_others_did_to_it_and_comes_back_with_it() {
    let mut probe = Probe::online();
    probe.put(note("a", r#","x":0"#));
    probe.data(&result(1, 1, COMMIT));
    probe.data(&patch(r#"{"note:a":["patch",{"y":["put",9]}]}"#, 2));
    assert!(undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), None);
    assert!(redo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":0,"y":9"#)));
}

#[test]
fn a_document_that_others_removed_or_made_again_is_theirs() {
    let mut probe = Probe::online();
    probe.put(note("a", r#","x":0"#));
    probe.set("note:a", "x", 1);
    probe.sleep(100);
    probe.data(&format!("{},{}", result(1, 1, COMMIT), result(2, 2, COMMIT)));
    probe.data(&patch(r#"{"note:a":["remove"]}"#, 3));
    assert!(!probe.client.can_undo());
    // As it is made again, what I made of it can be undone; but not that there is one.
    probe.data(&patch(&put_note("a", r#","x":1"#), 4));
    assert!(undo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(0.into()));
    assert!(!undo(&mut probe));
    // And what I removed, others have made again, and removed.
    probe.remove("note:a");
    probe.sleep(100);
    probe.data(&format!("{},{}", result(3, 5, COMMIT), result(4, 6, COMMIT)));
    probe.data(&patch(&put_note("a", ""), 7));
    probe.data(&patch(r#"{"note:a":["remove"]}"#, 8));
    assert!(!undo(&mut probe));
}

#[test]
fn what_i_removed_comes_back_once() {
    let mut probe = with_note(r#","x":0"#);
    probe.remove("note:a");
    probe.data(&result(1, 1, COMMIT));
    assert!(undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":0"#)));
    assert!(redo(&mut probe) && !redo(&mut probe));
    assert_eq!(probe.client.record("note:a"), None);
}

#[test]
fn what_the_room_refused_or_altered_is_not_mine_to_undo() {
    let mut probe = with_note(r#","x":0,"y":0"#);
    probe.set("note:a", "y", 1);
    probe.data(&result(1, 1, COMMIT));
    probe.pass(100);
    probe.set("note:a", "x", 1);
    probe.data(&result(2, 1, DISCARD));
    probe.pass(100);
    probe.set("note:a", "x", 2);
    probe.data(&result(3, 2, &rebase(r#"{"note:a":["patch",{"x":["put",7]}]}"#)));
    assert!(undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":7,"y":0"#)));
    // A removal that was refused does not make the document mine.
    probe.put(note("b", ""));
    probe.sleep(100);
    probe.data(&result(4, 3, COMMIT));
    probe.pass(100);
    probe.remove("note:b");
    probe.data(&result(5, 3, DISCARD));
    assert!(probe.client.record("note:b").is_some());
    undo(&mut probe);
    assert!(probe.client.record("note:b").is_some());
}

#[test]
fn steps_outlive_reconnects_and_wipes() {
    let mut probe = with_note(r#","x":0"#);
    probe.set("note:a", "x", 1);
    probe.put(note("b", ""));
    probe.reconnect("wipe_presence", &put_note("a", r#","x":1,"y":1"#), 5);
    probe.set("note:a", "x", 2);
    let all = r#"{"note:a":["put",{"id":"note:a","typeName":"note","x":2,"y":2}]}"#;
    probe.reconnect("wipe_all", all, 9);
    assert!(undo(&mut probe) && undo(&mut probe) && undo(&mut probe) && !undo(&mut probe));
    assert_eq!(probe.client.records().count(), 1);
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":0,"y":2"#)));
}

#[test]
fn while_changes_are_refused_nothing_is_undone_and_nothing_is_forgotten() {
    let mut probe = with_note(r#","x":0"#);
    probe.set("note:a", "x", 1);
    probe.data(&result(1, 1, COMMIT));
    let readonly = |probe: &mut Probe, is: bool| {
        probe.cut();
        probe.connect();
        let request = probe.client.last_request.to_string();
        let answer = connect_answer(&request, "wipe_presence", "{}", 1);
        let told = format!(r#""isReadonly":{is}"#);
        probe.hear(&answer.replace(r#""isReadonly":false"#, &told));
    };
    readonly(&mut probe, true);
    assert!(!undo(&mut probe));
    readonly(&mut probe, false);
    assert!(undo(&mut probe));
}

#[test]
fn no_more_steps_are_kept_than_asked() {
    for (kept, steps) in [(3, 3), (3, 4), (0, 1)] {
        let config = ClientConfig { undo_steps: kept, ..ClientConfig::default() };
        let mut probe = Probe::online_with(config, &put_note("a", ""));
        (0..steps).for_each(|x| probe.set("note:a", "x", x));
        let undone = (0..10).take_while(|_| undo(&mut probe)).count();
        assert_eq!(undone, kept.min(usize::try_from(steps).unwrap()));
        assert_eq!((0..10).take_while(|_| redo(&mut probe)).count(), undone);
    }
}

#[test]
fn steps_since_a_mark_become_one() {
    let mut probe = with_note(r#","x":0,"y":0"#);
    probe.set("note:a", "x", 1);
    let mark = probe.client.undo_mark();
    assert!(!probe.client.squash_to(mark));
    probe.set("note:a", "x", 2);
    assert!(!probe.client.squash_to(mark));
    // What others do between two steps is in neither.
    probe.data(&format!(
        "{},{}",
        result(1, 1, COMMIT),
        patch(r#"{"note:a":["patch",{"y":["put",9]}]}"#, 2)
    ));
    probe.set("note:a", "x", 3);
    probe.put(note("b", ""));
    assert!(probe.client.squash_to(mark));
    assert!(undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":1,"y":9"#)));
    assert_eq!(probe.client.record("note:b"), None);
    assert!(redo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(3.into()));
    assert!(undo(&mut probe) && undo(&mut probe) && !undo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(0.into()));
    // A mark that was undone past holds for what comes then.
    probe.set("note:a", "x", 5);
    probe.set("note:a", "x", 6);
    assert!(probe.client.squash_to(mark) && undo(&mut probe) && !undo(&mut probe));
}

#[test]
fn bailing_takes_back_what_was_done_since_and_forgets_it() {
    let mut probe = with_note(r#","x":0"#);
    probe.set("note:a", "x", 1);
    let mark = probe.client.undo_mark();
    let bail = |probe: &mut Probe| probe.client.bail_to(probe.now, mark);
    assert!(!bail(&mut probe));
    probe.set("note:a", "x", 2);
    probe.set("note:a", "x", 3);
    assert!(bail(&mut probe) && !bail(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(1.into()));
    assert!(!redo(&mut probe) && undo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(0.into()));
}

#[test]
fn what_is_not_recorded_is_as_if_others_had_done_it() {
    let mut probe = with_note(r#","x":0,"y":0"#);
    probe.set("note:a", "x", 1);
    let set = |tx: &mut crate::Transaction<'_>, key: &str, value: u32| {
        tx.update("note:a", |note| drop(note.insert(key, value)))
    };
    probe.client.transact_unrecorded(probe.now, |tx| set(tx, "y", 9)).unwrap();
    assert!(undo(&mut probe) && !undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":0,"y":9"#)));
    probe.client.transact_unrecorded(probe.now, |tx| set(tx, "y", 8)).unwrap();
    assert!(redo(&mut probe));
    probe.put(note("b", ""));
    probe.client.transact_unrecorded(probe.now, |tx| tx.remove("note:b")).unwrap();
    probe.client.transact_unrecorded(probe.now, |tx| tx.put(note("b", ""))).unwrap();
    assert!(undo(&mut probe));
    assert!(probe.client.record("note:b").is_some());
}

#[test]
fn records_of_session_scope_are_in_no_step() {
    let mut probe = Probe::online();
    probe.put(r#"{"id":"camera:a","typeName":"camera"}"#.parse().unwrap());
    assert!(!undo(&mut probe));
    probe
        .client
        .transact(probe.now, |tx| {
            tx.put(note("a", ""))?;
            tx.remove("camera:a")
        })
        .unwrap();
    assert!(undo(&mut probe));
    assert_eq!(probe.client.records().count(), 0);
}

#[test]
fn what_would_come_out_invalid_or_cannot_be_read_stays() {
    let ordered = RecordType::new(Scope::Document).with_validator(|record| {
        let number =
            |key| record.get(key).and_then(Value::as_number).and_then(crate::Number::as_i64);
        if number("x") <= number("y") { Ok(()) } else { Err(InvalidRecord) }
    });
    let schema = Schema::builder().record_type("note", ordered).sequence("a", 1).build().unwrap();
    let client = Client::new(Instant::ZERO, ClientConfig::default(), Arc::new(schema)).unwrap();
    let mut probe = Probe { client, link: LinkId(0), now: Instant::ZERO };
    probe.connect();
    probe.answer("wipe_all", &put_note("a", r#","x":5,"y":9"#), 0);
    probe.set("note:a", "x", 1);
    probe.data(&format!(
        "{},{}",
        result(1, 1, COMMIT),
        patch(r#"{"note:a":["patch",{"y":["put",3]}]}"#, 2)
    ));
    assert!(!undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":1,"y":3"#)));
    // The room says something of it that cannot be read, and then something that can.
    probe.data(&patch(r#"{"note:a":["patch",{"y":["put",0]}]}"#, 3));
    assert!(!undo(&mut probe) && probe.client.unreadable().len() == 1);
    probe.data(&patch(r#"{"note:a":["patch",{"y":["put",7]}]}"#, 4));
    assert!(undo(&mut probe));
    assert_eq!(field(&probe, "note:a", "x"), Some(5.into()));
}

#[test]
fn a_document_of_another_type_is_another_document() {
    let mut probe = with_note(r#","x":0"#);
    let page: Object = r#"{"id":"note:a","typeName":"page","x":0}"#.parse().unwrap();
    probe
        .client
        .transact(probe.now, |tx| {
            tx.remove("note:a")?;
            tx.put(page.clone())
        })
        .unwrap();
    assert!(undo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":0"#)));
    assert!(redo(&mut probe));
    assert_eq!(probe.client.record("note:a"), Some(&page));
    probe.set("note:a", "x", 1);
    let mark = probe.client.undo_mark();
    probe.set("note:a", "x", 2);
    assert!(probe.client.bail_to(probe.now, mark));
    assert_eq!(field(&probe, "note:a", "x"), Some(1.into()));
}

#[test]
fn a_step_that_was_passed_over_is_forgotten() {
    let mut probe = with_note(r#","x":0,"y":0"#);
    probe.set("note:a", "x", 1);
    probe.set("note:a", "y", 1);
    probe.sleep(100);
    probe.data(&format!("{},{}", result(1, 1, COMMIT), result(2, 2, COMMIT)));
    probe.data(&patch(r#"{"note:a":["patch",{"y":["put",9]}]}"#, 3));
    assert!(undo(&mut probe) && !probe.client.can_undo());
    assert_eq!(field(&probe, "note:a", "x"), Some(0.into()));
    probe.sleep(100);
    probe.data(&result(3, 4, COMMIT));
    // Others make both as they were after their steps. These are no steps of mine any more.
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",1],"y":["put",1]}]}"#, 5));
    assert!(!probe.client.can_undo());
}

#[test]
fn an_object_elsewhere_than_in_props_and_meta_is_taken_back_as_one_value() {
    for (key, is_whole) in [("props", false), ("meta", false), ("other", true)] {
        let mut probe = with_note(&format!(r#","{key}":{{"w":0,"h":0}}"#));
        let change = |record: &mut Object| {
            record.insert(key, r#"{"w":1,"h":0}"#.parse::<Object>().unwrap());
        };
        probe.client.transact(probe.now, |tx| tx.update("note:a", change)).unwrap();
        probe.data(&result(1, 1, COMMIT));
        let others = format!(r#"{{"note:a":["patch",{{"{key}":["patch",{{"h":["put",9]}}]}}]}}"#);
        probe.data(&patch(&others, 2));
        assert_eq!(undo(&mut probe), !is_whole, "{key}");
        let w = if is_whole { 1 } else { 0 };
        let now = note("a", &format!(r#","{key}":{{"w":{w},"h":9}}"#));
        assert_eq!(probe.client.record("note:a"), Some(&now));
    }
}

/// What others do to these notes, as one message.
fn by_others(probe: &mut Probe, clock: u64, ids: &[&str], op: impl Fn(&str) -> String) {
    let ops: Vec<String> = ids.iter().map(|id| format!(r#""note:{id}":{}"#, op(id))).collect();
    probe.data(&patch(&format!("{{{}}}", ops.join(",")), clock));
}

#[test]
fn what_others_make_and_remove_is_theirs_however_much_it_is() {
    let put = |id: &str| format!(r#"["put",{}]"#, note(id, ""));
    let remove = |_: &str| r#"["remove"]"#.to_string();
    for theirs in [&["a"][..], &["a", "b", "c"]] {
        let mut probe = Probe::online();
        probe.put(note("a", ""));
        probe.data(&result(1, 1, COMMIT));
        by_others(&mut probe, 2, &["x", "y", "z"], put);
        assert!(probe.client.can_undo(), "that is not what I have made");
        by_others(&mut probe, 3, theirs, remove);
        by_others(&mut probe, 4, theirs, put);
        assert!(!undo(&mut probe) && probe.client.record("note:a").is_some());
    }
}

#[test]
fn what_i_have_only_changed_is_still_mine_when_others_remove_it_and_make_it_again() {
    for theirs in [&["a"][..], &["a", "b", "c"]] {
        let mut probe = with_note(r#","x":0"#);
        probe.set("note:a", "x", 1);
        probe.data(&result(1, 1, COMMIT));
        by_others(&mut probe, 2, theirs, |_| r#"["remove"]"#.into());
        by_others(&mut probe, 3, theirs, |id| format!(r#"["put",{}]"#, note(id, r#","x":1"#)));
        assert!(undo(&mut probe));
        assert_eq!(field(&probe, "note:a", "x"), Some(0.into()));
    }
}
