//! How many connections there are, in all and of each address.

use axum::http::HeaderMap;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections, and keeps them in bounds.
#[derive(Debug)]
pub(super) struct Connections {
    max: Option<NonZeroUsize>,
    max_per_address: Option<NonZeroUsize>,
    trust_forwarded_for: bool,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// A place for one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    pub(super) fn new(
        max: Option<NonZeroUsize>,
        max_per_address: Option<NonZeroUsize>,
        trust_forwarded_for: bool,
    ) -> Self {
        Self { max, max_per_address, trust_forwarded_for, open: Mutex::default() }
    }

    /// A place for a connection from there, if there is one.
    pub(super) fn enter(self: &Arc<Self>, peer: SocketAddr, headers: &HeaderMap) -> Option<Slot> {
        let forwarded = || if self.trust_forwarded_for { forwarded_for(headers) } else { None };
        let address = network(forwarded().unwrap_or_else(|| peer.ip()));
        let mut open = self.open();
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        if is_reached(self.max, open.all) || is_reached(self.max_per_address, of_address) {
            return None;
        }
        open.all += 1;
        open.by_address.insert(address, of_address + 1);
        drop(open);
        Some(Slot { connections: Arc::clone(self), address })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.open().all
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.all = open.all.saturating_sub(1);
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

fn is_reached(max: Option<NonZeroUsize>, count: usize) -> bool {
    max.is_some_and(|max| count >= max.get())
}

/// Whom the nearest proxy has forwarded, which is what it has added last.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()))
}

/// What counts as one address: whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max: usize, per_address: usize, trust: bool) -> Arc<Connections> {
        let limit = NonZeroUsize::new;
        Arc::new(Connections::new(limit(max), limit(per_address), trust))
    }

    fn enter(connections: &Arc<Connections>, peer: &str, forwarded: &[&str]) -> Option<Slot> {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("X-Forwarded-For", line.parse().unwrap());
        }
        connections.enter(SocketAddr::new(peer.parse().unwrap(), 1234), &headers)
    }

    #[test]
    fn an_address_has_so_many_connections_and_no_more() {
        let connections = connections(0, 2, false);
        let first = enter(&connections, "10.0.0.1", &[]);
        let second = enter(&connections, "::ffff:10.0.0.1", &[]);
        assert!(first.is_some() && second.is_some());
        assert!(enter(&connections, "10.0.0.1", &["10.0.0.2"]).is_none());
        assert!(enter(&connections, "10.0.0.2", &[]).is_some());
        drop(first);
        assert!(enter(&connections, "10.0.0.1", &[]).is_some());
        drop(second);
        assert!(connections.open().by_address.is_empty());
    }

    #[test]
    fn all_together_have_so_many_connections_and_no_more() {
        let connections = connections(2, 0, false);
        let open = ["10.0.0.1", "10.0.0.2"].map(|peer| enter(&connections, peer, &[]).unwrap());
        assert!(enter(&connections, "10.0.0.3", &[]).is_none());
        assert_eq!(connections.count(), 2);
        drop(open);
        assert_eq!(connections.count(), 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let connections = connections(0, 1, false);
        let _slot = enter(&connections, "2001:db8:1:2::1", &[]).unwrap();
        assert!(enter(&connections, "2001:db8:1:2:ffff::9", &[]).is_none());
        assert!(enter(&connections, "2001:db8:1:3::1", &[]).is_some());
    }

    #[test]
    fn of_a_trusted_proxy_the_last_address_counts() {
        let connections = connections(0, 1, true);
        let _slot = enter(&connections, "127.0.0.1", &["10.9.9.9, 10.0.0.1"]).unwrap();
        for forwarded in [&["10.0.0.1"][..], &["10.0.0.2", "10.0.0.1:4567"], &["x,10.0.0.1"]] {
            assert!(enter(&connections, "127.0.0.1", forwarded).is_none(), "{forwarded:?}");
        }
        for forwarded in [&["10.0.0.2"][..], &["10.0.0.1", "[2001:db8::1]:99"], &["nonsense"], &[]]
        {
            assert!(enter(&connections, "127.0.0.1", forwarded).is_some(), "{forwarded:?}");
        }
    }
}
