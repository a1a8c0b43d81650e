//! How a client is driven by lines.

use crate::{Fields, Machine, object};
use roomsync::{
    Client, ClientAction, ClientConfig, ClientEvent, CloseReason, Instant, LinkId, Object,
    ObjectAccess, RecordChange, Schema, SerializedSchema, Source, Status, Value,
};
use std::sync::Arc;

pub(crate) struct ClientMachine(Client);

impl ClientMachine {
    pub(crate) fn new(schema: Schema) -> Result<Self, String> {
        // A client has to name some sequences; whoever cares gives a schema that does.
        let schema = match schema.serialized() {
            Some(_) => schema,
            None => schema.with_serialized(SerializedSchema::default()),
        };
        let client = Client::new(Instant::ZERO, ClientConfig::default(), Arc::new(schema));
        client.map(Self).map_err(|error| error.to_string())
    }
}

impl Machine for ClientMachine {
    fn run(&mut self, now: Instant, what: &str, fields: &Fields) -> Result<Vec<Value>, String> {
        let client = &mut self.0;
        let link = || fields.number("link").map(LinkId::from_u64);
        match what {
            "connected" => {
                let link = client.handle_connected(now);
                return Ok(vec![object([("link", link.as_u64().into())])]);
            }
            "message" => client.handle_message(now, link()?, fields.text("text")?.as_bytes()),
            // Without a link it was the attempt that failed.
            "disconnected" => match link() {
                Ok(link) => client.handle_disconnected(now, link, close_reason(fields)),
                Err(_) => client.handle_dial_failed(now),
            },
            "timeout" => client.handle_timeout(now),
            "transact" => transact(client, now, fields)?,
            "presence" => {
                let record = match fields.value("record")? {
                    Value::Null => None,
                    Value::Object(record) => Some(record.clone()),
                    Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                        return Err("`record` is neither an object nor null".into());
                    }
                };
                client.set_presence(now, record).map_err(|error| error.to_string())?;
            }
            "custom" => {
                if !client.send_custom(now, fields.value("data")?.clone()) {
                    return Err("the client is not online".into());
                }
            }
            "discard" => client.discard_unconfirmed(now),
            "close" => client.close(now),
            "snapshot" => return Ok(vec![object([("snapshot", snapshot(client))])]),
            _ => return Err(format!("a client cannot do `{what}`")),
        }
        Ok(Vec::new())
    }

    fn next_action(&mut self) -> Option<Value> {
        Some(match self.0.poll_action()? {
            ClientAction::Dial => object([("dial", object([]))]),
            ClientAction::Send { link, frame } => {
                let text = frame.to_text().unwrap_or_default();
                let send = [("link", link.as_u64().into()), ("text", (&*text).into())];
                object([("send", object(send))])
            }
            ClientAction::Close { link, reason } => {
                let close = object([
                    ("link", link.as_u64().into()),
                    ("code", u32::from(reason.code()).into()),
                    ("reason", reason.text().into()),
                ]);
                object([("close", close)])
            }
            ClientAction::Persist(commit) => {
                let entries = commit.iter().map(|(key, value)| (key.clone(), value.cloned()));
                let entries = entries.map(|(key, value)| (key, value.unwrap_or_default()));
                object([("persist", entries.collect::<Object>().into())])
            }
            ClientAction::Event(event) => object([("event", describe(&event))]),
        })
    }

    fn timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}

fn close_reason(fields: &Fields) -> CloseReason {
    let code = fields.number("code").ok().and_then(|code| u16::try_from(code).ok());
    CloseReason::from_wire(code.unwrap_or(1006), fields.text("reason").unwrap_or_default())
}

/// Puts whole records, merges others on their top level, removes ids: all or nothing.
fn transact(client: &mut Client, now: Instant, fields: &Fields) -> Result<(), String> {
    let (put, update) = (fields.objects("put")?, fields.objects("update")?);
    let remove = fields.texts("remove")?;
    let merged = |update: &Object| {
        let id = update.get("id").and_then(Value::as_str).map(String::from);
        id.ok_or_else(|| "an update has no `id`".to_string()).map(|id| (id, update.clone()))
    };
    let update = update.iter().map(merged).collect::<Result<Vec<_>, _>>()?;
    let done = client.transact(now, |tx| {
        put.into_iter().try_for_each(|record| tx.put(record))?;
        for (id, fields) in update {
            tx.update(&id, |record| {
                for (key, value) in fields.iter() {
                    record.insert(key.clone(), value.clone());
                }
            })?;
        }
        remove.iter().try_for_each(|id| tx.remove(id))
    });
    done.map_err(|error| error.to_string())
}

fn snapshot(client: &Client) -> Value {
    let records = client.records().map(|(id, record)| (id.as_str(), record.clone()));
    let presence = client.presence().map(|(id, record)| (id.as_str(), record.clone()));
    object([
        ("records", records.collect::<Object>().into()),
        ("presence", presence.collect::<Object>().into()),
        ("status", status(client.status())),
        ("settled", client.is_settled().into()),
    ])
}

fn describe(event: &ClientEvent) -> Value {
    match event {
        ClientEvent::Status(now) => object([("type", "status".into()), ("status", status(now))]),
        ClientEvent::Changed { source, changes } => object([
            ("type", "changed".into()),
            (
                "source",
                match source {
                    Source::Local => "local".into(),
                    Source::Remote => "remote".into(),
                },
            ),
            ("changes", changes.iter().map(change).collect::<Vec<_>>().into()),
        ]),
        ClientEvent::Presence(changes) => object([
            ("type", "presence".into()),
            ("changes", changes.iter().map(change).collect::<Vec<_>>().into()),
        ]),
        ClientEvent::Settled => object([("type", "settled".into())]),
        ClientEvent::Refused(refused) => {
            let ids = refused.iter().map(|refusal| Value::from(refusal.id.as_str()));
            object([("type", "refused".into()), ("ids", ids.collect::<Vec<_>>().into())])
        }
        ClientEvent::GivenUp(given_up) => {
            let ids = given_up.iter().map(|refusal| Value::from(refusal.id.as_str()));
            object([("type", "givenUp".into()), ("ids", ids.collect::<Vec<_>>().into())])
        }
        ClientEvent::Unreadable(ids) => {
            let ids = ids.iter().map(|id| Value::from(id.as_str()));
            object([("type", "unreadable".into()), ("ids", ids.collect::<Vec<_>>().into())])
        }
        ClientEvent::Access { is_readonly, object_access } => object([
            ("type", "access".into()),
            ("isReadonly", (*is_readonly).into()),
            ("mayWriteObjects", (*object_access == ObjectAccess::Write).into()),
        ]),
        ClientEvent::Custom(data) => object([("type", "custom".into()), ("data", data.clone())]),
        ClientEvent::Confirmed(_) | _ => object([("type", "other".into())]),
    }
}

fn change(change: &RecordChange) -> Value {
    let state = |record: &Option<Object>| record.clone().map_or(Value::Null, Value::from);
    object([
        ("id", change.id.as_str().into()),
        ("before", state(&change.before)),
        ("after", state(&change.after)),
    ])
}

fn status(status: &Status) -> Value {
    match status {
        Status::Offline => "offline".into(),
        Status::Connecting => "connecting".into(),
        Status::Online => "online".into(),
        Status::Refused(reason) => reason.text().into(),
        Status::Closed => "closed".into(),
    }
}
