//! What is read of rooms.

use roomsync::{
    AppliedPush, ClientId, Identity, Object, PushClient, RecordId, RoomSnapshot, SerializedSchema,
    Value,
};
use roomsync_tokio::{RoomId, StorageError};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

/// A room at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomInfo {
    pub(crate) name: String,
    pub(crate) clock: u64,
    pub(crate) documents: u64,
}

pub(super) fn rooms(connection: &Connection) -> Result<Vec<RoomInfo>, StorageError> {
    let mut rooms = connection.prepare_cached(
        "SELECT name, clock, (SELECT count(*) FROM documents WHERE documents.room = rooms.room)
         FROM rooms ORDER BY name",
    )?;
    let info = |row: &Row<'_>| {
        let (clock, documents) = (get_clock(row, 1)?, get_clock(row, 2)?);
        Ok(RoomInfo { name: row.get(0)?, clock, documents })
    };
    Ok(rooms.query_map([], info)?.collect::<Result<_, _>>()?)
}

pub(super) fn clock(connection: &Connection, room: &RoomId) -> Result<Option<u64>, StorageError> {
    let mut clock = connection.prepare_cached("SELECT clock FROM rooms WHERE name = ?")?;
    Ok(clock.query_row([room.as_str()], |row| get_clock(row, 0)).optional()?)
}

pub(super) fn load(
    tx: &Transaction<'_>,
    room: &RoomId,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<RoomSnapshot>, StorageError> {
    let row = tx
        .prepare_cached(
            "SELECT room, clock, tombstone_history_starts_at, schema FROM rooms WHERE name = ?",
        )?
        .query_row([room.as_str()], |row| {
            let key: i64 = row.get(0)?;
            Ok((key, get_clock(row, 1)?, get_clock(row, 2)?, row.get::<_, Option<String>>(3)?))
        })
        .optional()?;
    let Some((key, clock, tombstone_history_starts_at, schema)) = row else { return Ok(None) };
    let mut snapshot = RoomSnapshot::default();
    let mut done = 0;
    snapshot.clock = clock;
    snapshot.tombstone_history_starts_at = tombstone_history_starts_at;
    snapshot.schema = match schema {
        Some(schema) => Some(SerializedSchema::from_value(&schema.parse::<Value>()?)?),
        None => None,
    };
    let count = "SELECT count(*) FROM documents WHERE room = ?";
    let total = tx.prepare_cached(count)?.query_row([key], |row| get_clock(row, 0))?;
    let mut documents =
        tx.prepare_cached("SELECT state, clock FROM documents WHERE room = ? ORDER BY id")?;
    let mut rows = documents.query([key])?;
    while let Some(row) = rows.next()? {
        let state = row.get_ref(0)?.as_str()?.parse::<Object>()?;
        snapshot.documents.push((state, get_clock(row, 1)?));
        done += 1;
        progress(done, total);
    }
    let mut tombstones =
        tx.prepare_cached("SELECT id, clock FROM tombstones WHERE room = ? ORDER BY id")?;
    let mut rows = tombstones.query([key])?;
    while let Some(row) = rows.next()? {
        let id = RecordId::from(row.get_ref(0)?.as_str()?);
        snapshot.tombstones.push((id, get_clock(row, 1)?));
    }
    let mut applied = tx.prepare_cached(
        "SELECT client, identity, client_clock, place FROM applied_pushes
         WHERE room = ? ORDER BY place",
    )?;
    let mut rows = applied.query([key])?;
    while let Some(row) = rows.next()? {
        let identity = row.get_ref(1)?.as_str_or_null()?.map(Identity::from);
        let client = ClientId::from(row.get_ref(0)?.as_str()?);
        snapshot.applied_pushes.push(AppliedPush {
            client: PushClient { identity, client },
            client_clock: get_clock(row, 2)?,
            order: get_clock(row, 3)?,
        });
    }
    Ok(Some(snapshot))
}

fn get_clock(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let clock: i64 = row.get(column)?;
    u64::try_from(clock).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, clock))
}
