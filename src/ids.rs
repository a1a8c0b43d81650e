//! What names things: keys and records of the data, connections and links of the machines.

use alloc::string::String;
use arrayvec::ArrayString;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::ops::Deref;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident: $text:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($text);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self($text::new(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(&*text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdVisitor(PhantomData))
            }
        }
    };
}

string_id! {
    /// A key of an object. Short ones stand inline; long ones are shared.
    Key: SmolStr
}

string_id! {
    /// The id of a record, like `shape:abc`. Nothing in the protocol looks inside it.
    RecordId: InlineText
}

string_id! {
    /// What a client calls its session. It keeps the name over reconnects.
    SessionId: SmolStr
}

string_id! {
    /// What a client calls itself in all of its connections, so that the room knows which of its
    /// pushes it has taken. No two clients that run at the same time may share one. Where the host
    /// tells no [`Identity`], whoever knows a client's id can pass for that client: choose it at
    /// random. The room tells it to nobody.
    ClientId: SmolStr
}

string_id! {
    /// Who a peer is, as the host has made sure of.
    Identity: SmolStr
}

struct IdVisitor<T>(PhantomData<T>);

impl<T: for<'a> From<&'a str>> Visitor<'_> for IdVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from(text))
    }
}

/// A text that stands inline if it is as short as common ids are: a search in a map of them then looks
/// at what stands side by side. Longer ones are shared.
#[derive(Clone)]
enum InlineText {
    Inline(ArrayString<INLINE>),
    Shared(SmolStr),
}

/// The longest text that stands inline, in bytes.
const INLINE: usize = 32;

impl InlineText {
    fn new(text: &str) -> Self {
        ArrayString::from(text).map_or_else(|_| Self::Shared(SmolStr::new(text)), Self::Inline)
    }
}

impl Deref for InlineText {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Inline(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for InlineText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for InlineText {}

impl PartialOrd for InlineText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InlineText {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for InlineText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

macro_rules! counter_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u64);

        impl $name {
            /// The number behind the id, for logs and for other languages.
            #[must_use]
            pub const fn as_u64(self) -> u64 {
                self.0
            }

            /// The id with that number, as another language hands it back.
            #[must_use]
            pub const fn from_u64(number: u64) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter_id! {
    /// A room's name for one connection. Never reused, so late input of a dead one is harmless.
    ConnectionId
}

counter_id! {
    /// A client's name for one subscription to a query. Never reused.
    QueryId
}

counter_id! {
    /// A client's name for one connection. Never reused, so late input of a dead one is harmless.
    LinkId
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn ids_inline_or_not_are_their_texts() {
        let texts = (INLINE - 2..=INLINE + 2).flat_map(|len| {
            let text =
                |last: &str| "ä".repeat(len / 2 - 1) + if len % 2 == 1 { "b" } else { "" } + last;
            [text("a"), text("b"), text("ä")]
        });
        let texts: Vec<String> = texts.collect();
        for (a, id_a) in texts.iter().map(|text| (text, RecordId::from(text.as_str()))) {
            assert_eq!(id_a.as_str(), a);
            assert_eq!(matches!(id_a.0, InlineText::Inline(_)), a.len() <= INLINE);
            for (b, id_b) in texts.iter().map(|text| (text, RecordId::from(text.clone()))) {
                assert_eq!((id_a.cmp(&id_b), id_a == id_b), (a.cmp(b), a == b));
            }
        }
    }
}
