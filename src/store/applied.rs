//! Which pushes took effect: of each client the last, so that none takes effect a second time.

use crate::error::RestoreError;
use crate::ids::{ClientId, Identity};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Whose pushes are counted. A client id is only a claim, so it is kept apart for each identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PushClient {
    /// Who it is, as far as the host knows.
    pub identity: Option<Identity>,
    /// What it calls itself.
    pub client: ClientId,
}

/// The last push of a client that the room has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedPush {
    /// Whose.
    pub client: PushClient,
    /// Its number, as the client counts.
    pub client_clock: u64,
    /// Its place among the pushes that all such clients made, which never repeats.
    pub order: u64,
}

/// The last push of each client.
///
/// Every client of `by_client` stands in `by_order` at its order, and no other does.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppliedPushes {
    /// The number and the order of the push.
    by_client: BTreeMap<PushClient, (u64, u64)>,
    by_order: BTreeMap<u64, PushClient>,
}

impl AppliedPushes {
    pub(crate) fn restore(entries: &[AppliedPush]) -> Result<Self, RestoreError> {
        let mut applied = Self::default();
        for AppliedPush { client, client_clock, order } in entries {
            let known = applied.by_client.insert(client.clone(), (*client_clock, *order));
            let other = applied.by_order.insert(*order, client.clone());
            if known.is_some() || other.is_some() {
                return Err(RestoreError::RepeatedClient(client.client.clone()));
            }
        }
        Ok(applied)
    }

    /// The number of the client's last push, as far as is remembered.
    pub(crate) fn last_of(&self, client: &PushClient) -> Option<u64> {
        self.by_client.get(client).map(|(client_clock, _)| *client_clock)
    }

    /// Notes a push that was taken.
    pub(crate) fn note(&mut self, client: PushClient, client_clock: u64) -> AppliedPush {
        let last = self.by_order.last_key_value();
        let order = last.map_or(1, |(order, _)| order.saturating_add(1));
        if let Some((_, before)) = self.by_client.insert(client.clone(), (client_clock, order)) {
            self.by_order.remove(&before);
        }
        self.by_order.insert(order, client.clone());
        AppliedPush { client, client_clock, order }
    }

    /// Forgets the clients that have pushed longest ago: those over `most`, and those since whose
    /// last push there were more than `age` others.
    pub(crate) fn prune(&mut self, most: usize, age: u64) -> Vec<PushClient> {
        let mut forgotten = Vec::new();
        let newest = self.by_order.last_key_value().map_or(0, |(order, _)| *order);
        while let Some(oldest) = self.by_order.first_entry() {
            if self.by_client.len() <= most && newest - oldest.key() <= age {
                break;
            }
            let client = oldest.remove();
            self.by_client.remove(&client);
            forgotten.push(client);
        }
        forgotten
    }

    /// All of them, the oldest first.
    pub(crate) fn entries(&self) -> Vec<AppliedPush> {
        let entry = |(order, client): (&u64, &PushClient)| {
            let (client_clock, _) = self.by_client.get(client)?;
            Some(AppliedPush { client: client.clone(), client_clock: *client_clock, order: *order })
        };
        self.by_order.iter().filter_map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> PushClient {
        PushClient { identity: None, client: name.into() }
    }

    #[test]
    fn the_order_of_pushes_is_that_in_which_they_came_also_after_a_restart() {
        let mut applied = AppliedPushes::default();
        let orders = ["a", "b", "a"].map(|name| applied.note(client(name), 7).order);
        assert_eq!(orders, [1, 2, 3]);
        assert_eq!(applied.entries().iter().map(|it| it.order).collect::<Vec<_>>(), [2, 3]);
        let mut again = AppliedPushes::restore(&applied.entries()).unwrap();
        assert_eq!(again.entries(), applied.entries());
        assert_eq!(again.note(client("b"), 8).order, 4);
    }

    #[test]
    fn an_order_at_its_end_is_no_panic() {
        let end = AppliedPush { client: client("a"), client_clock: u64::MAX, order: u64::MAX };
        let mut applied = AppliedPushes::restore(&[end]).unwrap();
        applied.note(client("b"), 1);
        applied.note(client("c"), 1);
        assert!(applied.prune(1, u64::MAX).len() <= 3);
    }
}
