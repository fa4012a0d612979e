//! The JSON of what is counted: protocols, interfaces. A figure that the system does not count is null.

use crate::model::interface::{InterfaceTotals, Traffic};
use crate::model::statistics::{Both, Section, Statistics};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The sections of the statistics that were asked for.
pub(super) struct StatisticsRecord<'a> {
    pub(super) statistics: &'a Statistics,
    pub(super) sections: &'a [Section],
}

impl Serialize for StatisticsRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.sections.len()))?;
        for &section in self.sections {
            let Statistics { ipv4, ipv6, icmpv4, icmpv6, tcp_ipv4, tcp_ipv6, udp_ipv4, udp_ipv6, .. } = self.statistics;
            match section {
                Section::Ipv4 => map.serialize_entry("ipv4", &self.counters(section, &ipv4.fields()))?,
                Section::Ipv6 => map.serialize_entry("ipv6", &self.counters(section, &ipv6.fields()))?,
                Section::Icmpv4 => map.serialize_entry("icmpv4", &self.counters(section, &icmpv4.fields()))?,
                Section::Icmpv6 => map.serialize_entry("icmpv6", &self.counters(section, &icmpv6.fields()))?,
                Section::TcpIpv4 => map.serialize_entry("tcp_ipv4", &self.counters(section, &tcp_ipv4.fields()))?,
                Section::TcpIpv6 => map.serialize_entry("tcp_ipv6", &self.counters(section, &tcp_ipv6.fields()))?,
                Section::UdpIpv4 => map.serialize_entry("udp_ipv4", &self.counters(section, &udp_ipv4.fields()))?,
                Section::UdpIpv6 => map.serialize_entry("udp_ipv6", &self.counters(section, &udp_ipv6.fields()))?,
            }
        }
        map.end()
    }
}

impl<'a> StatisticsRecord<'a> {
    fn counters<V: Copy>(&self, section: Section, fields: &[(&'static str, V)]) -> Counters<Option<V>> {
        let is_unavailable =
            |field| self.statistics.unavailable.iter().any(|counter| counter.section == section && counter.field == field);
        Counters(fields.iter().map(|&(field, value)| (field, (!is_unavailable(field)).then_some(value))).collect())
    }
}

/// Names and figures, in their order.
struct Counters<V>(Vec<(&'static str, V)>);

impl<V: Serialize> Serialize for Counters<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Both {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Counters(vec![("received", self.received), ("sent", self.sent)]).serialize(serializer)
    }
}

/// The counters of all interfaces together.
#[derive(Serialize)]
pub(super) struct InterfacesRecord {
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
    pub(super) fn new(totals: &InterfaceTotals) -> Self {
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
