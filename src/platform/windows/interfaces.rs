//! What the network interfaces have carried, from IP Helper.

use super::mib;
use crate::model::interface::{InterfaceTotals, Traffic};
use crate::model::problem::{Problem, ProblemKind};
use windows_sys::Win32::NetworkManagement::IpHelper::{IF_TYPE_SOFTWARE_LOOPBACK, MIB_IF_ROW2};

/// The bit of `InterfaceAndOperStatusFlags` that marks a filter, which counts again what its interface has counted.
const FILTER: u8 = 1 << 1;

/// The counters of all interfaces except loopbacks and filters, added up; they have 64 bits.
pub(crate) fn totals() -> (InterfaceTotals, Vec<Problem>) {
    let rows = match mib::interfaces() {
        Ok(rows) => rows,
        Err(error) => {
            let message = format!("the counters of the interfaces cannot be read: GetIfTable2: {error}");
            return (InterfaceTotals::default(), vec![Problem::new(ProblemKind::TableUnreadable, message)]);
        }
    };
    let counted =
        |row: &&MIB_IF_ROW2| row.Type != IF_TYPE_SOFTWARE_LOOPBACK && row.InterfaceAndOperStatusFlags._bitfield & FILTER == 0;
    let mut totals = InterfaceTotals::default();
    rows.iter().filter(counted).for_each(|row| totals.add(&counters(row)));
    (totals, Vec::new())
}

fn counters(row: &MIB_IF_ROW2) -> InterfaceTotals {
    let traffic = |[bytes, unicast_packets, non_unicast_packets, discards, errors]: [u64; 5]| Traffic {
        bytes,
        unicast_packets,
        non_unicast_packets,
        discards,
        errors,
    };
    InterfaceTotals {
        received: traffic([row.InOctets, row.InUcastPkts, row.InNUcastPkts, row.InDiscards, row.InErrors]),
        sent: traffic([row.OutOctets, row.OutUcastPkts, row.OutNUcastPkts, row.OutDiscards, row.OutErrors]),
        unknown_protocols: row.InUnknownProtos,
        unavailable: Vec::new(),
    }
}
