//! What is asked of the program that counts bytes.

use crate::crdt::Outcome;
use crate::request::{Answer, Request};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::process::{Command, Stdio};

#[derive(Debug, Serialize, Deserialize)]
pub enum Question {
    /// A workload on roomsync.
    Ours(Request),
    /// A replica of so many records, each edited once, of one of [`crate::crdt::NAMES`].
    Crdt { name: String, records: usize },
}

pub fn ours(request: &Request) -> Result<Answer> {
    Ok(serde_json::from_str(&ask(&Question::Ours(request.clone()))?)?)
}

pub fn replica(name: &str, records: usize) -> Result<Outcome> {
    Ok(serde_json::from_str(&ask(&Question::Crdt { name: name.into(), records })?)?)
}

/// A process for each question, so that none finds the heap of another.
fn ask(question: &Question) -> Result<String> {
    let program = std::env::current_exe()?.with_file_name("peers-memory");
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} is not built: build all binaries", program.display()))?;
    let mut stdin = child.stdin.take().context("the program listens")?;
    writeln!(stdin, "{}", serde_json::to_string(question)?)?;
    drop(stdin);
    let output = child.wait_with_output()?;
    Ok(String::from_utf8(output.stdout)?)
}
