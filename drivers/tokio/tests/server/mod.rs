//! A server without an HTTP framework, and what tests of clients say to it.
#![allow(dead_code, reason = "each program of tests needs a part of it")]

use futures_util::{SinkExt, StreamExt};
use roomsync::{Object, RecordType, Schema, Scope, SessionParams};
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
pub(crate) struct Server {
    pub(crate) host: RoomHost,
    pub(crate) url: String,
    connections: Arc<Mutex<JoinSet<()>>>,
    pub(crate) binary: Arc<Binary>,
}

/// How many binary messages there were so far.
#[derive(Default)]
pub(crate) struct Binary {
    pub(crate) to_host: AtomicUsize,
    pub(crate) to_clients: AtomicUsize,
}

impl Server {
    pub(crate) async fn start(set: impl FnOnce(&mut HostOptions)) -> Self {
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

    pub(crate) fn client(&self, session: &str) -> Client {
        Client::connect(&self.url, ClientOptions::new(session, schema())).unwrap()
    }

    /// All connections break, without a closing handshake.
    pub(crate) fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }

    pub(crate) async fn record(&self, id: &str) -> Option<Object> {
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
            Outgoing::Frame(frame) => Message::text(frame.to_text().unwrap().as_ref()),
            Outgoing::Close(reason) => Message::Close(Some(CloseFrame {
                code: reason.code().into(),
                reason: Utf8Bytes::from(reason.text()),
            })),
        }))
    });
    host.connect("plans", SessionParams::new(session), incoming, outgoing).await;
}

pub(crate) fn schema() -> Arc<Schema> {
    let builder = Schema::builder()
        .record_type("note", RecordType::new(Scope::Document))
        .record_type("cursor", RecordType::new(Scope::Presence))
        .record_type("view", RecordType::new(Scope::Session));
    Arc::new(builder.sequence("com.example.note", 1).build().unwrap())
}

pub(crate) fn record(json: &str) -> Object {
    json.parse().unwrap()
}

pub(crate) fn note(id: &str) -> Object {
    record(&format!(r#"{{"id":"{id}","typeName":"note"}}"#))
}

/// Waits for what comes soon, or the test has failed.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took too long")
}
