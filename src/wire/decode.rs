//! How JSON becomes messages: within caps, and a clear no to everything else.

use super::message::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, ObjectAccess, PresenceOp, Push, PushAction, ServerMessage,
};
use super::ops::{read_network_diff, read_record_op};
use crate::diff::{NetworkDiff, RecordOp};
use crate::error::Malformed;
use crate::ids::{ClientId, Key};
use crate::limits::Limits;
use crate::schema::SerializedSchema;
use crate::value::{Number, Reader, Value};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// How deep what is neither record nor diff may nest.
const OTHER_DEPTH: usize = 16;

/// Reads what a client says. Records nest at most `depth` deep.
pub(crate) fn decode_client_message(text: &str, depth: usize) -> Result<ClientMessage, Malformed> {
    let fields = Reader::read(text, |reader| Fields::read(reader, depth))?;
    match fields.kind()? {
        "connect" => Ok(ClientMessage::Connect(ConnectRequest {
            connect_request_id: required(fields.connect_request_id)?,
            // One that is none says as much as none: that the client needs everything.
            last_server_clock: clock(fields.last_server_clock).unwrap_or_default(),
            protocol_version: fields.protocol_version.map(version).transpose()?,
            schema: fields.schema.map(schema).transpose()?,
            client_id: fields.client_id,
            last_acked_push: clock(fields.last_acked_push)?,
            codecs: fields.codecs.as_ref().map(codecs).unwrap_or_default(),
        })),
        "push" => Ok(ClientMessage::Push(Push {
            client_clock: required(clock(fields.client_clock)?)?,
            diff: fields.diff,
            presence: fields.presence.map(presence).transpose()?,
        })),
        "ping" => Ok(ClientMessage::Ping),
        "custom" => Ok(ClientMessage::Custom(custom(fields.data, depth)?)),
        _ => Err(Malformed),
    }
}

/// Reads what a room says. Records nest at most `depth` deep.
pub(crate) fn decode_server_message(text: &str, depth: usize) -> Result<ServerMessage, Malformed> {
    let fields = Reader::read(text, |reader| Fields::read(reader, depth))?;
    match fields.kind()? {
        "connect" => Ok(ServerMessage::Connect(ConnectAnswer {
            connect_request_id: required(fields.connect_request_id)?,
            hydration_type: match required(fields.hydration_type.as_deref())? {
                "wipe_all" => HydrationType::WipeAll,
                "wipe_presence" => HydrationType::WipePresence,
                _ => return Err(Malformed),
            },
            protocol_version: version(required(fields.protocol_version)?)?,
            schema: schema(required(fields.schema)?)?,
            diff: required(fields.diff)?,
            server_clock: required(clock(fields.server_clock)?)?,
            is_readonly: fields.is_readonly.unwrap_or(false),
            object_access: fields.object_access.as_deref().map(object_access).transpose()?,
            last_applied_push: clock(fields.last_applied_push)?,
        })),
        "data" => Ok(ServerMessage::Data(match (fields.entries, fields.data) {
            (Some(entries), _) => entries,
            (None, data) => Reader::read(required(data)?, |reader| data_entries(reader, depth))?,
        })),
        // Older rooms send these outside of a data message.
        "patch" | "push_result" => Ok(ServerMessage::Data([data_entry(fields)?].into())),
        "pong" => Ok(ServerMessage::Pong),
        "custom" => Ok(ServerMessage::Custom(custom(fields.data, depth)?)),
        "incompatibility_error" => {
            Ok(ServerMessage::Incompatible(match required(fields.reason.as_deref())? {
                "clientTooOld" => IncompatibilityReason::ClientTooOld,
                "serverTooOld" => IncompatibilityReason::ServerTooOld,
                "invalidRecord" => IncompatibilityReason::InvalidRecord,
                "invalidOperation" => IncompatibilityReason::InvalidOperation,
                _ => return Err(Malformed),
            }))
        }
        _ => Err(Malformed),
    }
}

/// The fields of all messages. One that is `null` is as good as missing; of a repeated one the last
/// counts; others are passed over.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<Cow<'a, str>>,
    connect_request_id: Option<Key>,
    client_id: Option<ClientId>,
    last_acked_push: Option<Value>,
    codecs: Option<Value>,
    last_applied_push: Option<Value>,
    last_server_clock: Option<Value>,
    client_clock: Option<Value>,
    server_clock: Option<Value>,
    protocol_version: Option<Value>,
    schema: Option<Value>,
    diff: Option<NetworkDiff>,
    presence: Option<RecordOp>,
    /// `data` of a message that is known to be a data message by then.
    entries: Option<Vec<DataEntry>>,
    /// `data` of any other.
    data: Option<&'a str>,
    action: Option<PushAction>,
    hydration_type: Option<Cow<'a, str>>,
    is_readonly: Option<bool>,
    object_access: Option<Cow<'a, str>>,
    reason: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    fn read(reader: &mut Reader<'a>, depth: usize) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        reader.members(|reader, key| fields.read_one(reader, &key, depth))?;
        Ok(fields)
    }

    fn read_one(
        &mut self,
        reader: &mut Reader<'a>,
        key: &str,
        depth: usize,
    ) -> Result<(), Malformed> {
        if reader.take_null()? {
            return Ok(());
        }
        match key {
            "type" => self.kind = Some(reader.string()?),
            "connectRequestId" => self.connect_request_id = Some(Key::from(&*reader.string()?)),
            "clientId" => self.client_id = Some(ClientId::from(&*reader.string()?)),
            "lastAckedPush" => self.last_acked_push = Some(reader.value(OTHER_DEPTH)?),
            "codecs" => self.codecs = Some(reader.value(OTHER_DEPTH)?),
            "lastAppliedPush" => self.last_applied_push = Some(reader.value(OTHER_DEPTH)?),
            "lastServerClock" => self.last_server_clock = Some(reader.value(OTHER_DEPTH)?),
            "clientClock" => self.client_clock = Some(reader.value(OTHER_DEPTH)?),
            "serverClock" => self.server_clock = Some(reader.value(OTHER_DEPTH)?),
            "protocolVersion" => self.protocol_version = Some(reader.value(OTHER_DEPTH)?),
            "schema" => self.schema = Some(reader.value(OTHER_DEPTH)?),
            "diff" => self.diff = Some(read_network_diff(reader, depth)?),
            "presence" => self.presence = Some(read_record_op(reader, depth)?),
            "data" if self.kind.as_deref() == Some("data") => {
                self.entries = Some(data_entries(reader, depth)?);
            }
            "data" => self.data = Some(reader.skip()?),
            "action" => self.action = Some(push_action(reader, depth)?),
            "hydrationType" => self.hydration_type = Some(reader.string()?),
            "isReadonly" => self.is_readonly = Some(reader.boolean()?),
            "objectAccess" => self.object_access = Some(reader.string()?),
            "reason" => self.reason = Some(reader.string()?),
            _ => {
                reader.skip()?;
            }
        }
        Ok(())
    }

    fn kind(&self) -> Result<&str, Malformed> {
        self.kind.as_deref().ok_or(Malformed)
    }
}

fn data_entries(reader: &mut Reader<'_>, depth: usize) -> Result<Vec<DataEntry>, Malformed> {
    let mut entries = Vec::new();
    reader.items(|reader| {
        entries.push(data_entry(Fields::read(reader, depth)?)?);
        Ok::<_, Malformed>(())
    })?;
    Ok(entries)
}

fn data_entry(fields: Fields<'_>) -> Result<DataEntry, Malformed> {
    let is_patch = fields.kind()? == "patch";
    let is_result = fields.kind()? == "push_result";
    let server_clock = required(clock(fields.server_clock)?)?;
    if is_patch {
        Ok(DataEntry::Patch { diff: required(fields.diff)?, server_clock })
    } else if is_result {
        let client_clock = required(clock(fields.client_clock)?)?;
        Ok(DataEntry::PushResult { client_clock, server_clock, action: required(fields.action)? })
    } else {
        Err(Malformed)
    }
}

fn push_action(reader: &mut Reader<'_>, depth: usize) -> Result<PushAction, Malformed> {
    if reader.token() == Some(b'"') {
        return match &*reader.string()? {
            "commit" => Ok(PushAction::Commit),
            "discard" => Ok(PushAction::Discard),
            _ => Err(Malformed),
        };
    }
    let mut diff = None;
    reader.members(|reader, key| {
        if key == "rebaseWithDiff" {
            diff = Some(read_network_diff(reader, depth)?);
        } else {
            reader.skip()?;
        }
        Ok::<_, Malformed>(())
    })?;
    diff.map(PushAction::RebaseWithDiff).ok_or(Malformed)
}

fn presence(op: RecordOp) -> Result<PresenceOp, Malformed> {
    match op {
        RecordOp::Put(record) => Ok(PresenceOp::Put(record)),
        RecordOp::Patch(diff) => Ok(PresenceOp::Patch(diff)),
        RecordOp::Remove => Err(Malformed),
    }
}

fn schema(value: Value) -> Result<SerializedSchema, Malformed> {
    SerializedSchema::from_value(&value).map_err(|_| Malformed)
}

fn custom(data: Option<&str>, depth: usize) -> Result<Value, Malformed> {
    let read = |text| Reader::read(text, |reader| reader.value(depth));
    Ok(data.map(read).transpose()?.unwrap_or_default())
}

fn object_access(text: &str) -> Result<ObjectAccess, Malformed> {
    match text {
        "read" => Ok(ObjectAccess::Read),
        "write" => Ok(ObjectAccess::Write),
        _ => Err(Malformed),
    }
}

/// Those of the codecs that are known here.
fn codecs(names: &Value) -> Vec<Codec> {
    let names = names.as_array().map_or(&[][..], |names| names);
    names.iter().filter_map(Value::as_str).filter_map(Codec::from_name).collect()
}

/// A clock, or `None` for −1 and for what is none. One that nobody counts to is a fault: it would
/// leave no room for what comes after it.
fn clock(value: Option<Value>) -> Result<Option<u64>, Malformed> {
    let Some(number) = value.as_ref().and_then(Value::as_number) else { return Ok(None) };
    match number.as_i64().map(u64::try_from) {
        Some(Ok(clock)) if clock <= Limits::MAX_CLOCK => Ok(Some(clock)),
        Some(Ok(_)) => Err(Malformed),
        Some(Err(_)) => Ok(None),
        None if number.as_f64() > Limits::MAX_CLOCK as f64 => Err(Malformed),
        None => Ok(None),
    }
}

/// A protocol version. What is beyond our numbers is as new, or as old, as they can tell.
fn version(value: Value) -> Result<u32, Malformed> {
    let version = required(value.as_number().and_then(Number::as_i64))?;
    Ok(u32::try_from(version.max(0)).unwrap_or(u32::MAX))
}

fn required<T>(field: Option<T>) -> Result<T, Malformed> {
    field.ok_or(Malformed)
}

impl From<crate::JsonError> for Malformed {
    fn from(_: crate::JsonError) -> Self {
        Self
    }
}
