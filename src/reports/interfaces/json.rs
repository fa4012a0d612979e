//! The counters of the interfaces in JSON. A figure that the system does not count is null.

use crate::model::interface::{InterfaceTotals, Traffic};
use serde::Serialize;

/// The counters of all interfaces together.
#[derive(Serialize)]
pub(in crate::reports) struct InterfacesRecord {
    received: TrafficRecord,
    sent: TrafficRecord,
    unknown_protocols: Option<u64>,
}

#[derive(Serialize)]
struct TrafficRecord {
    bytes: Option<u64>,
    unicast_packets: Option<u64>,
    non_unicast_packets: Option<u64>,
    discards: Option<u64>,
    errors: Option<u64>,
}

impl InterfacesRecord {
    pub(in crate::reports) fn new(totals: &InterfaceTotals) -> Self {
        let known = |field: String, value| (!totals.unavailable.contains(&field.as_str())).then_some(value);
        let traffic = |direction, traffic: &Traffic| TrafficRecord {
            bytes: known(format!("{direction}.bytes"), traffic.bytes),
            unicast_packets: known(format!("{direction}.unicast_packets"), traffic.unicast_packets),
            non_unicast_packets: known(format!("{direction}.non_unicast_packets"), traffic.non_unicast_packets),
            discards: known(format!("{direction}.discards"), traffic.discards),
            errors: known(format!("{direction}.errors"), traffic.errors),
        };
        Self {
            received: traffic("received", &totals.received),
            sent: traffic("sent", &totals.sent),
            unknown_protocols: known("unknown_protocols".to_owned(), totals.unknown_protocols),
        }
    }
}
