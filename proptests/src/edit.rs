//! What applications do: the schema of the simulation, and edits made from numbers.

use roomsync::{
    Array, InvalidRecord, Object, RecordType, Schema, SchemaBuilder, Scope, SerializedSchema,
    TransactError, Transaction, Value,
};
use std::sync::Arc;

/// Document types, one of them an object type; records of a client's own; presence. A room may
/// adopt the serialized schema of its first client.
#[must_use]
pub fn schema(adopts: bool) -> Arc<Schema> {
    let types = if adopts { types().adopt() } else { types().serialized(serialized_schema()) };
    Arc::new(types.build().expect("one presence type"))
}

pub(crate) fn types() -> SchemaBuilder {
    let sound = |record: &Object| match record.get("bad") {
        Some(_) => Err(InvalidRecord),
        None => Ok(()),
    };
    Schema::builder()
        .record_type("page", RecordType::new(Scope::Document).with_validator(sound))
        .record_type("widget", RecordType::new(Scope::Document).with_validator(sound))
        .record_type("camera", RecordType::new(Scope::Session))
        .record_type("cursor", RecordType::new(Scope::Presence).with_validator(sound))
}

/// What the peers of the simulation say of their schema.
#[must_use]
pub fn serialized_schema() -> SerializedSchema {
    let mut schema = SerializedSchema::default();
    schema.insert("sim.page", 3);
    schema
}

/// The type that needs object access.
pub const OBJECT_TYPE: &str = "widget";

/// How many records there can be.
pub const RECORDS: u16 = 7;

/// Few records, so that edits meet.
#[must_use]
pub fn record_id(raw: u16) -> (&'static str, &'static str) {
    const IDS: [(&str, &str); RECORDS as usize] = [
        ("page:a", "page"),
        ("page:b", "page"),
        ("page:c", "page"),
        ("page:\u{e9}\u{1f600}", "page"),
        ("page:d", "page"),
        ("widget:a", "widget"),
        ("widget:b", "widget"),
    ];
    IDS[usize::from(raw) % IDS.len()]
}

/// A record with something in every corner that diffs treat differently.
#[must_use]
pub fn new_record(raw_id: u16, salt: u16) -> Object {
    let (id, type_name) = record_id(raw_id);
    let props: Object = [
        ("text", text(salt)),
        ("items", Value::from(vec![Value::from(i32::from(salt)), object(salt), Value::Null])),
        ("rich", object(salt)),
    ]
    .into_iter()
    .collect();
    let mut record: Object = [("id", id), ("typeName", type_name)].into_iter().collect();
    record.insert("x", i32::from(salt % 5));
    record.insert("props", props);
    record
}

/// What a client shows of itself.
#[must_use]
pub fn presence(salt: u16) -> Object {
    let mut record: Object = [("id", "cursor:own"), ("typeName", "cursor")].into_iter().collect();
    record.insert("x", i32::from(salt % 7));
    record.insert("chat", text(salt / 7));
    if salt.is_multiple_of(3) {
        record.insert("meta", object(salt));
    }
    record
}

fn text(salt: u16) -> Value {
    Value::from(["", "a", "\u{e9}", "\u{1f600}", "a\u{1f600}b", "\"\\\n"][usize::from(salt % 6)])
}

fn object(salt: u16) -> Value {
    let inner: Object = [("deep", Value::from(i32::from(salt % 4)))].into_iter().collect();
    let outer: Object = [("k", Value::from(inner)), ("text", text(salt))].into_iter().collect();
    Value::from(outer)
}

/// The field of a record that says which edit it is of.
pub const STAMP: &str = "stamp";

/// A record as by [`new_record`] that says which edit it is of.
fn stamped(raw_id: u16, salt: u16, stamp: u64) -> Object {
    let mut record = new_record(raw_id, salt);
    record.insert(STAMP, stamp);
    record
}

/// The id of a record that no other edit touches.
#[must_use]
pub fn own_id(stamp: u64) -> String {
    format!("page:own-{stamp}")
}

/// Whether the edit `how` makes a record that no other edit touches.
#[must_use]
pub const fn is_own(how: u16) -> bool {
    how % KINDS == 20
}

/// The edit that made the record, if no other edit touches it.
#[must_use]
pub fn stamp_of_own(id: &str) -> Option<u64> {
    id.strip_prefix("page:own-")?.parse().ok()
}

const KINDS: u16 = 22;

/// Makes the edit `how` of a record in a transaction. No two edits have the same stamp.
///
/// # Errors
///
/// Those of the transaction: a missing record is not changed.
pub fn edit(
    tx: &mut Transaction<'_>,
    record: u16,
    how: u16,
    stamp: u64,
) -> Result<(), TransactError> {
    let (id, _) = record_id(record);
    let salt = how / KINDS;
    if is_own(how) {
        let mut own = stamped(0, salt, stamp);
        own.insert("id", own_id(stamp));
        return tx.put(own);
    }
    if tx.record(id).is_none() {
        return match how % KINDS {
            1 => tx.remove(id),
            _ => tx.put(stamped(record, salt, stamp)),
        };
    }
    match how % KINDS {
        0 => tx.put(stamped(record, salt, stamp)),
        1 => tx.remove(id),
        2 | 3 => tx.update(id, |it| drop(it.insert("x", i32::from(salt % 9)))),
        4 => props(tx, id, |it| drop(it.insert("text", text(salt)))),
        5 | 6 => props(tx, id, |it| append_text(it, salt)),
        7 | 8 => items(tx, id, |it| it.push(Value::from(i32::from(salt % 3)))),
        9 => items(tx, id, |it| replace_item(it, salt, Value::from(i32::from(salt % 5)))),
        10 => items(tx, id, |it| replace_item(it, salt, object(salt))),
        11 => items(tx, id, |it| replace_item(it, salt, Value::from(vec![text(salt)]))),
        12 => items(tx, id, |it| {
            let shorter = it.len().saturating_sub(usize::from(salt % 3));
            *it = it.iter().take(shorter).cloned().collect();
        }),
        13 => props(tx, id, |it| drop(it.insert("rich", object(salt)))),
        14 => props(tx, id, |it| drop(it.remove("rich"))),
        15 => tx.update(id, |it| {
            let key = ["meta", "y", "note"][usize::from(salt % 3)];
            it.insert(key, if salt.is_multiple_of(2) { object(salt) } else { text(salt) });
        }),
        16 => tx.update(id, |it| drop(it.remove(["meta", "y", "note"][usize::from(salt % 3)]))),
        17 => {
            tx.remove(id)?;
            tx.put(stamped(record, salt, stamp))
        }
        18 => {
            for other in 0..salt % 5 {
                tx.put(stamped(record + other, salt, stamp))?;
            }
            Ok(())
        }
        21 => tx.update(id, |it| drop(it.insert(STAMP, stamp))),
        // A record that comes and goes within one step, next to one that stays as it is.
        _ => {
            tx.update(id, |_| ())?;
            let (other, _) = record_id(record.wrapping_add(1));
            if tx.record(other).is_none() {
                tx.put(new_record(record.wrapping_add(1), salt))?;
                tx.remove(other)?;
            }
            Ok(())
        }
    }
}

fn props(
    tx: &mut Transaction<'_>,
    id: &str,
    change: impl FnOnce(&mut Object),
) -> Result<(), TransactError> {
    tx.update(id, |record| {
        let mut props = record.get("props").and_then(Value::as_object).cloned().unwrap_or_default();
        change(&mut props);
        record.insert("props", props);
    })
}

fn items(
    tx: &mut Transaction<'_>,
    id: &str,
    change: impl FnOnce(&mut Array),
) -> Result<(), TransactError> {
    props(tx, id, |props| {
        let mut items = props.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        change(&mut items);
        props.insert("items", items);
    })
}

fn append_text(props: &mut Object, salt: u16) {
    let before = props.get("text").and_then(Value::as_str).unwrap_or_default();
    let suffix = ["b", "\u{1f600}", "\u{e9}", " and more"][usize::from(salt % 4)];
    let longer = format!("{before}{suffix}");
    props.insert("text", longer);
}

fn replace_item(items: &mut Array, salt: u16, item: Value) {
    let index = usize::from(salt) % items.len().max(1);
    if let Some(slot) = items.get_mut(index) {
        *slot = item;
    }
}
