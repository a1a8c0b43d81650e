//! What those who were in before the room slept hear of each other once they are resumed.

use super::*;
use crate::error::OpenError;

/// a, b and c, who each show an x of their own, and what is kept of them.
fn asleep() -> (World, [SessionSnapshot; 3]) {
    let mut world = World::new();
    let all = ["a", "b", "c"].map(|name| world.join(name));
    for (connection, x) in all.iter().zip(0..) {
        world.present(*connection, 1, &format!(r#"["put",{{"x":{x}}}]"#));
    }
    let kept = all.map(|it| world.room.session_snapshot(it).unwrap());
    (world, kept)
}

fn cursor(number: u8, fields: &str) -> String {
    let record = format!(r#"{{"id":"cursor:{number}","typeName":"cursor"{fields}}}"#);
    format!(r#""cursor:{number}":["put",{record}]"#)
}

fn gone(number: u8) -> String {
    format!(r#""cursor:{number}":["remove"]"#)
}

fn told(ops: &[String]) -> String {
    patch(0, &format!("{{{}}}", ops.join(",")))
}

#[test]
fn who_is_resumed_as_it_was_tells_and_hears_nothing() {
    let (world, kept) = asleep();
    let mut again = world.reopened();
    for connection in kept.map(|it| again.resume(it)) {
        again.assert_silence(connection);
    }
    assert_eq!(again.room.presence().count(), 3);
}

#[test]
fn who_comes_new_and_who_is_resumed_hear_of_each_other() {
    let (world, [a, b, c]) = asleep();
    let mut again = world.reopened();
    for kept in [a, b] {
        again.resume(kept);
    }
    let d = again.open("d");
    assert!(again.hello(d, -1).contains(&cursor(1, r#","x":1"#)));
    again.present(d, 1, r#"["put",{"x":7}]"#);
    again.heard(d);
    // Its id is that of d by now.
    let c = again.resume(c);
    again.assert_data(d, &[told(&[cursor(3, r#","x":2"#)])]);
    let [a, b, d] =
        [(0, r#","x":0"#), (1, r#","x":1"#), (2, r#","x":7"#)].map(|(id, x)| cursor(id, x));
    // And its own id now may have been that of another.
    again.assert_data(c, &[told(&[a, b, d, gone(3)])]);
}

#[test]
fn who_gets_the_id_of_another_does_not_keep_that_one() {
    let (world, [_, b, _]) = asleep();
    let mut again = world.reopened();
    for name in ["d", "e"] {
        again.join(name);
    }
    // Its own is taken, and the first that is free was that of c.
    let b = again.resume(b);
    again.assert_data(b, &[told(&[gone(2)])]);
}

#[test]
fn who_is_resumed_hears_what_those_before_it_have_shown_since() {
    let (world, [a, b, c]) = asleep();
    let mut again = world.reopened();
    let a = again.resume(a);
    again.present(a, 2, r#"["patch",{"x":["put",7]}]"#);
    let b = again.resume(b);
    again.assert_data(b, &[told(&[cursor(0, r#","x":7"#)])]);
    let put = told(&[cursor(1, r#","x":1"#)]);
    assert_eq!(again.heard(a), [data(&[commit(2, 0)]), data(&[put])]);
    again.disconnect(a);
    again.tick(millis(5000));
    again.assert_data(b, &[told(&[gone(0)])]);
    let c = again.resume(c);
    again.assert_data(c, &[told(&[gone(0), cursor(1, r#","x":1"#)])]);
}

/// It stayed with all others for ever.
#[test]
fn the_presence_of_who_cannot_be_taken_up_is_gone() {
    let (world, [a, b, c]) = asleep();
    let too_new = |kept: &mut SessionSnapshot| kept.schema.insert("com.test", 3);
    let too_far = |kept: &mut SessionSnapshot| kept.told_clock = 99;
    let too_large = |kept: &mut SessionSnapshot| {
        (kept.presence, kept.is_presence_cut) = (None, true);
    };
    let invalid = |kept: &mut SessionSnapshot| {
        kept.presence.as_mut().unwrap().insert("bad", true);
    };
    let ways: [(fn(&mut SessionSnapshot), _); 4] = [
        (too_new, Some(CloseReason::ServerTooOld)),
        (too_far, Some(CloseReason::Reset)),
        (too_large, None),
        (invalid, None),
    ];
    for (spoil, closed) in ways {
        let mut kept = b.clone();
        spoil(&mut kept);
        let mut again = world.reopened();
        let a = again.resume(a.clone());
        let b = again.resume(kept);
        assert_eq!(again.closed(b), closed);
        again.tick(millis(5000));
        let heard = again.heard(a).concat();
        assert!(heard.contains(&gone(1)), "{heard}");
        assert_eq!(again.room.presence().count(), 1);
        // Whoever is resumed later, too.
        let c = again.resume(c.clone());
        let heard = again.heard(c).concat();
        assert!(heard.contains(&gone(1)), "{heard}");
        assert!(!heard.contains(&gone(0)) && !heard.contains(&gone(2)), "{heard}");
    }
}

#[test]
fn the_presence_of_who_finds_the_room_full_is_gone() {
    let (world, [a, b, _]) = asleep();
    let config = RoomConfig::default();
    let limits = crate::Limits { sessions: 1, ..config.limits };
    let config = RoomConfig { flush_interval: Duration::ZERO, limits, ..config };
    let mut again =
        World::of(Room::restore(config, Arc::new(schema()), world.room.snapshot()).unwrap());
    let a = again.resume(a);
    let full = again.act(|room, now| room.handle_resume(now, b, Meta::default()));
    assert_eq!(full, Err(OpenError::RoomFull));
    again.assert_data(a, &[told(&[gone(1)])]);
}

#[test]
fn who_came_again_by_itself_is_no_longer_who_it_was() {
    let (world, [a, b, c]) = asleep();
    let mut again = world.reopened();
    let a = again.resume(a);
    // On another connection, and the room gave it another presence.
    again.join("d");
    let b_again = again.join("b");
    again.present(b_again, 1, r#"["put",{"x":5}]"#);
    again.heard(a);
    again.resume(b);
    again.assert_data(a, &[told(&[gone(1)])]);
    let c = again.resume(c);
    let others = [cursor(0, r#","x":0"#), gone(1), cursor(2, r#","x":5"#), gone(3)];
    again.assert_data(c, &[told(&others)]);
}

/// The new one was ended for the old one.
#[test]
fn a_client_that_came_again_by_itself_stays() {
    let mut world = World::new();
    let hello = connect(-1, "8", SCHEMA).replace(r#""type""#, r#""clientId":"me","type""#);
    let a = world.open("a");
    world.say(a, &hello);
    let kept = world.room.session_snapshot(a).unwrap();
    let mut again = world.reopened();
    let other = again.open("b");
    again.say(other, &hello);
    again.heard(other);
    let a = again.resume(kept);
    assert_eq!((again.closed(a), again.closed(other)), (Some(CloseReason::Replaced), None));
    again.push(other, 1, &put_page("p", ""));
    again.assert_data(other, &[commit(1, 1)]);
}

#[test]
fn what_is_kept_of_a_large_presence_is_all_that_others_see() {
    let (mut world, _) = asleep();
    let all = ["d", "e"].map(|name| world.join(name));
    let long = "x".repeat(250);
    world.present(all[0], 1, &format!(r#"["put",{{"x":{long:?}}}]"#));
    let [d, e] = all.map(|it| world.room.session_snapshot(it).unwrap());
    assert_eq!((d.is_presence_cut, e.is_presence_cut), (true, false));
    assert_eq!(SessionSnapshot::from_value(&d.to_value()), Ok(d.clone()));
    let cut = told(&[cursor(3, r#","x":"""#)]);
    let mut again = world.reopened();
    let (first, _) = (again.resume(e.clone()), again.resume(d.clone()));
    again.assert_data(first, core::slice::from_ref(&cut));
    let mut again = world.reopened();
    again.resume(d);
    let last = again.resume(e);
    again.assert_data(last, &[cut]);
}

#[test]
fn a_document_that_has_the_id_of_a_lost_presence_stays() {
    let (world, [a, b, c]) = asleep();
    let mut again = world.reopened();
    let document =
        |tx: &mut crate::Transaction<'_>| tx.put(page("cursor:1", "").parse::<Object>().unwrap());
    again.act(|room, now| room.transact(now, document)).unwrap();
    let a = again.resume(a);
    again.heard(a);
    again.resume(SessionSnapshot { is_presence_cut: true, presence: None, ..b });
    let unheard = Some(Vec::from(["cursor:1".into()]));
    let c = again.resume(SessionSnapshot { told_clock: 1, unheard_presence: unheard, ..c });
    for connection in [a, c] {
        let heard = again.heard(connection).concat();
        assert!(!heard.contains(&gone(1)), "{heard}");
    }
}

mod filtered {
    use super::*;

    /// Those are seen who are on no page, or on one's own.
    fn configure(config: &mut RoomConfig) {
        config.flush_interval = Duration::ZERO;
        config.hooks = Hooks::default().filter_presence(|viewer, _, record| {
            let page = record.get("page");
            page.is_none() || viewer.presence.and_then(|own| own.get("page")) == page
        });
    }

    fn reopened(world: &World, configure: impl FnOnce(&mut RoomConfig)) -> World {
        let mut config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
        configure(&mut config);
        World::of(Room::restore(config, Arc::new(schema()), world.room.snapshot()).unwrap())
    }

    fn on(number: u8, page: &str) -> String {
        let record = format!(r#"{{"id":"cursor:{number}","page":"{page}","typeName":"cursor"}}"#);
        format!(r#""cursor:{number}":["put",{record}]"#)
    }

    /// a and b on page 1, c on page 2.
    fn asleep() -> (World, [SessionSnapshot; 3]) {
        let mut world = World::with(configure);
        let all = ["a", "b", "c"].map(|name| world.join(name));
        for (connection, page) in all.iter().zip(["1", "1", "2"]) {
            world.present(*connection, 1, &format!(r#"["put",{{"page":"{page}"}}]"#));
        }
        let kept = all.map(|it| world.room.session_snapshot(it).unwrap());
        (world, kept)
    }

    #[test]
    fn what_was_shown_is_kept() {
        let (_, kept) = asleep();
        let shown = kept.clone().map(|it| it.shown_presence.unwrap().len());
        assert_eq!(shown, [1, 1, 0]);
        assert_eq!(kept[0].shown_presence.as_deref(), Some(&["cursor:1".into()][..]));
        for kept in kept {
            assert_eq!(SessionSnapshot::from_value(&kept.to_value()), Ok(kept));
        }
    }

    #[test]
    fn who_cannot_be_taken_up_is_gone_for_those_who_saw_it() {
        let (world, [a, b, c]) = asleep();
        let lost = |kept: &SessionSnapshot| SessionSnapshot {
            presence: None,
            is_presence_cut: true,
            ..kept.clone()
        };
        // Whether they are resumed before it or after it.
        let mut again = reopened(&world, configure);
        let (first, other) = (again.resume(a.clone()), again.resume(c.clone()));
        // What it does not know yet it still keeps, if the room sleeps again.
        let kept = again.room.session_snapshot(first).unwrap();
        assert_eq!(kept.shown_presence, a.shown_presence);
        again.resume(lost(&b));
        again.assert_data(first, &[told(&[gone(1)])]);
        again.assert_silence(other);
        let kept = again.room.session_snapshot(first).unwrap();
        assert_eq!(kept.shown_presence, Some(Vec::new()));
        let mut again = reopened(&world, configure);
        again.resume(lost(&b));
        let (last, other) = (again.resume(a), again.resume(c));
        again.assert_data(last, &[told(&[gone(1)])]);
        again.assert_silence(other);
    }

    #[test]
    fn who_has_another_id_by_now_is_not_seen_twice() {
        let (world, [a, b, _]) = asleep();
        // Also who falls off the log.
        for log_bytes in [1, 10_000] {
            let mut again = reopened(&world, |config| {
                configure(config);
                config.limits.log_bytes = log_bytes;
            });
            let a = again.resume(a.clone());
            again.writable(a, false);
            let d = again.join("d");
            again.resume(b.clone());
            again.writable(a, true);
            let heard = again.heard(a).concat();
            assert!(heard.contains(&gone(1)) && heard.contains(&on(2, "1")), "{heard}");
            again.assert_silence(d);
        }
    }

    #[test]
    fn who_is_out_of_sight_by_now_is_gone_and_who_is_in_sight_is_shown() {
        let (world, [a, mut b, mut c]) = asleep();
        b.presence.as_mut().unwrap().insert("page", "2");
        c.presence.as_mut().unwrap().insert("page", "1");
        let mut again = reopened(&world, configure);
        let first = again.resume(a.clone());
        again.resume(b.clone());
        again.assert_data(first, &[told(&[gone(1)])]);
        again.resume(c.clone());
        again.assert_data(first, &[told(&[on(2, "1")])]);
        let mut again = reopened(&world, configure);
        let (b, c, last) = (again.resume(b), again.resume(c), again.resume(a));
        again.assert_data(last, &[told(&[gone(1), on(2, "1")])]);
        again.assert_data(b, &[told(&[gone(0)])]);
        again.assert_data(c, &[told(&[on(0, "1")])]);
    }

    #[test]
    fn a_filter_that_went_or_came_meanwhile_leaves_no_ghosts() {
        let (world, [a, _, c]) = asleep();
        let mut open = reopened(&world, |_| ());
        let (first, last) = (open.resume(c), open.resume(a));
        open.assert_data(first, &[told(&[on(0, "1")])]);
        open.assert_data(last, &[told(&[on(2, "2")])]);
        // What it was shown nobody can tell.
        let kept = open.room.session_snapshot(last).unwrap();
        assert_eq!(kept.shown_presence, None);
        let mut closed = reopened(&world, configure);
        let a = closed.resume(kept);
        assert_eq!(closed.closed(a), Some(CloseReason::Reset));
    }
}
