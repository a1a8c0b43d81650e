//! What diffs cost (W6): computing and applying, for small and large records.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "common/records.rs"]
mod records;

use core::hint::black_box;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use records::{geo, moved, points, rich_text, unlike};
use roomsync::{Object, ObjectDiff, StringAppend};

fn diff_and_apply(c: &mut Criterion) {
    let shape = geo();
    let workloads = [
        ("a shape's x and y", shape.clone(), moved(&shape, 3.25, 4.75)),
        ("1,000 items, one changed", points(500), points(-1)),
        ("10 kB of rich text, one word", rich_text("same"), rich_text("other")),
        ("nothing in common", unlike("a"), unlike("b")),
    ];
    let mut group = c.benchmark_group("W6 diff");
    for (name, before, after) in &workloads {
        group.bench_function(*name, |b| {
            b.iter(|| {
                ObjectDiff::between(black_box(before), black_box(after), StringAppend::Allowed)
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("W6 apply to a shared record");
    for (name, before, after) in &workloads {
        let diff = ObjectDiff::between(before, after, StringAppend::Allowed).unwrap();
        group.bench_function(*name, |b| {
            b.iter(|| {
                let mut object = before.clone();
                black_box(black_box(&diff).apply(&mut object));
                object
            });
        });
    }
    group.finish();

    // There and back again, so that the record stays its own and each step changes it.
    let mut group = c.benchmark_group("W6 apply in place, there and back");
    for (name, before, after) in &workloads {
        let there = ObjectDiff::between(before, after, StringAppend::Allowed).unwrap();
        let back = ObjectDiff::between(after, before, StringAppend::Allowed).unwrap();
        group.bench_function(*name, |b| {
            b.iter_batched_ref(
                || before.to_string().parse::<Object>().unwrap(),
                |object| {
                    black_box(black_box(&there).apply(object));
                    black_box(black_box(&back).apply(object));
                },
                BatchSize::NumIterations(1000),
            );
        });
    }
    group.finish();
}

criterion_group!(benches, diff_and_apply);
criterion_main!(benches);
