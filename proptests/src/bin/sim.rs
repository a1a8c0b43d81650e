//! Searches for scripts that break an invariant, or replays one.

use roomsync_proptests::reach::Counts;
use roomsync_proptests::report::{Report, run_traced, run_twice, shrink};
use roomsync_proptests::script::Script;
use std::error::Error;
use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage: sim --seeds A..B      run these seeds
       sim --minutes M       run new seeds for so long
       sim --replay FILE     run the script in the file
further:
       --trace               print what happens (of a replay, or of a single seed)
       --out DIR             where failing scripts go (proptests/regressions)
       --keep-going          do not stop at the first failure";

struct Options {
    seeds: Option<Range<u64>>,
    time: Option<Duration>,
    replay: Option<PathBuf>,
    is_traced: bool,
    out: PathBuf,
    keeps_going: bool,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // A panic is a finding, which the report tells of.
    std::panic::set_hook(Box::new(|_| ()));
    let result = match &options.replay {
        Some(file) => replay(file, &options),
        None => search(&options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        seeds: None,
        time: None,
        replay: None,
        is_traced: false,
        out: PathBuf::from("proptests/regressions"),
        keeps_going: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--seeds" => {
                let text = value()?;
                let range = text
                    .split_once("..")
                    .and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
                options.seeds = Some(range.ok_or(format!("{text} is no range like 0..1000"))?);
            }
            "--minutes" => {
                let text = value()?;
                let minutes: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
                let time = Duration::try_from_secs_f64(minutes * 60.0);
                options.time = Some(time.map_err(|_| format!("{text} is no time"))?);
            }
            "--replay" => options.replay = Some(value()?.into()),
            "--out" => options.out = value()?.into(),
            "--trace" => options.is_traced = true,
            "--keep-going" => options.keeps_going = true,
            _ => return Err(format!("what is {word}?")),
        }
    }
    if options.seeds.is_none() && options.time.is_none() && options.replay.is_none() {
        return Err("nothing to do".into());
    }
    Ok(options)
}

fn replay(file: &PathBuf, options: &Options) -> Result<bool, Box<dyn Error>> {
    let script: Script = std::fs::read_to_string(file)?.parse()?;
    show(&script, None, options.is_traced)
}

/// Runs one script and says what came of it.
fn show(script: &Script, seed: Option<u64>, is_traced: bool) -> Result<bool, Box<dyn Error>> {
    let outcome = run_traced(script, is_traced);
    let mut out = std::io::stdout().lock();
    for line in &outcome.trace {
        writeln!(out, "{line}")?;
    }
    match &outcome.failure {
        Some(failure) => {
            write!(out, "{}", Report { seed, script, failure, file: None })?;
            Ok(false)
        }
        None => {
            writeln!(out, "all holds: {} inputs, {:016x}", outcome.inputs, outcome.hash.get())?;
            Ok(true)
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "it measures itself; no machine sees this clock")]
fn search(options: &Options) -> Result<bool, Box<dyn Error>> {
    let begin = Instant::now();
    let first = begin_seed();
    let seeds = options.seeds.clone().unwrap_or(first..u64::MAX);
    if seeds.end - seeds.start == 1 && options.is_traced {
        return show(&Script::from_seed(seeds.start), Some(seeds.start), true);
    }
    let (mut reach, mut runs, mut inputs, mut found) = (Counts::default(), 0u64, 0u64, 0u64);
    let mut shown = begin;
    for seed in seeds {
        if options.time.is_some_and(|time| begin.elapsed() >= time) {
            break;
        }
        let script = Script::from_seed(seed);
        let outcome = run_twice(&script);
        runs += 1;
        inputs += 2 * outcome.inputs;
        reach.add(&outcome.reach);
        if let Some(failure) = &outcome.failure {
            found += 1;
            eprintln!("\rseed {seed}: {} is broken, shrinking …", failure.oracle);
            let (script, failure) = shrink(&script, failure);
            let file = options.out.join(format!("seed-{seed}.txt"));
            let name = file.display().to_string();
            let report =
                Report { seed: Some(seed), script: &script, failure: &failure, file: Some(&name) };
            std::fs::create_dir_all(&options.out)?;
            std::fs::write(&file, report.to_string())?;
            println!("{report}");
            if !options.keeps_going {
                break;
            }
        }
        if shown.elapsed() > Duration::from_millis(500) && std::io::stderr().is_terminal() {
            shown = Instant::now();
            let seconds = begin.elapsed().as_secs_f64();
            let rate = inputs as f64 / seconds;
            eprint!(
                "\r{seconds:7.0} s  {runs} runs  {inputs} inputs  {rate:.0} a second  {found} found "
            );
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{runs} runs, {inputs} inputs in {seconds:.1} s, {:.0} a second, {found} found",
        inputs as f64 / seconds
    );
    print!("{reach}");
    Ok(found == 0)
}

/// Another beginning each time, so that a soak does not walk where the last one did.
#[allow(clippy::disallowed_methods, reason = "only picks where a search begins, and is printed")]
fn begin_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs()) * 1_000_000
}
