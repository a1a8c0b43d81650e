//! Records before and after a change, as they are diffed.
#![allow(clippy::unwrap_used, clippy::must_use_candidate, reason = "a bench may stop")]
#![allow(dead_code, unreachable_pub, reason = "shared, and not every bench needs all")]

use roomsync::{Object, Value};

/// A geo shape as stock clients make it.
pub fn geo() -> Object {
    let text = r#"{"id":"shape:9aK2bXw0e3mQ5tZr7uVyd","typeName":"shape","type":"geo","x":1.5,"y":2.5,"rotation":0,"index":"a1","parentId":"page:page","isLocked":false,"opacity":1,"meta":{},"props":{"w":120,"h":80,"geo":"rectangle","color":"black","labelColor":"black","fill":"none","dash":"draw","size":"m","font":"draw","align":"middle","verticalAlign":"middle","growY":0,"url":"","scale":1,"richText":{"type":"doc","content":[{"type":"paragraph"}]}}}"#;
    text.parse().unwrap()
}

/// The shape somewhere else. Shares what is not touched, as records do that come from one another.
pub fn moved(shape: &Object, x: f64, y: f64) -> Object {
    let mut shape = shape.clone();
    shape.insert("x", x);
    shape.insert("y", y);
    shape
}

/// A record with an array of 1,000 points, of which the one in the middle is at `x`.
pub fn points(x: i32) -> Object {
    let point = |at: i32| -> Value {
        let x = if at == 500 { x } else { at };
        [("x", x), ("y", at * 3)].into_iter().collect::<Object>().into()
    };
    let props: Object =
        [("points", (0..1000).map(point).collect::<Vec<_>>())].into_iter().collect();
    [("id", Value::from("shape:points")), ("props", props.into())].into_iter().collect()
}

/// A record with 10 kB of rich text, of which one word deep inside is `word`.
pub fn rich_text(word: &str) -> Object {
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
pub fn unlike(salt: &str) -> Object {
    let fields = |prefix: &str| -> Object {
        (0..20).map(|n| (format!("{prefix}{salt}{n}"), format!("{salt} value {n}"))).collect()
    };
    let mut record = fields("k");
    record.insert("props", fields("p"));
    record.insert("list", (0..50).map(|n| Value::from(format!("{salt}{n}"))).collect::<Vec<_>>());
    record
}
