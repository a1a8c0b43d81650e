//! Searches for scripts that break an invariant, or replays one.

use roomsync_proptests::invariant::Failure;
use roomsync_proptests::picture::page;
use roomsync_proptests::progress::Progress;
use roomsync_proptests::reach::Counts;
use roomsync_proptests::report::{Report, run_traced, run_twice, shrink};
use roomsync_proptests::script::Script;
use std::error::Error;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: sim --seed N          run one seed
       sim --replay FILE     run the script in the file
       sim --seeds A..B      search these seeds
       sim --minutes M       search new seeds for so long
of one run:
       --trace               print what happens
       --html FILE           write a page that shows it
of a search:
       --inputs N            stop after so many inputs
       --out DIR             where failing scripts go (proptests/regressions)
       --keep-going          do not stop at the first failure
       --unshrunk            leave failing scripts as they are";

struct Options {
    seeds: Option<Range<u64>>,
    time: Option<Duration>,
    inputs: Option<u64>,
    seed: Option<u64>,
    replay: Option<PathBuf>,
    html: Option<PathBuf>,
    is_traced: bool,
    out: PathBuf,
    keeps_going: bool,
    shrinks: bool,
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
    let result = match (&options.replay, options.seed) {
        (Some(file), _) => replay(file, &options),
        (None, Some(seed)) => {
            show(&format!("seed {seed}"), &Script::from_seed(seed), Some(seed), &options)
        }
        (None, None) => search(&options),
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
        inputs: None,
        seed: None,
        replay: None,
        html: None,
        is_traced: false,
        out: PathBuf::from("proptests/regressions"),
        keeps_going: false,
        shrinks: true,
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
            "--inputs" => {
                let text = value()?;
                let most = text.parse().map_err(|_| format!("{text} is no number"))?;
                options.inputs = Some(most);
            }
            "--seed" => {
                let text = value()?;
                let seed = text.parse().map_err(|_| format!("{text} is no seed"))?;
                options.seed = Some(seed);
            }
            "--replay" => options.replay = Some(value()?.into()),
            "--html" => options.html = Some(value()?.into()),
            "--out" => options.out = value()?.into(),
            "--trace" => options.is_traced = true,
            "--keep-going" => options.keeps_going = true,
            "--unshrunk" => options.shrinks = false,
            _ => return Err(format!("what is {word}?")),
        }
    }
    let is_one = options.replay.is_some() || options.seed.is_some();
    if !is_one && options.seeds.is_none() && options.time.is_none() {
        return Err("nothing to do".into());
    }
    if !is_one && (options.is_traced || options.html.is_some()) {
        return Err("--trace and --html are of one run".into());
    }
    Ok(options)
}

fn replay(file: &PathBuf, options: &Options) -> Result<bool, Box<dyn Error>> {
    let script: Script = std::fs::read_to_string(file)?.parse()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    show(&name, &script, None, options)
}

/// Runs one script and says what came of it.
fn show(
    title: &str,
    script: &Script,
    seed: Option<u64>,
    options: &Options,
) -> Result<bool, Box<dyn Error>> {
    let outcome = run_traced(script, options.is_traced || options.html.is_some());
    let mut out = std::io::stdout().lock();
    for entry in outcome.trace.iter().filter(|_| options.is_traced) {
        writeln!(out, "{entry}")?;
    }
    if let Some(file) = &options.html {
        std::fs::write(file, page(title, &script.to_string(), &outcome))?;
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

/// How far a search has come.
#[derive(Default)]
struct Search {
    reach: Counts,
    runs: u64,
    inputs: u64,
    found: u64,
}

impl Search {
    fn line(&self, elapsed: Duration) -> String {
        let Self { runs, inputs, found, .. } = self;
        let rate = *inputs as f64 / elapsed.as_secs_f64().max(0.001);
        let minute = rate * 60.0 / 1e6;
        format!(
            "{runs} runs, {inputs} inputs, {rate:.0} a second, {minute:.2} M a minute, {found} found"
        )
    }
}

fn search(options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut progress = Progress::new();
    let seeds = options.seeds.clone().unwrap_or(begin_seed()..u64::MAX);
    let mut state = Search::default();
    for seed in seeds.clone() {
        let elapsed = progress.elapsed();
        let of_seeds = (seed - seeds.start) as f64 / (seeds.end - seeds.start) as f64;
        let of_time = options.time.map_or(0.0, |time| elapsed.as_secs_f64() / time.as_secs_f64());
        let of_inputs = options.inputs.map_or(0.0, |most| state.inputs as f64 / most as f64);
        let done = of_seeds.max(of_time).max(of_inputs);
        if done >= 1.0 {
            break;
        }
        progress.show(done, || state.line(elapsed));
        let script = Script::from_seed(seed);
        let outcome = run_twice(&script);
        state.runs += 1;
        state.inputs += 2 * outcome.inputs;
        state.reach.add(&outcome.reach);
        if let Some(failure) = &outcome.failure {
            state.found += 1;
            progress.clear();
            write_regression(seed, &script, failure, &state, options)?;
            if !options.keeps_going {
                break;
            }
        }
    }
    progress.clear();
    println!("{}, in {:.1} s", state.line(progress.elapsed()), progress.elapsed().as_secs_f64());
    print!("{}", state.reach);
    let missing = state.reach.missing();
    let is_complete = state.runs < NIGHT || missing.is_empty();
    if !is_complete {
        println!("never met in {} runs: {}", state.runs, missing.join(", "));
    }
    Ok(state.found == 0 && is_complete)
}

/// A search of so many runs that meets not everything is itself at fault.
const NIGHT: u64 = 1_000;

/// Makes a failing script smaller and keeps it.
fn write_regression(
    seed: u64,
    script: &Script,
    failure: &Failure,
    state: &Search,
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    eprintln!("seed {seed}: {} is broken after {} inputs", failure.oracle, state.inputs);
    let (script, failure) = match options.shrinks {
        true => shrink(script, failure),
        false => (script.clone(), failure.clone()),
    };
    let file = options.out.join(format!("seed-{seed}.txt"));
    let name = file.display().to_string();
    let report = Report { seed: Some(seed), script: &script, failure: &failure, file: Some(&name) };
    std::fs::create_dir_all(&options.out)?;
    std::fs::write(&file, report.to_string())?;
    println!("{report}");
    Ok(())
}

/// Another beginning each time, so that a soak does not walk where the last one did.
#[allow(clippy::disallowed_methods, reason = "only picks where a search begins, and is printed")]
fn begin_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs()) * 1_000_000
}
