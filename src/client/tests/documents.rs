//! What the application sees of documents: its own changes over those of the room.

use super::*;

fn probe_with_a() -> Probe {
    Probe::online_with(ClientConfig::default(), &put_note("a", r#","text":"one","x":1"#))
}

#[test]
fn a_local_change_is_seen_at_once_and_told_as_local() {
    let mut probe = Probe::new();
    probe.put(note("a", ""));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", "")));
    let done = probe.done();
    assert_eq!(done.changes, [format!("Local note:a none -> {}", note("a", ""))]);
    // The same again is no change.
    probe.put(note("a", ""));
    assert_eq!(probe.done().changes, [""; 0]);
}

#[test]
fn a_failed_transaction_changes_nothing() {
    let mut probe = Probe::online();
    let failed = probe.client.transact(probe.now, |tx| {
        tx.put(note("a", ""))?;
        tx.put(note("b", r#","text":"bad""#))
    });
    assert_eq!(failed, Err(TransactError::InvalidRecord("note:b".into())));
    assert!(probe.client.is_settled());
    assert_eq!(probe.done().sent, [""; 0]);
    let cursor: Object = r#"{"id":"cursor:1","typeName":"cursor"}"#.parse().unwrap();
    let failed = probe.client.transact(probe.now, |tx| tx.put(cursor));
    assert_eq!(failed, Err(TransactError::WrongType("cursor:1".into())));
}

#[test]
fn session_records_stay_here_and_stay() {
    let mut probe = Probe::online();
    let camera: Object = r#"{"id":"camera:1","typeName":"camera"}"#.parse().unwrap();
    probe.put(camera.clone());
    let done = probe.sleep(1000);
    assert_eq!(done.sent, [""; 0]);
    assert!(probe.client.is_settled());
    probe.reconnect("wipe_all", "{}", 9);
    assert_eq!(probe.client.record("camera:1"), Some(&camera));
    assert_eq!(probe.client.records().count(), 1);
    probe.remove("camera:1");
    let done = probe.done();
    assert_eq!(done.changes, [format!("Local camera:1 {camera} -> none")]);
}

#[test]
fn a_remote_change_of_another_record_leaves_local_ones_alone() {
    let mut probe = probe_with_a();
    probe.set("note:a", "text", "mine");
    probe.done();
    probe.data(&patch(&put_note("b", ""), 1));
    let done = probe.done();
    assert_eq!(done.changes, [format!("Remote note:b none -> {}", note("b", ""))]);
    assert_eq!(probe.text("note:a"), Some("mine"));
}

#[test]
fn local_changes_are_applied_again_over_remote_ones() {
    let mut probe = probe_with_a();
    // One on its way, one not sent yet.
    probe.set("note:a", "text", "mine");
    probe.set("note:a", "y", 2);
    probe.done();
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",5],"text":["put","theirs"]}]}"#, 1));
    assert_eq!(
        probe.client.record("note:a"),
        Some(&note("a", r#","text":"mine","x":5,"y":2"#)),
        "keys that are not changed here are the room's"
    );
    let done = probe.done();
    assert_eq!(done.changes.len(), 1);
    assert!(done.changes[0].starts_with("Remote note:a "));
    // What goes out later is still only what was changed here.
    probe.data(&result(1, 2, COMMIT));
    let sent = probe.sleep(100).sent;
    assert_eq!(sent.len(), 1);
    assert_eq!(pushed(&sent[0]).to_string(), r#"{"note:a":["patch",{"y":["put",2]}]}"#);
}

#[test]
fn a_remote_change_that_is_hidden_by_a_local_one_is_not_told() {
    let mut probe = probe_with_a();
    probe.set("note:a", "text", "mine");
    probe.done();
    probe.data(&patch(r#"{"note:a":["patch",{"text":["put","theirs"]}]}"#, 1));
    assert_eq!(probe.done().changes, [""; 0]);
    probe.data(&result(1, 2, DISCARD));
    let done = probe.done();
    assert_eq!(done.changes.len(), 1);
    assert_eq!(probe.text("note:a"), Some("theirs"));
    assert_eq!(done.settled, 1);
}

#[test]
fn an_append_counts_only_where_it_still_fits() {
    for (remote, expected) in [
        (r#"{"x":["put",9]}"#, "one, two"),
        // As in the room, the append does not fit any more.
        (r#"{"text":["append","!",3]}"#, "one!"),
        (r#"{"text":["put","1"]}"#, "1"),
    ] {
        for is_sent in [true, false] {
            let mut probe = probe_with_a();
            if !is_sent {
                probe.set("note:a", "other", 1);
            }
            probe.set("note:a", "text", "one, two");
            probe.data(&patch(&format!(r#"{{"note:a":["patch",{remote}]}}"#), 1));
            assert_eq!(probe.text("note:a"), Some(expected), "{remote} {is_sent}");
        }
    }
}

#[test]
fn a_record_that_others_remove_is_gone_with_all_patches() {
    for is_sent in [true, false] {
        let mut probe = probe_with_a();
        if !is_sent {
            probe.put(note("other", ""));
        }
        probe.set("note:a", "text", "mine");
        probe.data(&patch(r#"{"note:a":["remove"]}"#, 1));
        assert_eq!(probe.client.record("note:a"), None);
        probe.data(&result(1, 1, DISCARD));
        assert_eq!(
            probe.sleep(100).sent.iter().filter(|sent| sent.contains("mine")).count(),
            1 - usize::from(!is_sent)
        );
        assert!(probe.client.is_settled());
    }
}

#[test]
fn a_removal_here_holds_against_patches_of_others() {
    let mut probe = probe_with_a();
    probe.remove("note:a");
    probe.done();
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",5]}]}"#, 1));
    assert_eq!(probe.client.record("note:a"), None);
    assert_eq!(probe.done().changes, [""; 0]);
    probe.data(&result(1, 2, COMMIT));
    assert!(probe.client.is_settled());
}

#[test]
fn a_discarded_removal_brings_the_record_back_as_it_is_now() {
    let mut probe = probe_with_a();
    probe.remove("note:a");
    probe.data(&patch(r#"{"note:a":["patch",{"x":["put",5]}]}"#, 1));
    probe.data(&result(1, 1, DISCARD));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","text":"one","x":5"#)));
}

#[test]
fn a_change_that_the_schema_refuses_over_a_remote_one_is_dropped() {
    let schema = Schema::builder().record_type(
        "note",
        RecordType::new(Scope::Document).with_validator(|record| {
            let both = record.get("a").is_some() && record.get("b").is_some();
            if both { Err(InvalidRecord) } else { Ok(()) }
        }),
    );
    let schema = Arc::new(schema.build().unwrap());
    let client = Client::new(Instant::ZERO, ClientConfig::default(), schema).unwrap();
    let mut probe = Probe { client, link: LinkId(0), now: Instant::ZERO };
    probe.connect();
    probe.answer("wipe_all", &put_note("n", ""), 0);
    probe.set("note:n", "c", 1);
    probe.set("note:n", "a", 1);
    probe.done();
    probe.data(&patch(r#"{"note:n":["patch",{"b":["put",1]}]}"#, 1));
    assert_eq!(probe.client.record("note:n"), Some(&note("n", r#","b":1,"c":1"#)));
    probe.data(&result(1, 2, COMMIT));
    assert!(probe.client.is_settled());
    assert_eq!(probe.client.status(), &Status::Online);
}

#[test]
fn all_entries_of_a_message_are_one_step() {
    let mut probe = probe_with_a();
    probe.set("note:a", "text", "mine");
    probe.done();
    let entries = [
        patch(r#"{"note:a":["patch",{"x":["put",2]}]}"#, 1),
        result(1, 2, COMMIT),
        patch(r#"{"note:a":["patch",{"x":["put",1]}]}"#, 3),
        patch(&put_note("b", ""), 4),
        patch(r#"{"note:b":["remove"]}"#, 5),
    ];
    probe.data(&entries.join(","));
    let done = probe.done();
    assert_eq!(done.changes, [""; 0], "all of it is back to what it was");
    assert_eq!((done.settled, probe.client.server_clock()), (1, Some(5)));
}

#[test]
fn a_message_with_a_fault_takes_no_effect_at_all() {
    let mut probe = probe_with_a();
    probe.set("note:a", "y", 1);
    probe.done();
    let entries = [
        patch(r#"{"note:a":["patch",{"x":["put",2]}]}"#, 1),
        result(1, 2, COMMIT),
        patch(r#"{"note:a":["patch",{"id":["put","note:b"]}]}"#, 3),
    ];
    probe.data(&entries.join(","));
    let done = probe.done();
    assert_eq!((done.closed, done.changes.len()), ([CloseReason::Reset].into(), 0));
    assert_eq!(probe.client.server_clock(), Some(0));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","text":"one","x":1,"y":1"#)));
}

#[test]
fn a_patch_may_not_change_what_a_record_is() {
    for field in ["id", "typeName"] {
        let mut probe = probe_with_a();
        probe.data(&patch(&format!(r#"{{"note:a":["patch",{{"{field}":["put","page"]}}]}}"#), 1));
        assert_eq!(probe.done().closed, [CloseReason::Reset]);
    }
    // It may say again what that is.
    let mut probe = probe_with_a();
    let again = r#""id":["put","note:a"],"typeName":["put","note"],"x":["put",2]"#;
    probe.data(&patch(&format!(r#"{{"note:a":["patch",{{{again}}}]}}"#), 1));
    assert_eq!(probe.done().closed.len(), 0);
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","text":"one","x":2"#)));
}

#[test]
fn entries_outside_a_data_message_are_taken_too() {
    let mut probe = probe_with_a();
    probe.set("note:a", "text", "mine");
    probe.hear(&result(1, 1, COMMIT));
    assert!(probe.client.is_settled());
    probe.hear(&patch(&put_note("b", ""), 2));
    assert!(probe.client.record("note:b").is_some());
}
