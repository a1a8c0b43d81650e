//! What a host holds for connections at the most, and what it does when its room is held up or
//! falls over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]
#![allow(dead_code, reason = "it uses a part of what tests share")]

mod support;

use futures_util::{StreamExt, stream};
use roomsync::{CloseReason, Hooks, Schema, SendError, SessionParams, Value, Veto};
use roomsync_tokio::{CommandError, HostOptions, Incoming, Outgoing, RoomHost};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{CONNECT, Control, Socket, in_time, settle, until};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const PING: &str = r#"{"type":"ping"}"#;
/// What a small message costs beside its bytes while it waits.
const OVERHEAD: usize = 256;

fn start(control: &Control, set: impl FnOnce(&mut HostOptions)) -> RoomHost {
    let mut options = HostOptions::default();
    set(&mut options);
    RoomHost::start(control.storage(), Arc::new(Schema::tldraw()), options).unwrap()
}

#[tokio::test]
async fn so_many_bytes_wait_for_a_room_that_takes_no_input() {
    let cost = PING.len() + OVERHEAD;
    for (window, waiting) in [(3 * cost, 3), (3 * cost - 1, 2)] {
        let control = Control::default();
        let host = start(&control, |options| {
            options.incoming_bytes = u32::try_from(window).unwrap();
            options.waiting_actions = 1;
        });
        let (sender, incoming) = futures_channel::mpsc::unbounded();
        let (outgoing, mut receiver) = futures_channel::mpsc::channel(8);
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        tokio::spawn(async move {
            let incoming = incoming.inspect(|_| {
                counter.fetch_add(1, Ordering::Relaxed);
            });
            host.connect("r", SessionParams::new("alice"), incoming, outgoing).await
        });
        let say = |text: &str| sender.unbounded_send(Incoming::Message(text.to_owned().into()));
        say(CONNECT).unwrap();
        in_time(receiver.next()).await.unwrap();
        control.hold();
        say(r#"{"type":"push","clientClock":1,"diff":{"page:a":["put",{"id":"page:a","typeName":"page"}]}}"#)
            .unwrap();
        control.held().await;
        settle().await;
        let before = read.load(Ordering::Relaxed);
        for _ in 0..10 {
            say(PING).unwrap();
        }
        settle().await;
        // And the one that is read and finds no place.
        assert_eq!(read.load(Ordering::Relaxed) - before, waiting + 1);
        control.release();
        until(|| read.load(Ordering::Relaxed) - before == 10).await;
    }
}

#[tokio::test]
async fn so_many_bytes_wait_for_a_peer_that_does_not_read() {
    let length = r#"{"type":"custom","data":"x"}"#.len();
    for (most, sent) in [(3 * length, 4), (3 * length - 1, 3)] {
        let control = Control::default();
        let host = start(&control, |options| options.outgoing_bytes = most);
        let mut alice = Socket::enter(&host, "r", "alice").await;
        let room = host.room("r");
        let connection = room.with(|room, _| room.sessions().next().unwrap().connection.unwrap());
        let connection = in_time(connection).await.unwrap();
        let send = async || {
            let sent = in_time(room.send_custom(connection, Value::from("x"))).await;
            settle().await;
            sent
        };
        // The transport takes one, which is not the host's any more.
        send().await.unwrap();
        for _ in 0..sent {
            send().await.unwrap();
        }
        assert_eq!(send().await, Err(CommandError::Refused(SendError::NotWritable)));
        // Once enough is read it goes on.
        for _ in 0..=sent {
            alice.message().await;
        }
        settle().await;
        send().await.unwrap();
    }
}

/// Time was told before what had arrived, so that a process that was held up took everybody for silent.
#[tokio::test]
async fn nobody_is_silent_while_nobody_listens() {
    let control = Control::default();
    let host = start(&control, |options| {
        options.room.idle_timeout = Some(Duration::from_millis(300));
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut alice = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let (outgoing, mut receiver) = futures_channel::mpsc::channel(8);
    // Each byte is a message.
    let incoming = stream::unfold(socket, |mut socket| async move {
        let text = if socket.read_u8().await.ok()? == b'c' { CONNECT } else { PING };
        Some((Incoming::Message(text.into()), socket))
    });
    tokio::spawn(async move {
        host.connect("r", SessionParams::new("alice"), Box::pin(incoming), outgoing).await
    });
    alice.write_all(b"c").unwrap();
    in_time(receiver.next()).await.unwrap();
    settle().await;
    // This thread is that of the host.
    alice.write_all(b"p").unwrap();
    std::thread::sleep(Duration::from_millis(600));
    let next = in_time(receiver.next()).await.unwrap();
    assert!(
        matches!(&next, Outgoing::Frame(frame) if frame.to_text().unwrap().contains("pong")),
        "{next:?}"
    );
}

#[tokio::test]
async fn nobody_is_silent_while_the_storage_is_held_up() {
    let control = Control::default();
    let host = start(&control, |options| {
        options.room.idle_timeout = Some(Duration::from_millis(200));
        options.waiting_actions = 1;
    });
    let mut alice = Socket::enter(&host, "r", "alice").await;
    control.hold();
    alice.put_page(1, "page:a", "A");
    control.held().await;
    alice.send(PING);
    tokio::time::sleep(Duration::from_millis(500)).await;
    control.release();
    while alice.message().await.get("type") != Some(&Value::from("pong")) {}
}

/// A panic is no veto: the room falls over, and comes back as it was kept.
#[tokio::test]
async fn a_room_whose_hook_panics_is_opened_anew_and_its_clients_may_come_back() {
    let control = Control::default();
    let host = start(&control, |options| {
        options.room.hooks = Hooks::default().check_push(|_, push| {
            let is_bad = push.diff.is_some_and(|diff| diff.get("page:bad").is_some());
            if is_bad { panic!("a fault in the host") } else { Ok::<(), Veto>(()) }
        });
    });
    let mut alice = Socket::enter(&host, "r", "alice").await;
    let mut bob = Socket::enter(&host, "r", "bob").await;
    let mut other = Socket::enter(&host, "other", "carol").await;
    alice.put_page(1, "page:a", "A");
    alice.message().await;
    alice.put_page(2, "page:bad", "A");
    for socket in [&mut alice, &mut bob] {
        assert_eq!(socket.closed().await, CloseReason::ShuttingDown);
    }
    until(|| host.open_rooms() == 1).await;
    let _alice = Socket::enter(&host, "r", "alice").await;
    let snapshot = in_time(host.room("r").snapshot()).await.unwrap();
    assert_eq!(snapshot.documents.len(), 1);
    // Nobody else notices.
    other.put_page(1, "page:a", "A");
    other.message().await;
    in_time(host.shutdown()).await;
}
