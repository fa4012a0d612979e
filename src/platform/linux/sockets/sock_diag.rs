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
mod tests;
