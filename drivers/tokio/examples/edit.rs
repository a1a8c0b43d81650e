//! Edits pages of a room at random, waits until all is confirmed and the room is quiet, and prints
//! the documents that it ends with, as one JSON object from id to record.
//!
//! ```text
//! cargo run -p roomsync-tokio --features sqlite --example edit -- ws://127.0.0.1:8787/connect/plans \
//!     --session alice --seed 1 --edits 100 [--schema FILE] [--store FILE]
//! ```
//!
//! A room wants to know what versions of record types its clients speak. That is in the schema
//! file, in the form of the server's `--schema`; it needs a `schema`. Without one it is that of
//! tldraw 5.4.2, so that clients of that version can join, in rooms of either kind of server.
//! Several can run at once, each with a session name of its own.
//!
//! With `--store` what the room has not confirmed is kept in that file, and a later run with the same
//! file, room and session brings it to the room, even if this one was killed.

use futures_util::StreamExt;
use roomsync::{ClientEvent, Object, Schema, Scope, Status, TransactError, Transaction, Value};
use roomsync_tokio::{Client, ClientOptions, Events, Missed, SqliteStore};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

const TLDRAW: &str = include_str!("tldraw-5.4.2.json");
const USAGE: &str =
    "usage: edit URL --session ID --seed N --edits N [--schema FILE] [--store FILE]";
/// How long nothing may happen for the room to be called quiet.
const QUIET: Duration = Duration::from_millis(1500);
/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// More pages are not made, so that edits meet.
const MAX_PAGES: usize = 16;
/// Bytes of a name after which it starts anew.
const MAX_NAME: usize = 400;
/// Levels of `meta` below which nothing is changed.
const META_DEPTH: u32 = 3;

type AnyError = Box<dyn Error + Send + Sync>;

struct Arguments {
    url: String,
    session: String,
    seed: u64,
    edits: u64,
    schema: Option<String>,
    store: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "edit: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read()?;
    let schema = match &arguments.schema {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
            Schema::from_json(&text)?
        }
        None => Schema::from_json(TLDRAW)?,
    };
    let schema = Arc::new(schema);
    let options = ClientOptions::new(arguments.session.as_str(), Arc::clone(&schema));
    let client = match &arguments.store {
        Some(file) => {
            let store = SqliteStore::open(file).map_err(|error| format!("{file}: {error}"))?;
            Client::open(&arguments.url, options, store).await?
        }
        None => Client::connect(&arguments.url, options)?,
    };
    let events = client.subscribe();
    let online = timeout(PATIENCE, client.online()).await;
    online.map_err(|_| format!("cannot connect to {}", arguments.url))?.map_err(refused)?;

    let mut random = Random(arguments.seed);
    for edit in 0..arguments.edits {
        let new_id = format!("page:{}-{edit}", arguments.session);
        client.transact(|tx| edit_once(tx, &mut random, &new_id))?;
        sleep(Duration::from_millis(random.below(30))).await;
    }
    quiet(&client, events).await?;

    let is_document = |record: &Object| {
        let type_name = record.get("typeName").and_then(Value::as_str);
        type_name.and_then(|name| schema.scope(name)) == Some(Scope::Document)
    };
    let records = client.records().into_iter().filter(|(_, record)| is_document(record));
    let documents: Object = records.map(|(id, record)| (id.as_str().to_owned(), record)).collect();
    client.close().await?;
    writeln!(std::io::stdout(), "{documents}")?;
    Ok(())
}

/// Returns once nothing has changed for a while, and the client is in the room with all confirmed.
async fn quiet(client: &Client, mut events: Events) -> Result<(), AnyError> {
    let mut changed = Instant::now();
    loop {
        match timeout_at(changed + QUIET, events.next()).await {
            // What was missed may have been a change.
            Ok(Some(Ok(ClientEvent::Changed { .. }) | Err(Missed(_)))) => {
                changed = Instant::now();
            }
            Ok(Some(Ok(_))) => {}
            Ok(None) => return Err("the client ended".into()),
            Err(_) if client.status() == Status::Online && client.is_settled() => return Ok(()),
            Err(_) => {
                client.online().await.map_err(refused)?;
                client.synced().await.map_err(refused)?;
            }
        }
    }
}

fn refused(status: Status) -> AnyError {
    match status {
        Status::Refused(reason) => format!("the room refused this client: {reason}").into(),
        Status::Offline | Status::Connecting | Status::Online | Status::Closed => {
            "the client was closed".into()
        }
    }
}

fn edit_once(
    tx: &mut Transaction<'_>,
    random: &mut Random,
    new_id: &str,
) -> Result<(), TransactError> {
    let is_page = |record: &Object| record.get("typeName").and_then(Value::as_str) == Some("page");
    let pages = tx.records().filter(|(_, record)| is_page(record));
    let pages: Vec<String> = pages.map(|(id, _)| id.as_str().to_owned()).collect();
    let Some(id) = random.pick(&pages) else { return tx.put(new_page(new_id, random)) };
    match random.below(100) {
        0..15 if pages.len() < MAX_PAGES => tx.put(new_page(new_id, random)),
        0..40 => tx.update(id, |page| append_to_name(page, random)),
        40..50 => tx.update(id, |page| drop(page.insert("name", random.word()))),
        50..60 => tx.update(id, |page| drop(page.insert("index", random.index_key()))),
        60..92 => tx.update(id, |page| change_meta(page, random)),
        _ => tx.remove(id),
    }
}

fn new_page(id: &str, random: &mut Random) -> Object {
    let mut page = Object::new();
    page.insert("id", id);
    page.insert("typeName", "page");
    page.insert("name", random.word());
    page.insert("index", random.index_key());
    page.insert("meta", Object::new());
    page
}

fn append_to_name(page: &mut Object, random: &mut Random) {
    let name = page.get("name").and_then(Value::as_str).unwrap_or_default();
    let name = if name.len() > MAX_NAME { "" } else { name };
    page.insert("name", format!("{name} {}", random.word()));
}

fn change_meta(page: &mut Object, random: &mut Random) {
    let meta = page.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
    page.insert("meta", changed(meta, random, META_DEPTH));
}

/// `object` with something put, changed or deleted, in it or deeper.
fn changed(mut object: Object, random: &mut Random, depth: u32) -> Object {
    let key = random.pick(&["a", "b", "c", "list"]).copied().unwrap_or("a");
    let value = object.get(key);
    match random.below(10) {
        0..2 if value.is_some() => drop(object.remove(key)),
        _ if key == "list" => {
            let items = value.and_then(Value::as_array);
            let mut items: Vec<Value> = items.map(|it| it.to_vec()).unwrap_or_default();
            let at = random.index(12);
            match items.get_mut(at) {
                Some(item) => *item = random.scalar(),
                None => items.push(random.scalar()),
            }
            object.insert(key, items);
        }
        2..6 if depth > 0 => {
            let inner = value.and_then(Value::as_object).cloned().unwrap_or_default();
            object.insert(key, changed(inner, random, depth - 1));
        }
        _ => drop(object.insert(key, random.scalar())),
    }
    object
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.index(items.len())) }
    }

    fn word(&mut self) -> &'static str {
        let words = ["oak", "ash", "elm", "größe", "日本", "🖋", "yew \"quoted\"", "fir\n"];
        self.pick(&words).copied().unwrap_or_default()
    }

    fn scalar(&mut self) -> Value {
        match self.below(5) {
            0 => Value::from(self.below(1000)),
            1 => Value::from(f64::from(u8::try_from(self.below(99)).unwrap_or_default()) / 8.0),
            2 => Value::from(self.below(2) == 0),
            3 => Value::Null,
            _ => Value::from(self.word()),
        }
    }

    /// A fractional index: `a` and a digit, and maybe more digits, of which the last is not `0`.
    fn index_key(&mut self) -> String {
        const DIGITS: &[u8] = b"123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let digits = 1 + self.below(3);
        let digits = (0..digits).filter_map(|_| self.pick(DIGITS).copied()).map(char::from);
        std::iter::once('a').chain(digits).collect()
    }
}

impl Arguments {
    fn read() -> Result<Self, AnyError> {
        let (mut url, mut session, mut seed) = (None, None, None);
        let (mut edits, mut schema, mut store) = (None, None, None);
        let mut rest = std::env::args().skip(1);
        while let Some(argument) = rest.next() {
            let slot = match argument.as_str() {
                "--session" => &mut session,
                "--seed" => &mut seed,
                "--edits" => &mut edits,
                "--schema" => &mut schema,
                "--store" => &mut store,
                _ if url.is_none() && !argument.starts_with('-') => {
                    url = Some(argument);
                    continue;
                }
                _ => return Err(USAGE.into()),
            };
            *slot = Some(rest.next().ok_or(USAGE)?);
        }
        Ok(Self {
            url: url.ok_or(USAGE)?,
            session: session.ok_or(USAGE)?,
            seed: seed.ok_or(USAGE)?.parse().map_err(|error| format!("--seed: {error}"))?,
            edits: edits.ok_or(USAGE)?.parse().map_err(|error| format!("--edits: {error}"))?,
            schema,
            store,
        })
    }
}
