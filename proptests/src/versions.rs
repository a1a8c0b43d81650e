//! Peers of two schemas in one world: what the newer one calls `x` and `y` the older one calls the
//! other way round.
//!
//! Nothing is lost on the way up or down, so whatever a peer of the older schema says means one
//! thing in the newer one. The model therefore knows one schema only: what goes over links of older
//! peers is translated before it sees it, by this file and not by the library's migrations.

use crate::edit::{schema, serialized_schema, types};
use crate::network::Owner;
use crate::script::Setup;
use crate::world::World;
use roomsync::{
    Migration, MigrationFailed, MigrationSequence, Object, Schema, SerializedSchema, Value,
};
use std::sync::Arc;

/// The schema after [`schema`].
#[must_use]
pub fn newer_schema() -> Arc<Schema> {
    let swap = |record: &mut Object| -> Result<(), MigrationFailed> {
        *record = swapped(record);
        Ok(())
    };
    let swap = Migration::reversible_record("sim.swap/1", swap, swap);
    let newer = types().serialized(serialized_schema());
    let newer = newer.migrations(MigrationSequence::new("sim.swap").then(swap));
    Arc::new(newer.build().expect("one presence type"))
}

/// The schema of the room in its life of that number.
pub(crate) fn room_schema(setup: &Setup, life: u64) -> Arc<Schema> {
    match is_newer(setup, life) {
        true => newer_schema(),
        false => schema(setup.adopts == 1),
    }
}

/// The schema of a client whose process begins in that life of the room: never a newer one than the
/// room's, which would turn it away for good.
pub(crate) fn client_schema(setup: &Setup, life: u64, client: usize) -> Arc<Schema> {
    let is_older = setup.older >> (client % 16) & 1 == 1;
    if is_newer(setup, life) && !is_older { newer_schema() } else { schema(false) }
}

const fn is_newer(setup: &Setup, life: u64) -> bool {
    match setup.upgrades {
        0 => setup.older > 0,
        _ => life > 0,
    }
}

impl World {
    /// Whether a peer that connects now is of an older schema than the room.
    pub(crate) fn is_older(&self, owner: Owner) -> bool {
        match owner {
            Owner::Client(client) => {
                self.is_older_than_room(self.clients[client].schema.serialized())
            }
            Owner::Rude(_) => self.is_older_than_room(None),
        }
    }

    /// Whether a peer of that schema is of an older one than the room.
    pub(crate) fn is_older_than_room(&self, schema: Option<&SerializedSchema>) -> bool {
        let has_newer = schema.is_some_and(|schema| schema.version("sim.swap").is_some());
        is_newer(&self.setup, self.room_life) && !has_newer
    }
}

/// A record of one schema, or the diff of one, in the words of the other.
pub(crate) fn swapped(object: &Object) -> Object {
    let swapped = |key: &str| match key {
        "x" => "y".into(),
        "y" => "x".into(),
        other => other.into(),
    };
    object
        .iter()
        .map(|(key, value)| -> (roomsync::Key, Value) { (swapped(key), value.clone()) })
        .collect()
}

/// A message of one schema in the words of the other.
pub(crate) fn swapped_message(message: &Value) -> Value {
    let Value::Object(message) = message else { return message.clone() };
    let mut swapped = message.clone();
    for (key, swap) in [
        ("diff", swapped_diff as fn(&Value) -> Value),
        ("presence", swapped_op),
        ("data", swapped_entries),
        ("action", swapped_action),
    ] {
        if let Some(value) = message.get(key) {
            swapped.insert(key, swap(value));
        }
    }
    Value::from(swapped)
}

fn swapped_entries(entries: &Value) -> Value {
    let Some(list) = entries.as_array() else { return entries.clone() };
    list.iter().map(swapped_message).collect::<Vec<_>>().into()
}

fn swapped_action(action: &Value) -> Value {
    match action.as_object().and_then(|action| action.get("rebaseWithDiff")) {
        Some(diff) => {
            let action: Object = [("rebaseWithDiff", swapped_diff(diff))].into_iter().collect();
            action.into()
        }
        None => action.clone(),
    }
}

fn swapped_diff(diff: &Value) -> Value {
    let Value::Object(diff) = diff else { return diff.clone() };
    let ops = diff.iter().map(|(id, op)| (id.clone(), swapped_op(op)));
    Value::from(ops.collect::<Object>())
}

fn swapped_op(op: &Value) -> Value {
    match op.as_array().map(|op| &op[..]) {
        Some([name, Value::Object(of)]) => {
            Value::from(vec![name.clone(), Value::from(swapped(of))])
        }
        _ => op.clone(),
    }
}
