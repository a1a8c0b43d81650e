//! All lines of the report that compare with a stock peer, with what each must reach.

use crate::request::Request;
use crate::shapes::{moved, points, rich_text, shape, unlike};

/// What a line measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time per unit; the ratio is stock's to ours, so more is better.
    Time,
    /// Live bytes per unit; the ratio is ours to stock's, so less is better.
    Bytes,
}

/// A line of the report.
#[derive(Clone, Debug)]
pub struct Line {
    /// The workload's number.
    pub work: &'static str,
    /// What is done.
    pub name: String,
    /// Of what there are `units` in the request.
    pub unit: &'static str,
    pub units: usize,
    pub measure: Measure,
    /// The ratio to reach.
    pub target: Option<f64>,
    /// How many pairs, at most.
    pub pairs: usize,
    pub request: Request,
}

/// Shapes enough for every request.
pub const MOST_SHAPES: usize = 50_000;

/// The pen stroke whose tenths are plotted.
pub const PLOTTED_STROKE: usize = 10;

pub fn lines() -> Vec<Line> {
    [drags(), everyone(), strokes(), hydrations(), client(), diffs(), memory()].concat()
}

fn drags() -> Vec<Line> {
    let line = |sessions, burst, target| Line {
        work: "W1",
        name: match burst {
            1 => format!("drag, {sessions} sessions"),
            _ => format!("drag, {sessions} sessions, flush every {burst}"),
        },
        unit: "push",
        units: 500,
        measure: Measure::Time,
        target,
        pairs: 9,
        request: Request::Drag { shapes: 2000, sessions, pushes: 500, burst },
    };
    let targets = [(1, None), (10, None), (50, Some(60.0)), (200, Some(120.0))];
    let lines =
        targets.map(|(sessions, target)| [line(sessions, 1, target), line(sessions, 5, None)]);
    lines.concat()
}

fn everyone() -> Vec<Line> {
    vec![Line {
        work: "W2",
        name: "50 sessions push patches and cursors in turn".into(),
        unit: "push",
        units: 500,
        measure: Measure::Time,
        target: Some(40.0),
        pairs: 9,
        request: Request::Everyone { shapes: 2000, sessions: 50, rounds: 10 },
    }]
}

fn strokes() -> Vec<Line> {
    let line = |sessions, target| Line {
        work: "W3",
        name: format!("pen stroke to 200 kB, {sessions} sessions"),
        unit: "push",
        units: 200_000_usize.div_ceil(60),
        measure: Measure::Time,
        target,
        pairs: 3,
        request: Request::Stroke { shapes: 100, sessions, length: 200_000 },
    };
    vec![line(2, Some(300.0)), line(PLOTTED_STROKE, None), line(50, Some(2000.0))]
}

fn hydrations() -> Vec<Line> {
    let mut lines = Vec::new();
    for shapes in [1000, 10_000, 50_000] {
        let clients = (40_000 / shapes).clamp(2, 20);
        let line = |how: &str, cold, up_to_date, target: Option<f64>| Line {
            work: "W4",
            name: format!("connect answer, {shapes} shapes, {how}"),
            unit: "answer",
            units: clients,
            measure: Measure::Time,
            target: target.filter(|_| shapes == 10_000),
            pairs: 5,
            request: Request::Hydrate { shapes, clients, cold, up_to_date },
        };
        lines.push(line("cold", true, false, Some(8.0)));
        lines.push(line("cached", false, false, Some(50.0)));
        lines.push(line("up to date", false, true, None));
    }
    let storm = |name: &str, measure, target| Line {
        work: "W4",
        name: name.into(),
        unit: "client",
        units: 200,
        measure,
        target,
        pairs: 2,
        request: Request::Storm { shapes: 10_000, clients: 200 },
    };
    lines.push(storm("200 clients into 10,000 shapes", Measure::Time, Some(200.0)));
    lines.push(storm("bytes held by these answers until they are sent", Measure::Bytes, None));
    lines
}

fn client() -> Vec<Line> {
    let line = |name: &str, unit, units, target, request| Line {
        work: "W5",
        name: name.into(),
        unit,
        units,
        measure: Measure::Time,
        target,
        pairs: 5,
        request,
    };
    let (shapes, patches) = (10_000, 1000);
    let hydration = |name, target, binary| {
        line(name, "hydration", 1, target, Request::Hydration { shapes, binary })
    };
    vec![
        line(
            "rebase over 100 unconfirmed changes",
            "patch",
            patches,
            Some(100.0),
            Request::Rebase { shapes, unconfirmed: 100, patches },
        ),
        hydration("hydration of 10,000 shapes", Some(10.0), false),
        hydration("hydration of 10,000 shapes, ours in binary", None, true),
    ]
}

fn diffs() -> Vec<Line> {
    let geo = shape(7);
    let works = [
        ("a geo's x and y", geo.clone(), moved(&geo), 20_000),
        ("1,000 items, one changed", points(500), points(-1), 300),
        ("10 kB of rich text, one word", rich_text("same"), rich_text("other"), 300),
        ("nothing shared", unlike("a"), unlike("b"), 2000),
    ];
    let line = |name: String, iterations, request| Line {
        work: "W6",
        name,
        unit: "call",
        units: iterations,
        measure: Measure::Time,
        target: Some(10.0),
        pairs: 9,
        request,
    };
    let mut lines = Vec::new();
    for (name, before, after, iterations) in works {
        let request = Request::Diff { before: before.clone(), after: after.clone(), iterations };
        lines.push(line(format!("diff: {name}"), iterations, request));
        for (shared, how) in [(false, ""), (true, ", to a shared record")] {
            let (before, after) = (before.clone(), after.clone());
            let request = Request::Apply { before, after, iterations, shared };
            lines.push(line(format!("apply: {name}{how}"), iterations, request));
        }
    }
    lines
}

fn memory() -> Vec<Line> {
    let line = |name: &str, unit, units, target, request| Line {
        work: "W7",
        name: name.into(),
        unit,
        units,
        measure: Measure::Bytes,
        target: Some(target),
        pairs: 1,
        request,
    };
    vec![
        line("room of 50,000 shapes", "record", 50_000, 0.55, Request::Records { shapes: 50_000 }),
        line(
            "idle sessions",
            "session",
            1000,
            0.4,
            Request::Sessions { shapes: 10, sessions: 1000 },
        ),
    ]
}
