//! Values have one order, which agrees with what they are worth.

use proptest::prelude::*;
use roomsync::{Number, Value};
use roomsync_proptests::arb;
use std::cmp::Ordering;

/// A number close to where integers and doubles part.
fn edge() -> impl Strategy<Value = Number> {
    prop_oneof![
        2 => arb::number(),
        1 => (52..64_u32, -2..3_i64).prop_map(|(bit, step)| {
            let power = 1_i64.checked_shl(bit).unwrap_or(i64::MAX);
            Number::from(power.saturating_add(step))
        }),
        1 => (52..64_i32, -2..3_i32).prop_filter_map("finite", |(bit, step)| {
            let power = 2_f64.powi(bit);
            Number::from_f64(power + f64::from(step) * power * f64::EPSILON)
        }),
    ]
}

/// What a number is worth: its whole part, and what is beyond it.
fn worth(number: Number) -> (i128, f64) {
    match number.as_i64() {
        Some(int) => (i128::from(int), 0.0),
        None => {
            let float = number.as_f64();
            (float.trunc() as i128, float - float.trunc())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_have_one_order(a in arb::value(), b in arb::value(), c in arb::value()) {
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        let mut all = [a, b, c];
        all.sort();
        prop_assert!(all[0] <= all[1] && all[1] <= all[2] && all[0] <= all[2]);
    }

    #[test]
    fn numbers_are_ordered_by_what_they_are_worth(a in edge(), b in edge(), c in edge()) {
        let fits = |number: Number| number.as_f64().abs() < 1e30;
        if fits(a) && fits(b) {
            let expected = worth(a).partial_cmp(&worth(b)).unwrap();
            prop_assert_eq!(a.cmp(&b), expected, "{} {}", a, b);
        }
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        let mut all = [a, b, c];
        all.sort();
        prop_assert!(all[0] <= all[1] && all[1] <= all[2] && all[0] <= all[2]);
    }
}

#[test]
fn kinds_of_values_stand_in_this_order() {
    let kinds = [
        "null",
        "false",
        "true",
        "-1",
        "1.5",
        "2",
        "\"\"",
        "\"a\"",
        "[]",
        "[1]",
        "[1,0]",
        "[2]",
        "{}",
        "{\"a\":1}",
        "{\"a\":2}",
        "{\"b\":0}",
    ];
    let values: Vec<Value> = kinds.iter().map(|json| json.parse().unwrap()).collect();
    assert!(values.is_sorted_by(|a, b| a < b));
}
