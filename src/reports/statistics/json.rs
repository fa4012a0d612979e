//! The counters of the protocols in JSON. A figure that the system does not count is null.

use crate::model::statistics::{Both, Section, Statistics};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The sections of the statistics that were asked for.
pub(in crate::reports) struct StatisticsRecord<'a> {
    pub(in crate::reports) statistics: &'a Statistics,
    pub(in crate::reports) sections: &'a [Section],
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

impl StatisticsRecord<'_> {
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
