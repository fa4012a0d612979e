//! `/proc/self/net/{tcp,tcp6,udp,udp6}`: the sockets if the kernel does not answer `sock_diag`.
//!
//! `/proc/net` is the same, but missing where `/proc` is mounted with `subset=pid`.

use crate::model::socket::{Endpoint, Family, Protocol, Socket, Table};
use crate::platform::linux::sockets::sock_diag::{state_of_number, timer_of_number};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The file that holds a table.
pub const fn path(table: Table) -> &'static str {
    match table {
        Table::Tcp4 => "/proc/self/net/tcp",
        Table::Tcp6 => "/proc/self/net/tcp6",
        Table::Udp4 => "/proc/self/net/udp",
        Table::Udp6 => "/proc/self/net/udp6",
    }
}

/// Whether a line is the heading, the first line of each of these files: a file without it is not the kernel's.
pub fn is_heading(line: &str) -> bool {
    line.trim_start().starts_with("sl ") && line.contains("local_address")
}

/// The row that one line describes; `None` for the heading and for what is no row.
///
/// The fields: `sl local remote st tx:rx tr:when retransmits uid timeout inode …`; addresses are 32-bit words in host
/// order, in hexadecimal. The file has no interface.
pub fn parse(line: &str, table: Table) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace();
    let mut next = || fields.next();
    next()?.strip_suffix(':')?;
    let local = endpoint(next()?, table.family())?;
    let remote = endpoint(next()?, table.family())?.opposite(&local);
    let state = u8::from_str_radix(next()?, 16).ok()?;
    let (send_queue, receive_queue) = hexadecimal_pair(next()?)?;
    let (timer, when) = hexadecimal_pair(next()?)?;
    let (_retransmits, uid, _timeout) = (next()?, next()?, next()?);
    Some(Socket {
        protocol: table.protocol(),
        family: table.family(),
        state: (table.protocol() == Protocol::Tcp).then(|| state_of_number(state)),
        timer: timer_of_number(timer),
        local,
        remote,
        interface: 0,
        inode: next()?.parse().ok()?,
        uid: uid.parse().ok()?,
        receive_queue,
        send_queue,
        // Clock ticks, of which user space always sees 100 a second (USER_HZ).
        expires_ms: when.saturating_mul(10),
    })
}

fn endpoint(field: &str, family: Family) -> Option<Endpoint> {
    let (address, port) = field.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = address.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let address = match (family, address.len()) {
        (Family::V4, 8) => IpAddr::V4(Ipv4Addr::from_octets(word(0)?)),
        (Family::V6, 32) => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            IpAddr::V6(Ipv6Addr::from_octets(*words.as_flattened().first_chunk()?))
        }
        _ => return None,
    };
    Some(Endpoint::new(address, port))
}

fn hexadecimal_pair(field: &str) -> Option<(u32, u32)> {
    let (left, right) = field.split_once(':')?;
    Some((u32::from_str_radix(left, 16).ok()?, u32::from_str_radix(right, 16).ok()?))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;
    use crate::model::socket::{State, Timer};
    use proptest::prelude::*;

    #[test]
    fn a_listener_and_a_connection_are_read_field_by_field() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 4711 1 ffff8880 100 0 0 10 0";
        let socket = parse(line, Table::Tcp4).unwrap();
        assert_eq!(socket.local, Endpoint::new("127.0.0.1".parse().unwrap(), 8080));
        assert!(socket.remote.is_unspecified());
        assert_eq!((socket.state, socket.receive_queue, socket.uid, socket.inode), (Some(State::Listening), 2, 1000, 4711));
        let line = "  12: 0100007F:0016 0200007F:C350 06 00000000:00000000 03:000016F0 00000000     0        0 0 3 ffff8880";
        let socket = parse(line, Table::Tcp4).unwrap();
        assert_eq!((socket.state, socket.timer, socket.expires_ms), (Some(State::TimeWait), Timer::TimeWait, 58720));
    }

    #[test]
    fn ipv6_words_are_in_host_order_and_mapped_addresses_become_ipv4() {
        let line = "1: B80D0120000000000000000007000000:01BB 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 5 2 f 0";
        assert_eq!(parse(line, Table::Udp6).unwrap().local, Endpoint::new("2001:db8::7".parse().unwrap(), 443));
        let line = "1: 0000000000000000FFFF0000070200C0:01BB 0000000000000000FFFF0000080200C0:1000 01 0:0 00:0 0 0 0 5 2 f 0";
        let socket = parse(line, Table::Tcp6).unwrap();
        assert_eq!((socket.local.address, socket.table()), ("192.0.2.7".parse().unwrap(), Table::Tcp4));
    }

    #[test]
    fn the_heading_of_each_protocol_is_recognised() {
        assert!(is_heading("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"));
        assert!(is_heading("  sl  local_address                         remote_address                        st tx_queue"));
        assert!(is_heading(
            "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref"
        ));
        assert!(!is_heading("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002") && !is_heading(""));
    }

    #[test]
    fn the_heading_and_broken_lines_are_no_rows() {
        for line in [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
            "",
            "0: 0100007F:1F90 00000000:0000 0A",
            "0: 0100007F:1F90 0000000G:0000 0A 0:0 0:0 0 0 0 1",
            "0: 01\u{e9}00007:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1",
        ] {
            assert_eq!(parse(line, Table::Tcp4), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_parsed_without_panic(line in ".{0,200}") {
            let _ = parse(&line, Table::Tcp6);
        }
    }
}
