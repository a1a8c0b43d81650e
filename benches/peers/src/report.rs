//! The report: docs/performance.md and its plots.

use crate::crdt::Outcome;
use crate::plan::{Line, Measure};
use crate::plot;
use crate::request::Request;
use crate::stats::{Pairs, Spread};
use crate::wire::Sizes;
use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::path::Path;

/// All that was measured.
#[derive(Default)]
pub struct Measured {
    pub lines: Vec<(Line, Pairs)>,
    /// The plotted pen stroke: microseconds a push of each tenth, ours and theirs.
    pub deciles: (Vec<f64>, Vec<f64>),
    /// The most bytes over those of the room while clients storm it.
    pub storm_bytes: f64,
    pub sizes: Vec<Sizes>,
    pub sockets: Option<Pairs>,
    pub crdts: Vec<(&'static str, Outcome)>,
    /// What the run was made with and on, a line each.
    pub settings: Vec<String>,
}

pub fn write(measured: &Measured, docs: &Path) -> Result<()> {
    let plots = docs.join("performance");
    std::fs::create_dir_all(&plots)?;
    let mut text = String::from(HEAD);
    for setting in &measured.settings {
        writeln!(text, "- {setting}")?;
    }
    if !measured.lines.is_empty() {
        stock(&mut text, measured, &plots)?;
        alone(&mut text, measured)?;
    }
    if !measured.sizes.is_empty() {
        sizes(&mut text, &measured.sizes)?;
    }
    if let Some(pairs) = &measured.sockets {
        sockets(&mut text, pairs)?;
    }
    if !measured.crdts.is_empty() {
        crdts(&mut text, &measured.crdts)?;
    }
    text.push_str(include_str!("../limits.md"));
    let file = docs.join("performance.md");
    std::fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
}

const HEAD: &str = "# Performance, beside the peers

Written by `benches/peers/` (docs/testing.md says how); do not edit by hand. Compare ratios, not times: both of a pair ran one right after the
other on the same machine, and a ratio is the middle of all pairs, with the least and the most in brackets.

## Settings

";

fn stock(text: &mut String, measured: &Measured, plots: &Path) -> Result<()> {
    text.push_str(
        "\n## Beside the stock room and client

In one process each, JSON text in and JSON text out, no sockets, no disk, record types without validators. What clients push is text before the
clock starts. `@tldraw/sync-core` is warm: its process does every request of the run, and what is reported follows a pair that is thrown away.

![How many times as fast](performance/ratios.svg)

| | work | roomsync | stock | ratio | target |
| --- | --- | ---: | ---: | ---: | ---: |
",
    );
    let mut bars = Vec::new();
    for (line, pairs) in &measured.lines {
        let units = line.units as f64;
        let (show, ratio): (fn(f64) -> String, Spread) = match line.measure {
            Measure::Time => (time, pairs.theirs_to_ours()),
            Measure::Bytes => (bytes, pairs.ours_to_theirs()),
        };
        let target = line.target.map_or_else(String::new, |target| match line.measure {
            Measure::Time => format!("{target}×{}", mark(ratio.median >= target)),
            Measure::Bytes => format!("≤ {target}{}", mark(ratio.median <= target)),
        });
        writeln!(
            text,
            "| {} | {}, per {} | {} | {} | {} | {target} |",
            line.work,
            line.name,
            line.unit,
            show(pairs.ours().median / units),
            show(pairs.theirs().median / units),
            spread(ratio, line.measure),
        )?;
        if line.measure == Measure::Time {
            bars.push((format!("{} {}", line.work, line.name), ratio.median, line.target));
        }
    }
    plot::ratios(
        &plots.join("ratios.svg"),
        "Stock's time by ours (the tick is the target)",
        &bars,
    )?;
    let (ours, theirs) = &measured.deciles;
    if !ours.is_empty() {
        text.push_str("\n![A pen stroke, tenth by tenth](performance/stroke.svg)\n");
        let title = "A pen stroke to 200 kB, 10 sessions";
        plot::deciles(&plots.join("stroke.svg"), title, ours, theirs)?;
    }
    Ok(())
}

/// What roomsync must reach whatever the peers do.
fn alone(text: &mut String, measured: &Measured) -> Result<()> {
    let mut rows = Vec::new();
    let drag = |wanted: usize| {
        let is_it = |line: &Line| matches!(line.request, Request::Drag { sessions, burst: 1, .. } if sessions == wanted);
        let (line, pairs) = measured.lines.iter().find(|(line, _)| is_it(line))?;
        Some(pairs.ours().median / line.units as f64)
    };
    if let (Some(few), Some(many)) = (drag(50), drag(200)) {
        let each = (many - few) / 150.0;
        let name = "W1 | a push, per further session that only listens";
        rows.push((name, time(each), "< 40 ns", each < 40.0));
    }
    let (tenths, _) = &measured.deciles;
    if let (Some(first), Some(last)) = (tenths.get(..5), tenths.get(5..)) {
        let growth = last.iter().sum::<f64>() / first.iter().sum::<f64>();
        let name = "W3 | the second half of the pen stroke of 10 sessions, by the first";
        rows.push((name, format!("{growth:.2}"), "≤ 1.25", growth <= 1.25));
    }
    if measured.storm_bytes > 0.0 {
        let name = "W4 | the most memory over the room's while 200 clients come into 10,000 shapes";
        let most = measured.storm_bytes;
        rows.push((name, bytes(most), "< 40 MB", most < 40e6));
    }
    if rows.is_empty() {
        return Ok(());
    }
    text.push_str(
        "\n## Whatever the peers do\n\n| | | roomsync | target |\n| --- | --- | ---: | ---: |\n",
    );
    for (name, value, target, is_reached) in rows {
        writeln!(text, "| {name} | {value} | {target}{} |", mark(is_reached))?;
    }
    Ok(())
}

fn sizes(text: &mut String, sizes: &[Sizes]) -> Result<()> {
    text.push_str(
        "\n## Bytes on the wire (W8)

| message | JSON | gzipped | postcard | gzipped | postcard by JSON | target |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
",
    );
    for Sizes { message, json, json_gzip, postcard, postcard_gzip, target } in sizes {
        let ratio = *postcard as f64 / *json as f64;
        let target = target
            .map_or_else(String::new, |target| format!("≤ {target}{}", mark(ratio <= target)));
        writeln!(
            text,
            "| {message} | {json} | {json_gzip} | {postcard} | {postcard_gzip} | {ratio:.2} | {target} |"
        )?;
    }
    Ok(())
}

fn sockets(text: &mut String, pairs: &Pairs) -> Result<()> {
    let ratio = pairs.ours_to_theirs();
    writeln!(
        text,
        "\n## Through real sockets (W9)

50 sessions over WebSockets on the loopback, one drags at 60 Hz. CPU time of the server process, in its own code and in the system's for it, per
delivered message. roomsync-server makes every push durable in SQLite before it tells anyone; the stock room is in memory.

| | roomsync-server | stock behind `ws` | ours by theirs | target |
| --- | ---: | ---: | ---: | ---: |
| CPU per message | {:.2} µs | {:.2} µs | {} | ≤ 0.1{} |",
        pairs.ours().median,
        pairs.theirs().median,
        spread(ratio, Measure::Bytes),
        mark(ratio.median <= 0.1),
    )?;
    Ok(())
}

fn crdts(text: &mut String, crdts: &[(&'static str, Outcome)]) -> Result<()> {
    text.push_str(
        "\n## Beside libraries of conflict-free replicated data types

Records of nested maps; writers edit one property at a time, in turn; each edit is encoded, merged by a server, and merged by every other
replica before the next. A newcomer then loads everything. roomsync sends JSON, or its binary codec, as the others do. Those also do what
roomsync does not: they merge without a server, and keep history.

| | all edits | bytes sent | full load | gzipped | making and loading it | a replica in memory |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
",
    );
    for (name, outcome) in crdts {
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            time(outcome.merge_ns),
            bytes(outcome.sent_bytes),
            bytes(outcome.load_bytes),
            bytes(outcome.load_gzip_bytes),
            time(outcome.load_ns),
            bytes(outcome.replica_bytes),
        )?;
    }
    Ok(())
}

fn mark(reached: bool) -> &'static str {
    if reached { " ✓" } else { " ✗" }
}

fn spread(spread: Spread, measure: Measure) -> String {
    let Spread { median, least, most } = spread;
    match measure {
        Measure::Time if median >= 10.0 => format!("{median:.0}× ({least:.0}–{most:.0})"),
        Measure::Time => format!("{median:.1}× ({least:.1}–{most:.1})"),
        Measure::Bytes => format!("{median:.3} ({least:.3}–{most:.3})"),
    }
}

fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.1} s", ns / 1e9),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e4 => format!("{bytes:.0} B"),
        bytes if bytes < 1e6 => format!("{:.1} kB", bytes / 1e3),
        bytes => format!("{:.1} MB", bytes / 1e6),
    }
}
