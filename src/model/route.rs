//! The network interfaces and where packets are sent (`-r`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The interface list and the routing tables of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Every interface, the loopback too, in the order in which they are shown.
    pub interfaces: Vec<Interface>,
    /// The IPv4 routes in use, by destination. A route with several next hops is several rows.
    pub ipv4: Vec<Ipv4Route>,
    /// The IPv6 routes in use, by destination. A route with several next hops is several rows.
    pub ipv6: Vec<Ipv6Route>,
    /// The IPv4 routes that the system itself keeps over a restart; Linux keeps none.
    pub persistent_ipv4: Vec<PersistentRoute>,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub index: u32,
    /// Its hardware address; empty where it has none.
    pub hardware_address: Vec<u8>,
    /// Its name as the system gives it: text from outside.
    pub name: String,
}

/// An IPv4 route. The order of routes is that of the fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ipv4Route {
    /// The network that it leads to.
    pub destination: Ipv4Addr,
    /// How many leading bits of the destination count: 0 to 32.
    pub prefix_length: u8,
    /// Of two routes to the same network the one with the smaller number is taken.
    pub metric: u32,
    /// The next hop.
    pub gateway: Gateway,
    /// The own address from which packets are sent along it; `None` where its interface has none, or where it has no
    /// interface.
    pub interface_address: Option<Ipv4Addr>,
    /// The number of the interface; 0 where it has none.
    pub interface: u32,
}

/// An IPv6 route. The order of routes is that of the fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ipv6Route {
    /// The network that it leads to.
    pub destination: Ipv6Addr,
    /// How many leading bits of the destination count: 0 to 128.
    pub prefix_length: u8,
    /// Of two routes to the same network the one with the smaller number is taken.
    pub metric: u32,
    /// The next hop.
    pub gateway: Gateway,
    /// The number of the interface; 0 where it has none.
    pub interface: u32,
}

/// Where a route hands its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gateway {
    /// To the destination itself, which is on the link (or is this host).
    OnLink,
    /// To this router. It may be of the other family.
    Address(IpAddr),
    /// Dropped; the sender gets "destination unreachable".
    Unreachable,
    /// Dropped; the sender gets "prohibited".
    Prohibited,
    /// Dropped silently.
    Blackhole,
    /// Not by this table: the look-up goes on in the next one.
    Throw,
}

/// An IPv4 route that the system sets up again whenever it starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersistentRoute {
    /// The network that it leads to.
    pub destination: Ipv4Addr,
    /// How many leading bits of the destination count: 0 to 32.
    pub prefix_length: u8,
    /// The router.
    pub gateway: Ipv4Addr,
    /// Its metric; `None` where the system chooses one.
    pub metric: Option<u32>,
}

/// The mask of a prefix length, as an address: `255.255.255.0` of 24. More than 32 counts as 32.
pub const fn netmask(prefix_length: u8) -> Ipv4Addr {
    match u32::MAX.checked_shl(32u32.saturating_sub(prefix_length as u32)) {
        Some(bits) => Ipv4Addr::from_bits(bits),
        None => Ipv4Addr::UNSPECIFIED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_as_many_ones_as_the_prefix_is_long() {
        for length in 0..=32u8 {
            let bits = netmask(length).to_bits();
            assert_eq!((bits.leading_ones(), bits.count_ones()), (u32::from(length), u32::from(length)));
        }
        assert_eq!(netmask(255), Ipv4Addr::BROADCAST);
    }

    #[test]
    fn routes_are_in_order_by_destination_as_a_number_then_length_then_metric() {
        let route = |destination: &str, prefix_length, metric| Ipv4Route {
            destination: destination.parse().unwrap(),
            prefix_length,
            metric,
            gateway: Gateway::OnLink,
            interface_address: None,
            interface: 1,
        };
        let sorted = [
            route("0.0.0.0", 0, 600),
            route("9.0.0.0", 8, 0),
            route("10.0.0.0", 8, 0),
            route("10.0.0.0", 24, 5),
            route("10.0.0.0", 24, 6),
        ];
        let mut routes = sorted.to_vec();
        routes.reverse();
        routes.sort();
        assert_eq!(routes, sorted);
    }
}
