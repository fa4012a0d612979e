//! The summary in JSON.

use super::text::Named;
use crate::model::socket::{Pid, State};
use crate::moment::row::protocol_name;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::net::IpAddr;

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let summary = self.summary;
        let record = Record {
            sockets: summary.sockets,
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
        };
        record.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Record<'a> {
    sockets: usize,
    without_owner: usize,
    states: Vec<StateRecord>,
    processes: Vec<ProcessRecord<'a>>,
    remote_addresses: Vec<AddressRecord>,
    local_ports: Vec<PortRecord<'a>>,
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
