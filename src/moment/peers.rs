//! Who is at the other end of the connections within this host.

use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use std::collections::{HashMap, HashSet};

/// Which processes own the other end of the connections within this host: found by the reversed pair of endpoints.
#[derive(Debug, Default)]
pub struct Peers {
    owners: HashMap<(Protocol, Endpoint, Endpoint, Place), Vec<Pid>>,
    /// Where the rows of each network namespace end, and the namespace of those.
    places: Vec<(u32, Place)>,
}

/// Where an address means something: loopback addresses are the same in every network namespace, others lead from one to another.
type Place = u32;

impl Peers {
    /// Takes the owners of each connected socket of a snapshot.
    pub fn of_snapshot(snapshot: &Snapshot) -> Self {
        Self::of_ends(snapshot, |_| true)
    }

    /// Takes the owners of those sockets that are the other ends of some rows.
    pub fn of_rows(snapshot: &Snapshot, rows: &[u32]) -> Self {
        let sockets = rows.iter().filter_map(|&row| snapshot.sockets.get(row as usize));
        let wanted: HashSet<_> = sockets.map(|socket| (socket.remote, socket.local)).collect();
        // Most sockets are told from the wanted ones by their port alone, which is much faster than by their hash.
        let mut ports = vec![false; usize::from(u16::MAX) + 1];
        for (end, _) in &wanted {
            if let Some(port) = ports.get_mut(usize::from(end.port)) {
                *port = true;
            }
        }
        let has_port = |socket: &Socket| ports.get(usize::from(socket.local.port)).is_some_and(|&is_wanted| is_wanted);
        Self::of_ends(snapshot, |socket| has_port(socket) && wanted.contains(&(socket.local, socket.remote)))
    }

    fn of_ends(snapshot: &Snapshot, is_wanted: impl Fn(&Socket) -> bool) -> Self {
        let sockets = snapshot.sockets.iter().enumerate();
        let connected = sockets.filter(|(_, socket)| socket.peer().is_some() && is_wanted(socket));
        let places: Vec<(u32, Place)> = snapshot.namespaces.iter().map(|of| of.rows.end).zip(1..).collect();
        let owned = connected.map(|(row, socket)| {
            let pids: Vec<Pid> = snapshot.owners.of(row, socket).pids().collect();
            ((socket.protocol, socket.local, socket.remote, place_of(&places, row, socket)), pids)
        });
        Self { owners: owned.filter(|(_, pids)| !pids.is_empty()).collect(), places }
    }

    /// The owners of the other end of the socket at a position of the snapshot; none if that is not on this host.
    pub fn of(&self, position: usize, socket: &Socket) -> &[Pid] {
        let place = place_of(&self.places, position, socket);
        self.owners.get(&(socket.protocol, socket.remote, socket.local, place)).map_or(&[], Vec::as_slice)
    }
}

fn place_of(places: &[(u32, Place)], position: usize, socket: &Socket) -> Place {
    if !socket.local.address.is_loopback() && !socket.remote.address.is_loopback() {
        return 0;
    }
    let behind = places.partition_point(|&(end, _)| end as usize <= position);
    places.get(behind).map_or(0, |&(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::namespace::Namespace;
    use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
    use crate::model::socket::tests::socket;

    /// Both ends of a connection in each of two namespaces; every socket is owned by the process of its inode.
    fn snapshot(local: &str, remote: &str) -> Snapshot {
        let end = |local: &str, port, remote: &str, to, inode| Socket {
            remote: Endpoint::new(remote.parse().unwrap(), to),
            inode,
            ..socket(local, port)
        };
        let sockets: Vec<Socket> = [10, 20]
            .into_iter()
            .flat_map(|inode| [end(local, 80, remote, 5000, inode + 1), end(remote, 5000, local, 80, inode + 2)])
            .collect();
        let entries = sockets.iter().map(|socket| InodeOwners::entry(socket.inode, socket.inode)).collect();
        let namespace = |rows| Namespace { rows, ..Namespace::default() };
        Snapshot {
            sockets,
            owners: Owners::ByInode(InodeOwners::new(entries, OwnerStatus::Gone)),
            namespaces: vec![namespace(0..2), namespace(2..4)],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_other_end_of_a_loopback_connection_is_in_the_same_namespace() {
        let snapshot = snapshot("127.0.0.1", "127.0.0.2");
        let peers = Peers::of_snapshot(&snapshot);
        let of = |row: usize| peers.of(row, &snapshot.sockets[row]).to_vec();
        assert_eq!([of(0), of(1), of(2), of(3)], [[12], [11], [22], [21]]);
    }

    #[test]
    fn of_some_rows_only_the_other_ends_are_known() {
        let snapshot = snapshot("127.0.0.1", "127.0.0.2");
        let peers = Peers::of_rows(&snapshot, &[1, 2]);
        let of = |row: usize| peers.of(row, &snapshot.sockets[row]).to_vec();
        assert_eq!([of(1), of(2)], [[11], [22]]);
        assert_eq!(Peers::of_rows(&snapshot, &[]).of(0, &snapshot.sockets[0]), [0; 0]);
    }

    #[test]
    fn other_addresses_lead_from_one_namespace_to_another() {
        let mut snapshot = snapshot("192.0.2.1", "192.0.2.2");
        snapshot.sockets.drain(1..3);
        snapshot.namespaces[0].rows = 0..1;
        snapshot.namespaces[1].rows = 1..2;
        let peers = Peers::of_snapshot(&snapshot);
        assert_eq!(peers.of(0, &snapshot.sockets[0]), [22]);
        assert_eq!(peers.of(1, &snapshot.sockets[1]), [11]);
    }
}
