//! What the host of some worlds decides: as hooks of its room, and as the model asks it.
//!
//! Each rule is a pure function of records as the room has them, and few records meet it.

use roomsync::{Authorizer, Hooks, Object, RecordOp, Value, Veto};

/// Which rules hold: a bit for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules(pub u16);

/// Nobody removes a record whose number is as low as that. Who asks for it is refused all of the push.
const LOW: i64 = 2;
/// New records have no higher number: one that does is lowered, and says so.
const MOST_NEW: i64 = 2;
/// No number goes up to one that is higher.
const MOST: i64 = 6;

impl Rules {
    /// Whether pushes may be refused as a whole.
    #[must_use]
    pub const fn are_of_pushes(self) -> bool {
        self.0 & 1 > 0
    }

    const fn are_of_records(self) -> bool {
        self.0 & 2 > 0
    }

    const fn are_of_presence(self) -> bool {
        self.0 & 4 > 0
    }

    /// Whether all of a push is refused since it asks to remove this record.
    #[must_use]
    pub fn refuse_who_removes(self, record: &Object) -> bool {
        self.are_of_pushes() && number(record).is_some_and(|number| number <= LOW)
    }

    /// What a new record becomes.
    #[must_use]
    pub fn made(self, mut record: Object) -> Object {
        if self.are_of_records() && number(&record).is_some_and(|number| number > MOST_NEW) {
            record.insert("x", MOST_NEW);
            record.insert("lowered", true);
        }
        record
    }

    /// Whether a record may be changed so.
    #[must_use]
    pub fn let_change(self, before: &Object, after: &Object) -> bool {
        let goes_up = number(after) > number(before).max(Some(MOST));
        !(self.are_of_records() && goes_up)
    }

    /// Whether a record may be removed.
    #[must_use]
    pub fn let_remove(self, record: &Object) -> bool {
        !self.are_of_records() || number(record) != Some(0)
    }

    /// Whether somebody who shows `own` sees what another shows.
    #[must_use]
    pub fn let_see(self, own: Option<&Object>, shown: &Object) -> bool {
        match (own.and_then(number), number(shown)) {
            (Some(own), Some(shown)) if self.are_of_presence() => (own + shown) % 3 > 0,
            _ => true,
        }
    }

    /// The rules as hooks of a room.
    #[must_use]
    pub fn hooks(self) -> Hooks {
        let mut hooks = Hooks::default();
        let verdict = |is_fine| if is_fine { Ok(()) } else { Err(Veto) };
        if self.are_of_pushes() {
            hooks = hooks.check_push(move |_, push| {
                let mut ops = push.diff.into_iter().flat_map(|diff| diff.iter());
                let is_refused = ops.any(|(id, op)| {
                    let record = push.record(id);
                    matches!(op, RecordOp::Remove)
                        && record.is_some_and(|record| self.refuse_who_removes(record))
                });
                verdict(!is_refused)
            });
        }
        if self.are_of_records() {
            let authorizer = Authorizer::new()
                .on_create(move |_, record| Ok(self.made(record)))
                .on_update(move |_, before, after| verdict(self.let_change(before, after)))
                .on_remove(move |_, record| verdict(self.let_remove(record)));
            hooks = hooks.authorize("page", authorizer.clone()).authorize("widget", authorizer);
        }
        if self.are_of_presence() {
            hooks = hooks
                .filter_presence(move |viewer, _, record| self.let_see(viewer.presence, record));
        }
        hooks
    }
}

fn number(record: &Object) -> Option<i64> {
    record.get("x").and_then(Value::as_number)?.as_i64()
}
