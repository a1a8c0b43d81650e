//! The machines as a process that exchanges are played to: a line of JSON in, a line out, time
//! explicit. A line that begins a machine drops the one before, so that a process serves any number
//! of exchanges.

mod client;
mod room;
mod schema;

use client::{ClientCommand, ClientMachine};
use room::{RoomCommand, RoomMachine};
use roomsync::Instant;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};

/// A line of input.
#[derive(Deserialize)]
struct Line<C> {
    /// Milliseconds since the machine began.
    now: f64,
    #[serde(flatten)]
    command: C,
}

#[derive(Deserialize)]
#[serde(tag = "begin", rename_all = "camelCase")]
enum Begin {
    Room(room::Options),
    Client(client::Options),
}

/// A line of output: what the machine did, or why a command was refused, and the answer to one
/// that asks.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report<A> {
    actions: Vec<A>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<roomsync::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

enum Machine {
    Room(Box<RoomMachine>),
    Client(Box<ClientMachine>),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut machine = None;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let report = answer(&mut machine, &line?)?;
        writeln!(out, "{report}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(machine: &mut Option<Machine>, line: &str) -> Result<String, Box<dyn std::error::Error>> {
    if let Ok(begin) = serde_json::from_str::<Begin>(line) {
        let begun = match begin {
            Begin::Room(options) => Machine::Room(Box::new(RoomMachine::new(options)?)),
            Begin::Client(options) => Machine::Client(Box::new(ClientMachine::new(options)?)),
        };
        *machine = Some(begun);
        return Ok("{}".into());
    }
    Ok(match machine.as_mut().ok_or("no machine was begun")? {
        Machine::Room(room) => {
            let line: Line<RoomCommand> = serde_json::from_str(line)?;
            serde_json::to_string(&room.run(instant(line.now), line.command))?
        }
        Machine::Client(client) => {
            let line: Line<ClientCommand> = serde_json::from_str(line)?;
            serde_json::to_string(&client.run(instant(line.now), line.command))?
        }
    })
}

fn instant(millis: f64) -> Instant {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    Instant::from_micros((millis * 1000.0).round() as u64)
}
