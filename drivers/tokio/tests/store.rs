//! What a client with a store promises: nothing that it kept is lost, and nothing is done twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

mod server;

use roomsync::{ClientCommit, ClientSnapshot, Status};
use roomsync_tokio::{Client, ClientOptions, ClientStore, ConnectError, SqliteStore, StoreError};
use server::{Server, in_time, note, record, schema};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

async fn open(url: &str, file: &Path) -> Client {
    let store = SqliteStore::open(file).unwrap();
    Client::open(url, ClientOptions::new("alice", schema()), store).await.unwrap()
}

#[tokio::test]
async fn what_was_done_without_a_connection_arrives_when_another_process_has_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("alice.db");
    let alice = open("ws://127.0.0.1:9/plans", &file).await;
    alice.transact(|tx| tx.put(note("note:a"))).unwrap();
    in_time(alice.kept()).await.unwrap();
    in_time(alice.close()).await.unwrap();

    let server = Server::start(|_| {}).await;
    let alice = open(&server.url, &file).await;
    assert_eq!(alice.record("note:a"), Some(note("note:a")));
    in_time(alice.synced()).await.unwrap();
    assert_eq!(server.record("note:a").await, Some(note("note:a")));
    in_time(alice.close()).await.unwrap();

    // What the room has confirmed is there without it, too.
    let alice = open("ws://127.0.0.1:9/plans", &file).await;
    assert!(alice.is_settled());
    assert_eq!(alice.record("note:a"), Some(note("note:a")));
}

/// Set for a process of this program that is to be killed: the room's address, and the store's file.
const VICTIM: &str = "ROOMSYNC_TEST_VICTIM";

/// Not a test by itself: what the process does that is killed. Counts, and says how far it has come
/// once that is kept.
#[tokio::test]
async fn victim() {
    let Ok(victim) = std::env::var(VICTIM) else { return };
    let (url, file) = victim.split_once(' ').unwrap();
    let client = open(url, Path::new(file)).await;
    let count = client.record("note:count").and_then(|it| it.get("n")?.as_number()?.as_i64());
    for n in count.unwrap_or(0) + 1.. {
        let counted = record(&format!(r#"{{"id":"note:count","typeName":"note","n":{n}}}"#));
        client.transact(|tx| tx.put(counted)).unwrap();
        client.transact(|tx| tx.put(note(&format!("note:{n}")))).unwrap();
        client.kept().await.unwrap();
        writeln!(std::io::stderr(), "kept {n}").unwrap();
    }
}

fn start_victim(url: &str, file: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "victim", "--nocapture"]);
    command.env(VICTIM, format!("{url} {}", file.display()));
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_killed_at_any_moment_loses_nothing_that_it_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("alice.db");
    let server = Server::start(|_| {}).await;
    let mut kept = 0;
    for (round, lines) in [3, 40, 1, 17, 25].into_iter().enumerate() {
        // Every other time there is no room to be reached.
        let url = if round % 2 == 0 { "ws://127.0.0.1:9/plans" } else { &server.url };
        let mut victim = start_victim(url, &file);
        let output = BufReader::new(victim.stderr.take().unwrap());
        let told = tokio::task::spawn_blocking(move || {
            let lines_kept = output.lines().map_while(Result::ok);
            let numbers = lines_kept.filter_map(|line| line.strip_prefix("kept ")?.parse().ok());
            let last: Option<i64> = numbers.take(lines).last();
            victim.kill().unwrap();
            victim.wait().unwrap();
            last
        });
        let last = in_time(told).await.unwrap().unwrap();
        assert!(last > kept, "it goes on from where the last one was killed");
        kept = last;
    }
    let client = open(&server.url, &file).await;
    in_time(client.synced()).await.unwrap();
    let count = client.record("note:count").unwrap();
    assert_eq!(server.record("note:count").await, Some(count));
    for n in 1..=kept {
        assert!(server.record(&format!("note:{n}")).await.is_some(), "note:{n} was kept");
    }
}

#[tokio::test]
async fn a_client_that_the_room_refuses_goes_on_to_keep_what_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bob.db");
    let server = Server::start(|options| options.room.limits.sessions = 1).await;
    let alice = server.client("alice");
    in_time(alice.online()).await.unwrap();
    let store = SqliteStore::open(&file).unwrap();
    let bob = Client::open(&server.url, ClientOptions::new("bob", schema()), store).await.unwrap();
    assert!(matches!(in_time(bob.online()).await, Err(Status::Refused(_))));
    bob.transact(|tx| tx.put(note("note:b"))).unwrap();
    in_time(bob.kept()).await.unwrap();
    in_time(bob.close()).await.unwrap();
    // All that was done before is kept, and what comes now is not.
    in_time(bob.kept()).await.unwrap();
    bob.transact(|tx| tx.put(note("note:late"))).unwrap();
    assert_eq!(in_time(bob.kept()).await, Err(Status::Closed));

    let bob = open("ws://127.0.0.1:9/plans", &file).await;
    assert!(bob.record("note:b").is_some());
}

/// Fails from the second commit on.
struct Failing(usize);

impl ClientStore for Failing {
    fn load(&mut self) -> Result<ClientSnapshot, StoreError> {
        Ok(ClientSnapshot::default())
    }

    fn apply(&mut self, _: &[ClientCommit]) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0 > 1 { Err("the disk is full".into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_client_whose_store_fails_ends_and_tells_the_room_nothing_more() {
    let server = Server::start(|_| {}).await;
    let options = ClientOptions::new("alice", schema());
    let alice = Client::open(&server.url, options, Failing(0)).await.unwrap();
    alice.transact(|tx| tx.put(note("note:a"))).unwrap();
    assert_eq!(in_time(alice.synced()).await, Err(Status::Closed));
    alice.transact(|tx| tx.put(note("note:b"))).unwrap();
    assert_eq!(in_time(alice.kept()).await, Err(Status::Closed));
    assert_eq!(in_time(alice.close()).await.unwrap_err().0.to_string(), "the disk is full");
    assert_eq!(server.record("note:a").await, None);
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("other.db");
    std::fs::write(&file, "these are no tables").unwrap();
    assert!(SqliteStore::open(&file).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"these are no tables");
    let used = directory.path().join("used.db");
    let first = SqliteStore::open(&used).unwrap();
    assert!(SqliteStore::open(&used).is_err(), "two clients in one store");
    drop(first);

    struct Foreign;
    impl ClientStore for Foreign {
        fn load(&mut self) -> Result<ClientSnapshot, StoreError> {
            let mut kept = ClientSnapshot::default();
            kept.apply(&r#"{"meta":{"format":999}}"#.parse()?);
            Ok(kept)
        }

        fn apply(&mut self, _: &[ClientCommit]) -> Result<(), StoreError> {
            Ok(())
        }
    }
    let opened = Client::open("ws://h/r", ClientOptions::new("a", schema()), Foreign).await;
    assert!(matches!(opened, Err(ConnectError::Restore(_))));
}
