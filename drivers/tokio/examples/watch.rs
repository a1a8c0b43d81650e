//! Shows a room live: its records by type, who is present, and changes as they come.
//!
//! ```text
//! cargo run -p roomsync-tokio --example watch -- ws://127.0.0.1:8787/connect/plans \
//!     [--session watcher] [--schema FILE]
//! ```
//!
//! The schema is as for the example `edit`. In a terminal a summary stands at the top and is drawn
//! anew; otherwise there are only lines. Ends at Ctrl-C, and when the room refuses it.

use futures_util::StreamExt;
use roomsync::{
    ClientEvent, CloseReason, Key, Object, ObjectDiff, RecordChange, RecordId, Schema, Source,
    Status, StringAppend, Value,
};
use roomsync_tokio::{Client, ClientOptions, Missed};
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

const TLDRAW: &str = include_str!("tldraw-5.4.2.json");
const USAGE: &str = "usage: watch URL [--session ID] [--schema FILE]";
/// Lines of changes that stay in sight.
const RECENT: usize = 18;
/// Characters of a value that are shown.
const SHOWN: usize = 48;

type AnyError = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "watch: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), AnyError> {
    let Arguments { url, session, schema } = Arguments::read()?;
    let schema = match schema {
        Some(file) => {
            let text =
                std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
            Schema::from_json(&text)?
        }
        None => Schema::from_json(TLDRAW)?,
    };
    let client = Client::connect(&url, ClientOptions::new(session, Arc::new(schema)))?;
    let mut events = client.subscribe();
    let mut screen =
        Screen { url, recent: VecDeque::new(), is_terminal: io::stdout().is_terminal() };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = &mut interrupted => break,
        };
        match event {
            Some(Ok(ClientEvent::Status(Status::Refused(reason)))) => {
                return Err(refused(&reason));
            }
            Some(Ok(event)) => screen.show(&client, lines(&event))?,
            Some(Err(Missed(missed))) => {
                screen.show(&client, vec![format!("… {missed} events")])?;
                if let Status::Refused(reason) = client.status() {
                    return Err(refused(&reason));
                }
            }
            None => break,
        }
    }
    client.close().await?;
    Ok(())
}

fn refused(reason: &CloseReason) -> AnyError {
    format!("the room refused this client: {reason}").into()
}

struct Screen {
    url: String,
    recent: VecDeque<String>,
    is_terminal: bool,
}

impl Screen {
    fn show(&mut self, client: &Client, lines: Vec<String>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.is_terminal {
            for line in lines {
                writeln!(out, "{}", plain(&line))?;
            }
            return out.flush();
        }
        self.recent.extend(lines);
        let surplus = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..surplus);
        // Home, and clear what is below.
        write!(out, "\x1b[H\x1b[J\x1b[1m{}\x1b[0m  {}\n\n", self.url, name(&client.status()))?;
        for (type_name, count) in counts(client) {
            writeln!(out, "  {count:>7}  {}", plain(&type_name))?;
        }
        let present = client.presence();
        writeln!(out, "\n  {} present", present.len())?;
        for (id, record) in present {
            writeln!(out, "           {}", plain(&who(&id, &record)))?;
        }
        writeln!(out)?;
        for line in &self.recent {
            writeln!(out, "{}", plain(line))?;
        }
        out.flush()
    }
}

/// The text without what would command the terminal: ids and names are others' words.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{FFFD}")
}

fn counts(client: &Client) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, record) in client.records() {
        *counts.entry(text(&record, "typeName")).or_default() += 1;
    }
    counts
}

fn who(id: &RecordId, record: &Object) -> String {
    let name = text(record, "userName");
    let cursor =
        record.get("cursor").map_or_else(String::new, |cursor| format!("  {}", short(cursor)));
    format!("{}{cursor}", if name.is_empty() { id.to_string() } else { name })
}

fn text(record: &Object, key: &str) -> String {
    record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What is told of an event, a line for each thing.
fn lines(event: &ClientEvent) -> Vec<String> {
    match event {
        ClientEvent::Status(status) => vec![format!("= {}", name(status))],
        ClientEvent::Changed { source, changes } => {
            let from = if *source == Source::Local { " (here)" } else { "" };
            changes.iter().flat_map(|change| record_lines(change, from)).collect()
        }
        ClientEvent::Presence(changes) => changes.iter().map(presence_line).collect(),
        ClientEvent::Custom(data) => vec![format!("* {}", short(data))],
        ClientEvent::Query { .. } | ClientEvent::Settled | _ => Vec::new(),
    }
}

fn record_lines(change: &RecordChange, from: &str) -> Vec<String> {
    let RecordChange { id, before, after } = change;
    match (before, after) {
        (None, Some(record)) => vec![format!("+ {id} {}{from}", short(&record.clone().into()))],
        (Some(_), None) => vec![format!("- {id}{from}")],
        (Some(before), Some(after)) => {
            let diff = ObjectDiff::between(before, after, StringAppend::Legacy);
            let keys = diff.iter().flat_map(ObjectDiff::iter).map(|(key, _)| key);
            keys.map(|key| format!("~ {id} {}{from}", field(key, before, after))).collect()
        }
        (None, None) => Vec::new(),
    }
}

fn field(key: &Key, before: &Object, after: &Object) -> String {
    let side = |record: &Object| record.get(key).map_or_else(|| "nothing".into(), short);
    format!("{key}: {} → {}", side(before), side(after))
}

fn presence_line(change: &RecordChange) -> String {
    let RecordChange { id, before, after } = change;
    match (before, after) {
        (None, Some(record)) => format!("> {} came", who(id, record)),
        (Some(record), None) => format!("< {} left", who(id, record)),
        (_, record) => {
            format!("  {}", record.as_ref().map_or_else(|| id.to_string(), |it| who(id, it)))
        }
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

fn name(status: &Status) -> &'static str {
    match status {
        Status::Offline => "offline",
        Status::Connecting => "connecting",
        Status::Online => "online",
        Status::Refused(_) => "refused",
        Status::Closed => "closed",
    }
}

struct Arguments {
    url: String,
    session: String,
    schema: Option<String>,
}

impl Arguments {
    fn read() -> Result<Self, AnyError> {
        let (mut url, mut session, mut schema) = (None, None, None);
        let mut rest = std::env::args().skip(1);
        while let Some(argument) = rest.next() {
            let slot = match argument.as_str() {
                "--session" => &mut session,
                "--schema" => &mut schema,
                _ if url.is_none() && !argument.starts_with('-') => {
                    url = Some(argument);
                    continue;
                }
                _ => return Err(USAGE.into()),
            };
            *slot = Some(rest.next().ok_or(USAGE)?);
        }
        let session = session.unwrap_or_else(|| "watcher".to_owned());
        Ok(Self { url: url.ok_or(USAGE)?, session, schema })
    }
}
