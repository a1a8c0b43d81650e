//! How the server starts, refuses to, and stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use std::fs;
use std::process::Output;
use support::{Peer, Server, run};

/// What was asked for is not understood.
const USAGE: i32 = 2;
const FAILED: i32 = 1;

/// Asserts that the server did not start and said why in one line.
fn assert_refused(output: &Output, code: i32, why: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(output.stdout, b"", "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(why), "{stderr}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("rooms.db");
    fs::write(folder.path().join("notes.txt"), "These are notes, and no database at all.").unwrap();
    let notes = folder.path().join("notes.txt");
    let notes = notes.to_str().unwrap();
    let zero = folder.path().join("zero.toml");
    fs::write(&zero, "[limits]\nsessions = 0").unwrap();
    let zero = zero.to_str().unwrap();
    for (flags, code, why) in [
        (&["--bogus"][..], USAGE, "--bogus"),
        (&["zap"], USAGE, "zap"),
        (&["--listen"], USAGE, "--listen"),
        (&["--listen", "nonsense"], FAILED, "cannot listen on nonsense"),
        (&["--metrics-listen", "nonsense"], FAILED, "cannot listen on nonsense"),
        (&["--log", "loud"], USAGE, "--log"),
        (&["--log-format", "xml"], USAGE, "--log-format"),
        (&["--allow-origin", "example.com"], USAGE, "--allow-origin"),
        (&["--max-connections", "0"], USAGE, "--max-connections"),
        (&["--max-connections-per-address", "x"], USAGE, "--max-connections-per-address"),
        (&["--max-data-mib", "0"], USAGE, "--max-data-mib"),
        (&["--schema", "no-such-file"], FAILED, "cannot read no-such-file"),
        (&["--schema", notes], FAILED, "not JSON"),
        (&["--config", "no-such-file"], FAILED, "no-such-file: "),
        (&["--config", notes], FAILED, "line 1: "),
        (&["--config", zero], FAILED, "`sessions` is zero"),
        (&["--auth-key", "no-such-file"], FAILED, "no-such-file: "),
        (&["--auth-key", notes], FAILED, "neither a public key"),
        (&["--data", notes], FAILED, "not a SQLite database"),
        (&["--data", "no/such/folder/rooms.db"], FAILED, "no such file or folder"),
    ] {
        let output = run(&data, flags).await;
        assert_refused(&output, code, why);
    }
}

#[tokio::test]
async fn a_port_or_a_file_that_another_server_has_is_refused() {
    let server = Server::start().await;
    let other = server.folder().join("other.db");
    let busy = run(&other, &["--listen", server.address()]).await;
    assert_refused(&busy, FAILED, "cannot listen on");
    let busy = run(&other, &["--metrics-listen", server.address()]).await;
    assert_refused(&busy, FAILED, "cannot listen on");
    let locked = run(&server.data(), &[]).await;
    assert_refused(&locked, FAILED, "another process has it open");
    assert_eq!(server.request("GET", "/health").await.status, 200);
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["--help", "--version"] {
        let output = run(&folder.path().join("rooms.db"), &[flag]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("roomsync-server"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_is_told_to_stop_tells_its_clients_and_keeps_everything() {
    let mut server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "A").await;
    let (code, ended) = tokio::join!(server.terminate(), alice.ended());
    assert_eq!(code, Some(0));
    assert_eq!(ended, Some((1001, "SHUTTING_DOWN".into())));

    server.restart().await;
    let snapshot = server.snapshot("plans").await;
    assert_eq!(snapshot["documents"][0]["state"]["name"], "A");
    assert_eq!(snapshot["schema"]["schemaVersion"], 2);
}

#[tokio::test]
async fn a_server_that_is_killed_has_lost_nothing_that_it_confirmed() {
    let mut server = Server::start().await;
    let mut clock = 0;
    for round in 0..3 {
        let mut alice = Peer::enter(&server, "plans", "alice").await;
        let mut confirmed = Vec::new();
        // Keeps pushes on their way, so that the end comes in the middle of something.
        let mut sent = 0;
        while confirmed.len() < 40 {
            while sent < confirmed.len() + 20 {
                sent += 1;
                alice.push_page(&format!("page:{round}-{sent}"), "A").await;
            }
            for entry in alice.message().await["data"].as_array().unwrap() {
                assert_eq!(entry["action"], "commit");
                confirmed.push(format!("page:{round}-{}", entry["clientClock"]));
                clock = entry["serverClock"].as_u64().unwrap();
            }
        }
        server.kill().await;
        while let Some(message) = alice.try_message().await {
            for entry in message["data"].as_array().unwrap() {
                confirmed.push(format!("page:{round}-{}", entry["clientClock"]));
            }
        }
        server.restart().await;
        let snapshot = server.snapshot("plans").await;
        let documents = snapshot["documents"].as_array().unwrap();
        for id in &confirmed {
            assert!(documents.iter().any(|it| it["state"]["id"] == **id), "{id} is lost");
        }
        assert!(snapshot["documentClock"].as_u64().unwrap() >= clock);
    }
}
