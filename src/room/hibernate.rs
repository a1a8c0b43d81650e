//! How a session outlives the room's memory: kept outside while its connection stays open.

use super::Room;
use super::session::State;
use crate::ids::{ClientId, ConnectionId, Identity, Key, RecordId, SessionId};
use crate::schema::SerializedSchema;
use crate::store::{SnapshotError, as_clock, size_of_object, size_of_value};
use crate::value::{Array, Object, Value};
use crate::wire::{Codec, ObjectAccess};
use alloc::vec::Vec;

/// A session that is in, as a host keeps it while the room is not in memory, for example beside
/// its open socket.
///
/// ```
/// use std::sync::Arc;
/// use roomsync::{Instant, Meta, Room, RoomAction, RoomConfig, Schema, SessionParams};
///
/// let schema = Arc::new(Schema::tldraw());
/// let (now, config) = (Instant::ZERO, RoomConfig::default());
/// let mut room = Room::new(config.clone(), Arc::clone(&schema))?;
/// let connection = room.handle_connect(now, SessionParams::new("alice"))?;
/// let connect = r#"{"type":"connect","connectRequestId":"1","lastServerClock":-1,
///     "protocolVersion":8,"schema":{"schemaVersion":2,"sequences":{}}}"#;
/// room.handle_message(now, connection, connect.as_bytes());
///
/// // The room goes to sleep; the client's connection stays open and it notices nothing.
/// let (kept, stored) = (room.session_snapshot(connection).unwrap(), room.snapshot());
/// drop(room);
/// let mut room = Room::restore(config, schema, stored)?;
/// let connection = room.handle_resume(now, kept, Meta::default())?;
/// room.handle_message(now, connection, br#"{"type":"ping"}"#);
/// let mut actions = core::iter::from_fn(|| room.poll_action());
/// assert!(actions.any(|action| matches!(action, RoomAction::Send { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionSnapshot {
    /// What the client calls its session.
    pub session: SessionId,
    /// Who it is, as far as the host has said.
    pub identity: Option<Identity>,
    /// Whether its changes of documents are skipped.
    pub readonly: bool,
    /// What it may do to object types.
    pub object_access: ObjectAccess,
    /// The protocol version that it speaks.
    pub protocol_version: u32,
    /// What it is told things in.
    pub codec: Codec,
    /// The schema that it was served in.
    pub schema: SerializedSchema,
    /// The id of its presence, which others know it by.
    pub presence_id: RecordId,
    /// Its presence as its client has it, with large lists and texts left empty; small enough to
    /// stand with a socket.
    pub presence: Option<Object>,
    /// Whether others were shown more than that.
    pub is_presence_cut: bool,
    /// The room's clock that its client was last told.
    pub told_clock: u64,
    /// The presence of others that went without its being told, if it has yet to hear of presence or
    /// of anything else.
    pub unheard_presence: Option<Vec<RecordId>>,
    /// The presence of others that it was shown, where the host decides who sees whom.
    pub shown_presence: Option<Vec<RecordId>>,
    /// Its pushes whose results it was not told, as it counts them.
    pub unanswered: Vec<u64>,
    /// What it calls itself, if it counts its pushes. Others must not learn of it.
    pub client: Option<ClientId>,
    /// The last of those that was taken.
    pub last_applied_push: u64,
}

/// Values of a presence that are larger than this are left empty.
const LARGE_VALUE_BYTES: usize = 256;

/// A presence that is then still larger is left out.
const LARGE_PRESENCE_BYTES: usize = 4096;

impl Room {
    /// A session that is in, to be kept. `None` when it is not in, waits to be let in again, has
    /// sent only some pieces of a long message, or is so far behind that it has to connect again.
    /// Others are not told that such a one, or one in its grace, is gone with the room's memory: so
    /// a room sleeps once they are removed.
    ///
    /// What it has not heard yet it hears once it is [resumed](Room::handle_resume), as the state
    /// of what changed.
    #[must_use]
    pub fn session_snapshot(&self, connection: ConnectionId) -> Option<SessionSnapshot> {
        let session = self.sessions.get(self.by_connection.get(&connection)?)?;
        let State::Connected { link, reader } = &session.state else { return None };
        // The rest of a long message alone would be none, and end the session for good.
        if link.owed_connect.is_some() || link.assembler.is_inside() {
            return None;
        }
        let is_behind = reader.wants(self.log.broadcast_end());
        let unheard_presence = match is_behind {
            true => Some(self.lost_presence(reader)?),
            false => None,
        };
        let claim = reader.claim.as_ref();
        let whole = session.presence.as_ref();
        let slim = whole.and_then(|presence| self.slim(presence));
        let is_slim = slim.as_ref() != whole;
        let presence = slim.and_then(|slim| match &reader.dialect.form.lens {
            Some(lens) => lens.view(&slim).ok(),
            None => Some(slim),
        });
        Some(SessionSnapshot {
            session: session.name.clone(),
            identity: session.identity.clone(),
            readonly: session.readonly,
            object_access: session.object_access,
            protocol_version: reader.version,
            codec: reader.dialect.form.codec,
            schema: match &reader.dialect.form.lens {
                Some(lens) => lens.client.clone(),
                None => {
                    let undecided = session.undecided.as_ref();
                    undecided.or(self.serialized.as_ref()).cloned().unwrap_or_default()
                }
            },
            presence_id: session.presence_id.clone(),
            is_presence_cut: is_slim || presence.is_some() != whole.is_some(),
            presence,
            told_clock: reader.told_clock,
            unheard_presence,
            shown_presence: reader.sight.as_ref().map(|sight| self.shown_to(sight)),
            unanswered: reader.unanswered.iter().map(|own| own.client_clock).collect(),
            client: claim.map(|claim| claim.client.client.clone()),
            last_applied_push: claim.map_or(0, |claim| claim.applied),
        })
    }

    /// The presence without what is large in it, if that is a presence still.
    fn slim(&self, presence: &Object) -> Option<Object> {
        let mut slim = presence.clone();
        for (key, value) in presence.iter() {
            let empty = match value {
                Value::String(_) => Value::from(""),
                Value::Array(_) => Value::Array(Array::default()),
                Value::Object(_) => Value::Null,
                Value::Null | Value::Bool(_) | Value::Number(_) => continue,
            };
            if size_of_value(value) > LARGE_VALUE_BYTES {
                slim.insert(key.clone(), empty);
            }
        }
        let is_small = size_of_object(&slim) <= LARGE_PRESENCE_BYTES;
        let is_valid = |name: &Key| self.schema.validate(name, &slim).is_ok();
        (is_small && self.schema.presence_type().is_some_and(is_valid)).then_some(slim)
    }
}

impl SessionSnapshot {
    /// The snapshot as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let unanswered: Vec<Value> = self.unanswered.iter().copied().map(Value::from).collect();
        let mut object: Object = [
            ("sessionId", Value::from(self.session.as_str())),
            ("isReadonly", Value::from(self.readonly)),
            ("objectAccess", Value::from(access_name(self.object_access))),
            ("protocolVersion", Value::from(u64::from(self.protocol_version))),
            ("serializedSchema", self.schema.to_value()),
            ("presenceId", Value::from(self.presence_id.as_str())),
            ("presenceRecord", self.presence.clone().map_or(Value::Null, Value::from)),
            ("serverClock", Value::from(self.told_clock)),
            ("unanswered", Value::from(unanswered)),
        ]
        .into_iter()
        .collect();
        if self.codec != Codec::Json {
            object.insert("codec", self.codec.name());
        }
        if self.is_presence_cut {
            object.insert("isPresenceCut", true);
        }
        for (name, ids) in
            [("unheardPresence", &self.unheard_presence), ("shownPresence", &self.shown_presence)]
        {
            if let Some(ids) = ids {
                let ids = ids.iter().map(|id| Value::from(id.as_str()));
                object.insert(name, ids.collect::<Vec<_>>());
            }
        }
        if let Some(identity) = &self.identity {
            object.insert("identity", identity.as_str());
        }
        if let Some(client) = &self.client {
            object.insert("clientId", client.as_str());
            object.insert("lastAppliedPush", self.last_applied_push);
        }
        Value::from(object)
    }

    /// Reads a snapshot. One that does not say what it may do to object types may read them.
    ///
    /// # Errors
    ///
    /// When a field is missing or of the wrong type.
    pub fn from_value(value: &Value) -> Result<Self, SnapshotError> {
        use SnapshotError::Field;
        let object = value.as_object().ok_or(Field("sessionId"))?;
        let text = |name| object.get(name).and_then(Value::as_str).ok_or(Field(name));
        let count = |name| as_clock(object.get(name)).ok_or(Field(name));
        let optional =
            |name| if object.get(name).is_some() { text(name).map(Some) } else { Ok(None) };
        let unanswered = object.get("unanswered").and_then(Value::as_array);
        let unanswered = unanswered.ok_or(Field("unanswered"))?.iter();
        let ids = |name| {
            let Some(ids) = object.get(name) else { return Ok(None) };
            let ids = ids.as_array().ok_or(Field(name))?.iter();
            let ids = ids.map(|id| id.as_str().map(RecordId::from)).collect::<Option<_>>();
            Ok(Some(ids.ok_or(Field(name))?))
        };
        let client = optional("clientId")?.map(ClientId::from);
        Ok(Self {
            session: text("sessionId")?.into(),
            identity: optional("identity")?.map(Identity::from),
            readonly: object
                .get("isReadonly")
                .and_then(Value::as_bool)
                .ok_or(Field("isReadonly"))?,
            object_access: match optional("objectAccess")? {
                None => ObjectAccess::Read,
                Some(name) => access_of(name).ok_or(Field("objectAccess"))?,
            },
            protocol_version: u32::try_from(count("protocolVersion")?)
                .map_err(|_| Field("protocolVersion"))?,
            codec: match optional("codec")? {
                None => Codec::Json,
                Some(name) => Codec::from_name(name).ok_or(Field("codec"))?,
            },
            schema: object.get("serializedSchema").ok_or(Field("serializedSchema")).and_then(
                |schema| SerializedSchema::from_value(schema).map_err(SnapshotError::Schema),
            )?,
            presence_id: text("presenceId")?.into(),
            presence: match object.get("presenceRecord") {
                None | Some(Value::Null) => None,
                Some(record) => Some(record.as_object().cloned().ok_or(Field("presenceRecord"))?),
            },
            is_presence_cut: match object.get("isPresenceCut") {
                None => false,
                Some(is_cut) => is_cut.as_bool().ok_or(Field("isPresenceCut"))?,
            },
            told_clock: count("serverClock")?,
            unheard_presence: ids("unheardPresence")?,
            shown_presence: ids("shownPresence")?,
            unanswered: unanswered
                .map(|clock| as_clock(Some(clock)))
                .collect::<Option<_>>()
                .ok_or(Field("unanswered"))?,
            last_applied_push: if client.is_some() { count("lastAppliedPush")? } else { 0 },
            client,
        })
    }
}

const fn access_name(access: ObjectAccess) -> &'static str {
    match access {
        ObjectAccess::Read => "read",
        ObjectAccess::Write => "write",
    }
}

fn access_of(name: &str) -> Option<ObjectAccess> {
    match name {
        "read" => Some(ObjectAccess::Read),
        "write" => Some(ObjectAccess::Write),
        _ => None,
    }
}
