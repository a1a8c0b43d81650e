//! What machines keep, made of bytes: the more of it is sound, the deeper it goes.

use super::decode::{goes_on, opens, resumes};
use super::messages::{known, network_diff};
use crate::edit::{new_record, presence, serialized_schema};
use crate::tape::Tape;
use roomsync::{
    AppliedPush, ClientSnapshot, Codec, Key, NetworkDiff, Object, PushClient, RecordId,
    RoomSnapshot, SessionSnapshot, Value,
};

/// Makes a snapshot of each kind of `bytes`, which is read back as the same and opened.
pub fn snapshots(bytes: &[u8]) {
    let mut tape = Tape::new(bytes.to_vec(), Vec::new());
    while !tape.is_spent() {
        match tape.choose(3) {
            0 => {
                let snapshot = of_room(&mut tape);
                let read = RoomSnapshot::from_value(&snapshot.to_value());
                assert_eq!(read.as_ref(), Ok(&in_order(snapshot.clone())));
                opens(snapshot);
            }
            1 => goes_on(&of_client(&mut tape)),
            _ => {
                let value = of_session(&mut tape);
                let read = SessionSnapshot::from_value(&value).expect("a good snapshot");
                assert_eq!(read.to_value(), value);
                resumes(read);
            }
        }
    }
}

/// As it is read: removed ids stand in an object.
fn in_order(mut snapshot: RoomSnapshot) -> RoomSnapshot {
    snapshot.tombstones.sort();
    snapshot
}

/// A clock: mostly low.
fn clock(tape: &mut Tape) -> u64 {
    match tape.choose(16) {
        15 => (1 << 53) - 1,
        14 => i64::MAX as u64,
        low => low as u64,
    }
}

fn record(tape: &mut Tape) -> Object {
    let record = new_record(tape.choose(16) as u16, tape.choose(256) as u16);
    match tape.choose(8) {
        0 => tape.make_record(),
        1 => presence(3),
        2..5 => tape.edit_object(&record),
        _ => record,
    }
}

fn of_room(tape: &mut Tape) -> RoomSnapshot {
    let mut snapshot = RoomSnapshot::default();
    snapshot.clock = clock(tape);
    snapshot.tombstone_history_starts_at = clock(tape).min(snapshot.clock);
    snapshot.documents = (0..tape.choose(6)).map(|_| (record(tape), clock(tape))).collect();
    let tombstones = (0..tape.choose(6))
        .map(|_| (RecordId::from(format!("page:gone-{}", tape.choose(256))), clock(tape)));
    // Of an id that stands twice the last counts, as in an object.
    let tombstones: std::collections::BTreeMap<_, _> = tombstones.collect();
    snapshot.tombstones = tombstones.into_iter().collect();
    snapshot.schema = [None, Some(serialized_schema())][tape.choose(2)].clone();
    snapshot.applied_pushes = (0..tape.choose(4)).map(|_| applied(tape)).collect();
    snapshot
}

fn applied(tape: &mut Tape) -> AppliedPush {
    let identity = [None, Some("alice".into())][tape.choose(2)].clone();
    let client = format!("client-{}", tape.choose(4)).into();
    let client = PushClient { identity, client };
    AppliedPush { client, client_clock: clock(tape), order: clock(tape) }
}

/// The entries of a client's snapshot.
fn of_client(tape: &mut Tape) -> ClientSnapshot {
    let mut entries: Vec<(Key, Value)> = Vec::new();
    let nothing = |_: &str| None;
    let meta = [("format", 1), ("lastPush", clock(tape)), ("lastAckedPush", clock(tape))];
    let mut meta: Object = meta.into_iter().collect();
    if tape.choose(2) == 1 {
        meta.insert("clientId", "phone");
    }
    if tape.choose(3) > 0 {
        meta.insert("serverClock", clock(tape));
    }
    entries.push(("meta".into(), meta.into()));
    if tape.choose(4) > 0 {
        entries.push(("schema".into(), serialized_schema().to_value()));
    }
    for _ in 0..tape.choose(8) {
        let diff = network_diff(tape, &known(&nothing, 1));
        let id = diff.iter().next().map_or_else(|| "page:a".into(), |(id, _)| id.clone());
        entries.push(match tape.choose(4) {
            0 => {
                let record = record(tape);
                let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
                (format!("record/{id}").into(), record.clone().into())
            }
            1 => (format!("push/{}", tape.choose(16)).into(), value_of(&diff)),
            2 => (format!("outrun/{id}").into(), clock(tape).into()),
            _ => {
                let ops = value_of(&diff);
                let op = ops.as_object().and_then(|ops| ops.get(&id)).cloned();
                (format!("edit/{id}").into(), op.unwrap_or_default())
            }
        });
    }
    entries.into_iter().collect()
}

/// A diff as the JSON that it is.
fn value_of(diff: &NetworkDiff) -> Value {
    diff.to_string().parse().expect("it was written")
}

fn of_session(tape: &mut Tape) -> Value {
    let text = |text: &str| Value::from(text);
    let shown = match tape.choose(4) {
        0 => Value::Null,
        1 => tape.make_record().into(),
        _ => presence(tape.choose(256) as u16).into(),
    };
    let unanswered: Vec<Value> = (0..tape.choose(4)).map(|_| clock(tape).into()).collect();
    let mut session: Object = [
        ("sessionId", text(["alice", "", "bob"][tape.choose(3)])),
        ("isReadonly", Value::from(tape.choose(2) == 1)),
        ("objectAccess", text(["read", "write"][tape.choose(2)])),
        ("protocolVersion", Value::from([8, 7, 6, 5, 4, 9][tape.choose(6)])),
        ("serializedSchema", serialized_schema().to_value()),
        ("presenceId", text(["cursor:1", "page:a", "", "cursor:2"][tape.choose(4)])),
        ("presenceRecord", shown),
        ("serverClock", Value::from(clock(tape))),
        ("unanswered", Value::from(unanswered)),
    ]
    .into_iter()
    .collect();
    if tape.choose(2) == 1 {
        session.insert("codec", Codec::Postcard.name());
    }
    if tape.choose(2) == 1 {
        session.insert("identity", "alice");
    }
    if tape.choose(2) == 1 {
        session.insert("clientId", "phone");
        session.insert("lastAppliedPush", clock(tape));
    }
    if tape.choose(4) == 3 {
        session.insert("unheardPresence", Value::from(vec![text("cursor:1"), text("cursor:3")]));
    }
    session.into()
}
