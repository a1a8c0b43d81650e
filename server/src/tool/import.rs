//! `import`: a room from the JSON that stock rooms write.

use super::progress::Progress;
use super::{ToolError, room};
use crate::cli::DataOptions;
use crate::run::read_schema;
use crate::storage::SqliteStorage;
use clap::Args;
use roomsync::{Limits, Room, RoomConfig, RoomSnapshot};
use roomsync_tokio::RoomId;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a room of snapshot JSON, also of a stock room's.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The room's name.
    #[arg(value_parser = room)]
    room: RoomId,

    /// The snapshot; `-` is standard input.
    #[arg(value_name = "FILE")]
    input: PathBuf,

    #[command(flatten)]
    data: DataOptions,

    /// The server's file of record types, if it has one: the snapshot must fit it.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,

    /// Puts the snapshot in the place of what is in the room.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(options: &Options) -> Result<(), ToolError> {
    let Options { room, input, data, schema, force } = options;
    let schema = read_schema(schema.as_deref()).map_err(ToolError::Schema)?;
    let progress = Progress::unknown("reading");
    let text = read(input).map_err(|error| ToolError::Read(input.clone(), error))?;
    let snapshot = RoomSnapshot::from_json(&text);
    let snapshot = snapshot.map_err(|error| ToolError::Snapshot(input.clone(), error))?;
    drop(text);
    let restored = Room::restore(RoomConfig::default(), schema, snapshot);
    let restored = restored.map_err(|error| ToolError::Restore(input.clone(), error))?;
    let mut snapshot = restored.snapshot();
    drop(progress);

    let mut storage = SqliteStorage::open(&data.file)
        .map_err(|error| ToolError::Open(data.file.clone(), error))?;
    let failed = |error| ToolError::Storage(data.file.clone(), error);
    match storage.clock(room).map_err(failed)? {
        Some(_) if !force => return Err(ToolError::RoomExists(room.clone())),
        Some(clock) => begin_anew(&mut snapshot, clock),
        None => {}
    }
    let progress = Progress::new("writing records");
    let mut update = |done, total| progress.update(done, total);
    storage.replace(room, &snapshot, &mut update).map_err(failed)
}

fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        std::fs::read_to_string(path)
    }
}

/// Makes the snapshot be the next state of a room at that clock. Whoever was in the room knows
/// another history of it: everybody is to be told everything. A clock that no room goes on from is
/// not gone on from.
fn begin_anew(snapshot: &mut RoomSnapshot, clock: u64) {
    let clock = if clock < Limits::MAX_CLOCK { clock } else { 0 };
    let clock = clock.max(snapshot.clock).saturating_add(1);
    snapshot.clock = clock;
    snapshot.tombstone_history_starts_at = clock;
    snapshot.tombstones.clear();
    snapshot.applied_pushes.clear();
    for (_, changed) in &mut snapshot.documents {
        *changed = clock;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_goes_on_from_the_later_clock_and_from_none_that_is_broken() {
        for (kept, own, next) in [(7, 3, 8), (3, 7, 8), (u64::MAX >> 1, 7, 8)] {
            let mut snapshot = RoomSnapshot::default();
            snapshot.clock = own;
            begin_anew(&mut snapshot, kept);
            assert_eq!((snapshot.clock, snapshot.tombstone_history_starts_at), (next, next));
        }
    }
}
