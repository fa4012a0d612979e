//! The RDMA connections of all devices.

use crate::model::problem::{Problem, ProblemKind};
use crate::model::rdma::RdmaEndpoint;
use crate::platform::linux::netlink::rdma::{self, Dump};
use crate::platform::linux::netlink::socket::{Consistency, DumpError, Netlink};
use rustix::net::netlink::RDMA;
use std::collections::HashMap;
use std::io;

/// Reads the connections. A kernel without RDMA has none, and that is no problem.
pub(crate) fn read() -> (Vec<RdmaEndpoint>, Vec<Problem>) {
    let mut endpoints = Vec::new();
    let mut problems = Vec::new();
    match read_devices(&mut endpoints) {
        Ok(Consistency::Whole) => {}
        Ok(Consistency::Interrupted) => {
            let message = "the RDMA connections changed while they were read: rows may be missing or stale";
            problems.push(Problem::new(ProblemKind::TableIncomplete, message));
        }
        Err(DumpError::Refused(error)) if is_missing(&error) => {}
        Err(error) => {
            let kind = if endpoints.is_empty() { ProblemKind::TableUnreadable } else { ProblemKind::TableIncomplete };
            problems.push(Problem::new(kind, format!("the RDMA connections cannot be read: {error}")));
        }
    }
    (endpoints, problems)
}

/// Whether the kernel has no such table at all.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT | libc::ENOENT | libc::EOPNOTSUPP))
}

fn read_devices(endpoints: &mut Vec<RdmaEndpoint>) -> Result<Consistency, DumpError> {
    let mut netlink = Netlink::open(Some(RDMA))?;
    let mut whole = Consistency::Whole;
    let mut dump = |dump: Dump, each: &mut dyn FnMut(&[u8])| {
        let answer = |kind, payload: &[u8]| {
            if kind == dump.message_type() {
                each(payload);
            }
        };
        let consistency = netlink.dump(|sequence| dump.encode(sequence), answer)?;
        if consistency == Consistency::Interrupted {
            whole = consistency;
        }
        Ok::<_, DumpError>(())
    };
    let mut devices = Vec::new();
    dump(Dump::Devices, &mut |payload| devices.extend(rdma::device(payload)))?;
    for device in devices {
        let mut interfaces = HashMap::new();
        dump(Dump::Ports(device), &mut |payload| interfaces.extend(rdma::port(payload)))?;
        dump(Dump::Connections(device), &mut |payload| {
            endpoints.extend(rdma::connections(payload).map(|(port, endpoint)| {
                let interface = port.and_then(|port| interfaces.get(&port)).copied().unwrap_or(0);
                RdmaEndpoint { interface, ..endpoint }
            }));
        })?;
    }
    Ok(whole)
}
