//! The machines driven by lines, as any language would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use roomsync::{Object, Value};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

/// A running machine.
struct Machine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Where cargo put the example that it built together with this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/stdio");
    assert!(program.exists(), "`cargo test` builds it; so does `cargo build --example stdio`");
    program
}

impl Machine {
    fn start(machine: &str) -> Self {
        let mut command = Command::new(program());
        let mut child =
            command.arg(machine).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// Gives a line; returns what came, and the timeout of the `done` that ended it.
    fn run(&mut self, line: &str) -> (Vec<Object>, Value) {
        writeln!(self.input, "{line}").unwrap();
        let mut answers = Vec::new();
        loop {
            let mut answer = String::new();
            assert!(self.output.read_line(&mut answer).unwrap() > 0, "the machine ended");
            let answer: Object = answer.parse().unwrap();
            if let Some(done) = answer.get("done") {
                return (answers, done.as_object().unwrap().get("timeout").unwrap().clone());
            }
            answers.push(answer);
        }
    }

    /// Gives a line; returns the values of all answers of a kind.
    fn all(&mut self, line: &str, kind: &str) -> Vec<Value> {
        self.run(line).0.iter().filter_map(|answer| answer.get(kind).cloned()).collect()
    }

    fn one(&mut self, line: &str, kind: &str) -> Value {
        let mut all = self.all(line, kind);
        assert_eq!(all.len(), 1, "one {kind} after {line}");
        all.remove(0)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn field(value: &Value, key: &str) -> Value {
    value.as_object().unwrap().get(key).unwrap().clone()
}

fn text(value: &Value, key: &str) -> String {
    field(value, key).as_str().unwrap().into()
}

const CONNECT: &str = r#"{\"type\":\"connect\",\"connectRequestId\":\"r\",\"lastServerClock\":-1,\"protocolVersion\":8,\"schema\":{\"schemaVersion\":2,\"sequences\":{}}}"#;

#[test]
fn a_room_is_driven_by_lines() {
    let mut room = Machine::start("room");
    for session in ["a", "b"] {
        let connect = format!(r#"{{"now":0,"do":"connect","session":"{session}"}}"#);
        let connection = room.one(&connect, "connection");
        let hello =
            format!(r#"{{"now":0,"do":"message","connection":{connection},"text":"{CONNECT}"}}"#);
        assert!(text(&room.one(&hello, "send"), "text").contains("wipe_all"));
    }
    let push = r#"{\"type\":\"push\",\"clientClock\":1,\"diff\":{\"page:1\":[\"put\",{\"id\":\"page:1\",\"typeName\":\"page\"}]}}"#;
    let (answers, timeout) =
        room.run(&format!(r#"{{"now":5,"do":"message","connection":0,"text":"{push}"}}"#));
    let kinds: Vec<String> =
        answers.iter().map(|answer| answer.iter().next().unwrap().0.to_string()).collect();
    assert_eq!(kinds, ["persist", "event", "send", "send"]);
    assert_eq!(timeout, Value::from(20_000));
    let transact = r#"{"now":6,"do":"transact","put":[{"id":"page:2","typeName":"page"}]}"#;
    assert_eq!(room.run(transact).1, Value::from(22), "21.667 ms, so that it is not early");
    let told = room.one(r#"{"now":22,"do":"timeout"}"#, "send");
    assert_eq!(field(&told, "to").to_string(), "[0,1]", "both hear the same");
    let snapshot = room.one(r#"{"do":"snapshot"}"#, "snapshot");
    assert_eq!(field(&snapshot, "documentClock"), Value::from(2));
    let load = format!(r#"{{"now":50,"do":"load","snapshot":{snapshot}}}"#);
    assert_eq!(room.run(&load).0, [], "nothing differs");
    let custom = r#"{"do":"custom","connection":1,"data":{"x":1}}"#;
    assert_eq!(text(&room.one(custom, "send"), "text"), r#"{"type":"custom","data":{"x":1}}"#);
    let close = room.one(r#"{"do":"close","connection":1,"reason":"FORBIDDEN"}"#, "close");
    assert_eq!((field(&close, "code"), text(&close, "reason")), (4099.into(), "FORBIDDEN".into()));
}

#[test]
fn what_a_machine_cannot_do_is_an_error_and_changes_nothing() {
    let mut room = Machine::start("room");
    for line in [
        "garbage",
        "{}",
        r#"{"do":"dance"}"#,
        r#"{"do":"connect"}"#,
        r#"{"do":"connect","session":""}"#,
        r#"{"do":"message","connection":"x","text":""}"#,
        r#"{"do":"close","connection":7,"reason":"FORBIDDEN"}"#,
        r#"{"do":"transact","put":[{"id":"a"}]}"#,
        r#"{"do":"transact","put":[{"id":"page:1","typeName":"page"}],"remove":["missing"]}"#,
        r#"{"do":"load","snapshot":{}}"#,
        r#"{"now":-1,"do":"timeout"}"#,
    ] {
        let (answers, timeout) = room.run(line);
        assert_eq!((answers.len(), &timeout), (1, &Value::Null), "{line}");
        assert!(answers[0].get("error").is_some(), "{line}");
    }
    let snapshot = room.one(r#"{"do":"snapshot"}"#, "snapshot");
    assert_eq!(field(&snapshot, "documents"), Value::from(Vec::new()));
}

#[test]
fn a_client_is_driven_by_lines() {
    let mut client = Machine::start("client");
    assert_eq!(client.all(r#"{"now":0,"do":"timeout"}"#, "dial").len(), 1);
    assert_eq!(client.one(r#"{"now":1,"do":"connected"}"#, "link"), Value::from(1));
    let put = r#"{"now":2,"do":"transact","put":[{"id":"page:1","typeName":"page"}]}"#;
    assert_eq!(text(&client.one(put, "event"), "source"), "local");
    let update = r#"{"now":2,"do":"transact","update":[{"id":"page:1","name":"x"}]}"#;
    assert_eq!(text(&client.one(update, "event"), "type"), "changed");
    let answer = r#"{\"type\":\"connect\",\"connectRequestId\":\"1\",\"hydrationType\":\"wipe_all\",\"protocolVersion\":8,\"schema\":{\"schemaVersion\":2,\"sequences\":{}},\"diff\":{},\"serverClock\":0,\"isReadonly\":false}"#;
    let answer = format!(r#"{{"now":3,"do":"message","link":1,"text":"{answer}"}}"#);
    let push = text(&client.one(&answer, "send"), "text");
    assert!(push.contains(r#""diff":{"page:1":["put",{"id":"page:1","name":"x""#), "{push}");
    let snapshot = client.one(r#"{"do":"snapshot"}"#, "snapshot");
    assert_eq!(text(&snapshot, "status"), "online");
    assert_eq!(field(&snapshot, "settled"), Value::from(false));
    assert_eq!(client.all(r#"{"now":4,"do":"disconnected","link":1}"#, "event").len(), 1);
}

#[test]
fn wrong_arguments_end_with_one_line() {
    let run = |arguments: &[&str]| -> Output {
        Command::new(program()).args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    for arguments in [&[][..], &["cat"], &["room", "--schema"], &["room", "--schema", "missing"]] {
        let output = run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1, "{arguments:?}");
    }
    assert!(run(&["room"]).status.success());
}
