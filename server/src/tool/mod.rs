//! What can be done with the file of a server that does not run.

mod export;
mod import;
mod inspect;
mod progress;

use crate::http::room_id;
use crate::run::RunError;
use crate::storage::{OpenError, SqliteStorage};
use clap::Subcommand;
use roomsync::{RestoreError, SnapshotError};
use roomsync_tokio::{RoomId, StorageError};
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// The file must not be open in a server meanwhile; a server that runs has its admin API.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Tool {
    Export(export::Options),
    Import(import::Options),
    Inspect(inspect::Options),
}

/// Why it was not done. Nothing has changed then.
#[derive(Debug)]
pub(crate) enum ToolError {
    Open(PathBuf, OpenError),
    Storage(PathBuf, StorageError),
    NoRoom(PathBuf, RoomId),
    RoomExists(RoomId),
    Read(PathBuf, io::Error),
    Write(PathBuf, io::Error),
    Print(io::Error),
    Snapshot(PathBuf, SnapshotError),
    Restore(PathBuf, RestoreError),
    Schema(RunError),
}

/// Does it.
pub(crate) fn run(tool: &Tool) -> Result<(), ToolError> {
    match tool {
        Tool::Export(options) => export::run(options),
        Tool::Import(options) => import::run(options),
        Tool::Inspect(options) => inspect::run(options),
    }
}

/// The name of a room on the command line.
fn room(name: &str) -> Result<RoomId, &'static str> {
    room_id(name).ok_or("a room's name is 1 to 128 letters, digits, `-`, `_`, `.` and `~`")
}

/// The file, to read it.
fn open(data: &Path) -> Result<SqliteStorage, ToolError> {
    SqliteStorage::open_to_read(data).map_err(|error| ToolError::Open(data.to_owned(), error))
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(path, OpenError::Locked) => {
                let (path, error) = (path.display(), OpenError::Locked);
                write!(f, "cannot open {path}: {error}; a server that runs has an admin API")
            }
            Self::Open(path, error) => write!(f, "cannot open {}: {error}", path.display()),
            Self::Storage(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoRoom(path, room) => write!(f, "there is no room {room} in {}", path.display()),
            Self::RoomExists(room) => {
                write!(f, "there is a room {room} already; --force takes what is in it away")
            }
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Write(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            Self::Print(error) => write!(f, "cannot write to standard output: {error}"),
            Self::Snapshot(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Restore(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Schema(error) => error.fmt(f),
        }
    }
}
