//! What goes to the room next.

use super::{PendingPush, Replica, replace};
use crate::client::PushBudget;
use crate::client::action::{RecordChange, Refusal};
use crate::client::push::Load;
use crate::client::rebase::change_between;
use crate::diff::{NetworkDiff, RecordOp};
use crate::ids::RecordId;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

impl Replica {
    /// Unsent changes as one diff, which the caller hands back to [`Self::await_result`], and how large
    /// it is. As many as the budget allows, and then those that were made first.
    pub(in crate::client) fn take_unsent(&mut self, budget: PushBudget) -> (NetworkDiff, Load) {
        let (mut taken, mut load) = self.fill(self.unsent.iter(), budget);
        if taken.len() < self.unsent.len() {
            let since = |id: &&RecordId| self.touched.get(*id).map(|touched| touched.since);
            let mut ids: Vec<&RecordId> = self.unsent.iter().collect();
            ids.sort_by_cached_key(since);
            (taken, load) = self.fill(ids.into_iter(), budget);
        }
        // In order of the changes, not of the ids.
        let mut ops = Vec::new();
        for (id, op) in taken {
            self.unsent.remove(&id);
            self.keep_edit(&id);
            let (Some(op), Some(touched)) = (op, self.touched.get_mut(&id)) else { continue };
            touched.base = self.visible.get(&id).filter(|_| op != RecordOp::Remove).cloned();
            if touched.base.as_ref() != self.visible.get(&id) {
                self.unsent.insert(id.clone());
            }
            ops.push((id, op));
        }
        (ops.into_iter().collect(), load)
    }

    /// What is unsent of the documents, in this order, as long as it is within the budget; the first
    /// op in any case.
    fn fill<'a>(
        &self,
        ids: impl Iterator<Item = &'a RecordId>,
        budget: PushBudget,
    ) -> (Vec<(RecordId, Option<RecordOp>)>, Load) {
        let (mut filled, mut load) = (Vec::new(), Load::default());
        for id in ids {
            let op = self.next_op(id);
            if let Some(op) = &op {
                let more = load.with(id, op);
                if !more.is_within(budget) && !load.is_nothing() {
                    break;
                }
                load = more;
            }
            filled.push((id.clone(), op));
        }
        (filled, load)
    }

    /// The op with which what is unsent of a document begins.
    fn next_op(&self, id: &RecordId) -> Option<RecordOp> {
        let base = self.touched.get(id)?.base.as_ref();
        match change_between(base, self.visible.get(id))? {
            // Rooms change no record's type: it goes first, and comes with the next push.
            RecordOp::Put(_) if base.is_some() => Some(RecordOp::Remove),
            op @ (RecordOp::Put(_) | RecordOp::Patch(_) | RecordOp::Remove) => Some(op),
        }
    }

    /// Notes a push that was sent.
    pub(in crate::client) fn await_result(&mut self, clock: u64, diff: NetworkDiff) {
        for (id, _) in diff.iter() {
            if let Some(touched) = self.touched.get_mut(id) {
                touched.pending.push_back(clock);
            }
        }
        // What is still unsent waits for a later push.
        let unsent = self.unsent.iter().filter_map(|id| self.touched.get(id));
        let first = unsent.map(|touched| touched.since).min();
        let covers = first.map_or(self.changes, |first| first.saturating_sub(1));
        let push = PendingPush { clock, diff, covers };
        self.keep_push(&push);
        self.pending.push_back(push);
    }

    /// Gives up all that the room has not confirmed. Returns the ops, and what looks different now.
    pub(in crate::client) fn discard(&mut self) -> (Vec<Refusal>, Vec<RecordChange>) {
        let mut given_up = Vec::new();
        let mut give_up = |id: &RecordId, op: &RecordOp| {
            given_up.push(Refusal { id: id.clone(), asked: op.clone(), happened: None });
        };
        let (asked, others) =
            core::mem::take(&mut self.pending).into_iter().partition(|it| !it.diff.is_empty());
        self.pending = others;
        let asked: VecDeque<PendingPush> = asked;
        for push in &asked {
            push.diff.iter().for_each(|(id, op)| give_up(id, op));
            self.keep_push(push);
        }
        for id in &self.unsent {
            self.unsent_op(id).iter().for_each(|op| give_up(id, op));
        }
        let touched: Vec<RecordId> = self.touched.keys().cloned().collect();
        let undone = touched.into_iter().filter_map(|id| {
            let confirmed = self.forget_changes(&id)?.confirmed;
            self.unsent.remove(&id);
            self.keep_edit(&id);
            replace(&mut self.visible, id, confirmed)
        });
        let undone = undone.collect();
        (given_up, undone)
    }
}
