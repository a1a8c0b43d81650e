//! How messages are written.

use super::diff::{write_diff, write_ops, write_value};
use super::value::SectionWriter;
use super::{entry, kind};
use crate::diff::RecordOp;
use crate::ids::RecordId;
use crate::schema::SerializedSchema;
use crate::value::Object;
use crate::value::bytes::{write_str, write_varint};
use crate::wire::message::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, ObjectAccess, Push, PushAction, ServerMessage,
};
use alloc::vec::Vec;

pub(in crate::wire) fn write_client_message(out: &mut Vec<u8>, message: &ClientMessage) {
    match message {
        ClientMessage::Connect(request) => write_connect_request(out, request),
        ClientMessage::Push(push) => write_push(out, push),
        ClientMessage::Ping => out.push(kind::PING),
        ClientMessage::Custom(data) => {
            out.push(kind::CUSTOM);
            write_value(out, data);
        }
    }
}

pub(in crate::wire) fn write_server_message(out: &mut Vec<u8>, message: &ServerMessage) {
    match message {
        ServerMessage::Connect(answer) => {
            write_connect_answer(out, answer);
            if !answer.diff.is_empty() {
                write_diff(out, &answer.diff);
            }
        }
        ServerMessage::Data(entries) => {
            out.extend_from_slice(DATA_BEGIN);
            for entry in entries {
                write_data_entry(out, entry);
            }
        }
        ServerMessage::Pong => out.push(kind::PONG),
        ServerMessage::Custom(data) => {
            out.push(kind::TOLD);
            write_value(out, data);
        }
        ServerMessage::Incompatible(reason) => {
            out.push(kind::INCOMPATIBLE);
            out.push(match reason {
                IncompatibilityReason::ClientTooOld => 0,
                IncompatibilityReason::ServerTooOld => 1,
                IncompatibilityReason::InvalidRecord => 2,
                IncompatibilityReason::InvalidOperation => 3,
            });
        }
    }
}

/// What stands before the entries of a data message.
pub(in crate::wire) const DATA_BEGIN: &[u8] = &[kind::DATA];

pub(in crate::wire) fn write_data_entry(out: &mut Vec<u8>, data_entry: &DataEntry) {
    match data_entry {
        DataEntry::Patch { diff, server_clock } => write_patch(out, diff.iter(), *server_clock),
        DataEntry::PushResult { client_clock, server_clock, action } => {
            out.push(match action {
                PushAction::Commit => entry::COMMIT,
                PushAction::Discard => entry::DISCARD,
                PushAction::RebaseWithDiff(_) => entry::REBASE,
            });
            write_varint(out, *client_clock);
            write_varint(out, *server_clock);
            if let PushAction::RebaseWithDiff(diff) = action {
                write_diff(out, diff);
            }
        }
    }
}

/// Appends the entry of a data message that tells what changed, in order of the ids.
pub(in crate::wire) fn write_patch<'a>(
    out: &mut Vec<u8>,
    ops: impl ExactSizeIterator<Item = (&'a RecordId, &'a RecordOp)>,
    server_clock: u64,
) {
    out.push(entry::PATCH);
    write_varint(out, server_clock);
    write_ops(out, ops);
}

/// Appends an answer without its diff. What follows are the sections of one.
pub(in crate::wire) fn write_connect_answer(out: &mut Vec<u8>, answer: &ConnectAnswer) {
    let ConnectAnswer {
        connect_request_id,
        hydration_type,
        protocol_version,
        schema,
        diff: _,
        server_clock,
        is_readonly,
        object_access,
        last_applied_push,
    } = answer;
    out.push(kind::CONNECTED);
    write_str(out, connect_request_id);
    out.push(match hydration_type {
        HydrationType::WipeAll => 0,
        HydrationType::WipePresence => 1,
    });
    write_varint(out, u64::from(*protocol_version));
    write_schema(out, schema);
    write_varint(out, *server_clock);
    out.push(u8::from(*is_readonly));
    out.push(match object_access {
        None => 0,
        Some(ObjectAccess::Read) => 1,
        Some(ObjectAccess::Write) => 2,
    });
    write_option(out, last_applied_push.as_ref(), |out, push| write_varint(out, *push));
}

/// Appends a section of a connect answer's diff: records by id, in order, or `None` for one that
/// is gone.
pub(in crate::wire) fn write_records(out: &mut Vec<u8>, records: &[(&RecordId, Option<&Object>)]) {
    SectionWriter::new(out).records(records);
}

fn write_connect_request(out: &mut Vec<u8>, request: &ConnectRequest) {
    let ConnectRequest {
        connect_request_id,
        last_server_clock,
        protocol_version,
        schema,
        client_id,
        last_acked_push,
        codecs,
    } = request;
    out.push(kind::CONNECT);
    write_str(out, connect_request_id);
    write_option(out, last_server_clock.as_ref(), |out, clock| write_varint(out, *clock));
    write_option(out, protocol_version.as_ref(), |out, version| {
        write_varint(out, u64::from(*version));
    });
    write_option(out, schema.as_ref(), write_schema);
    write_option(out, client_id.as_ref(), |out, id| write_str(out, id));
    write_option(out, last_acked_push.as_ref(), |out, push| write_varint(out, *push));
    write_varint(out, codecs.len() as u64);
    for codec in codecs {
        write_str(out, Codec::name(*codec));
    }
}

fn write_push(out: &mut Vec<u8>, push: &Push) {
    let Push { client_clock, diff, presence } = push;
    out.push(kind::PUSH);
    write_varint(out, *client_clock);
    write_option(out, diff.as_ref(), write_diff);
    write_option(out, presence.as_ref(), |out, op| SectionWriter::new(out).presence(op));
}

fn write_schema(out: &mut Vec<u8>, schema: &SerializedSchema) {
    write_value(out, &schema.to_value());
}

fn write_option<'a, T>(
    out: &mut Vec<u8>,
    option: Option<&'a T>,
    write: impl FnOnce(&mut Vec<u8>, &'a T),
) {
    out.push(u8::from(option.is_some()));
    if let Some(some) = option {
        write(out, some);
    }
}
