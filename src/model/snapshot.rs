//! What one read of the system gave: rows, owners, and what could not be read.

use crate::model::details::Details;
use crate::model::namespace::Namespace;
use crate::model::owners::{Owners, Ownership, Refused};
use crate::model::pressure::Pressure;
use crate::model::problem::Problem;
use crate::model::socket::Socket;
use crate::model::tcp_info::TcpInfoTable;
use std::collections::HashMap;

/// What the operating system answered.
///
/// Rows are addressed by their position in `sockets`, which never changes: filters and orders are lists of positions.
#[derive(Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The rows, in the order in which the system gave them.
    pub sockets: Vec<Socket>,
    /// The processes that own them.
    pub owners: Owners,
    /// What more was asked for about each row, at the row's position; empty where nothing was.
    pub details: Vec<Details>,
    /// The internals of TCP connections, as far as they were asked for.
    pub tcp_info: TcpInfoTable,
    /// How full the buffers of the sockets at these positions are, of those where that was asked for and may be worth a look.
    pub pressure: HashMap<u32, Pressure>,
    /// The service that made the socket at a position, if that was asked for and the system gives it.
    pub services: HashMap<u32, Box<str>>,
    /// The processes that may own any of them unseen.
    pub refused: Refused,
    /// Whether ports that are bound without listening are among the rows, if they were asked for: kernels before 6.8 list
    /// none.
    pub bound_ports_listed: bool,
    /// The network namespaces, in the order in which they are shown, each with its rows, which stand next to each other; empty if
    /// only the own one was asked for.
    pub namespaces: Vec<Namespace>,
    /// What is missing from the snapshot, and why.
    pub problems: Vec<Problem>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            sockets: Vec::new(),
            owners: Owners::default(),
            details: Vec::new(),
            tcp_info: TcpInfoTable::default(),
            pressure: HashMap::new(),
            services: HashMap::new(),
            refused: Refused::None,
            bound_ports_listed: true,
            namespaces: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// A socket with its owners.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OwnedSocket<'a> {
    /// The socket.
    pub socket: &'a Socket,
    /// The processes that own it, or the reason why none is known.
    pub owners: Ownership<'a>,
}

impl Snapshot {
    /// The network namespace of the row at a position; `None` if only the own one was asked for.
    pub fn namespace_of(&self, position: usize) -> Option<&Namespace> {
        self.namespaces.get(self.namespace_position(position)?)
    }

    /// The place of the network namespace of the row at a position among all namespaces.
    pub fn namespace_position(&self, position: usize) -> Option<usize> {
        let position = u32::try_from(position).ok()?;
        let place = self.namespaces.partition_point(|namespace| namespace.rows.end <= position);
        self.namespaces.get(place).is_some_and(|namespace| namespace.rows.contains(&position)).then_some(place)
    }

    /// Every socket with its owners, in the order in which the system gave them.
    pub fn iter(&self) -> impl Iterator<Item = OwnedSocket<'_>> {
        let owned = |(row, socket)| OwnedSocket { socket, owners: self.owners.of(row, socket) };
        self.sockets.iter().enumerate().map(owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_in_the_namespace_whose_range_it_is_in() {
        let namespace = |inode, rows| Namespace { inode: Some(inode), rows, ..Namespace::default() };
        let namespaces = vec![namespace(1, 0..2), namespace(2, 2..2), namespace(3, 2..5)];
        let snapshot = Snapshot { namespaces, ..Snapshot::default() };
        let inodes = (0..6).map(|row| snapshot.namespace_of(row).and_then(|namespace| namespace.inode));
        assert_eq!(inodes.collect::<Vec<_>>(), [Some(1), Some(1), Some(3), Some(3), Some(3), None]);
        assert_eq!(Snapshot::default().namespace_of(0), None);
    }
}
