//! The interfaces and the routes, from IP Helper.

use super::call_with_buffer::CallError;
use super::routing::{Route, routing};
use super::{adapters, mib, persistent, registry};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::route::Routing;
use crate::model::socket::Family;
use crate::platform::own_addresses::OwnAddress;
use std::net::IpAddr;

/// The key of the routes that outlast a restart: each is the name of a value.
const PERSISTENT_ROUTES: &str = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\PersistentRoutes";

/// The key of the adapters' settings, each in a key of its own.
const ADAPTER_SETTINGS: &str = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces";

/// Reads the interfaces, their addresses and both families' routes.
pub(crate) fn read() -> (Routing, Vec<Problem>) {
    let mut problems = Vec::new();
    let adapters = read_or_report(adapters::read(), "interfaces", &mut problems);
    let own = read_or_report(mib::addresses(Family::V4), "addresses of the interfaces", &mut problems);
    let own: Vec<OwnAddress> = own
        .iter()
        .filter_map(|row| match mib::address(&row.Address)? {
            IpAddr::V4(address) => {
                Some(OwnAddress { interface: row.InterfaceIndex, address, prefix_length: row.OnLinkPrefixLength })
            }
            IpAddr::V6(_) => None,
        })
        .collect();
    let mut rows = read_or_report(mib::routes(Family::V4), "IPv4 routes", &mut problems);
    rows.extend(read_or_report(mib::routes(Family::V6), "IPv6 routes", &mut problems));
    let routes: Vec<Route> = rows
        .iter()
        .filter_map(|row| {
            Some(Route {
                destination: mib::address(&row.DestinationPrefix.Prefix)?,
                prefix_length: row.DestinationPrefix.PrefixLength,
                next_hop: mib::address(&row.NextHop)?,
                interface: row.InterfaceIndex,
                metric: row.Metric,
            })
        })
        .collect();
    let persistent = read_or_report(registry::value_names(PERSISTENT_ROUTES), "persistent routes", &mut problems);
    let mut routing = routing(&adapters, &own, &routes);
    routing.persistent_ipv4 = persistent.iter().filter_map(|name| persistent::parse(name)).collect();
    for adapter in &adapters {
        let key = format!(r"{ADAPTER_SETTINGS}\{}", adapter.name);
        let mut setting = |value| read_or_report(registry::texts(&key, value), "default gateways", &mut problems);
        let (gateways, metrics) = (setting("DefaultGateway"), setting("DefaultGatewayMetric"));
        routing.persistent_ipv4.extend(persistent::default_routes(&gateways, &metrics));
    }
    routing.persistent_ipv4.sort();
    problems.push(Problem::new(
        ProblemKind::FactUnavailable,
        "persistent IPv6 routes are not listed: Windows does not document them",
    ));
    (routing, problems)
}

fn read_or_report<T>(outcome: Result<Vec<T>, CallError>, what: &str, problems: &mut Vec<Problem>) -> Vec<T> {
    outcome.unwrap_or_else(|error| {
        problems.push(Problem::new(ProblemKind::TableUnreadable, format!("the {what} cannot be read: {error}")));
        Vec::new()
    })
}
