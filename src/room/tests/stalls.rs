//! Sessions that do not read: nothing is queued for them, and they end up right all the same.

use super::replica::Replica;
use super::*;

fn set(x: u64) -> String {
    format!(r#"{{"p":["patch",{{"x":["put",{x}]}}]}}"#)
}

#[test]
fn a_session_that_is_not_writable_is_sent_nothing_at_all() {
    let mut world = World::timed(|config| config.idle_timeout = None);
    let (a, b) = (world.join("a"), world.join("b"));
    world.writable(b, false);
    world.push(a, 1, &put_page("p", ""));
    world.push(b, 1, &put_page("q", ""));
    world.present(b, 2, r#"["put",{}]"#);
    world.say(b, r#"{"type":"ping"}"#);
    world.say(b, &connect(-1, "8", SCHEMA));
    world.tick(millis(1000));
    assert!(world.room.poll_timeout().is_none());
    world.assert_silence(b);
    world.act(Room::shutdown);
    world.assert_silence(b);
    assert_eq!(world.closed(b), Some(CloseReason::ShuttingDown));
}

#[test]
fn a_session_that_is_rejected_or_closed_while_it_does_not_read_is_sent_nothing() {
    for version in [6, 8] {
        let mut world = World::new();
        let (a, b) = (world.join("a"), world.join_as(SessionParams::new("b"), version));
        let c = world.join_as(SessionParams::new("c"), version);
        for stalled in [b, c] {
            world.writable(stalled, false);
        }
        world.push(a, 1, &put_page("p", ""));
        world.push(b, 1, &put_page("q", r#","bad":1"#));
        world.act(|room, now| room.close_session(now, c, CloseReason::Forbidden)).unwrap();
        for stalled in [b, c] {
            world.assert_silence(stalled);
            assert!(world.closed(stalled).is_some());
        }
    }
}

#[test]
fn a_short_stall_resumes_where_it_was() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.writable(b, false);
    world.push(a, 1, &put_page("p", ""));
    world.push(b, 1, &put_page("q", ""));
    world.push(a, 2, &set(1));
    world.tick(millis(100));
    world.writable(b, true);
    let entries = [patch(1, &put_page("p", "")), commit(1, 2), patch(3, &set(1))];
    world.assert_data(b, &entries);
    world.tick(millis(17));
    world.assert_silence(b);
}

#[test]
fn a_ping_and_a_connect_that_met_a_stall_are_answered_after_it() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.open("b"));
    world.writable(b, false);
    world.say(b, &connect(-1, "8", SCHEMA));
    world.push(a, 1, &put_page("p", ""));
    world.assert_silence(b);
    assert_eq!(world.room.poll_timeout(), Some(world.now.saturating_add(millis(10_000))));
    world.writable(b, true);
    let heard = world.heard(b);
    assert!(heard.len() == 1 && heard[0].contains(r#"{"p":["put""#), "{heard:?}");
    world.writable(b, false);
    world.say(b, r#"{"type":"ping"}"#);
    world.say(b, r#"{"type":"ping"}"#);
    world.push(a, 2, &set(2));
    world.writable(b, true);
    let pong = r#"{"type":"pong"}"#;
    assert_eq!(world.heard(b), [pong, &data(&[patch(2, &set(2))])]);
    world.writable(b, true);
    world.assert_silence(b);
}

/// A `connect` of a session that is in and does not read was owed, and what it pushed after it was
/// taken and never answered.
#[test]
fn what_is_pushed_after_a_connect_that_met_a_stall_is_answered_after_it() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.writable(b, false);
    world.push(b, 1, &put_page("p", ""));
    world.say(b, &connect(-1, "8", SCHEMA));
    world.push(b, 2, &put_page("q", ""));
    world.push(b, 3, r#"{"missing":["remove"]}"#);
    world.heard(a);
    world.writable(b, true);
    let heard = world.heard(b);
    assert_eq!(heard.len(), 2);
    assert!(heard[0].contains("wipe_all") && heard[0].contains(r#""q":["put""#), "{heard:?}");
    assert_eq!(heard[1], data(&[discard(2, 2), discard(3, 2)]));
    // The later of two requests is the one that is answered.
    world.writable(b, false);
    world.say(b, &connect(-1, "8", SCHEMA));
    world.push(b, 4, &put_page("r", ""));
    world.say(b, &connect(-1, "8", SCHEMA));
    world.writable(b, true);
    assert_eq!(world.heard(b).len(), 1);
    world.push(a, 1, &put_page("s", ""));
    world.assert_data(b, &[patch(4, &put_page("s", ""))]);
}

/// A room with a tiny log, in which b stalls while others change everything.
fn long_stall() -> (World, ConnectionId, Replica) {
    let mut world = World::timed(|config| {
        config.limits.log_bytes = 200;
        config.reconnect_grace = millis(100);
    });
    let (a, b, c) = (world.join("a"), world.open("b"), world.join("c"));
    world.push(a, 1, &put_page("p", r#","x":0"#));
    world.push(a, 2, &put_page("q", ""));
    world.present(a, 3, r#"["put",{"x":1}]"#);
    world.present(c, 1, r#"["put",{"x":1}]"#);
    let mut replica = Replica::new(8);
    replica.hear(world.hello(b, -1));
    world.writable(b, false);
    world.tick(millis(20));
    for (client_clock, diff) in
        [set(1), put_page("mine", ""), r#"{"q":["patch",{"z":["put",1]}]}"#.into()]
            .iter()
            .enumerate()
    {
        let client_clock = client_clock as u64 + 1;
        replica.pushed(client_clock, diff);
        world.push(b, client_clock, diff);
    }
    for x in 2..20 {
        world.push(a, x, &set(x));
        world.present(c, x, &format!(r#"["put",{{"x":{x}}}]"#));
    }
    world.push(a, 30, r#"{"q":["remove"]}"#);
    world.push(a, 31, &put_page("r", ""));
    world.disconnect(c);
    world.tick(millis(100));
    assert_eq!(world.room.presence().count(), 1);
    world.actions.clear();
    (world, b, replica)
}

#[test]
fn after_a_long_stall_own_pushes_are_discarded_and_one_patch_tells_the_state() {
    let (mut world, b, mut replica) = long_stall();
    world.writable(b, true);
    let heard = world.heard(b);
    assert_eq!(heard.len(), 1);
    let clock = world.room.clock();
    let discards = [discard(1, clock), discard(2, clock), discard(3, clock)].join(",");
    assert!(
        heard[0].starts_with(&format!(r#"{{"type":"data","data":[{discards},{{"type":"patch""#))
    );
    assert_eq!(heard[0].matches(r#""type":"patch""#).count(), 1);
    // The presence of c was shown to b before, and is gone.
    assert!(heard[0].contains(r#""cursor:2":["remove"]"#), "{}", heard[0]);
    replica.hear(&heard[0]);
    replica.assert_equals(&world.room, "b");
    // And it goes on from there.
    replica.pushed(4, &set(99));
    world.push(b, 4, &set(99));
    world.tick(millis(17));
    world.heard(b).iter().for_each(|text| replica.hear(text));
    replica.assert_equals(&world.room, "b");
}

#[test]
fn what_a_session_was_told_before_its_stall_is_not_told_again() {
    let mut world = World::with(|config| {
        config.limits.log_bytes = 1;
        config.limits.tombstones = 1;
    });
    let (a, b) = (world.join("a"), world.join("b"));
    for (client_clock, id) in ["p", "q", "r"].iter().enumerate() {
        world.push(a, client_clock as u64, &put_page(id, ""));
    }
    // Forgotten by the room, but b has heard of it.
    world.push(a, 4, r#"{"q":["remove"]}"#);
    world.push(a, 5, r#"{"r":["remove"]}"#);
    world.actions.clear();
    world.writable(b, false);
    world.push(a, 6, &put_page("s", ""));
    world.push(a, 7, &put_page("t", ""));
    world.writable(b, true);
    let state = format!(r#"{{"s":["put",{}],"t":["put",{}]}}"#, page("s", ""), page("t", ""));
    world.assert_data(b, &[patch(7, &state)]);
}

#[test]
fn a_stall_takes_no_more_memory_than_the_log() {
    let (world, _, _) = long_stall();
    let held: usize = world.room.log.since(0).map(|entry| entry.patches.concat().len()).sum();
    assert!(held <= 200, "{held}");
}

#[test]
fn a_healthy_session_that_fell_off_within_one_interval_is_caught_up_too() {
    let mut world = World::timed(|config| config.limits.log_bytes = 100);
    let (a, b) = (world.join("a"), world.open("b"));
    let mut replica = Replica::new(8);
    replica.hear(world.hello(b, -1));
    for n in 0..5 {
        world.push(a, n, &put_page(&format!("p{n}"), ""));
        world.heard(b).iter().for_each(|text| replica.hear(text));
    }
    world.tick(millis(17));
    let heard = world.heard(b);
    assert_eq!(heard.len(), 1);
    replica.hear(&heard[0]);
    replica.assert_equals(&world.room, "b");
}

#[test]
fn a_session_that_missed_more_removals_than_are_known_is_closed_to_reconnect() {
    let mut world = World::with(|config| {
        config.limits.log_bytes = 1;
        config.limits.tombstones = 1;
    });
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    world.writable(b, false);
    world.push(a, 3, r#"{"p":["remove"]}"#);
    world.push(a, 4, r#"{"q":["remove"]}"#);
    world.actions.clear();
    world.writable(b, true);
    world.assert_silence(b);
    assert_eq!(world.closed(b), Some(CloseReason::Reset));
    assert!(!CloseReason::Reset.is_fatal());
    assert_eq!(world.room.session_count(), 2);
    let b = world.open("b");
    assert!(world.hello(b, 2).contains(r#""wipe_all","#));
}

#[test]
fn a_session_closed_to_reconnect_without_grace_is_removed_and_others_hear_it_at_once() {
    let mut world = World::with(|config| {
        config.limits.log_bytes = 1;
        config.limits.tombstones = 1;
        config.reconnect_grace = Duration::ZERO;
    });
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(b, 1, r#"["put",{}]"#);
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    world.writable(b, false);
    world.push(a, 3, r#"{"p":["remove"]}"#);
    world.push(a, 4, r#"{"q":["remove"]}"#);
    world.actions.clear();
    world.writable(b, true);
    assert_eq!(world.closed(b), Some(CloseReason::Reset));
    world.assert_data(a, &[patch(4, r#"{"cursor:1":["remove"]}"#)]);
    assert!(world.room.poll_timeout() > Some(world.now));
}

#[test]
fn time_that_passes_in_a_stall_counts_as_silence() {
    let mut world = World::timed(|_| ());
    let b = world.join("b");
    world.writable(b, false);
    assert_eq!(world.room.poll_timeout(), Some(world.now.saturating_add(millis(20_000))));
    world.tick(millis(20_000));
    assert_eq!(world.closed(b), Some(CloseReason::Idle));
}

/// The log is as long after much traffic as before: what was read counts no more.
#[test]
fn a_short_stall_late_in_a_rooms_life_resumes_where_it_was() {
    let mut world = World::with(|config| config.limits.log_bytes = 400);
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","x":0"#));
    for x in 2..100 {
        world.push(a, x, &set(x));
    }
    world.heard(b);
    world.writable(b, false);
    world.push(a, 100, &set(100));
    world.push(a, 101, &set(101));
    world.writable(b, true);
    world.assert_data(b, &[patch(100, &set(100)), patch(101, &set(101))]);
}
