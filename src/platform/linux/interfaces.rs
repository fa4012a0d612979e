//! What the network interfaces have carried, from `rtnetlink`.

use super::route_dump::{RouteDumps, refused};
use super::rtnetlink::{Dump, Link};
use crate::model::interface::InterfaceTotals;
use crate::model::problem::Problem;

/// The counters of all interfaces except loopbacks, added up.
pub(crate) fn totals() -> (InterfaceTotals, Vec<Problem>) {
    const WHAT: &str = "counters of the interfaces";
    match RouteDumps::open() {
        Ok(mut dumps) => {
            let links = dumps.read(Dump::Links, WHAT, Link::parse);
            (super::rtnetlink::totals(&links), dumps.problems)
        }
        Err(error) => (InterfaceTotals::default(), vec![refused(WHAT, &error)]),
    }
}
