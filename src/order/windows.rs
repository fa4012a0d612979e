//! Windows' order.

use crate::socket::{Socket, Table};
use std::net::IpAddr;

/// Windows' order: the four tables one after another, each by local address as a number, then scope, local port,
/// foreign address and foreign port. Rows that are alike in all of these keep the system's order.
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
                keys.sort_unstable();
                order.extend(keys.iter().map(|&key| key as u32));
            }
            Table::Tcp6 | Table::Udp6 => {
                let mut rows = std::mem::take(&mut ipv6[protocol]);
                rows.sort_by_key(|&row| ipv6_key(&sockets[row as usize]));
                order.extend(rows);
            }
        }
    }
    order
}

fn ipv6_key(socket: &Socket) -> (IpAddr, u32, u16, IpAddr, u16) {
    let (local, remote) = (&socket.local, &socket.remote);
    (local.address, socket.scope(local.address), local.port, remote.address, remote.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::tests::socket;
    use crate::socket::{Endpoint, Protocol};

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
    fn rows_that_are_alike_are_all_there_in_their_order() {
        assert_eq!(windows_order(&[socket("::1", 1); 3]), [0, 1, 2]);
        assert_eq!(windows_order(&[socket("127.0.0.1", 1); 3]), [0, 1, 2]);
    }
}
