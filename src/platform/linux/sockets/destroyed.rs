//! What the kernel says of a TCP socket that it frees (`SKNLGRP_INET_TCP_DESTROY`, `SKNLGRP_INET6_TCP_DESTROY`).
//!
//! The message is that of a dump without inode and user, with the internals of TCP behind it. It comes for each TCP socket: for a
//! connection when it is over or TIME_WAIT begins, for a listener, and for a socket that was never connected. After a reset by this
//! end or a failed attempt to connect the kernel has cleared the remote port, the own address and the counters; the cookie tells
//! which connection it was. Since a work queue sends the messages, they come some time after the end.

use super::sock_diag;
use super::tcp_info;
use crate::model::closed::{ClosedConnection, LastFigures};
use crate::model::socket::{Protocol, Socket, State};
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
use crate::platform::linux::netlink::message;
use std::num::NonZeroU64;

/// The bits of `SKNLGRP_INET_TCP_DESTROY` and `SKNLGRP_INET6_TCP_DESTROY`.
pub const TCP_GROUPS: u32 = 1 | 1 << 2;

/// Attributes of the message.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_PROTOCOL: u16 = 10;
/// `IPPROTO_TCP`
const IPPROTO_TCP: u8 = 6;

/// What is kept of the internals.
const FIELDS: TcpFields = TcpFields::of(&[
    TcpField::BytesSent,
    TcpField::BytesReceived,
    TcpField::BytesRetransmitted,
    TcpField::Rtt,
    TcpField::Retransmits,
]);

/// The connection that a message is about; `None` for a listener, a socket that was never connected, and what is no such message.
pub fn parse(payload: &[u8], time_ms: u64) -> Option<ClosedConnection> {
    // Without a remote port a dump would have meant one that is bound.
    let socket = Socket { state: Some(State::Closed), ..sock_diag::parse(payload, Protocol::Tcp)? };
    let cookie = NonZeroU64::new(sock_diag::cookie(payload)?)?;
    let attributes = || sock_diag::attributes(payload);
    let protocol = attributes().find(|&(kind, _)| kind == INET_DIAG_PROTOCOL).and_then(|(_, value)| value.first());
    if protocol.is_some_and(|&protocol| protocol != IPPROTO_TCP) || socket.remote.address.is_unspecified() {
        return None;
    }
    let info = attributes().find(|&(kind, _)| kind == INET_DIAG_INFO).map(|(_, value)| value);
    // What was cleared says nothing.
    let last = info.filter(|_| socket.remote.port != 0).map_or_else(LastFigures::default, last_figures);
    Some(ClosedConnection { socket, cookie, time_ms, last })
}

fn last_figures(info: &[u8]) -> LastFigures {
    let mut table = TcpInfoTable::new(FIELDS);
    tcp_info::parse(info, &mut table.push());
    LastFigures {
        bytes_sent: table.get(0, TcpField::BytesSent),
        bytes_received: table.get(0, TcpField::BytesReceived),
        bytes_retransmitted: table.get(0, TcpField::BytesRetransmitted),
        rtt_us: table.get(0, TcpField::Rtt),
        retransmits: table.get(0, TcpField::Retransmits),
    }
}

/// The connections of a datagram.
pub fn connections(datagram: &[u8], time_ms: u64) -> impl Iterator<Item = ClosedConnection> {
    message::Messages::new(datagram).flatten().filter_map(move |message| match message.body {
        message::Body::Payload(sock_diag::BY_FAMILY, payload) => parse(payload, time_ms),
        message::Body::Payload(..) | message::Body::Done(_) | message::Body::Error(_) | message::Body::Control => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Endpoint;
    use proptest::prelude::*;

    /// A message as Linux 6.18 sends it: 10.0.0.1:443 to 192.0.2.9 and a port.
    fn datagram(remote_port: u16, protocol: u8) -> Vec<u8> {
        let mut payload = vec![0; 72];
        payload[..2].copy_from_slice(&[2, 7]);
        payload[4..6].copy_from_slice(&443u16.to_be_bytes());
        payload[6..8].copy_from_slice(&remote_port.to_be_bytes());
        payload[8..12].copy_from_slice(&[10, 0, 0, 1]);
        payload[24..28].copy_from_slice(&[192, 0, 2, 9]);
        payload[44..52].copy_from_slice(&4711u64.to_ne_bytes());
        let mut info = [0; 280];
        for (at, value) in [(68, 1500u64), (100, 2), (128, 501), (200, 1000), (208, 30)] {
            info[at..at + 4].copy_from_slice(&(value as u32).to_ne_bytes());
        }
        payload.extend([5u16, INET_DIAG_PROTOCOL].into_iter().flat_map(u16::to_ne_bytes));
        payload.extend([protocol, 0, 0, 0]);
        payload.extend([284, INET_DIAG_INFO].into_iter().flat_map(u16::to_ne_bytes));
        payload.extend(info);
        let mut datagram = (16 + payload.len() as u32).to_ne_bytes().to_vec();
        datagram.extend(20u16.to_ne_bytes());
        datagram.resize(16, 0);
        datagram.extend(payload);
        datagram
    }

    #[test]
    fn a_connection_that_is_freed_has_its_ends_its_cookie_and_its_last_figures() {
        let [closed] = connections(&datagram(50_000, 6), 7).collect::<Vec<_>>()[..] else { panic!("one connection") };
        assert_eq!((closed.cookie.get(), closed.time_ms, closed.socket.state), (4711, 7, Some(State::Closed)));
        assert_eq!(closed.socket.local, Endpoint::new("10.0.0.1".parse().unwrap(), 443));
        assert_eq!(closed.socket.remote, Endpoint::new("192.0.2.9".parse().unwrap(), 50_000));
        let expected = LastFigures {
            bytes_sent: Some(1000),
            bytes_received: Some(501),
            bytes_retransmitted: Some(30),
            rtt_us: Some(1500),
            retransmits: Some(2),
        };
        assert_eq!(closed.last, expected);
    }

    #[test]
    fn after_a_reset_the_port_and_the_figures_are_not_known() {
        let [closed] = connections(&datagram(0, 6), 7).collect::<Vec<_>>()[..] else { panic!("one connection") };
        assert_eq!((closed.socket.remote.port, closed.last), (0, LastFigures::default()));
        assert_eq!(closed.socket.state, Some(State::Closed));
    }

    #[test]
    fn a_listener_another_protocol_and_what_is_cut_are_no_connections() {
        let whole = datagram(50_000, 6);
        let mut listener = datagram(0, 6);
        listener[40..44].fill(0);
        let mut without_cookie = whole.clone();
        without_cookie[60..68].fill(0);
        for other in [&datagram(50_000, 17), &listener, &without_cookie, &whole[..whole.len() - 1], &[]] {
            assert_eq!(connections(other, 7).count(), 0);
        }
    }

    proptest! {
        #[test]
        fn any_datagram_is_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(connections(&bytes, 0).count() <= bytes.len() / 16);
            let _ = parse(&bytes, 0);
        }

        #[test]
        fn any_attributes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let payload = [&datagram(1, 6)[16..88], &bytes].concat();
            let _ = parse(&payload, 0);
        }
    }
}
