//! Rooms in one SQLite file.

use roomsync::{
    AppliedPush, ClientId, Commit, Identity, Object, PushClient, RecordId, RoomSnapshot,
    SerializedSchema, Value,
};
use roomsync_tokio::{RoomCommit, RoomId, Storage, StorageError};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior,
    params,
};
use std::fmt;
use std::path::Path;

/// Marks a file as one of ours: "room" in ASCII.
const APPLICATION_ID: i32 = 0x726F_6F6D;

/// The version of the tables below.
const FORMAT: i32 = 1;

const TABLES: &str = "
    CREATE TABLE rooms (
        room INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        clock INTEGER NOT NULL,
        tombstone_history_starts_at INTEGER NOT NULL,
        schema TEXT
    );
    CREATE TABLE documents (
        room INTEGER NOT NULL,
        id TEXT NOT NULL,
        clock INTEGER NOT NULL,
        state TEXT NOT NULL,
        UNIQUE (room, id)
    );
    CREATE TABLE tombstones (
        room INTEGER NOT NULL,
        id TEXT NOT NULL,
        clock INTEGER NOT NULL,
        PRIMARY KEY (room, id)
    ) WITHOUT ROWID;
    CREATE TABLE applied_pushes (
        room INTEGER NOT NULL,
        client TEXT NOT NULL,
        identity TEXT,
        client_clock INTEGER NOT NULL,
        place INTEGER NOT NULL
    );
    CREATE INDEX applied_pushes_by_client ON applied_pushes (room, client, identity);
";

/// Keeps rooms in a SQLite file, which it locks as long as it lives.
#[derive(Debug)]
pub(crate) struct SqliteStorage {
    connection: Connection,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Another process has it open.
    Locked,
    /// There is no such folder, or no permission.
    CannotOpen,
    /// It is something else than a database.
    NotADatabase,
    /// It is a database of another program.
    Foreign,
    /// A newer version of the server wrote it.
    Newer(i32),
    /// The file system cannot do what durability needs.
    NoWriteAheadLog,
    Sqlite(rusqlite::Error),
}

impl SqliteStorage {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        // Whoever holds the lock holds it for long.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        check_owner(&connection)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(OpenError::NoWriteAheadLog);
        }
        // A commit is on the disk when it returns, whatever happens to the machine.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The lock, once taken, is kept.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if pragma(&tx, "application_id")? == 0 {
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", FORMAT)?;
        }
        tx.commit()?;
        Ok(Self { connection })
    }
}

/// Whether the file is one of ours, or has nothing in it yet.
fn check_owner(connection: &Connection) -> Result<(), OpenError> {
    match pragma(connection, "application_id")? {
        APPLICATION_ID => match pragma(connection, "user_version")? {
            version if version > FORMAT => Err(OpenError::Newer(version)),
            _ => Ok(()),
        },
        0 => {
            let count = "SELECT count(*) FROM sqlite_schema";
            let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
            if tables == 0 { Ok(()) } else { Err(OpenError::Foreign) }
        }
        _ => Err(OpenError::Foreign),
    }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

impl Storage for SqliteStorage {
    fn load(&mut self, room: &RoomId) -> Result<Option<RoomSnapshot>, StorageError> {
        let tx = self.connection.transaction()?;
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
        snapshot.clock = clock;
        snapshot.tombstone_history_starts_at = tombstone_history_starts_at;
        snapshot.schema = match schema {
            Some(schema) => Some(SerializedSchema::from_value(&schema.parse::<Value>()?)?),
            None => None,
        };
        let mut documents =
            tx.prepare_cached("SELECT state, clock FROM documents WHERE room = ? ORDER BY id")?;
        let mut rows = documents.query([key])?;
        while let Some(row) = rows.next()? {
            let state = row.get_ref(0)?.as_str()?.parse::<Object>()?;
            snapshot.documents.push((state, get_clock(row, 1)?));
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

    fn commit(&mut self, commits: &[RoomCommit]) -> Result<(), StorageError> {
        // If anything fails the transaction is rolled back as it is dropped.
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for RoomCommit { room, commit } in commits {
            write(&tx, room, commit)?;
        }
        tx.commit()?;
        Ok(())
    }
}

fn write(tx: &Transaction<'_>, room: &RoomId, commit: &Commit) -> Result<(), StorageError> {
    let clock = i64::try_from(commit.clock)?;
    let starts_at = i64::try_from(commit.tombstone_history_starts_at)?;
    let schema = commit.schema.as_ref().map(|schema| schema.to_value().to_string());
    let key: i64 = tx
        .prepare_cached(
            "INSERT INTO rooms (name, clock, tombstone_history_starts_at, schema)
             VALUES (?, ?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET
                 clock = excluded.clock,
                 tombstone_history_starts_at = excluded.tombstone_history_starts_at,
                 schema = coalesce(excluded.schema, schema)
             RETURNING room",
        )?
        .query_row(params![room.as_str(), clock, starts_at, schema], |row| row.get(0))?;
    let mut bury = tx.prepare_cached(
        "INSERT INTO tombstones (room, id, clock) VALUES (?, ?, ?)
         ON CONFLICT (room, id) DO UPDATE SET clock = excluded.clock",
    )?;
    let mut unbury = tx.prepare_cached("DELETE FROM tombstones WHERE room = ? AND id = ?")?;
    let mut put = tx.prepare_cached(
        "INSERT INTO documents (room, id, clock, state) VALUES (?, ?, ?, ?)
         ON CONFLICT (room, id) DO UPDATE SET clock = excluded.clock, state = excluded.state",
    )?;
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
    if let Some(AppliedPush { client, client_clock, order }) = &commit.applied {
        forget(tx, key, client)?;
        let (identity, client) = names(client);
        let (client_clock, place) = (i64::try_from(*client_clock)?, i64::try_from(*order)?);
        tx.prepare_cached(
            "INSERT INTO applied_pushes (room, client, identity, client_clock, place)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![key, client, identity, client_clock, place])?;
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

fn get_clock(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let clock: i64 = row.get(column)?;
    u64::try_from(clock).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, clock))
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::CannotOpen) => Self::CannotOpen,
            _ => Self::Sqlite(error),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another process has it open"),
            Self::CannotOpen => f.write_str("there is no such folder, or no permission"),
            Self::NotADatabase => f.write_str("it is not a SQLite database"),
            Self::Foreign => f.write_str("it is a database of another program"),
            Self::Newer(version) => write!(
                f,
                "it has format {version}, of a newer server; this one knows up to {FORMAT}"
            ),
            Self::NoWriteAheadLog => f.write_str("its file system takes no write-ahead log"),
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
