//! The interfaces and the routes, from `rtnetlink`.

use crate::model::problem::Problem;
use crate::model::route::Routing;
use crate::platform::linux::netlink::route::{Dump, Ipv4Address, Link, NextHop, Route};
use crate::platform::linux::netlink::route_dump::{RouteDumps, refused};
use crate::platform::linux::route_tables::{resolve, routing};

/// Reads the interfaces, their addresses and both families' routes.
pub(crate) fn read() -> (Routing, Vec<Problem>) {
    match RouteDumps::open() {
        Ok(mut dumps) => {
            let links = dumps.read(Dump::Links, "interfaces", Link::parse);
            let addresses = dumps.read(Dump::Ipv4Addresses, "addresses of the interfaces", Ipv4Address::parse);
            let mut routes = dumps.read(Dump::Ipv4Routes, "IPv4 routes", Route::parse);
            routes.extend(dumps.read(Dump::Ipv6Routes, "IPv6 routes", Route::parse));
            if routes.iter().any(|route| route.hops.is_empty()) {
                resolve(&mut routes, &dumps.read(Dump::NextHops, "next hops", NextHop::parse));
            }
            (routing(links, &addresses, &routes), dumps.problems)
        }
        Err(error) => (Routing::default(), vec![refused("interfaces and routes", &error)]),
    }
}
