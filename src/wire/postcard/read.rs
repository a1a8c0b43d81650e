//! How messages are read: within caps, to the last byte.

use super::diff::read_diff;
use super::value::SectionReader;
use super::{SCHEMA_DEPTH, entry, kind};
use crate::error::Malformed;
use crate::ids::{ClientId, Key};
use crate::limits::Limits;
use crate::schema::SerializedSchema;
use crate::value::Value;
use crate::value::bytes::Input;
use crate::wire::message::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, ObjectAccess, Push, PushAction, ServerMessage,
};
use alloc::vec::Vec;

/// Reads what a client says. Records nest at most `depth` deep.
pub(in crate::wire) fn client_message(
    message: &[u8],
    depth: usize,
) -> Result<ClientMessage, Malformed> {
    let input = &mut Input::new(message);
    let message = match input.byte()? {
        kind::CONNECT => ClientMessage::Connect(connect_request(input)?),
        kind::PUSH => ClientMessage::Push(Push {
            client_clock: clock(input)?,
            diff: option(input, |input| read_diff(input, depth))?,
            presence: option(input, |input| SectionReader::new(input).presence(depth))?,
        }),
        kind::PING => ClientMessage::Ping,
        kind::CUSTOM => ClientMessage::Custom(value(input, depth)?),
        _ => return Err(Malformed),
    };
    if input.is_at_end() { Ok(message) } else { Err(Malformed) }
}

/// Reads what a room says. Records nest at most `depth` deep.
pub(in crate::wire) fn server_message(
    message: &[u8],
    depth: usize,
) -> Result<ServerMessage, Malformed> {
    let input = &mut Input::new(message);
    let message = match input.byte()? {
        kind::CONNECTED => ServerMessage::Connect(connect_answer(input, depth)?),
        kind::DATA => {
            let mut entries = Vec::new();
            while !input.is_at_end() {
                entries.push(data_entry(input, depth)?);
            }
            ServerMessage::Data(entries)
        }
        kind::PONG => ServerMessage::Pong,
        kind::TOLD => ServerMessage::Custom(value(input, depth)?),
        kind::INCOMPATIBLE => ServerMessage::Incompatible(match input.byte()? {
            0 => IncompatibilityReason::ClientTooOld,
            1 => IncompatibilityReason::ServerTooOld,
            2 => IncompatibilityReason::InvalidRecord,
            3 => IncompatibilityReason::InvalidOperation,
            _ => return Err(Malformed),
        }),
        _ => return Err(Malformed),
    };
    if input.is_at_end() { Ok(message) } else { Err(Malformed) }
}

fn connect_request(input: &mut Input<'_>) -> Result<ConnectRequest, Malformed> {
    Ok(ConnectRequest {
        connect_request_id: Key::from(input.str()?),
        last_server_clock: option(input, clock)?,
        protocol_version: option(input, version)?,
        schema: option(input, schema)?,
        client_id: option(input, |input| Ok(ClientId::from(input.str()?)))?,
        last_acked_push: option(input, clock)?,
        codecs: codecs(input)?,
    })
}

/// Those of the codecs that are known here.
fn codecs(input: &mut Input<'_>) -> Result<Vec<Codec>, Malformed> {
    let mut codecs = Vec::new();
    for _ in 0..input.count()? {
        codecs.extend(Codec::from_name(input.str()?));
    }
    Ok(codecs)
}

fn connect_answer(input: &mut Input<'_>, depth: usize) -> Result<ConnectAnswer, Malformed> {
    let mut answer = ConnectAnswer {
        connect_request_id: Key::from(input.str()?),
        hydration_type: match input.byte()? {
            0 => HydrationType::WipeAll,
            1 => HydrationType::WipePresence,
            _ => return Err(Malformed),
        },
        protocol_version: version(input)?,
        schema: schema(input)?,
        server_clock: clock(input)?,
        is_readonly: bool(input)?,
        object_access: match input.byte()? {
            0 => None,
            1 => Some(ObjectAccess::Read),
            2 => Some(ObjectAccess::Write),
            _ => return Err(Malformed),
        },
        last_applied_push: option(input, clock)?,
        diff: crate::NetworkDiff::default(),
    };
    let mut ops = Vec::new();
    while !input.is_at_end() {
        SectionReader::new(input).network_diff(&mut ops, depth)?;
    }
    answer.diff = ops.into_iter().collect();
    Ok(answer)
}

fn data_entry(input: &mut Input<'_>, depth: usize) -> Result<DataEntry, Malformed> {
    let kind = input.byte()?;
    if kind == entry::PATCH {
        let server_clock = clock(input)?;
        return Ok(DataEntry::Patch { diff: read_diff(input, depth)?, server_clock });
    }
    let (client_clock, server_clock) = (clock(input)?, clock(input)?);
    let action = match kind {
        entry::COMMIT => PushAction::Commit,
        entry::DISCARD => PushAction::Discard,
        entry::REBASE => PushAction::RebaseWithDiff(read_diff(input, depth)?),
        _ => return Err(Malformed),
    };
    Ok(DataEntry::PushResult { client_clock, server_clock, action })
}

fn schema(input: &mut Input<'_>) -> Result<SerializedSchema, Malformed> {
    SerializedSchema::from_value(&value(input, SCHEMA_DEPTH)?).map_err(|_| Malformed)
}

fn value(input: &mut Input<'_>, depth: usize) -> Result<Value, Malformed> {
    SectionReader::new(input).value(depth)
}

/// A count of what happened.
fn clock(input: &mut Input<'_>) -> Result<u64, Malformed> {
    let number = input.varint()?;
    if number <= Limits::MAX_CLOCK { Ok(number) } else { Err(Malformed) }
}

/// A whole number, which is as large as JSON carries.
pub(super) fn whole(input: &mut Input<'_>) -> Result<u64, Malformed> {
    let number = input.varint()?;
    if i64::try_from(number).is_ok() { Ok(number) } else { Err(Malformed) }
}

/// What is beyond our numbers is as new as they can tell.
fn version(input: &mut Input<'_>) -> Result<u32, Malformed> {
    Ok(u32::try_from(input.varint()?).unwrap_or(u32::MAX))
}

fn bool(input: &mut Input<'_>) -> Result<bool, Malformed> {
    match input.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

fn option<'a, T>(
    input: &mut Input<'a>,
    read: impl FnOnce(&mut Input<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    if bool(input)? { read(input).map(Some) } else { Ok(None) }
}
