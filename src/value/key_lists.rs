//! How objects of the same keys come to share one list of them.

use super::{Object, Value, write_string};
use crate::ids::Key;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;

/// The lists of keys that were met, as a tree: each node is a key after those on the way to it.
///
/// Bounded in nodes, branches and length, so that nobody can choose keys that make it slow or large.
/// What does not fit is not shared.
#[derive(Clone, Default)]
pub(crate) struct KeyLists {
    nodes: Vec<Node>,
    /// The nodes that stand first.
    roots: Vec<usize>,
    /// The one with which the last object began that stands in no other.
    first_at_top: Option<usize>,
}

impl fmt::Debug for KeyLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes.iter().map(|node| (node.parent, &node.key))).finish()
    }
}

#[derive(Clone)]
struct Node {
    key: Key,
    in_json: InJson,
    parent: Option<usize>,
    len: usize,
    next: Vec<usize>,
    /// The one of them that was taken last.
    last: Option<usize>,
    /// The one with which the last object began that stood at this key.
    first_inside: Option<usize>,
    /// The keys up to here, once an object has ended here.
    list: Option<List>,
}

/// A key as JSON has it, with the colon after it. Empty where that takes escapes.
#[derive(Clone)]
struct InJson {
    text: Vec<u8>,
    /// The first bytes of the text as a number, and which bytes of it count.
    head: u128,
    mask: u128,
}

#[derive(Clone)]
struct List {
    sorted: Arc<[Key]>,
    /// Where on the way each of `sorted` stands, if the way is not sorted.
    order: Option<Arc<[usize]>>,
    /// Where among `sorted` each key on the way stands, if that is elsewhere.
    places: Option<Arc<[usize]>>,
}

/// The keys of an object that were met so far, in the order in which they came.
#[derive(Debug)]
pub(crate) enum Path {
    /// None yet of an object that stands at the key of a node, or in no other object.
    Begin(Option<usize>),
    /// Those on the way to a node.
    At(usize),
    /// Those that have no node.
    Loose(Vec<Key>),
}

const MOST_NODES: usize = 4096;
const MOST_BRANCHES: usize = 64;
const LONGEST_LIST: usize = 64;

impl Path {
    /// The node of the last key.
    pub(crate) const fn node(&self) -> Option<usize> {
        match self {
            Self::At(node) => Some(*node),
            Self::Begin(_) | Self::Loose(_) => None,
        }
    }
}

impl KeyLists {
    /// Appends the key with which `json` begins to the path, if it is the one that came there the last
    /// time. Returns how many bytes it takes, its colon included.
    pub(crate) fn follow_again(&self, path: &mut Path, json: &[u8]) -> Option<usize> {
        let expected = self.expected(path)?;
        let len = self.begins(expected, json)?;
        *path = Path::At(expected);
        Some(len)
    }

    /// How many bytes the key of a node takes, its colon included, if `json` begins with it.
    pub(super) fn begins(&self, node: usize, json: &[u8]) -> Option<usize> {
        let in_json = &self.nodes.get(node)?.in_json;
        in_json.begins(json).then_some(in_json.text.len())
    }

    /// What came after the path the last time.
    #[inline]
    pub(crate) fn expected(&self, path: &Path) -> Option<usize> {
        match path {
            Path::Loose(_) => None,
            Path::Begin(None) => self.first_at_top,
            Path::Begin(Some(around)) => self.nodes.get(*around)?.first_inside,
            Path::At(node) => self.nodes.get(*node)?.last,
        }
    }

    /// Appends `key` to the path.
    pub(crate) fn follow(&mut self, path: &mut Path, key: &str) {
        let here = match path {
            Path::Loose(keys) => return keys.push(Key::from(key)),
            Path::Begin(_) => None,
            Path::At(node) => Some(*node),
        };
        let child = self.child(here, key).or_else(|| self.grow(here, key));
        if let Some(expected) = self.expected_mut(path) {
            *expected = child;
        }
        *path = match child {
            Some(child) => Path::At(child),
            None => {
                let mut keys = self.keys_to(here);
                keys.push(Key::from(key));
                Path::Loose(keys)
            }
        };
    }

    /// The object of the keys on the path and their `values`, which are taken.
    pub(crate) fn object(&mut self, path: Path, values: &mut [Value]) -> Object {
        match path {
            Path::Begin(_) => Object::new(),
            Path::Loose(keys) => keys.into_iter().zip(values.iter_mut().map(take)).collect(),
            Path::At(node) => {
                let Some(List { sorted, order, .. }) = self.list(node) else {
                    return Object::new();
                };
                let keys = Arc::clone(sorted);
                match order {
                    None => Object::from_sorted(keys, values.iter_mut().map(take)),
                    Some(order) => {
                        let value = |at: &usize| values.get_mut(*at).map(take).unwrap_or_default();
                        Object::from_sorted(keys, order.iter().map(value))
                    }
                }
            }
        }
    }

    /// Where among the values of an object of the keys up to `node` that of each key on the way stands, if
    /// they are not in that order.
    pub(super) fn places(&self, node: usize) -> Option<&Arc<[usize]>> {
        self.nodes.get(node)?.list.as_ref()?.places.as_ref()
    }

    /// Lets `object`, and what stands inside of it, share lists of keys with others that this was done
    /// to. What is shared as a whole stays as it is.
    pub(crate) fn share(&mut self, object: &mut Object) {
        let Some((keys, values)) = object.parts_mut() else { return };
        for value in values {
            self.share_inside(value);
        }
        if let Some(shared) = self.number_of(keys).and_then(|number| self.numbered(number)) {
            *keys = shared;
        }
    }

    /// The number of a list of keys, which are sorted. It is one for ever.
    pub(crate) fn number_of(&mut self, keys: &[Key]) -> Option<usize> {
        let mut path = Path::Begin(None);
        for key in keys {
            self.follow(&mut path, key);
        }
        match path {
            Path::At(node) => self.list(node).map(|_| node),
            Path::Begin(_) | Path::Loose(_) => None,
        }
    }

    /// The list of that number.
    pub(crate) fn numbered(&self, number: usize) -> Option<Arc<[Key]>> {
        let list = self.nodes.get(number)?.list.as_ref()?;
        Some(Arc::clone(&list.sorted))
    }

    /// As [`Self::share`] for any value.
    pub(crate) fn share_inside(&mut self, value: &mut Value) {
        match value {
            Value::Object(object) => self.share(object),
            Value::Array(array) => {
                for item in array.unshared_mut() {
                    self.share_inside(item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The same, to be changed.
    fn expected_mut(&mut self, path: &Path) -> Option<&mut Option<usize>> {
        match path {
            Path::Loose(_) => None,
            Path::Begin(None) => Some(&mut self.first_at_top),
            Path::Begin(Some(around)) => Some(&mut self.nodes.get_mut(*around)?.first_inside),
            Path::At(node) => Some(&mut self.nodes.get_mut(*node)?.last),
        }
    }

    fn child(&self, here: Option<usize>, key: &str) -> Option<usize> {
        let is_it = |node: &&usize| self.nodes.get(**node).is_some_and(|node| *node.key == *key);
        self.branches(here)?.iter().find(is_it).copied()
    }

    fn branches(&self, here: Option<usize>) -> Option<&[usize]> {
        match here {
            None => Some(&self.roots),
            Some(node) => self.nodes.get(node).map(|node| &*node.next),
        }
    }

    fn branches_mut(&mut self, here: Option<usize>) -> Option<&mut Vec<usize>> {
        match here {
            None => Some(&mut self.roots),
            Some(node) => self.nodes.get_mut(node).map(|node| &mut node.next),
        }
    }

    /// A node for `key` after `here`, if there may be one more. None for keys that come twice or that
    /// no object stores, so that the keys on a way are those of an object.
    fn grow(&mut self, here: Option<usize>, key: &str) -> Option<usize> {
        let len = here.and_then(|here| self.nodes.get(here)).map_or(1, |node| node.len + 1);
        let is_full = self.nodes.len() >= MOST_NODES
            || len > LONGEST_LIST
            || self.branches(here)?.len() >= MOST_BRANCHES;
        if is_full || !Object::stores(key) || self.way_to(here).any(|node| *node.key == *key) {
            return None;
        }
        let child = self.nodes.len();
        self.nodes.push(Node {
            key: Key::from(key),
            in_json: InJson::new(key),
            parent: here,
            len,
            next: Vec::new(),
            last: None,
            first_inside: None,
            list: None,
        });
        self.branches_mut(here)?.push(child);
        Some(child)
    }

    /// The nodes to `here`, the last first.
    fn way_to(&self, here: Option<usize>) -> impl Iterator<Item = &Node> {
        let node = move |at: Option<usize>| at.and_then(|at| self.nodes.get(at));
        core::iter::successors(node(here), move |last| node(last.parent))
    }

    fn keys_to(&self, here: Option<usize>) -> Vec<Key> {
        let mut keys: Vec<Key> = self.way_to(here).map(|node| node.key.clone()).collect();
        keys.reverse();
        keys
    }

    fn list(&mut self, node: usize) -> Option<&List> {
        if self.nodes.get(node)?.list.is_none() {
            let way = self.keys_to(Some(node));
            let mut sorted: Vec<(Key, usize)> = way.into_iter().zip(0..).collect();
            let is_sorted = sorted.is_sorted();
            sorted.sort_unstable();
            let order: Option<Arc<[usize]>> =
                (!is_sorted).then(|| sorted.iter().map(|(_, at)| *at).collect());
            let places = order.as_ref().map(|order| {
                let mut places: Vec<(usize, usize)> = order.iter().copied().zip(0..).collect();
                places.sort_unstable();
                places.into_iter().map(|(_, place)| place).collect()
            });
            let sorted = sorted.into_iter().map(|(key, _)| key).collect();
            self.nodes.get_mut(node)?.list = Some(List { sorted, order, places });
        }
        self.nodes.get(node)?.list.as_ref()
    }
}

impl InJson {
    fn new(key: &str) -> Self {
        let mut text = Vec::new();
        write_string(&mut text, key);
        text.push(b':');
        if text.len() > key.len() + 3 {
            text.clear();
        }
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(&text).for_each(|(byte, of)| *byte = *of);
        let unused = u32::try_from(16_usize.saturating_sub(text.len())).unwrap_or(0);
        let mask = u128::MAX.checked_shr(unused * 8).unwrap_or(0);
        Self { text, head: u128::from_le_bytes(bytes), mask }
    }

    /// Whether `json` begins with the key.
    fn begins(&self, json: &[u8]) -> bool {
        let Some(head) = json.first_chunk() else {
            return !self.text.is_empty() && json.starts_with(&self.text);
        };
        let is_begun = u128::from_le_bytes(*head) & self.mask == self.head;
        // One without a text would begin anything.
        is_begun && self.mask != 0 && (self.text.len() <= 16 || json.starts_with(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    fn object(lists: &mut KeyLists, keys: &[&str]) -> Object {
        let mut path = Path::Begin(None);
        for key in keys {
            lists.follow(&mut path, key);
        }
        lists.object(path, &mut (0..keys.len() as u64).map(Value::from).collect::<Vec<_>>())
    }

    fn shares(a: &Object, b: &Object) -> bool {
        a.keys_ptr_eq(b)
    }

    #[test]
    fn objects_of_the_same_keys_in_the_same_order_share_them() {
        let mut lists = KeyLists::default();
        let [a, b] = [(); 2].map(|()| object(&mut lists, &["x", "y"]));
        assert_eq!((a.to_string(), &a), (r#"{"x":0,"y":1}"#.into(), &b));
        assert!(shares(&a, &b));
        let [c, d] = [(); 2].map(|()| object(&mut lists, &["y", "a", "x"]));
        assert_eq!((c.to_string(), &c), (r#"{"a":1,"x":2,"y":0}"#.into(), &d));
        assert!(shares(&c, &d));
        assert_eq!(object(&mut lists, &[]), Object::new());
    }

    #[test]
    fn keys_that_come_twice_or_are_not_stored_are_as_in_any_object() {
        let mut lists = KeyLists::default();
        assert_eq!(object(&mut lists, &["a", "b", "a"]).to_string(), r#"{"a":2,"b":1}"#);
        assert_eq!(object(&mut lists, &["a", "__proto__", "c"]).to_string(), r#"{"a":0,"c":2}"#);
    }

    #[test]
    fn what_was_made_apart_comes_to_share_its_keys() {
        let mut lists = KeyLists::default();
        let text = r#"{"b":{"y":1,"x":[{"q":1}]},"a":1}"#;
        let [mut a, mut b] = [(); 2].map(|()| text.parse::<Object>().unwrap());
        lists.share(&mut a);
        lists.share(&mut b);
        let inner = |object: &Object| object.get("b").unwrap().as_object().unwrap().clone();
        let deep = |object: &Object| {
            inner(object).get("x").unwrap().as_array().unwrap()[0].as_object().unwrap().clone()
        };
        assert!(shares(&a, &b) && shares(&inner(&a), &inner(&b)) && shares(&deep(&a), &deep(&b)));
        assert_eq!(a, text.parse().unwrap());
    }

    #[test]
    fn nodes_branches_and_lengths_are_bounded() {
        let mut lists = KeyLists::default();
        let names: Vec<_> = (0..LONGEST_LIST + 2).map(|n| format!("key {n:03}")).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        for (keys, is_shared) in [(LONGEST_LIST, true), (LONGEST_LIST + 1, false)] {
            let [a, b] = [(); 2].map(|()| object(&mut lists, &names[..keys]));
            assert_eq!((a.len(), shares(&a, &b)), (keys, is_shared));
            assert_eq!(a, b);
        }
        for branch in 1..MOST_BRANCHES + 5 {
            let [a, b] = [(); 2].map(|()| object(&mut lists, &[&format!("branch {branch}")]));
            assert_eq!((a == b, shares(&a, &b)), (true, branch < MOST_BRANCHES));
        }
        for first in 0..MOST_NODES {
            let keys = [format!("branch {}", first % 63 + 1), format!("{first}")];
            object(&mut lists, &[&keys[0], &keys[1], &keys[0][..3], "z"]);
        }
        assert!(lists.nodes.len() <= MOST_NODES);
    }
}
