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
    let totals = rows.iter().filter(counted).fold(InterfaceTotals::default(), |mut totals, row| {
        add(&mut totals.received, [row.InOctets, row.InUcastPkts, row.InNUcastPkts, row.InDiscards, row.InErrors]);
        add(&mut totals.sent, [row.OutOctets, row.OutUcastPkts, row.OutNUcastPkts, row.OutDiscards, row.OutErrors]);
        totals.unknown_protocols = totals.unknown_protocols.wrapping_add(row.InUnknownProtos);
        totals
    });
    (totals, Vec::new())
}

fn add(traffic: &mut Traffic, [bytes, unicast, non_unicast, discards, errors]: [u64; 5]) {
    traffic.bytes = traffic.bytes.wrapping_add(bytes);
    traffic.unicast_packets = traffic.unicast_packets.wrapping_add(unicast);
    traffic.non_unicast_packets = traffic.non_unicast_packets.wrapping_add(non_unicast);
    traffic.discards = traffic.discards.wrapping_add(discards);
    traffic.errors = traffic.errors.wrapping_add(errors);
}
