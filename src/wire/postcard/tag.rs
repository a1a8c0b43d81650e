//! The byte before each value and op: what follows, and for what is short and common how much.
//!
//! All but the last are under 128, so that each is also one byte of postcard's numbering of variants.

use core::ops::Range;

pub(super) const NULL: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
/// A whole number.
pub(super) const INT: u8 = 3;
/// A double in 8 bytes, or in 4 where they hold it.
pub(super) const DOUBLE: u8 = 4;
pub(super) const SINGLE: u8 = 5;
/// A whole number of hundredths.
pub(super) const HUNDREDTHS: u8 = 6;
/// A text, one that is known from now on, and one that is known.
pub(super) const TEXT: u8 = 7;
pub(super) const NEW_TEXT: u8 = 8;
pub(super) const KNOWN_TEXT: u8 = 9;
pub(super) const ARRAY: u8 = 10;
/// An object after its keys, and one of a list of keys that is known.
pub(super) const NEW_OBJECT: u8 = 11;
pub(super) const KNOWN_OBJECT: u8 = 12;
pub(super) const EMPTY_OBJECT: u8 = 13;
/// The id of the record that this stands in.
pub(super) const OWN_ID: u8 = 14;
/// Ops that are no values. A value stands for the op that puts it.
pub(super) const PATCH: u8 = 15;
pub(super) const APPEND_TEXT: u8 = 16;
pub(super) const APPEND_ITEMS: u8 = 17;
pub(super) const DELETE: u8 = 18;
pub(super) const REMOVE: u8 = 19;

/// Whole numbers from 0.
pub(super) const INTS: Range<u8> = 20..32;
/// Texts by their length.
pub(super) const TEXTS: Range<u8> = 32..64;
/// The first known texts.
pub(super) const KNOWN_TEXTS: Range<u8> = 64..96;
/// Objects of the first known lists of keys.
pub(super) const KNOWN_OBJECTS: Range<u8> = 96..112;
/// Arrays by their length.
pub(super) const ARRAYS: Range<u8> = 112..128;
/// What stands at the same key in the last object of the same list of keys. No value by itself.
pub(super) const SAME: u8 = 128;

/// The tag of `range` that says `number`, if there is one.
pub(super) fn short(range: &Range<u8>, number: usize) -> Option<u8> {
    let tag = u8::try_from(number).ok()?.checked_add(range.start)?;
    range.contains(&tag).then_some(tag)
}

/// What the tag says, if it is of `range`.
pub(super) fn number(range: &Range<u8>, tag: u8) -> Option<usize> {
    range.contains(&tag).then(|| usize::from(tag - range.start))
}
