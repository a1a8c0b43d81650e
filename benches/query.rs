//! What it costs to keep live queries up to date: the change, whatever else there is.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(dead_code, reason = "other benches use the rest of what is common")]

mod common;

use common::{shape, shape_id};
use criterion::{Criterion, criterion_group, criterion_main};
use roomsync::{Client, ClientAction, ClientConfig, ClientEvent, Instant, Object, Query, Schema};
use std::hint::black_box;
use std::sync::Arc;

/// A client that holds so many shapes, a hundred under each parent.
fn client(shapes: usize) -> Client {
    let schema = Schema::tldraw().with_serialized(Default::default());
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), Arc::new(schema)).unwrap();
    let put = |number: usize| {
        let mut shape = shape(number);
        shape.insert("parentId", parent(number / 100));
        shape
    };
    client
        .transact(Instant::ZERO, |tx| (0..shapes).try_for_each(|number| tx.put(put(number))))
        .unwrap();
    drain(&mut client);
    client
}

fn parent(number: usize) -> String {
    format!("page:{number}")
}

/// How many results changed.
fn drain(client: &mut Client) -> usize {
    let mut changed = 0;
    while let Some(action) = client.poll_action() {
        if let ClientAction::Event(ClientEvent::Query { changes, .. }) = &action {
            changed += changes.len();
        }
        black_box(action);
    }
    changed
}

/// A shape moves, and one subscription has it among its results.
fn change(c: &mut Criterion) {
    let mut run = |shapes: usize, subscriptions: usize| {
        let mut client = client(shapes);
        for number in 0..subscriptions {
            client.subscribe(Query::of("shape").eq("parentId", parent(number)));
        }
        let (id, mut x) = (shape_id(7), 0);
        let expected = usize::from(subscriptions > 0);
        let name = format!("change, {shapes} records, {subscriptions} live queries");
        c.bench_function(&name, |b| {
            b.iter(|| {
                x += 1;
                let step = |shape: &mut Object| drop(shape.insert("x", x));
                client.transact(Instant::ZERO, |tx| tx.update(&id, step)).unwrap();
                assert_eq!(drain(&mut client), expected);
            });
        });
    };
    run(100, 0);
    run(100, 1);
    run(10_000, 1);
    run(100_000, 1);
    run(10_000, 100);
    run(10_000, 10_000);
}

/// The same question, asked of an index and of all records.
fn ask(c: &mut Criterion) {
    let mut client = client(10_000);
    let query = Query::of("shape").eq("parentId", parent(7)).sort_by("index");
    c.bench_function("ask of 10000 records", |b| b.iter(|| client.query(&query).len()));
    client.subscribe(query.clone());
    c.bench_function("ask of an index of 10000 records", |b| b.iter(|| client.query(&query).len()));
}

criterion_group!(benches, change, ask);
criterion_main!(benches);
