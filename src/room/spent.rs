//! What senders who left had sent lately: whoever comes again goes on from there.

use super::rate::{Buckets, Rates};
use super::session::Session;
use crate::ids::{Identity, SessionId};
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};

/// Who sends, over all sessions that are removed: who it is if the host knows, else what the
/// session was called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    Known(Identity),
    Unknown(SessionId),
}

/// The buckets of senders that are not empty yet.
///
/// Every sender of `by_sender` stands in `by_end` at the time that its buckets are empty, and no
/// other does.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    by_sender: BTreeMap<Sender, (Instant, Buckets)>,
    by_end: BTreeSet<(Instant, Sender)>,
}

impl Session {
    pub(super) fn sender(&self) -> Sender {
        Sender::of(&self.identity, &self.name)
    }
}

impl Sender {
    pub(super) fn of(identity: &Option<Identity>, session: &SessionId) -> Self {
        match identity {
            Some(identity) => Self::Known(identity.clone()),
            None => Self::Unknown(session.clone()),
        }
    }
}

impl Spent {
    /// What the sender has sent lately.
    pub(super) fn of(&self, sender: &Sender) -> Buckets {
        self.by_sender.get(sender).map(|(_, buckets)| buckets.clone()).unwrap_or_default()
    }

    /// Keeps what a sender has sent until it no longer counts, of `most` senders those for whom it
    /// counts longest.
    pub(super) fn keep(
        &mut self,
        now: Instant,
        sender: Sender,
        mut buckets: Buckets,
        rates: &Rates,
        most: usize,
    ) {
        if let Some((end, other)) = self.by_sender.remove(&sender) {
            self.by_end.remove(&(end, sender.clone()));
            buckets.join(other, now, rates);
        }
        let end = buckets.empty_at(now, rates);
        self.by_end.insert((end, sender.clone()));
        self.by_sender.insert(sender, (end, buckets));
        while let Some((end, _)) = self.by_end.first() {
            if *end > now && self.by_sender.len() <= most {
                break;
            }
            if let Some((_, sender)) = self.by_end.pop_first() {
                self.by_sender.remove(&sender);
            }
        }
    }
}
