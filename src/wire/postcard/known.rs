//! What stood in a section before: texts and lists of keys that are then named by number, and values
//! that stand at the same key again.

use crate::ids::Key;
use crate::value::Value;
use alloc::vec::Vec;

/// Longer texts are never known: naming one by a number must not cost a reader much more than the
/// number does.
pub(super) const MOST_TEXT_BYTES: usize = 64;
/// So many texts are known at most.
pub(super) const MOST_TEXTS: usize = 4096;
/// So many lists of keys are known: the first ones.
pub(super) const MOST_KEY_LISTS: usize = 256;

/// The largest value that a byte says is the same again, as limits count sizes: the bytes of texts and
/// keys, and [`EACH`] for each value.
pub(super) const MOST_SAME_SIZE: usize = 128;
const EACH: usize = 8;

/// Whether both are equal and at most of that size. Takes no longer than that allows.
pub(super) fn is_small_and_same(value: &Value, last: &Value) -> bool {
    /// How much more there may be.
    fn left(value: &Value, last: &Value, most: usize) -> Option<usize> {
        let most = most.checked_sub(EACH)?;
        match (value, last) {
            (Value::String(text), Value::String(last)) if text == last => {
                most.checked_sub(text.len())
            }
            (Value::Array(array), Value::Array(last)) if array.len() == last.len() => {
                let mut items = array.iter().zip(last.iter());
                items.try_fold(most, |most, (item, last)| left(item, last, most))
            }
            (Value::Object(object), Value::Object(last)) if object.keys_eq(last) => {
                let mut members = object.iter().zip(last.values());
                members.try_fold(most, |most, ((key, value), last)| {
                    left(value, last, most.checked_sub(key.len())?)
                })
            }
            _ => value.is_evidently(last).then_some(most),
        }
    }
    left(value, last, MOST_SAME_SIZE).is_some()
}

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
const MOST_SLOTS: usize = 2048;
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
    pub(super) fn number(&mut self, hash: u32, thing: T, most: usize) -> Option<usize> {
        let number = self.numbered;
        if number >= most {
            return None;
        }
        self.numbered += 1;
        if let Some(Some(slot)) = slot_mut(&mut self.slots, hash)
            && slot.thing == thing
        {
            slot.number = Some(number);
        }
        Some(number)
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
    // By the upper bits, which depend on all that went into the hash.
    let at = (u64::from(hash) * slots.len() as u64) >> u32::BITS;
    slots.get_mut(usize::try_from(at).ok()?)
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

/// The upper bits, of which the uppermost depend on all that went in.
const fn finish(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// What is hashed alike takes a slot from another, which shows in what is written.
    #[test]
    fn hashes_are_the_same_on_every_machine() {
        let texts = ["", "a", "b", "typeName", "eight by", "text that is more than eight bytes"];
        assert_eq!(
            texts.map(hash_text),
            [2654435769, 1670357400, 29825874, 2131960793, 2457840939, 4070856355]
        );
        let keys = |keys: &[&str]| keys.iter().map(|key| Key::from(*key)).collect::<Vec<_>>();
        let lists = [keys(&[]), keys(&["x"]), keys(&["x", "y"]), keys(&["y", "x"])];
        assert_eq!(
            lists.each_ref().map(|list| hash_keys(list)),
            [0, 2592837955, 1524278953, 1939858792]
        );
    }

    #[test]
    fn what_is_hashed_alike_is_still_told_apart() {
        let mut seen = Seen::new();
        assert_eq!(seen.note(7, "a"), None);
        assert_eq!(seen.note(7, "a"), Some(None));
        // The later one takes the slot.
        assert_eq!(seen.note(7, "b"), None);
        assert_eq!(seen.note(7, "a"), None);
        assert_eq!(seen.note(7, "a"), Some(None));
        assert_eq!(seen.number(7, "a", 2), Some(0));
        // Not from one that has a number.
        assert_eq!(seen.note(7, "b"), None);
        assert_eq!(seen.note(7, "b"), None);
        assert_eq!(seen.number(7, "b", 2), Some(1), "it is given a number, which nobody finds");
        assert_eq!(seen.note(7, "a"), Some(Some(0)));
        let other = u32::MAX;
        assert_eq!(seen.note(other, "b"), None);
        assert_eq!(seen.number(other, "b", 2), None);
        assert_eq!(seen.note(other, "b"), Some(None));
    }

    /// So that nobody's memory is taken by what somebody chose to write.
    #[test]
    fn slots_grow_with_what_is_noted_to_a_bound() {
        let texts: Vec<String> = (0..5000).map(|n| alloc::format!("text {n}")).collect();
        let mut slots = Vec::new();
        let mut seen = Seen::new();
        for text in &texts {
            seen.note(hash_text(text), text.as_str());
            if slots.last() != Some(&(seen.slots.len())) {
                slots.push(seen.slots.len());
            }
        }
        assert_eq!(slots, [8, 32, 128, 512, 2048]);
    }

    /// Also of texts that differ only somewhere inside.
    #[test]
    fn most_of_what_is_noted_is_known_again() {
        for (count, known) in [(4, 4), (100, 85), (500, 340), (800, 540)] {
            let texts: Vec<String> = (0..count).map(|n| alloc::format!("text {n}")).collect();
            let mut seen = Seen::new();
            for text in &texts {
                seen.note(hash_text(text), text.as_str());
            }
            let again = texts.iter().filter(|it| seen.note(hash_text(it), it.as_str()).is_some());
            let again = again.count();
            assert!(again >= known, "{again} of {count}");
        }
    }
}
