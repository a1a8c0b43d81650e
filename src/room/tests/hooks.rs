//! What the host decides of pushes: for each record, and for each push as a whole.

use super::*;
use crate::diff::RecordOp;
use crate::error::ConfigError;
use crate::value::Value;

/// Who a session is, as the host of these tests keeps it.
#[derive(Debug, PartialEq)]
struct User(&'static str);

fn user(name: &str, user: &'static str) -> SessionParams {
    SessionParams { meta: Meta::new(User(user)), ..SessionParams::new(name) }
}

fn name_of(session: &SessionView<'_>) -> &'static str {
    session.meta.get::<User>().map_or("nobody", |user| user.0)
}

fn author(page: &Object) -> &str {
    page.get("author").and_then(Value::as_str).unwrap_or_default()
}

/// A room whose pages belong to who made them, and in which nobody makes a page called `no`.
fn owned_pages() -> World {
    let is_own = |session: &SessionView<'_>, page: &Object| {
        if author(page) == name_of(session) { Ok(()) } else { Err(Veto) }
    };
    let pages = Authorizer::new()
        .on_create(|session, mut page| {
            if page.get("id") == Some(&"no".into()) {
                return Err(Veto);
            }
            page.insert("author", name_of(session));
            Ok(page)
        })
        .on_update(move |session, before, after| {
            is_own(session, before).and_then(|()| is_own(session, after))
        })
        .on_remove(is_own);
    World::with(|config| config.hooks = Hooks::default().authorize("page", pages))
}

#[test]
fn who_creates_a_record_hears_what_the_host_made_of_it() {
    let mut world = owned_pages();
    let (a, b) = (world.join_as(user("a", "ann"), 8), world.join_as(user("b", "ben"), 8));
    let made = format!(r#"{{"p":["put",{}]}}"#, sorted(&page("p", r#","author":"ann""#)));
    world.push(a, 1, &put_page("p", ""));
    world.assert_data(a, &[rebase(1, 1, &made)]);
    world.assert_data(b, &[patch(1, &made)]);
    // As it would have been made anyway, it is what was asked.
    world.push(a, 2, &put_page("q", r#","author":"ann""#));
    world.assert_data(a, &[commit(2, 2)]);
    world.push(a, 3, &put_page("no", ""));
    world.assert_data(a, &[discard(3, 2)]);
    assert_eq!(world.record("no"), "");
}

#[test]
fn changes_and_removals_that_are_vetoed_are_skipped() {
    let mut world = owned_pages();
    let (a, b) = (world.join_as(user("a", "ann"), 8), world.join_as(user("b", "ben"), 8));
    world.push(a, 1, &put_page("p", ""));
    world.heard(a);
    world.heard(b);
    let before = world.record("p");
    for (clock, diff) in [
        r#"{"p":["patch",{"x":["put",1]}]}"#.into(),
        put_page("p", r#","author":"ann","x":1"#),
        r#"{"p":["remove"]}"#.into(),
    ]
    .iter()
    .enumerate()
    {
        world.push(b, clock as u64, diff);
        world.assert_data(b, &[discard(clock as u64, 1)]);
    }
    // What takes the record from its author is seen in what it would be.
    world.push(a, 2, r#"{"p":["patch",{"author":["put","ben"]}]}"#);
    world.assert_data(a, &[discard(2, 1)]);
    assert_eq!(world.record("p"), before);
    world.assert_silence(b);
    // Beside others only what is vetoed is missing.
    let shape = r#"{"id":"s","typeName":"shape"}"#;
    world.push(b, 3, &format!(r#"{{"p":["remove"],"s":["put",{shape}]}}"#));
    world.assert_data(b, &[rebase(3, 2, &format!(r#"{{"s":["put",{shape}]}}"#))]);
    world.push(a, 3, r#"{"p":["patch",{"x":["put",1]}]}"#);
    world.push(a, 4, r#"{"p":["remove"]}"#);
    world.heard(b);
    let answers = world.heard(a);
    assert!(answers.ends_with(&[data(&[commit(3, 3)]), data(&[commit(4, 4)])]), "{answers:?}");
}

#[test]
fn a_host_that_makes_something_else_of_a_record_has_not_decided() {
    for key in ["id", "typeName"] {
        let other = Authorizer::new().on_create(move |_, mut page| {
            page.insert(key, "shape");
            Ok(page)
        });
        let deep = Authorizer::new().on_create(|_, mut page| {
            page.insert("deep", r#"[[[[1]]]]"#.parse::<Value>().unwrap());
            Ok(page)
        });
        for authorizer in [other, deep] {
            let mut world = World::with(|config| {
                config.limits.value_depth = 4;
                config.hooks = Hooks::default().authorize("page", authorizer);
            });
            let a = world.join("a");
            world.push(a, 1, &put_page("p", ""));
            world.assert_data(a, &[discard(1, 0)]);
        }
    }
    // What the schema refuses is refused, whoever made it.
    let bad = Authorizer::new().on_create(|_, mut page| {
        page.insert("bad", true);
        Ok(page)
    });
    let mut world = World::with(|config| config.hooks = Hooks::default().authorize("page", bad));
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    assert_eq!(world.closed(a), Some(CloseReason::InvalidRecord));
    assert_eq!((world.room.clock(), world.record("p")), (0, String::new()));
}

#[test]
fn rights_come_before_authorizers_and_the_host_needs_none() {
    let never = Authorizer::new().on_create(|_, _| panic!("asked")).on_remove(|_, _| Err(Veto));
    let mut world = World::with(|config| config.hooks = Hooks::default().authorize("page", never));
    let a = world.join_as(SessionParams { readonly: true, ..SessionParams::new("a") }, 8);
    world.push(a, 1, &put_page("p", ""));
    world.assert_data(a, &[discard(1, 0)]);
    world
        .act(|room, now| room.transact(now, |tx| tx.put(page("p", "").parse::<Object>().unwrap())))
        .unwrap();
    world.act(|room, now| room.transact(now, |tx| tx.remove("p"))).unwrap();
    assert_eq!(world.room.clock(), 2);
}

#[test]
fn only_document_types_have_an_authorizer() {
    for type_name in ["cursor", "camera", "other"] {
        let mut config = RoomConfig::default();
        config.hooks = config.hooks.authorize(type_name, Authorizer::new());
        let room = Room::new(config, Arc::new(schema()));
        assert_eq!(room.map(drop), Err(ConfigError::NotADocumentType));
    }
}

/// A room that takes no push that removes something, or that touches what is locked.
fn careful() -> World {
    World::with(|config| {
        config.hooks = Hooks::default().check_push(|session, push| {
            let is_bad = |(id, op): (&RecordId, &RecordOp)| {
                let is_locked = push.record(id).is_some_and(|it| it.get("locked").is_some());
                is_locked || matches!(op, RecordOp::Remove)
            };
            let is_bad = push.diff.is_some_and(|diff| diff.iter().any(is_bad));
            if is_bad && name_of(session) != "admin" { Err(Veto) } else { Ok(()) }
        });
    })
}

#[test]
fn a_push_that_the_host_refuses_is_discarded_whole() {
    let mut world = careful();
    let (a, b) = (world.join("a"), world.join_as(user("b", "admin"), 8));
    world.push(a, 1, &put_page("p", r#","locked":true"#));
    world.heard(a);
    world.heard(b);
    let both = r#"{"p":["patch",{"x":["put",1]}],"q":["put",{"id":"q","typeName":"page"}]}"#;
    let push = |diff: &str| {
        format!(r#"{{"type":"push","clientClock":2,"diff":{diff},"presence":["put",{{}}]}}"#)
    };
    world.say(a, &push(both));
    world.assert_data(a, &[discard(2, 1)]);
    world.assert_silence(b);
    assert_eq!((world.record("q"), world.room.presence().count()), (String::new(), 0));
    world.say(b, &push(both));
    world.assert_data(b, &[commit(2, 2)]);
    assert_eq!(world.room.counters().pushes_discarded, 1);
}

#[test]
fn a_refused_push_of_a_client_that_counts_is_taken_and_has_no_effect_later() {
    let mut world = careful();
    let hello = |world: &mut World| {
        let a = world.open("a");
        world.say(a, &connect(-1, "8", SCHEMA).replace(r#""type""#, r#""clientId":"me","type""#));
        let answer = world.heard(a).remove(0);
        (a, answer)
    };
    let (a, _) = hello(&mut world);
    world.push(a, 1, &put_page("p", r#","locked":true"#));
    world.persisted();
    world.push(a, 2, r#"{"p":["remove"]}"#);
    let commits = world.persisted();
    assert_eq!((commits.len(), commits[0].changes.len()), (1, 0));
    assert_eq!(commits[0].applied.as_ref().map(|push| push.client_clock), Some(2));
    let (_, answer) = hello(&mut world);
    assert!(answer.contains(r#""lastAppliedPush":2"#), "{answer}");
}

#[test]
fn the_host_reads_who_is_there() {
    let mut world = World::new();
    let a = world.join_as(SessionParams { readonly: true, ..user("a", "ann") }, 7);
    world.present(a, 1, r#"["put",{"x":1}]"#);
    let b = world.open("b");
    let c = world.join("c");
    world.disconnect(c);
    world.writable(b, false);
    let seen: Vec<_> = world
        .room
        .sessions()
        .map(|it| {
            let name = it.session.as_str();
            (name, it.status, it.connection, it.protocol_version, it.readonly, it.is_writable)
        })
        .collect();
    use SessionStatus::{Away, Connected, Waiting};
    let expected = [
        ("a", Connected, Some(a), Some(7), true, true),
        ("b", Waiting, Some(b), None, false, false),
        ("c", Away, None, None, false, false),
    ];
    assert_eq!(seen, expected);
    let view = world.room.session(a).unwrap();
    assert_eq!(view.meta.get(), Some(&User("ann")));
    assert_eq!(view.presence.map(|it| it.get("x").is_some()), Some(true));
    assert!(world.room.session(c).is_none());
}

#[test]
fn what_the_host_keeps_with_a_session_is_that_of_its_latest_connection() {
    let mut world = World::new();
    world.join_as(user("a", "ann"), 8);
    let again = world.join_as(user("a", "ben"), 8);
    assert_eq!(world.room.session(again).unwrap().meta.get(), Some(&User("ben")));
}

#[test]
fn what_a_host_gives_along_is_the_same_if_it_is_one_thing() {
    let (one, other) = (Meta::new(7), Meta::new(7));
    assert_eq!(one, one.clone());
    assert_ne!(one, other);
    assert_ne!(one, Meta::default());
    assert_ne!(Meta::default(), one);
    assert_eq!(Meta::default(), Meta::default());
}
