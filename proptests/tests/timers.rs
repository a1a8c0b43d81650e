//! Machines are woken when they asked to be, and may be woken at any other time.

use roomsync_proptests::report::run;
use roomsync_proptests::script::{Script, Step};

#[test]
fn machines_may_be_woken_at_any_time() {
    for seed in 3_000..3_040 {
        let mut script = Script::from_seed(seed);
        let wakes = || (0..4).map(|machine| Step::Wake { machine });
        let steps = core::mem::take(&mut script.steps).into_iter();
        script.steps = steps.flat_map(|step| core::iter::once(step).chain(wakes())).collect();
        assert_eq!(run(&script).failure, None, "seed {seed}\n{script}");
    }
}

#[test]
fn machines_with_nothing_to_do_are_hardly_ever_woken() {
    // The number is some twelve seconds; a ping of each of three clients is due every five.
    let spells = "run amount=24007\n".repeat(20);
    let text = format!("world clients=3 window=5\nedit client=0 record=0 how=0\n{spells}");
    let outcome = run(&text.parse().unwrap());
    assert_eq!(outcome.failure, None);
    // A ping, its arrival, its answer's arrival: and a little for the beginning and the end.
    let pings = 3 * 20 * 12 / 5;
    assert!(outcome.inputs > 3 * pings, "no time has passed: {} inputs", outcome.inputs);
    assert!(outcome.inputs < 3 * pings + 100, "{} inputs in four idle minutes", outcome.inputs);
}
