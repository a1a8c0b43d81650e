//! The laws of time: one timer, exact, and nothing lost by whoever sleeps exactly until it.

use super::*;

/// Wakes the room only when it asks to be, until `end`.
fn sleep_until(world: &mut World, end: Instant) {
    while let Some(due) = world.room.poll_timeout().filter(|due| *due <= end) {
        assert!(due > world.now, "a deadline that is not ahead after a drain");
        world.now = due;
        world.act(Room::handle_timeout);
    }
    world.now = end;
}

#[test]
fn a_driver_that_sleeps_exactly_until_the_deadline_loses_nothing() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{}]"#);
    for n in 0..20 {
        world.push(a, n + 2, &put_page(&format!("p{n}"), ""));
        let end = world.now.saturating_add(millis(n * 3));
        sleep_until(&mut world, end);
        world.say(b, r#"{"type":"ping"}"#);
    }
    let end = world.now.saturating_add(millis(60_000));
    sleep_until(&mut world, end);
    let told: String = world.heard(a).concat();
    assert_eq!(told.matches("commit").count(), 21);
    let told: String = world.heard(b).concat();
    for n in 0..20 {
        assert!(told.contains(&format!(r#"{{"p{n}":["put""#)), "{told}");
    }
    assert_eq!(
        (world.closed(a), world.closed(b)),
        (Some(CloseReason::Idle), Some(CloseReason::Idle))
    );
    // b heard its last before a was removed, and neither came back.
    assert!(world.room.is_empty());
    assert_eq!(world.room.poll_timeout(), None);
}

#[test]
fn the_deadline_is_now_while_actions_wait() {
    let mut world = World::timed(|_| ());
    world.join("a");
    world.wait(millis(5));
    let connection = world.room.handle_connect(world.now, SessionParams::new("b")).unwrap();
    let hello = connect(-1, "8", SCHEMA);
    world.room.handle_message(world.now, connection, hello.as_bytes());
    while world.room.poll_timeout() == Some(world.now) {
        assert!(world.room.poll_action().is_some());
    }
    assert_eq!(world.room.poll_action(), None);
    assert!(world.room.poll_timeout() > Some(world.now));
}

#[test]
fn asking_for_the_deadline_changes_nothing() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    let deadline = world.room.poll_timeout();
    assert!(deadline.is_some());
    assert_eq!(world.room.poll_timeout(), deadline);
    world.wait(millis(1000));
    assert_eq!(world.room.poll_timeout(), deadline);
}

#[test]
fn early_late_and_repeated_wake_ups_are_safe() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    world.actions.clear();
    for _ in 0..3 {
        world.tick(millis(1));
        assert!(world.actions.is_empty());
    }
    world.tick(millis(500));
    world.assert_data(a, &[commit(2, 2)]);
    for _ in 0..3 {
        world.tick(Duration::ZERO);
        assert!(world.actions.is_empty());
    }
    // So late that both the idle timeout and the grace would have passed: the grace still runs.
    world.tick(millis(1_000_000));
    assert_eq!(world.closed(a), Some(CloseReason::Idle));
    assert_eq!(world.room.session_count(), 1);
}

#[test]
fn a_clock_that_goes_back_is_held() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    let latest = world.now;
    world.now = Instant::ZERO;
    world.push(a, 2, &put_page("q", ""));
    world.assert_silence(a);
    world.tick(Duration::ZERO);
    world.assert_silence(a);
    assert!(world.room.poll_timeout() > Some(latest));
    world.now = latest;
    world.tick(millis(17));
    world.assert_data(a, &[commit(2, 2)]);
}

#[test]
fn a_deadline_counts_from_the_latest_time_that_was_seen() {
    let mut world = World::timed(|_| ());
    world.act(Room::handle_timeout);
    let latest = world.now;
    world.now = Instant::ZERO;
    world.open("a");
    assert_eq!(world.room.poll_timeout(), Some(latest.saturating_add(millis(10_000))));
}

#[test]
fn the_end_of_time_neither_overflows_nor_panics() {
    let mut world = World::timed(|_| ());
    world.now = Instant::MAX;
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    assert!(world.room.poll_timeout().is_some());
    world.act(Room::handle_timeout);
    assert_eq!(world.room.clock(), 2);
}

#[test]
fn an_empty_room_wants_no_timer() {
    let mut world = World::timed(|_| ());
    assert_eq!(world.room.poll_timeout(), None);
    world
        .act(|room, now| room.transact(now, |tx| tx.put(page("p", "").parse::<Object>().unwrap())))
        .unwrap();
    assert_eq!(world.room.poll_timeout(), None);
}
