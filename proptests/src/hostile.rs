//! Peers that mean no good: bytes that are no message, and messages that are well formed but rude.
//! They speak the wire, as any peer could.

use crate::edit::{record_id, serialized_schema};
use crate::model::Mirror;
use roomsync::{ClientMessage, Codec, Limits, Object, ServerMessage, Value};

/// A peer that means no good.
#[derive(Clone, Debug, Default)]
pub struct Rude {
    /// Where its live link stands in the world's list.
    pub link: Option<usize>,
    /// How many sessions it has had.
    pub sessions: u64,
    /// Whether its present session may only read.
    pub readonly: bool,
    /// What it has heard, as plainly as can be.
    pub mirror: Mirror,
    /// Whether it may claim any schema: a room that adopts believes its first client.
    pub claims_schemas: bool,
    /// Counts its requests to enter.
    requests: u64,
}

/// Bytes that are no message, or a part of none.
#[must_use]
pub fn garbage(how: u16) -> Vec<u8> {
    let deep = || {
        let levels = 400;
        let open = r#"{"a":"#.repeat(levels);
        format!(r#"{{"type":"custom","data":{open}1{}}}"#, "}".repeat(levels))
    };
    match how % 16 {
        0 => Vec::new(),
        1 => vec![0xff, 0xfe, 0x00],
        2 => b"{".to_vec(),
        3 => b"{}".to_vec(),
        4 => b"[1]".to_vec(),
        5 => b"99999999999999999999_x".to_vec(),
        6 => b"0_".to_vec(),
        7 => br#"0_{"type":"ping"}"#.to_vec(),
        8 => br#"1_{"type":"#.to_vec(),
        9 => b"3_x".to_vec(),
        10 => br#"{"type":"ping"} "#.to_vec(),
        11 => br#"{"type":"ping"}{}"#.to_vec(),
        12 => deep().into_bytes(),
        13 => br#"{"type":"push","clientClock":1,"diff":[]}"#.to_vec(),
        14 => br#"{"type":"push","clientClock":-1}"#.to_vec(),
        _ => (0..how / 16 % 40).map(|at| (how >> (at % 13)) as u8).collect(),
    }
}

impl Rude {
    /// A peer that is not connected.
    #[must_use]
    pub fn new(claims_schemas: bool) -> Self {
        Self { claims_schemas, mirror: Mirror::of_rude(), ..Self::default() }
    }

    /// A message that is well formed. Most rudeness needs to be let in first.
    pub fn message(&mut self, kind: u16, how: u16) -> String {
        match kind % 6 {
            0 | 1 => self.connect(how),
            2 => match how % 4 {
                0 => r#"{"type":"ping"}"#.into(),
                1 => r#"{"type":"custom","data":{"a":[1]}}"#.into(),
                2 => r#"{"type":"nonsense"}"#.into(),
                _ => r#"{"type":"ping","extra":{"type":"push"}}"#.into(),
            },
            3 => push(how, &format!(r#""presence":{}"#, presence_op(how / 8))),
            _ => push(how, &format!(r#""diff":{{{}}}"#, ops(how / 8))),
        }
    }

    /// Asks to be let in, mostly in a way that works.
    pub fn connect(&mut self, how: u16) -> String {
        self.requests += 1;
        let version = ["8", "8", "8", "7", "7", "6", "5", "4", "9", "null"];
        let version = version[usize::from(how % 10)];
        let clock = match how / 10 % 6 {
            // Whoever knows nothing must be told everything.
            0..4 => "-1".to_owned(),
            4 => "99999".to_owned(),
            _ => "\"x\"".to_owned(),
        };
        let schema = match how / 60 % 8 {
            _ if !self.claims_schemas => serialized_schema().to_value().to_string(),
            0 => r#"{"schemaVersion":2,"sequences":{"sim.page":4}}"#.to_owned(),
            1 => r#"{"schemaVersion":2,"sequences":{}}"#.to_owned(),
            2 => "null".to_owned(),
            _ => serialized_schema().to_value().to_string(),
        };
        format!(
            r#"{{"type":"connect","connectRequestId":"r{}","lastServerClock":{clock},"protocolVersion":{version},"schema":{schema}}}"#,
            self.requests
        )
    }
}

fn push(how: u16, what: &str) -> String {
    let clock = ["1", "1", "2", "0", "9007199254740991", "7", "3", "1"][usize::from(how % 8)];
    format!(r#"{{"type":"push","clientClock":{clock},{what}}}"#)
}

fn presence_op(how: u16) -> String {
    match how % 6 {
        0 => r#"["put",{"id":"cursor:0","typeName":"cursor","x":1}]"#.into(),
        1 => r#"["put",{"id":"page:a","typeName":"page","bad":1}]"#.into(),
        2 => r#"["patch",{"x":["put",2],"id":["put","cursor:1"]}]"#.into(),
        3 => r#"["patch",{"chat":["append","more",0]}]"#.into(),
        4 => r#"["put",{"chat":"hello"}]"#.into(),
        _ => r#"["patch",{}]"#.into(),
    }
}

fn ops(how: u16) -> String {
    let first = record_op(how);
    if (how / 32).is_multiple_of(3) {
        return format!("{first},{}", record_op((how / 96).wrapping_add(how)));
    }
    first
}

fn record_op(how: u16) -> String {
    let (id, type_name) = record_id(how / 24);
    let put = |fields: &str| {
        format!(r#""{id}":["put",{{"id":"{id}","typeName":"{type_name}"{fields}}}]"#)
    };
    let patch = |diff: &str| format!(r#""{id}":["patch",{diff}]"#);
    // Of texts as others make them.
    let length = [4, 0, 1, 2][usize::from(how / 168 % 4)];
    match how % 24 {
        0 => put(r#","x":1,"props":{"text":"rude","items":[1,{"a":1}]}"#),
        // What others have as a text may grow into this one.
        1 => put(r#","x":1,"props":{"text":"a rude text","items":[1,{"a":1}]}"#),
        2 => put(r#","bad":true"#),
        3 => format!(r#""{id}":["put",{{"id":"page:other","typeName":"page"}}]"#),
        4 => format!(r#""{id}":["put",{{"id":"{id}","typeName":"camera"}}]"#),
        5 => format!(r#""{id}":["put",{{"id":"{id}","typeName":"nobody"}}]"#),
        6 => format!(r#""{id}":["put",{{"id":"{id}","typeName":"widget"}}]"#),
        7 => format!(r#""{id}":["remove"]"#),
        8 => r#""page:never":["remove"]"#.into(),
        9 => patch(&format!(
            r#"{{"props":["patch",{{"text":["append","!",{length}]}}],"z":["delete"]}}"#
        )),
        10 => patch(r#"{"props":["patch",{"text":["append","!",99]}]}"#),
        11 => patch(r#"{"props":["patch",{"items":["patch",{"0":["put",9],"7":["put",1]}]}]}"#),
        12 => patch(r#"{"id":["put","page:b"]}"#),
        13 => patch(r#"{"typeName":["put","camera"]}"#),
        14 => patch(r#"{"bad":["put",1]}"#),
        15 => patch(r#"{"x":["put",3],"props":["patch",{"rich":["patch",{"k":["put",1]}]}]}"#),
        16 => patch(r#"{"x":["delete"],"z":["delete"]}"#),
        17 => patch("{}"),
        18 => patch(r#"{"__proto__":["put",{"x":1}]}"#),
        19 => put(r#","__proto__":{"x":1}"#),
        20 => r#""":["put",{"id":"","typeName":"page"}]"#.into(),
        21 => patch(r#"{"props":["patch",{"items":["append",[1,2],3]}]}"#),
        22 => patch(r#"{"typeName":["delete"]}"#),
        _ => patch(r#"{"x":["patch",{"a":["put",1]}],"props":["append",[1],0]}"#),
    }
}

/// A message of the wire as the value that its JSON is, or `None` when it is none.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Value> {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return text.parse().ok();
    }
    let depth = Limits::MAX_VALUE_DEPTH;
    let of_client = ClientMessage::decode(bytes, depth).map(|message| message.encode(Codec::Json));
    let of_room = || ServerMessage::decode(bytes, depth).map(|it| it.encode(Codec::Json));
    of_client.or_else(|_| of_room()).ok()?.to_text()?.parse().ok()
}

/// What a message is, by its type.
#[must_use]
pub fn kind(message: &Object) -> &str {
    message.get("type").and_then(Value::as_str).unwrap_or_default()
}
