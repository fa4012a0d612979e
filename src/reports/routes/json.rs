//! The JSON of the interfaces and routes.

use crate::model::route::{Gateway, Interface, Ipv4Route, Ipv6Route, PersistentRoute, Routing};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};

#[derive(Serialize)]
pub(in crate::reports) struct RoutesRecord<'a> {
    interfaces: Vec<InterfaceRecord<'a>>,
    ipv4: Vec<RouteRecord>,
    ipv6: Vec<RouteRecord>,
    persistent_ipv4: Vec<PersistentRecord>,
}

#[derive(Serialize)]
struct InterfaceRecord<'a> {
    index: u32,
    name: &'a str,
    hardware_address: Option<String>,
}

#[derive(Serialize)]
struct RouteRecord {
    destination: IpAddr,
    prefix_length: u8,
    metric: u32,
    kind: &'static str,
    gateway: Option<IpAddr>,
    interface: Option<u32>,
    interface_address: Option<Ipv4Addr>,
}

#[derive(Serialize)]
struct PersistentRecord {
    destination: Ipv4Addr,
    prefix_length: u8,
    gateway: Ipv4Addr,
    metric: Option<u32>,
}

impl<'a> RoutesRecord<'a> {
    pub(in crate::reports) fn new(routing: &'a Routing) -> Self {
        Self {
            interfaces: routing.interfaces.iter().map(interface).collect(),
            ipv4: routing.ipv4.iter().map(ipv4).collect(),
            ipv6: routing.ipv6.iter().map(ipv6).collect(),
            persistent_ipv4: routing.persistent_ipv4.iter().map(persistent).collect(),
        }
    }
}

fn interface(interface: &Interface) -> InterfaceRecord<'_> {
    let address: Vec<String> = interface.hardware_address.iter().map(|byte| format!("{byte:02x}")).collect();
    InterfaceRecord {
        index: interface.index,
        name: &interface.name,
        hardware_address: Some(address.join(":")).filter(|address| !address.is_empty()),
    }
}

fn ipv4(route: &Ipv4Route) -> RouteRecord {
    RouteRecord {
        interface_address: route.interface_address,
        ..through(route.gateway, route.destination.into(), route.prefix_length, route.metric, route.interface)
    }
}

fn ipv6(route: &Ipv6Route) -> RouteRecord {
    through(route.gateway, route.destination.into(), route.prefix_length, route.metric, route.interface)
}

fn through(gateway: Gateway, destination: IpAddr, prefix_length: u8, metric: u32, interface: u32) -> RouteRecord {
    RouteRecord {
        destination,
        prefix_length,
        metric,
        kind: match gateway {
            Gateway::OnLink => "on-link",
            Gateway::Address(_) => "router",
            Gateway::Unreachable => "unreachable",
            Gateway::Prohibited => "prohibited",
            Gateway::Blackhole => "blackhole",
            Gateway::Throw => "throw",
        },
        gateway: match gateway {
            Gateway::Address(address) => Some(address),
            Gateway::OnLink | Gateway::Unreachable | Gateway::Prohibited | Gateway::Blackhole | Gateway::Throw => None,
        },
        interface: Some(interface).filter(|&index| index != 0),
        interface_address: None,
    }
}

fn persistent(route: &PersistentRoute) -> PersistentRecord {
    PersistentRecord {
        destination: route.destination,
        prefix_length: route.prefix_length,
        gateway: route.gateway,
        metric: route.metric,
    }
}
