//! From the kernel's links, addresses and routes to the tables that are shown.

use crate::model::route::{Gateway, Interface, Ipv4Route, Ipv6Route, Routing, netmask};
use crate::platform::linux::netlink::route::{Hop, Ipv4Address, Link, NextHop, Route, RouteKind};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// `RT_TABLE_DEFAULT`, `RT_TABLE_MAIN` and `RT_TABLE_LOCAL`: those that every packet passes through. Other tables are only for packets
/// that a rule sends there.
const TABLES: [u32; 3] = [253, 254, 255];

/// Gives the routes that name a next hop object the hops of that object. One that has gone meanwhile leaves its routes without.
pub fn resolve(routes: &mut [Route], objects: &[NextHop]) {
    let by_id: HashMap<u32, &NextHop> = objects.iter().map(|object| (object.id, object)).collect();
    for route in routes.iter_mut().filter(|route| route.hops.is_empty()) {
        let Some(object) = route.object.and_then(|id| by_id.get(&id)) else { continue };
        if object.group.is_empty() {
            route.hops.push(object.hop);
        } else {
            route.hops.extend(object.group.iter().filter_map(|member| by_id.get(member)).map(|member| member.hop));
        }
    }
}

/// Puts the answers together: interfaces by number, routes by destination, a row for each next hop in use.
pub fn routing(mut links: Vec<Link>, addresses: &[Ipv4Address], routes: &[Route]) -> Routing {
    links.sort_by_key(|link| link.index);
    let interface = |link: Link| Interface { index: link.index, hardware_address: link.hardware_address, name: link.name };
    let mut routing = Routing { interfaces: links.into_iter().map(interface).collect(), ..Routing::default() };
    for route in routes.iter().filter(|route| TABLES.contains(&route.table) && !route.cached) {
        for hop in route.hops.iter().filter(|hop| !hop.dead) {
            let Route { prefix_length, metric, .. } = *route;
            let gateway = gateway(route.kind, hop);
            // IPv6 names the loopback as the interface of a route on which nothing is sent.
            let interface = if route.kind == RouteKind::Delivered { hop.interface } else { 0 };
            match route.destination {
                IpAddr::V4(destination) => routing.ipv4.push(Ipv4Route {
                    destination,
                    prefix_length,
                    metric,
                    gateway,
                    interface_address: own_address(route.source, hop.gateway, interface, addresses),
                    interface,
                }),
                IpAddr::V6(destination) => {
                    routing.ipv6.push(Ipv6Route { destination, prefix_length, metric, gateway, interface });
                }
            }
        }
    }
    routing.ipv4.sort();
    routing.ipv6.sort();
    routing
}

fn gateway(kind: RouteKind, hop: &Hop) -> Gateway {
    match kind {
        RouteKind::Delivered => hop.gateway.map_or(Gateway::OnLink, Gateway::Address),
        RouteKind::Blackhole => Gateway::Blackhole,
        RouteKind::Unreachable => Gateway::Unreachable,
        RouteKind::Prohibited => Gateway::Prohibited,
        RouteKind::Throw => Gateway::Throw,
    }
}

/// The address that the route prefers; else the interface's own address in the network of the gateway; else its first.
fn own_address(source: Option<IpAddr>, gateway: Option<IpAddr>, interface: u32, addresses: &[Ipv4Address]) -> Option<Ipv4Addr> {
    if let Some(IpAddr::V4(source)) = source {
        return Some(source);
    }
    let own = || addresses.iter().filter(|address| address.interface == interface);
    let near = |address: &&Ipv4Address| match gateway {
        Some(IpAddr::V4(gateway)) => {
            let mask = netmask(address.prefix_length);
            address.network & mask == gateway & mask
        }
        _ => false,
    };
    own().find(near).or_else(|| own().next()).map(|address| address.address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::netlink::message::{Body, Messages};

    /// What a kernel once answered (6.18), in a network namespace with every kind of route.
    macro_rules! recorded {
        ($name:literal, $parse:expr) => {
            Messages::new(include_bytes!(concat!("../../../tests/fuzz/seeds/rtnetlink/", $name)))
                .map(|message| match message.unwrap().body {
                    Body::Payload(_, payload) => $parse(payload).unwrap(),
                    other => panic!("{other:?}"),
                })
                .collect::<Vec<_>>()
        };
    }

    fn recording() -> Routing {
        let routes = [recorded!("routes4", Route::parse), recorded!("routes6", Route::parse)].concat();
        routing(recorded!("links", Link::parse), &recorded!("addresses", Ipv4Address::parse), &routes)
    }

    #[test]
    fn the_interfaces_of_the_recording() {
        let interfaces: Vec<_> = recording()
            .interfaces
            .into_iter()
            .map(|interface| (interface.index, interface.name, interface.hardware_address.len()))
            .collect();
        let named = |index, name: &str, length| (index, name.to_owned(), length);
        assert_eq!(
            interfaces,
            [named(1, "lo", 0), named(2, "d1", 6), named(3, "d0", 6), named(4, "t0", 0), named(5, "v1", 6), named(6, "v0", 6)]
        );
    }

    #[test]
    fn the_ipv4_routes_of_the_recording() {
        let routes: Vec<_> = recording()
            .ipv4
            .into_iter()
            .map(|route| {
                let Ipv4Route { destination, prefix_length, metric, gateway, interface_address, interface } = route;
                let own = interface_address.map_or("-".to_owned(), |address| address.to_string());
                format!("{destination}/{prefix_length} {gateway:?} {own} {interface} {metric}")
            })
            .collect();
        // Neither the route of table 77 nor any other is here that no ordinary packet meets.
        assert_eq!(
            routes,
            [
                "0.0.0.0/0 Address(192.0.2.1) 192.0.2.2 3 600",
                "10.5.0.0/16 OnLink 10.5.0.1 6 0",
                "10.5.0.1/32 OnLink 10.5.0.1 6 0",
                "10.5.255.255/32 OnLink 10.5.0.1 6 0",
                "10.66.0.0/16 Blackhole - 0 0",
                "10.67.0.0/16 Unreachable - 0 5",
                "10.68.0.0/16 Prohibited - 0 0",
                "10.69.0.0/16 Throw - 0 0",
                "10.77.0.0/16 Address(fe80::77) 192.0.2.2 3 0",
                "127.0.0.0/8 OnLink 127.0.0.1 1 0",
                "127.0.0.1/32 OnLink 127.0.0.1 1 0",
                "127.255.255.255/32 OnLink 127.0.0.1 1 0",
                "192.0.2.0/24 OnLink 192.0.2.2 3 0",
                "192.0.2.2/32 OnLink 192.0.2.2 3 0",
                "192.0.2.255/32 OnLink 192.0.2.2 3 0",
                "198.51.100.2/32 OnLink 198.51.100.2 3 0",
                "198.51.100.9/32 OnLink 198.51.100.2 3 0",
                "203.0.113.0/24 Address(10.5.0.7) 10.5.0.1 6 0",
                "203.0.113.0/24 Address(192.0.2.7) 192.0.2.2 3 0",
                "224.0.0.0/4 OnLink 192.0.2.2 3 0",
            ]
        );
    }

    #[test]
    fn the_ipv6_routes_of_the_recording() {
        let routes: Vec<_> = recording()
            .ipv6
            .into_iter()
            .filter(|route| !route.destination.is_unicast_link_local())
            .map(|Ipv6Route { destination, prefix_length, metric, gateway, interface }| {
                format!("{destination}/{prefix_length} {gateway:?} {interface} {metric}")
            })
            .collect();
        assert_eq!(
            routes,
            [
                "::/0 Address(fe80::1) 3 1024",
                "::1/128 OnLink 1 0",
                "2001:db8:f::/48 Address(fe80::7) 3 1024",
                "2001:db8:f::/48 Address(fe80::8) 6 1024",
                "2001:db8:1111:2222::/64 OnLink 3 256",
                "2001:db8:1111:2222:3333:4444:5555:0/112 Address(fe80::9) 6 1024",
                "2001:db8:1111:2222:3333:4444:5555:6666/128 OnLink 3 0",
                "2001:db8:beef::/48 Blackhole 0 1024",
                "2001:db8:dead::/48 Unreachable 0 1024",
                "ff00::/8 OnLink 2 256",
                "ff00::/8 OnLink 3 256",
                "ff00::/8 OnLink 5 256",
                "ff00::/8 OnLink 6 256",
            ]
        );
    }

    #[test]
    fn dead_hops_and_cached_copies_are_not_in_use() {
        let hop = |interface, dead| Hop { gateway: None, interface, dead };
        let route = Route {
            table: 254,
            kind: RouteKind::Delivered,
            destination: "10.0.0.0".parse().unwrap(),
            prefix_length: 8,
            metric: 0,
            source: None,
            cached: false,
            hops: vec![hop(1, true), hop(2, false)],
            object: None,
        };
        let cached = Route { cached: true, ..route.clone() };
        let interfaces: Vec<_> =
            routing(Vec::new(), &[], &[route, cached]).ipv4.into_iter().map(|route| route.interface).collect();
        assert_eq!(interfaces, [2]);
    }

    #[test]
    fn a_route_by_an_object_leads_where_the_object_leads() {
        let object = |id, group: &[u32]| NextHop {
            id,
            hop: Hop { gateway: None, interface: id * 10, dead: false },
            group: group.to_vec(),
        };
        let route = |object| Route { object: Some(object), hops: Vec::new(), ..recorded!("routes4", Route::parse)[0].clone() };
        let mut routes = [route(5), route(8), route(9)];
        resolve(&mut routes, &[object(5, &[]), object(7, &[]), object(8, &[5, 7])]);
        let interfaces = routes.map(|route| route.hops.iter().map(|hop| hop.interface).collect::<Vec<_>>());
        assert_eq!(interfaces, [vec![50], vec![50, 70], vec![]]);
    }

    #[test]
    fn of_several_own_addresses_the_one_near_the_gateway_is_shown() {
        let address = |interface, address: &str, network: &str, prefix_length| Ipv4Address {
            interface,
            address: address.parse().unwrap(),
            network: network.parse().unwrap(),
            prefix_length,
        };
        let addresses = [
            address(1, "192.0.2.9", "192.0.2.9", 24),
            address(2, "10.0.0.1", "10.0.0.1", 8),
            address(2, "192.0.2.2", "192.0.2.2", 24),
            address(2, "172.16.0.1", "198.51.100.1", 32),
        ];
        let own = |source: Option<&str>, gateway: Option<&str>, interface| {
            let ip = |address: Option<&str>| address.map(|address| address.parse().unwrap());
            own_address(ip(source), ip(gateway), interface, &addresses).map(|address| address.to_string())
        };
        assert_eq!(own(None, Some("192.0.2.1"), 2).as_deref(), Some("192.0.2.2"));
        assert_eq!(own(None, Some("198.51.100.1"), 2).as_deref(), Some("172.16.0.1"));
        assert_eq!(own(None, Some("203.0.113.1"), 2).as_deref(), Some("10.0.0.1"));
        assert_eq!(own(None, None, 2).as_deref(), Some("10.0.0.1"));
        assert_eq!(own(Some("192.0.2.5"), None, 2).as_deref(), Some("192.0.2.5"));
        assert_eq!(own(None, Some("192.0.2.1"), 3), None);
    }
}
