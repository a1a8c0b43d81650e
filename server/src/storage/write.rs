//! What is written of rooms.

use roomsync::{AppliedPush, Commit, PushClient, RoomSnapshot, Value};
use roomsync_tokio::{RoomCommit, RoomId, StorageError};
use rusqlite::{Transaction, params};

const PUT_ROOM: &str = "INSERT INTO rooms (name, clock, tombstone_history_starts_at, schema)
    VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET
        clock = excluded.clock,
        tombstone_history_starts_at = excluded.tombstone_history_starts_at,
        schema = coalesce(excluded.schema, schema)
    RETURNING room";
const PUT_DOCUMENT: &str = "INSERT INTO documents (room, id, clock, state) VALUES (?, ?, ?, ?)
    ON CONFLICT (room, id) DO UPDATE SET clock = excluded.clock, state = excluded.state";
const PUT_TOMBSTONE: &str = "INSERT INTO tombstones (room, id, clock) VALUES (?, ?, ?)
    ON CONFLICT (room, id) DO UPDATE SET clock = excluded.clock";
const PUT_PUSH: &str = "INSERT INTO applied_pushes (room, client, identity, client_clock, place)
    VALUES (?, ?, ?, ?, ?)";

/// Writes what has become of a room.
pub(super) fn write(
    tx: &Transaction<'_>,
    RoomCommit { room, commit }: &RoomCommit,
) -> Result<(), StorageError> {
    let commit: &Commit = commit;
    let clock = i64::try_from(commit.clock)?;
    let starts_at = i64::try_from(commit.tombstone_history_starts_at)?;
    let schema = commit.schema.as_ref().map(|schema| schema.to_value().to_string());
    let key: i64 = tx
        .prepare_cached(PUT_ROOM)?
        .query_row(params![room.as_str(), clock, starts_at, schema], |row| row.get(0))?;
    let mut bury = tx.prepare_cached(PUT_TOMBSTONE)?;
    let mut unbury = tx.prepare_cached("DELETE FROM tombstones WHERE room = ? AND id = ?")?;
    let mut put = tx.prepare_cached(PUT_DOCUMENT)?;
    let mut remove = tx.prepare_cached("DELETE FROM documents WHERE room = ? AND id = ?")?;
    for change in &commit.changes {
        let id = change.id.as_str();
        match &change.after {
            Some(record) => {
                unbury.execute(params![key, id])?;
                put.execute(params![key, id, clock, record.to_string()])?;
            }
            None => {
                remove.execute(params![key, id])?;
                bury.execute(params![key, id, clock])?;
            }
        }
    }
    for id in &commit.pruned {
        unbury.execute(params![key, id.as_str()])?;
    }
    if let Some(applied) = &commit.applied {
        forget(tx, key, &applied.client)?;
        put_push(tx, key, applied)?;
    }
    commit.forgotten.iter().try_for_each(|client| forget(tx, key, client))
}

/// Drops the last push of a client.
fn forget(tx: &Transaction<'_>, room: i64, client: &PushClient) -> Result<(), StorageError> {
    let (identity, client) = names(client);
    // `IS`, since most clients have no identity, and no NULL equals another.
    tx.prepare_cached(
        "DELETE FROM applied_pushes WHERE room = ? AND client = ? AND identity IS ?",
    )?
    .execute(params![room, client, identity])?;
    Ok(())
}

fn names(client: &PushClient) -> (Option<&str>, &str) {
    (client.identity.as_deref(), client.client.as_str())
}

fn put_push(tx: &Transaction<'_>, room: i64, applied: &AppliedPush) -> Result<(), StorageError> {
    let AppliedPush { client, client_clock, order } = applied;
    let (identity, client) = names(client);
    let (client_clock, place) = (i64::try_from(*client_clock)?, i64::try_from(*order)?);
    let mut put = tx.prepare_cached(PUT_PUSH)?;
    put.execute(params![room, client, identity, client_clock, place])?;
    Ok(())
}

/// Puts the snapshot in the place of the room.
pub(super) fn replace(
    tx: &Transaction<'_>,
    room: &RoomId,
    snapshot: &RoomSnapshot,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StorageError> {
    let clock = i64::try_from(snapshot.clock)?;
    let starts_at = i64::try_from(snapshot.tombstone_history_starts_at)?;
    let schema = snapshot.schema.as_ref().map(|schema| schema.to_value().to_string());
    let key: i64 = tx
        .prepare_cached(PUT_ROOM)?
        .query_row(params![room.as_str(), clock, starts_at, schema], |row| row.get(0))?;
    for table in ["documents", "tombstones", "applied_pushes"] {
        tx.execute(&format!("DELETE FROM {table} WHERE room = ?"), [key])?;
    }
    let total = u64::try_from(snapshot.documents.len())?;
    let mut put = tx.prepare_cached(PUT_DOCUMENT)?;
    for (done, (record, clock)) in (1..).zip(&snapshot.documents) {
        let id = record.get("id").and_then(Value::as_str).ok_or("a record has no id")?;
        put.execute(params![key, id, i64::try_from(*clock)?, record.to_string()])?;
        progress(done, total);
    }
    let mut bury = tx.prepare_cached(PUT_TOMBSTONE)?;
    for (id, clock) in &snapshot.tombstones {
        bury.execute(params![key, id.as_str(), i64::try_from(*clock)?])?;
    }
    snapshot.applied_pushes.iter().try_for_each(|applied| put_push(tx, key, applied))
}
