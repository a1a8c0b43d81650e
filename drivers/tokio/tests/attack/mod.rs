//! What hostile peers send: WebSocket frames by hand, whole and in part.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{sleep, timeout};

/// How long one tries to send what nobody takes.
const STUBBORN: Duration = Duration::from_secs(40);
/// How long one stays that has nothing more to send.
const LINGER: Duration = Duration::from_secs(4);

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// What one hostile peer does.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    number: usize,
    kind: &'static Kind,
}

struct Kind {
    /// Whether it enters the room first.
    enters: bool,
    /// Whether it reads what it is sent.
    reads: bool,
    /// What it sends in each round, until there is no more.
    send: fn(number: usize, round: usize) -> Option<Vec<u8>>,
}

/// Every kind.
static ATTACKS: [Kind; 21] = [
    // Never says a word.
    Kind { enters: false, reads: true, send: |_, _| None },
    // Enters, and is heard of no more.
    Kind { enters: true, reads: false, send: |_, _| None },
    // Garbage, a different one each.
    Kind {
        enters: true,
        reads: true,
        send: |number, round| rounds(round, 40, || garbage(number + round)),
    },
    // Not even WebSocket frames.
    Kind {
        enters: false,
        reads: true,
        send: |number, round| rounds(round, 40, || noise(number + round, 500)),
    },
    // A half message, and then nothing.
    Kind { enters: true, reads: true, send: |_, round| rounds(round, 1, || half(TEXT, 6000)) },
    // A frame that is longer than may be.
    Kind { enters: true, reads: true, send: |_, round| rounds(round, 1, || half(TEXT, 1 << 40)) },
    // Fragments without end.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| {
            rounds(round, 4000, || frame(if round == 0 { 0x01 } else { 0x00 }, &[b'x'; 1000]))
        },
    },
    // Pings of the protocol and of WebSocket, with answers that nobody reads.
    Kind {
        enters: true,
        reads: false,
        send: |_, round| {
            rounds(round, 400, || {
                if round % 2 == 0 { text(r#"{"type":"ping"}"#) } else { frame(PING, &[0; 100]) }
            })
        },
    },
    // Pushes, with answers that nobody reads.
    Kind {
        enters: true,
        reads: false,
        send: |number, round| {
            rounds(round, 100, || {
                push(
                    round,
                    &put(&format!("note:hostile-{}", number % 7), "note", &round.to_string()),
                )
            })
        },
    },
    // The same as a reader.
    Kind {
        enters: true,
        reads: true,
        send: |number, round| {
            rounds(round, 30, || {
                push(
                    round,
                    &put(&format!("note:hostile-{}", number % 7), "note", &"x".repeat(round * 20)),
                )
            })
        },
    },
    // Enters again and again, and reads nothing of what is in the room.
    Kind { enters: true, reads: false, send: |_, round| rounds(round, 200, || text(CONNECT)) },
    // Large presence, and another one each time.
    Kind {
        enters: true,
        reads: false,
        send: |number, round| {
            rounds(round, 30, || {
                // Half of them stay below what may be.
                let count = if number % 40 < 20 { 100 } else { 3000 };
                let numbers =
                    format!("{round}").repeat(count).split("").collect::<Vec<_>>().join(",");
                text(&format!(
                    r#"{{"type":"push","clientClock":{round},"presence":["put",
            {{"id":"x","typeName":"cursor","n":[{}]}}]}}"#,
                    numbers.trim_matches(',')
                ))
            })
        },
    },
    // Ids that are longer than may be.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| rounds(round, 1, || push(1, &put(&"x".repeat(5000), "note", ""))),
    },
    // Values that nest deeper than may be.
    Kind {
        enters: true,
        reads: true,
        send: |number, round| {
            rounds(round, 1, || {
                let levels = 50 + number * 3;
                let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
                push(
                    1,
                    &format!(
                        r#""note:deep":["put",{{"id":"note:deep","typeName":"note","d":{deep}}}]"#
                    ),
                )
            })
        },
    },
    // What means something else in JavaScript.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| rounds(round, 20, || push(round, PROTO[round % PROTO.len()])),
    },
    // A record of no known type.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| rounds(round, 1, || push(1, &put("zap:1", "zap", ""))),
    },
    // Pieces of a message that never ends.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| {
            rounds(round, 1000, || text(&format!("{}_{}", 7000 - round, "x".repeat(6000))))
        },
    },
    // Pieces out of order, and a message among them.
    Kind {
        enters: true,
        reads: true,
        send: |number, round| {
            rounds(round, 2, || {
                text([["3_x", "1_x"], ["3_x", r#"{"type":"ping"}"#]][number % 2][round])
            })
        },
    },
    // The session of another of its kind.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| rounds(round, 3, || text(r#"{"type":"ping"}"#)),
    },
    // Leaves in the middle of something.
    Kind {
        enters: true,
        reads: true,
        send: |_, round| match round {
            0 => Some(push(1, &put("note:hostile-0", "note", "x"))),
            1 => Some(half(BINARY, 100)),
            2 => Some(frame(CLOSE, &[3, 232])),
            _ => None,
        },
    },
    // More than may come in a time, until it is turned out.
    Kind { enters: true, reads: true, send: |_, _| Some(text(r#"{"type":"ping"}"#)) },
];

/// What means something else in JavaScript.
const PROTO: [&str; 3] = [
    r#""note:proto":["put",{"id":"note:proto","typeName":"note","__proto__":{"a":1}}]"#,
    r#""note:shared-1":["patch",{"__proto__":["put",{"a":1}]}]"#,
    r#""__proto__":["put",{"id":"__proto__","typeName":"note"}]"#,
];

/// All of one kind but few have one name.
const SHARED_NAME: usize = 18;

const CONNECT: &str = r#"{"type":"connect","connectRequestId":"r","lastServerClock":-1,
    "protocolVersion":8,"schema":{"schemaVersion":2,"sequences":{"com.example.note":1}}}"#;

impl Attack {
    pub(crate) fn new(number: usize) -> Self {
        Self { number, kind: &ATTACKS[number % ATTACKS.len()] }
    }

    /// What it calls its session.
    pub(crate) fn session(self) -> String {
        if self.number % ATTACKS.len() == SHARED_NAME {
            format!("shared-{}", self.number % 3)
        } else {
            format!("hostile-{}", self.number)
        }
    }

    /// Does it, and leaves.
    pub(crate) async fn run(self, stream: DuplexStream) {
        let Self { number, kind } = self;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let read = async {
            let mut buffer = [0; 4096];
            while kind.reads && reader.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
            if !kind.reads {
                std::future::pending::<()>().await;
            }
        };
        let write = async {
            if kind.enters && writer.write_all(&text(CONNECT)).await.is_err() {
                return;
            }
            for round in 0.. {
                let Some(bytes) = (kind.send)(number, round) else { break };
                // The host has closed it, or takes no more.
                if !matches!(timeout(STUBBORN, writer.write_all(&bytes)).await, Ok(Ok(()))) {
                    return;
                }
            }
            if !kind.enters {
                // Until it is turned out.
                std::future::pending::<()>().await;
            }
            sleep(LINGER).await;
        };
        tokio::select! {
            () = read => {}
            () = write => {}
        }
    }
}

fn rounds(round: usize, count: usize, send: impl FnOnce() -> Vec<u8>) -> Option<Vec<u8>> {
    (round < count).then(send)
}

fn text(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

/// A frame of a client's, masked with zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    [&head(opcode, payload.len() as u64)[..], payload].concat()
}

/// The head of a frame, and half of the rest, or a part of it.
fn half(opcode: u8, length: u64) -> Vec<u8> {
    let sent = (length / 2).min(3000) as usize;
    [&head(opcode, length)[..], &vec![b'x'; sent]].concat()
}

fn head(opcode: u8, length: u64) -> Vec<u8> {
    let mut head = vec![opcode];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => head.push(0x80 | short),
        (_, Ok(long)) => {
            head.push(0x80 | 126);
            head.extend(long.to_be_bytes());
        }
        (_, Err(_)) => {
            head.push(0x80 | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head.extend([0; 4]);
    head
}

fn push(clock: usize, diff: &str) -> Vec<u8> {
    text(&format!(r#"{{"type":"push","clientClock":{clock},"diff":{{{diff}}}}}"#))
}

fn put(id: &str, type_name: &str, content: &str) -> String {
    format!(r#""{id}":["put",{{"id":"{id}","typeName":"{type_name}","text":"{content}"}}]"#)
}

/// A message that is none.
fn garbage(number: usize) -> Vec<u8> {
    const TEXTS: [&str; 10] = [
        "",
        "garbage",
        "{",
        "{}",
        "[1]",
        "null",
        r#"{"type":"zap"}"#,
        r#"{"type":"push","clientClock":"#,
        r#"{"type":"push","clientClock":-1,"diff":{"x":["patch",5]}}"#,
        "99999999999999999999999_x",
    ];
    match number % 12 {
        10 => frame(TEXT, &[0xFF, 0xFE]),
        11 => frame(BINARY, &noise(number, 300)),
        index => text(TEXTS[index]),
    }
}

fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut state = seed as u64;
    let mut byte = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| byte()).collect()
}
