//! What an object of a JSON text says like the one before it at the same place: that is compared and
//! shared instead of read. Most of what an object says was said by the one before.

use super::{Object, Value};
use alloc::vec::Vec;

/// Where so many objects in a row had nothing in common, none is compared any more.
const MOST_STRANGE: u8 = 8;

/// The last object at a place.
#[derive(Default)]
pub(super) struct Model<'a> {
    /// From behind its opening brace to its closing one, which is included.
    text: &'a [u8],
    /// Empty if there is nothing to compare with.
    members: Vec<Member>,
    object: Object,
    /// How deep the values in it might have nested.
    levels: usize,
    /// How many objects in a row had nothing in common with the one before.
    strange: u8,
}

/// A member of an object, in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The node of its key in the lists of keys.
    pub(super) node: usize,
    /// Where it ends, counted from behind the opening brace.
    pub(super) end: usize,
}

/// Members of a model that stand in another object, too, one after the other.
pub(super) struct Run<'m> {
    pub(super) members: &'m [Member],
    /// Which of the model's members the first of them is.
    pub(super) first: usize,
    /// Where the one before that ends.
    pub(super) from: usize,
    /// Whether the closing brace follows.
    pub(super) ends: bool,
}

impl<'a> Model<'a> {
    /// Which member an object begins with that is like it, if its values may nest so deep.
    pub(super) fn begin(&self, levels: usize) -> Option<usize> {
        (self.levels <= levels).then_some(0)
    }

    /// The members from `next` on with which `rest` goes on, if any. It begins where the one before has
    /// ended.
    pub(super) fn run(&self, next: Option<usize>, rest: &[u8]) -> Option<Run<'_>> {
        let first = next?;
        let members = self.members.get(first..)?;
        let from = match first.checked_sub(1) {
            None => 0,
            Some(before) => self.members.get(before)?.end,
        };
        let text = self.text.get(from..)?;
        let same = same_len(text, rest);
        // What follows must be the same, too: more digits would make another number.
        let count = members.iter().take_while(|member| member.end - from < same).count();
        let ends = count == members.len() && same == text.len();
        let members = members.get(..count).filter(|members| !members.is_empty())?;
        Some(Run { members, first, from, ends })
    }

    /// Which member may come next after another, by the node of its key.
    pub(super) fn after(&self, next: Option<usize>, node: Option<usize>) -> Option<usize> {
        let member = self.members.get(next?)?;
        (Some(member.node) == node).then_some(next? + 1)
    }

    /// How many bytes it takes behind its opening brace.
    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    /// The node of its last key.
    pub(super) fn last_node(&self) -> Option<usize> {
        self.members.last().map(|member| member.node)
    }

    pub(super) const fn object(&self) -> &Object {
        &self.object
    }

    /// The value of the member at `index` among the object's, which are in the order of the keys.
    pub(super) fn value(&self, index: usize) -> Option<&Value> {
        self.object.values().get(index)
    }

    /// Is that object from now on. `is_like` says whether it had anything in common with the last.
    pub(super) fn become_like(
        &mut self,
        text: &'a [u8],
        members: &[Member],
        object: &Object,
        levels: usize,
        is_like: bool,
    ) {
        self.strange = if is_like { 0 } else { self.strange.saturating_add(1) };
        if self.strange < MOST_STRANGE {
            (self.text, self.object, self.levels) = (text, object.clone(), levels);
            self.members.clear();
            self.members.extend_from_slice(members);
        } else if !self.members.is_empty() {
            *self = Self { strange: self.strange, ..Self::default() };
        }
    }
}

/// How many bytes both begin with.
fn same_len(a: &[u8], b: &[u8]) -> usize {
    let mut same = 0;
    let left = |same| [a, b].map(|bytes: &[u8]| bytes.get(same..).unwrap_or_default());
    let [long_a, long_b] = [a, b].map(|bytes| bytes.as_chunks::<32>().0);
    same += 32 * long_a.iter().zip(long_b).take_while(|(a, b)| a == b).count();
    let [words_a, words_b] = left(same).map(|bytes| bytes.as_chunks().0);
    for (a, b) in words_a.iter().zip(words_b) {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return same + differing.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    let [a, b] = left(same);
    same + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_begin_with_is_counted_to_the_byte() {
        let text: Vec<u8> = (0..40).collect();
        for len in 0..text.len() {
            let mut other = text.clone();
            assert_eq!(same_len(&text, &other[..len]), len);
            assert_eq!(same_len(&other[..len], &text), len);
            other[len] ^= 0x80;
            assert_eq!(same_len(&text, &other), len);
            assert_eq!(same_len(&text[..len], &other[..len]), len);
        }
    }
}
