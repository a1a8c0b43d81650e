//! Measures roomsync beside its peers in one run, and writes docs/performance.md with its plots.

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use roomsync_peers::crdt::{self, Size};
use roomsync_peers::ours::{self, Heap};
use roomsync_peers::plan::{self, Line, Measure};
use roomsync_peers::report::{self, Measured};
use roomsync_peers::request::Request;
use roomsync_peers::sockets::{self, Load};
use roomsync_peers::stats::{Pairs, Spread};
use roomsync_peers::stock::{self, Worker};
use roomsync_peers::{memory, wire};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Measure roomsync beside its peers, and write the report.
#[derive(Parser)]
struct Options {
    /// Only what has this in its number or name, like W3 or `drag`; `crdt` for the other libraries
    #[arg(long)]
    only: Option<String>,
    /// At most so many pairs of each
    #[arg(long, default_value_t = 9)]
    pairs: usize,
    /// A part of the edits of the other libraries, which take long
    #[arg(long, default_value_t = 1.0)]
    crdt_scale: f64,
    /// The server to run for W9
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/roomsync-server"))]
    server: PathBuf,
    /// The directory of the report
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"))]
    docs: PathBuf,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.to_lowercase().contains(&only.to_lowercase()))
    }
}

/// So many more strokes of ours are looked at by their tenths.
const MORE_STROKES: usize = 20;

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(options.pairs > 0, "--pairs must be at least 1");
    stock::install()?;
    let shapes = stock::write_shapes(plan::MOST_SHAPES)?;
    let result = measure(&options, &shapes);
    std::fs::remove_file(&shapes)?;
    let measured = result?;
    report::write(&measured, &options.docs)?;
    println!("{} is written", options.docs.join("performance.md").display());
    Ok(())
}

fn measure(options: &Options, shapes: &Path) -> Result<Measured> {
    let mut measured = Measured { settings: settings(options)?, ..Measured::default() };
    beside_stock(options, shapes, &mut measured)?;
    if options.wants("W8 bytes") {
        measured.sizes = wire::sizes()?;
    }
    if options.wants("W9 sockets") {
        measured.sockets = Some(through_sockets(options)?);
    }
    if options.wants("crdt") {
        beside_crdts(options, &mut measured)?;
    }
    Ok(measured)
}

fn beside_stock(options: &Options, shapes: &Path, measured: &mut Measured) -> Result<()> {
    let lines = plan::lines().into_iter();
    let lines: Vec<Line> =
        lines.filter(|line| options.wants(&format!("{} {}", line.work, line.name))).collect();
    let pairs = |line: &Line| line.pairs.min(options.pairs);
    let progress = bar(lines.iter().map(|line| pairs(line) as u64 + 1).sum());
    let mut worker = Worker::start(shapes)?;
    for line in lines {
        progress.set_message(format!("{} {}", line.work, line.name));
        let mut measurements = Pairs::default();
        let mut strokes = (Vec::new(), Vec::new());
        for number in 0..=pairs(&line) {
            let ours = match line.measure {
                Measure::Time => ours::run(&line.request, Heap::UNCOUNTED),
                Measure::Bytes => memory::ours(&line.request)?,
            };
            let theirs = worker.run(&line.request)?;
            ensure!(
                ours.sent == theirs.sent,
                "{}: {} messages, {} of stock",
                line.name,
                ours.sent,
                theirs.sent
            );
            progress.inc(1);
            // The first pair warms both up.
            if number > 0 {
                match line.measure {
                    Measure::Time => measurements.push(ours.ns, theirs.ns),
                    Measure::Bytes => measurements.push(ours.bytes, theirs.bytes),
                }
            }
            measured.storm_bytes = measured.storm_bytes.max(ours.most_bytes);
            if matches!(line.request, Request::Stroke { sessions: plan::PLOTTED_STROKE, .. }) {
                strokes.0.push(ours.deciles);
                strokes.1.push(theirs.deciles);
            }
        }
        if !strokes.0.is_empty() {
            // One of ours takes so little time that whatever else runs then shows in it.
            let more = (0..MORE_STROKES).map(|_| ours::run(&line.request, Heap::UNCOUNTED).deciles);
            strokes.0.extend(more);
            let pushes = line.units as f64 / 10.0;
            measured.deciles = (tenths(&strokes.0, pushes), tenths(&strokes.1, pushes));
        }
        measured.lines.push((line, measurements));
    }
    progress.finish_and_clear();
    Ok(())
}

/// Microseconds a push of each tenth, as the middle stroke has it.
fn tenths(strokes: &[Vec<f64>], pushes: f64) -> Vec<f64> {
    let tenth = |at: usize| Spread::of(strokes.iter().filter_map(|all| all.get(at).copied()));
    (0..10).map(|at| tenth(at).median / 1e3 / pushes).collect()
}

fn through_sockets(options: &Options) -> Result<Pairs> {
    let load = Load { sessions: 50, pushes: 600 };
    let pairs = options.pairs.min(3);
    let progress = bar(2 * pairs as u64);
    progress.set_message("W9 through sockets");
    let mut measurements = Pairs::default();
    for _ in 0..pairs {
        let ours = sockets::ours(&options.server, load)?;
        progress.inc(1);
        let theirs = sockets::theirs(load)?;
        progress.inc(1);
        measurements.push(ours, theirs);
    }
    progress.finish_and_clear();
    Ok(measurements)
}

fn beside_crdts(options: &Options, measured: &mut Measured) -> Result<()> {
    let scaled = |count: f64| (count * options.crdt_scale).max(1.0) as usize;
    let size = Size { records: 10_000, edits: scaled(100_000.0), writers: 4, receivers: 50 };
    measured.settings.push(format!("other libraries: {size:?}"));
    let progress = bar(100 * crdt::NAMES.len() as u64);
    for name in crdt::NAMES {
        progress.set_message(format!("beside the libraries: {name}"));
        let mut outcome = crdt::run(name, size, || 0, || progress.inc(1));
        outcome.replica_bytes = memory::replica(name, size.records)?.replica_bytes;
        measured.crdts.push((name, outcome));
    }
    progress.finish_and_clear();
    Ok(())
}

fn bar(length: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} (about {eta} left)  {msg}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn settings(options: &Options) -> Result<Vec<String>> {
    let first_line = |program: &str, argument: &str| -> Result<String> {
        let output = Command::new(program)
            .arg(argument)
            .output()
            .with_context(|| format!("no {program}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
    };
    let cpus = std::thread::available_parallelism()?;
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    Ok(vec![
        format!("machine: {}, {cpus} CPUs", model.trim_start_matches([' ', '\t', ':'])),
        format!("{}, release profile with link-time optimization; Node.js {}, `NODE_ENV=production`", first_line("rustc", "--version")?, first_line("node", "--version")?),
        "`@tldraw/sync-core` 5.4.2, `ws` 8.18; versions of the other libraries in `benches/peers/Cargo.lock`".into(),
        format!("at most {} pairs of each", options.pairs),
    ])
}
