//! Rooms in one SQLite file.

mod read;
mod write;

pub(crate) use read::RoomInfo;

use roomsync::RoomSnapshot;
use roomsync_tokio::{RoomCommit, RoomId, Storage, StorageError};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::ffi::OsString;
use std::fs::OpenOptions as OpenFile;
use std::num::NonZeroU32;
use std::path::Path;
use std::{fmt, io};

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
    /// There is no such file or folder, or no permission.
    CannotOpen,
    /// It is something else than a database.
    NotADatabase,
    /// It is a database of another program.
    Foreign,
    /// A newer version of the server wrote it.
    Newer(i32),
    /// There is nothing in it.
    Empty,
    /// It cannot be written, and a part of it is not merged into it yet.
    UnmergedLog,
    /// The file system cannot do what durability needs.
    NoWriteAheadLog,
    Sqlite(rusqlite::Error),
}

impl SqliteStorage {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens the file to read what is in it. Where nothing can be written it is read as it is, and
    /// without a lock, since nobody else can write either.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, OpenError> {
        if is_unwritable(path) {
            Self::open_unwritable(path)
        } else {
            Self::open_with(path, OpenFlags::empty())
        }
    }

    fn open_unwritable(path: &Path) -> Result<Self, OpenError> {
        let log = [path.as_os_str(), "-wal".as_ref()].into_iter().collect::<OsString>();
        if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return Err(OpenError::UnmergedLog);
        }
        let path = path.to_str().ok_or(OpenError::CannotOpen)?;
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?;
        match check_owner(&connection)? {
            Owner::Nobody => Err(OpenError::Empty),
            Owner::Us => Ok(Self { connection }),
        }
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Self, OpenError> {
        if is_unwritable(path) {
            return Err(OpenError::CannotOpen);
        }
        let may_create = flags.contains(OpenFlags::SQLITE_OPEN_CREATE);
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        // Whoever holds the lock holds it for long.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        if check_owner(&connection)? == Owner::Nobody && !may_create {
            return Err(OpenError::Empty);
        }
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

    /// Lets the file grow to this size and no further. What it holds already stays.
    pub(crate) fn limit(&self, mib: NonZeroU32) -> Result<(), OpenError> {
        let page_size: i64 =
            self.connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (i64::from(mib.get()) << 20) / page_size.max(1);
        // It answers with what it took, which is never less than there is.
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok(())
    }

    /// All rooms, by name.
    pub(crate) fn rooms(&self) -> Result<Vec<RoomInfo>, StorageError> {
        read::rooms(&self.connection)
    }

    /// The clock of the room, if there is one.
    pub(crate) fn clock(&self, room: &RoomId) -> Result<Option<u64>, StorageError> {
        read::clock(&self.connection, room)
    }

    /// What [`Storage::load`] does, telling how many of how many rows are read.
    pub(crate) fn load_with(
        &mut self,
        room: &RoomId,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<RoomSnapshot>, StorageError> {
        read::load(&self.connection.transaction()?, room, progress)
    }

    /// Puts the snapshot in the place of all that is kept of the room, telling how many of how many
    /// rows are written.
    pub(crate) fn replace(
        &mut self,
        room: &RoomId,
        snapshot: &RoomSnapshot,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), StorageError> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write::replace(&tx, room, snapshot, progress)?;
        tx.commit()?;
        Ok(())
    }
}

/// Whether there is such a file, and it must not be changed. What else can be wrong with it, SQLite
/// says.
fn is_unwritable(path: &Path) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let opened = OpenFile::new().write(true).open(path);
    opened.is_err_and(|error| matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem))
}

/// Whose a file is that can be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Us,
    /// There is nothing in it yet.
    Nobody,
}

fn check_owner(connection: &Connection) -> Result<Owner, OpenError> {
    match pragma(connection, "application_id")? {
        APPLICATION_ID => match pragma(connection, "user_version")? {
            version if version > FORMAT => Err(OpenError::Newer(version)),
            _ => Ok(Owner::Us),
        },
        0 => {
            let count = "SELECT count(*) FROM sqlite_schema";
            let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
            if tables == 0 { Ok(Owner::Nobody) } else { Err(OpenError::Foreign) }
        }
        _ => Err(OpenError::Foreign),
    }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

impl Storage for SqliteStorage {
    fn load(&mut self, room: &RoomId) -> Result<Option<RoomSnapshot>, StorageError> {
        self.load_with(room, &mut |_, _| {})
    }

    fn commit(&mut self, commits: &[RoomCommit]) -> Result<(), StorageError> {
        // If anything fails the transaction is rolled back as it is dropped.
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        commits.iter().try_for_each(|commit| write::write(&tx, commit))?;
        tx.commit()?;
        Ok(())
    }
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
            Self::CannotOpen => f.write_str("there is no such file or folder, or no permission"),
            Self::NotADatabase => f.write_str("it is not a SQLite database"),
            Self::Foreign => f.write_str("it is a database of another program"),
            Self::Newer(version) => write!(
                f,
                "it has format {version}, of a newer server; this one knows up to {FORMAT}"
            ),
            Self::Empty => f.write_str("there is nothing in it"),
            Self::UnmergedLog => f.write_str(
                "it cannot be written, and its latest changes stand in the -wal file beside it: copy both to where they can",
            ),
            Self::NoWriteAheadLog => f.write_str("its file system takes no write-ahead log"),
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
