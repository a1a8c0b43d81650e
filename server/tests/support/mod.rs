//! The server as a process, and peers that talk to it over real sockets.
#![allow(dead_code, reason = "each test program uses a part of it")]

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async, connect_async_with_config,
};

pub(crate) const TOKEN: &str = "secret";

/// A folder with a database, and the server that has it open, if any.
pub(crate) struct Server {
    folder: TempDir,
    process: Option<Child>,
    address: String,
    /// Where it serves metrics, if it does.
    metrics: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with an admin token and these further flags.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let mut server = Self::stopped();
        server.restart_with(flags).await;
        server
    }

    /// A folder with nothing in it.
    pub(crate) fn stopped() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, process: None, address: String::new(), metrics: String::new() }
    }

    pub(crate) async fn restart(&mut self) {
        self.restart_with(&[]).await;
    }

    pub(crate) async fn restart_with(&mut self, flags: &[&str]) {
        let mut command = command(&self.data(), flags);
        let log = fs::File::create(self.folder().join("log")).unwrap();
        command.env("ROOMSYNC_ADMIN_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = async || -> String {
            let line = in_time(lines.next_line()).await.unwrap().expect("an address");
            line.split_once("http://").expect("an address").1.to_owned()
        };
        self.address = address().await;
        if flags.contains(&"--metrics-listen") {
            self.metrics = address().await.trim_end_matches("/metrics").to_owned();
        }
        self.process = Some(process);
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("rooms.db")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has logged since it was started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap()
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// SIGKILL: nothing can be tidied up.
    pub(crate) async fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().await.unwrap();
    }

    /// SIGTERM. Returns the exit code.
    #[cfg(unix)]
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        let mut process = self.process.take().unwrap();
        let id = process.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(killed.success());
        in_time(process.wait()).await.unwrap().code()
    }

    /// What Prometheus reads.
    pub(crate) async fn metrics(&self) -> Response {
        send(&self.metrics, "GET", "/metrics", &[], "").await
    }

    pub(crate) async fn request(&self, method: &str, path: &str) -> Response {
        self.send(method, path, &[], "").await
    }

    pub(crate) async fn snapshot(&self, room: &str) -> Value {
        let response = self.admin("GET", room, "").await;
        assert_eq!(response.status, 200, "{}", response.body);
        serde_json::from_str(&response.body).unwrap()
    }

    /// A request for the snapshot of a room, with the token.
    pub(crate) async fn admin(&self, method: &str, room: &str, body: &str) -> Response {
        let bearer = format!("Bearer {TOKEN}");
        let path = format!("/admin/rooms/{room}/snapshot");
        self.send(method, &path, &[("Authorization", &bearer)], body).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        send(&self.address, method, path, headers, body).await
    }
}

async fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    in_time(stream.read_to_end(&mut answer)).await.unwrap();
    Response::read(&String::from_utf8(answer).unwrap())
}

/// The server with these flags, any free port and these data if they say no other, and no log.
pub(crate) fn command(data: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomsync-server"));
    let data = data.to_str().unwrap();
    for (name, default) in [("--listen", "127.0.0.1:0"), ("--data", data), ("--log", "off")] {
        if !flags.contains(&name) {
            command.args([name, default]);
        }
    }
    command.args(flags).env_remove("ROOMSYNC_ADMIN_TOKEN").kill_on_drop(true);
    command
}

/// Runs the server where it ends by itself.
pub(crate) async fn run(data: &Path, flags: &[&str]) -> Output {
    in_time(command(data, flags).output()).await.unwrap()
}

/// Runs a tool of the server: exit code, standard output and standard error.
pub(crate) async fn tool(line: &[&str], data: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomsync-server"));
    command.args(line).arg("--data").arg(data).kill_on_drop(true);
    let output = in_time(command.output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// Whether the body has that line.
    pub(crate) fn has(&self, line: &str) -> bool {
        self.body.lines().any(|it| it == line)
    }

    fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

/// A peer with a WebSocket.
pub(crate) struct Peer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pushes: u64,
}

/// How a connection ended: code and reason, or nothing when there was no closing handshake.
pub(crate) type Ended = Option<(u16, String)>;

impl Peer {
    /// A peer that has not said anything yet.
    pub(crate) async fn open(server: &Server, path: &str) -> Result<Self, tungstenite::Error> {
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let url = format!("ws://{}{path}", server.address);
        let (socket, _) = in_time(connect_async_with_config(url, Some(config), true)).await?;
        Ok(Self { socket, pushes: 0 })
    }

    /// The same, by a request of one's own.
    pub(crate) async fn open_with(
        upgrade: tungstenite::handshake::client::Request,
    ) -> Result<Self, tungstenite::Error> {
        let (socket, _) = in_time(connect_async(upgrade)).await?;
        Ok(Self { socket, pushes: 0 })
    }

    /// The request that opens a WebSocket.
    pub(crate) fn upgrade(server: &Server, path: &str) -> tungstenite::handshake::client::Request {
        format!("ws://{}{path}", server.address).into_client_request().unwrap()
    }

    /// A peer in the room.
    pub(crate) async fn enter(server: &Server, room: &str, session: &str) -> Self {
        let path = format!("/connect/{room}?sessionId={session}");
        let mut peer = Self::open(server, &path).await.unwrap();
        peer.hello().await;
        peer
    }

    /// Enters the room, and returns its answer.
    pub(crate) async fn hello(&mut self) -> Value {
        self.hello_with(json!({})).await
    }

    /// The same, as a client of these migration sequences.
    pub(crate) async fn hello_with(&mut self, sequences: Value) -> Value {
        self.send(json!({
            "type": "connect", "connectRequestId": "r", "lastServerClock": -1,
            "protocolVersion": 8, "schema": {"schemaVersion": 2, "sequences": sequences},
        }))
        .await;
        let answer = self.message().await;
        assert_eq!(answer["type"], "connect", "{answer}");
        answer
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends what the server may refuse before it has all of it.
    pub(crate) async fn try_send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.ok();
    }

    /// Puts a page and does not wait. Returns the number of the push.
    pub(crate) async fn push_page(&mut self, id: &str, name: &str) -> u64 {
        self.pushes += 1;
        let page = json!({"id": id, "typeName": "page", "name": name});
        let diff = json!({id: ["put", page]});
        self.send(json!({"type": "push", "clientClock": self.pushes, "diff": diff})).await;
        self.pushes
    }

    /// Puts a page, and returns once the room says that it did.
    pub(crate) async fn put_page(&mut self, id: &str, name: &str) {
        self.push_page(id, name).await;
        loop {
            let message = self.message().await;
            let entries = message["data"].as_array().unwrap();
            if let Some(result) = entries.iter().find(|entry| entry["type"] == "push_result") {
                assert_eq!(result["action"], "commit");
                return;
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Value {
        match in_time(self.socket.next()).await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected a message: {other:?}"),
        }
    }

    /// The next message, which is binary.
    pub(crate) async fn binary(&mut self) -> Vec<u8> {
        match in_time(self.socket.next()).await {
            Some(Ok(Message::Binary(bytes))) => bytes.into(),
            other => panic!("expected a binary message: {other:?}"),
        }
    }

    /// The next message, or `None` when the connection has ended.
    pub(crate) async fn try_message(&mut self) -> Option<Value> {
        match in_time(self.socket.next()).await {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(_) | Err(_)) | None => None,
        }
    }

    /// How the connection ends. Messages before that are skipped.
    pub(crate) async fn ended(&mut self) -> Ended {
        let mut ended = None;
        while let Some(Ok(message)) = in_time(self.socket.next()).await {
            // The close is answered while the rest is read.
            if let Message::Close(Some(close)) = message {
                ended = Some((close.code.into(), close.reason.to_string()));
            }
        }
        ended
    }
}

/// Waits for what comes soon, or the test has failed.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it took too long")
}
