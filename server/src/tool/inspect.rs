//! `inspect`: what is in a room, without its contents.

use super::progress::Progress;
use super::{ToolError, open, room};
use crate::cli::DataOptions;
use clap::Args;
use roomsync::{RoomSnapshot, Value};
use roomsync_tokio::RoomId;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

/// Tells what is in a room, or which rooms there are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The room's name; all rooms without it.
    #[arg(value_parser = room)]
    room: Option<RoomId>,

    #[command(flatten)]
    data: DataOptions,
}

pub(super) fn run(Options { room, data }: &Options) -> Result<(), ToolError> {
    let mut storage = open(&data.file)?;
    let failed = |error| ToolError::Storage(data.file.clone(), error);
    let mut text = String::new();
    let written = match room {
        Some(room) => {
            let progress = Progress::new("reading records");
            let mut update = |done, total| progress.update(done, total);
            let snapshot = storage.load_with(room, &mut update).map_err(failed)?;
            let missing = || ToolError::NoRoom(data.file.clone(), room.clone());
            describe(&mut text, &snapshot.ok_or_else(missing)?)
        }
        None => storage.rooms().map_err(failed)?.iter().try_for_each(|room| {
            writeln!(text, "{} clock {} records {}", room.name, room.clock, room.documents)
        }),
    };
    written.map_err(|error| ToolError::Print(io::Error::other(error)))?;
    let mut stdout = io::stdout();
    let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    printed.map_err(ToolError::Print)
}

fn describe(text: &mut String, snapshot: &RoomSnapshot) -> fmt::Result {
    #[derive(Default)]
    struct Count {
        records: usize,
        bytes: usize,
        largest: usize,
    }
    let mut types = BTreeMap::<&str, Count>::new();
    let mut all = Count::default();
    for (record, _) in &snapshot.documents {
        let name = record.get("typeName").and_then(Value::as_str).unwrap_or_default();
        let bytes = record.to_string().len();
        for count in [types.entry(name).or_default(), &mut all] {
            count.records += 1;
            count.bytes += bytes;
            count.largest = count.largest.max(bytes);
        }
    }
    writeln!(text, "clock {}", snapshot.clock)?;
    let Count { records, bytes, largest } = all;
    writeln!(text, "records {records}, {bytes} bytes, the largest {largest}")?;
    for (name, Count { records, bytes, largest }) in types {
        writeln!(text, "  {name} {records}, {bytes} bytes, the largest {largest}")?;
    }
    let starts_at = snapshot.tombstone_history_starts_at;
    writeln!(text, "tombstones {}, complete since clock {starts_at}", snapshot.tombstones.len())?;
    writeln!(text, "clients whose last push is known {}", snapshot.applied_pushes.len())?;
    match &snapshot.schema {
        Some(schema) => writeln!(text, "schema {}", schema.to_value()),
        None => writeln!(text, "schema none yet"),
    }
}
