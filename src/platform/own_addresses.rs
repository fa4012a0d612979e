//! Which of this host's addresses a route sends from, on systems that do not say so themselves.

use crate::model::route::netmask;
use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The index of the interface that has it.
    pub interface: u32,
    /// The address.
    pub address: Ipv4Addr,
    /// The length of its network's prefix.
    pub prefix_length: u8,
}

impl OwnAddress {
    fn is_near(&self, address: Ipv4Addr) -> bool {
        let mask = netmask(self.prefix_length);
        self.address & mask == address & mask
    }
}

/// The address of the interface from which packets are sent to `destination`, or to `next_hop` if there is one: the address
/// itself if it is this host's own, else the own address with the longest prefix that holds it, else the interface's first.
pub fn source_address(
    destination: Ipv4Addr,
    next_hop: Option<IpAddr>,
    interface: u32,
    addresses: &[OwnAddress],
) -> Option<Ipv4Addr> {
    let own = || addresses.iter().filter(|own| own.interface == interface);
    let target = match next_hop {
        None => Some(destination),
        Some(IpAddr::V4(router)) => Some(router),
        Some(IpAddr::V6(_)) => None,
    };
    let exact = || own().find(|own| Some(own.address) == target);
    let nearest =
        || own().rev().filter(|own| target.is_some_and(|target| own.is_near(target))).max_by_key(|own| own.prefix_length);
    exact().or_else(nearest).or_else(|| own().next()).map(|own| own.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_sends_from_the_address_nearest_to_its_next_hop_or_destination() {
        let own =
            |interface, address: &str, prefix_length| OwnAddress { interface, address: address.parse().unwrap(), prefix_length };
        let addresses = [
            own(3, "192.0.2.9", 24),
            own(3, "10.0.0.9", 8),
            own(3, "10.1.0.9", 16),
            own(3, "10.1.0.10", 16),
            own(4, "10.1.1.1", 8),
        ];
        let source = |destination: &str, next_hop: Option<&str>, interface| {
            let next_hop = next_hop.map(|address| address.parse().unwrap());
            source_address(destination.parse().unwrap(), next_hop, interface, &addresses).map(|address| address.to_string())
        };
        assert_eq!(source("0.0.0.0", Some("10.0.0.1"), 3).as_deref(), Some("10.0.0.9"));
        assert_eq!(source("0.0.0.0", Some("10.1.0.1"), 3).as_deref(), Some("10.1.0.9"));
        assert_eq!(source("10.0.0.0", None, 3).as_deref(), Some("10.0.0.9"));
        assert_eq!(source("10.1.0.10", None, 3).as_deref(), Some("10.1.0.10"));
        assert_eq!(source("224.0.0.0", None, 3).as_deref(), Some("192.0.2.9"));
        assert_eq!(source("0.0.0.0", Some("fe80::1"), 4).as_deref(), Some("10.1.1.1"));
        assert_eq!(source("198.51.100.0", None, 5), None);
    }
}
