//! How a long message that came in pieces is put together again.

use super::postcard::is_binary;
use alloc::string::String;

/// Puts `<k>_<piece>` messages together, where `k` counts down to zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assembler(Option<Partial>);

#[derive(Clone, Debug)]
struct Partial {
    /// The number that the next piece must have.
    next: usize,
    text: String,
}

/// What a piece of input led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assembled<'a> {
    /// A message that came whole.
    Whole(&'a str),
    /// A binary message, which always comes whole.
    Binary(&'a [u8]),
    /// The last piece made this message.
    Joined(String),
    /// More pieces are to come.
    Incomplete,
}

/// Why input is neither a message nor the next piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkError {
    /// It does not follow on what came before.
    OutOfOrder,
    /// The message is larger than is accepted.
    TooLarge,
}

impl Assembler {
    /// Whether some pieces of a message have come, and not all.
    pub(crate) const fn is_inside(&self) -> bool {
        self.0.is_some()
    }

    /// Takes the next input. After an error the assembler is as new.
    pub(crate) fn push<'a>(
        &mut self,
        input: &'a [u8],
        max_bytes: usize,
    ) -> Result<Assembled<'a>, ChunkError> {
        let partial = self.0.take();
        if input.len() > max_bytes {
            return Err(ChunkError::TooLarge);
        }
        let is_whole = |message| match partial {
            None => Ok(message),
            Some(_) => Err(ChunkError::OutOfOrder),
        };
        if is_binary(input) {
            return is_whole(Assembled::Binary(input));
        }
        let text = core::str::from_utf8(input).map_err(|_| ChunkError::OutOfOrder)?;
        if text.starts_with('{') {
            return is_whole(Assembled::Whole(text));
        }
        let (number, piece) = text.split_once('_').ok_or(ChunkError::OutOfOrder)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| digits).ok_or(ChunkError::OutOfOrder)?;
        // More than memory holds is too large, on any machine.
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let mut joined = match partial {
            // Each later piece holds a unit at least, so the count tells early what is too large.
            None if number > max_bytes => return Err(ChunkError::TooLarge),
            None => String::new(),
            Some(Partial { next, text }) if next == number => text,
            Some(_) => return Err(ChunkError::OutOfOrder),
        };
        if piece.is_empty() {
            return Err(ChunkError::OutOfOrder);
        }
        if joined.len() + piece.len() > max_bytes {
            return Err(ChunkError::TooLarge);
        }
        joined.push_str(piece);
        match number.checked_sub(1) {
            None => Ok(Assembled::Joined(joined)),
            Some(next) => {
                self.0 = Some(Partial { next, text: joined });
                Ok(Assembled::Incomplete)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const MAX: usize = 100;

    fn run(inputs: &[&str]) -> Vec<Result<Assembled<'static>, ChunkError>> {
        let mut assembler = Assembler::default();
        let own = |assembled| match assembled {
            Assembled::Whole(text) => Assembled::Joined(text.into()),
            Assembled::Binary(bytes) => panic!("{bytes:?} is text"),
            Assembled::Joined(text) => Assembled::Joined(text),
            Assembled::Incomplete => Assembled::Incomplete,
        };
        inputs.iter().map(|input| assembler.push(input.as_bytes(), MAX).map(own)).collect()
    }

    fn last(inputs: &[&str]) -> Result<Assembled<'static>, ChunkError> {
        run(inputs).pop().unwrap()
    }

    #[test]
    fn pieces_are_joined_as_they_count_down() {
        assert_eq!(
            last(&["2_{a", "1_\r\n\u{2028}", "0__b}"]),
            Ok(Assembled::Joined("{a\r\n\u{2028}_b}".into()))
        );
        assert_eq!(last(&["{}"]), Ok(Assembled::Joined("{}".into())));
        assert_eq!(last(&["0_{}"]), Ok(Assembled::Joined("{}".into())));
        assert_eq!(last(&["1_a"]), Ok(Assembled::Incomplete));
    }

    #[test]
    fn what_does_not_follow_is_an_error_and_resets() {
        for inputs in [
            &["2_a", "0_b"][..],
            &["2_a", "2_b"],
            &["1_a", "{}"],
            &["1_a", "garbage"],
            &["garbage"],
            &[""],
            &["_a"],
            &["+1_a"],
            &["-1_a"],
            &["1_"],
            &["1_a", "0_"],
            &[" {}"],
            &["[]"],
        ] {
            assert_eq!(last(inputs), Err(ChunkError::OutOfOrder), "{inputs:?}");
            let again = [inputs, &["{}"]].concat();
            assert_eq!(last(&again), Ok(Assembled::Joined("{}".into())), "{inputs:?}");
        }
    }

    #[test]
    fn a_binary_message_comes_whole_and_never_within_a_sequence() {
        let binary = &[0x83][..];
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(binary, MAX), Ok(Assembled::Binary(binary)));
        assert_eq!(assembler.push(b"1_a", MAX), Ok(Assembled::Incomplete));
        assert_eq!(assembler.push(binary, MAX), Err(ChunkError::OutOfOrder));
        assert_eq!(assembler.push(binary, MAX), Ok(Assembled::Binary(binary)));
        let large = [0x83; MAX + 1];
        assert_eq!(assembler.push(&large[..MAX], MAX), Ok(Assembled::Binary(&large[..MAX])));
        assert_eq!(assembler.push(&large, MAX), Err(ChunkError::TooLarge));
    }

    #[test]
    fn a_message_holds_at_most_so_many_bytes() {
        let whole = |len: usize| alloc::format!("{{{}", "x".repeat(len - 1));
        assert!(last(&[&whole(MAX)]).is_ok());
        assert_eq!(last(&[&whole(MAX + 1)]), Err(ChunkError::TooLarge));
        let piece = alloc::format!("0_{}", "x".repeat(MAX / 2));
        let first = piece.replace("0_", "1_");
        assert!(matches!(last(&[&first, &piece]), Ok(Assembled::Joined(_))));
        assert_eq!(last(&[&alloc::format!("{first}y"), &piece]), Err(ChunkError::TooLarge));
        assert_eq!(last(&["100_a"]), Ok(Assembled::Incomplete));
        // With 32 bits the second was no number, so it did not end the session for good.
        for number in ["101_a", "4294967297_a"] {
            assert_eq!(last(&[number]), Err(ChunkError::TooLarge), "{number}");
        }
        assert_eq!(last(&["99999999999999999999999_a"]), Err(ChunkError::OutOfOrder));
    }
}
