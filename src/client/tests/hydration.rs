//! Entering a room: requests, answers, wipes, and answers that make no sense.

use super::*;

#[test]
fn the_first_request_knows_no_clock_and_the_next_one_the_last() {
    let mut probe = Probe::new();
    probe.connect();
    let hello = probe.done().sent;
    assert_eq!(
        hello,
        [concat!(
            r#"{"type":"connect","connectRequestId":"1","lastServerClock":-1,"protocolVersion":8,"#,
            r#""schema":{"schemaVersion":2,"sequences":{"com.example.note":1}}}"#
        )]
    );
    probe.answer("wipe_all", "{}", 5);
    probe.data(&patch(&put_note("a", ""), 7));
    probe.cut();
    probe.connect();
    let again = probe.done().sent.pop().unwrap();
    assert!(again.contains(r#""connectRequestId":"2","lastServerClock":7"#), "{again}");
}

#[test]
fn data_before_the_answer_is_ignored() {
    let mut probe = Probe::new();
    probe.connect();
    probe.data(&patch(&put_note("a", ""), 3));
    probe.data(&result(1, 3, COMMIT));
    assert_eq!(probe.client.records().count(), 0);
    probe.answer("wipe_all", "{}", 2);
    assert_eq!((probe.client.status(), probe.client.server_clock()), (&Status::Online, Some(2)));
}

#[test]
fn an_answer_to_another_request_is_ignored() {
    let mut probe = Probe::new();
    probe.connect();
    probe.cut();
    probe.connect();
    probe.hear(&connect_answer("1", "wipe_all", &put_note("old", ""), 9));
    assert_eq!(probe.client.status(), &Status::Connecting);
    probe.hear(&connect_answer("2", "wipe_all", "{}", 1));
    assert_eq!(probe.client.status(), &Status::Online);
    // Nor is a second answer to the same request heard.
    probe.hear(&connect_answer("2", "wipe_all", &put_note("old", ""), 9));
    assert_eq!((probe.client.records().count(), probe.client.server_clock()), (0, Some(1)));
}

#[test]
fn the_schema_that_an_answer_names_makes_no_difference() {
    let own = r#"{"schemaVersion":2,"sequences":{}}"#;
    let others = [
        r#"{"schemaVersion":2,"sequences":{"com.example.note":2,"com.example.new":1}}"#,
        r#"{"schemaVersion":2,"sequences":{"com.example.note":0}}"#,
        r#"{"schemaVersion":1,"storeVersion":1,"recordVersions":{}}"#,
    ];
    for schema in [own].into_iter().chain(others) {
        let mut probe = Probe::new();
        probe.connect();
        let answer = connect_answer("1", "wipe_all", &put_note("a", r#","text":"b""#), 3);
        assert!(answer.contains(own));
        probe.hear(&answer.replace(own, schema));
        assert_eq!((probe.client.status(), probe.text("note:a")), (&Status::Online, Some("b")));
    }
}

#[test]
fn the_hydration_comes_as_one_change_before_the_status() {
    let mut probe = Probe::new();
    probe.connect();
    probe.done();
    let both = r#"{"note:a":["put",{"id":"note:a","typeName":"note"}],
        "cursor:1":["put",{"id":"cursor:1","typeName":"cursor"}]}"#;
    probe.answer("wipe_all", both, 3);
    let mut order = Vec::new();
    while let Some(action) = probe.client.poll_action() {
        order.push(format!("{action:?}"));
    }
    let starts = ["Event(Changed", "Event(Presence", "Event(Status(Online"];
    assert_eq!(order.len(), starts.len(), "{order:?}");
    for (action, start) in order.iter().zip(starts) {
        assert!(action.starts_with(start), "{action}");
    }
    assert_eq!(probe.client.presence().count(), 1);
    assert_eq!(probe.client.records().count(), 1);
}

#[test]
fn wipe_all_drops_what_is_not_told_and_tells_net_changes_only() {
    let mut probe = Probe::online_with(
        ClientConfig::default(),
        r#"{"note:a":["put",{"id":"note:a","typeName":"note"}],
            "note:b":["put",{"id":"note:b","typeName":"note"}]}"#,
    );
    let done = probe.reconnect("wipe_all", &put_note("a", ""), 9);
    assert_eq!(done.changes, [format!("Remote note:b {} -> none", note("b", ""))]);
    assert_eq!(probe.client.records().count(), 1);
}

#[test]
fn wipe_presence_keeps_documents_and_drops_presence() {
    let cursor = r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor"}]}"#;
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    probe.data(&patch(cursor, 1));
    assert_eq!(probe.client.presence().count(), 1);
    let done = probe.reconnect("wipe_presence", r#"{"note:gone":["remove"]}"#, 1);
    assert_eq!(done.changes, [""; 0]);
    assert_eq!((probe.client.records().count(), probe.client.presence().count()), (1, 0));
}

#[test]
fn a_patch_or_removal_of_a_missing_record_is_ignored() {
    let mut probe = Probe::online_with(
        ClientConfig::default(),
        r#"{"note:x":["patch",{"text":["put","y"]}],"note:y":["remove"]}"#,
    );
    assert_eq!(probe.client.status(), &Status::Online);
    probe.data(&patch(r#"{"note:x":["patch",{"text":["put","y"]}],"note:y":["remove"]}"#, 1));
    assert_eq!(probe.client.status(), &Status::Online);
    assert_eq!(probe.client.records().count(), 0);
}

/// What no client can make sense of.
const SENSELESS: [&str; 4] = [
    r#"{"note:a":["put",{"id":"note:b","typeName":"note"}]}"#,
    r#"{"note:a":["put",{"typeName":"note"}]}"#,
    r#"{"note:a":["put",{"id":"note:a"}]}"#,
    r#"{"note:a":["zap"]}"#,
];

#[test]
fn an_answer_that_cannot_be_applied_leaves_all_as_it_was_and_connects_anew() {
    for senseless in SENSELESS {
        let mut probe = Probe::online_with(ClientConfig::default(), &put_note("old", ""));
        probe.cut();
        probe.put(note("mine", ""));
        probe.connect();
        probe.done();
        // A good record beside the bad one is not kept either.
        let good = put_note("0", "");
        let diff = format!("{},{}", &good[..good.len() - 1], &senseless[1..]);
        probe.answer("wipe_all", &diff, 9);
        let done = probe.done();
        assert_eq!(done.closed, [CloseReason::Reset], "{senseless}");
        assert_eq!(done.statuses, [Status::Offline]);
        assert_eq!(done.changes, [""; 0]);
        let ids: Vec<&str> = probe.client.records().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["note:mine", "note:old"]);
        assert_eq!(probe.client.server_clock(), Some(0));
        // The next answer is a good one, and what was changed meanwhile goes out.
        probe.sleep(500);
        probe.connect();
        probe.done();
        probe.answer("wipe_presence", "{}", 9);
        let sent = probe.done().sent;
        assert_eq!(sent.len(), 1);
        assert!(sent[0].contains("note:mine"));
    }
}

#[test]
fn three_senseless_answers_in_a_row_end_all_attempts() {
    let mut probe = Probe::new();
    for attempt in 1..=3 {
        probe.connect();
        probe.done();
        probe.answer("wipe_all", SENSELESS[0], 1);
        let done = probe.done();
        match attempt {
            3 => assert_eq!(done.statuses, [Status::Refused(CloseReason::UnknownError)]),
            _ => assert_eq!(done.statuses, [Status::Offline]),
        }
        assert_eq!(done.closed.len(), 1);
        probe.pass(5000);
        probe.client.handle_timeout(probe.now);
    }
    assert_eq!(probe.client.poll_timeout(), None);
    assert_eq!(probe.done().dials, 0);
}

#[test]
fn a_good_answer_in_between_starts_the_count_again() {
    let mut probe = Probe::new();
    for attempt in 0..9 {
        probe.connect();
        let diff = if attempt % 3 == 2 { "{}" } else { SENSELESS[0] };
        probe.answer("wipe_all", diff, 1);
        if attempt % 3 == 2 {
            assert_eq!(probe.client.status(), &Status::Online);
            probe.cut();
        }
    }
    assert_eq!(probe.client.status(), &Status::Offline);
}

#[test]
fn an_unreadable_answer_counts_as_senseless() {
    for garbage in ["garbage", "{}", r#"{"type":"connect","connectRequestId":"1"}"#] {
        let mut probe = Probe::new();
        for _ in 0..3 {
            probe.connect();
            probe.hear(garbage);
        }
        assert_eq!(probe.client.status(), &Status::Refused(CloseReason::UnknownError));
    }
}

#[test]
fn what_the_room_allows_is_kept_over_a_cut() {
    let mut probe = Probe::new();
    probe.connect();
    let answer = connect_answer("1", "wipe_all", &put_note("a", ""), 0);
    probe.hear(&answer.replace(r#""isReadonly":false"#, r#""isReadonly":true"#));
    assert!(probe.client.is_readonly());
    for _ in 0..2 {
        let put = probe.client.transact(probe.now, |tx| tx.put(note("b", "")));
        assert_eq!(put, Err(TransactError::ReadOnly));
        let remove = probe.client.transact(probe.now, |tx| tx.remove("note:a"));
        assert_eq!(remove, Err(TransactError::ReadOnly));
        let camera = r#"{"id":"camera:1","typeName":"camera"}"#;
        assert_eq!(
            probe.client.transact(probe.now, |tx| tx.put(camera.parse::<Object>().unwrap())),
            Ok(())
        );
        probe.cut();
    }
    assert_eq!(probe.client.record("note:b"), None);
    probe.connect();
    probe.answer("wipe_presence", "{}", 0);
    assert!(!probe.client.is_readonly());
    probe.put(note("b", ""));
}

#[test]
fn object_types_go_by_object_access() {
    for (access, allowed) in [("write", true), ("read", false)] {
        let mut config = ClientConfig::default();
        config.object_types.insert("page".into());
        let mut probe = Probe::with(config);
        probe.connect();
        let answer = connect_answer("1", "wipe_all", "{}", 0)
            .replace(r#""isReadonly":false"#, r#""isReadonly":true"#)
            .replace(r#""objectAccess":"write""#, &format!(r#""objectAccess":"{access}""#));
        probe.hear(&answer);
        let page: Object = r#"{"id":"page:a","typeName":"page"}"#.parse().unwrap();
        let put = probe.client.transact(probe.now, |tx| tx.put(page));
        assert_eq!(put.is_ok(), allowed);
        let put = probe.client.transact(probe.now, |tx| tx.put(note("a", "")));
        assert_eq!(put, Err(TransactError::ReadOnly));
    }
}

#[test]
fn too_large_and_too_deep_messages_connect_anew() {
    let mut config = ClientConfig::default();
    config.limits.message_bytes = 200;
    config.limits.value_depth = 3;
    let room = |size: usize| {
        let empty = r#"{"type":"custom","data":""}"#.len();
        format!(r#"{{"type":"custom","data":"{}"}}"#, "x".repeat(size - empty))
    };
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        patch(&put_note("a", &format!(r#","text":{open}{close}"#)), 1)
    };
    for (message, fits) in
        [(room(200), true), (room(201), false), (deep(3), true), (deep(4), false)]
    {
        let mut probe = Probe::with(config.clone());
        probe.connect();
        probe.client.config.limits.message_bytes = 2000;
        probe.answer("wipe_all", "{}", 0);
        probe.client.config.limits.message_bytes = 200;
        probe.done();
        probe.hear(&message);
        let closed = probe.done().closed;
        assert_eq!(closed.is_empty(), fits, "{message} {closed:?}");
    }
}
