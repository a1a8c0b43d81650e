//! What an operator sees of a server: metrics, logs, limits, and what is done with its file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;
use support::{Peer, Server, in_time, tool};

#[tokio::test]
async fn metrics_are_served_on_an_address_of_their_own() {
    let server = Server::start_with(&["--metrics-listen", "127.0.0.1:0"]).await;
    assert_eq!(server.request("GET", "/metrics").await.status, 404);
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "A").await;
    let mut bad = Peer::enter(&server, "plans", "bad").await;
    bad.send_text("{}".into()).await;
    assert!(bad.ended().await.is_some());
    let mut upgrade = Peer::upgrade(&server, "/connect/plans?sessionId=a");
    upgrade.headers_mut().insert("Origin", "https://evil.example".parse().unwrap());
    assert!(Peer::open_with(upgrade).await.is_err());

    let metrics = server.metrics().await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("application/openmetrics-text"));
    for line in [
        "roomsync_rooms 1",
        "roomsync_connections 1",
        "roomsync_sessions 1",
        "roomsync_messages_in_total 4",
        r#"roomsync_pushes_total{result="commit"} 1"#,
        r#"roomsync_pushes_total{result="discard"} 0"#,
        r#"roomsync_closes_total{reason="UNKNOWN_ERROR"} 1"#,
        r#"roomsync_refusals_total{reason="origin"} 1"#,
        r#"roomsync_commits_total{result="durable"} 2"#,
        "roomsync_load_seconds_count 1",
        "# UNIT roomsync_write_seconds seconds",
        "# EOF",
    ] {
        assert!(metrics.has(line), "{line}: {}", metrics.body);
    }
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server.md");
    let document = fs::read_to_string(document).unwrap();
    for line in metrics.body.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let name = format!("`{name}{}", if kind == "counter" { "_total" } else { "`" });
        assert!(document.contains(&name), "{name} is not documented");
    }
    let value = |name: &str| -> u64 {
        let line = metrics.body.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {}", metrics.body)).trim().parse().unwrap()
    };
    // The connects, the push and the garbage; their answers.
    assert!((300..3000).contains(&value("roomsync_in_bytes_total")), "{}", metrics.body);
    assert!((300..3000).contains(&value("roomsync_out_bytes_total")), "{}", metrics.body);
    assert!(value("roomsync_messages_out_total") >= 3);
    // Nothing that a client or room is called.
    assert!(!metrics.body.contains("plans") && !metrics.body.contains("alice"));
}

#[tokio::test]
async fn logs_are_json_when_asked_for_and_hold_no_contents() {
    let flags = ["--log", "trace", "--log-format", "json"];
    let mut server = Server::start_with(&flags).await;
    let path = "/connect/plans?sessionId=alice&token=a-token-in-the-address";
    let mut alice = Peer::open(&server, path).await.unwrap();
    alice.hello().await;
    alice.put_page("page:a", "what-is-drawn").await;
    server.kill().await;
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let started = lines.iter().find(|line| line["message"] == "started").unwrap();
    assert_eq!(
        (&started["level"], &started["address"]),
        (&json!("INFO"), &json!(server.address()))
    );
    let of = |line: &&Value| line["target"].as_str().unwrap().starts_with("roomsync");
    assert!(lines.iter().filter(of).any(|line| line["room"] == "plans"), "{log}");
    for line in lines.iter().filter(of) {
        let line = line.to_string();
        assert!(!line.contains("what-is-drawn") && !line.contains("a-token"), "{line}");
    }
}

/// The id of a record that does not fit stood in the log.
#[tokio::test]
async fn the_log_does_not_name_what_is_in_a_room_that_cannot_be_opened() {
    let mut server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a-secret", "A").await;
    server.kill().await;
    let schema = server.file("schema.json", r#"{"types":{"shape":{"scope":"document"}}}"#);
    server.restart_with(&["--schema", &schema, "--log", "info"]).await;
    Peer::open(&server, "/connect/plans?sessionId=alice").await.unwrap().ended().await;
    let log = server.log();
    assert!(log.contains("a record is not valid by the room's schema"), "{log}");
    assert!(!log.contains("a-secret"), "{log}");
}

#[tokio::test]
async fn limits_and_times_are_those_of_the_file() {
    let mut server = Server::stopped();
    let config = server.file("config.toml", "[limits]\nsessions = 1\nid_bytes = 20\n");
    server.restart_with(&["--config", &config]).await;
    let _alice = Peer::enter(&server, "plans", "alice").await;
    let mut bob = Peer::open(&server, "/connect/plans?sessionId=bob").await.unwrap();
    assert_eq!(bob.ended().await, Some((4099, "ROOM_FULL".into())));
    let long = format!("/connect/other?sessionId={}", "x".repeat(21));
    assert!(Peer::open(&server, &long).await.is_err());
    Peer::enter(&server, "other", &"x".repeat(20)).await;
}

#[tokio::test]
async fn a_session_may_send_so_much_in_a_time() {
    let mut server = Server::stopped();
    let file = "[rates]\nmessages = { per_second = 1, burst = 4 }\n\
        [limits]\npush_ops = 2\nrecords = 2\n";
    let config = server.file("config.toml", file);
    server.restart_with(&["--config", &config]).await;
    // With its connect a session sends three more at once.
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    for number in 0..3 {
        alice.push_page("page:a", &number.to_string()).await;
    }
    for _ in 0..40 {
        alice.try_send_text(r#"{"type":"ping"}"#.into()).await;
    }
    assert_eq!(alice.ended().await, Some((4099, "RATE_LIMITED".into())));
    let snapshot = server.snapshot("plans").await;
    assert_eq!(snapshot["documents"][0]["state"]["name"], "2");

    // And what the room holds is held to the file's limits, too.
    let mut bob = Peer::enter(&server, "plans", "bob").await;
    bob.put_page("page:b", "B").await;
    bob.push_page("page:c", "C").await;
    assert_eq!(bob.message().await["data"][0]["action"], "discard");
    let three = ["page:a", "page:b", "page:c"]
        .map(|id| (id.to_owned(), json!(["remove"])))
        .into_iter()
        .collect::<serde_json::Map<_, _>>();
    bob.send(json!({"type": "push", "clientClock": 3, "diff": three})).await;
    assert!(bob.ended().await.is_some());
    assert_eq!(server.snapshot("plans").await["documents"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_room_that_is_empty_is_unloaded_and_read_again_for_who_comes() {
    let mut server = Server::stopped();
    let file = "[host]\nlinger_seconds = 0\n[room]\nreconnect_grace_seconds = 0\n";
    let config = server.file("config.toml", file);
    server.restart_with(&["--config", &config, "--metrics-listen", "127.0.0.1:0"]).await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "A").await;
    assert!(server.metrics().await.has("roomsync_rooms 1"));
    drop(alice);
    // The server hears of it a while later.
    in_time(async {
        while !server.metrics().await.has("roomsync_rooms 0") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(server.metrics().await.has("roomsync_sessions 0"));
    let mut bob = Peer::open(&server, "/connect/plans?sessionId=bob").await.unwrap();
    assert_eq!(bob.hello().await["diff"]["page:a"][1]["name"], "A");
    let metrics = server.metrics().await;
    assert!(metrics.has("roomsync_load_seconds_count 2"), "{}", metrics.body);
    // What an unloaded room has done still counts.
    assert!(metrics.has(r#"roomsync_pushes_total{result="commit"} 1"#), "{}", metrics.body);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_later_sent_the_state_and_not_all_that_led_to_it() {
    const ROUNDS: usize = 300;
    const NAME: usize = 100_000;
    let mut server = Server::stopped();
    let file = "[limits]\nlog_bytes = 200_000\n[host]\noutgoing_bytes = 200_000\n\
        [room]\nidle_timeout_seconds = 0\n[rates]\nmessages = \"unbounded\"\n";
    let config = server.file("config.toml", file);
    server.restart_with(&["--config", &config]).await;
    let mut slow = Peer::enter(&server, "plans", "slow").await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "").await;
    for round in 0..ROUNDS {
        let name = format!("{round} {}", "x".repeat(NAME));
        let diff = json!({"page:a": ["patch", {"name": ["put", name]}]});
        alice.send(json!({"type": "push", "clientClock": round + 2, "diff": diff})).await;
        assert_eq!(alice.message().await["data"][0]["action"], "commit");
    }
    let (mut bytes, mut last) = (0, 0);
    while last < ROUNDS - 1 {
        let message = slow.message().await;
        bytes += message.to_string().len();
        for entry in message["data"].as_array().unwrap() {
            // Of a put and of a patch alike.
            let op = entry["diff"]["page:a"].to_string();
            let name = op.split('"').find(|it| it.contains(" x"));
            let round = name.and_then(|name| name.split(' ').next());
            last = round.map_or(last, |round| round.parse().unwrap());
        }
    }
    // Some megabytes are with the operating systems of both, and the rest was never sent.
    assert!(bytes < ROUNDS * NAME / 2, "{bytes}");
    alice.put_page("page:last", "A").await;
    assert!(slow.message().await.to_string().contains("page:last"));
}

#[tokio::test]
async fn on_a_full_disk_nothing_that_was_confirmed_is_lost_and_rooms_can_be_read() {
    let mut server = Server::start_with(&["--max-data-mib", "1", "--log", "info"]).await;
    let mut confirmed = 0;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    let ended = loop {
        alice.push_page(&format!("page:{confirmed}"), &"x".repeat(50_000)).await;
        match alice.try_message().await {
            Some(message) => assert_eq!(message["data"][0]["action"], "commit"),
            None => break alice.ended().await,
        }
        confirmed += 1;
        assert!(confirmed < 100, "the file has no limit");
    };
    // Not for good: there may be room again.
    assert!(ended.is_none_or(|(code, _)| code == 1001), "the client would stop");
    assert!(confirmed > 10 && server.log().contains("full"), "{}", server.log());
    let mut bob = Peer::open(&server, "/connect/plans?sessionId=bob").await.unwrap();
    let hello = bob.hello().await;
    assert_eq!(hello["diff"].as_object().unwrap().len(), confirmed);

    server.kill().await;
    server.restart().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:last", &"x".repeat(50_000)).await;
    let documents = server.snapshot("plans").await["documents"].as_array().unwrap().len();
    assert_eq!(documents, confirmed + 1);
}

#[tokio::test]
async fn a_room_that_does_not_fit_the_servers_schema_turns_clients_away_and_says_why_once() {
    let mut server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "A").await;
    server.kill().await;
    let schema = server.file(
        "schema.json",
        r#"{"types":{"shape":{"scope":"document"}},
        "schema":{"schemaVersion":2,"sequences":{"com.example.shape":1}}}"#,
    );
    server.restart_with(&["--schema", &schema, "--log", "info"]).await;
    for session in ["alice", "bob"] {
        let path = format!("/connect/plans?sessionId={session}");
        let mut peer = Peer::open(&server, &path).await.unwrap();
        let (code, reason) = peer.ended().await.unwrap();
        assert_eq!((code, reason.as_str()), (4099, "UNKNOWN_ERROR"));
    }
    let log = server.log();
    assert_eq!(log.matches("cannot open").count(), 1, "{log}");
    let mut alice = Peer::open(&server, "/connect/other?sessionId=alice").await.unwrap();
    alice.hello_with(json!({"com.example.shape": 1})).await;
}

#[tokio::test]
async fn a_room_goes_from_one_file_to_another() {
    let mut server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "A").await;
    alice.put_page("page:b", "B").await;
    let before = server.snapshot("plans").await;
    let data = server.data();
    let locked = tool(&["export", "plans"], &data).await;
    assert_eq!((locked.0, locked.1.as_str()), (1, ""));
    assert!(locked.2.contains("another process") && locked.2.contains("admin API"), "{}", locked.2);
    server.kill().await;

    // To standard output and to a file, the same.
    let (code, printed, stderr) = tool(&["export", "plans"], &data).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), before);
    let file = server.file("plans.json", "what was there before");
    assert_eq!(tool(&["export", "plans", "--output", &file], &data).await.0, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), printed);
    let left = fs::read_dir(server.folder()).unwrap().count();

    let (code, told, _) = tool(&["inspect"], &data).await;
    assert_eq!((code, told.as_str()), (0, "plans clock 2 records 2\n"));
    let (code, told, _) = tool(&["inspect", "plans"], &data).await;
    assert_eq!(code, 0);
    for line in ["clock 2", "tombstones 0, complete since clock 0"] {
        assert!(told.lines().any(|it| it == line), "{told}");
    }
    assert!(told.contains("page 2, ") && !told.contains("page:a"), "{told}");

    // Into a room that is new, as it was.
    let other = server.folder().join("other.db");
    assert_eq!(tool(&["import", "plans", &file], &other).await.0, 0);
    assert_eq!(tool(&["export", "plans"], &other).await.1, printed);
    // Over one that is there, only by force and for everybody to hear.
    let (code, _, why) = tool(&["import", "plans", &file], &other).await;
    assert!(code == 1 && why.contains("--force"), "{why}");
    assert_eq!(tool(&["import", "plans", &file, "--force"], &other).await.0, 0);
    let again: Value = serde_json::from_str(&tool(&["export", "plans"], &other).await.1).unwrap();
    assert_eq!(
        (&again["documentClock"], &again["tombstoneHistoryStartsAtClock"]),
        (&json!(3), &json!(3))
    );
    let states = |snapshot: &Value| -> Vec<Value> {
        snapshot["documents"].as_array().unwrap().iter().map(|it| it["state"].clone()).collect()
    };
    assert_eq!(states(&again), states(&before));
    assert_eq!(fs::read_dir(server.folder()).unwrap().count(), left + 1, "only the other database");
}

/// A room stayed at the version of tldraw of its first client, and nobody came in with a newer one.
#[tokio::test]
async fn a_room_goes_on_to_the_schema_of_a_newer_tldraw() {
    let mut server = Server::start().await;
    let (old, new) = (json!({"com.tldraw.store": 4}), json!({"com.tldraw.store": 5}));
    let enter = async |server: &Server, schema: &Value| {
        let mut peer = Peer::open(server, "/connect/plans?sessionId=a").await.unwrap();
        peer.hello_with(schema.clone()).await;
        peer
    };
    let refused = async |server: &Server, schema: &Value| {
        let mut peer = Peer::open(server, "/connect/plans?sessionId=b").await.unwrap();
        peer.send(json!({
            "type": "connect", "connectRequestId": "r", "lastServerClock": -1,
            "protocolVersion": 8, "schema": {"schemaVersion": 2, "sequences": schema},
        }))
        .await;
        peer.ended().await.unwrap().1
    };
    let mut alice = enter(&server, &old).await;
    alice.put_page("page:a", "A").await;
    assert_eq!(refused(&server, &new).await, "SERVER_TOO_OLD");

    let before = server.snapshot("plans").await;
    let mut migrated = before.clone();
    migrated["schema"]["sequences"] = new.clone();
    assert_eq!(server.admin("PUT", "plans", &migrated.to_string()).await.status, 204);
    let (code, reason) = alice.ended().await.unwrap();
    assert_eq!((code, reason.as_str()), (1000, "RESET"));
    assert_eq!(refused(&server, &old).await, "CLIENT_TOO_OLD");
    enter(&server, &new).await;
    assert_eq!(server.admin("PUT", "plans", &before.to_string()).await.status, 400, "not back");
    server.kill().await;
    server.restart().await;
    enter(&server, &new).await;
    server.kill().await;

    // Back again it goes by force, and that way also on.
    for (snapshot, schema) in [(&before, &old), (&migrated, &new)] {
        let file = server.file("plans.json", &snapshot.to_string());
        let line = ["import", "plans", &file, "--force"];
        assert_eq!(tool(&line, &server.data()).await.0, 0);
        server.restart().await;
        enter(&server, schema).await;
        server.kill().await;
    }
}

#[tokio::test]
async fn what_a_tool_cannot_do_it_says_in_one_line() {
    let mut server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "A").await;
    server.kill().await;
    let data = server.data();
    let bad = server.file("bad.json", "{}");
    let broken = server.file(
        "broken.json",
        r#"{"documentClock":1,"documents":[
        {"state":{"typeName":"page"},"lastChangedClock":1}]}"#,
    );
    for (line, code, why) in [
        (&["export", "other"][..], 1, "there is no room other"),
        (&["export", "no room"], 2, "a room's name is"),
        (&["export"], 2, "<ROOM>"),
        (&["export", "plans", "--output", "no/such/folder/file"], 1, "cannot write"),
        (&["inspect", "other"], 1, "there is no room other"),
        (&["import", "new", "no-such-file"], 1, "cannot read no-such-file"),
        (&["import", "new", &bad], 1, "documentClock"),
        (&["import", "new", &broken], 1, "typeName"),
        (&["import", "new", &bad, "--schema", "none.json"], 1, "cannot read none.json"),
    ] {
        let (found, stdout, stderr) = tool(line, &data).await;
        assert_eq!((found, stdout.as_str()), (code, ""), "{line:?}: {stderr}");
        assert!(stderr.contains(why) && stderr.lines().count() == 1, "{line:?}: {stderr}");
    }
    let (code, _, why) = tool(&["inspect"], &server.folder().join("none.db")).await;
    assert!(code == 1 && why.contains("no such file"), "{why}");
    assert_eq!(tool(&["inspect"], &data).await.1, "plans clock 1 records 1\n");
    let empty = server.file("empty.db", "");
    let (code, _, why) = tool(&["inspect"], Path::new(&empty)).await;
    assert!(code == 1 && why.contains("there is nothing in it"), "{why}");
}
