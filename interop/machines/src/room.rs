//! How a room is driven by lines.

use crate::Report;
use crate::schema::{migrating_schema, schema};
use roomsync::{
    Authorizer, CloseReason, ConnectionId, FATAL_CLOSE_CODE, Instant, Key, Meta, Object,
    ObjectAccess, Room, RoomAction, RoomConfig, RoomEvent, RoomSnapshot, Schema, SessionParams,
    SessionSnapshot, Value, Veto,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default)]
    object_types: Vec<Key>,
    /// Whether notes belong to their authors.
    #[serde(default)]
    authors: bool,
    /// Whether the schema has come a long way.
    #[serde(default)]
    migrating: bool,
    snapshot: Value,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub(crate) enum RoomCommand {
    #[serde(rename_all = "camelCase")]
    Open {
        session: String,
        readonly: bool,
        object_access: String,
    },
    Message {
        connection: u64,
        text: String,
    },
    Drop {
        connection: u64,
    },
    /// Time passes until `now`: all timers fire when they are due.
    Wait,
    Transact {
        put: Vec<Object>,
        remove: Vec<String>,
    },
    Load {
        snapshot: Value,
    },
    Custom {
        connection: u64,
        data: Value,
    },
    CloseSession {
        connection: u64,
        reason: Option<String>,
    },
    Shutdown,
    Snapshot,
    /// The room is dropped and opened again; the sessions of these connections go on. Answers
    /// their new connections.
    Hibernate {
        connections: Vec<u64>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    Send { connection: u64, text: String },
    Close { connection: u64, code: u16, reason: String },
    Left { session: String },
}

pub(crate) struct RoomMachine {
    room: Room,
    config: RoomConfig,
    schema: Arc<Schema>,
}

impl RoomMachine {
    pub(crate) fn new(options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let mut config = RoomConfig::default();
        config.object_types = options.object_types.into_iter().collect();
        if options.authors {
            config.hooks = config.hooks.authorize("note", authors());
        }
        let snapshot = RoomSnapshot::from_value(&options.snapshot)?;
        let schema = Arc::new(if options.migrating { migrating_schema()? } else { schema()? });
        let room = Room::restore(config.clone(), Arc::clone(&schema), snapshot)?;
        Ok(Self { room, config, schema })
    }

    pub(crate) fn run(&mut self, now: Instant, command: RoomCommand) -> Report<Action> {
        let mut report = Report { actions: Vec::new(), answer: None, refused: None };
        match self.command(now, command, &mut report.actions) {
            Ok(answer) => report.answer = answer,
            Err(error) => report.refused = Some(error.to_string()),
        }
        self.drain(&mut report.actions);
        report
    }

    fn command(
        &mut self,
        now: Instant,
        command: RoomCommand,
        actions: &mut Vec<Action>,
    ) -> Result<Option<Value>, Box<dyn std::error::Error>> {
        let room = &mut self.room;
        match command {
            RoomCommand::Open { session, readonly, object_access } => {
                let mut params = SessionParams::new(&*session);
                params.readonly = readonly;
                params.object_access = match &*object_access {
                    "read" => ObjectAccess::Read,
                    _ => ObjectAccess::Write,
                };
                return Ok(Some(room.handle_connect(now, params)?.as_u64().into()));
            }
            RoomCommand::Message { connection, text } => {
                room.handle_message(now, ConnectionId::from_u64(connection), text.as_bytes());
            }
            RoomCommand::Drop { connection } => {
                room.handle_disconnect(now, ConnectionId::from_u64(connection));
            }
            RoomCommand::Wait => {
                while let Some(due) = self.room.poll_timeout().filter(|due| *due <= now) {
                    self.room.handle_timeout(due);
                    self.drain(actions);
                }
            }
            RoomCommand::Transact { put, remove } => room.transact(now, |tx| {
                put.into_iter().try_for_each(|record| tx.put(record))?;
                remove.iter().try_for_each(|id| tx.remove(id))
            })?,
            RoomCommand::Load { snapshot } => {
                room.load_snapshot(now, RoomSnapshot::from_value(&snapshot)?)?;
            }
            RoomCommand::Custom { connection, data } => {
                room.send_custom(now, ConnectionId::from_u64(connection), data)?;
            }
            RoomCommand::CloseSession { connection, reason } => {
                let fatal = |reason: String| CloseReason::from_wire(FATAL_CLOSE_CODE, &reason);
                let reason = reason.map_or(CloseReason::Closed, fatal);
                room.close_session(now, ConnectionId::from_u64(connection), reason)?;
            }
            RoomCommand::Shutdown => room.shutdown(now),
            RoomCommand::Hibernate { connections } => {
                return Ok(Some(self.hibernate(now, &connections)?));
            }
            RoomCommand::Snapshot => return Ok(Some(room.snapshot().to_value())),
        }
        Ok(None)
    }

    fn hibernate(
        &mut self,
        now: Instant,
        connections: &[u64],
    ) -> Result<Value, Box<dyn std::error::Error>> {
        let kept = |id: &u64| self.room.session_snapshot(ConnectionId::from_u64(*id));
        let kept: Vec<Value> =
            connections.iter().filter_map(kept).map(|it| it.to_value()).collect();
        let stored = self.room.snapshot();
        self.room = Room::restore(self.config.clone(), Arc::clone(&self.schema), stored)?;
        let mut resumed = Vec::new();
        for session in &kept {
            let session = SessionSnapshot::from_value(session)?;
            let connection = self.room.handle_resume(now, session, Meta::default())?;
            resumed.push(Value::from(connection.as_u64()));
        }
        Ok(resumed.into())
    }

    fn drain(&mut self, actions: &mut Vec<Action>) {
        while let Some(action) = self.room.poll_action() {
            match action {
                RoomAction::Send { to, frame } => {
                    let text = frame.to_text().unwrap_or_default();
                    actions.extend(to.iter().map(|connection| Action::Send {
                        connection: connection.as_u64(),
                        text: text.clone().into(),
                    }));
                }
                RoomAction::Close { connection, reason } => actions.push(Action::Close {
                    connection: connection.as_u64(),
                    code: reason.code(),
                    reason: reason.text().into(),
                }),
                RoomAction::Event(RoomEvent::Left { session, .. }) => {
                    actions.push(Action::Left { session: session.to_string() });
                }
                RoomAction::Persist(_) | RoomAction::Event(_) => {}
            }
        }
    }
}

/// Notes get their author when they are made, and only that one changes them. Nobody makes secret
/// ones. `interop/lib/table/stock-room.mjs` says the same to stock rooms.
fn authors() -> Authorizer {
    let author = |note: &Object| note.get("author").and_then(Value::as_str).map(String::from);
    let allow = |is_allowed: bool| if is_allowed { Ok(()) } else { Err(Veto) };
    Authorizer::new()
        .on_create(|by, mut note| {
            if note.get("secret").is_some() {
                return Err(Veto);
            }
            note.insert("author", by.session.as_str());
            Ok(note)
        })
        .on_update(move |by, before, after| {
            allow(
                author(before).as_deref() == Some(&**by.session) && author(before) == author(after),
            )
        })
        .on_remove(move |by, note| allow(author(note).as_deref() == Some(&**by.session)))
}
