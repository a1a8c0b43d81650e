//! What a room costs: drags (W1), pen strokes (W3) and hydrations (W4).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may stop")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

mod common;

use common::{connect, drain, filled_room, message, shape_id};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use roomsync::{ConnectionId, Instant, Room};
use std::hint::black_box;
use std::time::Duration;

/// One session drags a shape of 2,000; all frames for all sessions are produced at each push.
fn drag(c: &mut Criterion) {
    let mut group = c.benchmark_group("W1 drag, per push");
    for sessions in [1, 10, 50, 200] {
        let mut world = Dragging::new(sessions);
        group.bench_function(BenchmarkId::from_parameter(sessions), |b| b.iter(|| world.push()));
    }
    group.finish();
}

struct Dragging {
    room: Room,
    pusher: ConnectionId,
    now: Instant,
    clock: u64,
}

impl Dragging {
    fn new(sessions: usize) -> Self {
        let mut room = filled_room(2000);
        let connections: Vec<_> =
            (0..sessions).map(|number| connect(&mut room, number, -1)).collect();
        Self { room, pusher: connections[0], now: Instant::ZERO, clock: 0 }
    }

    /// A push after a quiet spell, so that it is flushed at once.
    fn push(&mut self) -> usize {
        self.clock += 1;
        self.now = self.now.saturating_add(Duration::from_millis(17));
        let text = format!(
            r#"{{"type":"push","clientClock":{},"diff":{{"{}":["patch",{{"x":["put",{}.5],"y":["put",{}]}}]}}}}"#,
            self.clock,
            shape_id(7),
            self.clock,
            self.clock * 2
        );
        message(&mut self.room, self.now, self.pusher, &text);
        drain(&mut self.room)
    }
}

/// A string grows to 200 kB by appends of 60 bytes.
fn stroke(c: &mut Criterion) {
    let mut group = c.benchmark_group("W3 pen stroke to 200 kB");
    group.sample_size(10);
    for sessions in [2, 10, 50] {
        group.bench_function(BenchmarkId::from_parameter(sessions), |b| {
            b.iter_batched_ref(
                || Dragging::new(sessions),
                |world| draw(world, 200_000),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Draws until the string is so long.
fn draw(world: &mut Dragging, length: usize) {
    let piece = "abcdefghij".repeat(6);
    let id = shape_id(7);
    let mut offset = "hello".len();
    while offset < length {
        world.clock += 1;
        world.now = world.now.saturating_add(Duration::from_millis(17));
        let text = format!(
            r#"{{"type":"push","clientClock":{},"diff":{{"{id}":["patch",{{"props":["patch",{{"label":["append","{piece}",{offset}]}}]}}]}}}}"#,
            world.clock
        );
        message(&mut world.room, world.now, world.pusher, &text);
        black_box(drain(&mut world.room));
        offset += piece.len();
    }
    let shape = world.room.record(&id).unwrap();
    let label = shape.get("props").unwrap().as_object().unwrap().get("label").unwrap();
    assert!(label.as_str().unwrap().len() >= length, "the appends were taken");
}

/// A client enters: as the first since a change, as a later one, and up to date.
fn hydrate(c: &mut Criterion) {
    let mut group = c.benchmark_group("W4 hydrate");
    for shapes in [1000, 10_000, 50_000] {
        group.sample_size(20);
        let mut world = Dragging { room: filled_room(shapes), ..Dragging::new(1) };
        world.pusher = connect(&mut world.room, 0, -1);
        let mut number = 0;
        group.bench_function(BenchmarkId::new("cold", shapes), |b| {
            b.iter_custom(|iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    assert!(world.push() > 0, "the room changes, so nothing is cached");
                    number = number % 100 + 1;
                    let start = std::time::Instant::now();
                    connect(&mut world.room, number, -1);
                    spent += start.elapsed();
                }
                spent
            });
        });
        let mut room = filled_room(shapes);
        connect(&mut room, 0, -1);
        group.bench_function(BenchmarkId::new("cached", shapes), |b| {
            b.iter(|| {
                number = number % 100 + 1;
                connect(&mut room, number, -1)
            });
        });
        group.bench_function(BenchmarkId::new("up to date", shapes), |b| {
            b.iter(|| {
                number = number % 100 + 1;
                let clock = i64::try_from(room.clock()).unwrap();
                connect(&mut room, number, clock)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, drag, stroke, hydrate);
criterion_main!(benches);
