//! How an object of a JSON text is read: like the one before it at the same place, for as long as both
//! say the same. That is compared and shared instead of read. Most of what an object says was said by
//! the one before.

use super::key_lists::Path;
use super::read::Reader;
use super::{Object, Value};
use crate::error::JsonError;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::{replace, take};

/// Where so many objects in a row had nothing in common, none is compared any more.
const MOST_STRANGE: u8 = 8;

/// The last object at a place.
#[derive(Default)]
pub(super) struct Model<'a> {
    /// From behind its opening brace to its closing one, which is included.
    text: &'a [u8],
    /// In the order of the text. None if there is nothing to compare with.
    members: Vec<Member>,
    /// Where among the object's values that of each member stands, if they are in another order.
    places: Option<Arc<[usize]>>,
    object: Object,
    /// How deep the values in it might have nested.
    levels: usize,
    /// How many objects in a row had nothing in common with the one before.
    strange: u8,
}

/// A member of an object.
#[derive(Clone, Copy)]
struct Member {
    /// The node of its key in the lists of keys.
    node: usize,
    /// How many bytes it takes with the comma before it.
    len: usize,
}

/// How an object begins: with members whose keys are those of its model.
#[derive(Default)]
struct Begun {
    members: usize,
    /// Where the last of them ends.
    end: usize,
    /// Whether there are no more. Otherwise the next key follows.
    is_closed: bool,
    /// Whether anything is the same as in the model.
    is_like: bool,
    /// Whether all is.
    is_same: bool,
}

impl<'a> Reader<'a> {
    /// An object of at most so many nested levels, itself included.
    pub(crate) fn object(&mut self, levels: usize) -> Result<Object, JsonError> {
        let inner = self.inside(levels)?;
        self.expect(b'{', "an object")?;
        if self.take(b'}') {
            return Ok(Object::new());
        }
        let around = self.around;
        let place = around.map_or(0, |node| node + 1);
        let mut model = self.models.get_mut(place).map(take).unwrap_or_default();
        let object = self.rest_of_object(&mut model, inner)?;
        self.around = around;
        if self.models.len() <= place {
            self.models.resize_with(place + 1, Model::default);
        }
        if let Some(last) = self.models.get_mut(place) {
            *last = model;
        }
        Ok(object)
    }

    /// What follows an opening brace. It is the model from then on.
    fn rest_of_object(
        &mut self,
        model: &mut Model<'a>,
        levels: usize,
    ) -> Result<Object, JsonError> {
        let (from, around, first) = (self.at, self.around, self.changes.len());
        let begun = self.like(model, levels)?;
        if begun.is_same {
            return Ok(model.object.clone());
        }
        let object = if begun.is_closed && begun.members == model.members.len() {
            self.changed(model, first)
        } else {
            self.unlike(model, &begun, first, around, levels)?
        };
        let text = self.text.as_bytes().get(from..self.at).unwrap_or_default();
        model.become_like(text, &object, levels, begun.is_like);
        Ok(object)
    }

    /// The members for as long as their keys are those of the model. Values that are others are changes.
    fn like(&mut self, model: &mut Model<'a>, levels: usize) -> Result<Begun, JsonError> {
        let mut begun = Begun { end: self.at, ..Begun::default() };
        if model.levels > levels {
            return Ok(begun);
        }
        let (mut text, mut members) = (model.text, model.members.iter_mut().peekable());
        loop {
            let same = same_len(text, self.rest());
            let mut shared = 0;
            // What follows must be the same, too: more digits would make another number.
            while let Some(member) = members.next_if(|member| shared + member.len < same) {
                shared += member.len;
                begun.members += 1;
                begun.is_like = true;
            }
            let next = members.peek_mut();
            if next.is_none() && same == text.len() && begun.is_like {
                self.at += same;
                begun.is_closed = true;
                begun.is_same = text.len() == model.text.len();
                return Ok(begun);
            }
            self.at += shared;
            begun.end = self.at;
            if begun.members > 0 && !self.take(b',') {
                self.expect(b'}', "a comma or a closing brace")?;
                begun.is_closed = true;
                return Ok(begun);
            }
            let Some(Member { node, len }) = next else { return Ok(begun) };
            let Some(key) = self.key_lists.begins(*node, self.rest()) else { return Ok(begun) };
            self.at += key;
            self.around = Some(*node);
            let value = self.value(levels)?;
            self.changes.push((begun.members, value));
            shared += replace(len, self.at - begun.end);
            text = text.get(shared..).unwrap_or_default();
            members.next();
            begun.members += 1;
        }
    }

    /// The model's object with the changes from `first` on.
    fn changed(&mut self, model: &Model<'a>, first: usize) -> Object {
        let changes = self.changes.get_mut(first..).unwrap_or_default();
        if let Some(places) = &model.places {
            for (member, _) in &mut *changes {
                *member = places.get(*member).copied().unwrap_or_default();
            }
            changes.sort_unstable_by_key(|(place, _)| *place);
        }
        let object = model.object.with(changes);
        self.changes.truncate(first);
        object
    }

    /// An object from where its keys are no longer those of the model, whose members are then its own.
    fn unlike(
        &mut self,
        model: &mut Model<'a>,
        begun: &Begun,
        first_change: usize,
        around: Option<usize>,
        levels: usize,
    ) -> Result<Object, JsonError> {
        let first = self.values.len();
        let mut changes = self.changes.drain(first_change..).peekable();
        for member in 0..begun.members {
            let change = changes.next_if(|(changed, _)| *changed == member);
            let place = model.places.as_ref().and_then(|places| places.get(member).copied());
            let shared = || model.object.values().get(place.unwrap_or(member)).cloned();
            self.values.extend(change.map(|(_, value)| value).or_else(shared));
        }
        drop(changes);
        model.members.truncate(begun.members);
        let mut path = match model.members.last() {
            Some(last) => Path::At(last.node),
            None => Path::Begin(around),
        };
        let (mut end, mut is_closed) = (begun.end, begun.is_closed);
        while !is_closed {
            let value = self.new_member(&mut path, levels)?;
            self.values.push(value);
            model
                .members
                .push(Member { node: path.node().unwrap_or_default(), len: self.at - end });
            end = self.at;
            is_closed = !self.take(b',');
            if is_closed {
                self.expect(b'}', "a comma or a closing brace")?;
            }
        }
        let node = path.node();
        let object = self.key_lists.object(path, self.values.get_mut(first..).unwrap_or_default());
        self.values.truncate(first);
        match node {
            Some(node) => model.places = self.key_lists.places(node).cloned(),
            None => model.members.clear(),
        }
        Ok(object)
    }

    /// The next key, which is appended to the path, and the value at it.
    fn new_member(&mut self, path: &mut Path, levels: usize) -> Result<Value, JsonError> {
        match self.key_lists.follow_again(path, self.rest()) {
            Some(len) => self.at += len,
            None => {
                let key = self.key()?;
                self.key_lists.follow(path, &key);
            }
        }
        self.around = path.node();
        self.value(levels)
    }
}

impl<'a> Model<'a> {
    /// Is that object of its members from now on. `is_like` says whether it had anything in common with
    /// the last.
    fn become_like(&mut self, text: &'a [u8], object: &Object, levels: usize, is_like: bool) {
        self.strange = if is_like { 0 } else { self.strange.saturating_add(1) };
        if self.strange < MOST_STRANGE {
            (self.text, self.object, self.levels) = (text, object.clone(), levels);
        } else {
            *self = Self { strange: self.strange, ..Self::default() };
        }
    }
}

/// How many bytes both begin with.
fn same_len(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let [Some(a), Some(b)] = [a, b].map(|bytes| bytes.get(..len)) else { return 0 };
    let [(words_a, rest_a), (words_b, rest_b)] = [a, b].map(<[u8]>::as_chunks);
    for (at, (a, b)) in words_a.iter().zip(words_b).enumerate() {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return 8 * at + differing.trailing_zeros() as usize / 8;
        }
    }
    len - rest_a.len() + rest_a.iter().zip(rest_b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const OBJECTS: [&str; 13] = [
        r#"{"b":1,"a":2}"#,
        r#"{"b":3,"a":2}"#,
        r#"{"b":1,"a":22}"#,
        r#"{"b":1}"#,
        r#"{"b":1,"a":2,"c":3}"#,
        r#"{"b":1,"x":2}"#,
        r#"{"a":2,"b":1}"#,
        r#"{ "b":1 ,"a": 2 }"#,
        r#"{"b":{"b":1,"a":2},"a":[{"b":1}]}"#,
        r#"{"b":{"b":1,"a":3},"a":[{"b":4}]}"#,
        r#"{"b":1,"b":2}"#,
        r#"{"__proto__":1,"a":2}"#,
        "{}",
    ];

    #[test]
    fn an_object_is_read_as_it_would_be_alone_whatever_came_before() {
        for first in OBJECTS {
            for second in OBJECTS {
                for third in OBJECTS {
                    let together: Value = format!("[{first},{second},{third}]").parse().unwrap();
                    let alone = [first, second, third].map(|text| text.parse::<Value>().unwrap());
                    assert_eq!(together.as_array().unwrap()[..], alone, "{first} {second} {third}");
                }
            }
        }
    }

    #[test]
    fn what_begins_like_the_last_object_and_is_none_is_refused() {
        for first in OBJECTS {
            for text in [
                r#"{"b":1,"a":2"#,
                r#"{"b":1,}"#,
                r#"{"b":1"a":2}"#,
                r#"{"b":1,"a"}"#,
                r#"{"b":1,"a":}"#,
            ] {
                assert!(format!("[{first},{text}]").parse::<Value>().is_err(), "{first} {text}");
            }
        }
    }

    #[test]
    fn what_was_allowed_to_nest_deeper_is_not_shared_where_that_is_too_deep() {
        let deep = r#"{"k":{"k":{}}}"#;
        let read = |text: &str, levels| {
            Reader::read(text, |reader| {
                reader.expect(b'[', "an array")?;
                let first = reader.object(levels)?;
                reader.expect(b',', "a comma")?;
                let second = reader.object(3)?;
                reader.expect(b']', "the end")?;
                Ok::<_, JsonError>((first, second))
            })
        };
        let text = format!("[{deep},{deep}]");
        assert!(read(&text, 3).is_ok_and(|(first, second)| first.ptr_eq(&second)));
        let deeper = format!("[{{\"k\":{deep}}},{{\"k\":{deep}}}]");
        assert!(read(&deeper, 4).is_err());
    }

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
