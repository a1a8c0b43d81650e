//! How a room is driven by lines.

use crate::{Fields, Machine, object};
use roomsync::{
    AppliedPush, CloseReason, Commit, ConnectionId, FATAL_CLOSE_CODE, Identity, Instant,
    NetworkDiff, ObjectAccess, Origin, PushClient, Room, RoomAction, RoomConfig, RoomEvent,
    RoomSnapshot, Schema, SessionParams, Value,
};
use std::sync::Arc;

pub(crate) struct RoomMachine(Room);

impl RoomMachine {
    pub(crate) fn new(schema: Schema) -> Result<Self, String> {
        let mut config = RoomConfig::default();
        // These lines carry text only.
        config.postcard = false;
        let room = Room::new(config, Arc::new(schema));
        room.map(Self).map_err(|error| error.to_string())
    }
}

impl Machine for RoomMachine {
    fn run(&mut self, now: Instant, what: &str, fields: &Fields) -> Result<Vec<Value>, String> {
        let room = &mut self.0;
        let connection = || fields.number("connection").map(ConnectionId::from_u64);
        match what {
            "connect" => {
                let connected = room.handle_connect(now, session_params(fields)?);
                let connection = connected.map_err(|error| error.to_string())?;
                return Ok(vec![object([("connection", connection.as_u64().into())])]);
            }
            "message" => {
                room.handle_message(now, connection()?, fields.text("text")?.as_bytes());
            }
            "disconnect" => room.handle_disconnect(now, connection()?),
            "writable" => room.handle_writable(now, connection()?, fields.flag("writable")?),
            "timeout" => room.handle_timeout(now),
            "transact" => {
                let (put, remove) = (fields.objects("put")?, fields.texts("remove")?);
                let done = room.transact(now, |tx| {
                    put.into_iter().try_for_each(|record| tx.put(record))?;
                    remove.iter().try_for_each(|id| tx.remove(id))
                });
                done.map_err(|error| error.to_string())?;
            }
            "custom" => {
                let data = fields.value("data")?.clone();
                let sent = room.send_custom(now, connection()?, data);
                sent.map_err(|error| error.to_string())?;
            }
            "close" => {
                let reason = match fields.text("reason") {
                    Ok(reason) => CloseReason::from_wire(FATAL_CLOSE_CODE, reason),
                    Err(_) => CloseReason::Closed,
                };
                let closed = room.close_session(now, connection()?, reason);
                closed.map_err(|error| error.to_string())?;
            }
            "shutdown" => room.shutdown(now),
            "snapshot" => return Ok(vec![object([("snapshot", room.snapshot().to_value())])]),
            "load" => {
                let snapshot = RoomSnapshot::from_value(fields.value("snapshot")?);
                let snapshot = snapshot.map_err(|error| error.to_string())?;
                room.load_snapshot(now, snapshot).map_err(|error| error.to_string())?;
            }
            _ => return Err(format!("a room cannot do `{what}`")),
        }
        Ok(Vec::new())
    }

    fn next_action(&mut self) -> Option<Value> {
        Some(match self.0.poll_action()? {
            RoomAction::Send { to, frame } => {
                let text = frame.to_text().unwrap_or_default();
                let to: Vec<Value> = to.iter().map(|to| to.as_u64().into()).collect();
                object([("send", object([("to", to.into()), ("text", (&*text).into())]))])
            }
            RoomAction::Close { connection, reason } => {
                let close = object([
                    ("connection", connection.as_u64().into()),
                    ("code", u32::from(reason.code()).into()),
                    ("reason", reason.text().into()),
                ]);
                object([("close", close)])
            }
            RoomAction::Persist(commit) => object([("persist", persist(&commit))]),
            RoomAction::Event(event) => object([("event", describe(&event))]),
        })
    }

    fn timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}

fn session_params(fields: &Fields) -> Result<SessionParams, String> {
    let mut params = SessionParams::new(fields.text("session")?);
    params.readonly = fields.flag("readonly")?;
    params.identity = fields.text("identity").ok().map(Identity::from);
    params.object_access = match fields.text("objectAccess") {
        Ok("read") => ObjectAccess::Read,
        Ok("write") | Err(_) => ObjectAccess::Write,
        Ok(_) => return Err("`objectAccess` is neither \"read\" nor \"write\"".into()),
    };
    Ok(params)
}

fn persist(commit: &Commit) -> Value {
    let put = commit.changes.iter().filter_map(|change| change.after.clone().map(Value::from));
    let remove = commit.changes.iter().filter(|change| change.after.is_none());
    object([
        ("clock", commit.clock.into()),
        ("put", put.collect::<Vec<_>>().into()),
        ("remove", remove.map(|change| change.id.as_str().into()).collect::<Vec<_>>().into()),
        ("schema", commit.schema.as_ref().map_or(Value::Null, |schema| schema.to_value())),
        ("pruned", commit.pruned.iter().map(|id| id.as_str().into()).collect::<Vec<_>>().into()),
        ("tombstoneHistoryStartsAtClock", commit.tombstone_history_starts_at.into()),
        ("appliedPush", commit.applied.as_ref().map_or(Value::Null, AppliedPush::to_value)),
        (
            "forgottenClients",
            commit.forgotten.iter().map(PushClient::to_value).collect::<Vec<_>>().into(),
        ),
    ])
}

fn describe(event: &RoomEvent) -> Value {
    match event {
        RoomEvent::Joined { connection, session } => object([
            ("type", "joined".into()),
            ("connection", connection.as_u64().into()),
            ("session", session.as_str().into()),
        ]),
        RoomEvent::Left { session, reason } => object([
            ("type", "left".into()),
            ("session", session.as_str().into()),
            ("reason", reason.text().into()),
        ]),
        RoomEvent::Empty => object([("type", "empty".into())]),
        RoomEvent::Committed(commit) => committed(commit),
        RoomEvent::Presence { session, record } => object([
            ("type", "presence".into()),
            ("session", session.as_str().into()),
            ("record", record.clone().map_or(Value::Null, Value::from)),
        ]),
        RoomEvent::Custom { connection, data } => object([
            ("type", "custom".into()),
            ("connection", connection.as_u64().into()),
            ("data", data.clone()),
        ]),
        _ => object([("type", "other".into())]),
    }
}

fn committed(commit: &Commit) -> Value {
    let ops = commit.changes.iter().map(|change| (change.id.clone(), change.op.clone()));
    let diff = ops.collect::<NetworkDiff>().to_string().parse().unwrap_or_default();
    let (session, client_clock) = match &commit.origin {
        Origin::Session { session, client_clock, identity: _ } => {
            (session.as_str().into(), (*client_clock).into())
        }
        Origin::Host => (Value::Null, Value::Null),
    };
    object([
        ("type", "committed".into()),
        ("clock", commit.clock.into()),
        ("session", session),
        ("clientClock", client_clock),
        ("diff", diff),
    ])
}
