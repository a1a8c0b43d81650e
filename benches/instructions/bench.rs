//! How many instructions the hot paths take. More than the committed number and a tenth fails.
//!
//! Counts, unlike times, are the same from run to run. After a change that is meant to cost what it
//! costs, or that saves: write the new numbers here.
#![allow(missing_docs, reason = "the macros make public functions")]

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use roomsync::{Codec, Object, ObjectDiff, StringAppend};
use roomsync_instructions::records::{geo, moved, points, rich_text};
use roomsync_instructions::{Entering, Pushing, hydration, rebasing};
use std::hint::black_box;

/// So many instructions, and a tenth more, since compilers differ a little.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions + instructions / 10)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

// W1: ten pushes of a drag, told to all sessions.
#[library_benchmark]
#[bench::sessions_1(args = (Pushing::new(200, 1)), config = at_most(221_601))]
#[bench::sessions_50(args = (Pushing::new(200, 50)), config = at_most(266_100))]
#[bench::sessions_200(args = (Pushing::new(200, 200)), config = at_most(367_569))]
fn drag(mut room: Pushing) -> Pushing {
    room.drag(10);
    room
}

// W3: a hundred appends to a string.
#[library_benchmark]
#[bench::sessions_2(args = (Pushing::new(200, 2)), config = at_most(2_408_469))]
fn draw(mut room: Pushing) -> Pushing {
    room.draw(100);
    room
}

// W4: the answer to a client of 1,000 shapes: to the first one, for whom all records are packed, and to a later one
// after a change.
#[library_benchmark]
#[bench::json_first(args = (Pushing::new(1000, 1), Codec::Json), config = at_most(15_558_296))]
#[bench::json_later(
    args = (Pushing::new(1000, 1).hydrated(Codec::Json), Codec::Json),
    config = at_most(3_013_472)
)]
#[bench::postcard_first(args = (Pushing::new(1000, 1), Codec::Postcard), config = at_most(24_286_553))]
#[bench::postcard_later(
    args = (Pushing::new(1000, 1).hydrated(Codec::Postcard), Codec::Postcard),
    config = at_most(3_178_057)
)]
fn hydrate(mut room: Pushing, codec: Codec) -> (Pushing, Vec<u8>) {
    let told = room.hydrate(codec);
    (room, told)
}

// W5: a client takes 1,000 shapes.
#[library_benchmark]
#[bench::json(args = (Entering::new(), hydration(1000, Codec::Json)), config = at_most(12_635_697))]
#[bench::postcard(args = (Entering::new(), hydration(1000, Codec::Postcard)), config = at_most(10_651_052))]
fn take(mut client: Entering, told: Vec<u8>) -> (Entering, Vec<u8>) {
    client.hear(&told);
    (client, told)
}

// W5: a client with 100 changes that are not confirmed hears of 100 of others.
#[library_benchmark]
#[bench::changes_100(args = (rebasing()), config = at_most(1_540_379))]
fn rebase(arguments: (Entering, Vec<Vec<u8>>)) -> (Entering, Vec<Vec<u8>>) {
    let (mut client, messages) = arguments;
    client.rebase(&messages);
    (client, messages)
}

/// A record, what becomes of it, and how.
type Change = (Object, Object, ObjectDiff);

fn change(before: Object, after: Object) -> Change {
    let diff = ObjectDiff::between(&before, &after, StringAppend::Allowed);
    (before, after, diff.expect("they differ"))
}

// W6: the diff of two records.
#[library_benchmark]
#[bench::position(args = (geo(), moved(&geo(), 3.25, 4.75)), config = at_most(3_662))]
#[bench::array(args = (points(500), points(-1)), config = at_most(293_433))]
#[bench::rich_text(args = (rich_text("same"), rich_text("other")), config = at_most(57_642))]
fn diff(before: Object, after: Object) -> (Object, Object, Option<ObjectDiff>) {
    let diff = ObjectDiff::between(black_box(&before), black_box(&after), StringAppend::Allowed);
    (before, after, diff)
}

// W6: a diff applied to a record that others hold, too.
#[library_benchmark]
#[bench::position(args = (change(geo(), moved(&geo(), 3.25, 4.75))), config = at_most(2_220))]
#[bench::array(args = (change(points(500), points(-1))), config = at_most(37_447))]
#[bench::rich_text(args = (change(rich_text("same"), rich_text("other"))), config = at_most(57_085))]
fn apply(change: Change) -> (Object, Change) {
    let mut object = change.0.clone();
    change.2.apply(black_box(&mut object));
    (object, change)
}

library_benchmark_group!(
    name = instructions,
    benchmarks = [drag, draw, hydrate, take, rebase, diff, apply]
);

main!(library_benchmark_groups = instructions);
