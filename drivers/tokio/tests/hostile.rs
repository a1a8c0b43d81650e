//! A thousand hostile sessions beside two honest clients: the honest ones converge, and what all of it
//! takes in memory is bounded by the limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod attack;

use attack::Attack;
use futures_util::{SinkExt, StreamExt, stream};
use peak_alloc::PeakAlloc;
use roomsync::{CloseReason, Object, Rate, RecordId, RecordType, Schema, Scope, SessionParams};
use roomsync_tokio::{
    Client, ClientOptions, HostOptions, Incoming, MemoryStorage, Outgoing, RoomHost,
};
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::iter;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Fragment;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const HOSTILE: usize = 1000;
/// What each of the two writes while it goes on.
const EDITS: usize = 60;
const PATIENCE: Duration = Duration::from_secs(120);

const MESSAGE_BYTES: usize = 8 << 10;
const PRESENCE_BYTES: usize = 2 << 10;
const LOG_BYTES: usize = 256 << 10;
const OUTGOING_BYTES: usize = 16 << 10;
/// Of one WebSocket: what it reads at once, what it writes at once, and what is between its ends.
const SOCKET_BUFFER: usize = 4 << 10;

/// What a value takes in memory for each byte of its JSON, at most: `[0,0,…]`.
const VALUE: usize = 16;
/// Tasks, channels, tables, and what an allocator rounds up.
const SESSION_OVERHEAD: usize = 24 << 10;

/// Records that are there before, as large as so many messages, and what they take. They stand
/// before all others, so that what newcomers are told of them never changes.
const FILLING: usize = 128;
const FILLING_BYTES: usize = 16 << 10;

/// The most that all may take together, in a room whose further documents are that many bytes of
/// JSON.
fn bound(documents: usize) -> usize {
    let socket = 3 * SOCKET_BUFFER + MESSAGE_BYTES;
    // A window of input, what is put together of pieces, a presence; what waits to be sent, without
    // what newcomers are told of the filling, which is many times as much and not each one's own.
    let session = MESSAGE_BYTES + MESSAGE_BYTES + VALUE / 8 * PRESENCE_BYTES + OUTGOING_BYTES;
    let sessions = (HOSTILE + 2) * (socket + session + SESSION_OVERHEAD);
    // The documents in the room, in the storage and with both clients, and as a hydration.
    let room = 4 * VALUE * documents + 4 * documents + 2 * LOG_BYTES;
    let room = room + 4 * FILLING * FILLING_BYTES;
    sessions + room
}

fn options() -> HostOptions {
    let mut options = HostOptions::default();
    options.room.limits.sessions = HOSTILE + 2;
    options.room.limits.message_bytes = MESSAGE_BYTES;
    options.room.limits.presence_bytes = PRESENCE_BYTES;
    options.room.limits.log_bytes = LOG_BYTES;
    options.room.rates.messages = Some(Rate { per_second: 10, burst: 450 });
    options.room.start_timeout = Duration::from_secs(3);
    options.room.reconnect_grace = Duration::from_secs(1);
    options.outgoing_bytes = OUTGOING_BYTES;
    options.incoming_bytes = u32::try_from(MESSAGE_BYTES).unwrap();
    options.close_timeout = Duration::from_secs(1);
    options
}

fn schema() -> Arc<Schema> {
    let builder = Schema::builder()
        .record_type("note", RecordType::new(Scope::Document))
        .record_type("cursor", RecordType::new(Scope::Presence));
    Arc::new(builder.sequence("com.example.note", 1).build().unwrap())
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(SOCKET_BUFFER)
        .write_buffer_size(SOCKET_BUFFER)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
}

/// Serves a WebSocket as a server does.
async fn serve<S>(host: RoomHost, session: String, socket: WebSocketStream<S>) -> CloseReason
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sink, stream) = socket.split();
    let incoming = stream.take_while(|message| ready(message.is_ok())).filter_map(|message| {
        let data = message.ok().filter(|it| it.is_text() || it.is_binary());
        ready(data.map(|message| Incoming::Message(message.into_data())))
    });
    let outgoing = sink.with_flat_map(|outgoing| stream::iter(messages(outgoing).map(Ok)));
    host.connect("plans", SessionParams::new(session), incoming, outgoing).await
}

fn messages(outgoing: Outgoing) -> Box<dyn Iterator<Item = Message> + Send> {
    let frame = match outgoing {
        Outgoing::Frame(frame) => frame,
        Outgoing::Close(reason) => {
            let (code, reason) = (reason.code().into(), Utf8Bytes::from(reason.text()));
            return Box::new(iter::once(Message::Close(Some(CloseFrame { code, reason }))));
        }
    };
    let mut kind = Data::Text;
    let mut pieces = frame.pieces(SOCKET_BUFFER).peekable();
    Box::new(iter::from_fn(move || {
        let piece = pieces.next()?;
        let kind = OpCode::Data(std::mem::replace(&mut kind, Data::Continue));
        Some(Message::Frame(Fragment::message(piece, kind, pieces.peek().is_none())))
    }))
}

/// Where honest clients connect. Returns the address.
async fn listen(host: RoomHost) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/plans", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut session = String::new();
            #[allow(clippy::result_large_err, reason = "the signature is the library's")]
            let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                let query = request.uri().query().unwrap_or_default();
                session = query.trim_start_matches("sessionId=").to_owned();
                Ok(response)
            };
            let socket = accept_hdr_async_with_config(stream, note, Some(config())).await.unwrap();
            tokio::spawn(serve(host.clone(), session, socket));
        }
    });
    url
}

fn note(id: &str, text: &str) -> Object {
    let json = format!(r#"{{"id":"note:{id}","typeName":"note","text":"{text}"}}"#);
    json.parse().unwrap()
}

/// Writes while it goes on, some of it where the other does.
async fn edit(client: &Client, name: &str) {
    for round in 0..EDITS {
        let own = note(&format!("{name}-{round}"), name);
        let shared = note(&format!("shared-{}", round % 7), &format!("{name} {round}"));
        client.transact(|tx| tx.put(own).and_then(|()| tx.put(shared))).unwrap();
        sleep(Duration::from_millis(30)).await;
    }
}

async fn documents(host: &RoomHost) -> BTreeMap<RecordId, Object> {
    let room = host.room("plans");
    let copy = room
        .with(|room, _| room.records().map(|(id, record)| (id.clone(), record.clone())).collect());
    timeout(PATIENCE, copy).await.unwrap().unwrap()
}

async fn until(mut holds: impl AsyncFnMut() -> bool, what: &str) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn honest_clients_converge_among_a_thousand_hostile_ones_in_bounded_memory() {
    let host = RoomHost::start(MemoryStorage::default(), schema(), options()).unwrap();
    let url = listen(host.clone()).await;
    let honest = ["alice", "bob"]
        .map(|name| Client::connect(&url, ClientOptions::new(name, schema())).unwrap());
    let [alice, bob] = &honest;
    for client in &honest {
        timeout(PATIENCE, client.online()).await.unwrap().unwrap();
    }
    // Something to be sent to everybody who comes.
    let plans = host.room("plans");
    let fill = plans.transact(|tx| {
        (0..FILLING)
            .try_for_each(|number| tx.put(note(&format!("0-{number}"), &"x".repeat(FILLING_BYTES))))
    });
    timeout(PATIENCE, fill).await.unwrap().unwrap();
    let has_all = async || honest.iter().all(|client| client.records().len() == FILLING);
    until(has_all, "they do not hear of it").await;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();

    let ended = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let mut attackers = JoinSet::new();
    for number in 0..HOSTILE {
        let (theirs, ours) = duplex(SOCKET_BUFFER);
        let (host, ended) = (host.clone(), Arc::clone(&ended));
        let attack = Attack::new(number);
        let session = attack.session();
        tokio::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(ours, Role::Server, Some(config()));
            let reason = serve(host, session, socket.await).await;
            *ended.lock().unwrap().entry(reason.text().to_owned()).or_default() += 1;
        });
        attackers.spawn(attack.run(theirs));
    }
    tokio::join!(edit(alice, "alice"), edit(bob, "bob"));
    for client in &honest {
        timeout(PATIENCE, client.synced()).await.unwrap().unwrap();
    }
    // All have done what they came for.
    let done = async { while attackers.join_next().await.is_some() {} };
    timeout(PATIENCE, done).await.unwrap();
    until(async || ended.lock().unwrap().values().sum::<usize>() == HOSTILE, "they stay").await;
    let all: usize = documents(&host).await.values().map(|it| it.to_string().len()).sum();
    let json = all - FILLING * FILLING_BYTES;
    let (peak, most) = (MEMORY.peak_usage().saturating_sub(before), bound(json));
    println!("{} KiB at the most, of {} KiB", peak >> 10, most >> 10);
    assert!(peak <= most, "{peak} bytes, and no more than {most} are allowed");

    let converged = async || {
        let room = documents(&host).await;
        honest.iter().all(|client| client.records().into_iter().eq(room.clone()))
    };
    until(converged, "they do not converge").await;
    let room = documents(&host).await;
    for name in ["alice", "bob"] {
        for round in 0..EDITS {
            let id = format!("note:{name}-{round}");
            assert!(room.contains_key(id.as_str()), "{id} is lost");
        }
    }
    // Nothing of theirs is there that was not let in.
    for (id, record) in &room {
        assert_eq!(record.get("typeName").and_then(|it| it.as_str()), Some("note"), "{id}");
        assert!(record.get("__proto__").is_none(), "{id}");
    }

    let reasons: BTreeSet<String> = ended.lock().unwrap().keys().cloned().collect();
    for reason in [
        "BAD_CHUNK",
        "DISCONNECTED",
        "INVALID_RECORD",
        "RATE_LIMITED",
        "REPLACED",
        "START_TIMEOUT",
        "UNKNOWN_ERROR",
    ] {
        assert!(reasons.contains(reason), "nobody was closed with {reason}: {reasons:?}");
    }
    // What they took is given back, but for what newcomers would be told.
    let sessions = async || host.room("plans").with(|room, _| room.session_count()).await.unwrap();
    until(async || sessions().await == 2, "their sessions stay").await;
    let left = MEMORY.current_usage().saturating_sub(before);
    let most = bound(json) / 10 + FILLING * FILLING_BYTES;
    assert!(left <= most, "{left} bytes are still held");
}
