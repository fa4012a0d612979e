//! The interfaces (`getifaddrs`) and the routes (`sysctl`, `NET_RT_DUMP2`).

use super::route_messages::{self, Hop};
use super::sysctl;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::route::{Gateway, Interface, Ipv4Route, Ipv6Route, Routing};
use crate::platform::own_addresses::{OwnAddress, source_address};
use nix::ifaddrs::InterfaceAddress;
use std::collections::BTreeMap;
use std::net::IpAddr;

// The layout that the parser reads is that of this system.
const _: () = assert!(size_of::<libc::rt_msghdr2>() == route_messages::HEADER);

/// Reads the interfaces, their addresses and both families' routes.
pub(crate) fn read() -> (Routing, Vec<Problem>) {
    let mut problems = Vec::new();
    let addresses: Vec<InterfaceAddress> = match nix::ifaddrs::getifaddrs() {
        Ok(addresses) => addresses.collect(),
        Err(errno) => {
            problems.push(unread("interfaces", &errno));
            Vec::new()
        }
    };
    let mut routing = Routing { interfaces: interfaces(&addresses), ..Routing::default() };
    let own = own_addresses(&addresses, &routing.interfaces);
    let mut buffer = Vec::new();
    match sysctl::read(&[libc::CTL_NET, libc::PF_ROUTE, 0, 0, libc::NET_RT_DUMP2, 0], &mut buffer) {
        Ok(dump) => {
            if let Err(error) = route_messages::parse(dump, |route| add(&mut routing, &route, &own)) {
                problems.push(Problem::new(ProblemKind::TableIncomplete, format!("routes may be missing: {error}")));
            }
        }
        Err(error) => problems.push(unread("routes", &error)),
    }
    routing.ipv4.sort();
    routing.ipv6.sort();
    (routing, problems)
}

fn unread(what: &str, error: &dyn std::error::Error) -> Problem {
    Problem::new(ProblemKind::TableUnreadable, format!("the {what} cannot be read: {error}"))
}

/// macOS has no metrics: of two routes to one network it takes the one whose interface stands first in the order of services.
const METRIC: u32 = 0;

fn add(routing: &mut Routing, route: &route_messages::Route, own: &[OwnAddress]) {
    let &route_messages::Route { destination, prefix_length, hop, interface } = route;
    let gateway = match hop {
        Hop::OnLink => Gateway::OnLink,
        Hop::Router(address) => Gateway::Address(address),
        Hop::Reject => Gateway::Unreachable,
        Hop::Blackhole => Gateway::Blackhole,
    };
    match destination {
        IpAddr::V4(destination) => {
            let next_hop = if let Hop::Router(address) = hop { Some(address) } else { None };
            let interface_address = source_address(destination, next_hop, interface, own);
            routing.ipv4.push(Ipv4Route { destination, prefix_length, metric: METRIC, gateway, interface_address, interface });
        }
        IpAddr::V6(destination) => {
            routing.ipv6.push(Ipv6Route { destination, prefix_length, metric: METRIC, gateway, interface });
        }
    }
}

/// The interfaces by number, each with its hardware address if it has one.
fn interfaces(addresses: &[InterfaceAddress]) -> Vec<Interface> {
    let mut interfaces = BTreeMap::new();
    for entry in addresses {
        let Some(link) = entry.address.as_ref().and_then(|address| address.as_link_addr()) else { continue };
        let index = u32::try_from(link.ifindex()).unwrap_or_default();
        let hardware_address = link.addr().filter(|address| *address != [0; 6]).map_or_else(Vec::new, |address| address.to_vec());
        interfaces.insert(index, Interface { index, hardware_address, name: entry.interface_name.clone() });
    }
    interfaces.into_values().collect()
}

fn own_addresses(addresses: &[InterfaceAddress], interfaces: &[Interface]) -> Vec<OwnAddress> {
    let of_entry = |entry: &InterfaceAddress| {
        let index = interfaces.iter().find(|interface| interface.name == entry.interface_name)?.index;
        let address = entry.address.as_ref()?.as_sockaddr_in()?.ip();
        let mask = entry.netmask.as_ref().and_then(|mask| mask.as_sockaddr_in()).map_or(u32::MAX, |mask| mask.ip().to_bits());
        Some(OwnAddress { interface: index, address, prefix_length: mask.leading_ones() as u8 })
    };
    addresses.iter().filter_map(of_entry).collect()
}
