//! How messages become JSON.

use super::message::{
    ClientMessage, ConnectAnswer, ConnectRequest, DataEntry, HydrationType, IncompatibilityReason,
    ObjectAccess, PresenceOp, Push, PushAction, ServerMessage,
};
use super::ops::{write_entries, write_network_diff, write_record_op};
use crate::diff::RecordOp;
use crate::frame::Frame;
use crate::ids::RecordId;
use crate::schema::SerializedSchema;
use crate::value::{Value, write_string, write_value};
use alloc::vec::Vec;

pub(crate) fn encode_client_message(message: &ClientMessage) -> Frame {
    let mut out = Vec::new();
    match message {
        ClientMessage::Connect(request) => write_connect_request(&mut out, request),
        ClientMessage::Push(push) => write_push(&mut out, push),
        ClientMessage::Ping => out.extend_from_slice(br#"{"type":"ping"}"#),
        ClientMessage::Custom(data) => write_custom(&mut out, data),
    }
    Frame::new(out)
}

pub(crate) fn encode_server_message(message: &ServerMessage) -> Frame {
    let mut out = Vec::new();
    match message {
        ServerMessage::Connect(answer) => {
            write_connect_answer(&mut out, answer, |out| write_network_diff(out, &answer.diff));
        }
        ServerMessage::Data(entries) => {
            out.extend_from_slice(DATA_BEGIN);
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_data_entry(&mut out, entry);
            }
            out.extend_from_slice(DATA_END);
        }
        ServerMessage::Pong => out.extend_from_slice(br#"{"type":"pong"}"#),
        ServerMessage::Custom(data) => write_custom(&mut out, data),
        ServerMessage::Incompatible(reason) => {
            out.extend_from_slice(br#"{"type":"incompatibility_error","reason":""#);
            out.extend_from_slice(match reason {
                IncompatibilityReason::ClientTooOld => b"clientTooOld",
                IncompatibilityReason::ServerTooOld => b"serverTooOld",
                IncompatibilityReason::InvalidRecord => b"invalidRecord",
                IncompatibilityReason::InvalidOperation => b"invalidOperation",
            });
            out.extend_from_slice(br#""}"#);
        }
    }
    Frame::new(out)
}

/// What stands around the entries of a data message, which are separated by commas.
pub(crate) const DATA_BEGIN: &[u8] = br#"{"type":"data","data":["#;
pub(crate) const DATA_END: &[u8] = b"]}";

pub(crate) fn write_data_entry(out: &mut Vec<u8>, entry: &DataEntry) {
    match entry {
        DataEntry::Patch { diff, server_clock } => write_patch(out, diff.iter(), *server_clock),
        DataEntry::PushResult { client_clock, server_clock, action } => {
            out.extend_from_slice(br#"{"type":"push_result""#);
            write_number_field(out, br#","clientClock":"#, *client_clock);
            write_number_field(out, br#","serverClock":"#, *server_clock);
            match action {
                PushAction::Commit => out.extend_from_slice(br#","action":"commit""#),
                PushAction::Discard => out.extend_from_slice(br#","action":"discard""#),
                PushAction::RebaseWithDiff(diff) => {
                    out.extend_from_slice(br#","action":{"rebaseWithDiff":"#);
                    write_network_diff(out, diff);
                    out.push(b'}');
                }
            }
            out.push(b'}');
        }
    }
}

/// Appends the entry of a data message that tells what changed.
pub(crate) fn write_patch<'a>(
    out: &mut Vec<u8>,
    ops: impl Iterator<Item = (&'a RecordId, &'a RecordOp)>,
    server_clock: u64,
) {
    out.extend_from_slice(br#"{"type":"patch","diff":"#);
    write_entries(out, ops, write_record_op);
    write_number_field(out, br#","serverClock":"#, server_clock);
    out.push(b'}');
}

/// Writes the answer with a diff that `write_diff` writes instead of the answer's own.
pub(crate) fn write_connect_answer(
    out: &mut Vec<u8>,
    answer: &ConnectAnswer,
    write_diff: impl FnOnce(&mut Vec<u8>),
) {
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
    out.extend_from_slice(br#"{"type":"connect","connectRequestId":"#);
    write_string(out, connect_request_id);
    out.extend_from_slice(match hydration_type {
        HydrationType::WipeAll => br#","hydrationType":"wipe_all""#,
        HydrationType::WipePresence => br#","hydrationType":"wipe_presence""#,
    });
    write_number_field(out, br#","protocolVersion":"#, u64::from(*protocol_version));
    out.extend_from_slice(br#","schema":"#);
    write_schema(out, schema);
    out.extend_from_slice(br#","diff":"#);
    write_diff(out);
    write_number_field(out, br#","serverClock":"#, *server_clock);
    out.extend_from_slice(br#","isReadonly":"#);
    out.extend_from_slice(if *is_readonly { b"true" } else { b"false" });
    match object_access {
        Some(ObjectAccess::Read) => out.extend_from_slice(br#","objectAccess":"read""#),
        Some(ObjectAccess::Write) => out.extend_from_slice(br#","objectAccess":"write""#),
        None => {}
    }
    if let Some(push) = last_applied_push {
        write_number_field(out, br#","lastAppliedPush":"#, *push);
    }
    out.push(b'}');
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
    out.extend_from_slice(br#"{"type":"connect","connectRequestId":"#);
    write_string(out, connect_request_id);
    match last_server_clock {
        Some(clock) => write_number_field(out, br#","lastServerClock":"#, *clock),
        None => out.extend_from_slice(br#","lastServerClock":-1"#),
    }
    if let Some(version) = protocol_version {
        write_number_field(out, br#","protocolVersion":"#, u64::from(*version));
    }
    if let Some(schema) = schema {
        out.extend_from_slice(br#","schema":"#);
        write_schema(out, schema);
    }
    if let Some(client_id) = client_id {
        out.extend_from_slice(br#","clientId":"#);
        write_string(out, client_id);
    }
    if let Some(push) = last_acked_push {
        write_number_field(out, br#","lastAckedPush":"#, *push);
    }
    if !codecs.is_empty() {
        let names: Vec<Value> = codecs.iter().map(|codec| codec.name().into()).collect();
        out.extend_from_slice(br#","codecs":"#);
        write_value(out, &names.into());
    }
    out.push(b'}');
}

fn write_push(out: &mut Vec<u8>, push: &Push) {
    let Push { client_clock, diff, presence } = push;
    out.extend_from_slice(br#"{"type":"push""#);
    write_number_field(out, br#","clientClock":"#, *client_clock);
    if let Some(diff) = diff {
        out.extend_from_slice(br#","diff":"#);
        write_network_diff(out, diff);
    }
    if let Some(presence) = presence {
        out.extend_from_slice(br#","presence":"#);
        write_record_op(out, &RecordOp::from(presence.clone()));
    }
    out.push(b'}');
}

fn write_custom(out: &mut Vec<u8>, data: &Value) {
    out.extend_from_slice(br#"{"type":"custom","data":"#);
    write_value(out, data);
    out.push(b'}');
}

fn write_schema(out: &mut Vec<u8>, schema: &SerializedSchema) {
    write_value(out, &schema.to_value());
}

/// Appends a number after what names it.
fn write_number_field(out: &mut Vec<u8>, name: &[u8], number: u64) {
    out.extend_from_slice(name);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

impl From<PresenceOp> for RecordOp {
    fn from(op: PresenceOp) -> Self {
        match op {
            PresenceOp::Put(record) => Self::Put(record),
            PresenceOp::Patch(diff) => Self::Patch(diff),
        }
    }
}
