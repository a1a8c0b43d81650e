//! Who sees whose presence, where the host decides on that.

use super::*;
use core::sync::atomic::{AtomicBool, Ordering};

/// A room in which those are seen who are on one's page.
fn pages(configure: impl FnOnce(&mut RoomConfig)) -> World {
    World::with(|config| {
        config.hooks = Hooks::default().filter_presence(|viewer, _, record| {
            viewer.presence.and_then(|own| own.get("page")) == record.get("page")
        });
        configure(config);
    })
}

fn on(page: &str) -> String {
    format!(r#"["put",{{"page":"{page}"}}]"#)
}

/// The put of the presence of a session as others are told of it.
fn cursor(number: u8, page: &str) -> String {
    let record = format!(r#"{{"id":"cursor:{number}","page":"{page}","typeName":"cursor"}}"#);
    format!(r#""cursor:{number}":["put",{record}]"#)
}

fn gone(number: u8) -> String {
    format!(r#""cursor:{number}":["remove"]"#)
}

fn diff(ops: &[String]) -> String {
    format!("{{{}}}", ops.join(","))
}

/// a and b on page 1, c on page 2. What they heard on the way is forgotten.
fn three(world: &mut World) -> [ConnectionId; 3] {
    let all = ["a", "b", "c"].map(|name| world.join(name));
    for (connection, page) in all.iter().zip(["1", "1", "2"]) {
        world.present(*connection, 1, &on(page));
    }
    for connection in all {
        world.heard(connection);
    }
    all
}

#[test]
fn presence_is_told_to_those_alone_who_see_it() {
    let mut world = pages(|_| ());
    let [a, b, c] = three(&mut world);
    world.present(a, 2, r#"["patch",{"x":["put",1]}]"#);
    world.assert_data(a, &[commit(2, 0)]);
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["patch",{"x":["put",1]}]}"#)]);
    world.assert_silence(c);
    // Documents of the same push are told to all, and to each in one patch.
    let page = put_page("p", "");
    let push = format!(
        r#"{{"type":"push","clientClock":3,"diff":{page},"presence":["patch",{{"x":["put",2]}}]}}"#
    );
    world.say(a, &push);
    let both = format!(r#"{{"cursor:0":["patch",{{"x":["put",2]}}],{}"#, &page[1..]);
    world.assert_data(b, &[patch(1, &both)]);
    world.assert_data(c, &[patch(1, &page)]);
}

#[test]
fn who_comes_into_sight_is_put_and_who_leaves_it_removed() {
    let mut world = pages(|_| ());
    let [a, b, c] = three(&mut world);
    world.present(a, 2, &on("2"));
    world.assert_data(a, &[commit(2, 0), patch(0, &diff(&[gone(1), cursor(2, "2")]))]);
    world.assert_data(b, &[patch(0, &diff(&[gone(0)]))]);
    world.assert_data(c, &[patch(0, &diff(&[cursor(0, "2")]))]);
    // Whoever shows nothing sees those who are on no page.
    let d = world.join("d");
    world.present(b, 2, r#"["put",{}]"#);
    assert_eq!(
        world.heard(d),
        [data(&[patch(0, r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor"}]}"#)])]
    );
    // Who was not seen is not told of as gone.
    world.act(|room, now| room.close_session(now, b, CloseReason::Forbidden)).unwrap();
    world.assert_data(d, &[patch(0, &diff(&[gone(1)]))]);
    world.assert_silence(c);
    world.assert_silence(a);
    world.act(|room, now| room.close_session(now, c, CloseReason::Forbidden)).unwrap();
    world.assert_data(a, &[patch(0, &diff(&[gone(2)]))]);
    world.assert_silence(d);
}

#[test]
fn who_enters_is_shown_what_is_to_be_seen() {
    let mut world = pages(|_| ());
    let [a, ..] = three(&mut world);
    let again = world.open("a");
    let answer = world.hello(again, -1);
    assert!(answer.contains(&cursor(1, "1")) && !answer.contains("cursor:2"), "{answer}");
    let d = world.open("d");
    let answer = world.hello(d, -1);
    assert!(!answer.contains("cursor:"), "{answer}");
    assert_eq!(world.closed(a), Some(CloseReason::Replaced));
}

#[test]
fn who_was_behind_is_shown_what_is_to_be_seen_now() {
    let mut world = pages(|config| config.limits.log_bytes = 1);
    let [a, b, c] = three(&mut world);
    world.writable(b, false);
    world.present(a, 2, &on("2"));
    world.present(c, 2, &on("1"));
    world.present(c, 3, r#"["patch",{"x":["put",1]}]"#);
    world.push(a, 3, &put_page("p", ""));
    world.writable(b, true);
    let c_now = cursor(2, "1").replace(r#""typeName":"cursor""#, r#""typeName":"cursor","x":1"#);
    let told = diff(&[gone(0), c_now, put_page("p", "").replace(['{', '}'], "")]);
    let heard = world.heard(b);
    assert_eq!(heard.len(), 1);
    for part in [gone(0), r#""p":["put""#.into(), r#""page":"1","typeName":"cursor","x":1}"#.into()]
    {
        assert!(heard[0].contains(&part), "{heard:?} {told}");
    }
    // What it was told it is not told again.
    world.present(c, 4, r#"["patch",{"x":["put",2]}]"#);
    world.assert_data(b, &[patch(1, r#"{"cursor:2":["patch",{"x":["put",2]}]}"#)]);
    // One that came back into sight meanwhile is not gone.
    world.writable(b, false);
    world.present(c, 5, &on("2"));
    world.present(c, 6, &on("1"));
    world.push(a, 4, &put_page("q", ""));
    world.writable(b, true);
    let heard = world.heard(b).concat();
    assert!(heard.contains(&cursor(2, "1")) && !heard.contains("remove"), "{heard}");
}

#[test]
fn old_clients_see_alike_and_hear_no_appends() {
    let mut world = pages(|_| ());
    let [a, ..] = three(&mut world);
    let old = world.join_as(SessionParams::new("old"), 7);
    world.present(old, 1, &on("1"));
    let heard = world.heard(old);
    assert!(heard[0].contains(&cursor(0, "1")) && !heard[0].contains("cursor:2"), "{heard:?}");
    world.present(a, 2, r#"["put",{"page":"1","chat":"he"}]"#);
    world.heard(old);
    world.present(a, 3, r#"["patch",{"chat":["append","llo",2]}]"#);
    world.assert_data(old, &[patch(0, r#"{"cursor:0":["patch",{"chat":["put","hello"]}]}"#)]);
}

#[test]
fn the_filter_is_asked_again_when_a_session_is_another_or_the_host_says_so() {
    let is_open = Arc::new(AtomicBool::new(false));
    let of_filter = Arc::clone(&is_open);
    let mut world = World::with(|config| {
        config.hooks = Hooks::default().filter_presence(move |_, owner, _| {
            owner.meta.get::<&str>() == Some(&"public") || of_filter.load(Ordering::Relaxed)
        });
    });
    let as_public =
        |name: &str| SessionParams { meta: Meta::new("public"), ..SessionParams::new(name) };
    let (a, b) = (world.join_as(as_public("a"), 8), world.join("b"));
    world.present(a, 1, r#"["put",{"page":"1"}]"#);
    world.present(b, 1, r#"["put",{"page":"1"}]"#);
    world.assert_data(a, &[commit(1, 0)]);
    let shown = patch(0, &diff(&[cursor(0, "1")]));
    assert_eq!(world.heard(b), [data(&[shown]), data(&[commit(1, 0)])]);
    // The host changes its mind.
    is_open.store(true, Ordering::Relaxed);
    world.assert_silence(a);
    world.act(Room::review_presence);
    world.assert_data(a, &[patch(0, &diff(&[cursor(1, "1")]))]);
    world.assert_silence(b);
    is_open.store(false, Ordering::Relaxed);
    world.act(Room::review_presence);
    world.assert_data(a, &[patch(0, &diff(&[gone(1)]))]);
    // b comes back as somebody whom all may see, and a as somebody whom nobody may.
    world.open_as(as_public("b"));
    world.assert_data(a, &[patch(0, &diff(&[cursor(1, "1")]))]);
    let b = world.join("b");
    world.heard(a);
    world.open("a");
    world.assert_data(b, &[patch(0, &diff(&[gone(0)]))]);
}

#[test]
fn a_filter_that_lets_all_be_seen_changes_nothing_that_is_heard() {
    let mut heard = Vec::new();
    for is_filtered in [false, true] {
        let mut world = World::with(|config| {
            if is_filtered {
                config.hooks = Hooks::default().filter_presence(|_, _, _| true);
            }
        });
        let all = three(&mut world);
        world.push(all[0], 2, &put_page("p", ""));
        world.present(all[0], 3, &on("3"));
        world.disconnect(all[1]);
        world.tick(millis(5000));
        world.join("d");
        heard.push(alloc::format!("{:?}", world.actions));
    }
    assert_eq!(heard[0], heard[1]);
}

#[test]
fn a_presence_stands_among_the_documents_of_its_push_in_order() {
    let mut world = pages(|_| ());
    let [a, b, c] = three(&mut world);
    let (before, after) = (put_page("a", ""), put_page("z", ""));
    let both = format!("{},{}", &before[..before.len() - 1], &after[1..]);
    world.say(
        a,
        &format!(
            r#"{{"type":"push","clientClock":2,"diff":{both},"presence":["patch",{{"x":["put",1]}}]}}"#
        ),
    );
    world.assert_data(c, &[patch(1, &both)]);
    let cursor = r#""cursor:0":["patch",{"x":["put",1]}]"#;
    let all = format!("{},{cursor},{}", &before[..before.len() - 1], &after[1..]);
    world.assert_data(b, &[patch(1, &all)]);
}

/// What is kept for a session that does not read is what is told, and to whom.
#[test]
fn a_presence_that_not_all_see_waits_as_long_as_its_bytes_and_viewers_allow() {
    for (viewers, is_kept) in [(1, true), (40, false)] {
        let mut world = pages(|config| config.limits.log_bytes = 600);
        let a = world.join("a");
        let others: Vec<_> = (0..viewers).map(|n| world.join(&format!("b{n}"))).collect();
        for connection in [a].iter().chain(&others) {
            world.present(*connection, 1, &on("1"));
        }
        world.actions.clear();
        let b = others[0];
        world.writable(b, false);
        for x in [1, 2] {
            world.present(a, x + 1, &format!(r#"["patch",{{"x":["put",{x}]}}]"#));
        }
        world.writable(b, true);
        let moved = |x: u64| patch(0, &format!(r#"{{"cursor:0":["patch",{{"x":["put",{x}]}}]}}"#));
        let heard = world.heard(b);
        assert_eq!(heard == [data(&[moved(1), moved(2)])], is_kept, "{heard:?}");
        assert_eq!(heard.len(), 1);
    }
}
