//! What names things: keys and records of the data, connections and links of the machines.

use alloc::string::String;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

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
                Self(SmolStr::new(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(SmolStr::from(text))
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
                deserializer.deserialize_str(SmolStrVisitor).map(Self)
            }
        }
    };
}

string_id! {
    /// A key of an object. Short ones stand inline; long ones are shared.
    Key
}

string_id! {
    /// The id of a record, like `shape:abc`. Nothing in the protocol looks inside it.
    RecordId
}

string_id! {
    /// What a client calls its session. It keeps the name over reconnects.
    SessionId
}

string_id! {
    /// What a client calls itself in all of its connections, so that the room knows which of its
    /// pushes it has taken. No two clients that run at the same time may share one. Where the host
    /// tells no [`Identity`], whoever knows a client's id can pass for that client: choose it at
    /// random. The room tells it to nobody.
    ClientId
}

string_id! {
    /// Who a peer is, as the host has made sure of.
    Identity
}

struct SmolStrVisitor;

impl Visitor<'_> for SmolStrVisitor {
    type Value = SmolStr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SmolStr, E> {
        Ok(SmolStr::new(text))
    }
}

impl RecordId {
    /// The text, which costs no copy.
    pub(crate) fn shared(&self) -> SmolStr {
        self.0.clone()
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
