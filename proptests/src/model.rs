//! The protocol's meaning of diffs and pushes, written as plainly as it can be.
//!
//! Knows nothing of how the library does it: it reads the JSON of the wire, copies freely, and
//! holds documents in a map. Whatever machine it disagrees with has to explain itself.

use crate::edit::{OBJECT_TYPE, schema};
use crate::rules::Rules;
use roomsync::{Object, RecordId, Scope, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Records by id.
pub type Records = BTreeMap<RecordId, Object>;

/// What became of something that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Nothing happened.
    Nothing,
    /// Something else, or only a part of it.
    Part,
    /// It happened as asked.
    All,
}

impl Did {
    /// Sums up parts. Of no parts at all nothing happened.
    fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<Self> = parts.into_iter().collect();
        if parts.iter().all(|part| *part == Self::Nothing) {
            Self::Nothing
        } else if parts.iter().all(|part| *part == Self::All) {
            Self::All
        } else {
            Self::Part
        }
    }
}

/// A record that the schema does not allow, or something that is no op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

/// What a session may change.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// Documents are not changed.
    pub readonly: bool,
    /// Object types are.
    pub objects: bool,
    /// What the host says to it.
    pub rules: Rules,
}

/// What a room does with a push.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The documents after it.
    pub documents: Records,
    /// Whether that is what was asked.
    pub did: Did,
    /// What the host's rules keep as it was.
    pub refused: BTreeSet<RecordId>,
    /// Whether they refuse all of it.
    pub is_refused: bool,
    /// Whether they make something else of a record.
    pub is_altered: bool,
}

/// The name of an op and what follows it.
fn op(value: &Value) -> Option<(&str, &[Value])> {
    let (name, rest) = value.as_array()?.split_first()?;
    Some((name.as_str()?, rest))
}

/// The value after an object diff was applied.
#[must_use]
pub fn apply(diff: &Object, before: &Value) -> (Value, Did) {
    let mut after = before.clone();
    let mut parts = Vec::new();
    for (key, value_op) in diff.iter() {
        let part = op(value_op).map(|(name, rest)| apply_key(&mut after, key, name, rest));
        parts.push(part.unwrap_or(Did::Nothing));
    }
    (after, Did::sum(parts))
}

fn apply_key(target: &mut Value, key: &str, name: &str, rest: &[Value]) -> Did {
    match target {
        Value::Object(object) => {
            let (changed, did) = apply_op(name, rest, object.get(key));
            match changed {
                Some(value) => object.insert(key, value),
                None => object.remove(key),
            };
            did
        }
        Value::Array(array) => {
            let index = key.parse::<usize>().ok().filter(|index| index.to_string() == key);
            let Some(item) = index.and_then(|index| array.get(index).cloned()) else {
                return Did::Nothing;
            };
            match apply_op(name, rest, Some(&item)) {
                (Some(value), did) => {
                    let replaced = array.iter().enumerate();
                    let replaced = replaced
                        .map(
                            |(at, old)| if Some(at) == index { value.clone() } else { old.clone() },
                        )
                        .collect();
                    *array = replaced;
                    did
                }
                // Items are not deleted.
                (None, _) => Did::Nothing,
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Did::Nothing,
    }
}

fn apply_op(name: &str, rest: &[Value], before: Option<&Value>) -> (Option<Value>, Did) {
    let unchanged = (before.cloned(), Did::Nothing);
    let fits = |length: usize| rest.get(1) == Some(&Value::from(length as u64));
    match (name, rest.first(), before) {
        ("put", Some(value), _) if before == Some(value) => unchanged,
        ("put", Some(value), _) => (Some(value.clone()), Did::All),
        ("delete", None, Some(_)) => (None, Did::All),
        ("patch", Some(Value::Object(diff)), Some(target)) => {
            let (after, did) = apply(diff, target);
            (Some(after), did)
        }
        ("append", Some(Value::String(suffix)), Some(Value::String(text))) => {
            if suffix.is_empty() || !fits(text.encode_utf16().count()) {
                return unchanged;
            }
            (Some(Value::from(format!("{}{}", text.as_str(), suffix.as_str()))), Did::All)
        }
        ("append", Some(Value::Array(items)), Some(Value::Array(array))) => {
            if items.is_empty() || !fits(array.len()) {
                return unchanged;
            }
            let longer: Vec<Value> = array.iter().chain(items.iter()).cloned().collect();
            (Some(Value::from(longer)), Did::All)
        }
        _ => unchanged,
    }
}

/// Does to records what a room says has happened to them.
pub fn apply_patch(records: &mut Records, diff: &Object) {
    for (id, record_op) in diff.iter() {
        let id = RecordId::from(id.as_str());
        match op(record_op) {
            Some(("put", [Value::Object(record)])) => {
                records.insert(id, record.clone());
            }
            Some(("patch", [Value::Object(diff)])) => {
                let Some(before) = records.get(&id) else { continue };
                if let (Value::Object(after), _) = apply(diff, &Value::from(before.clone())) {
                    records.insert(id, after);
                }
            }
            Some(("remove", [])) => {
                records.remove(&id);
            }
            _ => {}
        }
    }
}

/// What a room does with a push.
///
/// # Errors
///
/// When it refuses the session that asked.
pub fn push(records: &Records, diff: &Object, rights: Rights) -> Result<Taken, Invalid> {
    let mut taken = Taken {
        documents: records.clone(),
        did: Did::Nothing,
        refused: BTreeSet::new(),
        is_refused: false,
        is_altered: false,
    };
    taken.is_refused = diff.iter().any(|(id, record_op)| {
        let is_removal = matches!(op(record_op), Some(("remove", _)));
        let record = records.get(id.as_str()).filter(|_| is_removal);
        record.is_some_and(|record| rights.rules.refuse_who_removes(record))
    });
    if taken.is_refused {
        taken.refused = diff.iter().map(|(id, _)| id.as_str().into()).collect();
        return Ok(taken);
    }
    let mut parts = Vec::new();
    for (id, record_op) in diff.iter() {
        parts.push(push_op(&mut taken, id, record_op, rights)?);
    }
    taken.did = Did::sum(parts);
    Ok(taken)
}

fn push_op(taken: &mut Taken, id: &str, record_op: &Value, rights: Rights) -> Result<Did, Invalid> {
    let (records, rules) = (&mut taken.documents, rights.rules);
    let may_change = |type_name: &str| match type_name {
        OBJECT_TYPE => rights.objects,
        _ => !rights.readonly,
    };
    let known = records.get(id).map(|record| type_of(record).to_owned());
    let after = match (op(record_op).ok_or(Invalid)?, &known) {
        (("put", [Value::Object(record)]), _) => {
            let type_name = type_of(record);
            if !may_change(type_name) {
                return Ok(Did::Nothing);
            }
            if schema(false).scope(type_name) != Some(Scope::Document) {
                return Err(Invalid);
            }
            if known.as_ref().is_some_and(|known| known != type_name) {
                return Ok(Did::Nothing);
            }
            let is_itself = record.get("id").and_then(Value::as_str) == Some(id);
            if !is_itself {
                return Err(Invalid);
            }
            match records.get(id) {
                Some(before) if !rules.let_change(before, record) => {
                    taken.refused.insert(id.into());
                    return Ok(Did::Nothing);
                }
                Some(_) => record.clone(),
                None => {
                    let made = rules.made(record.clone());
                    taken.is_altered |= made != *record;
                    made
                }
            }
        }
        (("patch", [Value::Object(diff)]), Some(type_name)) => {
            if !may_change(type_name) {
                return Ok(Did::Nothing);
            }
            let before = records.get(id).cloned().unwrap_or_default();
            let (Value::Object(after), did) = apply(diff, &Value::from(before.clone())) else {
                return Err(Invalid);
            };
            if did == Did::Nothing {
                return Ok(did);
            }
            if !rules.let_change(&before, &after) {
                taken.refused.insert(id.into());
                return Ok(Did::Nothing);
            }
            check(id, type_name, &after)?;
            records.insert(RecordId::from(id), after);
            return Ok(did);
        }
        (("remove", []), Some(type_name)) => {
            if !may_change(type_name) {
                return Ok(Did::Nothing);
            }
            if !records.get(id).is_some_and(|record| rules.let_remove(record)) {
                taken.refused.insert(id.into());
                return Ok(Did::Nothing);
            }
            records.remove(id);
            return Ok(Did::All);
        }
        (("patch" | "remove", _), None) => return Ok(Did::Nothing),
        _ => return Err(Invalid),
    };
    check(id, type_of(&after), &after)?;
    Ok(match records.insert(RecordId::from(id), after.clone()) {
        None if taken.is_altered => Did::Part,
        None => Did::All,
        Some(before) if before == after => Did::Nothing,
        // The room says what of the record changed.
        Some(_) => Did::Part,
    })
}

fn type_of(record: &Object) -> &str {
    record.get("typeName").and_then(Value::as_str).unwrap_or_default()
}

fn check(id: &str, type_name: &str, record: &Object) -> Result<(), Invalid> {
    let is_same = record.get("id").and_then(Value::as_str) == Some(id)
        && record.get("typeName").and_then(Value::as_str) == Some(type_name);
    let is_sound = schema(false).validate(type_name, record).is_ok();
    if is_same && is_sound && !id.is_empty() && id.len() <= 255 { Ok(()) } else { Err(Invalid) }
}

/// A client as plain as can be: it holds what the room has told it, and nothing of its own.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    /// Documents and presence of others, or `None` before it has heard all of it.
    pub records: Option<Records>,
    /// Whether it pushes also while it waits to be let in, of which it may never hear.
    pushes_early: bool,
    /// What has no answer yet.
    outstanding: VecDeque<Asked>,
}

#[derive(Clone, Debug)]
enum Asked {
    /// To enter, by the id of the request.
    Connect(Value),
    /// To change documents.
    Push { clock: u64, diff: Object },
}

impl Mirror {
    /// A peer that pushes also while it waits to be let in.
    #[must_use]
    pub fn of_rude() -> Self {
        Self { pushes_early: true, ..Self::default() }
    }

    /// The peer sends a message.
    pub fn sends(&mut self, message: &Value) {
        let Some(message) = message.as_object() else { return };
        match message.get("type").and_then(Value::as_str) {
            Some("push") => {
                let diff = message.get("diff").and_then(Value::as_object).cloned();
                if let Some(clock) = clock_at(message, "clientClock") {
                    let diff = diff.unwrap_or_default();
                    self.outstanding.push_back(Asked::Push { clock, diff });
                }
            }
            Some("connect") => {
                let id = message.get("connectRequestId").cloned().unwrap_or_default();
                self.outstanding.push_back(Asked::Connect(id));
            }
            _ => {}
        }
    }

    /// The peer's connection is gone.
    pub fn loses_link(&mut self) {
        self.outstanding.clear();
    }

    /// A message of the room arrives. Says what is wrong with it.
    ///
    /// # Errors
    ///
    /// When an answer is not the one to the oldest push without one.
    pub fn hears(&mut self, message: &Value) -> Result<(), String> {
        let Some(message) = message.as_object() else { return Err("not an object".into()) };
        let diff_of = |object: &Object| {
            object.get("diff").and_then(Value::as_object).cloned().unwrap_or_default()
        };
        match message.get("type").and_then(Value::as_str) {
            Some("connect") => {
                let id = message.get("connectRequestId").cloned().unwrap_or_default();
                let is_this = |asked: &Asked| matches!(asked, Asked::Connect(it) if *it == id);
                let place = self.outstanding.iter().position(is_this);
                self.outstanding.drain(..=place.ok_or("an answer to no connect request")?);
                match message.get("hydrationType").and_then(Value::as_str) {
                    Some("wipe_all") => self.records = Some(Records::new()),
                    _ => {
                        if let Some(records) = &mut self.records {
                            records.retain(|_, record| type_of(record) != "cursor");
                        }
                    }
                }
                if let Some(records) = &mut self.records {
                    apply_patch(records, &diff_of(message));
                }
            }
            Some("data") => {
                let entries = message.get("data").and_then(Value::as_array);
                for entry in entries.ok_or("data without data")?.iter() {
                    let entry = entry.as_object().ok_or("an entry that is no object")?;
                    let Some(records) = &mut self.records else { return Ok(()) };
                    if entry.get("type").and_then(Value::as_str) == Some("patch") {
                        apply_patch(records, &diff_of(entry));
                        continue;
                    }
                    let clock = clock_at(entry, "clientClock").ok_or("an answer without clock")?;
                    let is_other = |asked: &Asked| matches!(asked, Asked::Push { clock: own, .. } if *own != clock);
                    while self.pushes_early && self.outstanding.front().is_some_and(is_other) {
                        self.outstanding.pop_front();
                    }
                    let asked = match self.outstanding.pop_front() {
                        Some(Asked::Push { clock: own, diff }) if own == clock => diff,
                        other => return Err(format!("an answer to push {clock}, not {other:?}")),
                    };
                    match entry.get("action") {
                        Some(Value::String(action)) if action.as_str() == "commit" => {
                            apply_patch(records, &asked);
                        }
                        Some(Value::Object(rebase)) => {
                            let diff = rebase.get("rebaseWithDiff").and_then(Value::as_object);
                            apply_patch(records, diff.ok_or("a rebase without diff")?);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The clock at a key of a message.
#[must_use]
pub fn clock_at(message: &Object, key: &str) -> Option<u64> {
    let clock = message.get(key).and_then(Value::as_number)?.as_i64()?;
    u64::try_from(clock).ok()
}
