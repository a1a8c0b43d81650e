//! The server: rooms over WebSocket, kept in SQLite. See `--help`.

mod auth;
mod cli;
mod config;
mod http;
mod metrics;
mod run;
mod storage;
mod tool;

use clap::Parser;
use cli::{Cli, LogFormat, Options};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// What was asked for could not be done.
const FAILED: u8 = 1;

/// What was asked for is not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            // What is missing stands on lines of its own.
            let line =
                text.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
            let line = line.trim_start_matches("error: ");
            return fail(USAGE, &format!("{line} (see --help)"));
        }
        // The help or the version was asked for.
        Err(text) => {
            return if text.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    let done = match &cli.tool {
        Some(tool) => tool::run(tool).map_err(|error| error.to_string()),
        None => {
            log(&cli.options);
            run::run(&cli.options).map_err(|error| error.to_string())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => fail(FAILED, &line),
    }
}

fn log(options: &Options) {
    let log = tracing_subscriber::fmt().with_max_level(options.log).with_writer(io::stderr);
    match options.log_format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn fail(code: u8, line: &str) -> ExitCode {
    // If standard error is closed too, there is nobody to tell.
    writeln!(io::stderr(), "roomsync-server: {line}").ok();
    ExitCode::from(code)
}
