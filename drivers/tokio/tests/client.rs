//! What a client promises, over real sockets that break.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

mod server;

use futures_util::StreamExt;
use roomsync::{
    ClientEvent, CloseReason, Codec, Object, Query, RecordChange, Source, Status, TransactError,
    Transaction,
};
use roomsync_tokio::{Client, ClientOptions, Events, Missed};
use server::{Binary, Server, in_time, note, record, schema};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{self, Message};

/// Waits for an event that fits.
async fn event(events: &mut Events, fits: impl Fn(&ClientEvent) -> bool) -> ClientEvent {
    in_time(async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if fits(&event) {
                return event;
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_one_does_the_other_sees() {
    let server = Server::start(|_| {}).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    in_time(bob.online()).await.unwrap();
    let mut heard = bob.subscribe();

    alice.transact(|tx| tx.put(note("note:a"))).unwrap();
    alice.transact(|tx| tx.put(record(r#"{"id":"view:a","typeName":"view"}"#))).unwrap();
    in_time(alice.synced()).await.unwrap();
    let changed = event(&mut heard, |event| matches!(event, ClientEvent::Changed { .. })).await;
    let ClientEvent::Changed { source, changes } = changed else { panic!("{changed:?}") };
    assert_eq!((source, changes.len()), (Source::Remote, 1));
    assert_eq!(bob.record("note:a"), Some(note("note:a")));
    assert_eq!(bob.records().len(), 1);
    assert_eq!(server.record("note:a").await, Some(note("note:a")));

    alice.set_presence(Some(record(r#"{"id":"cursor:x","typeName":"cursor","x":1}"#))).unwrap();
    event(&mut heard, |event| matches!(event, ClientEvent::Presence(_))).await;
    assert_eq!(bob.presence().len(), 1);
}

#[tokio::test]
async fn clients_of_both_codecs_meet_in_one_room() {
    let server = Server::start(|_| {}).await;
    let text = server.client("text");
    in_time(text.online()).await.unwrap();
    text.transact(|tx| tx.put(note("note:t"))).unwrap();
    in_time(text.synced()).await.unwrap();
    let counts = || {
        let Binary { to_host, to_clients } = &*server.binary;
        [to_host, to_clients].map(|count| count.load(Ordering::Relaxed))
    };
    assert_eq!(counts(), [0, 0]);

    let mut options = ClientOptions::new("binary", schema());
    options.config.codec = Codec::Postcard;
    let binary = Client::connect(&server.url, options).unwrap();
    in_time(binary.online()).await.unwrap();
    assert_eq!(binary.record("note:t"), Some(note("note:t")));
    let mut heard = text.subscribe();
    binary.transact(|tx| tx.put(note("note:b"))).unwrap();
    in_time(binary.synced()).await.unwrap();
    event(&mut heard, |event| matches!(event, ClientEvent::Changed { .. })).await;
    assert_eq!(text.record("note:b"), Some(note("note:b")));
    // The push, and the answers to it and to the request to be let in.
    assert_eq!(counts(), [1, 2]);
}

#[tokio::test]
async fn what_is_done_while_the_connection_is_cut_arrives() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    let mut heard = alice.subscribe();
    server.cut();
    event(&mut heard, |event| *event == ClientEvent::Status(Status::Offline)).await;
    alice.transact(|tx| tx.put(note("note:offline"))).unwrap();
    assert!(!alice.is_settled());
    in_time(alice.synced()).await.unwrap();
    assert_eq!(alice.status(), Status::Online);
    assert!(server.record("note:offline").await.is_some());
}

#[tokio::test]
async fn a_client_that_the_room_refuses_stops() {
    let server = Server::start(|options| options.room.limits.sessions = 1).await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    let bob = server.client("bob");
    bob.transact(|tx| tx.put(note("note:b"))).unwrap();
    let refused = Status::Refused(CloseReason::RoomFull);
    assert_eq!(in_time(bob.online()).await, Err(refused.clone()));
    assert_eq!(in_time(bob.synced()).await, Err(refused));
    assert_eq!(bob.record("note:b"), Some(note("note:b")));
    in_time(bob.close()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_refused_for_its_changes_is_let_in_once_it_discards_them() {
    let server = Server::start(|options| options.room.limits.id_bytes = 6).await;
    let alice = server.client("alice");
    alice.transact(|tx| tx.put(note("note:long"))).unwrap();
    let refused = Status::Refused(CloseReason::InvalidRecord);
    assert_eq!(in_time(alice.synced()).await, Err(refused));
    alice.discard_unconfirmed();
    in_time(alice.online()).await.unwrap();
    assert_eq!(alice.records().len(), 0);
    alice.transact(|tx| tx.put(note("note:a"))).unwrap();
    in_time(alice.synced()).await.unwrap();
    assert!(server.record("note:a").await.is_some());
}

#[tokio::test]
async fn a_client_pushes_what_is_unsent_before_it_closes() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    for number in 0..20 {
        alice.transact(|tx| tx.put(note(&format!("note:{number}")))).unwrap();
    }
    in_time(alice.close()).await.unwrap();
    assert_eq!(alice.status(), Status::Closed);
    assert!(server.record("note:19").await.is_some());
    // And once more does no harm.
    in_time(alice.close()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_connected_closes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/plans", listener.local_addr().unwrap());
    let client = Client::connect(&url, ClientOptions::new("alice", schema())).unwrap();
    in_time(client.close()).await.unwrap();
    assert_eq!(in_time(client.online()).await, Err(Status::Closed));
}

#[tokio::test]
async fn the_last_handle_closes_the_client() {
    let server = Server::start(|options| {
        options.linger = Duration::ZERO;
        options.room.reconnect_grace = Duration::ZERO;
        options.room.idle_timeout = None;
    })
    .await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    let other_handle = alice.clone();
    drop(alice);
    other_handle.transact(|tx| tx.put(note("note:a"))).unwrap();
    in_time(other_handle.synced()).await.unwrap();
    drop(other_handle);
    in_time(async {
        while server.host.open_rooms() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_closes_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/plans", listener.local_addr().unwrap());
    let client = Client::connect(&url, ClientOptions::new("alice", schema())).unwrap();
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    assert!(in_time(socket.next()).await.unwrap().unwrap().is_text());
    let closed = tokio::spawn(async move { client.close().await.is_ok() });
    let Some(Ok(Message::Close(Some(close)))) = in_time(socket.next()).await else {
        panic!("expected a close")
    };
    assert_eq!(close.reason.as_str(), CloseReason::Closed.text());
    assert!(in_time(socket.next()).await.is_none());
    assert!(in_time(closed).await.unwrap());
}

#[tokio::test]
async fn each_client_has_an_id_of_its_own_and_its_pushes_are_counted() {
    let server = Server::start(|_| ()).await;
    let ids = ["a", "b"].map(|name| ClientOptions::new(name, schema()).config.client_id.unwrap());
    assert_ne!(ids[0], ids[1]);
    let client = server.client("a");
    client.transact(|tx| tx.put(note("note:a"))).unwrap();
    in_time(client.synced()).await.unwrap();
    let room = server.host.room("plans");
    let counted = in_time(room.with(|room, _| room.snapshot().applied_pushes)).await;
    assert_eq!(counted.unwrap().len(), 1);
}

fn set(tx: &mut Transaction<'_>, id: &str, done: bool) -> Result<(), TransactError> {
    tx.update(id, |note| drop(note.insert("done", done)))
}

fn ids(live: &roomsync_tokio::LiveQuery) -> Vec<String> {
    live.results().iter().map(|(id, _)| id.to_string()).collect()
}

#[tokio::test]
async fn a_live_query_shows_what_others_do_and_ends_with_the_client() {
    let server = Server::start(|_| {}).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    in_time(bob.online()).await.unwrap();
    let mut open = bob.live(Query::of("note").eq("done", false));
    assert!(open.results().is_empty());
    for id in ["note:b", "note:a"] {
        alice.transact(|tx| tx.put(note(id))).unwrap();
        alice.transact(|tx| set(tx, id, false)).unwrap();
    }
    while open.results().len() < 2 {
        in_time(open.next()).await.unwrap();
    }
    assert_eq!(ids(&open), ["note:a", "note:b"]);
    alice.transact(|tx| set(tx, "note:b", true)).unwrap();
    let changes = in_time(open.next()).await.unwrap();
    assert!(matches!(&*changes, [RecordChange { after: None, .. }]));
    assert_eq!(ids(&open), ["note:a"]);
    assert_eq!(bob.query(&Query::of("note")).len(), 2);
    in_time(bob.close()).await.unwrap();
    assert_eq!(in_time(open.next()).await, None);
}

#[tokio::test]
async fn a_slow_live_query_is_told_of_many_changes_as_of_one() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    let mut all = alice.live(Query::of("note"));
    alice.transact(|tx| tx.put(note("note:gone"))).unwrap();
    for number in 0..100 {
        let counted = record(&format!(r#"{{"id":"note:a","typeName":"note","n":{number}}}"#));
        alice.transact(|tx| tx.put(counted)).unwrap();
        tokio::task::yield_now().await;
    }
    alice.transact(|tx| tx.remove("note:gone")).unwrap();
    in_time(alice.synced()).await.unwrap();
    let changes = in_time(all.next()).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].after, alice.record("note:a"));
    assert_eq!((&changes[0].before, ids(&all)), (&None, vec!["note:a".to_owned()]));
}

#[tokio::test]
async fn who_listens_too_slowly_is_told_what_was_missed_and_holds_nobody_up() {
    let server = Server::start(|_| {}).await;
    let mut options = ClientOptions::new("alice", schema());
    options.event_capacity = 4;
    let alice = Client::connect(&server.url, options).unwrap();
    let mut slow = alice.subscribe();
    for number in 0..50 {
        alice.transact(|tx| tx.put(note(&format!("note:{number}")))).unwrap();
        tokio::task::yield_now().await;
    }
    in_time(alice.synced()).await.unwrap();
    assert!(matches!(in_time(slow.next()).await, Some(Err(Missed(40..)))));
    assert!(in_time(slow.next()).await.unwrap().is_ok());
}

#[tokio::test]
async fn events_end_with_the_client_though_a_handle_is_left() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    let (handle, events) = (alice.clone(), alice.subscribe());
    let listening = tokio::spawn(async move {
        let events: Vec<_> = events.collect().await;
        drop(handle);
        events.last().cloned()
    });
    in_time(alice.online()).await.unwrap();
    in_time(alice.close()).await.unwrap();
    let last = in_time(listening).await.unwrap();
    assert_eq!(last, Some(Ok(ClientEvent::Status(Status::Closed))));
    assert_eq!(in_time(alice.subscribe().next()).await, None);
}

#[tokio::test]
async fn each_attempt_to_connect_is_prepared_anew() {
    let server = Server::start(|_| {}).await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let options = ClientOptions::new("alice", schema()).with_before_dial(move |request| {
        let attempt = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            // The first time there is no token to be had.
            if attempt == 0 { Err("no token".into()) } else { Ok(request) }
        }
    });
    let alice = Client::connect(&server.url, options).unwrap();
    in_time(alice.online()).await.unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    let mut heard = alice.subscribe();
    server.cut();
    event(&mut heard, |event| *event == ClientEvent::Status(Status::Online)).await;
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn synced_waits_for_what_was_done_so_far_and_not_for_what_comes() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    let other = alice.clone();
    let busy = tokio::spawn(async move {
        for number in 0.. {
            let busy = record(&format!(r#"{{"id":"note:busy","typeName":"note","n":{number}}}"#));
            other.transact(|tx| tx.put(busy)).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    alice.transact(|tx| tx.put(note("note:a"))).unwrap();
    in_time(alice.synced()).await.unwrap();
    assert!(server.record("note:a").await.is_some());
    busy.abort();
}

#[tokio::test]
async fn one_takes_back_what_one_did_and_not_what_others_did() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    alice.transact(|tx| tx.put(note("note:a"))).unwrap();
    in_time(alice.synced()).await.unwrap();
    let bob = server.client("bob");
    in_time(bob.online()).await.unwrap();
    let mark = alice.undo_mark();
    for done in [true, false, true] {
        alice.transact(|tx| set(tx, "note:a", done)).unwrap();
    }
    alice.squash_to(mark);
    assert!(alice.can_undo() && !alice.can_redo());
    bob.transact(|tx| tx.update("note:a", |note| drop(note.insert("by", "bob")))).unwrap();
    in_time(bob.synced()).await.unwrap();
    let by_bob = record(r#"{"id":"note:a","typeName":"note","by":"bob"}"#);
    let mut heard = alice.subscribe();
    while alice.record("note:a").unwrap().get("by").is_none() {
        in_time(heard.next()).await.unwrap().unwrap();
    }
    assert!(alice.undo());
    in_time(alice.synced()).await.unwrap();
    assert_eq!(server.record("note:a").await, Some(by_bob));
    assert!(alice.redo() && !alice.can_redo());
}

/// A room that answers pings a while after they have come. Returns its address.
fn slow_room(pinged: Arc<AtomicUsize>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/plans", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        while let Ok(message) = socket.read() {
            let Ok(message) = message.to_text().unwrap().parse::<Object>() else { break };
            let answer = if message.get("type") == Some(&"ping".into()) {
                pinged.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
                r#"{"type":"pong"}"#.to_owned()
            } else {
                let (request, schema) =
                    (message.get("connectRequestId").unwrap(), message.get("schema").unwrap());
                format!(
                    r#"{{"type":"connect","connectRequestId":{request},"hydrationType":"wipe_all",
                    "protocolVersion":8,"schema":{schema},"diff":{{}},"serverClock":0,
                    "isReadonly":false}}"#
                )
            };
            socket.send(Message::text(answer)).unwrap();
        }
    });
    url
}

/// Time was told before what had arrived, so that a program that was held up took its room for gone.
#[tokio::test]
async fn the_room_is_not_silent_while_nobody_listens() {
    let pinged = Arc::<AtomicUsize>::default();
    let url = slow_room(Arc::clone(&pinged));
    let mut options = ClientOptions::new("alice", schema());
    options.config.ping_interval = Duration::from_millis(50);
    options.config.health_timeout = Duration::from_millis(300);
    let client = Client::connect(&url, options).unwrap();
    in_time(client.online()).await.unwrap();
    in_time(async {
        while pinged.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // This thread is that of the client. The answer comes meanwhile.
    std::thread::sleep(Duration::from_millis(600));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(client.status(), Status::Online);
}
