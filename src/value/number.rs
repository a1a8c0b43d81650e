//! What a number is: an IEEE double as JavaScript knows it, or an integer that needs more digits.

use core::cmp::Ordering;
use core::fmt;

/// A number of a record: finite, and the same value however it was written.
///
/// `1` and `1.0` are one number, and so are `0` and `-0`. Integers of 64 bits are kept exactly, also
/// beyond 2^53 where a JavaScript peer rounds them. It is written as JavaScript writes it.
///
/// ```
/// use roomsync::Number;
///
/// assert_eq!(Number::from_f64(1.0), Some(Number::from(1i64)));
/// assert_eq!(Number::from_f64(-0.0).unwrap().to_string(), "0");
/// assert_eq!(Number::from_f64(1e21).unwrap().to_string(), "1e+21");
/// assert_eq!(Number::from_f64(f64::NAN), None);
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct Number(Repr);

/// Canonical: whatever `Int` can hold is never a `Float`, so derived equality is by value.
#[derive(Clone, Copy, PartialEq)]
enum Repr {
    Int(i64),
    Float(f64),
}

impl Eq for Number {}

impl Ord for Number {
    /// By what the numbers are worth, to the last digit.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(&b),
            (Repr::Float(a), Repr::Float(b)) => a.total_cmp(&b),
            (Repr::Int(int), Repr::Float(float)) => int_to_float(int, float),
            (Repr::Float(float), Repr::Int(int)) => int_to_float(int, float).reverse(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How an integer compares with a float, which is finite.
#[expect(clippy::cast_precision_loss, reason = "rounding keeps the order, and ties are looked at")]
fn int_to_float(int: i64, float: f64) -> Ordering {
    let rough = (int as f64).total_cmp(&float);
    // Where an integer is rounded floats are whole, and fit: they are rounded ones themselves.
    #[expect(clippy::cast_possible_truncation, reason = "it is at most 2^63")]
    rough.then_with(|| i128::from(int).cmp(&(float as i128)))
}

impl Number {
    /// The number nearest to nothing: `None` for NaN and the infinities, which JSON cannot carry.
    #[must_use]
    pub fn from_f64(float: f64) -> Option<Self> {
        /// 2^53: up to here every integer is a double and is written with all its digits.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !float.is_finite() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the comparison below rejects it")]
        let int = float as i64;
        #[expect(clippy::cast_precision_loss, reason = "the comparison below rejects it")]
        let same = int as f64 == float;
        if !same {
            return Some(Self(Repr::Float(float)));
        }
        if float.abs() <= EXACT {
            return Some(Self(Repr::Int(int)));
        }
        // A large double is written with zeros after its shortest digits. What is read back must
        // be the same number, so those digits are its value here too.
        let digits = ryu_js::Buffer::new().format_finite(float).parse();
        Some(Self(digits.map_or(Repr::Float(float), Repr::Int)))
    }

    /// The number as a double, rounded when it has more digits than a double holds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "documented rounding")]
    pub const fn as_f64(self) -> f64 {
        match self.0 {
            Repr::Int(int) => int as f64,
            Repr::Float(float) => float,
        }
    }

    /// The number as an integer, or `None` when it has a fraction or does not fit.
    #[must_use]
    pub const fn as_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Int(int) => Some(int),
            Repr::Float(_) => None,
        }
    }

    /// The number as an integer without sign, or `None` when it is none that fits.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the comparisons reject what does not fit"
    )]
    pub fn as_u64(self) -> Option<u64> {
        /// 2^64
        const END: f64 = 18_446_744_073_709_551_616.0;
        match self.0 {
            Repr::Int(int) => u64::try_from(int).ok(),
            Repr::Float(float) => {
                let int = float as u64;
                (float < END && int as f64 == float).then_some(int)
            }
        }
    }

    /// Calls `write` with the text that JavaScript writes for the number.
    pub(crate) fn with_text<T>(self, write: impl FnOnce(&str) -> T) -> T {
        match self.0 {
            Repr::Int(int) => write(itoa::Buffer::new().format(int)),
            Repr::Float(float) => write(ryu_js::Buffer::new().format_finite(float)),
        }
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<u64> for Number {
    /// Beyond `i64::MAX` the integer becomes the nearest double.
    #[expect(clippy::cast_precision_loss, reason = "documented rounding")]
    fn from(int: u64) -> Self {
        i64::try_from(int).map_or(Self(Repr::Float(int as f64)), Self::from)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn text(float: f64) -> alloc::string::String {
        Number::from_f64(float).unwrap().to_string()
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (float, expected) in [
            (1.0, "1"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (123_456.789, "123456.789"),
            (5e-324, "5e-324"),
            (1_152_921_504_606_846_976.0, "1152921504606847000"),
            (-9_007_199_254_740_992.0, "-9007199254740992"),
        ] {
            assert_eq!(text(float), expected);
        }
    }

    #[test]
    fn a_large_double_equals_what_its_text_is_read_back_as() {
        for float in [2f64.powi(60), 2f64.powi(63), -2f64.powi(63), 1e18, 1e19, 9.3e18] {
            let number = Number::from_f64(float).unwrap();
            let text = number.to_string();
            let read = match text.parse::<i64>() {
                Ok(int) => Number::from(int),
                Err(_) => Number::from_f64(text.parse().unwrap()).unwrap(),
            };
            assert_eq!(number, read, "{text}");
            assert_eq!(number.as_f64(), float);
        }
    }

    #[test]
    fn integers_of_64_bits_survive() {
        for int in [i64::MAX, i64::MIN, 9_007_199_254_740_993] {
            assert_eq!(Number::from(int).to_string(), int.to_string());
        }
        assert_eq!(Number::from(u64::MAX).as_f64(), 18_446_744_073_709_551_615.0);
        assert_eq!(Number::from_f64(f64::INFINITY), None);
        assert_eq!(Number::from_f64(f64::NAN), None);
    }
}
