//! What diffs cost (W6): computing and applying, for small and large records.
#![expect(clippy::unwrap_used, reason = "a bench may stop")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use core::hint::black_box;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use roomsync::{Object, ObjectDiff, StringAppend, Value};

/// A geo shape as stock clients make it.
fn geo() -> Object {
    let text = r#"{"id":"shape:9aK2bXw0e3mQ5tZr7uVyd","typeName":"shape","type":"geo","x":1.5,"y":2.5,"rotation":0,"index":"a1","parentId":"page:page","isLocked":false,"opacity":1,"meta":{},"props":{"w":120,"h":80,"geo":"rectangle","color":"black","labelColor":"black","fill":"none","dash":"draw","size":"m","font":"draw","align":"middle","verticalAlign":"middle","growY":0,"url":"","scale":1,"richText":{"type":"doc","content":[{"type":"paragraph"}]}}}"#;
    text.parse().unwrap()
}

/// The shape somewhere else. Shares what is not touched, as records do that come from one another.
fn moved(shape: &Object, x: f64, y: f64) -> Object {
    let mut shape = shape.clone();
    shape.insert("x", x);
    shape.insert("y", y);
    shape
}

/// A record with an array of 1,000 points, of which the one in the middle is at `x`.
fn points(x: i32) -> Object {
    let point = |at: i32| -> Value {
        let x = if at == 500 { x } else { at };
        [("x", x), ("y", at * 3)].into_iter().collect::<Object>().into()
    };
    let props: Object =
        [("points", (0..1000).map(point).collect::<Vec<_>>())].into_iter().collect();
    [("id", Value::from("shape:points")), ("props", props.into())].into_iter().collect()
}

/// A record with 10 kB of rich text, of which one word deep inside is `word`.
fn rich_text(word: &str) -> Object {
    let paragraph = |at: usize| {
        let word = if at == 60 { word } else { "same" };
        format!(
            r#"{{"type":"paragraph","attrs":{{"dir":"auto"}},"content":[{{"type":"text","text":"a {word} line"}}]}}"#
        )
    };
    let paragraphs: Vec<String> = (0..100).map(paragraph).collect();
    format!(
        r#"{{"id":"shape:text","props":{{"richText":{{"type":"doc","content":[{}]}}}}}}"#,
        paragraphs.join(",")
    )
    .parse()
    .unwrap()
}

/// A record of which no key and no value is in that of another `salt`.
fn unlike(salt: &str) -> Object {
    let fields = |prefix: &str| -> Object {
        (0..20).map(|n| (format!("{prefix}{salt}{n}"), format!("{salt} value {n}"))).collect()
    };
    let mut record = fields("k");
    record.insert("props", fields("p"));
    record.insert("list", (0..50).map(|n| Value::from(format!("{salt}{n}"))).collect::<Vec<_>>());
    record
}

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
