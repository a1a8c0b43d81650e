//! The workloads on roomsync: JSON in, JSON frames out, as a driver does.

mod client;
mod room;

use crate::request::{Answer, Request};
use roomsync::{ObjectDiff, RecordType, Schema, Scope, StringAppend};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Counts the bytes on the heap, where that is measured.
#[derive(Clone, Copy)]
pub struct Heap {
    /// Those that live.
    pub live: fn() -> usize,
    /// The most that ever did.
    pub most: fn() -> usize,
}

impl Heap {
    /// Counts nothing.
    pub const UNCOUNTED: Self = Self { live: || 0, most: || 0 };
}

/// Does what the request says.
pub fn run(request: &Request, heap: Heap) -> Answer {
    match request {
        Request::Drag { shapes, sessions, pushes, burst } => {
            room::drag(*shapes, *sessions, *pushes, *burst)
        }
        Request::Everyone { shapes, sessions, rounds } => {
            room::everyone(*shapes, *sessions, *rounds)
        }
        Request::Stroke { shapes, sessions, length } => room::stroke(*shapes, *sessions, *length),
        Request::Hydrate { shapes, clients, cold, up_to_date } => {
            room::hydrate(*shapes, *clients, *cold, *up_to_date)
        }
        Request::Storm { shapes, clients } => room::storm(*shapes, *clients, heap),
        Request::Rebase { shapes, unconfirmed, patches } => {
            client::rebase(*shapes, *unconfirmed, *patches)
        }
        Request::Hydration { shapes, binary } => client::hydration(*shapes, *binary),
        Request::Diff { before, after, iterations } => diff(before, after, *iterations),
        Request::Apply { before, after, iterations, shared: true } => {
            apply_to_shared(before, after, *iterations)
        }
        Request::Apply { before, after, iterations, shared: false } => {
            apply_in_place(before, after, *iterations)
        }
        Request::Records { shapes } => room::records(*shapes, heap.live),
        Request::Sessions { shapes, sessions } => room::sessions(*shapes, *sessions, heap.live),
    }
}

/// Two record types without validators and migrations, as the stock side has them.
pub fn schema() -> Arc<Schema> {
    let schema = Schema::builder()
        .record_type("shape", RecordType::new(Scope::Document))
        .record_type("instance_presence", RecordType::new(Scope::Presence))
        .build();
    Arc::new(schema.expect("the schema is sound"))
}

fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

fn diff(before: &serde_json::Value, after: &serde_json::Value, iterations: usize) -> Answer {
    let (before, after) = (object(before), object(after));
    let start = Instant::now();
    for _ in 0..iterations {
        black_box(ObjectDiff::between(
            black_box(&before),
            black_box(&after),
            StringAppend::Allowed,
        ));
    }
    Answer { ns: nanoseconds(start), ..Answer::default() }
}

/// There and back, as a room changes a record that nobody else holds.
fn apply_in_place(
    before: &serde_json::Value,
    after: &serde_json::Value,
    iterations: usize,
) -> Answer {
    let (before, after) = (object(before), object(after));
    let between = |a, b| ObjectDiff::between(a, b, StringAppend::Allowed).expect("they differ");
    let diffs = [between(&before, &after), between(&after, &before)];
    let mut object = before;
    drop(after);
    let start = Instant::now();
    for diff in diffs.iter().cycle().take(iterations) {
        black_box(black_box(diff).apply(&mut object));
    }
    Answer { ns: nanoseconds(start), ..Answer::default() }
}

/// The record stays shared, as a record of a room is that others look at; stock records always are.
fn apply_to_shared(
    before: &serde_json::Value,
    after: &serde_json::Value,
    iterations: usize,
) -> Answer {
    let (before, after) = (object(before), object(after));
    let diff = ObjectDiff::between(&before, &after, StringAppend::Allowed).expect("they differ");
    let start = Instant::now();
    for _ in 0..iterations {
        let mut object = before.clone();
        black_box(black_box(&diff).apply(&mut object));
        black_box(object);
    }
    Answer { ns: nanoseconds(start), ..Answer::default() }
}

fn object(value: &serde_json::Value) -> roomsync::Object {
    value.to_string().parse().expect("a record is an object")
}
