//! When data goes out: the first at once, more after 1000/60 ms, each session by its own time.

use super::*;

/// 1000/60 ms in whole microseconds.
const INTERVAL: u64 = 16_666;

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

#[test]
fn the_first_data_goes_at_once_and_later_ones_are_collected_until_the_interval_is_over() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.assert_data(a, &[commit(1, 1)]);
    world.assert_data(b, &[patch(1, &put_page("p", ""))]);
    let start = world.now;
    world.tick(micros(1));
    world.push(a, 2, &put_page("q", ""));
    world.tick(micros(5000));
    world.push(a, 3, r#"{"q":["remove"]}"#);
    assert_eq!(world.room.poll_timeout(), Some(start.saturating_add(micros(INTERVAL))));
    world.tick(micros(INTERVAL - 5002));
    world.assert_silence(a);
    world.assert_silence(b);
    world.tick(micros(1));
    world.assert_data(a, &[commit(2, 2), commit(3, 3)]);
    world.assert_data(b, &[patch(2, &put_page("q", "")), patch(3, r#"{"q":["remove"]}"#)]);
}

#[test]
fn entries_are_never_merged_and_each_has_the_clock_of_its_moment() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","x":0"#));
    world.actions.clear();
    for x in 1..4 {
        world.push(a, x + 1, &format!(r#"{{"p":["patch",{{"x":["put",{x}]}}]}}"#));
    }
    world.present(a, 5, r#"["put",{}]"#);
    world.tick(micros(INTERVAL));
    let set = |x: u64| patch(x + 1, &format!(r#"{{"p":["patch",{{"x":["put",{x}]}}]}}"#));
    let shown = r#"{"cursor:0":["put",{"id":"cursor:0","typeName":"cursor"}]}"#;
    world.assert_data(b, &[set(1), set(2), set(3), patch(4, shown)]);
    world.assert_data(a, &[commit(2, 2), commit(3, 3), commit(4, 4), commit(5, 4)]);
}

#[test]
fn after_a_quiet_spell_data_goes_at_once_again() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    assert_eq!(world.room.poll_timeout(), Some(world.now.saturating_add(millis(20_000))));
    // Nobody wakes the room at the end of the interval, since there is nothing to say.
    world.wait(micros(INTERVAL));
    world.push(a, 2, &put_page("q", ""));
    world.assert_data(a, &[commit(2, 2)]);
    world.wait(micros(INTERVAL - 1));
    world.push(a, 3, &put_page("r", ""));
    world.assert_silence(a);
    assert_eq!(world.room.poll_timeout(), Some(world.now.saturating_add(micros(1))));
}

#[test]
fn each_session_has_its_own_interval() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["patch",{}]"#);
    world.assert_data(a, &[commit(1, 0)]);
    world.wait(micros(10_000));
    // The first for b, and too early for a.
    world.push(a, 2, &put_page("p", ""));
    world.assert_silence(a);
    world.assert_data(b, &[patch(1, &put_page("p", ""))]);
    world.wait(micros(6_666));
    world.push(a, 3, &put_page("q", ""));
    world.assert_data(a, &[commit(2, 1), commit(3, 2)]);
    world.assert_silence(b);
    world.tick(micros(10_000));
    world.assert_data(b, &[patch(2, &put_page("q", ""))]);
}

#[test]
fn any_input_sends_what_is_due_by_then() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    world.push(a, 2, &put_page("q", ""));
    world.wait(micros(INTERVAL));
    world.say(a, r#"{"type":"ping"}"#);
    assert_eq!(world.heard(a).len(), 2);
    world.assert_data(b, &[patch(2, &put_page("q", ""))]);
}

#[test]
fn an_interval_of_zero_sends_everything_at_once() {
    let mut world = World::timed(|config| config.flush_interval = Duration::ZERO);
    let a = world.join("a");
    for client_clock in 1..4 {
        world.push(a, client_clock, "{}");
        world.assert_data(a, &[discard(client_clock, 0)]);
    }
}

#[test]
fn sessions_that_hear_the_same_share_one_text() {
    let mut world = World::new();
    let a = world.join("a");
    let others: Vec<_> = (0..3).map(|n| world.join(&format!("b{n}"))).collect();
    let before = world.actions.len();
    world.push(a, 1, &put_page("p", ""));
    let texts: Vec<_> = world.actions[before..]
        .iter()
        .filter_map(|action| match action {
            RoomAction::Send { to, frame } if others.contains(&to[0]) => {
                Some(frame.to_bytes().as_ptr())
            }
            RoomAction::Send { .. }
            | RoomAction::Close { .. }
            | RoomAction::Persist(_)
            | RoomAction::Event(_) => None,
        })
        .collect();
    assert_eq!(texts, [texts[0]; 3]);
}

#[test]
fn what_everybody_has_heard_is_forgotten() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    let b = world.join("b");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    assert!(world.room.log.since(0).count() > 0);
    world.tick(micros(INTERVAL));
    assert_eq!(world.room.log.since(0).count(), 0);
    // A result is only for its pusher, so that nobody else holds it up.
    world.writable(b, false);
    world.wait(micros(INTERVAL));
    world.push(a, 3, "{}");
    assert_eq!(world.room.log.since(0).count(), 0);
}

#[test]
fn recipients_are_the_same_if_they_are_the_same_connections() {
    let [one, other] = [1, 2].map(ConnectionId);
    assert_eq!(Recipients::from(one), Recipients::from(Vec::from([one])));
    assert_ne!(Recipients::from(one), Recipients::from(other));
    assert_ne!(Recipients::from(one), Recipients::from(Vec::from([one, other])));
}
