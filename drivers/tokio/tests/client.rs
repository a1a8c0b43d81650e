//! What a client promises, over real sockets that break.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

use futures_util::{SinkExt, StreamExt};
use roomsync::{
    ClientEvent, CloseReason, Codec, Object, RecordType, Schema, Scope, SessionParams, Source,
    Status,
};
use roomsync_tokio::{
    Client, ClientOptions, HostOptions, Incoming, MemoryStorage, Outgoing, RoomHost,
};
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// A host behind a socket: all that a server needs.
struct Server {
    host: RoomHost,
    url: String,
    connections: Arc<Mutex<JoinSet<()>>>,
    binary: Arc<Binary>,
}

/// How many binary messages there were so far.
#[derive(Default)]
struct Binary {
    to_host: AtomicUsize,
    to_clients: AtomicUsize,
}

impl Server {
    async fn start(set: impl FnOnce(&mut HostOptions)) -> Self {
        let mut options = HostOptions::default();
        set(&mut options);
        let host = RoomHost::start(MemoryStorage::default(), schema(), options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/plans", listener.local_addr().unwrap());
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let (serving, accepted) = (host.clone(), Arc::clone(&connections));
        let binary = Arc::<Binary>::default();
        let counts = Arc::clone(&binary);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.lock().unwrap().spawn(serve(serving.clone(), stream, Arc::clone(&counts)));
            }
        });
        Self { host, url, connections, binary }
    }

    fn client(&self, session: &str) -> Client {
        Client::connect(&self.url, ClientOptions::new(session, schema())).unwrap()
    }

    /// All connections break, without a closing handshake.
    fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }

    async fn record(&self, id: &str) -> Option<Object> {
        let (room, id) = (self.host.room("plans"), id.to_owned());
        in_time(room.with(move |room, _| room.record(&id).cloned())).await.unwrap()
    }
}

async fn serve(host: RoomHost, stream: TcpStream, binary: Arc<Binary>) {
    let mut query = String::new();
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    let (sink, stream) = accept_hdr_async(stream, note).await.unwrap().split();
    let session = query.strip_prefix("sessionId=").unwrap();
    let incoming = stream.take_while(|message| ready(message.is_ok())).filter_map(|message| {
        let message = message.ok().filter(|it| it.is_text() || it.is_binary());
        let is_binary = message.as_ref().is_some_and(Message::is_binary);
        binary.to_host.fetch_add(is_binary.into(), Ordering::Relaxed);
        ready(message.map(|message| Incoming::Message(message.into_data())))
    });
    let outgoing = sink.with(|outgoing| {
        ready(Ok::<_, Error>(match outgoing {
            Outgoing::Frame(frame) if frame.is_binary() => {
                binary.to_clients.fetch_add(1, Ordering::Relaxed);
                Message::Binary(frame.into())
            }
            Outgoing::Frame(frame) => Message::text(frame.as_text().unwrap()),
            Outgoing::Close(reason) => Message::Close(Some(CloseFrame {
                code: reason.code().into(),
                reason: Utf8Bytes::from(reason.text()),
            })),
        }))
    });
    host.connect("plans", SessionParams::new(session), incoming, outgoing).await;
}

fn schema() -> Arc<Schema> {
    let builder = Schema::builder()
        .record_type("note", RecordType::new(Scope::Document))
        .record_type("cursor", RecordType::new(Scope::Presence))
        .record_type("view", RecordType::new(Scope::Session));
    Arc::new(builder.sequence("com.example.note", 1).build().unwrap())
}

fn record(json: &str) -> Object {
    json.parse().unwrap()
}

fn note(id: &str) -> Object {
    record(&format!(r#"{{"id":"{id}","typeName":"note"}}"#))
}

/// Waits for what comes soon, or the test has failed.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took too long")
}

/// Waits for an event that fits.
async fn event(
    events: &mut tokio::sync::broadcast::Receiver<ClientEvent>,
    fits: impl Fn(&ClientEvent) -> bool,
) -> ClientEvent {
    in_time(async {
        loop {
            let event = events.recv().await.unwrap();
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
    in_time(bob.close()).await;
}

#[tokio::test]
async fn a_client_pushes_what_is_unsent_before_it_closes() {
    let server = Server::start(|_| {}).await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    for number in 0..20 {
        alice.transact(|tx| tx.put(note(&format!("note:{number}")))).unwrap();
    }
    in_time(alice.close()).await;
    assert_eq!(alice.status(), Status::Closed);
    assert!(server.record("note:19").await.is_some());
    // And once more does no harm.
    in_time(alice.close()).await;
}

#[tokio::test]
async fn a_client_that_never_connected_closes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/plans", listener.local_addr().unwrap());
    let client = Client::connect(&url, ClientOptions::new("alice", schema())).unwrap();
    in_time(client.close()).await;
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
    let closed = tokio::spawn(async move { client.close().await });
    let Some(Ok(Message::Close(Some(close)))) = in_time(socket.next()).await else {
        panic!("expected a close")
    };
    assert_eq!(close.reason.as_str(), CloseReason::Closed.text());
    assert!(in_time(socket.next()).await.is_none());
    in_time(closed).await.unwrap();
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
