//! Sessions that outlive the room's memory.

use super::replica::Replica;
use super::*;
use crate::ids::Identity;
use crate::wire::ObjectAccess;

impl World {
    /// The room as it is opened again after it was dropped, with all that the driver stored.
    pub(super) fn reopened(&self) -> Self {
        let config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
        let room = Room::restore(config, Arc::new(schema()), self.room.snapshot()).unwrap();
        Self { now: self.now, ..Self::of(room) }
    }

    /// Keeps the session as JSON and takes it up in `other`.
    pub(super) fn resume_in(&self, other: &mut Self, connection: ConnectionId) -> ConnectionId {
        let kept = self.room.session_snapshot(connection).unwrap();
        let kept = SessionSnapshot::from_value(&kept.to_value().to_string().parse().unwrap());
        other.resume(kept.unwrap())
    }

    pub(super) fn resume(&mut self, kept: SessionSnapshot) -> ConnectionId {
        self.act(|room, now| room.handle_resume(now, kept, Meta::default())).unwrap()
    }
}

#[test]
fn a_resumed_client_notices_nothing_and_goes_on() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.present(a, 2, r#"["put",{"x":1}]"#);
    let mut again = world.reopened();
    let a = world.resume_in(&mut again, a);
    let b = world.resume_in(&mut again, b);
    again.assert_silence(a);
    assert_eq!(again.events().len(), 3);
    again.push(a, 3, r#"{"p":["patch",{"x":["put",1]}]}"#);
    again.assert_data(a, &[commit(3, 2)]);
    again.assert_data(b, &[patch(2, r#"{"p":["patch",{"x":["put",1]}]}"#)]);
    again.present(a, 4, r#"["patch",{"x":["put",2]}]"#);
    again.assert_data(b, &[patch(2, r#"{"cursor:0":["patch",{"x":["put",2]}]}"#)]);
    again.say(b, r#"{"type":"ping"}"#);
    assert_eq!(again.heard(b), [r#"{"type":"pong"}"#]);
    // Whoever comes new gets an id of presence that nobody has.
    let c = again.join("c");
    again.present(c, 1, r#"["put",{}]"#);
    assert!(again.heard(b).concat().contains("cursor:2"));
}

#[test]
fn what_a_session_is_and_may_do_survives() {
    let mut world = World::new();
    let mut params = SessionParams { readonly: true, ..SessionParams::new("a") };
    params.object_access = ObjectAccess::Read;
    params.identity = Some(Identity::from("ann"));
    let a = world.join_as(params, 7);
    world.present(a, 1, r#"["put",{"x":1}]"#);
    let kept = world.room.session_snapshot(a).unwrap();
    assert_eq!(SessionSnapshot::from_value(&kept.to_value()), Ok(kept.clone()));
    let mut again = world.reopened();
    let a = again.resume(kept.clone());
    let view = again.room.session(a).unwrap();
    assert_eq!((view.readonly, view.object_access), (true, ObjectAccess::Read));
    assert_eq!((view.protocol_version, view.identity), (Some(7), kept.identity.as_ref()));
    assert_eq!(view.presence, kept.presence.as_ref());
    assert_eq!(again.room.session_snapshot(a), Some(kept));
    again.push(a, 2, &put_page("p", ""));
    again.assert_data(a, &[discard(2, 0)]);
}

#[test]
fn only_a_session_that_is_in_can_be_kept() {
    let mut world = World::new();
    let a = world.open("a");
    assert_eq!(world.room.session_snapshot(a), None);
    world.hello(a, -1);
    assert!(world.room.session_snapshot(a).is_some());
    world.writable(a, false);
    world.say(a, &connect(-1, "8", SCHEMA));
    assert_eq!(world.room.session_snapshot(a), None);
    world.writable(a, true);
    assert!(world.room.session_snapshot(a).is_some());
    // What it would say then was no message and ended it for good.
    world.say(a, r#"1_{"type":"#);
    assert_eq!(world.room.session_snapshot(a), None);
    world.say(a, r#"0_"ping"}"#);
    assert!(world.room.session_snapshot(a).is_some());
    world.disconnect(a);
    assert_eq!(world.room.session_snapshot(a), None);
}

#[test]
fn what_a_session_has_not_heard_it_hears_when_it_is_resumed() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.open("b"));
    let mut replica = Replica::new(8);
    replica.hear(world.hello(b, -1));
    world.push(a, 1, &put_page("p", ""));
    world.heard(b).iter().for_each(|text| replica.hear(text));
    world.push(a, 2, &put_page("q", ""));
    let mine = put_page("mine", "");
    replica.pushed(7, &mine);
    world.push(b, 7, &mine);
    world.assert_silence(b);
    let kept = world.room.session_snapshot(b).unwrap();
    assert_eq!((kept.told_clock, &kept.unanswered[..]), (1, &[7][..]));
    // Others go on while b is not in memory.
    let mut again = world.reopened();
    let a = world.resume_in(&mut again, a);
    again.push(a, 3, r#"{"p":["remove"]}"#);
    again.present(a, 4, r#"["put",{"x":1}]"#);
    let b = again.resume(kept);
    let heard = again.heard(b);
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains(&discard(7, 4)), "{heard:?}");
    replica.hear(&heard[0]);
    assert!(replica.has_answers());
    replica.assert_equals(&again.room, "b");
}

#[test]
fn presence_that_a_session_has_not_heard_of_it_hears_of_when_it_is_resumed() {
    let everybody = |config: &mut RoomConfig| {
        config.hooks = Hooks::default().filter_presence(|_, _, _| true);
    };
    let plain: fn(&mut RoomConfig) = |_| ();
    for configure in [plain, everybody] {
        let mut world = World::with(configure);
        let [a, b, c] = ["a", "b", "c"].map(|name| world.join(name));
        world.present(c, 1, r#"["put",{"x":1}]"#);
        assert_eq!(world.heard(b).len(), 1);
        assert_eq!(world.room.session_snapshot(b).unwrap().unheard_presence, None);
        world.writable(b, false);
        world.present(a, 1, r#"["put",{"x":2}]"#);
        world.act(|room, now| room.close_session(now, c, CloseReason::Forbidden)).unwrap();
        let kept = world.room.session_snapshot(b).unwrap();
        assert_eq!(kept.unheard_presence.as_deref(), Some(&["cursor:2".into()][..]));
        let mut config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
        configure(&mut config);
        let room = Room::restore(config, Arc::new(schema()), world.room.snapshot()).unwrap();
        let mut again = World::of(room);
        world.resume_in(&mut again, a);
        let b = world.resume_in(&mut again, b);
        let put = r#"["put",{"id":"cursor:0","typeName":"cursor","x":2}]"#;
        let told = format!(r#"{{"cursor:0":{put},"cursor:2":["remove"]}}"#);
        again.assert_data(b, &[patch(0, &told)]);
        assert_eq!(again.room.session_snapshot(b).unwrap().unheard_presence, None);
    }
}

#[test]
fn a_session_can_be_resumed_in_the_room_that_it_is_in() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.open("b"));
    let mut replica = Replica::new(8);
    replica.hear(world.hello(b, -1));
    world.present(b, 1, r#"["put",{"x":1}]"#);
    let kept = world.room.session_snapshot(b).unwrap();
    world.heard(a);
    world.heard(b);
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.push(a, 2, &put_page("p", ""));
    world.disconnect(b);
    world.heard(b);
    world.heard(a);
    world.events();
    let b = world.resume(kept);
    // It was never gone.
    world.assert_silence(a);
    assert_eq!(world.events(), []);
    world.heard(b).iter().for_each(|text| replica.hear(text));
    replica.assert_equals(&world.room, "b");
}

#[test]
fn what_is_large_in_a_presence_is_not_kept() {
    let mut world = World::new();
    let a = world.join("a");
    let long = "x".repeat(250);
    let show = |world: &mut World, fields: &str| {
        world.present(a, 1, &format!(r#"["put",{{{fields}}}]"#));
        world.room.session_snapshot(a).unwrap().presence.map(|presence| {
            let [x, y] = ["x", "y"].map(|key| presence.get(key).map(ToString::to_string));
            (x.unwrap_or_default(), y.unwrap_or_default())
        })
    };
    for (value, longer, empty) in [
        (format!("{:?}", &long[..248]), format!("{:?}", &long[..249]), r#""""#),
        (format!("[{:?}]", &long[..240]), format!("[{:?}]", &long[..241]), "[]"),
        (format!(r#"{{"k":{:?}}}"#, &long[..239]), format!(r#"{{"k":{long:?}}}"#), "null"),
    ] {
        let kept = show(&mut world, &format!(r#""x":{value},"y":{longer}"#));
        assert_eq!(kept, Some((value, empty.into())));
    }
    // Many small things are a large one, too, and it comes without presence.
    let many: Vec<String> = (0..400).map(|n| format!(r#""k{n}":{n}"#)).collect();
    assert_eq!(show(&mut world, &many.join(",")), None);
    let mut again = world.reopened();
    let a = world.resume_in(&mut again, a);
    assert_eq!(again.room.presence().count(), 0);
    again.present(a, 2, r#"["put",{}]"#);
    assert_eq!(again.room.presence().count(), 1);
}

#[test]
fn a_schema_that_does_not_fit_any_more_is_told_as_when_connecting() {
    let mut world = World::new();
    let kept = |world: &mut World, version| {
        let a = world.join_as(SessionParams::new("a"), version);
        world.room.session_snapshot(a).unwrap()
    };
    let newer = |kept: &mut SessionSnapshot| kept.schema.insert("com.test", 3);
    let mut eight = kept(&mut world, 8);
    newer(&mut eight);
    let mut again = world.reopened();
    let a = again.resume(eight.clone());
    assert_eq!(again.closed(a), Some(CloseReason::ServerTooOld));
    assert_eq!((again.events(), again.room.session_count()), (Vec::from([RoomEvent::Empty]), 0));
    let mut six = kept(&mut world, 6);
    newer(&mut six);
    let a = again.resume(six);
    assert_eq!(again.heard(a).len(), 1);
    assert_eq!(again.closed(a), Some(CloseReason::Disconnected));
    // A room that went back in time cannot tell what the client knows too much of.
    eight = kept(&mut world, 8);
    eight.told_clock = 1;
    let a = again.resume(eight);
    assert_eq!(again.closed(a), Some(CloseReason::Reset));
}

#[test]
fn the_pushes_of_a_resumed_client_take_effect_once() {
    let mut world = World::new();
    let a = world.open("a");
    let hello = connect(-1, "8", SCHEMA).replace(r#""type""#, r#""clientId":"me","type""#);
    world.say(a, &hello);
    world.push(a, 1, &put_page("p", ""));
    let mut again = world.reopened();
    let kept = world.room.session_snapshot(a).unwrap();
    assert_eq!((kept.client.as_deref(), kept.last_applied_push), (Some("me"), 1));
    let a = world.resume_in(&mut again, a);
    again.push(a, 1, r#"{"p":["remove"]}"#);
    again.assert_data(a, &[discard(1, 1)]);
    again.push(a, 2, r#"{"p":["remove"]}"#);
    again.assert_data(a, &[commit(2, 2)]);
}

/// It was answered, and its client ended for a number that nobody counts to.
#[test]
fn a_snapshot_with_a_push_that_nobody_counts_to_lets_its_client_begin_anew() {
    let mut world = World::new();
    let a = world.join("a");
    let kept = world.room.session_snapshot(a).unwrap();
    let most = (1 << 53) - 1;
    for (unanswered, last, closed) in [
        (Vec::from([most]), most, None),
        (Vec::from([1, most + 1]), 0, Some(CloseReason::Reset)),
        (Vec::new(), most + 1, Some(CloseReason::Reset)),
    ] {
        let mut again = world.reopened();
        let mut kept = kept.clone();
        (kept.unanswered, kept.last_applied_push) = (unanswered, last);
        let a = again.resume(kept);
        assert_eq!(again.closed(a), closed, "{last}");
    }
}

#[test]
fn two_sessions_never_share_an_id_of_presence() {
    let mut world = World::new();
    let a = world.join("a");
    world.present(a, 1, r#"["put",{"x":1}]"#);
    let kept = world.room.session_snapshot(a).unwrap();
    let mut again = world.reopened();
    let b = again.join("b");
    again.present(b, 1, r#"["put",{}]"#);
    let a = again.resume(kept.clone());
    let heard = again.heard(b).concat();
    assert!(heard.contains(r#""cursor:1":["put""#), "{heard}");
    // It has never heard of b, who is not who had that id.
    let b = r#"{"cursor:0":["put",{"id":"cursor:0","typeName":"cursor"}],"cursor:1":["remove"]}"#;
    again.assert_data(a, &[patch(0, b)]);
    // One that a document has is not free either.
    let mut third = world.reopened();
    let document =
        |tx: &mut crate::Transaction<'_>| tx.put(page("cursor:0", "").parse::<Object>().unwrap());
    third.act(|room, now| room.transact(now, document)).unwrap();
    third.resume(SessionSnapshot { told_clock: 1, ..kept });
    let ids: Vec<_> = third.room.presence().map(|(_, it)| it.get("id").cloned().unwrap()).collect();
    assert_eq!(ids, ["cursor:1".into()]);
}

#[test]
fn a_snapshot_that_lacks_something_is_refused_by_name() {
    let mut world = World::new();
    let a = world.join("a");
    let whole = world.room.session_snapshot(a).unwrap().to_value();
    let whole = whole.as_object().unwrap();
    for key in [
        "sessionId",
        "isReadonly",
        "protocolVersion",
        "serializedSchema",
        "presenceId",
        "serverClock",
        "unanswered",
    ] {
        let mut lacking = whole.clone();
        lacking.remove(key);
        let read = SessionSnapshot::from_value(&lacking.into());
        assert_eq!(read, Err(crate::SnapshotError::Field(key)));
    }
    let mut old = whole.clone();
    old.remove("objectAccess");
    let read = SessionSnapshot::from_value(&old.into()).unwrap();
    assert_eq!(read.object_access, ObjectAccess::Read);
}

#[test]
fn a_resumed_session_is_told_of_whatever_it_has_missed() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.heard(b);
    let kept = world.room.session_snapshot(b).unwrap();
    // Nothing.
    let mut again = world.reopened();
    let b = again.resume(kept.clone());
    again.assert_silence(b);
    // A document.
    let mut again = world.reopened();
    let c = again.join("c");
    again.push(c, 1, &put_page("q", ""));
    let b = again.resume(kept.clone());
    again.assert_data(b, &[patch(2, &put_page("q", ""))]);
    // The answer to a push.
    let mut again = world.reopened();
    let b = again.resume(SessionSnapshot { unanswered: Vec::from([7]), ..kept.clone() });
    again.assert_data(b, &[discard(7, 1)]);
    // A document of which the room knew before it slept.
    world.push(a, 2, &put_page("q", ""));
    let mut again = world.reopened();
    let b = again.resume(kept.clone());
    again.assert_data(b, &[patch(2, &put_page("q", ""))]);
    // Presence, of which no clock tells, in the room that it is in.
    world.present(a, 3, r#"["put",{"x":1}]"#);
    let b = world.resume(kept);
    assert!(world.heard(b).concat().contains(r#""cursor:0":["put""#));
}

#[test]
fn a_resumed_session_has_the_id_of_presence_that_it_had() {
    let mut world = World::new();
    world.join("a");
    let b = world.join("b");
    world.present(b, 1, r#"["put",{"x":1}]"#);
    // It is the first that comes back.
    let mut again = world.reopened();
    let b = world.resume_in(&mut again, b);
    let shown = r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor","x":1}]}"#;
    let c = again.open("c");
    assert!(again.hello(c, -1).contains(shown));
    again.present(b, 2, r#"["patch",{"x":["put",2]}]"#);
    again.assert_data(c, &[patch(0, r#"{"cursor:1":["patch",{"x":["put",2]}]}"#)]);
}

#[test]
fn a_presence_that_breaks_a_limit_by_now_is_not_taken_up() {
    let mut world = World::new();
    let a = world.join("a");
    world.present(a, 1, r#"["put",{"x":[[1]]}]"#);
    let kept = world.room.session_snapshot(a).unwrap();
    // The values of four keys, one of them in an array in an array, beside the record itself.
    let bytes = "id".len() + "cursor:0".len() + "typeName".len() + "cursor".len() + 1 + 6 * 8;
    let taken = |presence_bytes, value_depth, kept: &SessionSnapshot| {
        let mut again = World::with(|config| {
            config.limits.presence_bytes = presence_bytes;
            config.limits.value_depth = value_depth;
        });
        let a = again.resume(kept.clone());
        assert_eq!(again.closed(a), None);
        again.room.presence().count() == 1
    };
    assert!(taken(bytes, 3, &kept));
    assert!(!taken(bytes - 1, 3, &kept));
    assert!(!taken(bytes, 2, &kept));
    let mut bad = kept;
    bad.presence.as_mut().unwrap().insert("bad", 1);
    assert!(!taken(1000, 3, &bad));
}
