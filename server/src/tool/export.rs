//! `export`: a room as the JSON that stock rooms load.

use super::progress::Progress;
use super::{ToolError, open, room};
use crate::cli::DataOptions;
use clap::Args;
use roomsync_tokio::RoomId;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes a room as snapshot JSON, which stock rooms load too.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The room's name.
    #[arg(value_parser = room)]
    room: RoomId,

    #[command(flatten)]
    data: DataOptions,

    /// Where to; standard output without it. The file is there as a whole or not at all.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(Options { room, data, output }: &Options) -> Result<(), ToolError> {
    let mut storage = open(&data.file)?;
    let progress = Progress::new("reading records");
    let snapshot = storage
        .load_with(room, &mut |done, total| progress.update(done, total))
        .map_err(|error| ToolError::Storage(data.file.clone(), error))?
        .ok_or_else(|| ToolError::NoRoom(data.file.clone(), room.clone()))?;
    drop(progress);
    let json = format!("{}\n", snapshot.to_value());
    match output {
        Some(path) => write(path, &json).map_err(|error| ToolError::Write(path.clone(), error)),
        None => {
            let mut stdout = io::stdout();
            let written = stdout.write_all(json.as_bytes()).and_then(|()| stdout.flush());
            written.map_err(ToolError::Print)
        }
    }
}

/// Writes beside the file, and takes its place when all is on the disk.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
