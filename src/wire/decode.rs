//! How JSON becomes messages: within caps, and a clear no to everything else.

use super::json::{read, without_lone_surrogates};
use super::message::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, ObjectAccess, PresenceOp, Push, PushAction, ServerMessage,
};
use super::ops::{NetworkDiffSeed, RecordOpSeed};
use crate::diff::{NetworkDiff, RecordOp};
use crate::error::Malformed;
use crate::ids::{ClientId, Key};
use crate::schema::SerializedSchema;
use crate::value::{Number, Value, ValueSeed};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::marker::PhantomData;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads what a client says. Records nest at most `depth` deep.
pub(crate) fn decode_client_message(text: &str, depth: usize) -> Result<ClientMessage, Malformed> {
    let text = without_lone_surrogates(text);
    let fields: Fields<'_> = read(&text, PhantomData)?;
    match &*fields.kind {
        "connect" => Ok(ClientMessage::Connect(ConnectRequest {
            connect_request_id: required(fields.connect_request_id)?,
            last_server_clock: clock(fields.last_server_clock),
            protocol_version: fields.protocol_version.map(version).transpose()?,
            schema: fields.schema.map(schema).transpose()?,
            client_id: fields.client_id,
            last_acked_push: clock(fields.last_acked_push),
            codecs: fields.codecs.as_ref().map(codecs).unwrap_or_default(),
        })),
        "push" => Ok(ClientMessage::Push(Push {
            client_clock: required(clock(fields.client_clock))?,
            diff: fields.diff.map(|diff| read(diff.get(), NetworkDiffSeed(depth))).transpose()?,
            presence: fields.presence.map(|op| presence(op, depth)).transpose()?,
        })),
        "ping" => Ok(ClientMessage::Ping),
        "custom" => Ok(ClientMessage::Custom(custom(fields.data, depth)?)),
        _ => Err(Malformed),
    }
}

/// Reads what a room says. Records nest at most `depth` deep.
pub(crate) fn decode_server_message(text: &str, depth: usize) -> Result<ServerMessage, Malformed> {
    let text = without_lone_surrogates(text);
    let fields: Fields<'_> = read(&text, PhantomData)?;
    match &*fields.kind {
        "connect" => Ok(ServerMessage::Connect(ConnectAnswer {
            connect_request_id: required(fields.connect_request_id)?,
            hydration_type: match required(fields.hydration_type.as_deref())? {
                "wipe_all" => HydrationType::WipeAll,
                "wipe_presence" => HydrationType::WipePresence,
                _ => return Err(Malformed),
            },
            protocol_version: version(required(fields.protocol_version)?)?,
            schema: schema(required(fields.schema)?)?,
            diff: network_diff(fields.diff, depth)?,
            server_clock: required(clock(fields.server_clock))?,
            is_readonly: fields.is_readonly.unwrap_or(false),
            object_access: fields.object_access.as_deref().map(object_access).transpose()?,
            last_applied_push: clock(fields.last_applied_push),
        })),
        "data" => {
            let raw: Vec<&RawValue> = read(required(fields.data)?.get(), PhantomData)?;
            let entry = |raw: &RawValue| data_entry(read(raw.get(), PhantomData)?, depth);
            Ok(ServerMessage::Data(raw.into_iter().map(entry).collect::<Result<_, _>>()?))
        }
        // Older rooms send these outside of a data message.
        "patch" | "push_result" => Ok(ServerMessage::Data([data_entry(fields, depth)?].into())),
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

/// The fields of all messages. Those whose form depends on the type are read once it is known.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    connect_request_id: Option<Key>,
    client_id: Option<ClientId>,
    last_acked_push: Option<Value>,
    codecs: Option<Value>,
    last_applied_push: Option<Value>,
    last_server_clock: Option<Value>,
    client_clock: Option<Value>,
    server_clock: Option<Value>,
    protocol_version: Option<Value>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    #[serde(borrow)]
    diff: Option<&'a RawValue>,
    #[serde(borrow)]
    presence: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    hydration_type: Option<Cow<'a, str>>,
    is_readonly: Option<bool>,
    #[serde(borrow)]
    object_access: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RebaseFields<'a> {
    #[serde(borrow)]
    rebase_with_diff: &'a RawValue,
}

fn data_entry(fields: Fields<'_>, depth: usize) -> Result<DataEntry, Malformed> {
    let server_clock = required(clock(fields.server_clock))?;
    match &*fields.kind {
        "patch" => Ok(DataEntry::Patch { diff: network_diff(fields.diff, depth)?, server_clock }),
        "push_result" => {
            let client_clock = required(clock(fields.client_clock))?;
            let action = required(fields.action)?;
            let action = match action.get() {
                "\"commit\"" => PushAction::Commit,
                "\"discard\"" => PushAction::Discard,
                rebase => {
                    let fields: RebaseFields<'_> = read(rebase, PhantomData)?;
                    PushAction::RebaseWithDiff(network_diff(Some(fields.rebase_with_diff), depth)?)
                }
            };
            Ok(DataEntry::PushResult { client_clock, server_clock, action })
        }
        _ => Err(Malformed),
    }
}

fn network_diff(raw: Option<&RawValue>, depth: usize) -> Result<NetworkDiff, Malformed> {
    Ok(read(required(raw)?.get(), NetworkDiffSeed(depth))?)
}

fn presence(raw: &RawValue, depth: usize) -> Result<PresenceOp, Malformed> {
    match read(raw.get(), RecordOpSeed(depth))? {
        RecordOp::Put(record) => Ok(PresenceOp::Put(record)),
        RecordOp::Patch(diff) => Ok(PresenceOp::Patch(diff)),
        RecordOp::Remove => Err(Malformed),
    }
}

fn schema(raw: &RawValue) -> Result<SerializedSchema, Malformed> {
    let value = read(raw.get(), ValueSeed(16))?;
    SerializedSchema::from_value(&value).map_err(|_| Malformed)
}

fn custom(raw: Option<&RawValue>, depth: usize) -> Result<Value, Malformed> {
    Ok(raw.map(|raw| read(raw.get(), ValueSeed(depth))).transpose()?.unwrap_or_default())
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

/// A clock, or `None` for −1 and for what is none.
fn clock(value: Option<Value>) -> Option<u64> {
    let clock = value.as_ref().and_then(Value::as_number).and_then(Number::as_i64)?;
    u64::try_from(clock).ok()
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
