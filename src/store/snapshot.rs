//! What a room is when nobody is in it, as JSON that stock rooms read and write.

use super::applied::{AppliedPush, PushClient};
use crate::error::JsonError;
use crate::ids::{ClientId, Identity, RecordId};
use crate::schema::{SchemaError, SerializedSchema};
use crate::value::{Number, Object, Value};
use alloc::vec::Vec;

/// All that a room keeps: records, tombstones, clock and schema, and which pushes took effect.
///
/// ```
/// let json = r#"{"documentClock":3,"tombstoneHistoryStartsAtClock":0,
///     "documents":[{"state":{"id":"page:a","typeName":"page"},"lastChangedClock":3}],
///     "tombstones":{"page:b":2}}"#;
/// let snapshot = roomsync::RoomSnapshot::from_value(&json.parse()?)?;
/// assert_eq!((snapshot.clock, snapshot.documents.len()), (3, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomSnapshot {
    /// The room's clock.
    pub clock: u64,
    /// The clock since which removals are known.
    pub tombstone_history_starts_at: u64,
    /// The records, each with the clock of its last change.
    pub documents: Vec<(Object, u64)>,
    /// Removed ids, each with the clock of its removal.
    pub tombstones: Vec<(RecordId, u64)>,
    /// What the records are of, or `None` when the room has not seen a client yet.
    pub schema: Option<SerializedSchema>,
    /// Of each client that counts its pushes the last, the oldest first. Stock rooms ignore them.
    pub applied_pushes: Vec<AppliedPush>,
}

/// Why a value is not a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The text is not JSON.
    Json(JsonError),
    /// The field is missing or of another type.
    Field(&'static str),
    /// The schema is not a serialized schema.
    Schema(SchemaError),
}

crate::error::display!(SnapshotError, self, f => match self {
    Self::Json(error) => write!(f, "the snapshot is not JSON: {error}"),
    Self::Field(name) => write!(f, "the snapshot's `{name}` is missing or of the wrong type"),
    Self::Schema(error) => write!(f, "the snapshot's `schema` cannot be read: {error}"),
});

impl RoomSnapshot {
    /// Reads the JSON of a snapshot.
    ///
    /// # Errors
    ///
    /// When the text is not a snapshot.
    pub fn from_json(text: &str) -> Result<Self, SnapshotError> {
        Self::from_value(&text.parse().map_err(SnapshotError::Json)?)
    }

    /// Reads a snapshot, whether of this crate or of a stock room.
    ///
    /// # Errors
    ///
    /// When a field is missing or of the wrong type. Whether the records can be opened is known
    /// only once a room is restored from them.
    pub fn from_value(value: &Value) -> Result<Self, SnapshotError> {
        let object = value.as_object().ok_or(SnapshotError::Field("documents"))?;
        let clock = object.get("documentClock").or_else(|| object.get("clock"));
        let clock = as_clock(clock).ok_or(SnapshotError::Field("documentClock"))?;
        let documents = object.get("documents").and_then(Value::as_array);
        let documents = documents.ok_or(SnapshotError::Field("documents"))?;
        let tombstones = match object.get("tombstones") {
            Some(tombstones) => {
                let entries = tombstones.as_object().ok_or(SnapshotError::Field("tombstones"))?;
                entries.iter().map(tombstone).collect::<Option<Vec<_>>>()
            }
            None => Some(Vec::new()),
        };
        let applied = match object.get("appliedPushes") {
            Some(applied) => {
                let entries = applied.as_array().ok_or(SnapshotError::Field("appliedPushes"))?;
                entries.iter().map(AppliedPush::from_value).collect::<Option<Vec<_>>>()
            }
            None => Some(Vec::new()),
        };
        let start = object.get("tombstoneHistoryStartsAtClock");
        Ok(Self {
            clock,
            // A snapshot that does not say has lost track of what was removed before it.
            tombstone_history_starts_at: match start {
                Some(_) => {
                    as_clock(start).ok_or(SnapshotError::Field("tombstoneHistoryStartsAtClock"))?
                }
                None => clock,
            },
            documents: documents
                .iter()
                .map(document)
                .collect::<Option<_>>()
                .ok_or(SnapshotError::Field("documents"))?,
            tombstones: tombstones.ok_or(SnapshotError::Field("tombstones"))?,
            schema: object
                .get("schema")
                .map(SerializedSchema::from_value)
                .transpose()
                .map_err(SnapshotError::Schema)?,
            applied_pushes: applied.ok_or(SnapshotError::Field("appliedPushes"))?,
        })
    }

    /// The snapshot as the JSON value that stock rooms read.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let documents = self.documents.iter().map(|(state, clock)| {
            let fields =
                [("state", Value::from(state.clone())), ("lastChangedClock", Value::from(*clock))];
            Value::from(fields.into_iter().collect::<Object>())
        });
        let tombstones = self.tombstones.iter().map(|(id, clock)| (id.as_str(), *clock));
        let mut object: Object = [
            ("documentClock", Value::from(self.clock)),
            ("tombstoneHistoryStartsAtClock", Value::from(self.tombstone_history_starts_at)),
            ("documents", Value::from(documents.collect::<Vec<_>>())),
            ("tombstones", Value::from(tombstones.collect::<Object>())),
        ]
        .into_iter()
        .collect();
        if let Some(schema) = &self.schema {
            object.insert("schema", schema.to_value());
        }
        if !self.applied_pushes.is_empty() {
            let applied: Vec<Value> =
                self.applied_pushes.iter().map(AppliedPush::to_value).collect();
            object.insert("appliedPushes", applied);
        }
        Value::from(object)
    }
}

fn document(value: &Value) -> Option<(Object, u64)> {
    let document = value.as_object()?;
    let state = document.get("state")?.as_object()?;
    Some((state.clone(), as_clock(document.get("lastChangedClock"))?))
}

fn tombstone((id, clock): (&crate::Key, &Value)) -> Option<(RecordId, u64)> {
    Some((RecordId::from(id.as_str()), as_clock(Some(clock))?))
}

impl AppliedPush {
    /// The push as it stands in the JSON of a snapshot.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = self.client.to_object();
        object.insert("clientClock", self.client_clock);
        object.insert("order", self.order);
        Value::from(object)
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let push = value.as_object()?;
        Some(Self {
            client: PushClient::from_value(value)?,
            client_clock: as_clock(push.get("clientClock"))?,
            order: as_clock(push.get("order"))?,
        })
    }
}

impl PushClient {
    /// The client as it stands in the JSON of a snapshot.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::from(self.to_object())
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let client = value.as_object()?;
        let identity = match client.get("identity") {
            Some(identity) => Some(Identity::from(identity.as_str()?)),
            None => None,
        };
        Some(Self { identity, client: ClientId::from(client.get("clientId")?.as_str()?) })
    }

    fn to_object(&self) -> Object {
        let mut object: Object = [("clientId", self.client.as_str())].into_iter().collect();
        if let Some(identity) = &self.identity {
            object.insert("identity", identity.as_str());
        }
        object
    }
}

pub(crate) fn as_clock(value: Option<&Value>) -> Option<u64> {
    let clock = value.and_then(Value::as_number).and_then(Number::as_i64)?;
    u64::try_from(clock).ok()
}
