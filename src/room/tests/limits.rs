//! Every limit, at n and at n + 1.

use super::migrations::{enter, older, room_of_version_3};
use super::once::{known, say_hello};
use super::*;
use crate::error::{ConfigError, OpenError, TransactError};
use crate::limits::Limits;

#[test]
fn every_limit_has_its_test_here() {
    // A limit that is added does not compile here before it names its test.
    let Limits {
        sessions,
        message_bytes,
        value_depth,
        id_bytes,
        records,
        record_bytes,
        presence_bytes,
        push_ops,
        tombstones,
        log_bytes,
        unanswered_pushes,
        known_clients,
        known_client_age,
        older_schemas,
        schema_bytes,
        known_senders,
    } = Limits::default();
    let tests: [(usize, fn()); 16] = [
        (sessions, a_room_holds_so_many_sessions),
        (message_bytes, a_message_has_so_many_bytes),
        (value_depth, a_pushed_record_nests_so_deep),
        (id_bytes, an_id_has_so_many_bytes),
        (records, so_many_records_are_created),
        (record_bytes, a_record_has_so_many_bytes),
        (presence_bytes, a_presence_has_so_many_bytes),
        (push_ops, a_push_touches_so_many_records),
        (tombstones, so_many_removals_are_remembered),
        (log_bytes, so_many_bytes_wait_for_a_session_that_does_not_read),
        (unanswered_pushes, so_many_pushes_wait_for_an_answer),
        (known_clients, so_many_clients_are_known),
        (known_client_age, a_client_is_known_for_so_many_pushes),
        (older_schemas, so_many_older_schemas_are_served_at_a_time),
        (schema_bytes, a_schema_has_so_many_bytes),
        (known_senders, so_many_senders_who_left_are_known),
    ];
    for (limit, test) in tests {
        assert!(limit > 0);
        test();
    }
}

#[test]
fn a_limit_of_zero_or_a_depth_beyond_the_machines_is_refused() {
    let check = |change: fn(&mut RoomConfig)| {
        let mut config = RoomConfig::default();
        change(&mut config);
        Room::new(config, Arc::new(schema())).map(drop)
    };
    let zero = |limit| Err(ConfigError::ZeroLimit(limit));
    assert_eq!(check(|config| config.limits.sessions = 0), zero("sessions"));
    assert_eq!(check(|config| config.limits.message_bytes = 0), zero("message_bytes"));
    assert_eq!(check(|config| config.limits.value_depth = 0), zero("value_depth"));
    assert_eq!(check(|config| config.limits.schema_bytes = 0), zero("schema_bytes"));
    assert_eq!(check(|config| config.limits.known_senders = 0), zero("known_senders"));
    assert_eq!(check(|config| config.limits.id_bytes = 0), zero("id_bytes"));
    assert_eq!(check(|config| config.limits.records = 0), zero("records"));
    assert_eq!(check(|config| config.limits.record_bytes = 0), zero("record_bytes"));
    assert_eq!(check(|config| config.limits.presence_bytes = 0), zero("presence_bytes"));
    assert_eq!(check(|config| config.limits.push_ops = 0), zero("push_ops"));
    assert_eq!(check(|config| config.limits.tombstones = 0), zero("tombstones"));
    assert_eq!(check(|config| config.limits.log_bytes = 0), zero("log_bytes"));
    assert_eq!(check(|config| config.limits.unanswered_pushes = 0), zero("unanswered_pushes"));
    assert_eq!(check(|config| config.limits.known_clients = 0), zero("known_clients"));
    assert_eq!(check(|config| config.limits.known_client_age = 0), zero("known_client_age"));
    assert_eq!(check(|config| config.limits.value_depth = 48), Ok(()));
    let too_large = ConfigError::LimitTooLarge { limit: "value_depth", max: 48 };
    assert_eq!(check(|config| config.limits.value_depth = 49), Err(too_large));
    let zero_start = check(|config| config.start_timeout = Duration::ZERO);
    assert_eq!(zero_start, Err(ConfigError::ZeroDuration("start_timeout")));
    let camera = check(|config| config.object_types = ["camera".into()].into());
    assert_eq!(camera, Err(ConfigError::NotADocumentType));
}

#[test]
fn a_room_holds_so_many_sessions() {
    let mut world = World::with(|config| config.limits.sessions = 2);
    let a = world.join("a");
    world.open("b");
    let third = |world: &mut World, name: &str| {
        world.act(|room, now| room.handle_connect(now, SessionParams::new(name)))
    };
    assert_eq!(third(&mut world, "c"), Err(OpenError::RoomFull));
    assert_eq!(world.room.session_count(), 2);
    // One that is in may come again, also in its grace, and it holds its place for as long.
    assert!(third(&mut world, "a").is_ok());
    let again = third(&mut world, "a").unwrap();
    world.hello(again, -1);
    world.disconnect(again);
    assert_eq!(third(&mut world, "c"), Err(OpenError::RoomFull));
    world.tick(millis(5000));
    assert!(third(&mut world, "c").is_ok());
    assert_eq!(world.closed(a), Some(CloseReason::Replaced));
}

#[test]
fn a_message_has_so_many_bytes() {
    const MOST: usize = 200;
    let whole = |len: usize| format!("{:<len$}", r#"{"type":"ping"}"#);
    let chunked = |len: usize| {
        let text = whole(len);
        [format!("1_{}", &text[..100]), format!("0_{}", &text[100..])]
    };
    let world = || World::with(|config| config.limits.message_bytes = MOST);
    for len in [MOST, MOST + 1] {
        for texts in [&[whole(len)][..], &chunked(len)] {
            let mut world = world();
            let a = world.join("a");
            texts.iter().for_each(|text| world.say(a, text));
            let fits = len == MOST;
            assert_eq!(world.closed(a).is_none(), fits);
            assert_eq!(world.heard(a).len(), usize::from(fits));
            assert!(fits || world.closed(a) == Some(CloseReason::UnknownError));
        }
    }
    for (chunks, fits) in [(MOST, true), (MOST + 1, false)] {
        let mut world = world();
        let a = world.join("a");
        world.say(a, &format!("{chunks}_x"));
        assert_eq!(world.closed(a).is_none(), fits);
    }
}

#[test]
fn so_many_records_are_created() {
    let mut world = World::with(|config| config.limits.records = 2);
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    world.heard(a);
    world.push(a, 3, &put_page("r", ""));
    world.assert_data(a, &[discard(3, 2)]);
    // What is there can be changed, and what makes room for another lets it in, in one push too.
    world.push(a, 4, &put_page("q", r#","x":1"#));
    world.push(a, 5, r#"{"p":["remove"],"r":["put",{"id":"r","typeName":"page"}]}"#);
    world.heard(a);
    assert_eq!((world.record("q"), world.record("r")), (page("q", r#","x":1"#), page("r", "")));
    // The host knows what it does.
    let another =
        |tx: &mut crate::Transaction<'_>| tx.put(page("s", "").parse::<Object>().unwrap());
    world.act(|room, now| room.transact(now, another)).unwrap();
    world.push(a, 6, &put_page("t", ""));
    assert_eq!(world.room.records().count(), 3);
}

#[test]
fn a_record_has_so_many_bytes() {
    // Three keys of 11 bytes, a text of 1 and one of 4, the text in question, and 8 for each of
    // three values and the record.
    let most = 11 + 1 + 4 + 50 + 4 * 8;
    let text = |len: usize| "x".repeat(len);
    for (len, fits) in [(50, true), (51, false)] {
        let world = || {
            let mut world = World::with(|config| config.limits.record_bytes = most);
            let a = world.join("a");
            world.push(a, 1, &put_page("p", r#","t":"""#));
            world.push(a, 2, r#"{"p":["patch",{"t":["append","xxxxxxxxxx",0]}]}"#);
            world.heard(a);
            (world, a)
        };
        let whole = sorted(&page("p", &format!(r#","t":"{}""#, text(len))));
        let rest = text(len - 10);
        for diff in [
            format!(r#"{{"p":["put",{whole}]}}"#),
            format!(r#"{{"p":["patch",{{"t":["append","{rest}",10]}}]}}"#),
            format!(r#"{{"p":["patch",{{"t":["put","{}"]}}]}}"#, text(len)),
        ] {
            let (mut world, a) = world();
            let before = world.record("p");
            world.push(a, 3, &diff);
            assert_eq!(world.record("p"), if fits { whole.clone() } else { before }, "{diff}");
            let heard = world.heard(a);
            assert_eq!(heard == [data(&[discard(3, 2)])], !fits, "{heard:?}");
            // However often it changes, it is what it is that counts.
            for x in 0..20 {
                world.push(a, 4 + x, &format!(r#"{{"p":["patch",{{"t":["put","{x}"]}}]}}"#));
                assert_eq!(world.record("p"), sorted(&page("p", &format!(r#","t":"{x}""#))));
            }
        }
        let (mut world, a) = world();
        world.push(a, 3, &format!(r#"{{"q":["put",{}]}}"#, whole.replace(r#""p""#, r#""q""#)));
        assert_eq!(world.record("q").is_empty(), !fits);
    }
}

#[test]
fn a_presence_has_so_many_bytes() {
    // The ids are the room's: three keys, three texts of 8, 6 and the one in question.
    let most = (2 + 8 + 1) + (8 + 6 + 50) + 4 * 8;
    for (len, fits) in [(50, true), (51, false)] {
        let text = "x".repeat(len);
        for (first, then) in [
            (format!(r#"["put",{{"t":"{text}"}}]"#), None),
            (r#"["put",{"t":""}]"#.into(), Some(format!(r#"["patch",{{"t":["put","{text}"]}}]"#))),
        ] {
            let mut world = World::with(|config| config.limits.presence_bytes = most);
            let a = world.join("a");
            world.present(a, 1, &first);
            then.iter().for_each(|then| world.present(a, 2, then));
            assert_eq!(world.closed(a), (!fits).then_some(CloseReason::InvalidRecord));
        }
    }
}

#[test]
fn a_push_touches_so_many_records() {
    for (ops, fits) in [(3, true), (4, false)] {
        let mut world = World::with(|config| config.limits.push_ops = 3);
        let a = world.join("a");
        let op = |n: usize| format!(r#""p{n}":["put",{}]"#, page(&format!("p{n}"), ""));
        let diff = (0..ops).map(op).collect::<Vec<_>>().join(",");
        world.push(a, 1, &format!("{{{diff}}}"));
        assert_eq!(world.closed(a), (!fits).then_some(CloseReason::RateLimited));
        assert_eq!(world.room.records().count(), if fits { 3 } else { 0 });
    }
}

/// A page of so many levels, itself included.
fn nested(id: &str, levels: usize) -> String {
    let inner = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    page(id, &format!(r#","x":{inner}"#))
}

#[test]
fn a_pushed_record_nests_so_deep() {
    const MOST: usize = 5;
    let put = |levels| format!(r#"{{"n":["put",{}]}}"#, nested("n", levels));
    let patch = |levels: usize| {
        // The record and `meta` are two levels.
        let inner = format!("{}{}", "[".repeat(levels - 2), "]".repeat(levels - 2));
        format!(r#"{{"p":["patch",{{"meta":["patch",{{"x":["put",{inner}]}}]}}]}}"#)
    };
    let append = |levels: usize| {
        let inner = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"p":["patch",{{"list":["append",{inner},0]}}]}}"#)
    };
    for (at, fits) in [(MOST, true), (MOST + 1, false)] {
        for diff in [put(at), patch(at), append(at)] {
            let mut world = World::with(|config| config.limits.value_depth = MOST);
            let a = world.join("a");
            world.push(a, 1, &put_page("p", r#","list":[],"meta":{}"#));
            world.push(a, 2, &diff);
            let reason = (!fits).then_some(CloseReason::UnknownError);
            assert_eq!(world.closed(a), reason, "{diff}");
            assert_eq!(world.room.clock(), if fits { 2 } else { 1 });
        }
    }
}

#[test]
fn presence_nests_so_deep() {
    for (levels, fits) in [(5, true), (6, false)] {
        let mut world = World::with(|config| config.limits.value_depth = 5);
        let a = world.join("a");
        world.present(a, 1, &format!(r#"["put",{}]"#, nested("n", levels)));
        assert_eq!(world.closed(a).is_none(), fits);
    }
}

#[test]
fn what_the_host_writes_or_loads_nests_so_deep() {
    for (levels, fits) in [(5, true), (6, false)] {
        let mut world = World::with(|config| config.limits.value_depth = 5);
        let record: Object = nested("n", levels).parse().unwrap();
        let put = world.act(|room, now| room.transact(now, |tx| tx.put(record.clone())));
        assert_eq!(put, if fits { Ok(()) } else { Err(TransactError::TooDeep("n".into())) });
        let refused = if fits { Ok(()) } else { Err(RestoreError::InvalidRecord("n".into())) };
        let snapshot =
            || RoomSnapshot { documents: [(record.clone(), 0)].into(), ..RoomSnapshot::default() };
        let load = world.act(|room, now| room.load_snapshot(now, snapshot()));
        assert_eq!(load, refused);
        let config = world.room.config.clone();
        assert_eq!(Room::restore(config, Arc::new(schema()), snapshot()).map(drop), refused);
    }
}

#[test]
fn an_id_has_so_many_bytes() {
    let mut world = World::with(|config| config.limits.id_bytes = 6);
    let open = |world: &mut World, name: &str| {
        world.act(|room, now| room.handle_connect(now, SessionParams::new(name))).map(drop)
    };
    assert_eq!(open(&mut world, "ééé"), Ok(()));
    assert_eq!(open(&mut world, "éééx"), Err(OpenError::BadSessionId));
    assert_eq!(open(&mut world, ""), Err(OpenError::BadSessionId));
    let a = world.join("a");
    world.push(a, 1, &put_page("123456", ""));
    world.assert_data(a, &[commit(1, 1)]);
    for id in ["1234567", ""] {
        let a = world.join("a");
        world.push(a, 2, &put_page(id, ""));
        assert_eq!(world.closed(a), Some(CloseReason::InvalidRecord), "{id}");
        assert_eq!(world.room.clock(), 1);
    }
    for (request, fits) in [("123456", true), ("1234567", false)] {
        let a = world.open("a");
        world.say(a, &connect(-1, "8", SCHEMA).replace(r#""r""#, &format!("{request:?}")));
        assert_eq!(world.closed(a), (!fits).then_some(CloseReason::UnknownError));
    }
}

#[test]
fn so_many_removals_are_remembered() {
    let mut world = World::with(|config| config.limits.tombstones = 10);
    let a = world.join("a");
    for n in 0..11 {
        world.push(a, n, &put_page(&format!("p{n}"), ""));
    }
    for n in 0..10 {
        world.push(a, n, &format!(r#"{{"p{n}":["remove"]}}"#));
    }
    assert_eq!(world.room.snapshot().tombstones.len(), 10);
    assert!(world.persisted().iter().all(|commit| commit.pruned.is_empty()));
    world.push(a, 20, r#"{"p10":["remove"]}"#);
    // One too many, and a fifth of the limit more, so that this is rare.
    assert_eq!(world.room.snapshot().tombstones.len(), 8);
    let commit = &world.persisted()[0];
    assert_eq!(commit.pruned, ["p0".into(), "p1".into(), "p2".into()]);
    assert_eq!(commit.tombstone_history_starts_at, 14);
}

#[test]
fn so_many_removals_of_presence_are_remembered_for_a_session_that_does_not_read() {
    for (guests, fits, is_filtered) in
        [(3, true, false), (4, false, false), (3, true, true), (4, false, true)]
    {
        let mut world = World::with(|config| {
            config.limits.tombstones = 3;
            config.limits.log_bytes = 1;
            if is_filtered {
                config.hooks = Hooks::default().filter_presence(|_, _, _| true);
            }
        });
        let guests: Vec<_> = (0..guests).map(|n| world.join(&format!("g{n}"))).collect();
        for guest in &guests {
            world.present(*guest, 1, r#"["put",{}]"#);
        }
        let b = world.join("b");
        world.writable(b, false);
        for guest in guests {
            world.act(|room, now| room.close_session(now, guest, CloseReason::Forbidden)).unwrap();
        }
        world.writable(b, true);
        assert_eq!(world.closed(b), (!fits).then_some(CloseReason::Reset));
        assert_eq!(world.heard(b).concat().matches("remove").count(), if fits { 3 } else { 0 });
    }
}

#[test]
fn so_many_bytes_wait_for_a_session_that_does_not_read() {
    let (p, q) = (put_page("p", ""), put_page("q", ""));
    let entries = [commit(1, 1), patch(1, &p), commit(2, 2), patch(2, &q)];
    let most: usize = entries.iter().map(String::len).sum();
    for (log_bytes, fits) in [(most, true), (most - 1, false)] {
        let mut world = World::with(|config| config.limits.log_bytes = log_bytes);
        let (a, b) = (world.join("a"), world.join("b"));
        world.writable(b, false);
        world.push(a, 1, &p);
        world.push(a, 2, &q);
        world.writable(b, true);
        let state = format!(r#"{},{}"#, p.strip_suffix('}').unwrap(), q.strip_prefix('{').unwrap());
        if fits {
            world.assert_data(b, &[patch(1, &p), patch(2, &q)]);
        } else {
            world.assert_data(b, &[patch(2, &state)]);
        }
    }
}

#[test]
fn so_many_pushes_wait_for_an_answer() {
    let mut world = World::with(|config| config.limits.unanswered_pushes = 3);
    let a = world.join("a");
    world.writable(a, false);
    for n in 1..=3 {
        world.push(a, n, "{}");
    }
    world.writable(a, true);
    world.assert_data(a, &[discard(1, 0), discard(2, 0), discard(3, 0)]);
    world.writable(a, false);
    for n in 1..=4 {
        assert_eq!(world.closed(a), None);
        world.push(a, n, &put_page(&format!("p{n}"), ""));
    }
    assert_eq!(world.closed(a), Some(CloseReason::Reset));
    assert_eq!(world.room.clock(), 3);
    world.assert_silence(a);
}

#[test]
fn so_many_clients_are_known() {
    let mut world = World::with(|config| config.limits.known_clients = 2);
    for (n, name) in ["a", "b", "a", "c"].into_iter().enumerate() {
        assert_eq!(world.persisted().iter().map(|it| it.forgotten.len()).sum::<usize>(), 0);
        let connection = world.open(name);
        say_hello(&mut world, connection, name, 0);
        world.push(connection, n as u64 + 1, &put_page(name, &format!(r#","n":{n}"#)));
    }
    // `b` has pushed longest ago.
    assert_eq!(known(&world.room), [("a".to_string(), 3), ("c".to_string(), 4)]);
    let forgotten: Vec<_> = world.persisted()[0].forgotten.clone();
    assert_eq!(forgotten.iter().map(|it| it.client.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_client_is_known_for_so_many_pushes() {
    let mut world = World::with(|config| config.limits.known_client_age = 3);
    let (a, b) = (world.open("a"), world.open("b"));
    say_hello(&mut world, a, "a", 0);
    say_hello(&mut world, b, "b", 0);
    world.push(a, 1, &put_page("p", ""));
    for n in 1..=3 {
        world.push(b, n, &put_page("q", &format!(r#","n":{n}"#)));
    }
    assert_eq!(known(&world.room), [("a".to_string(), 1), ("b".to_string(), 3)]);
    world.push(b, 4, &put_page("r", ""));
    assert_eq!(known(&world.room), [("b".to_string(), 4)]);
}

#[test]
fn so_many_older_schemas_are_served_at_a_time() {
    let mut world = room_of_version_3(|config| config.limits.older_schemas = 2);
    let join = |world: &mut World, name: &str, version: u64| {
        let connection = world.open(name);
        enter(world, connection, &older(version), 8);
        (connection, world.closed(connection))
    };
    let (zero, _) = join(&mut world, "zero", 0);
    assert_eq!(join(&mut world, "one", 1).1, None);
    // One more is too old; those that are there already, and the room's own, are none more.
    assert_eq!(join(&mut world, "two", 2).1, Some(CloseReason::ClientTooOld));
    assert_eq!(join(&mut world, "again", 1).1, None);
    assert_eq!(join(&mut world, "current", 3).1, None);
    // Who changes leaves its own behind.
    enter(&mut world, zero, &older(2), 8);
    assert_eq!(world.closed(zero), None);
    assert_eq!(join(&mut world, "zero too", 0).1, Some(CloseReason::ClientTooOld));
    let mut none = room_of_version_3(|config| config.limits.older_schemas = 0);
    assert_eq!(join(&mut none, "zero", 0).1, Some(CloseReason::ClientTooOld));
    assert_eq!(join(&mut none, "current", 3).1, None);
}

/// A room without a schema took on and kept one of any size.
#[test]
fn a_schema_has_so_many_bytes() {
    let answer = |sequences: &str, room: Room| {
        let mut world = World::of(room);
        let a = world.open("a");
        let schema = format!(r#"{{"schemaVersion":2,"sequences":{{{sequences}}}}}"#);
        world.say(a, &connect(-1, "8", &schema));
        assert_eq!(world.persisted().len(), world.heard(a).len());
        world.closed(a)
    };
    let mut config = RoomConfig::default();
    config.limits.schema_bytes = 20;
    let adopting = || Room::new(config.clone(), Arc::new(Schema::tldraw())).unwrap();
    assert_eq!(answer(r#""ab":1,"cd":1"#, adopting()), None);
    for large in [r#""ab":1,"cde":1"#, r#""a":1,"b":1,"c":1"#] {
        assert_eq!(answer(large, adopting()), Some(CloseReason::UnknownError));
        // Also where there is a schema already.
        let placed = Room::new(config.clone(), Arc::new(schema())).unwrap();
        assert_eq!(answer(large, placed), Some(CloseReason::UnknownError));
    }
}

#[test]
fn so_many_senders_who_left_are_known() {
    for (known, comes_again) in [(3, false), (2, true)] {
        let mut world = World::with(|config| {
            config.limits.known_senders = known;
            config.reconnect_grace = Duration::ZERO;
            config.rates.messages = Some(Rate { per_second: 1, burst: 3 });
        });
        for (name, messages) in [("a", 1), ("b", 2), ("c", 2)] {
            let connection = world.join(name);
            for _ in 0..messages {
                world.say(connection, r#"{"type":"ping"}"#);
            }
            world.disconnect(connection);
        }
        // Of these the first would be free again before the others.
        let a = world.join("a");
        for _ in 0..2 {
            world.say(a, r#"{"type":"ping"}"#);
        }
        assert_eq!(world.closed(a).is_none(), comes_again);
    }
}
