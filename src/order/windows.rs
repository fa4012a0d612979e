//! Windows' order.

use crate::model::socket::{Socket, Table};
use std::collections::HashSet;
use std::net::IpAddr;
use std::thread::{Builder, available_parallelism, scope};

/// Windows' order: the four tables one after another, each by local address as a number, then scope, local port,
/// foreign address and foreign port. Rows that are alike in all of these keep the system's order. A socket that the
/// system shows twice is there once.
#[expect(clippy::indexing_slicing, reason = "protocols number two lists, and positions come from enumerating the sockets")]
pub fn windows_order(sockets: &[Socket]) -> Vec<u32> {
    let mut ipv4 = [Vec::new(), Vec::new()];
    let mut ipv6 = [Vec::new(), Vec::new()];
    for (row, socket) in (0u32..).zip(sockets) {
        match (socket.local.address, socket.remote.address) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                // The whole key of an IPv4 row, and the row behind it, fit in one number.
                let key = u128::from(local.to_bits()) << 96
                    | u128::from(socket.local.port) << 80
                    | u128::from(remote.to_bits()) << 48
                    | u128::from(socket.remote.port) << 32
                    | u128::from(row);
                ipv4[socket.protocol as usize].push(key);
            }
            _ => ipv6[socket.protocol as usize].push(row),
        }
    }
    let mut order = Vec::with_capacity(sockets.len());
    for table in Table::ALL {
        let protocol = table.protocol() as usize;
        match table {
            Table::Tcp4 | Table::Udp4 => {
                let mut keys = std::mem::take(&mut ipv4[protocol]);
                sort(&mut keys);
                for run in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
                    extend_with_distinct(&mut order, run.iter().map(|&key| key as u32), sockets);
                }
            }
            Table::Tcp6 | Table::Udp6 => {
                let mut rows = std::mem::take(&mut ipv6[protocol]);
                rows.sort_by_key(|&row| ipv6_key(&sockets[row as usize]));
                for run in rows.chunk_by(|&a, &b| ipv6_key(&sockets[a as usize]) == ipv6_key(&sockets[b as usize])) {
                    extend_with_distinct(&mut order, run.iter().copied(), sockets);
                }
            }
        }
    }
    order
}

/// Adds the rows of a run that are equal in everything that is shown of them, each socket once. The system may give a socket
/// twice with others of its port in between: a run of thousands is what SO_REUSEPORT makes.
#[expect(clippy::indexing_slicing, reason = "positions come from enumerating the sockets")]
fn extend_with_distinct(order: &mut Vec<u32>, run: impl ExactSizeIterator<Item = u32>, sockets: &[Socket]) {
    if run.len() == 1 {
        return order.extend(run);
    }
    let mut seen = HashSet::with_capacity(run.len());
    order.extend(run.filter(|&row| sockets[row as usize].id().is_none_or(|id| seen.insert(id))));
}

/// Sorts in two halves at the same time if that pays.
fn sort(keys: &mut [u128]) {
    const WORTH_A_THREAD: usize = 50_000;
    if keys.len() < WORTH_A_THREAD || available_parallelism().map_or(1, usize::from) < 2 {
        return keys.sort_unstable();
    }
    let (lower, _, upper) = keys.select_nth_unstable(keys.len() / 2);
    let sorted = scope(|scope| {
        let thread = Builder::new().spawn_scoped(scope, || lower.sort_unstable());
        upper.sort_unstable();
        thread.is_ok()
    });
    if !sorted {
        keys.sort_unstable();
    }
}

/// What places a row in Windows' order: table, local address with scope and port, foreign address and port.
pub type WindowsKey = (Table, IpAddr, u32, u16, IpAddr, u16);

/// The place of a row in Windows' order.
pub fn windows_key(socket: &Socket) -> WindowsKey {
    let (address, scope, port, remote, remote_port) = ipv6_key(socket);
    (socket.table(), address, scope, port, remote, remote_port)
}

fn ipv6_key(socket: &Socket) -> (IpAddr, u32, u16, IpAddr, u16) {
    let (local, remote) = (&socket.local, &socket.remote);
    (local.address, socket.scope(local.address), local.port, remote.address, remote.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Protocol};

    fn ordered(sockets: &[Socket]) -> Vec<String> {
        windows_order(sockets)
            .into_iter()
            .map(|row| {
                let socket = &sockets[row as usize];
                format!("{} {} {} {}", socket.table(), socket.local.address, socket.local.port, socket.remote.port)
            })
            .collect()
    }

    #[test]
    fn tables_then_addresses_as_numbers_then_ports() {
        let mut rows = [
            socket("::", 80),
            socket("10.0.0.1", 9),
            socket("9.255.0.1", 443),
            socket("10.0.0.1", 10),
            socket("10.0.0.1", 9),
            socket("0.0.0.0", 5353),
        ];
        rows[1].remote = Endpoint::new("10.0.0.2".parse().unwrap(), 7);
        rows[4].remote = Endpoint::new("10.0.0.2".parse().unwrap(), 6);
        rows[5].protocol = Protocol::Udp;
        assert_eq!(
            ordered(&rows),
            [
                "TCP/IPv4 9.255.0.1 443 0",
                "TCP/IPv4 10.0.0.1 9 6",
                "TCP/IPv4 10.0.0.1 9 7",
                "TCP/IPv4 10.0.0.1 10 0",
                "TCP/IPv6 :: 80 0",
                "UDP/IPv4 0.0.0.0 5353 0",
            ]
        );
    }

    #[test]
    fn a_scope_comes_before_the_port() {
        let mut rows = [socket("fe80::1", 1), socket("fe80::1", 2)];
        rows[0].interface = 9;
        rows[1].interface = 3;
        assert_eq!(windows_order(&rows), [1, 0]);
    }

    #[test]
    fn rows_that_are_alike_are_all_there_in_their_order_unless_they_are_one_socket() {
        for address in ["::1", "127.0.0.1"] {
            let mut rows = [socket(address, 1); 6];
            for (row, inode) in rows.iter_mut().zip([9, 8, 8, 7, 9, 8]) {
                row.inode = inode;
            }
            assert_eq!(windows_order(&rows), [0, 1, 3], "{address}");
        }
    }

    #[test]
    fn many_rows_are_sorted_like_few() {
        let rows: Vec<Socket> = (0..120_000u32)
            .map(|n| {
                let number = n.wrapping_mul(2_654_435_761);
                let mut row = socket("192.0.2.1", (number >> 16) as u16);
                row.remote = Endpoint::new("192.0.2.9".parse().unwrap(), number as u16);
                row.inode = n + 1;
                row
            })
            .collect();
        let order = windows_order(&rows);
        let ports = |&row: &u32| (rows[row as usize].local.port, rows[row as usize].remote.port, row);
        assert!(order.len() == rows.len() && order.is_sorted_by_key(ports));
    }
}
