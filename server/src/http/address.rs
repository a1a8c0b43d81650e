//! How many connections there are, in all and of each address.

use axum::http::HeaderMap;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts what is open, and keeps it in bounds.
#[derive(Debug, Default)]
pub(super) struct Places {
    max: Option<NonZeroUsize>,
    max_per_address: Option<NonZeroUsize>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    places: Arc<Places>,
    address: IpAddr,
}

/// The places of connections, from when they are taken, and of the WebSockets among them.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) taken: Arc<Places>,
    sockets: Arc<Places>,
    trust_forwarded_for: bool,
}

impl Connections {
    pub(super) fn new(
        max: Option<NonZeroUsize>,
        max_per_address: Option<NonZeroUsize>,
        trust_forwarded_for: bool,
    ) -> Self {
        // Behind a proxy all connections are of one address; those of others are known by what
        // they ask for.
        let (taken, sockets) =
            if trust_forwarded_for { (None, max_per_address) } else { (max_per_address, None) };
        Self {
            taken: Arc::new(Places::new(max, taken)),
            sockets: Arc::new(Places::new(None, sockets)),
            trust_forwarded_for,
        }
    }

    /// A place for a WebSocket from there, if there is one.
    pub(super) fn enter(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<Slot> {
        let forwarded = || if self.trust_forwarded_for { forwarded_for(headers) } else { None };
        self.sockets.enter(forwarded().unwrap_or_else(|| peer.ip()))
    }

    /// How many WebSockets are open.
    pub(super) fn sockets(&self) -> usize {
        self.sockets.open().all
    }
}

impl Places {
    fn new(max: Option<NonZeroUsize>, max_per_address: Option<NonZeroUsize>) -> Self {
        Self { max, max_per_address, open: Mutex::default() }
    }

    /// A place for somebody from there, if there is one.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let address = network(address);
        let mut open = self.open();
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        if is_reached(self.max, open.all) || is_reached(self.max_per_address, of_address) {
            return None;
        }
        open.all += 1;
        open.by_address.insert(address, of_address + 1);
        drop(open);
        Some(Slot { places: Arc::clone(self), address })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.places.open();
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

    fn places(max: usize, per_address: usize) -> Arc<Places> {
        Arc::new(Places::new(NonZeroUsize::new(max), NonZeroUsize::new(per_address)))
    }

    fn enter(places: &Arc<Places>, address: &str) -> Option<Slot> {
        places.enter(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_so_many_places_and_no_more() {
        let places = places(0, 2);
        let first = enter(&places, "10.0.0.1");
        let second = enter(&places, "::ffff:10.0.0.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter(&places, "10.0.0.1").is_none());
        assert!(enter(&places, "10.0.0.2").is_some());
        drop(first);
        assert!(enter(&places, "10.0.0.1").is_some());
        drop(second);
        assert!(places.open().by_address.is_empty());
    }

    #[test]
    fn all_together_have_so_many_places_and_no_more() {
        let places = places(2, 0);
        let open = ["10.0.0.1", "10.0.0.2"].map(|address| enter(&places, address).unwrap());
        assert!(enter(&places, "10.0.0.3").is_none());
        assert_eq!(places.open().all, 2);
        drop(open);
        assert_eq!(places.open().all, 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let places = places(0, 1);
        let _slot = enter(&places, "2001:db8:1:2::1").unwrap();
        assert!(enter(&places, "2001:db8:1:2:ffff::9").is_none());
        assert!(enter(&places, "2001:db8:1:3::1").is_some());
    }

    fn socket(connections: &Connections, forwarded: &[&str]) -> Option<Slot> {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("X-Forwarded-For", line.parse().unwrap());
        }
        connections.enter("127.0.0.1:1234".parse().unwrap(), &headers)
    }

    #[test]
    fn of_a_trusted_proxy_the_last_address_counts() {
        let connections = Connections::new(None, NonZeroUsize::new(1), true);
        // The proxy itself may have as many as it wants.
        let _taken = ["127.0.0.1"; 3].map(|proxy| enter(&connections.taken, proxy).unwrap());
        let _slot = socket(&connections, &["10.9.9.9, 10.0.0.1"]).unwrap();
        for forwarded in [&["10.0.0.1"][..], &["10.0.0.2", "10.0.0.1:4567"], &["x,10.0.0.1"]] {
            assert!(socket(&connections, forwarded).is_none(), "{forwarded:?}");
        }
        for forwarded in [&["10.0.0.2"][..], &["10.0.0.1", "[2001:db8::1]:99"], &["nonsense"], &[]]
        {
            assert!(socket(&connections, forwarded).is_some(), "{forwarded:?}");
        }
        assert_eq!(connections.sockets(), 1);
    }

    #[test]
    fn without_a_proxy_what_is_said_of_forwarding_does_not_count() {
        let connections = Connections::new(None, NonZeroUsize::new(1), false);
        let _sockets = [(); 2].map(|()| socket(&connections, &["10.0.0.1"]).unwrap());
        let _taken = enter(&connections.taken, "127.0.0.1").unwrap();
        assert!(enter(&connections.taken, "127.0.0.1").is_none());
    }
}
