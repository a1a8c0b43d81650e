//! How much a session may send in a time.

use super::*;
use crate::error::ConfigError;

const PING: &str = r#"{"type":"ping"}"#;

fn limited(rates: impl FnOnce(&mut Rates)) -> World {
    World::with(|config| {
        config.rates = Rates::default();
        config.idle_timeout = None;
        rates(&mut config.rates);
    })
}

const fn rate(per_second: u64, burst: u64) -> Option<Rate> {
    Some(Rate { per_second, burst })
}

#[test]
fn so_many_messages_come_at_once_and_so_many_in_a_second() {
    for (wait, fits) in [(499_999, false), (500_000, true)] {
        let mut world = limited(|rates| rates.messages = rate(2, 5));
        let a = world.join("a");
        // The `connect` was the first.
        for _ in 0..4 {
            world.say(a, PING);
        }
        for _ in 0..3 {
            assert_eq!(world.closed(a), None);
            world.wait(Duration::from_micros(wait));
            world.say(a, PING);
            if !fits {
                break;
            }
        }
        assert_eq!(world.closed(a), (!fits).then_some(CloseReason::RateLimited));
        assert_eq!(world.room.session_count(), usize::from(fits));
    }
}

#[test]
fn so_many_bytes_come_at_once() {
    let hello = connect(-1, "8", SCHEMA);
    for (burst, fits) in [(hello.len() + PING.len(), true), (hello.len() + PING.len() - 1, false)] {
        let mut world = limited(|rates| rates.bytes = rate(1, burst as u64));
        let a = world.open("a");
        world.say(a, &hello);
        world.say(a, PING);
        assert_eq!(world.closed(a), (!fits).then_some(CloseReason::RateLimited));
    }
}

#[test]
fn so_many_ops_are_pushed_at_once_and_a_presence_counts_as_one() {
    for (burst, fits) in [(3, true), (2, false)] {
        let mut world = limited(|rates| rates.ops = rate(1, burst));
        let a = world.join("a");
        world.push(a, 1, r#"{"p":["remove"],"q":["remove"]}"#);
        world.present(a, 2, r#"["put",{}]"#);
        assert_eq!(world.closed(a), (!fits).then_some(CloseReason::RateLimited));
        assert_eq!(world.room.presence().count(), usize::from(fits));
        assert_eq!(world.room.counters().pushes_rejected, u64::from(!fits));
    }
}

#[test]
fn a_session_that_comes_again_has_sent_what_it_has_sent() {
    let mut world = limited(|rates| rates.messages = rate(1, 3));
    world.join("a");
    let again = world.join("a");
    world.say(again, PING);
    assert_eq!(world.closed(again), None);
    world.say(again, PING);
    assert_eq!(world.closed(again), Some(CloseReason::RateLimited));
    // Others have sent nothing yet.
    world.join("b");
}

/// Whoever was removed for it began anew, with all that may come at once.
#[test]
fn who_was_removed_has_sent_what_it_has_sent() {
    let mut world = limited(|rates| rates.messages = rate(1, 3));
    let mut taken = 0;
    for _ in 0..20 {
        let a = world.open("a");
        for text in [connect(-1, "8", SCHEMA).as_str(), PING, PING, PING, PING] {
            world.say(a, text);
            taken += u64::from(world.closed(a).is_none());
        }
    }
    assert_eq!(taken, 3);
    // It has what leaks out in the meantime, and no more.
    world.tick(Duration::from_secs(2));
    let a = world.join("a");
    world.say(a, PING);
    assert_eq!(world.closed(a), None);
    world.say(a, PING);
    assert_eq!(world.closed(a), Some(CloseReason::RateLimited));
    world.join("b");
}

#[test]
fn who_is_known_to_the_host_has_sent_it_whatever_the_session_is_called() {
    let mut world = limited(|rates| rates.messages = rate(1, 2));
    let open = |world: &mut World, session: &str, identity: Option<&str>| {
        let mut params = SessionParams::new(session);
        params.identity = identity.map(Into::into);
        let connection = world.open_as(params);
        world.say(connection, &connect(-1, "8", SCHEMA));
        connection
    };
    let limit = |world: &mut World, connection| {
        world.say(connection, PING);
        world.say(connection, PING);
        assert_eq!(world.closed(connection), Some(CloseReason::RateLimited));
    };
    let first = open(&mut world, "a", Some("ann"));
    limit(&mut world, first);
    let second = open(&mut world, "b", Some("ann"));
    assert_eq!(world.closed(second), Some(CloseReason::RateLimited));
    // That is nothing to others who take the name.
    for identity in [Some("bob"), None] {
        let other = open(&mut world, "a", identity);
        assert_eq!(world.closed(other), None);
    }
    // What has leaked out is forgotten, and costs nothing.
    world.tick(Duration::from_secs(2));
    let third = open(&mut world, "c", Some("ann"));
    world.say(third, PING);
    assert_eq!(world.closed(third), None);
}

#[test]
fn no_rate_is_no_bound_and_one_of_zero_is_refused() {
    let mut world = limited(|rates| {
        (rates.messages, rates.bytes, rates.ops) = (None, None, None);
    });
    let a = world.join("a");
    for _ in 0..5000 {
        world.say(a, PING);
    }
    assert_eq!(world.closed(a), None);
    for zero in [rate(0, 1), rate(1, 0)] {
        for (name, set) in [
            ("rates.messages", (|rates, rate| rates.messages = rate) as fn(&mut Rates, _)),
            ("rates.bytes", |rates, rate| rates.bytes = rate),
            ("rates.ops", |rates, rate| rates.ops = rate),
        ] {
            let mut config = RoomConfig::default();
            set(&mut config.rates, zero);
            let room = Room::new(config, Arc::new(schema()));
            assert_eq!(room.map(drop), Err(ConfigError::ZeroLimit(name)));
        }
    }
    let huge = rate(u64::MAX, u64::MAX);
    let mut world = limited(|rates| (rates.messages, rates.bytes, rates.ops) = (huge, huge, huge));
    let a = world.join("a");
    world.now = Instant::MAX;
    world.say(a, PING);
    assert_eq!(world.closed(a), None);
}

/// What a stock client sends at most: 30 pushes a second, of thousands of records while all of a
/// full page is dragged, and a picture of 30 MB in pieces.
#[test]
fn no_client_that_only_does_its_work_meets_the_rates() {
    let mut world = limited(|_| ());
    let a = world.join("a");
    let ops = |x: u64| {
        let op = |n: u64| format!(r#""shape:{n}":["patch",{{"x":["put",{x}],"y":["put",{x}]}}]"#);
        format!("{{{}}}", (0..4000).map(op).collect::<Vec<_>>().join(","))
    };
    for clock in 0..30 {
        world.wait(millis(33));
        world.push(a, clock, &ops(clock));
        assert_eq!(world.closed(a), None);
        world.heard(a);
    }
    let piece = "x".repeat(262_000);
    for left in (0..110).rev() {
        let begin = if left == 109 { r#"{"type":"ping","x":""# } else { "" };
        let end = if left == 0 { r#""}"# } else { "" };
        world.say(a, &format!("{left}_{begin}{piece}{end}"));
        assert_eq!(world.closed(a), None);
    }
    assert_eq!(world.heard(a), [r#"{"type":"pong"}"#]);
}

/// Who left with two sessions began again with what the later of them had sent.
#[test]
fn who_had_several_sessions_has_sent_what_the_busiest_has_sent() {
    for first in ["busy", "quiet"] {
        let mut world = limited(|rates| rates.messages = rate(1, 3));
        let mut open = |session: &str| {
            let mut params = SessionParams::new(session);
            params.identity = Some("ann".into());
            let connection = world.open_as(params);
            world.say(connection, &connect(-1, "8", SCHEMA));
            connection
        };
        let (busy, quiet) = (open("busy"), open("quiet"));
        world.say(busy, PING);
        world.say(busy, PING);
        let order = if first == "busy" { [busy, quiet] } else { [quiet, busy] };
        for connection in order {
            let close =
                |room: &mut Room, now| room.close_session(now, connection, CloseReason::Closed);
            world.act(close).unwrap();
        }
        let mut params = SessionParams::new("again");
        params.identity = Some("ann".into());
        let again = world.open_as(params);
        world.say(again, &connect(-1, "8", SCHEMA));
        assert_eq!(world.closed(again), Some(CloseReason::RateLimited), "{first} first");
    }
}
