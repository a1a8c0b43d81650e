//! How a client is driven by lines.

use crate::Report;
use crate::schema::schema;
use roomsync::{
    Client, ClientAction, ClientConfig, ClientEvent, CloseReason, Instant, LinkId, Object,
    PresenceMode, Status, Value,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    solo: bool,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub(crate) enum ClientCommand {
    Open,
    Message {
        link: u64,
        text: String,
    },
    Drop {
        link: u64,
        code: u16,
        reason: String,
    },
    /// Time passes until `now`: all timers fire when they are due.
    Wait,
    /// Puts whole records, sets fields of others, removes ids.
    Edit {
        put: Vec<Object>,
        set: Vec<Object>,
        remove: Vec<String>,
    },
    Presence {
        record: Option<Object>,
    },
    Mode {
        solo: bool,
    },
    Records,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    Send { link: u64, text: String },
    Close { link: u64 },
    App(Told),
}

/// What the application is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Told {
    Online,
    Refused(String),
    Custom(Value),
}

pub(crate) struct ClientMachine(Client);

impl ClientMachine {
    pub(crate) fn new(options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let mut config = ClientConfig::default();
        config.presence_mode = mode(options.solo);
        Ok(Self(Client::new(Instant::ZERO, config, Arc::new(schema()?))?))
    }

    pub(crate) fn run(&mut self, now: Instant, command: ClientCommand) -> Report<Action> {
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
        command: ClientCommand,
        actions: &mut Vec<Action>,
    ) -> Result<Option<Value>, Box<dyn std::error::Error>> {
        let client = &mut self.0;
        match command {
            ClientCommand::Open => {
                return Ok(Some(client.handle_connected(now).as_u64().into()));
            }
            ClientCommand::Message { link, text } => {
                client.handle_message(now, LinkId::from_u64(link), text.as_bytes());
            }
            ClientCommand::Drop { link, code, reason } => {
                let reason = CloseReason::from_wire(code, &reason);
                client.handle_disconnected(now, LinkId::from_u64(link), reason);
            }
            ClientCommand::Wait => {
                while let Some(due) = self.0.poll_timeout().filter(|due| *due <= now) {
                    self.0.handle_timeout(due);
                    self.drain(actions);
                }
            }
            ClientCommand::Edit { put, set, remove } => client.transact(now, |tx| {
                put.into_iter().try_for_each(|record| tx.put(record))?;
                for fields in set {
                    let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
                    tx.update(id, |record| {
                        for (key, value) in fields.iter() {
                            record.insert(key.clone(), value.clone());
                        }
                    })?;
                }
                remove.iter().try_for_each(|id| tx.remove(id))
            })?,
            ClientCommand::Presence { record } => client.set_presence(now, record)?,
            ClientCommand::Mode { solo } => client.set_presence_mode(now, mode(solo)),
            ClientCommand::Records => {
                let records = client.records().chain(client.presence());
                let records = records.map(|(id, record)| (id.as_str(), record.clone()));
                return Ok(Some(records.collect::<Object>().into()));
            }
        }
        Ok(None)
    }

    fn drain(&mut self, actions: &mut Vec<Action>) {
        while let Some(action) = self.0.poll_action() {
            match action {
                ClientAction::Send { link, frame } => {
                    let text = frame.to_text().unwrap_or_default().into();
                    actions.push(Action::Send { link: link.as_u64(), text });
                }
                ClientAction::Close { link, .. } => {
                    actions.push(Action::Close { link: link.as_u64() });
                }
                ClientAction::Event(ClientEvent::Status(Status::Online)) => {
                    actions.push(Action::App(Told::Online));
                }
                ClientAction::Event(ClientEvent::Status(Status::Refused(reason))) => {
                    actions.push(Action::App(Told::Refused(reason.text().into())));
                }
                ClientAction::Event(ClientEvent::Custom(data)) => {
                    actions.push(Action::App(Told::Custom(data)));
                }
                ClientAction::Dial | ClientAction::Persist(_) | ClientAction::Event(_) => {}
            }
        }
    }
}

const fn mode(solo: bool) -> PresenceMode {
    if solo { PresenceMode::Solo } else { PresenceMode::Full }
}
