//! What a host promises, whatever its storage and its transports do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use futures_util::future::join_all;
use roomsync::{
    CloseReason, Migration, MigrationFailed, MigrationSequence, Object, RecordType, RoomEvent,
    Schema, SchemaBuilder, Scope, Value,
};
use roomsync_tokio::{
    CommandError, HostOptions, Incoming, Outgoing, RoomHandle, RoomHost, RoomUnavailable,
};
use std::sync::Arc;
use std::time::Duration;
use support::{CONNECT, Control, Socket, in_time, settle, until};

fn start(control: &Control, set: impl FnOnce(&mut HostOptions)) -> RoomHost {
    let mut options = HostOptions::default();
    set(&mut options);
    RoomHost::start(control.storage(), Arc::new(Schema::tldraw()), options).unwrap()
}

fn page(id: &str) -> Object {
    format!(r#"{{"id":"{id}","typeName":"page"}}"#).parse().unwrap()
}

async fn put(room: &RoomHandle, id: &str) {
    let page = page(id);
    in_time(room.transact(move |tx| tx.put(page))).await.unwrap();
}

async fn ids(room: &RoomHandle) -> Vec<String> {
    let snapshot = in_time(room.snapshot()).await.unwrap();
    let id = |(record, _): &(Object, u64)| record.get("id").unwrap().as_str().unwrap().to_owned();
    snapshot.documents.iter().map(id).collect()
}

/// The action of the push result that the message holds.
fn push_result(message: &Object) -> Option<&Value> {
    let entries = message.get("data")?.as_array()?;
    entries.iter().find_map(|entry| entry.as_object()?.get("action"))
}

#[tokio::test]
async fn nobody_is_told_of_a_change_before_it_is_durable() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let mut bob = Socket::enter(&host, "r", "bob").await;

    control.hold();
    alice.put_page(1, "page:a", "A");
    control.held().await;
    assert!(alice.is_silent().await && bob.is_silent().await);

    control.release();
    assert_eq!(push_result(&alice.message().await), Some(&Value::from("commit")));
    assert!(bob.message().await.to_string().contains("page:a"));
}

#[tokio::test]
async fn what_arrives_while_a_room_is_loading_is_kept_in_order() {
    let control = Control::default();
    let host = start(&control, |_| {});
    control.hold();
    let mut alice = Socket::open(&host, "r", "alice");
    alice.send(CONNECT);
    for clock in 1..=5 {
        alice.put_page(clock, "page:a", &format!("name {clock}"));
    }
    control.held().await;
    settle().await;
    control.release();

    let mut clocks = Vec::new();
    assert_eq!(alice.message().await.get("type"), Some(&Value::from("connect")));
    while clocks.len() < 5 {
        let message = alice.message().await;
        for entry in message.get("data").unwrap().as_array().unwrap().iter() {
            let clock = entry.as_object().unwrap().get("clientClock").unwrap();
            clocks.push(clock.as_number().unwrap().as_i64().unwrap());
        }
    }
    assert_eq!(clocks, [1, 2, 3, 4, 5]);
    let room = host.room("r");
    let name = room.with(|room, _| room.record("page:a").unwrap().get("name").cloned());
    assert_eq!(in_time(name).await.unwrap(), Some(Value::from("name 5")));
}

#[tokio::test]
async fn an_empty_room_is_unloaded_and_comes_back_as_it_was() {
    let control = Control::default();
    let host = start(&control, |options| options.linger = Duration::ZERO);
    let room = host.room("r");
    put(&room, "page:a").await;
    put(&room, "page:b").await;
    in_time(room.transact(|tx| tx.remove("page:b"))).await.unwrap();
    let before = in_time(room.snapshot()).await.unwrap();
    until(|| host.open_rooms() == 0).await;

    assert_eq!(in_time(room.snapshot()).await.unwrap(), before);
    assert_eq!((before.clock, before.tombstones.len()), (3, 1));
    assert!(control.loads() > 1);
}

#[tokio::test]
async fn a_room_with_a_session_stays_loaded() {
    let control = Control::default();
    let host = start(&control, |options| {
        options.linger = Duration::ZERO;
        options.room.reconnect_grace = Duration::ZERO;
    });
    let mut alice = Socket::enter(&host, "r", "alice").await;
    settle().await;
    assert_eq!(host.open_rooms(), 1);
    alice.cut();
    until(|| host.open_rooms() == 0).await;
}

#[tokio::test]
async fn the_late_end_of_a_replaced_socket_is_harmless() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let mut old = Socket::enter(&host, "r", "alice").await;
    let mut new = Socket::enter(&host, "r", "alice").await;
    assert_eq!(old.closed().await, CloseReason::Replaced);
    old.send(r#"{"type":"ping"}"#);
    old.cut();
    assert_eq!(in_time(&mut old.served).await.unwrap(), CloseReason::Replaced);

    new.put_page(1, "page:a", "A");
    assert_eq!(push_result(&new.message().await), Some(&Value::from("commit")));
}

#[tokio::test]
async fn after_a_lost_commit_the_room_starts_again_from_what_is_kept() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let room = host.room("r");
    put(&room, "page:kept").await;
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let mut bob = Socket::enter(&host, "r", "bob").await;

    control.fail_once();
    control.hold();
    alice.put_page(1, "page:lost", "A");
    control.held().await;
    // Handed over while the storage is busy with the one that will be lost.
    alice.put_page(2, "page:after", "A");
    let command = tokio::spawn({
        let room = room.clone();
        async move { room.transact(|tx| tx.put(page("page:command"))).await }
    });
    settle().await;
    control.release();

    // Nobody was told of anything, and all may come back.
    for socket in [&mut alice, &mut bob] {
        assert_eq!(socket.next().await, Some(Outgoing::Close(CloseReason::ShuttingDown)));
    }
    let unavailable = CommandError::Unavailable(RoomUnavailable);
    assert_eq!(in_time(command).await.unwrap(), Err(unavailable));
    assert_eq!(ids(&room).await, ["page:kept"]);
    let mut alice = Socket::enter(&host, "r", "alice").await;
    alice.put_page(1, "page:lost", "A");
    assert_eq!(push_result(&alice.message().await), Some(&Value::from("commit")));
    assert_eq!(ids(&room).await, ["page:kept", "page:lost"]);
}

#[tokio::test]
async fn commits_of_all_rooms_are_written_together() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let rooms = ["a", "b", "c", "d"].map(|name| host.room(name));
    for room in &rooms {
        in_time(room.snapshot()).await.unwrap();
    }
    control.hold();
    let [first, others @ ..] = &rooms;
    let write_others = async {
        control.held().await;
        let write = join_all(others.iter().map(|room| put(room, "page:a")));
        let release = async {
            settle().await;
            control.release();
        };
        tokio::join!(write, release);
    };
    tokio::join!(put(first, "page:a"), write_others);
    // What came before the storage was held, and all that came while it was.
    let batches = control.batches();
    assert_eq!((batches.iter().sum::<usize>(), batches.len()), (4, 2), "{batches:?}");
}

/// A batch of all rooms was one transaction, and one room that could not be written took the commits of
/// all others with it.
#[tokio::test]
async fn a_room_that_cannot_be_written_loses_nothing_of_others() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let rooms = ["first", "bad", "good"].map(|name| host.room(name));
    for room in &rooms {
        in_time(room.snapshot()).await.unwrap();
    }
    control.fail_room("bad");
    control.hold();
    let put = |room: &RoomHandle, id: &str| {
        let (room, page) = (room.clone(), page(id));
        tokio::spawn(async move { room.transact(move |tx| tx.put(page)).await })
    };
    let [first, bad, good] = &rooms;
    let first = put(first, "page:a");
    control.held().await;
    // All of these are one batch.
    let puts = [put(good, "page:1"), put(bad, "page:b"), put(good, "page:2")];
    settle().await;
    control.release();
    in_time(first).await.unwrap().unwrap();
    let results = in_time(join_all(puts)).await.into_iter().map(|put| put.unwrap().is_ok());
    assert_eq!(results.collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(ids(good).await, ["page:1", "page:2"]);
    assert_eq!(ids(bad).await, [""; 0]);
}

#[tokio::test]
async fn a_room_goes_on_while_storage_is_busy_and_then_writes_all_at_once() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let before = control.batches().len();
    control.hold();
    alice.put_page(1, "page:1", "A");
    control.held().await;
    for clock in 2..=8 {
        alice.put_page(clock, &format!("page:{clock}"), "A");
    }
    settle().await;
    control.release();
    while !alice.message().await.to_string().contains(r#""clientClock":8"#) {}
    let batches = control.batches().split_off(before);
    assert_eq!((batches.iter().sum::<usize>(), batches.len()), (8, 2), "{batches:?}");
}

#[tokio::test]
async fn input_waits_while_too_much_waits_for_storage() {
    let control = Control::default();
    let host = start(&control, |options| options.waiting_actions = 6);
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let before = control.batches().len();
    control.hold();
    for clock in 1..=50 {
        alice.put_page(clock, &format!("page:{clock}"), "A");
    }
    control.held().await;
    settle().await;
    control.release();
    while !alice.message().await.to_string().contains(r#""clientClock":50"#) {}
    let batches = control.batches().split_off(before);
    assert_eq!(batches.iter().sum::<usize>(), 50);
    assert!(batches.iter().all(|commits| *commits <= 6), "{batches:?}");
}

#[tokio::test]
async fn nothing_piles_up_for_a_peer_that_does_not_read() {
    const PUSHES: u64 = 60;
    let control = Control::default();
    let host = start(&control, |options| {
        options.outgoing_bytes = 2000;
        options.room.flush_interval = Duration::ZERO;
    });
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let mut slow = Socket::enter(&host, "r", "slow").await;
    let name = "x".repeat(300);
    for clock in 1..=PUSHES {
        alice.put_page(clock, &format!("page:{clock}"), &name);
        assert!(push_result(&alice.message().await).is_some());
    }
    let (mut messages, mut heard) = (0, 0);
    while heard < PUSHES {
        let message = slow.message().await;
        messages += 1;
        for entry in message.get("data").unwrap().as_array().unwrap().iter() {
            let diff = entry.as_object().unwrap().get("diff").unwrap().as_object().unwrap();
            heard += diff.len() as u64;
        }
    }
    // Those up to the mark, what the transport held, and all the rest in one.
    assert!((2..12).contains(&messages), "{messages}");
}

#[tokio::test]
async fn a_shutdown_closes_everything_and_loses_nothing() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let mut alice = Socket::enter(&host, "r", "alice").await;
    control.hold();
    alice.put_page(1, "page:a", "A");
    control.held().await;
    let shutdown = tokio::spawn({
        let host = host.clone();
        async move { host.shutdown().await }
    });
    settle().await;
    assert!(!control.is_closed());
    control.release();

    assert_eq!(push_result(&alice.message().await), Some(&Value::from("commit")));
    assert_eq!(alice.closed().await, CloseReason::ShuttingDown);
    alice.cut();
    in_time(shutdown).await.unwrap();
    assert!(control.is_closed());
    let mut late = Socket::open(&host, "r", "late");
    assert_eq!(late.closed().await, CloseReason::ShuttingDown);
    assert_eq!(host.room("r").snapshot().await, Err(RoomUnavailable));
}

#[tokio::test]
async fn a_peer_that_never_answers_its_close_is_dropped() {
    let control = Control::default();
    let host = start(&control, |options| options.close_timeout = Duration::from_millis(50));
    let mut mute = Socket::enter(&host, "r", "mute").await;
    in_time(host.shutdown()).await;
    assert_eq!(mute.closed().await, CloseReason::ShuttingDown);
    assert_eq!(mute.next().await, None);
    assert_eq!(in_time(&mut mute.served).await.unwrap(), CloseReason::ShuttingDown);
}

#[tokio::test]
async fn a_full_room_says_so() {
    let control = Control::default();
    let host = start(&control, |options| options.room.limits.sessions = 1);
    let _alice = Socket::enter(&host, "r", "alice").await;
    let mut bob = Socket::open(&host, "r", "bob");
    assert_eq!(bob.closed().await, CloseReason::RoomFull);
    Socket::enter(&host, "other", "bob").await;
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_its_session_alone() {
    let control = Control::default();
    let host = start(&control, |_| {});
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let mut bob = Socket::enter(&host, "r", "bob").await;
    alice.put_page(1, "page:a", "A");
    alice.give(Incoming::TooLong);
    assert!(push_result(&alice.message().await).is_some());
    assert_eq!(alice.closed().await, CloseReason::UnknownError);
    assert!(bob.message().await.to_string().contains("page:a"));
    assert!(bob.is_silent().await);
}

#[tokio::test]
async fn a_connection_whose_future_is_dropped_leaves() {
    let control = Control::default();
    let (events, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let host = start(&control, |options| {
        options.room.reconnect_grace = Duration::ZERO;
        options.on_event = Some(Arc::new(move |room, event| {
            if let RoomEvent::Left { session, .. } = event {
                events.send((room.to_string(), session.to_string())).unwrap();
            }
        }));
    });
    let alice = Socket::enter(&host, "r", "alice").await;
    alice.served.abort();
    assert_eq!(in_time(heard.recv()).await, Some(("r".into(), "alice".into())));
}

#[tokio::test]
async fn a_room_that_cannot_be_opened_turns_its_clients_away_for_now() {
    let control = Control::default();
    let host = start(&control, |_| {});
    put(&host.room("r"), "page:a").await;
    in_time(host.shutdown()).await;

    let host = start(&control, |_| {});
    control.fail_once();
    let mut alice = Socket::open(&host, "r", "alice");
    assert_eq!(alice.closed().await, CloseReason::ShuttingDown);
    control.fail_once();
    assert_eq!(in_time(host.room("r").snapshot()).await, Err(RoomUnavailable));
    assert_eq!(ids(&host.room("r")).await, ["page:a"]);
}

#[tokio::test]
async fn a_room_of_another_schema_turns_its_clients_away_for_good_and_keeps_what_it_has() {
    let control = Control::default();
    let host = start(&control, |_| {});
    // The room adopts a schema that has no sequences.
    Socket::enter(&host, "r", "alice").await;
    put(&host.room("r"), "page:a").await;
    in_time(host.shutdown()).await;

    let schema = Schema::builder().record_type("page", RecordType::new(Scope::Document));
    let schema = Arc::new(schema.sequence("com.example.page", 1).build().unwrap());
    let mut options = HostOptions::default();
    options.linger = Duration::from_millis(50);
    let host = RoomHost::start(control.storage(), schema, options).unwrap();
    let before = control.loads();
    // Whoever comes while it is known does not make it be read again.
    for session in ["alice", "bob"] {
        let mut socket = Socket::open(&host, "r", session);
        assert_eq!(socket.closed().await, CloseReason::UnknownError);
        socket.cut();
    }
    assert_eq!(in_time(host.room("r").snapshot()).await, Err(RoomUnavailable));
    assert_eq!(control.loads(), before + 1);
    until(|| host.open_rooms() == 0).await;
    in_time(host.shutdown()).await;
    assert_eq!(ids(&start(&control, |_| {}).room("r")).await, ["page:a"]);
}

#[tokio::test]
async fn what_a_newer_schema_makes_of_a_room_is_kept_and_made_once() {
    let control = Control::default();
    let start = |schema: SchemaBuilder| {
        let schema = schema.record_type("page", RecordType::new(Scope::Document));
        let schema = Arc::new(schema.build().unwrap());
        RoomHost::start(control.storage(), schema, HostOptions::default()).unwrap()
    };
    let newer = || {
        let color = |page: &mut Object| match page.insert("color", "red") {
            Some(_) => Err(MigrationFailed),
            None => Ok(()),
        };
        let bleach = |page: &mut Object| page.remove("color").map(drop).ok_or(MigrationFailed);
        let color = Migration::reversible_record("pages/1", color, bleach);
        Schema::builder().migrations(MigrationSequence::new("pages").then(color))
    };
    let host = start(Schema::builder());
    put(&host.room("r"), "page:a").await;
    in_time(host.shutdown()).await;

    let host = start(newer());
    // One who says what clients said before there was that sequence.
    let mut alice = Socket::open(&host, "r", "alice");
    alice.send(CONNECT);
    let answer = alice.message().await.to_string();
    assert!(answer.contains("page:a") && !answer.contains("color"), "{answer}");
    let migrated = in_time(host.room("r").snapshot()).await.unwrap();
    assert_eq!(migrated.documents[0].0.get("color"), Some(&Value::from("red")));
    alice.cut();
    in_time(host.shutdown()).await;
    let batches = control.batches();
    assert_eq!(batches.len(), 2);

    let host = start(newer());
    assert_eq!(in_time(host.room("r").snapshot()).await.unwrap(), migrated);
    in_time(host.shutdown()).await;
    assert_eq!(control.batches(), batches);
}

#[tokio::test]
async fn who_may_not_make_a_room_enters_one_that_exists() {
    let control = Control::default();
    let host = start(&control, |options| options.linger = Duration::ZERO);
    let mut guest = Socket::visit(&host, "r", "guest");
    assert_eq!(guest.closed().await, CloseReason::NotFound);
    guest.cut();
    // One who may make it does, and it is enough that he is there.
    let mut alice = Socket::open(&host, "r", "alice");
    let mut guest = Socket::visit(&host, "r", "guest");
    for socket in [&mut alice, &mut guest] {
        socket.send(CONNECT);
        assert_eq!(socket.message().await.get("type"), Some(&Value::from("connect")));
    }
    in_time(host.shutdown()).await;

    // What is kept exists too.
    let host = start(&control, |_| {});
    let mut guest = Socket::visit(&host, "r", "guest");
    guest.send(CONNECT);
    assert_eq!(guest.message().await.get("type"), Some(&Value::from("connect")));
}
