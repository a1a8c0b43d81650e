//! Queries, once and live.

use super::*;
use crate::client::{Query, QueryResults};

fn ids(results: &QueryResults) -> Vec<&str> {
    results.iter().map(|(id, _)| id.as_str()).collect()
}

/// Notes a to e, with 1 to 5 at `x`, of which a to c have a `tag`.
fn five_notes() -> Probe {
    let mut probe = Probe::online();
    for (id, fields) in [
        ("a", r#","x":1,"tag":"red","meta":{"z":{"k":5}}"#),
        ("b", r#","x":2,"tag":"blue","meta":{"z":{"k":4}}"#),
        ("c", r#","x":3,"tag":"red","meta":{"z":7}"#),
        ("d", r#","x":4,"meta":7"#),
        ("e", r#","x":5"#),
    ] {
        probe.put(note(id, fields));
    }
    probe.done();
    probe
}

#[test]
fn a_query_finds_what_fulfils_all_its_conditions() {
    let probe = five_notes();
    let found = |query: Query| probe.client.query(&query);
    let notes = || Query::of("note");
    assert_eq!(found(notes()).len(), 5);
    assert!(!found(notes()).is_empty());
    assert!(found(Query::of("page")).is_empty());
    assert_eq!(ids(&found(notes().eq("tag", "red"))), ["note:a", "note:c"]);
    assert_eq!(ids(&found(notes().eq("tag", "red").eq("x", 3.0))), ["note:c"]);
    assert_eq!(ids(&found(notes().eq("x", "3"))), [""; 0]);
    assert_eq!(ids(&found(notes().eq("meta.z.k", 4))), ["note:b"]);
    assert_eq!(ids(&found(notes().eq("meta.z", 7))), ["note:c"]);
    // What is not there is not null either.
    assert!(found(notes().eq("tag", ())).is_empty());
}

#[test]
fn ranges_hold_their_bounds_as_rust_does_and_only_values_of_their_kind() {
    let mut probe = five_notes();
    probe.put(note("f", r#","x":"4","tag":4"#));
    let found = |query: Query| ids(&probe.client.query(&query)).concat().replace("note:", "");
    let notes = || Query::of("note");
    assert_eq!(found(notes().range("x", 2..4)), "bc");
    assert_eq!(found(notes().range("x", 2..=4)), "bcd");
    assert_eq!(found(notes().range("x", 3.5..)), "de");
    assert_eq!(found(notes().range("x", ..2)), "a");
    assert_eq!(found(notes().range("x", "0".."9")), "f");
    assert_eq!(found(notes().range("tag", "red"..)), "ac");
    assert_eq!(found(notes().range("tag", ..="red").range("x", ..3)), "ab");
    assert_eq!(found(notes().range("meta.z.k", 4..=5).sort_by("meta.z.k")), "ba");
}

#[test]
fn results_are_in_order_of_a_field_and_then_of_ids() {
    let mut probe = five_notes();
    probe.put(note("f", r#","tag":"blue""#));
    let found = |query: Query| ids(&probe.client.query(&query)).concat().replace("note:", "");
    assert_eq!(found(Query::of("note").sort_by("tag")), "debfac");
    assert_eq!(found(Query::of("note").sort_by("meta")), "efdcba");
    assert_eq!(found(Query::of("note")), "abcdef");
}

#[test]
fn a_subscription_tells_what_enters_leaves_and_changes() {
    let mut probe = five_notes();
    let red = Query::of("note").eq("tag", "red").sort_by("x");
    let (id, mut results) = probe.client.subscribe(red.clone());
    assert_eq!(ids(&results), ["note:a", "note:c"]);

    probe.set("note:b", "tag", "red");
    probe.set("note:a", "x", 9);
    probe.remove("note:c");
    probe.set("note:e", "x", 6);
    let told = probe.done().queries;
    let b = r#"{"id":"note:b","meta":{"z":{"k":4}},"tag":"red","typeName":"note","x":2}"#;
    let c = r#"{"id":"note:c","meta":{"z":7},"tag":"red","typeName":"note","x":3}"#;
    let a = |x| {
        format!(
            r#"{{"id":"note:a","meta":{{"z":{{"k":5}}}},"tag":"red","typeName":"note","x":{x}}}"#
        )
    };
    assert_eq!(
        told,
        [
            format!("{id} note:b none -> {b}"),
            format!("{id} note:a {} -> {}", a(1), a(9)),
            format!("{id} note:c {c} -> none"),
        ]
    );

    results = probe.client.query(&red);
    assert_eq!(ids(&results), ["note:b", "note:a"]);
    probe.set("note:a", "tag", "green");
    while let Some(action) = probe.client.poll_action() {
        if let ClientAction::Event(ClientEvent::Query { changes, .. }) = action {
            results.apply(changes);
        }
    }
    assert_eq!(results, probe.client.query(&red));
    assert_eq!(ids(&results), ["note:b"]);

    probe.client.unsubscribe(id);
    probe.set("note:b", "tag", "green");
    assert_eq!(probe.done().queries, [""; 0]);
}

#[test]
fn what_the_room_says_and_takes_back_is_told_too() {
    let mut probe = Probe::online();
    let (id, _) = probe.client.subscribe(Query::of("note").eq("text", "hot"));
    probe.data(&patch(&put_note("a", r#","text":"hot""#), 1));
    let hot = note("a", r#","text":"hot""#);
    assert_eq!(probe.done().queries, [format!("{id} note:a none -> {hot}")]);
    probe.set("note:a", "text", "cold");
    assert_eq!(probe.done().queries, [format!("{id} note:a {hot} -> none")]);
    probe.data(&result(1, 1, DISCARD));
    assert_eq!(probe.done().queries, [format!("{id} note:a none -> {hot}")]);
    // A step that ends as it began is none.
    probe.data(&format!(
        "{},{}",
        patch(r#"{"note:a":["patch",{"text":["put","cold"]}]}"#, 2),
        patch(r#"{"note:a":["patch",{"text":["put","hot"]}]}"#, 3)
    ));
    assert_eq!(probe.done().queries, [""; 0]);
}

#[test]
fn others_presence_can_be_asked_for_and_leaves_with_the_connection() {
    let mut probe = Probe::online();
    let here = Query::of("cursor").eq("page", "a");
    let (id, results) = probe.client.subscribe(here.clone());
    assert!(results.is_empty());
    let cursor = r#"{"id":"cursor:1","page":"a","typeName":"cursor"}"#;
    probe.data(&patch(&format!(r#"{{"cursor:1":["put",{cursor}]}}"#), 0));
    assert_eq!(probe.done().queries, [format!("{id} cursor:1 none -> {cursor}")]);
    assert_eq!(ids(&probe.client.query(&here)), ["cursor:1"]);
    probe.cut();
    assert_eq!(probe.done().queries, [format!("{id} cursor:1 {cursor} -> none")]);
    assert!(probe.client.query(&here).is_empty());
}

#[test]
fn a_record_that_becomes_another_type_leaves_and_enters() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    let (notes, _) = probe.client.subscribe(Query::of("note"));
    let (pages, _) = probe.client.subscribe(Query::of("page"));
    probe.done();
    let page: Object = r#"{"id":"note:a","typeName":"page"}"#.parse().unwrap();
    probe
        .client
        .transact(probe.now, |tx| {
            tx.remove("note:a")?;
            tx.put(page.clone())
        })
        .unwrap();
    let before = note("a", "");
    assert_eq!(
        probe.done().queries,
        [format!("{notes} note:a {before} -> none"), format!("{pages} note:a none -> {page}")]
    );
}

#[test]
fn an_index_lasts_as_long_as_somebody_needs_it() {
    let mut probe = five_notes();
    let tag = |value: &str| Query::of("note").eq("tag", value);
    assert!(probe.client.live.is_empty());
    let (red, _) = probe.client.subscribe(tag("red"));
    let (blue, _) = probe.client.subscribe(tag("blue"));
    // Of another field than the first condition's there is none.
    assert!(!probe.client.live.has_index(&Query::of("note").eq("x", 1).eq("tag", "red")));
    assert!(probe.client.live.has_index(&tag("green").eq("x", 1)));
    probe.client.unsubscribe(red);
    assert!(probe.client.live.has_index(&tag("red")));
    assert_eq!(ids(&probe.client.query(&tag("red"))), ["note:a", "note:c"]);
    probe.client.unsubscribe(blue);
    probe.client.unsubscribe(blue);
    assert!(probe.client.live.is_empty());
}

#[test]
fn an_index_goes_with_the_last_query_that_needs_it() {
    let mut probe = five_notes();
    let (by_tag, by_x) = (Query::of("note").eq("tag", "red"), Query::of("note").eq("x", 1));
    let [tag, x] = [&by_tag, &by_x].map(|query| probe.client.subscribe(query.clone()).0);
    probe.client.unsubscribe(tag);
    assert!(!probe.client.live.has_index(&by_tag) && probe.client.live.has_index(&by_x));
    probe.client.unsubscribe(x);
    assert!(probe.client.live.is_empty());
}
