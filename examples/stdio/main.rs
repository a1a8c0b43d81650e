//! The machines as a process that any language can drive: one JSON object a line, time explicit.
//!
//! `stdio -- room [--schema FILE]` runs a room, `stdio -- client [--schema FILE]` a client. The
//! format is described in `docs/driver.md`.
#![expect(clippy::print_stderr, reason = "a program tells its user what is wrong")]

mod client;
mod room;

use roomsync::{Instant, Number, Object, Schema, Value};
use std::io::{BufRead, BufWriter, Write};
use std::process::ExitCode;

/// A machine that takes one command and says what came of it.
pub(crate) trait Machine {
    /// Does what `command` says. Answers, and refusals as `Err`, come before the actions.
    fn run(&mut self, now: Instant, what: &str, command: &Fields) -> Result<Vec<Value>, String>;
    /// The next action, as a line.
    fn next_action(&mut self) -> Option<Value>;
    /// When the machine wants to be woken.
    fn timeout(&self) -> Option<Instant>;
}

/// The fields of a command.
pub(crate) struct Fields(Object);

impl Fields {
    pub(crate) fn value(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        self.value(name)?.as_str().ok_or_else(|| format!("`{name}` is not a string"))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name) {
            Some(value) => value.as_bool().ok_or_else(|| format!("`{name}` is not a boolean")),
            None => Ok(false),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, String> {
        let number = self.value(name)?.as_number().and_then(Number::as_i64);
        let number = number.and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| format!("`{name}` is not a whole number"))
    }

    /// The objects of an array, none when it is missing.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Object>, String> {
        let object = |value: &Value| value.as_object().cloned();
        self.list(name, object, "objects")
    }

    /// The strings of an array, none when it is missing.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name, |value| value.as_str().map(String::from), "strings")
    }

    fn list<T>(
        &self,
        name: &str,
        item: impl Fn(&Value) -> Option<T>,
        of: &str,
    ) -> Result<Vec<T>, String> {
        let Some(value) = self.0.get(name) else { return Ok(Vec::new()) };
        let items = value.as_array().and_then(|array| array.iter().map(item).collect());
        items.ok_or_else(|| format!("`{name}` is not an array of {of}"))
    }

    /// When the command happens, or `None` when it does not say.
    fn now(&self) -> Result<Option<Instant>, String> {
        let Some(now) = self.0.get("now") else { return Ok(None) };
        let millis = now.as_number().map(Number::as_f64).filter(|millis| *millis >= 0.0);
        let micros = millis.ok_or("`now` is not a number of milliseconds")? * 1000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        Ok(Some(Instant::from_micros(micros.round() as u64)))
    }
}

/// An object of the given fields, as a value.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::from(fields.into_iter().collect::<Object>())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let machine = match *arguments.as_slice() {
        [machine @ ("room" | "client")] => make(machine, Ok(Schema::tldraw())),
        [machine @ ("room" | "client"), "--schema", file] => make(machine, read_schema(file)),
        _ => Err("usage: stdio room|client [--schema FILE]".into()),
    };
    match machine.and_then(|machine| serve(machine).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn make(machine: &str, schema: Result<Schema, String>) -> Result<Box<dyn Machine>, String> {
    let schema = schema?;
    Ok(match machine {
        "room" => Box::new(room::RoomMachine::new(schema)?),
        _ => Box::new(client::ClientMachine::new(schema)?),
    })
}

fn read_schema(file: &str) -> Result<Schema, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Schema::from_json(&text).map_err(|error| format!("{file}: {error}"))
}

fn serve(mut machine: Box<dyn Machine>) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut now = Instant::ZERO;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        match run(machine.as_mut(), &mut now, &line) {
            Ok(answers) => {
                for answer in answers {
                    writeln!(out, "{answer}")?;
                }
            }
            Err(error) => writeln!(out, "{}", object([("error", error.into())]))?,
        }
        while let Some(action) = machine.next_action() {
            writeln!(out, "{action}")?;
        }
        let timeout = machine.timeout().map(Instant::as_millis_ceil);
        let timeout = object([("timeout", timeout.map_or(Value::Null, Value::from))]);
        writeln!(out, "{}", object([("done", timeout)]))?;
        out.flush()?;
    }
    Ok(())
}

fn run(machine: &mut dyn Machine, now: &mut Instant, line: &str) -> Result<Vec<Value>, String> {
    let fields: Object = line.parse().map_err(|error| format!("not a JSON object: {error}"))?;
    let fields = Fields(fields);
    if let Some(time) = fields.now()? {
        *now = time;
    }
    machine.run(*now, fields.text("do")?, &fields)
}
