//! `NETLINK_SOCK_DIAG`: requests, and parsing of answers into rows (`linux/inet_diag.h`).

use crate::model::details::{Details, KernelName, WantedDetails};
use crate::model::pressure::Pressure;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, StateSet, Table, Timer};
use crate::model::tcp_info::TcpInfoRow;
use crate::platform::linux::netlink::message::{self, u32_at};
use crate::platform::linux::sockets::tcp_info;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;

/// `SOCK_DIAG_BY_FAMILY`, the type of requests and answers.
pub const BY_FAMILY: u16 = 20;
/// `SOCK_DESTROY`: the kernel closes a socket.
const DESTROY: u16 = 21;
/// `TCPDIAG_GETSOCK`, that of the older request.
pub const OF_BOTH_FAMILIES: u16 = 18;
/// `INET_DIAG_REQ_BYTECODE`
const REQUEST_BYTECODE: u16 = 1;
/// Attributes of an answer; in `idiag_ext` of a request each has the bit of its number less one.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_CONG: u16 = 4;
const INET_DIAG_TOS: u16 = 5;
const INET_DIAG_TCLASS: u16 = 6;
const INET_DIAG_SKMEMINFO: u16 = 7;
/// Comes with `INET_DIAG_INFO` (5.4), before Linux 6.16 only for those with `CAP_NET_ADMIN`.
const INET_DIAG_ULP_INFO: u16 = 19;
/// In `INET_DIAG_ULP_INFO`: the name, and what MPTCP says of a subflow.
const INET_ULP_INFO_NAME: u16 = 1;
const INET_ULP_INFO_MPTCP: u16 = 3;
/// In `INET_ULP_INFO_MPTCP`: the own number of the connection.
const MPTCP_SUBFLOW_ATTR_TOKEN_LOC: u16 = 2;
/// A flag of netlink attributes that contain others.
const NESTED: u16 = 1 << 15;
/// The size of `struct inet_diag_msg`.
const ANSWER: usize = 72;

/// `AF_INET` and `AF_INET6` of Linux.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `IPPROTO_TCP` and `IPPROTO_UDP`.
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;

/// The states of `net/tcp_states.h`, by number.
const KERNEL_STATES: [(u8, State); 12] = [
    (1, State::Established),
    (2, State::SynSent),
    (3, State::SynReceived),
    (4, State::FinWait1),
    (5, State::FinWait2),
    (6, State::TimeWait),
    (7, State::Closed),
    (8, State::CloseWait),
    (9, State::LastAck),
    (10, State::Listening),
    (11, State::Closing),
    (12, State::SynReceived),
];

/// `TCP_BOUND_INACTIVE` (6.8): asked for by this bit, answered as `CLOSE`.
const BOUND_INACTIVE: u32 = 1 << 13;

/// One dump to request.
#[derive(Clone, Debug)]
pub struct DumpRequest<'a> {
    /// The kernel's table.
    pub table: Table,
    /// The TCP states wanted; the kernel does not return others.
    pub states: StateSet,
    /// The attributes wanted of each socket.
    pub details: WantedDetails,
    /// A program for the kernel's filter; empty for every socket.
    pub bytecode: &'a [u8],
}

const fn number_of_family(family: Family) -> u8 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

const fn number_of_protocol(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => IPPROTO_TCP,
        Protocol::Udp => IPPROTO_UDP,
    }
}

/// The request for the socket with these ends (`struct inet_diag_req_v2`) and these attributes of it. The kernel looks it up as it would for a packet: if
/// several sockets share a port, it returns any of them.
pub fn lookup_request(socket: &Socket, details: WantedDetails, sequence: u32) -> Vec<u8> {
    const NO_COOKIE: [u8; 8] = [0xff; 8];
    message::request(BY_FAMILY, sequence, &by_ends(socket, details, NO_COOKIE))
}

/// The request to close the socket with these ends and this cookie, and no other. The kernel acknowledges it.
pub fn destroy_request(socket: &Socket, cookie: u64, sequence: u32) -> Vec<u8> {
    message::acknowledged_request(DESTROY, sequence, &by_ends(socket, WantedDetails::NONE, cookie.to_ne_bytes()))
}

/// `struct inet_diag_req_v2` for one socket.
fn by_ends(socket: &Socket, details: WantedDetails, cookie: [u8; 8]) -> Vec<u8> {
    // For UDP the kernel expects the ends of a packet that arrives.
    let (source, destination) = match socket.protocol {
        Protocol::Tcp => (socket.local, socket.remote),
        Protocol::Udp => (socket.remote, socket.local),
    };
    let address = |endpoint: Endpoint| match (endpoint.address, socket.family) {
        (IpAddr::V4(address), Family::V6) if address.is_unspecified() => [0; 16],
        (IpAddr::V4(address), Family::V6) => address.to_ipv6_mapped().octets(),
        (IpAddr::V6(address), _) => address.octets(),
        (IpAddr::V4(address), Family::V4) => {
            let mut octets = [0; 16];
            octets.iter_mut().zip(address.octets()).for_each(|(to, from)| *to = from);
            octets
        }
    };
    let mut body = vec![number_of_family(socket.family), number_of_protocol(socket.protocol), extensions(details), 0];
    body.extend(u32::MAX.to_ne_bytes());
    body.extend(source.port.to_be_bytes());
    body.extend(destination.port.to_be_bytes());
    body.extend(address(source));
    body.extend(address(destination));
    body.extend(socket.interface.to_ne_bytes());
    body.extend(cookie);
    body
}

/// The number that the kernel gives to one socket and never again, in an answer.
pub fn cookie(payload: &[u8]) -> Option<u64> {
    message::u64_at(payload.get(..ANSWER)?, 44)
}

/// The MPTCP connection whose subflow an answer describes, if `upper_layer` was asked for.
pub fn mptcp_token(payload: &[u8]) -> Option<u32> {
    let within =
        |bytes, wanted: u16| message::attributes(bytes).find(|(kind, _)| kind & !NESTED == wanted).map(|(_, value)| value);
    let upper_layer = within(payload.get(ANSWER..)?, INET_DIAG_ULP_INFO)?;
    let token = within(within(upper_layer, INET_ULP_INFO_MPTCP)?, MPTCP_SUBFLOW_ATTR_TOKEN_LOC)?;
    u32_at(token, 0).filter(|&token| token != 0)
}

impl DumpRequest<'_> {
    /// The request as the kernel reads it (`struct inet_diag_req_v2`).
    pub fn encode(&self, sequence: u32) -> Vec<u8> {
        let (family, protocol) = (number_of_family(self.table.family()), number_of_protocol(self.table.protocol()));
        let mut body = [0; 56];
        body[..3].copy_from_slice(&[family, protocol, extensions(self.details)]);
        body[4..8].copy_from_slice(&self.kernel_states().to_ne_bytes());
        self.message(BY_FAMILY, sequence, &body)
    }

    /// The same for TCP over IPv4 and IPv6 at once, of which `table` names one: the older request (`struct
    /// inet_diag_req`) knows no family, so that the kernel walks through its connections once and not twice. It does
    /// not reach bound sockets.
    pub fn encode_for_both_families(&self, sequence: u32) -> Vec<u8> {
        let mut body = [0; 60];
        body[3] = extensions(self.details);
        body[52..56].copy_from_slice(&self.kernel_states().to_ne_bytes());
        self.message(OF_BOTH_FAMILIES, sequence, &body)
    }

    fn message(&self, kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut payload = body.to_vec();
        if !self.bytecode.is_empty() {
            payload.extend((4 + self.bytecode.len() as u16).to_ne_bytes());
            payload.extend(REQUEST_BYTECODE.to_ne_bytes());
            payload.extend(self.bytecode);
        }
        message::dump_request(kind, sequence, &payload)
    }

    fn kernel_states(&self) -> u32 {
        if self.table.protocol() == Protocol::Udp {
            return u32::MAX;
        }
        let known = state_bits(self.states);
        if self.states.contains(State::Bound) { known | BOUND_INACTIVE } else { known }
    }
}

/// `idiag_ext`: a bit for each attribute wanted.
fn extensions(details: WantedDetails) -> u8 {
    let bit = |attribute: u16| 1 << (attribute - 1);
    let traffic_class = if details.traffic_class { bit(INET_DIAG_TOS) | bit(INET_DIAG_TCLASS) } else { 0 };
    let congestion = if details.congestion { bit(INET_DIAG_CONG) } else { 0 };
    let has_info = details.upper_layer || details.tcp_info.intersects(tcp_info::IN_STRUCTURE);
    let info = if has_info { bit(INET_DIAG_INFO) } else { 0 };
    let memory = if details.tcp_info.intersects(tcp_info::IN_MEMORY) { bit(INET_DIAG_SKMEMINFO) } else { 0 };
    traffic_class | congestion | info | memory
}

/// A bit for the kernel's number of each of these TCP states.
pub(crate) fn state_bits(states: StateSet) -> u32 {
    let wanted = KERNEL_STATES.into_iter().filter(|&(_, state)| states.contains(state));
    wanted.fold(0, |mask, (number, _)| mask | 1 << number)
}

/// The row of one answer (`struct inet_diag_msg` and attributes); `None` if it is too short.
///
/// A bound TCP socket and a closed one that keeps its port both have state `CLOSE`; only the closed one has a peer.
pub fn parse(payload: &[u8], protocol: Protocol) -> Option<Socket> {
    let message: &[u8; ANSWER] = payload.first_chunk()?;
    let [family, state, timer, ..] = *message;
    let family = match family {
        AF_INET => Family::V4,
        AF_INET6 => Family::V6,
        _ => return None,
    };
    let local = endpoint(message, family, 8, 4);
    let remote = endpoint(message, family, 24, 6).opposite(&local);
    let number = |offset| u32_at(message, offset).unwrap_or(0);
    Some(Socket {
        protocol,
        family,
        state: match protocol {
            Protocol::Tcp => Some(state_of(state, &remote)),
            Protocol::Udp => None,
        },
        timer: timer_of_number(timer.into()),
        local,
        remote,
        interface: number(40),
        expires_ms: number(52),
        receive_queue: number(56),
        send_queue: number(60),
        uid: number(64),
        inode: number(68),
    })
}

/// The attributes behind the row of one answer.
pub(super) fn attributes(payload: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    message::attributes(payload.get(ANSWER..).unwrap_or_default())
}

/// The details in the attributes of one answer, if there are any.
///
/// An IPv6 socket has both a type of service, for its IPv4 flows, and a traffic class.
pub fn details(payload: &[u8]) -> Details {
    let mut details = Details { cookie: cookie(payload).and_then(NonZeroU64::new), ..Details::default() };
    let (mut type_of_service, mut traffic_class) = (None, None);
    for (kind, value) in attributes(payload) {
        match kind {
            INET_DIAG_TOS => type_of_service = value.first().copied(),
            INET_DIAG_TCLASS => traffic_class = value.first().copied(),
            INET_DIAG_CONG => details.congestion = KernelName::new(value),
            INET_DIAG_ULP_INFO => {
                let name = message::attributes(value).find(|(kind, _)| *kind == INET_ULP_INFO_NAME);
                details.upper_layer = name.and_then(|(_, name)| KernelName::new(name));
            }
            _ => {}
        }
    }
    if type_of_service.or(traffic_class).is_some() {
        let is_ipv4 = parse(payload, Protocol::Tcp).is_some_and(|socket| socket.local.address.is_ipv4());
        details.traffic_class = if is_ipv4 { type_of_service } else { traffic_class };
    }
    details
}

/// Reads the internals that one answer carries behind its row.
///
/// Of a socket without a connection the structure holds nothing but defaults: it is left out, the memory counters are not.
pub fn internals(payload: &[u8], socket: &Socket, row: &mut TcpInfoRow<'_>) {
    for (kind, value) in attributes(payload) {
        match kind {
            INET_DIAG_INFO if socket.is_connection() => tcp_info::parse(value, row),
            INET_DIAG_SKMEMINFO => tcp_info::parse_memory(value, socket.protocol, row),
            _ => {}
        }
    }
}

/// How full the buffers of a socket are, by the attributes of its answer.
pub fn pressure(payload: &[u8], socket: &Socket) -> Pressure {
    let mut pressure = Pressure::default();
    for (kind, value) in message::attributes(payload.get(ANSWER..).unwrap_or_default()) {
        match kind {
            INET_DIAG_INFO if socket.is_connection() && socket.send_queue > 0 => {
                pressure.unacknowledged_ms = tcp_info::unacknowledged_ms(value);
            }
            INET_DIAG_SKMEMINFO => {
                pressure.drops = tcp_info::drops(value);
                pressure.receive_buffer = tcp_info::receive_buffer(value);
            }
            _ => {}
        }
    }
    pressure
}

/// The TCP state of a number in an answer of a socket with this peer.
pub(crate) fn state_of(number: u8, remote: &Endpoint) -> State {
    match KERNEL_STATES.iter().find(|&&(known, _)| known == number) {
        Some((_, State::Closed)) if remote.port == 0 => State::Bound,
        Some(&(_, state)) => state,
        None => State::Unknown,
    }
}

/// The TCP state of a number in `/proc/net/tcp`, which has no bound sockets.
pub(crate) fn state_of_number(number: u8) -> State {
    KERNEL_STATES.iter().find(|&&(known, _)| known == number).map_or(State::Unknown, |&(_, state)| state)
}

/// The timer of a number, in a dump or in a file.
pub(crate) const fn timer_of_number(number: u32) -> Timer {
    match number {
        1 => Timer::Retransmit,
        2 => Timer::KeepAlive,
        3 => Timer::TimeWait,
        4 => Timer::WindowProbe,
        _ => Timer::Off,
    }
}

fn endpoint(message: &[u8; ANSWER], family: Family, address: usize, port: usize) -> Endpoint {
    let bytes = |at: usize, within: usize| message.get(at + within).copied().unwrap_or_default();
    let port = u16::from_be_bytes([bytes(port, 0), bytes(port, 1)]);
    let address = match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_octets(std::array::from_fn(|i| bytes(address, i)))),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_octets(std::array::from_fn(|i| bytes(address, i)))),
    };
    Endpoint::new(address, port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pressure::Usage;
    use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
    use crate::platform::linux::netlink::message::HEADER;
    use proptest::prelude::*;

    /// An established IPv6 connection, `[2001:db8::7%3]:443` to `[2001:db8::9]:50000`, as the kernel encodes it.
    fn answer() -> [u8; ANSWER] {
        let mut bytes = [0; ANSWER];
        bytes[..4].copy_from_slice(&[AF_INET6, 1, 2, 0]);
        bytes[4..6].copy_from_slice(&443u16.to_be_bytes());
        bytes[6..8].copy_from_slice(&50000u16.to_be_bytes());
        bytes[8..24].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        bytes[24..40].copy_from_slice(&"2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
        for (at, value) in [(40, 3u32), (52, 7000), (56, 11), (60, 12), (64, 1000), (68, 4711)] {
            bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn every_field_is_read_from_its_offset() {
        let expected = Socket {
            protocol: Protocol::Tcp,
            family: Family::V6,
            state: Some(State::Established),
            timer: Timer::KeepAlive,
            local: Endpoint::new("2001:db8::7".parse().unwrap(), 443),
            remote: Endpoint::new("2001:db8::9".parse().unwrap(), 50000),
            interface: 3,
            inode: 4711,
            uid: 1000,
            receive_queue: 11,
            send_queue: 12,
            expires_ms: 7000,
        };
        assert_eq!(parse(&answer(), Protocol::Tcp), Some(expected));
        assert_eq!(parse(&answer(), Protocol::Udp).unwrap().state, None);
    }

    #[test]
    fn a_mapped_answer_is_an_ipv4_row() {
        let mut bytes = answer();
        bytes[8..24].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
        let socket = parse(&bytes, Protocol::Tcp).unwrap();
        assert_eq!((socket.table(), socket.family), (Table::Tcp4, Family::V6));
    }

    #[test]
    fn close_without_a_peer_is_bound() {
        let mut bytes = answer();
        bytes[1] = 7;
        assert_eq!(parse(&bytes, Protocol::Tcp).unwrap().state, Some(State::Closed));
        bytes[6..8].fill(0);
        assert_eq!(parse(&bytes, Protocol::Tcp).unwrap().state, Some(State::Bound));
    }

    #[test]
    fn every_kernel_state_has_a_name_and_a_new_one_is_unknown() {
        let words: Vec<_> = (0..=14u8)
            .map(|number| {
                let mut bytes = answer();
                bytes[1] = number;
                parse(&bytes, Protocol::Tcp).unwrap().state.unwrap().word()
            })
            .collect();
        assert_eq!(
            words,
            [
                "UNKNOWN",
                "ESTABLISHED",
                "SYN_SENT",
                "SYN_RECEIVED",
                "FIN_WAIT_1",
                "FIN_WAIT_2",
                "TIME_WAIT",
                "CLOSED",
                "CLOSE_WAIT",
                "LAST_ACK",
                "LISTENING",
                "CLOSING",
                "SYN_RECEIVED",
                "UNKNOWN",
                "UNKNOWN"
            ]
        );
    }

    #[test]
    fn the_request_has_the_bits_of_the_wanted_states() {
        let states = |table, states| {
            u32_at(&DumpRequest { table, states, details: WantedDetails::default(), bytecode: &[] }.encode(1), 20).unwrap()
        };
        assert_eq!(states(Table::Tcp4, StateSet::NONE.with(State::Listening)), 1 << 10);
        assert_eq!(states(Table::Tcp6, StateSet::NONE.with(State::SynReceived)), 1 << 3 | 1 << 12);
        assert_eq!(states(Table::Tcp4, StateSet::ALL.without(State::Bound)) & BOUND_INACTIVE, 0);
        assert_eq!(states(Table::Tcp4, StateSet::ALL) & BOUND_INACTIVE, BOUND_INACTIVE);
        assert_eq!(states(Table::Udp4, StateSet::NONE), u32::MAX);
    }

    #[test]
    fn a_lookup_has_the_ends_of_the_socket_and_for_udp_those_of_a_packet_that_arrives() {
        let mut socket = parse(&answer(), Protocol::Tcp).unwrap();
        let request = lookup_request(&socket, WantedDetails::NONE, 9);
        assert_eq!((u32_at(&request, 0), request[6..8].to_vec()), (Some(72), 1u16.to_ne_bytes().to_vec()));
        assert_eq!(request[16..20], [AF_INET6, IPPROTO_TCP, 0, 0]);
        assert_eq!(request[24..60], answer()[4..40], "ports and addresses");
        assert_eq!((u32_at(&request, 60), request[64..72].to_vec()), (Some(3), vec![0xff; 8]));
        socket.protocol = Protocol::Udp;
        assert_eq!(lookup_request(&socket, WantedDetails::NONE, 9)[24..26], 50_000u16.to_be_bytes());
        let mut mapped = answer();
        mapped[8..24].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
        let socket = parse(&mapped, Protocol::Tcp).unwrap();
        assert_eq!(lookup_request(&socket, WantedDetails::NONE, 9)[28..44], mapped[8..24]);
    }

    #[test]
    fn a_socket_is_closed_by_its_ends_and_its_cookie_and_the_kernel_acknowledges_it() {
        let mut bytes = answer();
        bytes[44..52].copy_from_slice(&0x1122_3344_5566_7788u64.to_ne_bytes());
        assert_eq!(cookie(&bytes), Some(0x1122_3344_5566_7788));
        assert_eq!(cookie(&bytes[..71]), None);
        let request = destroy_request(&parse(&bytes, Protocol::Tcp).unwrap(), 0x1122_3344_5566_7788, 9);
        assert_eq!(request[4..8], [21u16.to_ne_bytes(), 5u16.to_ne_bytes()].concat());
        assert_eq!(request[24..72], bytes[4..52], "ends, interface and cookie");
    }

    #[test]
    fn the_number_of_an_mptcp_connection_is_nested_three_deep() {
        let subflow = with_attributes(Vec::new(), &[(1, &[0; 4]), (2, &7u32.to_ne_bytes())]);
        let nested = with_attributes(Vec::new(), &[(INET_ULP_INFO_NAME, b"mptcp\0"), (INET_ULP_INFO_MPTCP | NESTED, &subflow)]);
        let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_ULP_INFO | NESTED, &nested)]);
        assert_eq!(mptcp_token(&bytes), Some(7));
        assert_eq!(mptcp_token(&bytes[..bytes.len() - 4]), None);
        let tls = with_attributes(Vec::new(), &[(INET_ULP_INFO_NAME, b"tls\0")]);
        assert_eq!(mptcp_token(&with_attributes(answer().to_vec(), &[(INET_DIAG_ULP_INFO, &tls)])), None);
    }

    #[test]
    fn a_program_is_sent_as_an_attribute() {
        let request =
            DumpRequest { table: Table::Udp6, states: StateSet::ALL, details: WantedDetails::default(), bytecode: &[1, 2, 3, 4] }
                .encode(9);
        assert_eq!(u32_at(&request, 0), Some(request.len() as u32));
        assert_eq!(request[16..18], [AF_INET6, IPPROTO_UDP]);
        assert_eq!(request[HEADER + 56..], [8, 0, 1, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_older_request_has_its_own_offsets() {
        let states = StateSet::NONE.with(State::Listening);
        let request = DumpRequest { table: Table::Tcp4, states, details: WantedDetails::default(), bytecode: &[1, 2, 3, 4] }
            .encode_for_both_families(9);
        assert_eq!((u32_at(&request, 0), request[4]), (Some(84), 18));
        assert_eq!(request[HEADER..HEADER + 52], [0; 52]);
        assert_eq!(u32_at(&request, HEADER + 52), Some(1 << 10));
        assert_eq!(request[HEADER + 60..], [8, 0, 1, 0, 1, 2, 3, 4]);
    }

    fn with_attributes(mut bytes: Vec<u8>, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        for (kind, value) in attributes {
            bytes.extend((4 + value.len() as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn details_are_requested_by_their_bits_only_if_wanted() {
        let extensions = |details| {
            let request = DumpRequest { table: Table::Tcp4, states: StateSet::ALL, details, bytecode: &[] };
            let byte = request.encode(1)[HEADER + 2];
            assert_eq!(request.encode_for_both_families(1)[HEADER + 3], byte);
            byte
        };
        assert_eq!(extensions(WantedDetails::default()), 0);
        assert_eq!(extensions(WantedDetails { traffic_class: true, ..WantedDetails::default() }), 1 << 4 | 1 << 5);
        assert_eq!(extensions(WantedDetails { congestion: true, ..WantedDetails::default() }), 1 << 3);
        let internals = |field| WantedDetails { tcp_info: TcpFields::of(&[field]), ..WantedDetails::default() };
        assert_eq!(extensions(internals(TcpField::Rtt)), 1 << 1);
        assert_eq!(extensions(internals(TcpField::Drops)), 1 << 6);
        assert_eq!(extensions(WantedDetails { upper_layer: true, ..WantedDetails::default() }), 1 << 1);
    }

    #[test]
    fn details_are_read_from_their_attributes() {
        let attributes: &[(u16, &[u8])] = &[(8, &[0]), (INET_DIAG_TOS, &[0x10]), (INET_DIAG_TCLASS, &[0xb8]), (4, b"bbr\0")];
        let bytes = with_attributes(answer().to_vec(), attributes);
        let expected = Details { traffic_class: Some(0xb8), congestion: KernelName::new(b"bbr"), ..Details::default() };
        assert_eq!(details(&bytes), expected);
        let mut mapped = answer();
        mapped[8..24].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
        assert_eq!(details(&with_attributes(mapped.to_vec(), attributes)).traffic_class, Some(0x10));
        assert_eq!(details(&answer()), Details::default());
        assert_eq!(details(&[]), Details::default());
    }

    #[test]
    fn the_protocol_above_tcp_is_named_inside_its_attribute() {
        let nested = with_attributes(Vec::new(), &[(7, &[1]), (INET_ULP_INFO_NAME, b"mptcp\0"), (3, &[0; 8])]);
        let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_INFO, &[0; 104]), (INET_DIAG_ULP_INFO, &nested)]);
        assert_eq!(details(&bytes).upper_layer, KernelName::new(b"mptcp"));
        let unnamed = with_attributes(answer().to_vec(), &[(INET_DIAG_ULP_INFO, &[1, 2, 3])]);
        assert_eq!(details(&unnamed).upper_layer, None);
    }

    #[test]
    fn a_listener_has_no_internals_but_its_drops() {
        let mut info = [0; 104];
        info[68..72].copy_from_slice(&1234u32.to_ne_bytes());
        let mut counters = [0; 36];
        counters[32..].copy_from_slice(&24u32.to_ne_bytes());
        let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_INFO, &info), (INET_DIAG_SKMEMINFO, &counters)]);
        let read = |state| {
            let mut table = TcpInfoTable::new(TcpFields::of(&[TcpField::Rtt, TcpField::Drops]));
            let socket = Socket { state, ..parse(&bytes, Protocol::Tcp).unwrap() };
            internals(&bytes, &socket, &mut table.push());
            [TcpField::Rtt, TcpField::Drops].map(|field| table.get(0, field))
        };
        assert_eq!(read(Some(State::Established)), [Some(1234), Some(24)]);
        assert_eq!(read(Some(State::Listening)), [None, Some(24)]);
    }

    #[test]
    fn pressure_is_read_from_the_counters_and_of_data_that_waits() {
        let mut info = [0; 104];
        info[44..48].copy_from_slice(&40_000u32.to_ne_bytes());
        let mut counters = [0; 36];
        for (number, value) in [(0, 900u32), (1, 1000), (8, 24)] {
            counters[4 * number..][..4].copy_from_slice(&value.to_ne_bytes());
        }
        let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_INFO, &info), (INET_DIAG_SKMEMINFO, &counters)]);
        let connection = parse(&bytes, Protocol::Tcp).unwrap();
        let of = |socket| pressure(&bytes, &socket);
        let memory =
            Pressure { drops: Some(24), receive_buffer: Some(Usage { used: 900, limit: 1000 }), unacknowledged_ms: None };
        assert_eq!(of(connection), Pressure { unacknowledged_ms: Some(40_000), ..memory });
        assert_eq!(of(Socket { send_queue: 0, ..connection }), memory);
        assert_eq!(of(Socket { state: Some(State::Listening), ..connection }), memory);
        assert_eq!(pressure(&answer(), &connection), Pressure::default());
    }

    proptest! {
        #[test]
        fn any_attributes_are_internals(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let payload = [&answer()[..], &bytes].concat();
            let mut table = TcpInfoTable::new(TcpField::ALL.iter().copied().collect());
            let socket = parse(&payload, Protocol::Tcp).unwrap();
            internals(&payload, &socket, &mut table.push());
            pressure(&payload, &socket);
        }

        #[test]
        fn any_attributes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let payload = [&answer()[..], &bytes].concat();
            let _ = (details(&payload), mptcp_token(&payload), cookie(&bytes));
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let row = parse(&bytes, Protocol::Tcp);
            prop_assert_eq!(row.is_some(), bytes.len() >= ANSWER && [AF_INET, AF_INET6].contains(&bytes[0]));
        }
    }
}
