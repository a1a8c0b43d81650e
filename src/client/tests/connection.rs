//! Links, attempts, hints, and the ends of it all.

use super::*;

#[test]
fn late_input_of_an_old_link_is_ignored() {
    let mut probe = Probe::online();
    let old = probe.link;
    probe.connect();
    let done = probe.done();
    assert_eq!(done.closed, [CloseReason::Replaced]);
    assert_ne!(old, probe.link);
    probe.answer("wipe_presence", "{}", 1);
    probe.done();
    let bytes = patch(&put_note("a", ""), 9);
    probe.client.handle_message(probe.now, old, bytes.as_bytes());
    probe.client.handle_message(probe.now, old, b"garbage");
    probe.client.handle_disconnected(probe.now, old, CloseReason::Forbidden);
    assert_eq!(probe.client.status(), &Status::Online);
    assert_eq!((probe.client.records().count(), probe.client.server_clock()), (0, Some(1)));
}

#[test]
fn a_link_that_ended_is_not_closed_again() {
    let mut probe = Probe::online();
    probe.cut();
    probe.cut();
    let done = probe.done();
    assert_eq!((done.closed.len(), done.statuses), (0, [Status::Offline].into()));
    assert_eq!(probe.sleep(500).dials, 1);
}

#[test]
fn waits_grow_by_half_up_to_two_seconds_and_a_success_resets_them() {
    let mut probe = Probe::new();
    for wait in [500, 750, 1125, 1688, 2000, 2000] {
        probe.client.handle_dial_failed(probe.now);
        assert_eq!(probe.done().dials, 0);
        assert_eq!(probe.sleep(wait - 1).dials, 0, "{wait}");
        assert_eq!(probe.sleep(1).dials, 1, "{wait}");
    }
    // To be connected is no success yet: the room has to let the client in.
    probe.connect();
    probe.cut();
    assert_eq!((probe.sleep(1999).dials, probe.sleep(1).dials), (0, 1));
    probe.connect();
    probe.answer("wipe_all", "{}", 0);
    probe.cut();
    assert_eq!((probe.sleep(499).dials, probe.sleep(1).dials), (0, 1));
}

#[test]
fn in_the_background_waits_grow_from_a_second_to_five_minutes() {
    let mut probe = Probe::new();
    probe.client.handle_network(probe.now, NetworkHint::Background);
    let mut waits = Vec::new();
    for _ in 0..20 {
        probe.client.handle_dial_failed(probe.now);
        probe.done();
        let due = probe.client.poll_timeout().unwrap();
        waits.push(due.saturating_since(probe.now).as_millis());
        probe.now = due;
        probe.client.handle_timeout(due);
        assert_eq!(probe.done().dials, 1);
    }
    assert_eq!(waits[..4], [1000, 1500, 2250, 3375]);
    assert_eq!(waits.last(), Some(&300_000));
    // In front again, they are short at once.
    probe.client.handle_network(probe.now, NetworkHint::Foreground);
    probe.client.handle_dial_failed(probe.now);
    probe.done();
    assert_eq!(probe.sleep(2000).dials, 1);
}

#[test]
fn hints_try_at_once_but_leave_a_young_attempt_alone() {
    for hint in [NetworkHint::Up, NetworkHint::Foreground] {
        let mut probe = Probe::new();
        probe.client.handle_dial_failed(probe.now);
        probe.done();
        probe.client.handle_network(probe.now, hint);
        assert_eq!(probe.done().dials, 1);
        probe.pass(999);
        probe.client.handle_network(probe.now, hint);
        assert_eq!(probe.done().dials, 0);
        probe.pass(1);
        probe.client.handle_network(probe.now, hint);
        assert_eq!(probe.done().dials, 1);
        // An answer that is awaited is an attempt, too.
        probe.connect();
        probe.done();
        probe.pass(999);
        probe.client.handle_network(probe.now, hint);
        assert_eq!(probe.done().dials, 0);
        probe.pass(1);
        probe.client.handle_network(probe.now, hint);
        let done = probe.done();
        assert_eq!((done.dials, done.closed), (1, [CloseReason::Reset].into()));
        // A client that is in the room stays there.
        probe.connect();
        probe.answer("wipe_all", "{}", 0);
        probe.done();
        probe.pass(5000);
        probe.client.handle_network(probe.now, hint);
        let done = probe.done();
        assert_eq!((done.dials, done.closed.len()), (0, 0));
    }
}

#[test]
fn without_a_network_the_link_is_given_up_and_attempts_go_on() {
    let mut probe = Probe::online();
    probe.client.handle_network(probe.now, NetworkHint::Down);
    let done = probe.done();
    assert_eq!((done.closed.len(), done.statuses), (1, [Status::Offline].into()));
    probe.client.handle_network(probe.now, NetworkHint::Down);
    assert_eq!(probe.done().closed.len(), 0);
    assert_eq!(probe.sleep(500).dials, 1);
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() {
    let mut probe = Probe::new();
    let done = probe.sleep(9_999);
    assert_eq!(done.statuses, []);
    assert_eq!(probe.sleep(1).statuses, [Status::Offline]);
    assert_eq!(probe.sleep(500).dials, 1);
    // So is one that succeeds to connect, but is not answered.
    probe.connect();
    probe.done();
    assert_eq!(probe.sleep(29_999).closed, []);
    assert_eq!(probe.sleep(1).closed, [CloseReason::DialTimeout]);
}

#[test]
fn a_late_success_of_an_old_attempt_is_welcome() {
    let mut probe = Probe::new();
    probe.sleep(10_100);
    assert_eq!(probe.client.status(), &Status::Offline);
    probe.connect();
    probe.answer("wipe_all", "{}", 0);
    assert_eq!(probe.client.status(), &Status::Online);
    probe.client.handle_dial_failed(probe.now);
    assert_eq!(probe.client.status(), &Status::Online);
}

#[test]
fn fatal_closes_end_all_attempts() {
    for reason in [CloseReason::RoomFull, CloseReason::Custom("PAY_FIRST".into())] {
        let mut probe = Probe::online();
        probe.put(note("a", ""));
        let wire = CloseReason::from_wire(4099, reason.text());
        probe.client.handle_disconnected(probe.now, probe.link, wire);
        let done = probe.done();
        assert_eq!(done.statuses, [Status::Refused(reason)]);
        assert_eq!(done.closed, []);
        for hint in [NetworkHint::Up, NetworkHint::Foreground, NetworkHint::Down] {
            probe.client.handle_network(probe.now, hint);
        }
        assert_eq!(probe.sleep(1_000_000).dials, 0);
        assert_eq!(probe.client.poll_timeout(), None);
        // A connection that comes all the same is closed.
        probe.connect();
        let done = probe.done();
        assert_eq!((done.closed.len(), done.sent.len(), done.statuses.len()), (1, 0, 0));
        assert!(probe.client.record("note:a").is_some());
    }
}

#[test]
fn an_incompatibility_ends_all_attempts() {
    for (reason, close) in [
        ("clientTooOld", CloseReason::ClientTooOld),
        ("serverTooOld", CloseReason::ServerTooOld),
        ("invalidRecord", CloseReason::InvalidRecord),
        ("invalidOperation", CloseReason::UnknownError),
    ] {
        let mut probe = Probe::new();
        probe.connect();
        probe.hear(&format!(r#"{{"type":"incompatibility_error","reason":"{reason}"}}"#));
        let done = probe.done();
        assert_eq!(done.statuses, [Status::Refused(close)]);
        assert_eq!(done.closed.len(), 1);
        assert!(!done.closed[0].is_fatal(), "a client does not send fatal closes");
        assert_eq!(probe.client.poll_timeout(), None);
    }
}

#[test]
fn a_closed_client_takes_no_link() {
    let mut probe = Probe::new();
    probe.client.close(probe.now);
    assert_eq!(probe.done().statuses, [Status::Closed]);
    probe.client.handle_dial_failed(probe.now);
    probe.connect();
    assert_eq!(probe.done().closed, [CloseReason::Closed]);
    probe.hear(r#"{"type":"pong"}"#);
    probe.client.handle_timeout(at(1_000_000));
    assert_eq!((probe.done().dials, probe.client.poll_timeout()), (0, None));
}

#[test]
fn garbage_connects_anew() {
    for garbage in [&b"garbage"[..], b"", b"\xff", b"[]", br#"{"type":"nonsense"}"#] {
        let mut probe = Probe::online();
        probe.put(note("a", ""));
        probe.done();
        probe.client.handle_message(probe.now, probe.link, garbage);
        assert_eq!(probe.done().closed, [CloseReason::Reset]);
        assert!(probe.client.record("note:a").is_some());
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let refused = |change: fn(&mut ClientConfig)| {
        let mut config = ClientConfig::default();
        change(&mut config);
        Client::new(Instant::ZERO, config, schema()).err()
    };
    assert_eq!(refused(|_| {}), None);
    let zero = |name| Some(ConfigError::ZeroDuration(name));
    assert_eq!(refused(|config| config.push_interval = Duration::ZERO), zero("push_interval"));
    assert_eq!(refused(|config| config.backoff.min = Duration::from_nanos(9)), zero("backoff.min"));
    let no_document = refused(|config| {
        config.object_types.insert("cursor".into());
    });
    assert_eq!(no_document, Some(ConfigError::NotADocumentType));
    let adopting = Client::new(Instant::ZERO, ClientConfig::default(), Arc::new(Schema::tldraw()));
    assert_eq!(adopting.err(), Some(ConfigError::AdoptingSchema));
}

#[test]
fn waits_are_shortened_by_chance_from_a_seed_and_by_at_most_half() {
    let waits = |jitter_seed| {
        let mut probe = Probe::with(ClientConfig { jitter_seed, ..ClientConfig::default() });
        let wait = |_| {
            probe.client.handle_dial_failed(probe.now);
            probe.done();
            let until = probe.client.poll_timeout().unwrap();
            let wait = until.saturating_since(probe.now);
            probe.sleep(2_000);
            wait
        };
        (0..40).map(wait).collect::<Vec<_>>()
    };
    let exact = waits(None);
    assert_eq!(exact[39], Duration::from_secs(2));
    let jittered = waits(Some(7));
    assert!(exact.iter().zip(&jittered).all(|(exact, wait)| wait <= exact && *wait >= *exact / 2));
    assert_eq!(jittered, waits(Some(7)));
    assert_ne!(jittered, waits(Some(8)));
    let spread =
        |part: u32| jittered[10..].iter().any(|wait| *wait < Duration::from_secs(2) / 8 * part);
    assert!(spread(5) && jittered[10..].iter().any(|wait| *wait > Duration::from_millis(1750)));
}

/// So that all machines draw the same, and the draws are as good as those of a generator that is known.
#[test]
fn waits_are_shortened_by_the_numbers_of_splitmix64() {
    // What SplitMix64 gives for the seed 1234567.
    let numbers: [u64; 5] = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
    ];
    let wait = Duration::from_millis(2048);
    let steady = Backoff { min: wait, max: wait };
    let config =
        ClientConfig { backoff: steady, jitter_seed: Some(1_234_567), ..ClientConfig::default() };
    let mut probe = Probe::with(config);
    for number in numbers {
        probe.client.handle_dial_failed(probe.now);
        probe.done();
        let parts = (number >> 33) % 1024;
        let due = probe.now.saturating_add(wait - Duration::from_millis(parts));
        assert_eq!(probe.client.poll_timeout(), Some(due));
        probe.now = due;
        probe.client.handle_timeout(due);
        probe.done();
    }
}
