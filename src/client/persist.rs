//! What a client asks its host to keep, and in which form.
//!
//! A set of entries, each a value under a key, so that it fits a table of two columns as well as a
//! file that lines are added to. The keys:
//!
//! | key | value |
//! | --- | --- |
//! | `meta` | `{"format":1,"clientId","serverClock","lastPush","lastAckedPush"}` |
//! | `schema` | the serialized schema that the records are of |
//! | `record/<id>` | a record as the room has confirmed it |
//! | `aside/<id>` | a record of the room that the client could not read |
//! | `push/<number>` | the diff of a push that the room has not answered |
//! | `edit/<id>` | the op of what is not pushed yet of a document |
//! | `outrun/<id>` | the last push that was pending when others removed the document |

use crate::diff::{NetworkDiff, RecordOp};
use crate::error::{JsonError, RestoreError};
use crate::ids::{ClientId, Key, RecordId};
use crate::schema::SerializedSchema;
use crate::value::{Number, Object, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use core::fmt;
use core::str::FromStr;

/// The form in which entries are written.
const FORMAT: i64 = 1;

/// Entries of what a client keeps that are new or gone. To be made durable all or none.
///
/// Written as JSON it is one line: an object from key to value, with `null` for what is gone.
///
/// ```
/// use roomsync::{ClientCommit, ClientSnapshot};
///
/// let mut kept = ClientSnapshot::default();
/// for line in [r#"{"edit/note:a":["remove"],"meta":{"format":1}}"#, r#"{"edit/note:a":null}"#] {
///     kept.apply(&line.parse::<ClientCommit>()?);
/// }
/// assert_eq!(kept.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["meta"]);
/// # Ok::<(), roomsync::JsonError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCommit(Object);

/// All that a client keeps: what its commits, one after the other, have left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSnapshot(BTreeMap<Key, Value>);

impl ClientCommit {
    /// The entries, in order of their keys. Each takes the place of the one with that key; `None`
    /// stands for one that is gone.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, Option<&Value>)> {
        self.0.iter().map(|(key, value)| (key, (*value != Value::Null).then_some(value)))
    }
}

impl FromIterator<(Key, Option<Value>)> for ClientCommit {
    fn from_iter<I: IntoIterator<Item = (Key, Option<Value>)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
    }
}

impl fmt::Display for ClientCommit {
    /// Writes the commit as one line of JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ClientCommit {
    type Err = JsonError;

    /// Reads the JSON of a commit.
    fn from_str(text: &str) -> Result<Self, JsonError> {
        text.parse().map(Self)
    }
}

impl ClientSnapshot {
    /// Takes over what a commit says.
    pub fn apply(&mut self, commit: &ClientCommit) {
        for (key, value) in commit.iter() {
            match value {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }

    /// The entries, in order of their keys.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Value)> {
        self.0.iter()
    }

    /// Whether nothing is kept: a client restored from it begins anew.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Key, Value)> for ClientSnapshot {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// What of a client is known beside its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) client_id: Option<ClientId>,
    pub(super) server_clock: Option<u64>,
    pub(super) last_push: u64,
    pub(super) last_acked_push: u64,
}

/// An entry, as it is understood.
pub(super) enum Entry {
    Meta(Meta),
    Schema(SerializedSchema),
    Record(RecordId, Object),
    Aside(RecordId, Object),
    Push(u64, NetworkDiff),
    Edit(RecordId, RecordOp),
    Outrun(RecordId, u64),
}

pub(super) fn meta_key() -> Key {
    Key::from("meta")
}

pub(super) fn schema_key() -> Key {
    Key::from("schema")
}

pub(super) fn record_key(id: &RecordId) -> Key {
    Key::from(format!("record/{id}"))
}

pub(super) fn aside_key(id: &RecordId) -> Key {
    Key::from(format!("aside/{id}"))
}

pub(super) fn push_key(clock: u64) -> Key {
    Key::from(format!("push/{clock}"))
}

pub(super) fn edit_key(id: &RecordId) -> Key {
    Key::from(format!("edit/{id}"))
}

pub(super) fn outrun_key(id: &RecordId) -> Key {
    Key::from(format!("outrun/{id}"))
}

impl Meta {
    pub(super) fn to_value(&self) -> Value {
        let mut object: Object = [
            ("format", Value::from(FORMAT)),
            ("lastPush", Value::from(self.last_push)),
            ("lastAckedPush", Value::from(self.last_acked_push)),
        ]
        .into_iter()
        .collect();
        if let Some(client_id) = &self.client_id {
            object.insert("clientId", client_id.as_str());
        }
        if let Some(server_clock) = self.server_clock {
            object.insert("serverClock", server_clock);
        }
        Value::from(object)
    }

    fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let number = |key: &str| -> Option<Option<u64>> {
            let Some(value) = object.get(key) else { return Some(None) };
            u64::try_from(value.as_number().and_then(Number::as_i64)?).ok().map(Some)
        };
        let client_id = match object.get("clientId") {
            Some(client_id) => Some(ClientId::from(client_id.as_str()?)),
            None => None,
        };
        Some(Self {
            client_id,
            server_clock: number("serverClock")?,
            last_push: number("lastPush")?.unwrap_or(0),
            last_acked_push: number("lastAckedPush")?.unwrap_or(0),
        })
    }
}

impl Entry {
    pub(super) fn read(key: &Key, value: &Value) -> Result<Self, RestoreError> {
        if *key == meta_key() {
            let format = value.as_object().and_then(|meta| meta.get("format"));
            if format.and_then(Value::as_number).and_then(Number::as_i64) != Some(FORMAT) {
                return Err(RestoreError::UnknownFormat);
            }
        }
        Self::understood(key, value).ok_or_else(|| RestoreError::BadEntry(key.clone()))
    }

    fn understood(key: &Key, value: &Value) -> Option<Self> {
        if let Some(id) = key.strip_prefix("record/") {
            return Some(Self::Record(id.into(), value.as_object()?.clone()));
        }
        if let Some(id) = key.strip_prefix("aside/") {
            return Some(Self::Aside(id.into(), value.as_object()?.clone()));
        }
        if let Some(clock) = key.strip_prefix("push/") {
            return Some(Self::Push(clock.parse().ok()?, NetworkDiff::from_value(value)?));
        }
        if let Some(id) = key.strip_prefix("edit/") {
            let only: Object = [(id, value.clone())].into_iter().collect();
            let (id, op) = NetworkDiff::from_value(&only.into())?.into_iter().next()?;
            return Some(Self::Edit(id, op));
        }
        if let Some(id) = key.strip_prefix("outrun/") {
            let clock = u64::try_from(value.as_number()?.as_i64()?).ok()?;
            return Some(Self::Outrun(id.into(), clock));
        }
        match key.as_str() {
            "meta" => Meta::from_value(value).map(Self::Meta),
            "schema" => SerializedSchema::from_value(value).ok().map(Self::Schema),
            _ => None,
        }
    }
}
