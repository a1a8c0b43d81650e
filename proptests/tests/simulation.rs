//! Many short lives of a room and its clients, each another one.

use roomsync_proptests::invariant::INVARIANTS;
use roomsync_proptests::reach::Counts;
use roomsync_proptests::report::{Report, run, shrink};
use roomsync_proptests::script::Script;
use std::ops::Range;

/// Runs the scripts of seeds and panics with a report of the first that breaks an invariant.
fn search(seeds: Range<u64>) -> Counts {
    let mut reach = Counts::default();
    for seed in seeds {
        let script = Script::from_seed(seed);
        let outcome = run(&script);
        if let Some(failure) = &outcome.failure {
            let (script, failure) = shrink(&script, failure);
            let seed = Some(seed);
            panic!("\n{}", Report { seed, script: &script, failure: &failure, file: None });
        }
        reach.add(&outcome.reach);
    }
    reach
}

/// The seed to begin with: another one searches elsewhere.
fn first_seed() -> u64 {
    std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

#[test]
fn every_invariant_holds_and_everything_that_can_happen_does() {
    let first = first_seed();
    let reach = search(first..first + SEEDS);
    let missing = reach.missing();
    assert!(missing.is_empty(), "never met: {missing:#?}\n{reach}");
}

/// As many as meet everything, and then some.
const SEEDS: u64 = 400;

#[test]
fn a_long_text_goes_in_pieces_and_may_be_cut_among_them() {
    let whole = "world clients=2 delay=20 window=6\npaste client=0 record=0";
    let again = "run amount=9\npaste client=0 record=1\nnext events=2";
    for steps in ["", again, &format!("rest\n{again}\ncut client=0 how=16 late=0")] {
        let script: Script = format!("{whole}\n{steps}").parse().unwrap();
        assert_eq!(run(&script).failure, None, "{script}");
    }
}

#[test]
fn a_long_text_is_cut_inside_of_its_pieces() {
    let mut reach = Counts::default();
    for (at, kept) in [(1, 0), (255, 0), (0, 16), (200, 16)] {
        let script = format!(
            "world clients=2 delay=20 window=6 segment=60000\nedit client=1 record=0 how=0\n\
             run amount=1605\npaste client=0 record=1\nnext events=1\n\
             cut client=0 how={kept} late=9 at={at}\nsleep how=0\nrest"
        );
        let outcome = run(&script.parse().unwrap());
        assert_eq!(outcome.failure, None, "{script}");
        reach.add(&outcome.reach);
    }
    let missing = reach.missing();
    for met in ["cut inside a frame", "cut inside a chunked message", "frame that arrives in parts"]
    {
        assert!(!missing.contains(&met), "{reach}");
    }
}

#[test]
fn a_room_sleeps_whenever_all_can_be_kept() {
    let mut reach = Counts::default();
    for how in 0..60 {
        let script = format!(
            "world clients=3 delay=20 window={} upgrades={} hooks={} pieces={}\n\
             edit client=0 record=0 how=0\nrun amount=1605\npresence client=1 how={how}\n\
             edit client=1 record=0 how=2\nnext events={}\nsleep how={how}\n\
             edit client=0 record=0 how=5\nnext events={}\nsleep how={how}\n\
             cut client=2 how={how} late=9\nrun amount=1605\nsleep how={how}\nrun amount=255\nrest",
            1 + how % 5,
            how % 2,
            how % 8,
            how % 3 * 30,
            how % 12,
            how % 7,
        );
        let outcome = run(&script.parse().unwrap());
        assert_eq!(outcome.failure, None, "{script}");
        reach.add(&outcome.reach);
    }
    let missing = reach.missing();
    for met in
        ["woken with its sessions", "slept with changes untold", "pushes answered after a sleep"]
    {
        assert!(!missing.contains(&met), "{reach}");
    }
}

#[test]
fn a_client_that_is_upgraded_goes_on_with_what_it_kept() {
    let mut reach = Counts::default();
    for how in 0..40 {
        let script = format!(
            "world clients=2 delay=20 window=6 kept=65535 upgrades=1 uncounted={}\n\
             edit client=0 record=0 how={how}\nedit client=1 record=1 how=0\nrun amount=1605\n\
             network client=0 up=1\nedit client=0 record=0 how=2\nnext events={}\n\
             cut client=0 how={how} late=9\nedit client=0 record=1 how={}\n\
             shutdown down=1\nrun amount=1605\nreopen client=0 actions=0\n\
             edit client=0 record=0 how={}\nedit client=1 record=0 how=3\nrest\n\
             reopen client=1 actions=0\nrest",
            how % 2,
            how % 5,
            how * 7,
            how * 3,
        );
        let outcome = run(&script.parse().unwrap());
        assert_eq!(outcome.failure, None, "{script}");
        reach.add(&outcome.reach);
    }
    let missing = reach.missing();
    for met in ["restart with unsent changes kept", "documents migrated at a restart"] {
        assert!(!missing.contains(&met), "{reach}");
    }
}

#[test]
fn a_process_may_die_in_the_middle_of_a_write() {
    let mut reach = Counts::default();
    for how in 0..27 {
        let (actions, eighths) = (how % 3, how / 3);
        let script = format!(
            "world clients=2 delay=20 window=6 kept=65535 batch={}\n\
             edit client=0 record=0 how=0\nrun amount=1605\n\
             crash actions={actions} how={} down=9\nedit client=1 record=1 how=20\n\
             run amount=1605\nreopen client=0 actions={}\n\
             edit client=0 record=0 how=5\nedit client=1 record=0 how=2\nrun amount=65\nrest",
            how % 2,
            eighths * 28 + 1,
            eighths * 8 + 1 + actions,
        );
        let outcome = run(&script.parse().unwrap());
        assert_eq!(outcome.failure, None, "{script}");
        reach.add(&outcome.reach);
    }
    let missing = reach.missing();
    for met in [
        "commit torn by a crash",
        "commit there after a crash though not synced",
        "client died in the middle of a write",
    ] {
        assert!(!missing.contains(&met), "{reach}");
    }
}

#[test]
fn the_book_of_invariants_names_each_of_them() {
    let book = include_str!("../../docs/invariants.md");
    for name in INVARIANTS {
        assert!(book.contains(&format!("| {name} |")), "{name} is not in docs/invariants.md");
    }
}
