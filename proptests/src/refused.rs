//! What the host's rules refuse: nobody is to wait for it any more, and nothing of it is to be seen.

use crate::edit::stamp_of_own;
use crate::invariant::{PRESENCE, Verdict, same};
use crate::marker::marks_in;
use crate::model::Taken;
use crate::once::stamp_of;
use crate::oracle::{Oracle, Pending};
use crate::reach::Reach;
use roomsync::{Object, SessionId, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Presence that came with pushes that were refused as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefusedPresence {
    /// Who shows something else than they believe, until they connect again.
    pub(crate) unshown: BTreeSet<SessionId>,
    /// Who was refused since all was last carried out, and who else has pushed presence.
    refused: BTreeSet<SessionId>,
    taken: BTreeSet<SessionId>,
    /// What was shown when all was last carried out.
    before: BTreeMap<SessionId, Object>,
}

impl Oracle {
    /// The room has heard a push, of which the host's rules may have refused something.
    pub(crate) fn decided(&mut self, pending: &Pending, taken: &Taken) {
        let Pending::Push { link, diff, shows, .. } = pending else { return };
        if taken.is_altered {
            self.reach.meet(Reach::Altered);
        }
        if *shows && self.taps[*link].rights.rules.are_of_pushes() {
            let session = self.taps[*link].session.clone();
            if taken.is_refused {
                self.reach.meet(Reach::RefusedPresence);
                self.refused.unshown.insert(session.clone());
                self.refused.refused.insert(session);
            } else {
                self.refused.taken.insert(session);
            }
        }
        if taken.refused.is_empty() {
            return;
        }
        self.reach.meet(if taken.is_refused { Reach::RefusedPush } else { Reach::Vetoed });
        for (id, op) in diff.iter().flat_map(Object::iter) {
            if !taken.refused.contains(id.as_str()) {
                continue;
            }
            let asked = op.as_array().and_then(|op| op.get(1)).and_then(Value::as_object);
            match asked {
                Some(asked) => {
                    self.marks.excuse(marks_in(asked));
                    self.effects.excuse(id, stamp_of(asked));
                }
                // Its removal was refused, so it is there again.
                None => self.effects.revive(id, stamp_of_own(id)),
            }
        }
    }

    /// All is carried out: of pushes that were refused no presence is seen.
    pub(crate) fn check_refused_presence(&mut self) -> Verdict {
        let RefusedPresence { refused, taken, before, .. } = &mut self.refused;
        let (refused, taken) = (core::mem::take(refused), core::mem::take(taken));
        for session in refused.difference(&taken) {
            // Who is gone shows nothing more.
            if let Some(now) = self.presence.get(session) {
                let what = format!("presence of {session} after a push that was refused");
                same(PRESENCE, &what, &before.get(session), &Some(now))?;
            }
        }
        if before != &self.presence {
            before.clone_from(&self.presence);
        }
        Ok(())
    }
}
