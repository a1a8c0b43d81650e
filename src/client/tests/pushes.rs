//! What goes to the room, when, and what comes of it.

use super::*;

#[test]
fn the_first_push_goes_at_once_and_later_ones_are_collected() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    assert_eq!(
        probe.done().sent,
        [format!(r#"{{"type":"push","clientClock":1,"diff":{}}}"#, put_note("a", ""))]
    );
    probe.put(note("b", ""));
    probe.pass(10);
    probe.put(note("c", ""));
    probe.set("note:a", "x", 1);
    assert_eq!(probe.done().sent, [""; 0]);
    let sent = probe.sleep(100).sent;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""clientClock":2"#));
    assert_eq!(pushed(&sent[0]).len(), 3);
    // After a quiet spell at once again.
    probe.put(note("d", ""));
    assert_eq!(probe.done().sent.len(), 1);
}

#[test]
fn a_second_holds_at_most_thirty_pushes() {
    for (mode, expected) in [(PresenceMode::Full, 30), (PresenceMode::Solo, 1)] {
        let config = ClientConfig { presence_mode: mode, ..ClientConfig::default() };
        let mut probe = Probe::online_with(config, "{}");
        let mut pushes = 0;
        for edit in 0..999 {
            probe.put(note("a", &format!(r#","x":{edit}"#)));
            for _ in probe.sleep(1).sent {
                pushes += 1;
                probe.data(&result(pushes, pushes, COMMIT));
            }
        }
        assert_eq!(pushes, expected, "{mode:?}");
    }
}

#[test]
fn a_change_of_mode_changes_the_pace_at_once() {
    let config = ClientConfig { presence_mode: PresenceMode::Solo, ..ClientConfig::default() };
    let mut probe = Probe::online_with(config, "{}");
    probe.put(note("a", ""));
    probe.put(note("b", ""));
    assert_eq!(probe.sleep(100).sent.len(), 1);
    probe.client.set_presence_mode(probe.now, PresenceMode::Full);
    assert_eq!(probe.done().sent.len(), 1);
}

#[test]
fn changes_that_cancel_out_are_not_pushed() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","x":1"#));
    // Uses up the push that goes at once.
    probe.put(note("b", ""));
    probe.data(&result(1, 1, COMMIT));
    probe.done();
    probe.set("note:a", "x", 2);
    probe.put(note("c", ""));
    assert!(!probe.client.is_settled());
    probe.set("note:a", "x", 1);
    probe.remove("note:c");
    assert!(probe.client.is_settled());
    let done = probe.sleep(1000);
    assert_eq!(done.sent, [""; 0]);
    // A removal that is taken back, too.
    probe.put(note("b", r#","x":1"#));
    probe.done();
    probe.remove("note:a");
    probe.put(note("a", r#","x":1"#));
    assert_eq!(probe.sleep(1000).sent, [""; 0]);
}

#[test]
fn several_changes_of_a_record_are_pushed_as_one() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","text":"a""#));
    probe.put(note("b", ""));
    probe.done();
    for text in ["ab", "abc", "abcd"] {
        probe.set("note:a", "text", text);
    }
    let sent = probe.sleep(100).sent;
    assert_eq!(pushed(&sent[0]).to_string(), r#"{"note:a":["patch",{"text":["append","bcd",1]}]}"#);
}

#[test]
fn a_push_is_made_against_what_is_on_its_way() {
    let mut probe = Probe::online();
    probe.put(note("a", r#","text":"a""#));
    probe.done();
    probe.set("note:a", "text", "ab");
    let sent = probe.sleep(50).sent;
    assert_eq!(pushed(&sent[0]).to_string(), r#"{"note:a":["patch",{"text":["append","b",1]}]}"#);
    probe.data(&[result(1, 1, COMMIT), result(2, 2, COMMIT)].join(","));
    let done = probe.done();
    assert_eq!((done.settled, done.changes.len()), (1, 0));
    assert_eq!(probe.text("note:a"), Some("ab"));
}

#[test]
fn a_discarded_push_is_undone() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    probe.done();
    probe.data(&result(1, 1, DISCARD));
    let done = probe.done();
    assert_eq!(done.changes, [format!("Remote note:a {} -> none", note("a", ""))]);
    assert_eq!(done.settled, 1);
    assert_eq!(probe.sleep(1000).sent, [""; 0]);
}

#[test]
fn a_rebased_push_becomes_what_the_room_made_of_it() {
    let mut probe = Probe::online();
    probe.put(note("a", r#","text":"mine""#));
    probe.done();
    probe.set("note:a", "y", 1);
    probe.data(&result(1, 1, &rebase(&put_note("a", r#","text":"ours""#))));
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","text":"ours","y":1"#)));
    let sent = probe.sleep(50).sent;
    assert_eq!(pushed(&sent[0]).to_string(), r#"{"note:a":["patch",{"y":["put",1]}]}"#);
    probe.data(&result(2, 2, COMMIT));
    assert!(probe.client.is_settled());
}

#[test]
fn a_result_that_is_not_of_the_oldest_push_connects_anew() {
    for results in [
        result(2, 1, COMMIT),
        result(0, 1, DISCARD),
        [result(1, 1, COMMIT), result(1, 1, COMMIT)].join(","),
        [result(2, 1, COMMIT), result(1, 1, COMMIT)].join(","),
    ] {
        let mut probe = Probe::online();
        probe.put(note("a", ""));
        probe.pass(50);
        probe.put(note("b", ""));
        assert_eq!(probe.done().sent.len(), 2);
        probe.data(&results);
        let done = probe.done();
        assert_eq!(
            (done.closed, done.statuses),
            ([CloseReason::Reset].into(), [Status::Offline].into())
        );
        assert_eq!(probe.client.records().count(), 2);
        assert_eq!(probe.sleep(500).dials, 1);
    }
}

#[test]
fn a_record_that_changes_its_type_goes_and_comes_in_two_pushes() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    probe.put(note("other", ""));
    probe.done();
    let page: Object = r#"{"id":"note:a","typeName":"page"}"#.parse().unwrap();
    probe.remove("note:a");
    probe.put(page.clone());
    let sent = probe.sleep(100).sent;
    let diffs: Vec<String> = sent.iter().map(|sent| pushed(sent).to_string()).collect();
    assert_eq!(
        diffs,
        [r#"{"note:a":["remove"]}"#.into(), format!(r#"{{"note:a":["put",{page}]}}"#)]
    );
    probe.data(&[result(1, 1, COMMIT), result(2, 2, COMMIT), result(3, 3, COMMIT)].join(","));
    assert!(probe.client.is_settled());
    assert_eq!(probe.client.record("note:a"), Some(&page));
}

#[test]
fn no_more_pushes_are_on_their_way_than_the_limit() {
    for (edits, expected) in [(3, 3), (4, 3)] {
        let mut config = ClientConfig::default();
        config.limits.unanswered_pushes = 3;
        let mut probe = Probe::online_with(config, "{}");
        let mut pushes = 0;
        for edit in 0..edits {
            probe.put(note("a", &format!(r#","x":{edit}"#)));
            pushes += probe.sleep(100).sent.len();
        }
        assert_eq!(pushes, expected);
        // An answer makes room for the rest.
        probe.data(&result(1, 1, COMMIT));
        assert_eq!(probe.done().sent.len(), edits - expected);
    }
}

#[test]
fn changes_made_offline_become_one_push() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","x":1"#));
    probe.cut();
    probe.set("note:a", "x", 2);
    probe.put(note("b", ""));
    probe.put(note("c", ""));
    probe.remove("note:c");
    probe.set("note:a", "y", 3);
    assert_eq!(probe.done().sent, [""; 0]);
    probe.connect();
    probe.done();
    probe.answer("wipe_presence", r#"{"note:a":["patch",{"x":["put",9],"z":["put",9]}]}"#, 4);
    let sent = probe.done().sent;
    assert_eq!(sent.len(), 1);
    let diff = r#"{"note:a":["patch",{"x":["put",2],"y":["put",3]}],"note:b":["put",{"id":"note:b","typeName":"note"}]}"#;
    assert_eq!(pushed(&sent[0]).to_string(), diff);
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":2,"y":3,"z":9"#)));
}

#[test]
fn offline_patches_of_a_record_that_others_removed_vanish() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","x":1"#));
    probe.cut();
    probe.set("note:a", "x", 2);
    probe.put(note("b", ""));
    probe.done();
    let done = probe.reconnect("wipe_all", "{}", 9);
    assert_eq!(probe.client.record("note:a"), None);
    assert_eq!(done.sent.len(), 1);
    assert_eq!(pushed(&done.sent[0]).to_string(), put_note("b", ""));
}

#[test]
fn what_was_put_and_removed_while_offline_does_not_come_back() {
    let mut probe = Probe::online();
    probe.cut();
    probe.put(note("a", ""));
    probe.remove("note:a");
    let done = probe.reconnect("wipe_presence", "{}", 1);
    assert_eq!(done.sent, [""; 0]);
    assert_eq!(probe.client.records().count(), 0);
    assert!(probe.client.is_settled());
}

#[test]
fn what_was_put_online_and_removed_offline_is_removed_if_the_room_has_it() {
    for (has_it, diff) in [(true, put_note("a", "")), (false, "{}".into())] {
        let mut probe = Probe::online();
        probe.put(note("a", ""));
        probe.cut();
        probe.remove("note:a");
        let done = probe.reconnect("wipe_presence", &diff, 1);
        assert_eq!(probe.client.record("note:a"), None);
        let removal = r#"{"note:a":["remove"]}"#;
        let diffs: Vec<_> = done.sent.iter().map(|sent| pushed(sent).to_string()).collect();
        assert_eq!(diffs, [removal][..usize::from(has_it)]);
        assert_eq!(probe.client.is_settled(), !has_it);
    }
}

#[test]
fn what_was_undone_offline_is_undone_if_the_room_has_it() {
    for has_it in [true, false] {
        let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","x":1"#));
        probe.set("note:a", "x", 2);
        probe.cut();
        probe.set("note:a", "x", 1);
        probe.done();
        let diff = r#"{"note:a":["put",{"id":"note:a","typeName":"note","x":2}]}"#;
        let done = probe.reconnect("wipe_presence", if has_it { diff } else { "{}" }, 1);
        assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":1"#)));
        assert_eq!((done.sent.len(), done.changes.len()), (usize::from(has_it), 0));
    }
}

#[test]
fn an_append_whose_answer_was_lost_is_not_repeated() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", r#","text":"a""#));
    probe.set("note:a", "text", "ab");
    let done = probe.reconnect("wipe_presence", &put_note("a", r#","text":"abc""#), 2);
    assert_eq!(probe.text("note:a"), Some("abc"));
    assert_eq!(done.sent, [""; 0]);
}

#[test]
fn a_record_that_others_removed_after_a_lost_answer_does_not_come_back() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    probe.pass(100);
    probe.set("note:a", "x", 1);
    probe.done();
    let done = probe.reconnect("wipe_presence", r#"{"note:a":["remove"]}"#, 2);
    assert_eq!((done.sent.len(), probe.client.record("note:a")), (0, None));
    assert_eq!((done.changes.len(), done.settled), (1, 1));
}

#[test]
fn pending_pushes_are_forgotten_as_pushes_by_a_cut() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    probe.pass(100);
    probe.put(note("b", ""));
    assert_eq!(probe.done().sent.len(), 2);
    let done = probe.reconnect("wipe_presence", "{}", 0);
    assert_eq!(done.sent.len(), 1);
    assert!(done.sent[0].contains(r#""clientClock":3"#));
    assert_eq!(pushed(&done.sent[0]).len(), 2);
    assert_eq!(done.changes, [""; 0]);
    probe.data(&result(3, 1, COMMIT));
    assert!(probe.client.is_settled());
}

#[test]
fn long_pushes_go_in_pieces() {
    let mut probe = Probe::online();
    let text = "x".repeat(300_000);
    probe.put(note("a", &format!(r#","text":"{text}""#)));
    let sent = probe.done().sent;
    assert_eq!(sent.len(), 2);
    assert!(sent[0].starts_with("1_{\"type\":\"push\"") && sent[1].starts_with("0_"));
}

#[test]
fn closing_pushes_what_is_unsent() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    probe.put(note("b", ""));
    probe.done();
    probe.client.close(probe.now);
    let done = probe.done();
    assert_eq!((done.sent.len(), done.closed), (1, [CloseReason::Closed].into()));
    assert!(done.sent[0].contains("note:b"));
    assert_eq!(done.statuses, [Status::Closed]);
    assert_eq!(probe.client.poll_timeout(), None);
    probe.put(note("c", ""));
    assert_eq!((probe.done().sent.len(), probe.client.records().count()), (0, 3));
}

#[test]
fn custom_messages_go_and_come_while_online() {
    let mut probe = Probe::new();
    assert!(!probe.client.send_custom(probe.now, Value::from(1)));
    let mut probe = Probe::online();
    assert!(probe.client.send_custom(probe.now, Value::from(1)));
    assert_eq!(probe.done().sent, [r#"{"type":"custom","data":1}"#]);
    probe.hear(r#"{"type":"custom","data":{"a":1}}"#);
    assert_eq!(probe.done().custom[0].to_string(), r#"{"a":1}"#);
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).parse().unwrap();
    assert!(probe.client.send_custom(probe.now, nested(40)));
    assert!(!probe.client.send_custom(probe.now, nested(41)));
}

#[test]
fn a_removal_that_others_have_outrun_is_not_made_again_after_a_cut() {
    let others_removed = |probe: &mut Probe| {
        probe.remove("note:a");
        probe.data(&patch(r#"{"note:a":["remove"]}"#, 1));
        probe.data(&patch(&put_note("a", r#","x":1"#), 2));
        // What is on its way will take effect when it arrives.
        assert_eq!(probe.client.record("note:a"), None);
    };
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    others_removed(&mut probe);
    let done = probe.reconnect("wipe_presence", "{}", 2);
    assert_eq!((done.sent.len(), done.changes.len()), (0, 1), "{:?}", done.sent);
    assert_eq!(probe.client.record("note:a"), Some(&note("a", r#","x":1"#)));
    assert!(probe.client.is_settled());

    // What is removed after that is removed.
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    others_removed(&mut probe);
    probe.put(note("a", r#","x":2"#));
    probe.remove("note:a");
    probe.sleep(100);
    probe.put(note("a", r#","x":3"#));
    probe.sleep(100);
    probe.remove("note:a");
    probe.sleep(100);
    let done = probe.reconnect("wipe_presence", "{}", 2);
    assert_eq!(pushed(&done.sent[0]).to_string(), r#"{"note:a":["remove"]}"#);

    // And so is what nobody else has removed, also when it was only changed.
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    probe.remove("note:a");
    probe.data(&patch(&put_note("a", r#","x":1"#), 1));
    let done = probe.reconnect("wipe_presence", "{}", 2);
    assert_eq!(pushed(&done.sent[0]).to_string(), r#"{"note:a":["remove"]}"#);
}
