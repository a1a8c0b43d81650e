//! Where a client keeps what the room has not confirmed, so that it outlives the process.

use roomsync::{ClientCommit, ClientSnapshot};
use std::error::Error;
use std::fmt;

/// Why a store cannot be read or written.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// A client ended since its store failed.
#[derive(Debug)]
pub struct StoreFailed(pub StoreError);

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store of the client failed: {}", self.0)
    }
}

impl Error for StoreFailed {}

/// Keeps what a client asks for, durably. One client at a time uses a store. Its methods may block:
/// they are called where that disturbs nobody.
pub trait ClientStore: Send + 'static {
    /// All that was kept before; empty when nothing was.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn load(&mut self) -> Result<ClientSnapshot, StoreError>;

    /// Keeps what all of `commits` say, one after the other. When this returns, it outlives a
    /// crash of the machine.
    ///
    /// # Errors
    ///
    /// When not all of it could be made durable. The client then ends.
    fn apply(&mut self, commits: &[ClientCommit]) -> Result<(), StoreError>;
}

#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::{ClientStore, StoreError};
    use roomsync::{ClientCommit, ClientSnapshot, Key, Value};
    use rusqlite::Connection;
    use std::fmt;
    use std::path::Path;

    /// What tells files of this kind from other SQLite files: "rsyc".
    const APPLICATION_ID: i32 = 0x7273_7963;

    /// A store in one SQLite file, which nobody else can open meanwhile.
    pub struct SqliteStore(Connection);

    impl SqliteStore {
        /// Opens the file, or makes it.
        ///
        /// # Errors
        ///
        /// When it cannot be opened, is in use, or is a file of another kind.
        pub fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
            let connection = Connection::open(file)?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
            let tables: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if id != APPLICATION_ID && tables > 0 {
                return Err("the file is no store of a client".into());
            }
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
            )?;
            Ok(Self(connection))
        }
    }

    impl ClientStore for SqliteStore {
        fn load(&mut self) -> Result<ClientSnapshot, StoreError> {
            let mut select = self.0.prepare("SELECT key, value FROM kept")?;
            let mut rows = select.query([])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
                entries.push((Key::from(key), value.parse::<Value>()?));
            }
            Ok(entries.into_iter().collect())
        }

        fn apply(&mut self, commits: &[ClientCommit]) -> Result<(), StoreError> {
            let transaction = self.0.transaction()?;
            {
                let mut put = transaction.prepare_cached(
                    "INSERT INTO kept VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
                )?;
                let mut remove = transaction.prepare_cached("DELETE FROM kept WHERE key = ?1")?;
                for (key, value) in commits.iter().flat_map(ClientCommit::iter) {
                    match value {
                        Some(value) => put.execute((key.as_str(), value.to_string()))?,
                        None => remove.execute([key.as_str()])?,
                    };
                }
            }
            Ok(transaction.commit()?)
        }
    }

    impl fmt::Debug for SqliteStore {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("SqliteStore").field(&self.0.path()).finish()
        }
    }
}
