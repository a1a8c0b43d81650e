//! The records of all workloads.

use serde_json::{Value, json};

/// An id of the length that stock ids have.
pub fn shape_id(number: usize) -> String {
    format!("shape:{number:021}")
}

/// A geo shape of about 480 bytes of JSON.
pub fn shape(number: usize) -> Value {
    let place = |step: usize, part: f64| (number * step % 5000) as f64 + part;
    json!({
        "id": shape_id(number), "typeName": "shape", "type": "geo", "x": place(7, 0.25), "y": place(13, 0.5),
        "rotation": 0, "index": format!("a{number}"), "parentId": "page:page", "isLocked": false,
        "opacity": 1, "meta": {},
        "props": {
            "w": 120, "h": 80, "geo": "rectangle", "color": "black", "labelColor": "black", "fill": "none",
            "dash": "draw", "size": "m", "font": "draw", "align": "middle", "verticalAlign": "middle",
            "growY": 0, "url": "", "scale": 1, "label": "hello",
            "richText": { "type": "doc", "content": [{
                "type": "paragraph", "attrs": { "dir": "auto" },
                "content": [{ "type": "text", "text": format!("shape {number}") }],
            }] },
        },
    })
}

/// The shape elsewhere.
pub fn moved(shape: &Value) -> Value {
    let mut moved = shape.clone();
    moved["x"] = json!(3.25);
    moved["y"] = json!(4.75);
    moved
}

/// A record with an array of 1,000 points, of which the one in the middle is at `x`.
pub fn points(x: i32) -> Value {
    let point = |at: i32| json!({ "x": if at == 500 { x } else { at }, "y": at * 3 });
    json!({ "id": "shape:points", "typeName": "shape", "props": { "points": (0..1000).map(point).collect::<Vec<_>>() } })
}

/// A record with 10 kB of rich text, of which one word deep inside is `word`.
pub fn rich_text(word: &str) -> Value {
    let paragraph = |at: i32| {
        let text = format!("a {} line", if at == 60 { word } else { "same" });
        json!({ "type": "paragraph", "attrs": { "dir": "auto" }, "content": [{ "type": "text", "text": text }] })
    };
    let content: Vec<_> = (0..100).map(paragraph).collect();
    json!({ "id": "shape:text", "typeName": "shape", "props": { "richText": { "type": "doc", "content": content } } })
}

/// A record of which no key and no value is in that of another `salt`.
pub fn unlike(salt: &str) -> Value {
    let fields = |prefix: &str| -> serde_json::Map<String, Value> {
        let field = |n: i32| (format!("{prefix}{salt}{n}"), json!(format!("{salt} value {n}")));
        (0..20).map(field).collect()
    };
    let mut record = fields("k");
    record.insert("props".into(), Value::Object(fields("p")));
    record.insert("list".into(), (0..50).map(|n| format!("{salt}{n}")).collect());
    Value::Object(record)
}
