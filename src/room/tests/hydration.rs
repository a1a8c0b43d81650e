//! What a client is sent when it enters, so that it lacks nothing.

use super::migrations::{enter, older, room_of_version_3, version_3};
use super::*;
use crate::value::Value;

/// The part of an answer from the hydration type on that says what the client lacks.
fn hydration(answer: &str) -> String {
    let field = |name: &str, end: &str| {
        let from = answer.find(name).unwrap() + name.len();
        let len = answer[from..].find(end).unwrap();
        answer[from..from + len].to_string()
    };
    let kind = field(r#""hydrationType":""#, "\"");
    let clock = field(r#""serverClock":"#, ",");
    format!("{kind} {clock} {}", field(r#""diff":"#, r#","serverClock"#))
}

/// Clock 1: p and q; 2: q is gone; 3: p changed and r new.
fn furnished() -> World {
    let mut world = World::new();
    let a = world.join("a");
    let both = format!(r#"{{"p":["put",{}],"q":["put",{}]}}"#, page("p", ""), page("q", ""));
    world.push(a, 1, &both);
    world.push(a, 2, r#"{"q":["remove"]}"#);
    let r = page("r", "");
    world.push(a, 3, &format!(r#"{{"p":["patch",{{"x":["put",3]}}],"r":["put",{r}]}}"#));
    world
}

#[track_caller]
fn assert_hydrated(world: &mut World, clock: i64, expected: &str) {
    let connection = world.open("new");
    let answer = world.hello(connection, clock);
    assert_eq!(hydration(&answer), expected, "since {clock}");
    world.act(|room, now| room.close_session(now, connection, CloseReason::Closed)).unwrap();
}

fn all() -> String {
    format!(r#"{{"p":["put",{}],"r":["put",{}]}}"#, page("p", r#","x":3"#), page("r", ""))
}

#[test]
fn a_client_without_a_clock_gets_every_document() {
    assert_hydrated(&mut furnished(), -1, &format!("wipe_all 3 {}", all()));
}

#[test]
fn a_client_with_a_clock_gets_what_changed_since_and_what_is_gone() {
    let mut world = furnished();
    let since_1 = format!(r#"{},"q":["remove"]}}"#, all().strip_suffix('}').unwrap());
    assert_hydrated(&mut world, 0, &format!("wipe_presence 3 {since_1}"));
    assert_hydrated(&mut world, 1, &format!("wipe_presence 3 {since_1}"));
    assert_hydrated(&mut world, 2, &format!("wipe_presence 3 {}", all()));
    assert_hydrated(&mut world, 3, "wipe_presence 3 {}");
}

#[test]
fn a_clock_of_the_future_is_not_believed() {
    let mut world = furnished();
    assert_hydrated(&mut world, 4, &format!("wipe_all 3 {}", all()));
    assert_hydrated(&mut world, i64::MAX, &format!("wipe_all 3 {}", all()));
}

#[test]
fn a_clock_that_is_none_gets_every_document() {
    for clock in ["null", "1.5", r#""1""#, "-7", "1e300"] {
        let mut world = furnished();
        let a = world.open("new");
        world
            .say(a, &connect(0, "8", SCHEMA).replace(r#"Clock":0"#, &format!(r#"Clock":{clock}"#)));
        assert_eq!(hydration(&world.heard(a)[0]), format!("wipe_all 3 {}", all()), "{clock}");
    }
}

#[test]
fn a_client_from_before_the_known_history_gets_every_document() {
    let mut world = World::with(|config| config.limits.tombstones = 1);
    let a = world.join("a");
    for n in 0..4 {
        world.push(a, n, &put_page(&format!("p{n}"), ""));
    }
    world.push(a, 5, r#"{"p0":["remove"]}"#);
    world.push(a, 6, r#"{"p1":["remove"]}"#);
    // The tombstone of clock 5 is forgotten, so whoever saw clock 4 cannot be told of it.
    let rest = |kind| {
        format!(
            "{kind} 6 {{\"p2\":[\"put\",{}],\"p3\":[\"put\",{}]}}",
            page("p2", ""),
            page("p3", "")
        )
    };
    assert_hydrated(&mut world, 4, &rest("wipe_all"));
    assert_hydrated(&mut world, 5, r#"wipe_presence 6 {"p1":["remove"]}"#);
}

#[test]
fn a_snapshot_that_does_not_tell_its_history_knows_of_no_removals() {
    let json = r#"{"clock":9,"tombstones":{"a":1,"b":2,"c":3},
        "documents":[{"state":{"id":"p","typeName":"page"},"lastChangedClock":4}]}"#;
    let snapshot = RoomSnapshot::from_json(json).unwrap();
    let mut config = RoomConfig::default();
    config.limits.tombstones = 2;
    let mut world = World::of(Room::restore(config, Arc::new(schema()), snapshot).unwrap());
    let all = |clock| format!("wipe_all {clock} {{\"p\":[\"put\",{}]}}", page("p", ""));
    assert_hydrated(&mut world, 8, &all(9));
    assert_hydrated(&mut world, 9, "wipe_presence 9 {}");
    // Forgetting some of its tombstones does not make the history reach further back.
    world
        .act(|room, now| room.transact(now, |tx| tx.put(page("q", "").parse::<Object>().unwrap())))
        .unwrap();
    world.act(|room, now| room.transact(now, |tx| tx.remove("q"))).unwrap();
    assert_hydrated(&mut world, 8, &all(11));
}

#[test]
fn a_record_that_went_and_came_back_is_put() {
    let mut world = furnished();
    let a = world.join("a");
    world.push(a, 1, &put_page("q", r#","x":9"#));
    let q = page("q", r#","x":9"#);
    assert_hydrated(&mut world, 3, &format!(r#"wipe_presence 4 {{"q":["put",{q}]}}"#));
}

#[test]
fn the_presence_of_others_is_shown_and_never_ones_own() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.present(b, 1, r#"["put",{"x":2}]"#);
    let shown = |n: u32, x: u32| {
        format!(r#""cursor:{n}":["put",{{"id":"cursor:{n}","typeName":"cursor","x":{x}}}]"#)
    };
    let c = world.open("c");
    let answer = hydration(&world.hello(c, -1));
    assert_eq!(answer, format!("wipe_all 0 {{{},{}}}", shown(0, 1), shown(1, 2)));
    world.actions.clear();
    let answer = hydration(&world.hello(b, 0));
    assert_eq!(answer, format!("wipe_presence 0 {{{}}}", shown(0, 1)));
    // A session in its grace is still shown.
    world.disconnect(a);
    let answer = hydration(&world.hello(c, 0));
    assert_eq!(answer, format!("wipe_presence 0 {{{},{}}}", shown(0, 1), shown(1, 2)));
}

#[test]
fn presence_and_documents_stand_in_one_diff() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.present(a, 2, r#"["put",{}]"#);
    let b = world.open("b");
    let p = page("p", "");
    assert_eq!(
        hydration(&world.hello(b, -1)),
        format!(
            r#"wipe_all 1 {{"cursor:0":["put",{{"id":"cursor:0","typeName":"cursor"}}],"p":["put",{p}]}}"#
        )
    );
}

#[test]
fn the_hydration_of_a_later_client_is_not_that_of_an_earlier_one() {
    let mut world = furnished();
    assert_hydrated(&mut world, -1, &format!("wipe_all 3 {}", all()));
    let a = world.join("a");
    world.push(a, 1, r#"{"r":["remove"]}"#);
    let left = format!(r#"{{"p":["put",{}]}}"#, page("p", r#","x":3"#));
    assert_hydrated(&mut world, -1, &format!("wipe_all 4 {left}"));
}

#[test]
fn no_data_comes_before_the_answer_and_none_is_lost_between() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.open("b"));
    world.push(a, 1, &put_page("p", ""));
    world.tick(millis(100));
    world.push(a, 2, &put_page("q", ""));
    world.assert_silence(b);
    let answer = hydration(&world.hello(b, -1));
    assert!(answer.starts_with(r#"wipe_all 2 {"p""#) && answer.contains(r#""q""#), "{answer}");
    world.push(a, 3, &put_page("r", ""));
    world.assert_data(b, &[patch(3, &put_page("r", ""))]);
    world.tick(millis(17));
    world.assert_silence(b);
}

#[test]
fn a_second_connect_starts_afresh_with_all_that_was_collected() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(b, 1, r#"["put",{}]"#);
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    // Collected for b: a patch, and a result of its own.
    world.push(a, 2, &put_page("q", ""));
    world.push(b, 2, &put_page("r", ""));
    world.assert_silence(b);
    let (q, r) = (page("q", ""), page("r", ""));
    assert_eq!(
        hydration(&world.hello(b, 1)),
        format!(r#"wipe_presence 3 {{"q":["put",{q}],"r":["put",{r}]}}"#)
    );
    world.tick(millis(17));
    world.assert_silence(b);
    world.push(b, 3, r#"{"r":["remove"]}"#);
    world.assert_data(b, &[commit(3, 4)]);
    // It is still the same session, with the same presence.
    world.heard(a);
    world.tick(millis(17));
    world.heard(a);
    world.present(b, 4, r#"["patch",{"x":["put",1]}]"#);
    world.tick(millis(17));
    world.assert_data(a, &[patch(4, r#"{"cursor:1":["patch",{"x":["put",1]}]}"#)]);
    assert_eq!(world.room.session_count(), 2);
}

/// A diff that puts that many pages, with these further fields.
fn pages(count: usize) -> String {
    let page = |number| {
        let id = format!("p:{number:03}");
        format!(
            r#""{id}":["put",{{"color":"blue","id":"{id}","name":"{number}","typeName":"page"}}]"#
        )
    };
    format!("{{{}}}", (0..count).map(page).collect::<Vec<_>>().join(","))
}

/// What a client of version 0 is told who comes without anything.
fn told(world: &mut World) -> Value {
    let connection = world.open("old");
    let answer = enter(world, connection, &older(0), 8);
    assert_eq!(world.closed(connection), None);
    answer.parse().unwrap()
}

/// The room as another process would open it.
fn opened_anew(world: &World) -> World {
    let config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
    World::of(Room::restore(config, Arc::new(version_3()), world.room.snapshot()).unwrap())
}

#[test]
fn a_hydration_after_changes_is_what_it_would_be_if_nothing_were_kept_encoded() {
    let mut world = room_of_version_3(|_| ());
    let new = world.join_current("new");
    world.push(new, 1, &pages(400));
    let patched = |id: &str, diff: &str| format!(r#"{{"{id}":["patch",{{{diff}}}]}}"#);
    let changes = [
        patched("p:005", r#""name":["append","!",1]"#),
        // What an older client does not see.
        patched("p:200", r#""color":["put","red"]"#),
        r#"{"p:131":["remove"],"p:399":["remove"]}"#.into(),
        r#"{"a":["put",{"id":"a","name":"first","typeName":"page"}],"z":["put",{"id":"z","typeName":"shape"}]}"#.into(),
    ];
    let mut before = told(&mut world);
    for (clock, change) in (2..).zip(changes) {
        world.push(new, clock, &change);
        let after = told(&mut world);
        assert_ne!(after, before);
        assert_eq!(after, told(&mut opened_anew(&world)), "{change}");
        before = after;
    }
}

#[test]
fn a_hydration_that_fails_leaves_nothing_half_encoded() {
    for modern in ["p:000", "p:200", "p:399"] {
        let mut world = room_of_version_3(|_| ());
        let new = world.join_current("new");
        world.push(new, 1, &pages(400));
        told(&mut world);
        world.push(new, 2, r#"{"p:005":["remove"],"p:398":["patch",{"name":["put","x"]}]}"#);
        world.push(new, 3, &format!(r#"{{"{modern}":["patch",{{"modern":["put",1]}}]}}"#));
        for _ in 0..2 {
            let old = world.open("too old");
            enter(&mut world, old, &older(0), 8);
            assert_eq!(world.closed(old), Some(CloseReason::ClientTooOld));
        }
        let current = world.open("current");
        assert!(enter(&mut world, current, &older(3), 8).contains("modern"));
        world.push(new, 4, &format!(r#"{{"{modern}":["patch",{{"modern":["delete"]}}]}}"#));
        assert_eq!(told(&mut world), told(&mut opened_anew(&world)));
    }
}
