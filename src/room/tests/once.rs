//! Each push takes effect once, and whose pushes are whose.

use super::persist::{Stored, store_all};
use super::*;
use crate::ids::ClientId;
use crate::store::PushClient;

/// A `connect` that claims a client id.
fn claim(client: &str, acked: u64) -> String {
    let claim = format!(r#","clientId":"{client}","lastAckedPush":{acked}}}"#);
    connect(-1, "8", SCHEMA).strip_suffix('}').unwrap().to_string() + &claim
}

/// Says `connect` as a client, and gives back the last push that the room says it has taken.
pub(super) fn say_hello(
    world: &mut World,
    connection: ConnectionId,
    client: &str,
    acked: u64,
) -> Option<u64> {
    world.say(connection, &claim(client, acked));
    applied(&world.heard(connection).concat())
}

/// What an answer says of pushes.
fn applied(answer: &str) -> Option<u64> {
    let (_, told) = answer.split_once(r#""lastAppliedPush":"#)?;
    Some(told.trim_end_matches('}').parse().unwrap())
}

/// A session that is in as that client.
fn enter(world: &mut World, session: &str, client: &str) -> ConnectionId {
    let connection = world.open(session);
    assert!(say_hello(world, connection, client, 0).is_some());
    connection
}

fn open_with(world: &mut World, session: &str, identity: &str) -> ConnectionId {
    let identity = Some(identity.into());
    world.open_as(SessionParams { identity, ..SessionParams::new(session) })
}

/// The clients whose last push is known, by the order of those.
pub(super) fn known(room: &Room) -> Vec<(String, u64)> {
    let entries = room.snapshot().applied_pushes.into_iter();
    entries.map(|it| (it.client.client.to_string(), it.client_clock)).collect()
}

/// The room after its process died, of what was to be made durable by then.
fn reopen(world: &World) -> World {
    let mut stored = Stored::default();
    store_all(&mut stored, &world.actions);
    let room = Room::restore(RoomConfig::default(), Arc::new(schema()), stored.snapshot()).unwrap();
    assert_eq!(room.snapshot(), stored.snapshot());
    World::of(room)
}

#[test]
fn the_answer_tells_the_last_push_that_was_taken() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    assert_eq!(say_hello(&mut world, a, "c", 0), Some(0));
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    let a = world.open("a");
    assert_eq!(say_hello(&mut world, a, "c", 1), Some(2));
    // What the client has the answer of was taken, even if the room knows nothing of it.
    let b = world.open("b");
    assert_eq!(say_hello(&mut world, b, "other", 7), Some(7));
}

#[test]
fn a_client_that_does_not_say_who_it_is_is_served_as_by_a_stock_room() {
    let mut world = World::new();
    let a = world.open("a");
    let answer = world.hello(a, -1);
    assert!(!answer.contains("lastAppliedPush"));
    for (n, clock) in [(2, 1), (2, 2), (1, 3)] {
        world.push(a, n, &put_page(&format!("p{clock}"), ""));
        world.assert_data(a, &[commit(n, clock)]);
    }
    assert_eq!(known(&world.room), []);
}

#[test]
fn a_push_that_was_taken_is_discarded() {
    let mut world = World::new();
    let (a, b) = (enter(&mut world, "a", "c"), world.join("b"));
    world.push(a, 2, &put_page("p", ""));
    world.heard(a);
    world.heard(b);
    let clock = world.room.clock();
    for n in [2, 1] {
        world.push(a, n, r#"{"p":["remove"]}"#);
        world.assert_data(a, &[discard(n, clock)]);
        let presence = r#"["put",{"x":1}]"#;
        world.present(a, n, presence);
        world.assert_data(a, &[discard(n, clock)]);
    }
    world.assert_silence(b);
    assert_eq!(world.room.presence().count(), 0);
    world.push(a, 3, r#"{"p":["remove"]}"#);
    assert_eq!(world.room.clock(), clock + 1);
}

#[test]
fn what_was_taken_is_known_in_the_same_commit_as_what_it_did() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    world.push(a, 5, &put_page("p", ""));
    let commits = world.persisted();
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0].changes.len(), 1);
    let applied = commits[0].applied.as_ref().unwrap();
    let client = PushClient { identity: None, client: ClientId::from("c") };
    assert_eq!((&applied.client, applied.client_clock), (&client, 5));
}

#[test]
fn a_push_without_effect_is_taken_and_stays_without_effect_after_a_crash() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    world.push(a, 1, r#"{"p":["patch",{"x":["put",1]}]}"#);
    world.assert_data(a, &[discard(1, 0)]);
    let mut world = reopen(&world);
    let a = world.open("a");
    assert_eq!(say_hello(&mut world, a, "c", 0), Some(1));
}

#[test]
fn a_push_of_presence_or_of_nothing_costs_no_commit() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.push(a, 2, "{}");
    assert!(world.persisted().is_empty());
    assert_eq!(known(&world.room), []);
}

#[test]
fn a_rejected_push_is_not_taken() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    world.push(a, 1, r#"{"p":["put",{"id":"p","typeName":"page","bad":1}]}"#);
    assert_eq!(world.closed(a), Some(CloseReason::InvalidRecord));
    assert_eq!(known(&world.room), []);
    let a = world.open("a");
    assert_eq!(say_hello(&mut world, a, "c", 0), Some(0));
}

#[test]
fn wherever_the_process_dies_a_push_was_taken_with_its_effect_or_neither() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    for n in 1..=4 {
        world.push(a, n, &put_page(&format!("p{n}"), ""));
        world.push(a, n + 10, "{}");
    }
    for end in 0..=world.actions.len() {
        let mut stored = Stored::default();
        store_all(&mut stored, &world.actions[..end]);
        let room = Room::restore(RoomConfig::default(), Arc::new(schema()), stored.snapshot());
        let mut again = World::of(room.unwrap());
        let pages = again.room.records().count() as u64;
        let a = again.open("a");
        assert_eq!(say_hello(&mut again, a, "c", 0), Some(pages));
        // Nobody was told of a push that is not known.
        let sent = world.actions[..end].iter().filter_map(|action| match action {
            RoomAction::Send { frame, .. } => frame.to_text(),
            RoomAction::Close { .. } | RoomAction::Persist(_) | RoomAction::Event(_) => None,
        });
        let answered = sent.filter(|text| text.contains(r#""commit""#)).count() as u64;
        assert!(answered <= pages, "{answered} answers of {pages} pushes");
    }
}

#[test]
fn the_later_of_two_sessions_with_one_client_id_closes_the_earlier() {
    let mut world = World::new();
    let (a, other) = (enter(&mut world, "a", "c"), enter(&mut world, "x", "d"));
    world.push(a, 1, &put_page("p", ""));
    world.present(a, 2, r#"["put",{"x":1}]"#);
    let b = world.open("b");
    assert_eq!(world.closed(a), None);
    assert_eq!(say_hello(&mut world, b, "c", 0), Some(1));
    assert_eq!(world.closed(a), Some(CloseReason::Replaced));
    assert_eq!((world.closed(b), world.closed(other)), (None, None));
    assert_eq!(world.room.presence().count(), 0);
    // What the earlier one still says comes too late.
    world.push(a, 2, r#"{"p":["remove"]}"#);
    assert_eq!(world.room.clock(), 1);
    world.push(b, 2, &put_page("q", ""));
    assert_eq!(known(&world.room), [("c".to_string(), 2)]);
}

#[test]
fn a_session_that_was_not_let_in_closes_nobody() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    let b = world.open("b");
    world.say(b, &claim("c", 0).replace(r#""protocolVersion":8"#, r#""protocolVersion":4"#));
    assert_eq!((world.closed(a), world.closed(b)), (None, Some(CloseReason::ClientTooOld)));
}

#[test]
fn no_peer_makes_another_ones_pushes_be_taken_for_repeats() {
    let mut world = World::new();
    let alice = open_with(&mut world, "a", "alice");
    assert_eq!(say_hello(&mut world, alice, "c", 0), Some(0));
    for (session, identity) in [("m", Some("mallory")), ("n", None)] {
        let mallory = match identity {
            Some(identity) => open_with(&mut world, session, identity),
            None => world.open(session),
        };
        assert_eq!(say_hello(&mut world, mallory, "c", 1_000_000), Some(1_000_000));
        world.push(mallory, 9_007_199_254_740_991, &put_page(session, ""));
        assert_eq!((world.closed(alice), world.closed(mallory)), (None, None));
    }
    world.push(alice, 1, &put_page("p", ""));
    assert_eq!(world.heard(alice).last(), Some(&data(&[commit(1, 3)])));
    let again = open_with(&mut world, "a2", "alice");
    assert_eq!(say_hello(&mut world, again, "c", 0), Some(1));
    assert_eq!(world.closed(alice), Some(CloseReason::Replaced));
}

#[test]
fn nobody_is_told_the_client_ids_of_others() {
    let mut world = World::new();
    let (a, b) = (enter(&mut world, "a", "secret"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.present(a, 2, r#"["put",{"x":1}]"#);
    let c = world.open("c");
    let told = world.heard(b).concat() + &world.hello(c, -1);
    assert!(told.contains(r#""x":1"#) && !told.contains("secret"), "{told}");
}

#[test]
fn a_client_id_that_is_too_long_or_empty_does_not_count_and_a_wrong_one_breaks_the_protocol() {
    let mut world = World::with(|config| config.limits.id_bytes = 6);
    for (client, counts) in [("123456", true), ("1234567", false), ("", false)] {
        let a = world.open("a");
        assert_eq!(say_hello(&mut world, a, client, 0).is_some(), counts, "{client}");
        world.push(a, 1, &put_page("p", &format!(r#","x":"{client}""#)));
        assert_eq!(world.closed(a), None);
    }
    assert_eq!(known(&world.room), [("123456".to_string(), 1)]);
    let b = world.open("b");
    world.say(b, &claim("c", 0).replace(r#""c""#, "7"));
    assert_eq!(world.closed(b), Some(CloseReason::UnknownError));
}

#[test]
fn a_snapshot_keeps_what_was_taken_and_one_that_is_damaged_is_refused() {
    let mut world = World::new();
    let a = open_with(&mut world, "a", "alice");
    say_hello(&mut world, a, "c", 0);
    world.push(a, 5, &put_page("p", ""));
    let b = enter(&mut world, "b", "c");
    world.push(b, 3, &put_page("q", ""));
    let snapshot = world.room.snapshot();
    let json = snapshot.to_value().to_string();
    let first = r#"{"clientClock":5,"clientId":"c","identity":"alice","order":1}"#;
    let second = r#"{"clientClock":3,"clientId":"c","order":2}"#;
    assert!(json.contains(&format!(r#""appliedPushes":[{first},{second}]"#)), "{json}");
    assert_eq!(RoomSnapshot::from_json(&json), Ok(snapshot));

    let restore = |json: &str| {
        let snapshot = RoomSnapshot::from_json(json).unwrap();
        Room::restore(RoomConfig::default(), Arc::new(schema()), snapshot).map(drop)
    };
    assert_eq!(restore(&json), Ok(()));
    let repeated = Err(RestoreError::RepeatedClient("c".into()));
    assert_eq!(restore(&json.replace(r#""identity":"alice","#, "")), repeated);
    assert_eq!(restore(&json.replace(r#""order":2"#, r#""order":1"#)), repeated);
    let broken = json.replace(r#""order":2"#, r#""order":-2"#);
    let field = crate::store::SnapshotError::Field("appliedPushes");
    assert_eq!(RoomSnapshot::from_json(&broken), Err(field));
}

#[test]
fn a_loaded_snapshot_says_nothing_of_the_pushes_of_this_room() {
    let mut world = World::new();
    let a = enter(&mut world, "a", "c");
    world.push(a, 5, &put_page("p", ""));
    let mut other = World::new();
    let b = enter(&mut other, "a", "c");
    other.push(b, 9, &put_page("q", ""));
    let loaded = other.room.snapshot();
    world.act(|room, now| room.load_snapshot(now, loaded)).unwrap();
    assert_eq!(known(&world.room), [("c".to_string(), 5)]);
}
