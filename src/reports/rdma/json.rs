//! The RDMA connections in JSON.

use crate::model::rdma::RdmaEndpoint;
use crate::model::socket::{Endpoint, Pid, has_scope};
use serde::Serialize;
use std::net::IpAddr;

#[derive(Serialize)]
pub(in crate::reports) struct RdmaRecord {
    pid: Option<Pid>,
    interface: u32,
    listener: bool,
    local: EndpointRecord,
    remote: Option<EndpointRecord>,
}

#[derive(Serialize)]
struct EndpointRecord {
    address: IpAddr,
    port: u16,
    scope: Option<u32>,
}

impl RdmaRecord {
    pub(in crate::reports) fn new(endpoint: &RdmaEndpoint) -> Self {
        let scope = |address| Some(endpoint.interface).filter(|&index| index != 0 && has_scope(address));
        let record = |end: &Endpoint| EndpointRecord { address: end.address, port: end.port, scope: scope(end.address) };
        Self {
            pid: endpoint.pid,
            interface: endpoint.interface,
            listener: endpoint.is_listener,
            local: record(&endpoint.local),
            remote: Some(&endpoint.remote).filter(|remote| !remote.is_unspecified()).map(record),
        }
    }
}
