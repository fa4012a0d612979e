//! The processes that own the most ports (`-c`).

use super::row::Rows;
use crate::model::owners::OwnerStatus;
use crate::model::socket::{Pid, Protocol};
use std::collections::HashMap;

/// How many local ports one process owns; a port counts once for a protocol, however many of its sockets use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The process; `None` for all those that may not be seen.
    pub pid: Option<Pid>,
    /// The place of the network namespace in the snapshot, if not only the own one was asked for: each has its own ports.
    pub namespace: Option<usize>,
    /// Ports of TCP.
    pub tcp: usize,
    /// Ports of UDP.
    pub udp: usize,
}

impl Consumer {
    /// Ports of both protocols.
    pub const fn total(&self) -> usize {
        self.tcp + self.udp
    }

    /// Counts the ports of each process that owns one of these rows, in the order of the network namespaces, then the busiest first,
    /// then by PID; those that may not be seen come last in their namespace.
    pub fn of(rows: Rows<'_>) -> Vec<Self> {
        let mut owned: Vec<(Option<usize>, Option<Pid>, Protocol, u16)> = Vec::new();
        for row in rows.iter().filter(|row| row.socket.local.port != 0) {
            let (protocol, port) = (row.socket.protocol, row.socket.local.port);
            let (owners, namespace) = (row.owners(), row.namespace_position());
            owned.extend(owners.pids().map(|pid| (namespace, Some(pid), protocol, port)));
            let is_hidden = matches!(owners.status, OwnerStatus::Denied | OwnerStatus::Unsupported);
            owned.extend(is_hidden.then_some((namespace, None, protocol, port)));
        }
        owned.sort_unstable();
        owned.dedup();
        let mut consumers: HashMap<(Option<usize>, Option<Pid>), Self> = HashMap::new();
        for (namespace, pid, protocol, _) in owned {
            let consumer = consumers.entry((namespace, pid)).or_insert(Self { pid, namespace, tcp: 0, udp: 0 });
            match protocol {
                Protocol::Tcp => consumer.tcp += 1,
                Protocol::Udp => consumer.udp += 1,
            }
        }
        let mut consumers: Vec<Self> = consumers.into_values().collect();
        consumers.sort_unstable_by_key(|consumer| {
            (consumer.namespace, consumer.pid.is_none(), std::cmp::Reverse(consumer.total()), consumer.pid)
        });
        consumers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::Owners;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::model::system::System;
    use crate::moment::lookups::Lookups;

    fn snapshot() -> Snapshot {
        let udp = |port| crate::model::socket::Socket { protocol: Protocol::Udp, state: None, ..socket("::", port) };
        Snapshot {
            // Process 20 holds port 80 for IPv4, for IPv6 and for a connection: one port.
            sockets: vec![
                socket("0.0.0.0", 80),
                socket("::", 80),
                socket("127.0.0.1", 80),
                udp(80),
                socket("::", 81),
                socket("::", 82),
                socket("::", 83),
                udp(0),
                socket("::", 84),
            ],
            owners: Owners::ByRow([20, 20, 20, 20, 7, 7, 9, 9, 0].map(Some).into_iter().collect()),
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_port_counts_once_in_each_namespace() {
        use crate::model::namespace::Namespace;
        let namespace = |rows| Namespace { rows, ..Namespace::default() };
        let snapshot = Snapshot { namespaces: vec![namespace(0..1), namespace(1..9)], ..snapshot() };
        let rows: Vec<u32> = (0..4).collect();
        let consumers = Consumer::of(Rows::of_parts(&snapshot, &Lookups::default(), System::Linux, &rows));
        let consumer = |namespace, udp| Consumer { pid: Some(20), namespace: Some(namespace), tcp: 1, udp };
        assert_eq!(consumers, [consumer(0, 0), consumer(1, 1)]);
    }

    #[test]
    fn the_busiest_come_first_and_a_port_counts_once() {
        let mut snapshot = snapshot();
        let rows: Vec<u32> = (0..9).collect();
        let numbers = |snapshot: &Snapshot| -> Vec<_> {
            Consumer::of(Rows::of_parts(snapshot, &Lookups::default(), System::Linux, &rows))
                .iter()
                .map(|consumer| (consumer.pid, consumer.tcp, consumer.udp))
                .collect()
        };
        assert_eq!(numbers(&snapshot), [(Some(7), 2, 0), (Some(20), 1, 1), (Some(9), 1, 0)]);
        snapshot.owners = Owners::ByRow(vec![None; 9].into_iter().collect());
        assert_eq!(numbers(&snapshot), [(None, 5, 1)]);
        assert!(Consumer::of(Rows::of_parts(&snapshot, &Lookups::default(), System::Linux, &[])).is_empty());
    }
}
