//! How a long message is cut into pieces that stock rooms take.

use crate::frame::Frame;
use crate::value::utf16_len;
use alloc::vec::Vec;

/// The least UTF-16 units of a message that is cut, and the most of a piece with its number.
const MAX_UNITS: usize = 262_144;

/// The frames that carry a message to a room: itself, or its pieces, numbered down to zero.
pub(crate) fn split(message: Frame) -> Vec<Frame> {
    split_at(message, MAX_UNITS)
}

/// `max_units` must leave room for the number of a piece and for one character.
fn split_at(message: Frame, max_units: usize) -> Vec<Frame> {
    // A unit is at least a byte, so most messages need no counting. A room that takes binary
    // messages takes long ones.
    let text = message.to_text().filter(|text| text.len() >= max_units);
    let Some(text) = text.filter(|text| utf16_len(text) >= max_units) else {
        return [message].into();
    };
    let pieces = cut(&text, max_units);
    let numbered = pieces.iter().rev().enumerate().map(|(number, piece)| {
        let mut frame = Vec::with_capacity(piece.len() + 8);
        frame.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        frame.push(b'_');
        frame.extend_from_slice(piece.as_bytes());
        Frame::new(frame)
    });
    let mut frames: Vec<Frame> = numbered.collect();
    frames.reverse();
    frames
}

/// Pieces of `text` that stay within `max_units` once they are numbered.
fn cut(text: &str, max_units: usize) -> Vec<&str> {
    // As if every piece held a single unit: no number has more digits than that.
    let number_units = itoa::Buffer::new().format(text.len()).len() + 1;
    let max_piece = max_units.saturating_sub(number_units).max(2);
    let mut pieces = Vec::new();
    let (mut start, mut units) = (0, 0);
    for (at, character) in text.char_indices() {
        if units + character.len_utf16() > max_piece {
            pieces.push(text.get(start..at).unwrap_or_default());
            (start, units) = (at, 0);
        }
        units += character.len_utf16();
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Assembled, Assembler};
    use alloc::string::{String, ToString};

    fn frame(text: &str) -> Frame {
        Frame::new(text.as_bytes().to_vec())
    }

    fn units(frame: &Frame) -> usize {
        frame.to_text().unwrap().encode_utf16().count()
    }

    fn joined(frames: &[Frame]) -> String {
        let mut assembler = Assembler::default();
        for (index, frame) in frames.iter().enumerate() {
            match assembler.push(&frame.to_bytes(), usize::MAX).unwrap() {
                Assembled::Incomplete => assert!(index + 1 < frames.len()),
                Assembled::Joined(text) => {
                    assert_eq!(index + 1, frames.len());
                    return text;
                }
                Assembled::Whole(text) => return text.into(),
                Assembled::Binary(bytes) => panic!("{bytes:?} is text"),
            }
        }
        panic!("the message is incomplete");
    }

    #[test]
    fn a_message_is_cut_from_262144_utf16_units_on() {
        let message = |units: usize| frame(&alloc::format!("{{{}}}", "x".repeat(units - 2)));
        assert_eq!(split(message(262_143)), [message(262_143)]);
        let frames = split(message(262_144));
        assert_eq!(frames.len(), 2);
        assert!(frames[0].to_text().unwrap().starts_with("1_{x"));
        assert!(frames[1].to_text().unwrap().starts_with("0_x"));
        assert!(frames.iter().all(|frame| units(frame) <= 262_144));
        assert_eq!(joined(&frames), message(262_144).to_text().unwrap());
    }

    #[test]
    fn units_are_counted_not_bytes() {
        // Three bytes each, one unit.
        let message = frame(&alloc::format!("{{{}}}", "€".repeat(200_000)));
        assert_eq!(split(message.clone()), [message]);
        // Two units each.
        let message = alloc::format!("{{{}}}", "🖋".repeat(131_071));
        assert_eq!(split(frame(&message)).len(), 2);
        assert_eq!(joined(&split(frame(&message))), message);
    }

    #[track_caller]
    fn assert_is_cut(message: &str, most: usize) {
        let frames = split_at(frame(message), most);
        for (number, frame) in frames.iter().rev().enumerate() {
            let text = frame.to_text().unwrap();
            let (prefix, piece) = text.split_once('_').unwrap();
            assert_eq!(prefix, number.to_string());
            assert!(!piece.is_empty());
            assert!(units(frame) <= most, "{frame:?}");
        }
        assert_eq!(joined(&frames), message);
    }

    #[test]
    fn numbers_count_down_to_zero_and_no_piece_is_empty_or_too_long() {
        for len in 12..200 {
            for text in ["x".repeat(len), "🖋".repeat(len), "a🖋".repeat(len)] {
                let message = alloc::format!("{{{text}}}");
                assert_is_cut(&message, 12);
            }
        }
        // So many pieces that their numbers have as many digits as the length.
        assert_is_cut(&"x".repeat(999), 6);
        assert_is_cut(&"🖋".repeat(99), 6);
    }
}
