//! What the network interfaces have carried, from `rtnetlink`.

use crate::model::interface::InterfaceTotals;
use crate::model::problem::Problem;
use crate::platform::linux::netlink::route::{self, Dump, Link};
use crate::platform::linux::netlink::route_dump::{RouteDumps, refused};

/// The counters of all interfaces except loopbacks, added up.
pub(crate) fn totals() -> (InterfaceTotals, Vec<Problem>) {
    const WHAT: &str = "counters of the interfaces";
    match RouteDumps::open() {
        Ok(mut dumps) => {
            let links = dumps.read(Dump::Links, WHAT, Link::parse);
            (route::totals(&links), dumps.problems)
        }
        Err(error) => (InterfaceTotals::default(), vec![refused(WHAT, &error)]),
    }
}
