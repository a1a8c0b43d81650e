//! How pushes are answered, and what others hear.

use super::*;

#[test]
fn a_new_record_is_committed_and_others_hear_the_put() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    let diff = put_page("p", r#","x":1"#);
    world.push(a, 1, &diff);
    world.assert_data(a, &[commit(1, 1)]);
    world.assert_data(b, &[patch(1, &diff)]);
    assert_eq!(world.record("p"), page("p", r#","x":1"#));
}

#[test]
fn the_pusher_never_hears_its_own_change_as_a_patch() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.assert_data(a, &[commit(1, 1)]);
    world.heard(b);
    world.push(a, 2, &put_page("q", ""));
    world.push(b, 1, &put_page("r", ""));
    world.push(a, 3, &put_page("s", ""));
    world.tick(millis(17));
    world.assert_data(a, &[commit(2, 2), patch(3, &put_page("r", "")), commit(3, 4)]);
    world.assert_data(
        b,
        &[patch(2, &put_page("q", "")), commit(1, 3), patch(4, &put_page("s", ""))],
    );
}

#[test]
fn an_equal_put_is_discarded_and_nobody_hears_of_it() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","x":1,"y":[1]"#));
    world.heard(a);
    world.heard(b);
    world.push(a, 2, &put_page("p", r#","y":[1.0],"x":1"#));
    world.assert_data(a, &[discard(2, 1)]);
    world.assert_silence(b);
    assert_eq!(world.room.clock(), 1);
}

#[test]
fn a_put_of_a_known_record_is_told_as_the_computed_patch() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","x":1,"y":1"#));
    world.heard(a);
    world.heard(b);
    world.push(a, 2, &put_page("p", r#","y":2,"z":3"#));
    let diff = r#"{"p":["patch",{"x":["delete"],"y":["put",2],"z":["put",3]}]}"#;
    world.assert_data(a, &[rebase(2, 2, diff)]);
    world.assert_data(b, &[patch(2, diff)]);
    assert_eq!(world.record("p"), page("p", r#","y":2,"z":3"#));
}

#[test]
fn an_equal_put_beside_a_new_one_rebases_on_what_happened() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.heard(a);
    let both = format!(r#"{{"p":["put",{}],"q":["put",{}]}}"#, page("p", ""), page("q", ""));
    world.push(a, 2, &both);
    world.assert_data(a, &[rebase(2, 2, &put_page("q", ""))]);
}

#[test]
fn a_put_that_changes_the_type_of_a_record_is_skipped() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.heard(a);
    for skipped in [
        r#"{"p":["put",{"id":"p","typeName":"shape"}]}"#,
        r#"{"p":["put",{"id":"p","typeName":"shape","bad":1}]}"#,
    ] {
        world.push(a, 2, skipped);
        world.assert_data(a, &[discard(2, 1)]);
    }
    assert_eq!(world.record("p"), page("p", ""));
}

#[test]
fn a_patch_that_changes_all_it_names_is_committed_and_told_as_it_is() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","list":[1],"meta":{"deep":{"x":1}},"text":"ab","y":1"#));
    world.heard(a);
    world.heard(b);
    let diff = r#"{"p":["patch",{"list":["append",[2],1],"meta":["patch",{"deep":["patch",{"x":["put",2]}]}],"text":["append","c",2],"y":["delete"],"z":["put",null]}]}"#;
    world.push(a, 2, diff);
    world.assert_data(a, &[commit(2, 2)]);
    world.assert_data(b, &[patch(2, diff)]);
    let fields = r#","list":[1,2],"meta":{"deep":{"x":2}},"text":"abc","z":null"#;
    assert_eq!(world.record("p"), sorted(&page("p", fields)));
}

#[test]
fn a_patch_rebases_on_the_part_that_had_an_effect() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","text":"ab","x":1,"y":1"#));
    world.heard(a);
    world.heard(b);
    let asked = r#"{"p":["patch",{"meta":["patch",{}],"text":["append","c",1],"x":["put",1],"y":["put",2]}]}"#;
    world.push(a, 2, asked);
    let happened = r#"{"p":["patch",{"y":["put",2]}]}"#;
    world.assert_data(a, &[rebase(2, 2, happened)]);
    world.assert_data(b, &[patch(2, happened)]);
}

#[test]
fn a_patch_without_effect_is_discarded() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", r#","x":1,"list":[1]"#));
    world.heard(a);
    world.heard(b);
    for (at, inner) in [
        r#"{}"#,
        r#"{"x":["put",1]}"#,
        r#"{"y":["delete"]}"#,
        r#"{"x":["append","a",0]}"#,
        r#"{"list":["append",[2],0]}"#,
        r#"{"list":["patch",{"1":["put",2]}]}"#,
        r#"{"y":["patch",{"z":["put",1]}]}"#,
    ]
    .iter()
    .enumerate()
    {
        let client_clock = at as u64 + 2;
        world.push(a, client_clock, &format!(r#"{{"p":["patch",{inner}]}}"#));
        world.assert_data(a, &[discard(client_clock, 1)]);
    }
    world.assert_silence(b);
}

#[test]
fn ops_on_missing_records_are_skipped() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, r#"{"p":["patch",{"x":["put",1]}]}"#);
    world.push(a, 2, r#"{"p":["remove"]}"#);
    assert_eq!(world.heard(a), [data(&[discard(1, 0)]), data(&[discard(2, 0)])]);
    world.assert_silence(b);
    let both = format!(r#"{{"p":["remove"],"q":["put",{}]}}"#, page("q", ""));
    world.push(a, 3, &both);
    world.assert_data(a, &[rebase(3, 1, &put_page("q", ""))]);
}

#[test]
fn a_removal_is_committed_and_leaves_a_tombstone() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.heard(a);
    world.heard(b);
    world.push(a, 2, r#"{"p":["remove"]}"#);
    world.assert_data(a, &[commit(2, 2)]);
    world.assert_data(b, &[patch(2, r#"{"p":["remove"]}"#)]);
    assert_eq!(world.record("p"), "");
    assert_eq!(world.room.snapshot().tombstones, [("p".into(), 2)]);
}

#[test]
fn a_record_that_comes_back_loses_its_tombstone() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, r#"{"p":["remove"]}"#);
    world.push(a, 3, &put_page("p", r#","x":1"#));
    assert_eq!(world.room.snapshot().tombstones, []);
    assert_eq!(world.record("p"), page("p", r#","x":1"#));
}

#[test]
fn a_push_of_many_records_moves_the_clock_once() {
    let mut world = World::new();
    let a = world.join("a");
    let many: Vec<String> =
        (0..9).map(|n| format!(r#""p{n}":["put",{}]"#, page(&format!("p{n}"), ""))).collect();
    world.push(a, 1, &format!("{{{}}}", many.join(",")));
    world.assert_data(a, &[commit(1, 1)]);
}

#[test]
fn a_push_of_nothing_is_a_commit_and_one_of_an_empty_diff_a_discard() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.say(a, r#"{"type":"push","clientClock":1}"#);
    world.assert_data(a, &[commit(1, 0)]);
    world.say(a, r#"{"type":"push","clientClock":2,"diff":null,"presence":null}"#);
    world.assert_data(a, &[commit(2, 0)]);
    world.push(a, 3, "{}");
    world.assert_data(a, &[discard(3, 0)]);
    world.assert_silence(b);
}

#[test]
fn client_clocks_are_echoed_whatever_their_order() {
    let mut world = World::new();
    let a = world.join("a");
    for client_clock in [7, 7, 3, 9_007_199_254_740_991] {
        world.push(a, client_clock, "{}");
        world.assert_data(a, &[discard(client_clock, 0)]);
    }
}

#[test]
fn a_push_before_connect_is_ignored_and_a_connect_after_it_is_served() {
    let mut world = World::new();
    let a = world.open("a");
    world.push(a, 1, &put_page("p", ""));
    world.assert_silence(a);
    assert_eq!((world.closed(a), world.room.clock()), (None, 0));
    assert!(world.hello(a, -1).contains(r#""diff":{}"#));
    world.push(a, 1, &put_page("p", ""));
    world.assert_data(a, &[commit(1, 1)]);
}

#[test]
fn proto_is_ignored_wherever_it_stands_in_a_diff() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, r#"{"__proto__":["put",{"id":"__proto__","typeName":"page"}]}"#);
    world.assert_data(a, &[discard(1, 0)]);
    world.push(a, 2, &put_page("p", r#","__proto__":{"x":1},"meta":{"__proto__":1}"#));
    world.heard(a);
    let stored = sorted(&page("p", r#","meta":{}"#));
    assert_eq!(world.heard(b), [data(&[patch(1, &format!(r#"{{"p":["put",{stored}]}}"#))])]);
    let ops = r#"{"p":["patch",{"__proto__":["put",{"x":1}],"meta":["patch",{"__proto__":["put",1],"x":["put",1]}]}]}"#;
    world.push(a, 3, ops);
    let happened = r#"{"p":["patch",{"meta":["patch",{"x":["put",1]}]}]}"#;
    assert_eq!(world.heard(b), [data(&[patch(2, happened)])]);
    assert_eq!(world.record("p"), sorted(&page("p", r#","meta":{"x":1}"#)));
    assert_eq!(world.closed(a), None);
}

/// Growth was bounded by less than it is.
#[test]
fn a_record_that_grows_by_a_key_without_letters_is_measured_too() {
    let mut world = World::with(|config| config.limits.record_bytes = 100);
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, r#"{"p":["patch",{"x":["put",1]}]}"#);
    let before = world.record("p");
    world.actions.clear();
    world.push(a, 3, &format!(r#"{{"p":["patch",{{"":["put","{}"]}}]}}"#, "x".repeat(100)));
    world.assert_data(a, &[discard(3, 2)]);
    assert_eq!(world.record("p"), before);
}
