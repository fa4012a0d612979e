//! From the kernel's links, addresses and routes to the tables that are shown.

use super::rtnetlink::{Hop, Ipv4Address, Link, Route, RouteKind};
use crate::routes::{Gateway, Interface, Ipv4Route, Ipv6Route, Routing, netmask};
use std::net::{IpAddr, Ipv4Addr};

/// `RT_TABLE_DEFAULT`, `RT_TABLE_MAIN` and `RT_TABLE_LOCAL`: those that every packet passes through. Other tables are only for packets
/// that a rule sends there.
const TABLES: [u32; 3] = [253, 254, 255];

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
