//! From the rows of the pass to sockets.

use super::pass_clock;
use super::pass_program::{ROW, row};
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, Timer};
use crate::platform::linux::netlink::message::{u16_at, u32_at};
use crate::platform::linux::sockets::sock_diag;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `AF_INET` and `AF_INET6` of Linux.
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// The socket that a row describes; `None` if its family is neither IPv4 nor IPv6. Timers are known with their unit alone.
pub fn parse(bytes: &[u8; ROW], protocol: Protocol, jiffies_per_second: Option<u32>) -> Option<Socket> {
    let half = |at: i16| u16_at(bytes, at as usize).unwrap_or_default();
    let word = |at: i16| u32_at(bytes, at as usize).unwrap_or_default();
    let byte = |at: i16, within: usize| bytes.get(at as usize + within).copied().unwrap_or_default();
    let v4 = |at: i16| IpAddr::V4(Ipv4Addr::from_octets(std::array::from_fn(|within| byte(at, within))));
    let v6 = |at: i16| IpAddr::V6(Ipv6Addr::from_octets(std::array::from_fn(|within| byte(at, within))));
    let (family, local, remote) = match half(row::FAMILY) {
        AF_INET => (Family::V4, v4(row::ADDRESSES + 4), v4(row::ADDRESSES)),
        AF_INET6 => (Family::V6, v6(row::LOCAL_V6), v6(row::REMOTE_V6)),
        _ => return None,
    };
    let local = Endpoint::new(local, half(row::PORTS + 2));
    let remote = Endpoint::new(remote, u16::from_be(half(row::PORTS))).opposite(&local);
    let state = match protocol {
        Protocol::Tcp => Some(sock_diag::state_of(byte(row::STATE, 0), &remote)),
        Protocol::Udp => None,
    };
    let receive_queue = word(row::RECEIVE_QUEUE);
    let timer = match jiffies_per_second {
        Some(_) => sock_diag::timer_of_number(byte(row::TIMER, 0).into()),
        None => Timer::Off,
    };
    let expires_ms = match (timer, jiffies_per_second) {
        (Timer::Off, _) | (_, None) => 0,
        (_, Some(unit)) => pass_clock::milliseconds(word(row::EXPIRES).cast_signed(), unit),
    };
    Some(Socket {
        protocol,
        family,
        state,
        timer,
        local,
        remote,
        interface: word(row::INTERFACE),
        inode: word(row::INODE),
        uid: word(row::UID),
        // Of a connection the difference of two sequence numbers, which the kernel itself calls 0 if it is negative.
        receive_queue: match state {
            Some(State::Listening) | None => receive_queue,
            Some(_) => receive_queue.cast_signed().max(0).cast_unsigned(),
        },
        send_queue: word(row::SEND_QUEUE),
        expires_ms,
    })
}

/// The inode of the network namespace in a row.
pub fn namespace(bytes: &[u8; ROW]) -> u32 {
    u32_at(bytes, row::NAMESPACE as usize).unwrap_or_default()
}

/// The hash of the socket's file, if it has one and hashes are wanted.
pub fn file(bytes: &[u8; ROW]) -> Option<u16> {
    u16::try_from(u32_at(bytes, row::FILE as usize)?.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Table;
    use proptest::prelude::*;

    /// The row of a socket with local port 443 and remote port 50000.
    fn bytes(family: u16, state: u8, addresses: &[u8]) -> [u8; ROW] {
        let mut bytes = [0; ROW];
        let mut put = |at: i16, field: &[u8]| bytes[at as usize..][..field.len()].copy_from_slice(field);
        put(row::INODE, &4711u32.to_ne_bytes());
        put(row::UID, &1000u32.to_ne_bytes());
        put(row::INTERFACE, &3u32.to_ne_bytes());
        put(row::PORTS, &50_000u16.to_be_bytes());
        put(row::PORTS + 2, &443u16.to_ne_bytes());
        put(row::FAMILY, &family.to_ne_bytes());
        put(row::STATE, &[state]);
        put(row::NAMESPACE, &4_026_531_833u32.to_ne_bytes());
        put(row::RECEIVE_QUEUE, &(-5i32).to_ne_bytes());
        put(row::SEND_QUEUE, &12u32.to_ne_bytes());
        put(row::ADDRESSES, addresses);
        bytes
    }

    #[test]
    fn every_field_is_read_from_its_place() {
        let bytes = bytes(AF_INET, 1, &[192, 0, 2, 9, 192, 0, 2, 7]);
        let expected = Socket {
            protocol: Protocol::Tcp,
            family: Family::V4,
            state: Some(State::Established),
            timer: Timer::Off,
            local: Endpoint::new("192.0.2.7".parse().unwrap(), 443),
            remote: Endpoint::new("192.0.2.9".parse().unwrap(), 50_000),
            interface: 3,
            inode: 4711,
            uid: 1000,
            receive_queue: 0,
            send_queue: 12,
            expires_ms: 0,
        };
        assert_eq!(parse(&bytes, Protocol::Tcp, None), Some(expected));
        assert_eq!(namespace(&bytes), 4_026_531_833);
        assert_eq!(parse(&bytes, Protocol::Udp, None).unwrap().state, None);
    }

    #[test]
    fn timers_are_in_milliseconds_if_their_unit_is_known() {
        let mut bytes = bytes(AF_INET, 6, &[127, 0, 0, 1, 127, 0, 0, 1]);
        bytes[row::TIMER as usize] = 3;
        bytes[row::EXPIRES as usize..][..4].copy_from_slice(&2500i32.to_ne_bytes());
        let timer = |unit| parse(&bytes, Protocol::Tcp, unit).map(|socket| (socket.timer, socket.expires_ms));
        assert_eq!(timer(Some(250)), Some((Timer::TimeWait, 10_000)));
        assert_eq!(timer(None), Some((Timer::Off, 0)));
    }

    #[test]
    fn ipv6_addresses_take_sixteen_bytes_each_and_mapped_ones_are_ipv4() {
        let addresses =
            |remote: &str, local: &str| [remote, local].map(|address| address.parse::<Ipv6Addr>().unwrap().octets()).concat();
        let socket = parse(&bytes(AF_INET6, 6, &addresses("2001:db8::9", "2001:db8::7")), Protocol::Tcp, None).unwrap();
        assert_eq!(
            (socket.local.address, socket.remote.address),
            ("2001:db8::7".parse().unwrap(), "2001:db8::9".parse().unwrap())
        );
        assert_eq!((socket.state, socket.table()), (Some(State::TimeWait), Table::Tcp6));
        let mapped = parse(&bytes(AF_INET6, 10, &addresses("::", "::ffff:192.0.2.7")), Protocol::Tcp, None).unwrap();
        assert_eq!((mapped.family, mapped.table()), (Family::V6, Table::Tcp4));
        assert_eq!(mapped.receive_queue, (-5i32).cast_unsigned(), "the backlog of a listener is no difference");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_row_or_none(random in prop::collection::vec(any::<u8>(), ROW)) {
            let bytes: [u8; ROW] = random.try_into().unwrap();
            let known = [AF_INET, AF_INET6].contains(&u16_at(&bytes, row::FAMILY as usize).unwrap());
            prop_assert_eq!(parse(&bytes, Protocol::Tcp, None).is_some(), known);
        }
    }
}
