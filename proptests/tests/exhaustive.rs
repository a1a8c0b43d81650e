//! Small worlds in which everything that can happen does, in every order.

use roomsync_proptests::explore::{Size, explore, trace};
use roomsync_proptests::progress::Progress;

const SMALLEST: Size =
    Size { clients: 2, records: 1, edits: 1, cuts: 0, crashes: 0, is_slow: false };

/// Explores all of a world, and gives the number of its states.
fn all_holds(size: &Size) -> u64 {
    let explored = explore(size, u64::MAX, &mut Progress::new());
    if let Some((choices, failure)) = explored.found {
        let choices: String = choices.iter().map(|choice| format!("{choice}\n")).collect();
        panic!("{size:?}\n{} is broken: {}\n{choices}", failure.oracle, failure.detail);
    }
    assert!(explored.ends > 0, "nothing ever comes to rest");
    explored.states
}

#[test]
fn two_clients_edit_a_record_in_every_order() {
    assert!(all_holds(&SMALLEST) > 300);
}

#[test]
fn two_edits_meet_in_every_order() {
    let states = all_holds(&Size { edits: 2, ..SMALLEST });
    assert!(states > 10_000, "{states}");
}

#[test]
fn one_of_two_records_is_edited_while_nobody_reads() {
    let states = all_holds(&Size { records: 2, is_slow: true, ..SMALLEST });
    assert!(states > 400, "{states}");
}

#[test]
fn a_client_is_cut_anywhere() {
    let states = all_holds(&Size { clients: 1, edits: 1, cuts: 1, ..SMALLEST });
    assert!(states > 400, "{states}");
}

#[test]
fn the_room_dies_anywhere() {
    let states = all_holds(&Size { clients: 1, edits: 2, crashes: 1, ..SMALLEST });
    assert!(states > 1_000, "{states}");
}

#[test]
fn choices_can_be_looked_at() {
    let outcome = trace(&SMALLEST, &[]);
    assert_eq!(outcome.failure, None);
    assert!(!outcome.trace.is_empty());
}
