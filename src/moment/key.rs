//! What makes rows of two moments the same socket.

use super::row::Row;
use crate::model::socket::{Endpoint, Protocol};

/// What stays the same as long as a socket exists.
///
/// A TCP connection is known by its ends: it loses its inode when its process closes it, and has none in SYN_RECEIVED. Any other
/// socket may share its address with others, and is known by its inode too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The inode of the network namespace; `None` if only the own one is read.
    pub namespace: Option<u32>,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// This host's end.
    pub local: Endpoint,
    /// The other end; unspecified if there is none.
    pub remote: Endpoint,
    /// The interface that the socket is bound to.
    pub interface: u32,
    /// The inode; 0 for a TCP connection.
    pub inode: u32,
}

impl Row<'_> {
    /// What makes the row of another moment that of the same socket.
    pub fn key(self) -> RowKey {
        let socket = self.socket;
        let is_known_by_its_ends = socket.protocol == Protocol::Tcp && socket.peer().is_some();
        RowKey {
            namespace: self.namespace().and_then(|namespace| namespace.inode),
            protocol: socket.protocol,
            local: socket.local,
            remote: socket.remote,
            interface: socket.interface,
            inode: if is_known_by_its_ends { 0 } else { socket.inode },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::namespace::Namespace;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Socket, State};
    use crate::model::system::System;
    use crate::moment::lookups::Lookups;
    use crate::moment::row::Rows;

    fn keys(sockets: Vec<Socket>, namespaces: Vec<Namespace>) -> Vec<RowKey> {
        let rows: Vec<u32> = (0..sockets.len() as u32).collect();
        let snapshot = Snapshot { sockets, namespaces, ..Snapshot::default() };
        Rows::of_parts(&snapshot, &Lookups::default(), System::Linux, &rows).iter().map(Row::key).collect()
    }

    #[test]
    fn a_connection_stays_the_same_without_its_inode_and_sharers_of_a_port_differ() {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
        let connection = Socket { remote, state: Some(State::Established), inode: 7, ..socket("10.0.0.1", 80) };
        let closing = Socket { state: Some(State::FinWait2), inode: 0, ..connection };
        let listener = socket("10.0.0.1", 80);
        let sharer = Socket { inode: 2, ..listener };
        let udp = Socket { protocol: Protocol::Udp, state: None, ..connection };
        let keys = keys(vec![connection, closing, listener, sharer, udp, Socket { inode: 8, ..udp }], Vec::new());
        assert_eq!(keys[0], keys[1]);
        let differ: std::collections::BTreeSet<_> = keys.into_iter().collect();
        assert_eq!(differ.len(), 5);
    }

    #[test]
    fn equal_ends_in_two_namespaces_are_two_sockets() {
        let namespace = |inode, rows| Namespace { inode: Some(inode), rows, ..Namespace::default() };
        let keys = keys(vec![socket("::", 80); 2], vec![namespace(1, 0..1), namespace(2, 1..2)]);
        assert_ne!(keys[0], keys[1]);
    }
}
