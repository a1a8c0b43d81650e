//! How long messages are in each codec, on shapes as stock clients make them.
//!
//! `cargo test --test wire_bytes -- --nocapture` prints the table.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should, and this one reports"
)]

use roomsync::{
    ClientMessage, Codec, ConnectAnswer, DataEntry, HydrationType, NetworkDiff, Object, ObjectDiff,
    PresenceOp, Push, PushAction, RecordId, RecordOp, SerializedSchema, ServerMessage,
};

/// Numbers that look random and are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.next() % of.len() as u64).unwrap()]
    }

    /// What stands behind the colon of an id.
    fn id(&mut self) -> String {
        const LETTERS: &[u8] = b"useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";
        (0..21).map(|_| char::from(self.pick(LETTERS))).collect()
    }

    /// Where a pointer was let go: a double with all its digits.
    #[expect(clippy::cast_precision_loss, reason = "any will do")]
    fn position(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64 * 5000.0
    }
}

fn geo(random: &mut Random, number: usize, page: &str) -> (RecordId, Object) {
    let id = format!("shape:{}", random.id());
    let (x, y) = (random.position(), random.position());
    let (w, h) = (100 + random.next() % 200, 100 + random.next() % 200);
    let kind = random.pick(&["rectangle", "ellipse", "diamond", "star"]);
    let color = random.pick(&["black", "blue", "light-violet", "red", "grey"]);
    let fill = random.pick(&["none", "semi", "solid"]);
    let text = random.pick(&["", "hello", "a longer note on it"]);
    let record = format!(
        r#"{{"id":"{id}","typeName":"shape","type":"geo","x":{x},"y":{y},"rotation":0,"index":"a{number:X}","parentId":"page:{page}","isLocked":false,"opacity":1,"meta":{{}},"props":{{"w":{w},"h":{h},"geo":"{kind}","color":"{color}","labelColor":"black","fill":"{fill}","dash":"draw","size":"m","font":"draw","align":"middle","verticalAlign":"middle","growY":0,"url":"","scale":1,"richText":{{"type":"doc","content":[{{"type":"paragraph","content":[{{"type":"text","text":"{text}"}}]}}]}}}}}}"#
    );
    (RecordId::from(id), record.parse().unwrap())
}

fn hydration(shapes: usize) -> ServerMessage {
    let mut random = Random(7);
    let page = random.id();
    let put = |(id, record)| (id, RecordOp::Put(record));
    ServerMessage::Connect(ConnectAnswer {
        connect_request_id: "1".into(),
        hydration_type: HydrationType::WipeAll,
        protocol_version: 8,
        schema: SerializedSchema::default(),
        diff: (0..shapes).map(|number| put(geo(&mut random, number, &page))).collect(),
        server_clock: 12_345,
        is_readonly: false,
        object_access: None,
        last_applied_push: None,
    })
}

fn one(id: &str, diff: &str) -> NetworkDiff {
    let diff: ObjectDiff = diff.parse().unwrap();
    [(RecordId::from(id), RecordOp::Patch(diff))].into_iter().collect()
}

/// A message, what part of its JSON it may take at most, and its bytes in each codec.
type Measured = (&'static str, Option<f64>, [Vec<u8>; 2]);

fn messages() -> Vec<Measured> {
    const SHAPE: &str = "shape:V1StGXR8Z5jdHi6BmyTab";
    const MOVED: &str = r#"{"x":["put",1042.5703125],"y":["put",613.25]}"#;
    let push = |diff, presence| ClientMessage::Push(Push { client_clock: 731, diff, presence });
    let drag = push(Some(one(SHAPE, MOVED)), None);
    let cursor = r#"{"cursor":["put",{"x":814.5,"y":402.25,"rotation":0,"type":"default"}],"lastActivityTimestamp":["put",1748212345678]}"#;
    let cursor = push(None, Some(PresenceOp::Patch(cursor.parse().unwrap())));
    let data = |entry| ServerMessage::Data(vec![entry]);
    let broadcast = data(DataEntry::Patch { diff: one(SHAPE, MOVED), server_clock: 90_417 });
    let answer = data(DataEntry::PushResult {
        client_clock: 731,
        server_clock: 90_417,
        action: PushAction::Commit,
    });
    let both = |encode: &dyn Fn(Codec) -> roomsync::Frame| {
        [Codec::Json, Codec::Postcard].map(|codec| encode(codec).to_bytes().to_vec())
    };
    vec![
        ("drag, push", Some(0.45), both(&|codec| drag.encode(codec))),
        ("drag, broadcast", Some(0.45), both(&|codec| broadcast.encode(codec))),
        ("drag, answer", None, both(&|codec| answer.encode(codec))),
        ("cursor, push", None, both(&|codec| cursor.encode(codec))),
        ("hydration, 1 shape", None, both(&|codec| hydration(1).encode(codec))),
        ("hydration, 100 shapes", None, both(&|codec| hydration(100).encode(codec))),
        ("hydration, 10,000 shapes", Some(0.40), both(&|codec| hydration(10_000).encode(codec))),
    ]
}

#[test]
fn postcard_takes_less_than_half_of_json() {
    let deflated = |bytes: &[u8]| miniz_oxide::deflate::compress_to_vec(bytes, 6).len();
    for (name, most, [json, postcard]) in messages() {
        #[expect(clippy::cast_precision_loss, reason = "lengths are small")]
        let ratio = |a: usize, b: usize| b as f64 / a as f64;
        let plain = ratio(json.len(), postcard.len());
        let (small_json, small_postcard) = (deflated(&json), deflated(&postcard));
        println!(
            "{name:26} {:8} {:8} {plain:.2}   deflated {small_json:8} {small_postcard:8} {:.2}",
            json.len(),
            postcard.len(),
            ratio(small_json, small_postcard)
        );
        assert!(most.is_none_or(|most| plain <= most), "{name}: {plain}");
    }
}

#[test]
fn both_codecs_say_the_same() {
    let message = hydration(300);
    for codec in [Codec::Json, Codec::Postcard] {
        assert_eq!(
            ServerMessage::decode(&message.encode(codec).to_bytes(), 40),
            Ok(message.clone())
        );
    }
}
