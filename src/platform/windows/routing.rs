//! From Windows' adapters, addresses and routes to the tables that are shown.

use crate::model::route::{Gateway, Interface, Ipv4Route, Ipv6Route, Routing};
use crate::platform::own_addresses::{OwnAddress, source_address};
use std::net::IpAddr;

/// An adapter, as far as the tables need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adapter {
    /// Its number for IPv4; 0 if it does not speak it.
    pub index: u32,
    /// Its number for IPv6, which is the same if it speaks both; 0 if it does not speak it.
    pub ipv6_index: u32,
    /// Its hardware address; empty if it has none.
    pub hardware_address: Vec<u8>,
    /// What it calls itself.
    pub description: String,
    /// What Windows adds to the metric of its IPv4 routes; all ones if that is not known.
    pub ipv4_metric: u32,
    /// What Windows adds to the metric of its IPv6 routes; all ones if that is not known.
    pub ipv6_metric: u32,
    /// Whether it is connected.
    pub is_up: bool,
    /// The name of its settings in the registry: `{GUID}`.
    pub name: String,
}

/// A route of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub destination: IpAddr,
    /// How many leading bits of it count.
    pub prefix_length: u8,
    /// The router; the wildcard if the network is on the link.
    pub next_hop: IpAddr,
    /// The interface.
    pub interface: u32,
    /// The route's own metric, to which the interface's is added.
    pub metric: u32,
}

/// Puts the answers together: interfaces by number, routes by destination.
pub fn routing(adapters: &[Adapter], addresses: &[OwnAddress], routes: &[Route]) -> Routing {
    let mut routing = Routing { interfaces: adapters.iter().map(interface).collect(), ..Routing::default() };
    routing.interfaces.sort_by_key(|interface| interface.index);
    for &Route { destination, prefix_length, next_hop, interface, metric } in routes {
        let is_of = |adapter: &&Adapter| match destination {
            IpAddr::V4(_) => adapter.index == interface,
            IpAddr::V6(_) => adapter.ipv6_index == interface,
        };
        let adapter = adapters.iter().find(is_of);
        // Windows keeps the routes of an adapter that is not connected, and does not use them.
        if adapter.is_some_and(|adapter| !adapter.is_up) {
            continue;
        }
        let router = Some(next_hop).filter(|next_hop| !next_hop.is_unspecified());
        let gateway = router.map_or(Gateway::OnLink, Gateway::Address);
        match destination {
            IpAddr::V4(destination) => {
                routing.ipv4.push(Ipv4Route {
                    destination,
                    prefix_length,
                    metric: sum(metric, adapter.map(|adapter| adapter.ipv4_metric)),
                    gateway,
                    interface_address: source_address(destination, router, interface, addresses),
                    interface,
                });
            }
            IpAddr::V6(destination) => {
                let metric = sum(metric, adapter.map(|adapter| adapter.ipv6_metric));
                routing.ipv6.push(Ipv6Route { destination, prefix_length, metric, gateway, interface });
            }
        }
    }
    routing.ipv4.sort();
    routing.ipv6.sort();
    routing
}

/// The metric of a route that counts: its own and its interface's.
fn sum(own: u32, of_interface: Option<u32>) -> u32 {
    own.saturating_add(of_interface.filter(|&metric| metric != u32::MAX).unwrap_or(0))
}

fn interface(adapter: &Adapter) -> Interface {
    Interface {
        index: if adapter.index == 0 { adapter.ipv6_index } else { adapter.index },
        hardware_address: adapter.hardware_address.clone(),
        name: adapter.description.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, prefix_length: u8, next_hop: &str, interface: u32, metric: u32) -> Route {
        let [destination, next_hop] = [destination, next_hop].map(|address| address.parse().unwrap());
        Route { destination, prefix_length, next_hop, interface, metric }
    }

    fn own(interface: u32, address: &str, prefix_length: u8) -> OwnAddress {
        OwnAddress { interface, address: address.parse().unwrap(), prefix_length }
    }

    #[test]
    fn a_metric_is_the_routes_and_the_interfaces_together() {
        let adapters = [
            Adapter { index: 7, ipv6_index: 9, ipv4_metric: 25, ipv6_metric: 35, is_up: true, ..Adapter::default() },
            Adapter { index: 1, ipv6_index: 1, ipv4_metric: u32::MAX, is_up: true, ..Adapter::default() },
        ];
        let routes = [
            route("10.0.0.0", 8, "0.0.0.0", 7, 256),
            route("0.0.0.0", 0, "10.0.0.1", 7, 0),
            route("127.0.0.0", 8, "0.0.0.0", 1, 256),
            route("::", 0, "fe80::1", 9, 256),
            route("2001:db8::", 64, "::", 8, 256),
        ];
        let routing = routing(&adapters, &[], &routes);
        let ipv4: Vec<(String, u32)> = routing.ipv4.iter().map(|route| (route.destination.to_string(), route.metric)).collect();
        assert_eq!(ipv4, [("0.0.0.0".into(), 25), ("10.0.0.0".into(), 281), ("127.0.0.0".into(), 256)]);
        let ipv6: Vec<(u32, Gateway)> = routing.ipv6.iter().map(|route| (route.metric, route.gateway)).collect();
        assert_eq!(ipv6, [(291, Gateway::Address("fe80::1".parse().unwrap())), (256, Gateway::OnLink)]);
        assert_eq!(routing.interfaces.iter().map(|interface| interface.index).collect::<Vec<_>>(), [1, 7]);
    }

    #[test]
    fn a_routes_own_address_is_the_one_beside_its_router() {
        let addresses = [own(3, "192.0.2.9", 24), own(3, "10.0.0.9", 8), own(4, "10.1.1.1", 8)];
        let routes = [
            route("0.0.0.0", 0, "10.0.0.1", 3, 0),
            route("192.0.2.0", 24, "0.0.0.0", 3, 0),
            route("198.51.100.0", 24, "0.0.0.0", 5, 0),
        ];
        let routing = routing(&[], &addresses, &routes);
        let own: Vec<_> = routing.ipv4.iter().map(|route| route.interface_address).collect();
        assert_eq!(own, [Some("10.0.0.9".parse().unwrap()), Some("192.0.2.9".parse().unwrap()), None]);
    }

    #[test]
    fn a_route_on_the_link_sends_from_the_address_of_its_network() {
        let addresses = [own(3, "192.0.2.9", 24), own(3, "10.0.0.9", 8)];
        let routes = [route("10.0.0.0", 8, "0.0.0.0", 3, 0), route("10.0.0.9", 32, "0.0.0.0", 3, 0)];
        let routing = routing(&[], &addresses, &routes);
        let own: Vec<_> = routing.ipv4.iter().map(|route| route.interface_address).collect();
        assert_eq!(own, [Some("10.0.0.9".parse().unwrap()); 2]);
    }

    #[test]
    fn routes_of_an_adapter_that_is_not_connected_are_left_out_and_the_adapter_is_listed() {
        let adapters = [
            Adapter { index: 7, ipv6_index: 9, is_up: false, ..Adapter::default() },
            Adapter { index: 8, ipv6_index: 8, is_up: true, ..Adapter::default() },
        ];
        let routes = [
            route("10.0.0.0", 8, "0.0.0.0", 7, 0),
            route("10.0.0.0", 8, "0.0.0.0", 8, 0),
            route("fe80::", 64, "::", 9, 0),
            route("fe80::", 64, "::", 8, 0),
        ];
        let routing = routing(&adapters, &[], &routes);
        assert_eq!(routing.ipv4.iter().map(|route| route.interface).collect::<Vec<_>>(), [8]);
        assert_eq!(routing.ipv6.iter().map(|route| route.interface).collect::<Vec<_>>(), [8]);
        assert_eq!(routing.interfaces.len(), 2);
    }
}
