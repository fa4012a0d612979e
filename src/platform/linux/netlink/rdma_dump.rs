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

/// Whether a device that was listed is there no more.
fn has_vanished(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENODEV | libc::ENOENT))
}

fn read_devices(endpoints: &mut Vec<RdmaEndpoint>) -> Result<Consistency, DumpError> {
    read_devices_of(&mut Netlink::open(Some(RDMA))?, endpoints)
}

/// Reads device after device. One that vanishes meanwhile spoils nothing but its own rows.
fn read_devices_of(netlink: &mut Netlink, endpoints: &mut Vec<RdmaEndpoint>) -> Result<Consistency, DumpError> {
    let mut devices = Vec::new();
    let mut whole = dump(netlink, Dump::Devices, &mut |payload| devices.extend(rdma::device(payload)))?;
    for device in devices {
        match read_device(netlink, device, endpoints) {
            Ok(Consistency::Whole) => {}
            Ok(Consistency::Interrupted) => whole = Consistency::Interrupted,
            Err(DumpError::Refused(error)) if has_vanished(&error) => whole = Consistency::Interrupted,
            Err(error) => return Err(error),
        }
    }
    Ok(whole)
}

fn read_device(netlink: &mut Netlink, device: u32, endpoints: &mut Vec<RdmaEndpoint>) -> Result<Consistency, DumpError> {
    let mut interfaces = HashMap::new();
    let ports = dump(netlink, Dump::Ports(device), &mut |payload| interfaces.extend(rdma::port(payload)))?;
    let connections = dump(netlink, Dump::Connections(device), &mut |payload| {
        endpoints.extend(rdma::connections(payload).map(|(port, endpoint)| {
            let interface = port.and_then(|port| interfaces.get(&port)).copied().unwrap_or(0);
            RdmaEndpoint { interface, ..endpoint }
        }));
    })?;
    Ok(if ports == Consistency::Whole { connections } else { ports })
}

/// Hands each message of a dump to `each`.
fn dump(netlink: &mut Netlink, dump: Dump, each: &mut dyn FnMut(&[u8])) -> Result<Consistency, DumpError> {
    let answer = |kind, payload: &[u8]| {
        if kind == dump.message_type() {
            each(payload);
        }
    };
    netlink.dump(|sequence| dump.encode(sequence), answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::netlink::replay::{DONE, Datagram, kernel};

    /// A device with this number (`RDMA_NLDEV_ATTR_DEV_INDEX`).
    fn device(index: u32) -> Datagram {
        let attribute = [8u16.to_ne_bytes(), 1u16.to_ne_bytes()].concat();
        Datagram::Message(Dump::Devices.message_type(), 0, [attribute, index.to_ne_bytes().to_vec()].concat())
    }

    #[test]
    fn a_device_that_vanishes_meanwhile_makes_the_list_incomplete_and_the_others_are_read() {
        let answers = vec![
            vec![device(1), device(2), Datagram::done(0)],
            vec![Datagram::failure(DONE, libc::EINVAL)],
            vec![Datagram::done(0)],
            vec![Datagram::done(0)],
        ];
        let (mut netlink, requests) = kernel(answers);
        let consistency = read_devices_of(&mut netlink, &mut Vec::new());
        assert!(matches!(consistency, Ok(Consistency::Interrupted)), "{consistency:?}");
        drop(netlink);
        assert_eq!(requests.join().unwrap().len(), 4, "the ports and the connections of the second device too");
    }
}
