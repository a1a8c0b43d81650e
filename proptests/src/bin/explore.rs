//! Explores a small world completely: every order of everything that can happen in it.

use roomsync_proptests::explore::{Size, explore, trace};
use roomsync_proptests::picture::page;
use roomsync_proptests::progress::Progress;
use std::process::ExitCode;

const USAGE: &str = "\
usage: explore [--clients N] [--records N] [--edits N] [--cuts N] [--crashes N] [--slow]
               [--states N] [--html FILE]

Edits and crashes are of all together, cuts of each client. With --slow nobody reads while more
than one message is under way. --states stops the search early; --html writes a page that shows
how an invariant was broken.";

struct Options {
    size: Size,
    states: u64,
    html: Option<String>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let size = Size { clients: 2, records: 1, edits: 2, cuts: 0, crashes: 0, is_slow: false };
    let mut options = Options { size, states: u64::MAX, html: None };
    while let Some(word) = words.next() {
        if word == "--slow" {
            options.size.is_slow = true;
            continue;
        }
        let value = words.next()?;
        let size = &mut options.size;
        match word.as_str() {
            "--clients" => size.clients = value.parse().ok().filter(|number| *number > 0)?,
            "--records" => size.records = value.parse().ok()?,
            "--edits" => size.edits = value.parse().ok()?,
            "--cuts" => size.cuts = value.parse().ok()?,
            "--crashes" => size.crashes = value.parse().ok()?,
            "--states" => options.states = value.parse().ok()?,
            "--html" => options.html = Some(value),
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(Options { size, states, html }) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // A panic is a finding, which is told of below.
    std::panic::set_hook(Box::new(|_| ()));
    let mut progress = Progress::new();
    let explored = explore(&size, states, &mut progress);
    progress.clear();
    println!(
        "{} states, {} choices, {} ends, up to {} choices in a row, {:.1} s",
        explored.states,
        explored.choices,
        explored.ends,
        explored.depth,
        progress.elapsed().as_secs_f64()
    );
    let Some((choices, failure)) = explored.found else {
        if explored.states >= states {
            println!("stopped early: not all was seen");
            return ExitCode::FAILURE;
        }
        println!("all was seen, and all holds");
        return ExitCode::SUCCESS;
    };
    println!("{} is broken: {}", failure.oracle, failure.detail);
    let steps: String = choices.iter().map(|choice| format!("{choice}\n")).collect();
    print!("{steps}");
    if let Some(file) = html {
        let page = page("explored", &steps, &trace(&size, &choices));
        if let Err(error) = std::fs::write(&file, page) {
            eprintln!("{file}: {error}");
        }
    }
    ExitCode::FAILURE
}
