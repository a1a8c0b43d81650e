//! The server: rooms over WebSocket, kept in SQLite. See `--help`.

mod cli;
mod http;
mod run;
mod storage;

use clap::Parser;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match cli::Options::try_parse() {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            return fail(&format!("{} (see --help)", line.trim_start_matches("error: ")));
        }
        // The help or the version was asked for.
        Err(text) => {
            return if text.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    tracing_subscriber::fmt()
        .with_max_level(options.log)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(line: &str) -> ExitCode {
    // If standard error is closed too, there is nobody to tell.
    writeln!(io::stderr(), "roomsync-server: {line}").ok();
    ExitCode::FAILURE
}
