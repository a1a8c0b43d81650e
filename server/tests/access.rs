//! Who is let in, and what those are told who are not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use support::{Peer, Server, in_time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite;

const SECRET: &str = "a-secret-of-at-least-32-characters";

/// Claims with an end that many seconds from now.
fn token(seconds: i64, mut claims: Value) -> String {
    #[expect(clippy::disallowed_methods, reason = "tokens are of the world's time")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    claims["exp"] = now.checked_add_signed(seconds).unwrap().into();
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let [header, claims] = [header, claims].map(|it| BASE64.encode(it.to_string()));
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

fn writer(room: &str) -> String {
    token(60, json!({"room": room, "access": "write"}))
}

/// A server that asks for tokens.
async fn start(flags: &[&str]) -> Server {
    let mut server = Server::stopped();
    let key = server.file("auth.key", &format!("{SECRET}\n"));
    server.restart_with(&[&["--auth-key", &key], flags].concat()).await;
    server
}

fn path(room: &str, token: &str) -> String {
    format!("/connect/{room}?sessionId=alice&token={token}")
}

/// Asserts that a connection there ends with this and nothing before it.
async fn assert_closed(server: &Server, path: &str, reason: &str) {
    let mut peer = Peer::open(server, path).await.unwrap();
    assert_eq!(peer.ended().await, Some((4099, reason.into())), "{path}");
}

#[tokio::test]
async fn a_token_lets_its_bearer_into_its_room() {
    let server = start(&[]).await;
    let mut alice = Peer::open(&server, &path("plans", &writer("plans"))).await.unwrap();
    assert_eq!(alice.hello().await["isReadonly"], false);
    alice.put_page("page:a", "A").await;

    let reader = token(60, json!({"room": "plans", "access": "read", "objectAccess": "write"}));
    let mut reader = Peer::open(&server, &path("plans", &reader)).await.unwrap();
    let hello = reader.hello().await;
    assert_eq!((&hello["isReadonly"], &hello["objectAccess"]), (&json!(true), &json!("write")));
    reader.push_page("page:b", "B").await;
    assert_eq!(reader.message().await["data"][0]["action"], "discard");

    // A writer may ask for less.
    let readonly = format!("{}&readonly=true", path("plans", &writer("plans")));
    let mut readonly = Peer::open(&server, &readonly).await.unwrap();
    let hello = readonly.hello().await;
    assert_eq!((&hello["isReadonly"], &hello["objectAccess"]), (&json!(true), &json!("read")));
}

#[tokio::test]
async fn a_token_may_stand_in_the_header() {
    let server = start(&[]).await;
    let mut upgrade = Peer::upgrade(&server, &path("plans", "the-header-counts"));
    let bearer = format!("Bearer {}", writer("plans")).parse().unwrap();
    upgrade.headers_mut().insert("Authorization", bearer);
    let mut alice = Peer::open_with(upgrade).await.unwrap();
    alice.hello().await;
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_after_the_upgrade() {
    let server = start(&[]).await;
    let expired = token(-60, json!({"room": "plans", "access": "write"}));
    let other = token(60, json!({"room": "plans", "access": "write", "session": "bob"}));
    assert_closed(&server, "/connect/plans?sessionId=alice", "NOT_AUTHENTICATED").await;
    assert_closed(&server, &path("plans", "garbage"), "NOT_AUTHENTICATED").await;
    assert_closed(&server, &path("plans", &expired), "NOT_AUTHENTICATED").await;
    assert_closed(&server, &path("plans", &writer("other")), "FORBIDDEN").await;
    assert_closed(&server, &path("plans", &other), "FORBIDDEN").await;
    assert_closed(&server, &path("no%20room", &writer("plans")), "NOT_FOUND").await;
}

#[tokio::test]
async fn a_room_that_may_not_be_made_is_not_found() {
    let server = start(&[]).await;
    let guest = token(60, json!({"room": "plans", "access": "write", "create": false}));
    assert_closed(&server, &path("plans", &guest), "NOT_FOUND").await;
    let mut alice = Peer::open(&server, &path("plans", &writer("plans"))).await.unwrap();
    alice.hello().await;
    let mut guest = Peer::open(&server, &path("plans", &guest)).await.unwrap();
    guest.hello().await;
}

#[tokio::test]
async fn without_new_rooms_only_the_operator_makes_them() {
    let server = Server::start_with(&["--no-new-rooms"]).await;
    assert_closed(&server, "/connect/plans?sessionId=alice", "NOT_FOUND").await;
    let snapshot = json!({"documentClock": 1, "documents": []});
    let page = json!({"state": {"id": "page:a", "typeName": "page"}, "lastChangedClock": 1});
    let mut with_page = snapshot.clone();
    with_page["documents"] = json!([page]);
    assert_eq!(server.admin("PUT", "plans", &with_page.to_string()).await.status, 204);
    Peer::enter(&server, "plans", "alice").await;
}

#[tokio::test]
async fn a_connection_ends_with_its_token_and_may_come_back_with_another() {
    let server = start(&[]).await;
    // It is within what clocks may differ by, for some seconds.
    let short = token(-6, json!({"room": "plans", "access": "write"}));
    let mut alice = Peer::open(&server, &path("plans", &short)).await.unwrap();
    alice.hello().await;
    let ended = alice.ended().await;
    assert_eq!(ended, Some((1000, "TOKEN_EXPIRED".into())));
    assert_closed(&server, &path("plans", &short), "NOT_AUTHENTICATED").await;
    let mut alice = Peer::open(&server, &path("plans", &writer("plans"))).await.unwrap();
    alice.hello().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let flags = ["--max-connections-per-address", "2", "--trust-forwarded-for"];
    let server = Server::start_with(&flags).await;
    let open = async |address: &str, session: &str| {
        let mut upgrade = Peer::upgrade(&server, &format!("/connect/plans?sessionId={session}"));
        upgrade.headers_mut().insert("X-Forwarded-For", address.parse().unwrap());
        match Peer::open_with(upgrade).await {
            Ok(peer) => Ok(peer),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    };
    let first = open("10.0.0.1", "a").await.unwrap();
    let mut second = open("10.0.0.1", "b").await.unwrap();
    assert_eq!(open("10.0.0.1", "c").await.err(), Some(429));
    assert!(open("10.0.0.2", "d").await.is_ok());
    second.hello().await;
    drop(first);
    // The server hears of it a while later.
    for _ in 0..1000 {
        if open("10.0.0.1", "e").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place was not given back");
}

#[tokio::test]
async fn a_server_has_so_many_connections() {
    let server = Server::start_with(&["--max-connections", "1"]).await;
    let _first = Peer::enter(&server, "plans", "a").await;
    let refused = Peer::open(&server, "/connect/other?sessionId=b").await;
    assert!(matches!(refused, Err(tungstenite::Error::Http(it)) if it.status() == 429));
}

/// Only WebSockets counted, so that one address held hundreds of connections that asked for nothing.
#[tokio::test]
async fn connections_count_before_they_ask_for_anything_and_end_if_they_do_not() {
    let server = Server::start_with(&["--max-connections-per-address", "2"]).await;
    let mut halves = Vec::new();
    for half in ["", "GET /connect/plans HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        halves.push(stream);
    }
    // They are taken in their order.
    let refused = server.request("GET", "/health").await;
    assert_eq!((refused.status, refused.body.as_str()), (429, "there are too many connections\n"));
    for mut half in halves {
        in_time(half.read_to_end(&mut Vec::new())).await.unwrap();
    }
    // The places are given back a moment later.
    for _ in 0..1000 {
        if server.request("GET", "/health").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the places were not given back");
}
