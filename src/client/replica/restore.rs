//! What was kept of a replica becomes one again.

use super::{PendingPush, Replica, replace, touch};
use crate::client::action::Refusal;
use crate::client::rebase::{is_refused, predict};
use crate::diff::{NetworkDiff, RecordOp};
use crate::ids::RecordId;
use crate::schema::Schema;
use crate::value::Object;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl Replica {
    /// What was kept: documents as the room has confirmed them, pushes that it has not answered,
    /// the op of what was not pushed of each document, and which pushes others have outrun. Returns
    /// also the changes that cannot be made any more.
    pub(in crate::client) fn restore(
        schema: &Schema,
        confirmed: BTreeMap<RecordId, Object>,
        aside: BTreeMap<RecordId, Object>,
        pushes: BTreeMap<u64, NetworkDiff>,
        edits: BTreeMap<RecordId, RecordOp>,
        outruns: BTreeMap<RecordId, u64>,
    ) -> (Self, Vec<Refusal>) {
        let mut replica = Self { visible: confirmed, aside, ..Self::default() };
        let mut given_up = Vec::new();
        let mut give_up = |id: &RecordId, op: &RecordOp| {
            given_up.push(Refusal { id: id.clone(), asked: op.clone(), happened: None });
        };
        for (clock, diff) in pushes {
            for (id, op) in diff.iter() {
                if replica.aside.contains_key(id) {
                    give_up(id, op);
                    continue;
                }
                let touched = touch(&mut replica.touched, id, replica.visible.get(id));
                if is_refused(schema, touched.base.as_ref(), op) {
                    give_up(id, op);
                } else {
                    touched.base = predict(schema, touched.base.take(), op);
                }
                touched.pending.push_back(clock);
            }
            replica.pending.push_back(PendingPush { clock, diff, covers: 0 });
        }
        for (id, op) in &edits {
            if replica.aside.contains_key(id) {
                give_up(id, op);
            } else {
                touch(&mut replica.touched, id, replica.visible.get(id));
            }
        }
        for (id, clock) in outruns {
            replica.touched.get_mut(&id).into_iter().for_each(|it| it.outrun = Some(clock));
        }
        let touched: Vec<RecordId> = replica.touched.keys().cloned().collect();
        for id in touched {
            let base = replica.touched.get(&id).and_then(|touched| touched.base.clone());
            let op = edits.get(&id).filter(|op| {
                let is_refused = is_refused(schema, base.as_ref(), op);
                is_refused.then(|| give_up(&id, op)).is_none()
            });
            let after = op.into_iter().fold(base.clone(), |base, op| predict(schema, base, op));
            replace(&mut replica.visible, id.clone(), after);
            replica.settle(id);
        }
        // The changes that are left count as one.
        replica.changes = u64::from(!replica.is_settled());
        (replica, given_up)
    }
}
