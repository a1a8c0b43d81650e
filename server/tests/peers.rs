//! What peers do to each other and to the room, the bad ones among them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use futures_util::StreamExt;
use roomsync::{Codec, Object, RecordType, Schema, Scope, ServerMessage};
use roomsync_tokio::{Client, ClientOptions};
use serde_json::json;
use std::sync::Arc;
use support::{Ended, Peer, Server, in_time, run};

const UNKNOWN_ERROR: &str = "UNKNOWN_ERROR";
const INVALID_RECORD: &str = "INVALID_RECORD";

fn put(key: &str, record: &serde_json::Value) -> String {
    json!({"type": "push", "clientClock": 1, "diff": {key: ["put", record]}}).to_string()
}

#[tokio::test]
async fn a_change_reaches_the_others() {
    let server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    let mut bob = Peer::enter(&server, "plans", "bob").await;
    let mut other = Peer::enter(&server, "other", "carol").await;
    alice.put_page("page:a", "A").await;
    let told = bob.message().await;
    assert_eq!(told["data"][0]["diff"]["page:a"][1]["name"], "A");
    // Nothing of it is heard in another room.
    other.put_page("page:b", "B").await;
    assert_eq!(server.snapshot("other").await["documents"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_speaks_postcard_meets_those_that_do_not() {
    let server = Server::start().await;
    let page = RecordType::new(Scope::Document);
    let schema = Schema::builder().record_type("page", page).sequence("com.example.page", 1);
    let mut options = ClientOptions::new("binary", Arc::new(schema.build().unwrap()));
    options.config.codec = Codec::Postcard;
    let url = format!("ws://{}/connect/plans", server.address());
    let binary = Client::connect(&url, options).unwrap();
    in_time(binary.online()).await.unwrap();
    let record: Object = r#"{"id":"page:a","typeName":"page","name":"A"}"#.parse().unwrap();
    binary.transact(|tx| tx.put(record)).unwrap();
    in_time(binary.synced()).await.unwrap();

    let mut text = Peer::open(&server, "/connect/plans?sessionId=text").await.unwrap();
    let answer = text.hello_with(json!({"com.example.page": 1})).await;
    assert_eq!(answer["diff"]["page:a"][1]["name"], "A");
    let mut heard = binary.subscribe();
    text.put_page("page:b", "B").await;
    while binary.record("page:b").is_none() {
        in_time(heard.next()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_client_asks_for_postcard_and_is_answered_in_it() {
    let server = Server::start().await;
    let mut peer = Peer::open(&server, "/connect/plans?sessionId=a").await.unwrap();
    peer.send(json!({
        "type": "connect", "connectRequestId": "r", "lastServerClock": -1, "protocolVersion": 8,
        "schema": {"schemaVersion": 2, "sequences": {}}, "codecs": ["postcard-1"],
    }))
    .await;
    let answer = peer.binary().await;
    let answer = ServerMessage::decode(&answer, 40).unwrap();
    assert!(matches!(answer, ServerMessage::Connect(_)), "{answer:?}");
}

#[tokio::test]
async fn a_reader_reads_only() {
    let server = Server::start().await;
    let path = "/connect/plans?sessionId=reader&readonly=true";
    let mut reader = Peer::open(&server, path).await.unwrap();
    assert_eq!(reader.hello().await["isReadonly"], true);
    reader.push_page("page:a", "A").await;
    assert_eq!(reader.message().await["data"][0]["action"], "discard");
    assert_eq!(server.snapshot("plans").await["documents"], json!([]));

    let path = "/connect/plans?sessionId=writer&readonly=false";
    let mut writer = Peer::open(&server, path).await.unwrap();
    assert_eq!(writer.hello().await["isReadonly"], false);
}

#[tokio::test]
async fn a_bad_peer_is_told_why_and_nobody_else_notices() {
    let server = Server::start().await;
    let mut honest = Peer::enter(&server, "plans", "honest").await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let page = json!({"id": "page:bad", "typeName": "page"});
    let cases: &[(&str, Vec<String>, Option<&str>)] = &[
        ("not JSON", vec!["garbage".into()], None),
        ("nothing", vec![String::new()], None),
        ("half of JSON", vec![r#"{"type":"#.into()], Some(UNKNOWN_ERROR)),
        ("an unknown message", vec![r#"{"type":"zap"}"#.into()], Some(UNKNOWN_ERROR)),
        ("no type", vec!["{}".into()], Some(UNKNOWN_ERROR)),
        (
            "a diff of the wrong type",
            vec![r#"{"type":"push","clientClock":1,"diff":{"page:bad":["patch",5]}}"#.into()],
            Some(UNKNOWN_ERROR),
        ),
        (
            "a record without id",
            vec![put("page:bad", &json!({"typeName": "page"}))],
            Some(INVALID_RECORD),
        ),
        ("a key that is not the id", vec![put("page:other", &page)], Some(INVALID_RECORD)),
        (
            "an unknown type",
            vec![put("a", &json!({"id": "a", "typeName": "zap"}))],
            Some(INVALID_RECORD),
        ),
        ("a chunk out of order", vec!["3_a".into(), "1_b".into()], None),
        ("a message inside of chunks", vec!["3_a".into(), r#"{"type":"ping"}"#.into()], None),
        (
            "deep JSON",
            vec![format!(
                r#"{{"type":"push","clientClock":1,"diff":{{"page:bad":["put",{deep}]}}}}"#
            )],
            Some(UNKNOWN_ERROR),
        ),
        (
            "more chunks than fit",
            (0..200).rev().map(|left| format!("{left}_{}", "x".repeat(200_000))).collect(),
            Some(UNKNOWN_ERROR),
        ),
        ("a message that is too long", vec!["x".repeat(33 << 20)], Some(UNKNOWN_ERROR)),
    ];
    for (round, (name, texts, fatal)) in cases.iter().enumerate() {
        let mut bad = Peer::enter(&server, "plans", &format!("bad-{round}")).await;
        for text in texts {
            bad.try_send_text(text.clone()).await;
        }
        // What comes after the end is heard by nobody.
        bad.try_send_text(put("page:bad", &page)).await;
        let ended = bad.ended().await;
        match fatal {
            Some(reason) => assert_eq!(ended, Some((4099, (*reason).into())), "{name}"),
            None => assert!(is_plain(&ended), "{name}: {ended:?}"),
        }
        honest.put_page(&format!("page:{round}"), name).await;
    }
    // No message but the answers to its own pushes came to the honest one.
    let documents = server.snapshot("plans").await["documents"].as_array().unwrap().len();
    assert_eq!(documents, cases.len());
}

fn is_plain(ended: &Ended) -> bool {
    ended.as_ref().is_some_and(|(code, _)| *code != 4099)
}

#[tokio::test]
async fn a_record_that_the_schema_files_validator_refuses_ends_its_session() {
    let mut server = Server::stopped();
    let schema = r#"{"types":{"page":{"scope":"document","validator":
        {"properties":{"name":{"type":"string","maxLength":3}},"required":["name"]}}},
        "schema":{"schemaVersion":2,"sequences":{}}}"#;
    let schema = server.file("schema.json", schema);
    server.restart_with(&["--schema", &schema]).await;
    let mut honest = Peer::enter(&server, "plans", "honest").await;
    honest.put_page("page:a", "ABC").await;
    let mut bad = Peer::enter(&server, "plans", "bad").await;
    bad.push_page("page:b", "ABCD").await;
    assert_eq!(bad.ended().await, Some((4099, INVALID_RECORD.into())));
    honest.put_page("page:c", "C").await;

    // And a validator that is none is told before anything is served.
    let none = r#"{"types":{"page":{"scope":"document","validator":{"type":"strnig"}}}}"#;
    let none = server.file("none.json", none);
    let output = run(&server.folder().join("other.db"), &["--schema", &none]).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("`page`"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[tokio::test]
async fn the_schema_file_of_the_document_does_what_it_says() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server.md");
    let document = std::fs::read_to_string(document).unwrap();
    let (_, schema) = document.split_once("```json\n").unwrap();
    let (schema, _) = schema.split_once("```").unwrap();
    let mut server = Server::stopped();
    let schema = server.file("schema.json", schema);
    server.restart_with(&["--schema", &schema]).await;
    let mut alice = Peer::open(&server, "/connect/plans?sessionId=alice").await.unwrap();
    alice.hello_with(json!({"com.example.note": 1})).await;
    let note = |text: &str| json!({"id": "note:a", "typeName": "note", "text": text});
    alice.send_text(put("note:a", &note(&"x".repeat(500)))).await;
    assert_eq!(alice.message().await["data"][0]["action"], "commit");
    alice.send_text(put("note:a", &note(&"x".repeat(501)))).await;
    assert_eq!(alice.ended().await, Some((4099, INVALID_RECORD.into())));
}

#[tokio::test]
async fn a_push_before_connect_is_ignored() {
    let server = Server::start().await;
    let mut eager = Peer::open(&server, "/connect/plans?sessionId=eager").await.unwrap();
    eager.push_page("page:early", "A").await;
    eager.hello().await;
    eager.put_page("page:late", "B").await;
    let snapshot = server.snapshot("plans").await;
    let ids = snapshot["documents"].as_array().unwrap().iter().map(|it| &it["state"]["id"]);
    assert_eq!(ids.collect::<Vec<_>>(), ["page:late"]);
}

#[tokio::test]
async fn a_message_in_chunks_is_put_together() {
    let server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    let record = json!({"id": "page:a", "typeName": "page", "name": "🖋".repeat(100)});
    let text = put("page:a", &record);
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<String> = pieces.chunks(50).map(|chars| chars.concat()).collect();
    for (index, piece) in pieces.iter().enumerate() {
        alice.send_text(format!("{}_{piece}", pieces.len() - 1 - index)).await;
    }
    assert_eq!(alice.message().await["data"][0]["action"], "commit");
    assert_eq!(server.snapshot("plans").await["documents"][0]["state"], record);
}

#[tokio::test]
async fn the_same_session_again_takes_the_place_of_the_first() {
    let server = Server::start().await;
    let mut first = Peer::enter(&server, "plans", "alice").await;
    let mut second = Peer::enter(&server, "plans", "alice").await;
    assert!(is_plain(&first.ended().await));
    drop(first);
    second.put_page("page:a", "A").await;
}

#[tokio::test]
async fn a_room_takes_so_many_and_no_more() {
    let server = Server::start().await;
    let mut peers = Vec::new();
    for number in 0..200 {
        peers.push(Peer::enter(&server, "plans", &format!("peer-{number}")).await);
    }
    let mut late = Peer::open(&server, "/connect/plans?sessionId=late").await.unwrap();
    assert_eq!(late.ended().await, Some((4099, "ROOM_FULL".into())));
    in_time(peers.first_mut().unwrap().put_page("page:a", "A")).await;
}
