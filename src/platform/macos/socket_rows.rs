//! Sockets that were found descriptor by descriptor: each socket is one row, with every process that holds it.

use super::socket_fdinfo::Entry;
use crate::model::owners::RowOwners;
use crate::model::pressure::Pressure;
use crate::model::socket::{Pid, Socket};
use crate::model::tcp_info::{TcpFields, TcpInfoTable};
use std::collections::HashMap;

/// The rows, in the order in which they were found.
#[derive(Debug, Default)]
pub struct SocketRows {
    tcp_info: TcpInfoTable,
    rows: Vec<(Socket, Vec<Pid>)>,
    pressure: HashMap<u32, Pressure>,
    positions: HashMap<u64, usize>,
}

impl SocketRows {
    /// No rows yet, of which these internals are kept.
    pub fn new(wanted: TcpFields) -> Self {
        Self { tcp_info: TcpInfoTable::new(wanted), ..Self::default() }
    }

    /// Adds a descriptor of a process. A socket that is there already gets one more owner; what it was like when it was first
    /// seen stays.
    pub fn add(&mut self, entry: &Entry, pid: Pid) {
        let next = self.rows.len();
        let position = *self.positions.entry(entry.handle).or_insert(next);
        match self.rows.get_mut(position) {
            Some((_, pids)) => pids.push(pid),
            None => {
                self.rows.push((entry.socket, vec![pid]));
                if let Some(buffer) = entry.receive_buffer.filter(|buffer| buffer.used > 0)
                    && let Ok(row) = u32::try_from(next)
                {
                    self.pressure.insert(row, Pressure { receive_buffer: Some(buffer), ..Pressure::default() });
                }
                if !self.tcp_info.fields().is_empty() {
                    entry.internals.fill(&mut self.tcp_info.push());
                }
            }
        }
    }

    /// How full the buffers are of those with something in one.
    pub fn take_pressure(&mut self) -> HashMap<u32, Pressure> {
        std::mem::take(&mut self.pressure)
    }

    /// The sockets, the owners of each, and what is known of its internals.
    pub fn into_parts(self) -> (Vec<Socket>, RowOwners, TcpInfoTable) {
        let mut owners = RowOwners::default();
        let sockets = self.rows.into_iter().map(|(socket, pids)| {
            owners.push_owned(pids);
            socket
        });
        (sockets.collect(), owners, self.tcp_info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::Owners;
    use crate::model::pressure::Usage;
    use crate::model::socket::tests::socket;
    use crate::model::tcp_info::TcpField;
    use crate::platform::macos::socket_fdinfo::Internals;

    #[test]
    fn a_shared_socket_is_one_row_with_every_owner() {
        let internals = |port| Internals { segment_size: Some(port), ..Internals::default() };
        let entry = |handle, port: u16| Entry {
            handle,
            socket: socket("127.0.0.1", port),
            internals: internals(port.into()),
            receive_buffer: Some(Usage { used: u64::from(port == 81), limit: 9 }),
        };
        let mut rows = SocketRows::new(TcpFields::of(&[TcpField::Mss]));
        for (handle, port, pid) in [(7, 80, 300), (8, 80, 300), (7, 80, 20), (7, 80, 300), (9, 81, 20)] {
            rows.add(&entry(handle, port), pid);
        }
        let full = Pressure { receive_buffer: Some(Usage { used: 1, limit: 9 }), ..Pressure::default() };
        assert_eq!(rows.take_pressure(), HashMap::from([(2, full)]));
        let (sockets, owners, tcp_info) = rows.into_parts();
        assert_eq!(sockets.iter().map(|socket| socket.local.port).collect::<Vec<_>>(), [80, 80, 81]);
        assert_eq!([0, 1, 2, 3].map(|row| tcp_info.get(row, TcpField::Mss)), [Some(80), Some(80), Some(81), None]);
        let owners = Owners::ByRow(owners);
        let pids = |row: usize| owners.of(row, &sockets[row]).pids().collect::<Vec<_>>();
        assert_eq!([pids(0), pids(1), pids(2)], [vec![20, 300], vec![300], vec![20]]);
    }
}
