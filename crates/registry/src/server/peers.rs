//! How many connections each peer has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

/// Connections by peer; clones count together.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    each_max: usize,
    /// Peers that speak for many, so that they are not counted.
    proxies: Arc<[IpNet]>,
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    peers: Peers,
    peer: IpAddr,
}

impl Peers {
    pub(super) fn new(each_max: usize, proxies: &[IpNet]) -> Self {
        Self { each_max, proxies: proxies.into(), open: Arc::default() }
    }

    /// Counts a connection of a peer; `None` where it has as many as it may.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Counted> {
        let address = address.to_canonical();
        let peer = network(address);
        let is_proxy = self.proxies.iter().any(|net| net.contains(&address));
        let mut open = self.lock();
        let count = open.entry(peer).or_default();
        if *count >= self.each_max && !is_proxy {
            return None;
        }
        *count += 1;
        Some(Counted { peers: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

/// Returns what one customer of a network has: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_connections_and_a_proxy_all() {
        let peers = Peers::new(2, &["10.0.0.0/8".parse().expect("is a net")]);
        let admit = |address: &str| peers.admit(address.parse().expect("is an address"));
        let mut held = Vec::new();
        for (address, expected) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("2001:db8:0:1::3", true),
            ("10.0.0.1", true),
            ("10.0.0.1", true),
            ("10.0.0.1", true),
        ] {
            let counted = admit(address);
            assert_eq!(counted.is_some(), expected, "{address}");
            held.extend(counted);
        }
        held.remove(0);
        assert!(admit("192.0.2.1").is_some(), "one has ended");
        held.clear();
        assert!(peers.lock().is_empty());
    }
}
