//! Strategies for messages, of either side.

use crate::arb::{diff, key, object, record, text, value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use roomsync::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, NetworkDiff, ObjectAccess, PresenceOp, Push, PushAction, RecordId,
    RecordOp, SerializedSchema, ServerMessage, Value,
};

/// Ids of records: some that begin alike, as stock ones do, some long, and any.
fn id() -> impl Strategy<Value = RecordId> {
    prop_oneof![
        6 => "(shape|page):[a-c]{1,3}",
        1 => "x{60,70}[a-c]",
        1 => key(),
    ]
    .prop_map(RecordId::from)
}

/// A record under its id, or, rarely, under another.
fn entry() -> impl Strategy<Value = (RecordId, RecordOp)> {
    let put = (id(), record(), any::<bool>()).prop_map(|(id, mut record, is_own)| {
        if is_own {
            record.insert("id", id.as_str());
        }
        (id, RecordOp::Put(record))
    });
    prop_oneof![
        3 => put,
        1 => (id(), object()).prop_map(|(id, record)| (id, RecordOp::Put(record))),
        3 => (id(), diff()).prop_map(|(id, diff)| (id, RecordOp::Patch(diff))),
        1 => id().prop_map(|id| (id, RecordOp::Remove)),
    ]
}

/// Any diff of records. Some have many that are alike.
pub fn network_diff() -> impl Strategy<Value = NetworkDiff> {
    let alike = (record(), vec(id(), 0..40)).prop_map(|(record, ids)| {
        ids.into_iter().map(|id| (id, RecordOp::Put(record.clone()))).collect()
    });
    prop_oneof![4 => vec(entry(), 0..6).prop_map(NetworkDiff::from_iter), 1 => alike]
}

/// What counts up: mostly low, but as high as JSON carries it.
fn clock() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..200_u64, 1 => any::<u64>().prop_map(|clock| clock >> 11)]
}

fn schema() -> impl Strategy<Value = SerializedSchema> {
    vec((key(), 0..1000_u32), 0..4).prop_filter_map("a schema", |sequences| {
        let sequences: roomsync::Object = sequences.into_iter().collect();
        let fields = [("schemaVersion", Value::from(2)), ("sequences", sequences.into())];
        let schema = Value::from(fields.into_iter().collect::<roomsync::Object>());
        SerializedSchema::from_value(&schema).ok()
    })
}

fn presence() -> impl Strategy<Value = PresenceOp> {
    prop_oneof![object().prop_map(PresenceOp::Put), diff().prop_map(PresenceOp::Patch)]
}

/// Anything a client can say.
pub fn client_message() -> impl Strategy<Value = ClientMessage> {
    let request = (
        (text(), option::of(clock()), option::of(0..20_u32)),
        (option::of(schema()), option::of(text()), option::of(clock()), any::<bool>()),
    );
    let request = request.prop_map(|((request, last_server_clock, version), rest)| {
        let (schema, client_id, last_acked_push, offers) = rest;
        ClientMessage::Connect(ConnectRequest {
            connect_request_id: request.into(),
            last_server_clock,
            protocol_version: version,
            schema,
            client_id: client_id.map(Into::into),
            last_acked_push,
            codecs: if offers { vec![Codec::Postcard] } else { Vec::new() },
        })
    });
    let push = (clock(), option::of(network_diff()), option::of(presence())).prop_map(
        |(client_clock, diff, presence)| ClientMessage::Push(Push { client_clock, diff, presence }),
    );
    prop_oneof![
        2 => request,
        6 => push,
        1 => Just(ClientMessage::Ping),
        1 => value().prop_map(ClientMessage::Custom),
    ]
}

/// Anything a room can say.
pub fn server_message() -> impl Strategy<Value = ServerMessage> {
    let answer = (
        (text(), any::<bool>(), 0..20_u32, schema(), network_diff(), clock()),
        (any::<bool>(), option::of(any::<bool>()), option::of(clock())),
    );
    let answer = answer.prop_map(|((request, all, version, schema, diff, clock), rest)| {
        let (is_readonly, can_write, last_applied_push) = rest;
        let access = |write| if write { ObjectAccess::Write } else { ObjectAccess::Read };
        ServerMessage::Connect(ConnectAnswer {
            connect_request_id: request.into(),
            hydration_type: if all { HydrationType::WipeAll } else { HydrationType::WipePresence },
            protocol_version: version,
            schema,
            diff,
            server_clock: clock,
            is_readonly,
            object_access: can_write.map(access),
            last_applied_push,
        })
    });
    let reason = proptest::sample::select(vec![
        IncompatibilityReason::ClientTooOld,
        IncompatibilityReason::ServerTooOld,
        IncompatibilityReason::InvalidRecord,
        IncompatibilityReason::InvalidOperation,
    ]);
    prop_oneof![
        3 => answer,
        4 => vec(data_entry(), 0..4).prop_map(ServerMessage::Data),
        1 => Just(ServerMessage::Pong),
        1 => value().prop_map(ServerMessage::Custom),
        1 => reason.prop_map(ServerMessage::Incompatible),
    ]
}

fn data_entry() -> impl Strategy<Value = DataEntry> {
    let action = prop_oneof![
        1 => Just(PushAction::Commit),
        1 => Just(PushAction::Discard),
        2 => network_diff().prop_map(PushAction::RebaseWithDiff),
    ];
    prop_oneof![
        (network_diff(), clock())
            .prop_map(|(diff, server_clock)| DataEntry::Patch { diff, server_clock }),
        (clock(), clock(), action).prop_map(|(client_clock, server_clock, action)| {
            DataEntry::PushResult { client_clock, server_clock, action }
        }),
    ]
}
