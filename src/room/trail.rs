//! Commits as JSON, each a line of a trail that lasts.

use super::{Change, Commit, Origin};
use crate::diff::{NetworkDiff, RecordOp};
use crate::ids::{Identity, RecordId};
use crate::schema::SerializedSchema;
use crate::store::{AppliedPush, Before, PushClient, as_clock};
use crate::value::{Object, Value};
use alloc::string::ToString;
use alloc::vec::Vec;

/// Why a value is not a commit: this field is missing or of the wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitError(pub &'static str);

crate::error::display!(CommitError, self, f => {
    write!(f, "the commit's `{}` is missing or of the wrong type", self.0)
});

impl Commit {
    /// The commit as a JSON value, whose text is one line: `clock`, `by` (`session`, `identity`,
    /// `clientClock`; `null` for the host), `changes` (`id`, `op`, `before`, `after`), and what
    /// else the room keeps of it. What is absent is left out.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let by = match &self.origin {
            Origin::Host => Value::Null,
            Origin::Session { session, identity, client_clock } => {
                let mut by: Object = [("session", session.as_str())].into_iter().collect();
                by.insert("clientClock", *client_clock);
                if let Some(identity) = identity {
                    by.insert("identity", identity.as_str());
                }
                Value::from(by)
            }
        };
        let changes: Vec<Value> = self.changes.iter().map(change_to_value).collect();
        let start = self.tombstone_history_starts_at;
        let mut object: Object = [
            ("clock", Value::from(self.clock)),
            ("by", by),
            ("changes", Value::from(changes)),
            ("tombstoneHistoryStartsAtClock", Value::from(start)),
        ]
        .into_iter()
        .collect();
        if let Some(schema) = &self.schema {
            object.insert("schema", schema.to_value());
        }
        if !self.pruned.is_empty() {
            let ids: Vec<Value> = self.pruned.iter().map(|id| Value::from(id.as_str())).collect();
            object.insert("pruned", ids);
        }
        if let Some(applied) = &self.applied {
            object.insert("appliedPush", applied.to_value());
        }
        if !self.forgotten.is_empty() {
            let clients: Vec<Value> = self.forgotten.iter().map(PushClient::to_value).collect();
            object.insert("forgottenClients", clients);
        }
        Value::from(object)
    }

    /// Reads a commit.
    ///
    /// # Errors
    ///
    /// When a field is missing or of the wrong type.
    pub fn from_value(value: &Value) -> Result<Self, CommitError> {
        let object = value.as_object().ok_or(CommitError("clock"))?;
        let clock = |name| as_clock(object.get(name)).ok_or(CommitError(name));
        Ok(Self {
            clock: clock("clock")?,
            origin: match object.get("by") {
                Some(Value::Null) => Some(Origin::Host),
                by => by.and_then(Value::as_object).and_then(session),
            }
            .ok_or(CommitError("by"))?,
            changes: list(object, "changes", |change| change_of(change.as_object()?))?
                .ok_or(CommitError("changes"))?,
            schema: match object.get("schema") {
                None => None,
                Some(schema) => {
                    Some(SerializedSchema::from_value(schema).map_err(|_| CommitError("schema"))?)
                }
            },
            pruned: list(object, "pruned", |id| Some(RecordId::from(id.as_str()?)))?
                .unwrap_or_default(),
            tombstone_history_starts_at: clock("tombstoneHistoryStartsAtClock")?,
            applied: match object.get("appliedPush") {
                None => None,
                Some(push) => {
                    Some(AppliedPush::from_value(push).ok_or(CommitError("appliedPush"))?)
                }
            },
            forgotten: list(object, "forgottenClients", PushClient::from_value)?
                .unwrap_or_default(),
        })
    }
}

fn session(by: &Object) -> Option<Origin> {
    let identity = match by.get("identity") {
        Some(identity) => Some(Identity::from(identity.as_str()?)),
        None => None,
    };
    let client_clock = as_clock(by.get("clientClock"))?;
    Some(Origin::Session { session: by.get("session")?.as_str()?.into(), identity, client_clock })
}

fn change_to_value(change: &Change) -> Value {
    let diff: NetworkDiff = [(change.id.clone(), change.op.clone())].into_iter().collect();
    // The text of the op is the wire's.
    let diff = diff.to_string().parse::<Object>().unwrap_or_default();
    let mut object: Object = [("id", Value::from(change.id.as_str()))].into_iter().collect();
    if let Some(op) = diff.get(&change.id) {
        object.insert("op", op.clone());
    }
    if let Some(before) = change.before() {
        object.insert("before", before);
    }
    if let Some(after) = &change.after {
        object.insert("after", after.clone());
    }
    Value::from(object)
}

fn change_of(object: &Object) -> Option<Change> {
    let id = RecordId::from(object.get("id")?.as_str()?);
    let diff: Object = [(id.as_str(), object.get("op")?.clone())].into_iter().collect();
    let mut diff = Value::from(diff).to_string().parse::<NetworkDiff>().ok()?;
    let op: RecordOp = diff.remove(&id)?;
    let before = match object.get("before") {
        Some(before) => Before::Record(before.as_object()?.clone()),
        None => Before::Absent,
    };
    let after = match object.get("after") {
        Some(after) => Some(after.as_object()?.clone()),
        None => None,
    };
    Some(Change::new(id, before, op, after))
}

fn list<T>(
    object: &Object,
    name: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<Vec<T>>, CommitError> {
    let Some(value) = object.get(name) else { return Ok(None) };
    let items = value.as_array().ok_or(CommitError(name))?;
    items.iter().map(read).collect::<Option<Vec<T>>>().map(Some).ok_or(CommitError(name))
}
