//! What a change of others costs a client with unconfirmed changes of its own (W10): the change, and
//! not the number of those.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "common/records.rs"]
mod records;

use core::hint::black_box;
use core::time::Duration;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use records::geo;
use roomsync::{Client, ClientConfig, Instant, LinkId, Object, RecordType, Schema, Scope};
use std::sync::Arc;

const DOCUMENTS: usize = 10_001;

/// The record that others change.
const THEIRS: usize = 10_000;

/// How a client's changes are not confirmed.
#[derive(Clone, Copy)]
enum Unconfirmed {
    /// In one push that the room has not answered.
    Pending,
    /// Not pushed yet.
    Unsent,
}

fn id(number: usize) -> String {
    format!("shape:{number:021}")
}

fn shape(number: usize) -> Object {
    let mut shape = geo();
    shape.insert("id", id(number));
    shape
}

fn drain(client: &mut Client) {
    while let Some(action) = client.poll_action() {
        black_box(action);
    }
    black_box(client.poll_timeout());
}

/// A client in a room, with as many unconfirmed changes as asked for.
fn client(how: Unconfirmed, changes: usize) -> (Client, LinkId) {
    let shape_type = RecordType::new(Scope::Document);
    let schema = Schema::builder().record_type("shape", shape_type).sequence("a", 1);
    let mut config = ClientConfig::default();
    // Nothing is due by itself, and what is not pushed at once is not pushed at all.
    config.ping_interval = Duration::from_secs(1 << 40);
    config.push_interval = Duration::from_secs(1 << 40);
    let schema = Arc::new(schema.build().unwrap());
    let mut client = Client::new(Instant::ZERO, config, schema).unwrap();
    let link = client.handle_connected(Instant::ZERO);
    let puts = (0..DOCUMENTS).map(|it| format!(r#""{}":["put",{}]"#, id(it), shape(it)));
    let answer = format!(
        r#"{{"type":"connect","connectRequestId":"1","hydrationType":"wipe_all","protocolVersion":8,"schema":{{"schemaVersion":2,"sequences":{{}}}},"diff":{{{}}},"serverClock":0,"isReadonly":false}}"#,
        puts.collect::<Vec<_>>().join(",")
    );
    client.handle_message(Instant::ZERO, link, answer.as_bytes());
    if matches!(how, Unconfirmed::Unsent) {
        // The first push goes at once, and is not this one's.
        edit(&mut client, THEIRS..THEIRS + 1);
        let result = r#"{"type":"push_result","clientClock":1,"serverClock":0,"action":"commit"}"#;
        client.handle_message(Instant::ZERO, link, result.as_bytes());
    }
    edit(&mut client, 0..changes);
    drain(&mut client);
    assert_eq!(client.pending().len(), changes);
    (client, link)
}

fn edit(client: &mut Client, numbers: core::ops::Range<usize>) {
    let edited = client.transact(Instant::ZERO, |tx| {
        numbers.clone().try_for_each(|number| {
            tx.update(&id(number), |shape| drop(shape.insert("rotation", 1)))
        })
    });
    edited.unwrap();
}

/// Has others move a shape to and fro.
fn moves(c: &mut Criterion, name: &str, how: Unconfirmed, target: usize) {
    let mut group = c.benchmark_group(name);
    for changes in [1, 10, 100, 1000, 10_000] {
        let (mut client, link) = client(how, changes);
        let patches = [1, 2].map(|x| {
            let id = id(target);
            format!(
                r#"{{"type":"data","data":[{{"type":"patch","diff":{{"{id}":["patch",{{"x":["put",{x}]}}]}},"serverClock":{x}}}]}}"#
            )
        });
        group.bench_function(BenchmarkId::from_parameter(changes), |b| {
            let mut patches = patches.iter().cycle();
            b.iter(|| {
                let patch = patches.next().unwrap();
                client.handle_message(Instant::ZERO, link, patch.as_bytes());
                drain(&mut client);
            });
        });
        assert_eq!(client.pending().len(), changes, "the connection holds");
    }
    group.finish();
}

fn rebase(c: &mut Criterion) {
    moves(c, "W10 others change a record, changes elsewhere pending", Unconfirmed::Pending, THEIRS);
    moves(c, "W10 others change a record, changes elsewhere unsent", Unconfirmed::Unsent, THEIRS);
    moves(c, "W10 others change a record that is changed here too", Unconfirmed::Pending, 0);
}

/// An edit and its undo, beside so many unconfirmed changes.
fn local(c: &mut Criterion) {
    let mut group = c.benchmark_group("W10 a local change, and its undo");
    for changes in [1, 10, 100, 1000, 10_000] {
        let (mut client, _) = client(Unconfirmed::Pending, changes);
        group.bench_function(BenchmarkId::from_parameter(changes), |b| {
            b.iter(|| {
                edit(&mut client, THEIRS..THEIRS + 1);
                assert!(client.undo(Instant::ZERO));
                drain(&mut client);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rebase, local);
criterion_main!(benches);
