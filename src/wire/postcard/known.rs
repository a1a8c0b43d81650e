//! What stood in a section before: texts and lists of keys that are then named by number.

use crate::ids::Key;
use alloc::vec::Vec;

/// Longer texts are never known: naming one by a number must not cost a reader much more than the
/// number does.
pub(super) const MOST_TEXT_BYTES: usize = 64;
/// So many texts are known at most.
pub(super) const MOST_TEXTS: usize = 4096;
/// So many lists of keys are known: the first ones.
pub(super) const MOST_KEY_LISTS: usize = 256;

/// How a writer knows again what it has written.
///
/// Each thing has one slot, so that a look costs one comparison whatever somebody chose to be
/// written. The later of two takes it, unless the other has a number, since those come first that
/// are met most often. What has no slot is written out again.
#[derive(Debug)]
pub(super) struct Seen<T> {
    slots: Vec<Option<Slot<T>>>,
    filled: usize,
    numbered: usize,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    hash: u32,
    thing: T,
    number: Option<usize>,
}

/// Not so large that it costs more than it saves, nor so small that common things clash.
const MOST_SLOTS: usize = 4096;
const FIRST_SLOTS: usize = 8;

impl<T: Copy + PartialEq> Seen<T> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), filled: 0, numbered: 0 }
    }

    /// Notes that `thing` is written. `None` when it is not known to have been before, else its
    /// number, if it has one.
    pub(super) fn note(&mut self, hash: u32, thing: T) -> Option<Option<usize>> {
        if self.filled * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = slot_mut(&mut self.slots, hash)?;
        match slot {
            Some(slot) if slot.hash == hash && slot.thing == thing => Some(slot.number),
            Some(Slot { number: Some(_), .. }) => None,
            Some(_) | None => {
                self.filled += usize::from(slot.is_none());
                *slot = Some(Slot { hash, thing, number: None });
                None
            }
        }
    }

    /// Gives `thing`, which was noted just now, the next number, as long as that is below `most`.
    pub(super) fn number(&mut self, hash: u32, thing: T, most: usize) -> bool {
        let number = self.numbered;
        if number >= most {
            return false;
        }
        self.numbered += 1;
        if let Some(Some(slot)) = slot_mut(&mut self.slots, hash)
            && slot.thing == thing
        {
            slot.number = Some(number);
        }
        true
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 4).max(FIRST_SLOTS);
        if len > MOST_SLOTS {
            return;
        }
        let old = core::mem::replace(&mut self.slots, alloc::vec![None; len]);
        for moved in old.into_iter().flatten() {
            if let Some(slot) = slot_mut(&mut self.slots, moved.hash) {
                *slot = Some(moved);
            }
        }
    }
}

fn slot_mut<T>(slots: &mut [Option<Slot<T>>], hash: u32) -> Option<&mut Option<Slot<T>>> {
    // The length is a power of two.
    slots.get_mut(hash as usize & slots.len().wrapping_sub(1))
}

/// A number that texts rarely share. The same on every machine, since it shows in what is written.
pub(super) fn hash_text(text: &str) -> u32 {
    finish(mix(text.len() as u64, text))
}

/// The same for a list of keys.
pub(super) fn hash_keys(keys: &[Key]) -> u32 {
    finish(keys.iter().fold(keys.len() as u64, |hash, key| mix(hash, key)))
}

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut hash: u64, text: &str) -> u64 {
    let mut add = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    add(rest.iter().fold(1, |word, byte| word << 8 | u64::from(*byte)));
    hash
}

/// The upper bits, which depend on all that went in.
const fn finish(hash: u64) -> u32 {
    (hash >> 32) as u32
}
