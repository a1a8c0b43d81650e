//! A run of a script, its outcome, and what a person is told of a failure.

use crate::hash::Hash;
use crate::invariant::{Failure, PANIC, REPLAY, Verdict, fail};
use crate::reach::Counts;
use crate::script::{Script, Step};
use crate::trace::{Entry, Lane, Mark};
use crate::world::World;
use core::any::Any;
use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The invariant that was broken, if one was.
    pub failure: Option<Failure>,
    /// What was met.
    pub reach: Counts,
    /// How many inputs the machines had.
    pub inputs: u64,
    /// A fingerprint of all actions.
    pub hash: Hash,
    /// What happened, if that was asked for.
    pub trace: Vec<Entry>,
}

/// Runs a script, and then lets all come to rest.
#[must_use]
pub fn run(script: &Script) -> Outcome {
    run_traced(script, false)
}

/// Runs a script, and notes what happens if `is_traced`.
#[must_use]
pub fn run_traced(script: &Script, is_traced: bool) -> Outcome {
    let mut world = match World::new(&script.setup, is_traced) {
        Ok(world) => world,
        Err(failure) => return Outcome::of(None, Err(failure)),
    };
    let steps = script.steps.iter().chain(core::iter::once(&Step::Rest {}));
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        for step in steps {
            world.mark(Lane::World, || (Mark::Step, format!("== {step}")));
            world.apply(step)?;
        }
        Ok(())
    }));
    let verdict = verdict.unwrap_or_else(|panic| fail(PANIC, panic_text(&*panic)));
    Outcome::of(Some(world), verdict)
}

/// What somebody who panicked had to say.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into())).unwrap_or_default()
}

impl Outcome {
    /// What came of a world, if there was one.
    pub(crate) fn of(world: Option<World>, verdict: Verdict) -> Self {
        let failure = verdict.err();
        let Some(mut world) = world else {
            return Self {
                failure,
                reach: Counts::default(),
                inputs: 0,
                hash: Hash::default(),
                trace: Vec::new(),
            };
        };
        if let Some(failure) = &failure {
            let text = || format!("{} is broken: {}", failure.oracle, failure.detail);
            world.mark(Lane::World, || (Mark::Broken, text()));
        }
        Self {
            failure,
            reach: world.oracle.reach.clone(),
            inputs: world.inputs,
            hash: world.hash,
            trace: world.trace.take().unwrap_or_default().into_entries(),
        }
    }
}

/// Runs a script twice: the actions must be the same.
#[must_use]
pub fn run_twice(script: &Script) -> Outcome {
    let mut first = run(script);
    let second = run(script);
    if first.failure.is_none() && first.hash != second.hash {
        let detail = format!("{:x} and then {:x}", first.hash.get(), second.hash.get());
        first.failure = fail(REPLAY, detail).err();
    }
    first
}

/// The smallest script found that breaks the same invariant, and how it does.
#[must_use]
pub fn shrink(script: &Script, failure: &Failure) -> (Script, Failure) {
    let mut best = (script.clone(), failure.clone());
    let fails =
        |candidate: &Script| run(candidate).failure.filter(|found| found.oracle == failure.oracle);
    loop {
        let before = best.0.clone();
        // Long pieces first: most steps have no part in it.
        let mut piece = best.0.steps.len().div_ceil(2);
        while piece > 0 {
            let mut at = 0;
            while at < best.0.steps.len() {
                let mut shorter = best.0.clone();
                shorter.steps.drain(at..(at + piece).min(best.0.steps.len()));
                match fails(&shorter) {
                    Some(found) => best = (shorter, found),
                    None => at += piece,
                }
            }
            piece /= 2;
        }
        let plain = best.0.clone();
        for candidate in plain.simpler() {
            if let Some(found) = fails(&candidate) {
                best = (candidate, found);
                break;
            }
        }
        if best.0 == before {
            return best;
        }
    }
}

/// What a person is told of a failure.
#[derive(Debug)]
pub struct Report<'a> {
    /// The seed that found it, if one did.
    pub seed: Option<u64>,
    /// The script, shrunk.
    pub script: &'a Script,
    /// What it breaks.
    pub failure: &'a Failure,
    /// Where the script was written.
    pub file: Option<&'a str>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {} is broken", self.failure.oracle)?;
        for line in self.failure.detail.lines() {
            writeln!(f, "# {line}")?;
        }
        if let Some(seed) = self.seed {
            writeln!(f, "# found by seed {seed}")?;
        }
        let file = self.file.unwrap_or("FILE");
        writeln!(f, "# cargo run --release -p roomsync-proptests --bin sim -- --replay {file}")?;
        write!(f, "{}", self.script)
    }
}
