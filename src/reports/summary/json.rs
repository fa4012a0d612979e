//! The summary in JSON.

use super::text::Named;
use crate::lookup::rates::Rate;
use crate::model::socket::{Pid, State};
use crate::moment::row::protocol_name;
use crate::moment::traffic::Traffic;
use crate::reports::findings::FindingRecord;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::net::IpAddr;

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let summary = self.summary;
        let record = Record {
            sockets: summary.sockets,
            findings: self.findings.iter().map(|finding| FindingRecord::new(finding, &self.lookups.processes)).collect(),
            without_owner: summary.without_owner,
            states: summary
                .states
                .iter()
                .map(|&((protocol, state), sockets)| StateRecord {
                    protocol: protocol_name(protocol),
                    state: state.map(State::word),
                    sockets,
                })
                .collect(),
            processes: summary
                .processes
                .iter()
                .map(|&(pid, sockets)| ProcessRecord { pid, name: self.process(pid), sockets })
                .collect(),
            remote_addresses: summary
                .remote_addresses
                .iter()
                .map(|&(address, sockets)| AddressRecord { address, sockets })
                .collect(),
            local_ports: summary
                .local_ports
                .iter()
                .map(|&(port, sockets)| PortRecord {
                    protocol: protocol_name(port.0),
                    port: port.1,
                    service: self.service(port),
                    sockets,
                })
                .collect(),
            namespaces: (!self.namespaces.is_empty()).then(|| self.namespace_records()),
            traffic: summary.traffic.as_ref().map(|traffic| traffic.iter().map(|sum| self.traffic_record(sum)).collect()),
        };
        record.serialize(serializer)
    }
}

impl<'a> Named<'a> {
    fn namespace_records(&self) -> Vec<NamespaceRecord<'a>> {
        let record = |&(place, sockets): &(usize, usize)| {
            let namespace = self.namespaces.get(place)?;
            Some(NamespaceRecord { namespace: namespace.inode, name: namespace.name.as_deref(), sockets })
        };
        self.summary.namespaces.iter().filter_map(record).collect()
    }

    fn traffic_record(&self, sum: &Traffic) -> TrafficRecord<'a> {
        TrafficRecord {
            pid: sum.pid,
            name: sum.pid.and_then(|pid| self.process(pid)),
            bytes_sent: sum.bytes(Rate::Send),
            bytes_received: sum.bytes(Rate::Receive),
            bytes_retransmitted: sum.bytes(Rate::Retransmit),
            send_rate_bytes_per_second: self.has_rates().then(|| sum.rate(Rate::Send)),
            receive_rate_bytes_per_second: self.has_rates().then(|| sum.rate(Rate::Receive)),
            retransmit_rate_bytes_per_second: self.has_rates().then(|| sum.rate(Rate::Retransmit)),
        }
    }
}

#[derive(Serialize)]
struct Record<'a> {
    sockets: usize,
    findings: Vec<FindingRecord>,
    without_owner: usize,
    states: Vec<StateRecord>,
    processes: Vec<ProcessRecord<'a>>,
    remote_addresses: Vec<AddressRecord>,
    local_ports: Vec<PortRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<Vec<NamespaceRecord<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic: Option<Vec<TrafficRecord<'a>>>,
}

/// The rates are absent without an interval.
#[derive(Serialize)]
struct TrafficRecord<'a> {
    pid: Option<Pid>,
    name: Option<Cow<'a, str>>,
    bytes_sent: Option<u64>,
    bytes_received: Option<u64>,
    bytes_retransmitted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_rate_bytes_per_second: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_rate_bytes_per_second: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retransmit_rate_bytes_per_second: Option<Option<u64>>,
}

#[derive(Serialize)]
struct NamespaceRecord<'a> {
    namespace: Option<u32>,
    name: Option<&'a str>,
    sockets: usize,
}

#[derive(Serialize)]
struct StateRecord {
    protocol: &'static str,
    state: Option<&'static str>,
    sockets: usize,
}

#[derive(Serialize)]
struct ProcessRecord<'a> {
    pid: Pid,
    name: Option<Cow<'a, str>>,
    sockets: usize,
}

#[derive(Serialize)]
struct AddressRecord {
    address: IpAddr,
    sockets: usize,
}

#[derive(Serialize)]
struct PortRecord<'a> {
    protocol: &'static str,
    port: u16,
    service: Option<&'a str>,
    sockets: usize,
}
