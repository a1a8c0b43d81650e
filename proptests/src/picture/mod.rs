//! A run as a page to look at: lanes, messages between them, faults, and what the oracles said.
//!
//! The page is one file that needs nothing else. What it shows stands in it as JSON; `draw.js`
//! makes the picture of that.

use crate::hostile::{kind, parse};
use crate::invariant::INVARIANTS;
use crate::model::clock_at;
use crate::network::{Direction, Packet};
use crate::report::Outcome;
use crate::trace::{Entry, Flight, Lane, Mark};
use roomsync::{Array, Object, Value};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const DRAW: &str = include_str!("draw.js");
const BOOK: &str = include_str!("../../../docs/invariants.md");

/// The page of a run that was traced.
#[must_use]
pub fn page(title: &str, script: &str, outcome: &Outcome) -> String {
    // What ends a script element, or begins another, cannot stand in one.
    let data = data(title, script, outcome).to_string().replace('<', "\\u003c");
    let escaped = title.replace('&', "&amp;").replace('<', "&lt;");
    PAGE.replace("{{title}}", &escaped)
        .replace("{{style}}", STYLE)
        .replace("{{draw}}", DRAW)
        .replace("{{data}}", &data)
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().collect::<Object>().into()
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    values.into_iter().collect::<Array>().into()
}

fn data(title: &str, script: &str, outcome: &Outcome) -> Value {
    let lanes: BTreeSet<Lane> = outcome.trace.iter().map(|entry| entry.lane).collect();
    let failure = outcome.failure.as_ref().map_or(Value::Null, |failure| {
        object([("oracle", failure.oracle.into()), ("detail", failure.detail.as_str().into())])
    });
    object([
        ("title", title.into()),
        ("script", script.into()),
        ("inputs", outcome.inputs.into()),
        ("hash", format!("{:016x}", outcome.hash.get()).as_str().into()),
        ("lanes", list(lanes.iter().map(|lane| lane.to_string().as_str().into()))),
        ("entries", list(outcome.trace.iter().map(entry_value))),
        ("invariants", list(INVARIANTS.iter().map(|name| invariant_value(name)))),
        ("failure", failure),
    ])
}

fn invariant_value(name: &str) -> Value {
    let row = BOOK.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
    let what = row.and_then(|row| row.split(" | ").next()).unwrap_or_default();
    object([("name", name.into()), ("what", what.into())])
}

fn entry_value(entry: &Entry) -> Value {
    let mut value: Object = [("at", Value::from(entry.at))].into_iter().collect();
    value.insert("lane", entry.lane.to_string().as_str());
    value.insert("text", entry.text.as_str());
    let mark = match &entry.mark {
        Mark::Step => "step",
        Mark::Note => "note",
        Mark::Fault => "fault",
        Mark::Slow => "slow",
        Mark::Mended => "mended",
        Mark::Durable => "durable",
        Mark::Sent(flight, packet) => {
            value.insert("flight", key(*flight));
            let (label, message) = shown(packet);
            value.insert("label", label.as_str());
            value.insert("message", message);
            "sent"
        }
        Mark::Arrived(flight) => {
            value.insert("flight", key(*flight));
            "arrived"
        }
        Mark::Lost(flight) => {
            value.insert("flight", key(*flight));
            "lost"
        }
        Mark::State(state) => {
            value.insert("clock", state.clock.map_or(Value::Null, Value::from));
            value.insert("standing", state.standing);
            value.insert("settled", state.is_settled);
            "state"
        }
        Mark::Agreed => "agreed",
        Mark::Broken => "broken",
    };
    value.insert("mark", mark);
    value.into()
}

/// The name of a flight. Those that no pipe took are not told apart: each is lost at once.
fn key(flight: Flight) -> Value {
    let direction = if flight.direction == Direction::ToRoom { "to" } else { "from" };
    Value::from(format!("{}{direction}{}", flight.link, flight.number))
}

/// A few words on a packet, and all that it says.
fn shown(packet: &Packet) -> (String, Value) {
    let bytes = match packet {
        Packet::Opened => return ("open".into(), Value::Null),
        Packet::End(reason) => return (format!("end {reason:?}"), Value::Null),
        Packet::Text(bytes) | Packet::Binary(bytes) => bytes,
    };
    let text = || Value::from(String::from_utf8_lossy(bytes).into_owned());
    match parse(bytes) {
        Some(Value::Object(message)) => (label(&message), message.into()),
        Some(other) => (format!("{} bytes", bytes.len()), other),
        None => {
            let piece = str::from_utf8(bytes).ok().and_then(|text| text.split_once('_'));
            let piece = piece.filter(|(number, _)| number.bytes().all(|it| it.is_ascii_digit()));
            let label = piece.map(|(number, _)| format!("piece {number}"));
            (label.unwrap_or(format!("{} bytes", bytes.len())), text())
        }
    }
}

fn label(message: &Object) -> String {
    let clock = || clock_at(message, "clientClock").map_or("?".into(), |clock| clock.to_string());
    match kind(message) {
        "connect" => match message.get("hydrationType").and_then(Value::as_str) {
            Some(hydration) => hydration.into(),
            None => "connect".into(),
        },
        "push" if message.get("diff").is_none() => format!("push {} presence", clock()),
        "push" => format!("push {}", clock()),
        "data" => {
            let entries = message.get("data").and_then(Value::as_array).map_or(&[][..], |it| it);
            let entries: Vec<String> =
                entries.iter().filter_map(Value::as_object).map(entry_label).collect();
            match entries.len() {
                0..=3 => entries.join(", "),
                more => format!("{}, {} more", entries[..2].join(", "), more - 2),
            }
        }
        other => other.into(),
    }
}

fn entry_label(entry: &Object) -> String {
    let clock = || clock_at(entry, "clientClock").map_or("?".into(), |clock| clock.to_string());
    match (kind(entry), entry.get("action")) {
        ("push_result", Some(Value::String(action))) => format!("{} {}", action.as_str(), clock()),
        ("push_result", _) => format!("rebase {}", clock()),
        (other, _) => other.into(),
    }
}
