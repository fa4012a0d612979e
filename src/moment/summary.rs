//! Many sockets in a few numbers (`--summary`).

use super::row::Rows;
use super::traffic::Traffic;
use crate::model::socket::{Pid, Protocol, State};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// How many of the busiest are listed.
pub const BUSIEST: usize = 10;

/// What sockets add up to. Each list is in order, the largest count first; equally large ones, in their own order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many sockets there are.
    pub sockets: usize,
    /// How many of each protocol and state; UDP has no states.
    pub states: Vec<((Protocol, Option<State>), usize)>,
    /// The processes that own the most sockets. A shared socket counts for each.
    pub processes: Vec<(Pid, usize)>,
    /// How many sockets have no known owner.
    pub without_owner: usize,
    /// The remote addresses with the most sockets.
    pub remote_addresses: Vec<(IpAddr, usize)>,
    /// The local ports with the most sockets.
    pub local_ports: Vec<((Protocol, u16), usize)>,
    /// The network namespaces with the most sockets, by their places in the snapshot and in that order, which is the own one first,
    /// then by name; empty if only the own one was asked for.
    pub namespaces: Vec<(usize, usize)>,
    /// The processes with the most TCP traffic; `None` if that was not asked for.
    pub traffic: Option<Vec<Traffic>>,
}

impl Summary {
    /// Counts these rows, and their traffic if it was asked for.
    pub fn of(rows: Rows<'_>, has_traffic: bool) -> Self {
        let mut states = HashMap::new();
        let mut processes = HashMap::new();
        let mut remote_addresses = HashMap::new();
        let mut local_ports = HashMap::new();
        let mut namespaces = HashMap::new();
        let mut without_owner = 0;
        for row in rows.iter() {
            let socket = row.socket;
            count(&mut states, (socket.protocol, socket.state));
            count(&mut local_ports, (socket.protocol, socket.local.port));
            if let Some(remote) = socket.peer() {
                count(&mut remote_addresses, remote.address);
            }
            if let Some(namespace) = row.namespace_position() {
                count(&mut namespaces, namespace);
            }
            let owners = row.owners();
            without_owner += usize::from(owners.lowest().is_none());
            owners.pids().for_each(|pid| count(&mut processes, pid));
        }
        let mut namespaces = largest(namespaces, BUSIEST);
        namespaces.sort_unstable();
        Self {
            sockets: rows.len(),
            states: largest(states, usize::MAX),
            processes: largest(processes, BUSIEST),
            without_owner,
            remote_addresses: largest(remote_addresses, BUSIEST),
            local_ports: largest(local_ports, BUSIEST),
            namespaces,
            traffic: has_traffic.then(|| Traffic::of(rows)),
        }
    }
}

fn count<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

fn largest<K: Ord + Copy>(counts: HashMap<K, usize>, most: usize) -> Vec<(K, usize)> {
    let mut counts: Vec<(K, usize)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|&(key, count)| (std::cmp::Reverse(count), key));
    counts.truncate(most);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::namespace::Namespace;
    use crate::model::owners::Owners;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Socket};
    use crate::model::system::System;
    use crate::moment::lookups::Lookups;

    fn summary(snapshot: &Snapshot, positions: &[u32]) -> Summary {
        Summary::of(Rows::of_parts(snapshot, &Lookups::default(), System::Linux, positions), false)
    }

    #[test]
    fn everything_is_counted_once_and_the_busiest_come_first() {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        let connection = Socket { remote, state: Some(State::Established), ..socket("10.0.0.1", 5000) };
        let udp = Socket { protocol: Protocol::Udp, state: None, ..socket("10.0.0.1", 53) };
        let snapshot = Snapshot {
            sockets: vec![socket("0.0.0.0", 80), connection, connection, udp, udp],
            owners: Owners::ByRow(vec![Some(7), Some(8), Some(8), Some(0), None].into_iter().collect()),
            ..Snapshot::default()
        };
        assert_eq!(
            summary(&snapshot, &[0, 1, 2, 3, 4]),
            Summary {
                sockets: 5,
                states: vec![
                    ((Protocol::Tcp, Some(State::Established)), 2),
                    ((Protocol::Udp, None), 2),
                    ((Protocol::Tcp, Some(State::Listening)), 1),
                ],
                processes: vec![(8, 2), (7, 1)],
                without_owner: 2,
                remote_addresses: vec![(remote.address, 2)],
                local_ports: vec![((Protocol::Tcp, 5000), 2), ((Protocol::Udp, 53), 2), ((Protocol::Tcp, 80), 1)],
                namespaces: Vec::new(),
                traffic: None,
            }
        );
        assert_eq!(summary(&snapshot, &[0]).sockets, 1, "rows that are not selected do not count");
    }

    #[test]
    fn network_namespaces_are_counted_in_their_order() {
        let namespace = |rows| Namespace { rows, ..Namespace::default() };
        let snapshot = Snapshot {
            sockets: vec![socket("0.0.0.0", 80); 4],
            namespaces: vec![namespace(0..1), namespace(1..1), namespace(1..4)],
            ..Snapshot::default()
        };
        assert_eq!(summary(&snapshot, &[0, 1, 2, 3]).namespaces, [(0, 1), (2, 3)]);
    }

    #[test]
    fn of_many_only_the_busiest_are_listed() {
        let sockets: Vec<Socket> = (0..100).map(|port| socket("0.0.0.0", port)).collect();
        let snapshot = Snapshot { sockets, ..Snapshot::default() };
        let rows: Vec<u32> = (0..100).collect();
        let ports: Vec<u16> = summary(&snapshot, &rows).local_ports.iter().map(|&((_, port), _)| port).collect();
        assert_eq!(ports, (0..10).collect::<Vec<u16>>());
    }
}
