//! Sockets as libproc describes them (`sys/proc_info.h`): bytes in, rows out.
//!
//! The layouts are those of 64-bit macOS, little-endian. [`OFFSETS`] names every field that is read, so that a test can compare
//! the numbers with Apple's headers.

use crate::model::pressure::Usage;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, Timer, has_scope};
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoRow};
use crate::platform::little_endian::{u16_at, u32_at, u64_at};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `sizeof(struct proc_fdinfo)`, which is also that of `struct proc_fileportinfo`.
const FD_ENTRY: usize = 8;
const FD_TYPE: usize = 4;
/// `PROX_FDTYPE_SOCKET`
const FD_TYPE_SOCKET: u32 = 2;

const SO: usize = 160;
const TYPE: usize = 176;
const PROTOCOL: usize = 180;
const FAMILY: usize = 184;
const QUEUE_LENGTH: usize = 194;
const QUEUE_LIMIT: usize = 198;
const RECEIVE_BYTES: usize = 208;
const RECEIVE_LIMIT: usize = 212;
const RECEIVE_MEMORY: usize = 216;
const SEND_BYTES: usize = 232;
const SEND_MEMORY: usize = 240;
const KIND: usize = 256;
const REMOTE_PORT: usize = 264;
const LOCAL_PORT: usize = 268;
const VERSION_FLAGS: usize = 288;
const REMOTE_ADDRESS: usize = 296;
const LOCAL_ADDRESS: usize = 312;
const TCP_STATE: usize = 344;
const TCP_SEGMENT_SIZE: usize = 364;

/// An IPv4 address stands in the last four of the sixteen bytes of an address (`struct in4in6_addr`).
const IPV4_IN_ADDRESS: usize = 12;

/// How many bytes of `struct socket_fdinfo` are read: a shorter answer is none.
pub const LENGTH: usize = TCP_SEGMENT_SIZE + 4;

/// What is known of the internals of TCP.
pub const TCP_FIELDS: TcpFields = TcpFields::of(&[TcpField::Mss, TcpField::MemoryReceive, TcpField::MemorySend]);

/// Where each field stands: the struct, the field, its offset in bytes.
pub const OFFSETS: &[(&str, &str, usize)] = &[
    ("proc_fdinfo", "proc_fd", 0),
    ("proc_fdinfo", "proc_fdtype", FD_TYPE),
    ("proc_fileportinfo", "proc_fileport", 0),
    ("proc_fileportinfo", "proc_fdtype", FD_TYPE),
    ("socket_fdinfo", "psi.soi_so", SO),
    ("socket_fdinfo", "psi.soi_type", TYPE),
    ("socket_fdinfo", "psi.soi_protocol", PROTOCOL),
    ("socket_fdinfo", "psi.soi_family", FAMILY),
    ("socket_fdinfo", "psi.soi_qlen", QUEUE_LENGTH),
    ("socket_fdinfo", "psi.soi_qlimit", QUEUE_LIMIT),
    ("socket_fdinfo", "psi.soi_rcv.sbi_cc", RECEIVE_BYTES),
    ("socket_fdinfo", "psi.soi_rcv.sbi_hiwat", RECEIVE_LIMIT),
    ("socket_fdinfo", "psi.soi_rcv.sbi_mbcnt", RECEIVE_MEMORY),
    ("socket_fdinfo", "psi.soi_snd.sbi_cc", SEND_BYTES),
    ("socket_fdinfo", "psi.soi_snd.sbi_mbcnt", SEND_MEMORY),
    ("socket_fdinfo", "psi.soi_kind", KIND),
    ("socket_fdinfo", "psi.soi_proto.pri_in.insi_fport", REMOTE_PORT),
    ("socket_fdinfo", "psi.soi_proto.pri_in.insi_lport", LOCAL_PORT),
    ("socket_fdinfo", "psi.soi_proto.pri_in.insi_vflag", VERSION_FLAGS),
    ("socket_fdinfo", "psi.soi_proto.pri_in.insi_faddr", REMOTE_ADDRESS),
    ("socket_fdinfo", "psi.soi_proto.pri_in.insi_faddr.ina_46.i46a_addr4", REMOTE_ADDRESS + IPV4_IN_ADDRESS),
    ("socket_fdinfo", "psi.soi_proto.pri_in.insi_laddr", LOCAL_ADDRESS),
    ("socket_fdinfo", "psi.soi_proto.pri_tcp.tcpsi_ini.insi_fport", REMOTE_PORT),
    ("socket_fdinfo", "psi.soi_proto.pri_tcp.tcpsi_state", TCP_STATE),
    ("socket_fdinfo", "psi.soi_proto.pri_tcp.tcpsi_mss", TCP_SEGMENT_SIZE),
];

/// The constants that are read: the name in Apple's headers and the value.
pub const CONSTANTS: &[(&str, u32)] = &[
    ("sizeof(struct proc_fdinfo)", FD_ENTRY as u32),
    ("sizeof(struct proc_fileportinfo)", FD_ENTRY as u32),
    ("PROX_FDTYPE_SOCKET", FD_TYPE_SOCKET),
    ("SOCKINFO_IN", KIND_IN),
    ("SOCKINFO_TCP", KIND_TCP),
    ("SOCK_DGRAM", SOCK_DGRAM),
    ("IPPROTO_UDP", IPPROTO_UDP),
    ("AF_INET", AF_INET),
    ("AF_INET6", AF_INET6),
    ("INI_IPV6", INI_IPV6 as u32),
    ("TSI_S_CLOSED", 0),
    ("TSI_S_LISTEN", 1),
    ("TSI_S_SYN_SENT", 2),
    ("TSI_S_SYN_RECEIVED", 3),
    ("TSI_S_ESTABLISHED", 4),
    ("TSI_S__CLOSE_WAIT", 5),
    ("TSI_S_FIN_WAIT_1", 6),
    ("TSI_S_CLOSING", 7),
    ("TSI_S_LAST_ACK", 8),
    ("TSI_S_FIN_WAIT_2", 9),
    ("TSI_S_TIME_WAIT", 10),
];

const KIND_IN: u32 = 1;
const KIND_TCP: u32 = 2;
const SOCK_DGRAM: u32 = 2;
const IPPROTO_UDP: u32 = 17;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 30;
const INI_IPV6: u8 = 2;

/// A TCP or UDP socket that has a local port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kernel's number of the socket (`soi_so`): every descriptor of one socket has the same.
    pub handle: u64,
    /// The row. It has no inode and no user: macOS gives neither.
    pub socket: Socket,
    /// The internals.
    pub internals: Internals,
    /// How the receive buffer is used; `None` of a listener, which has no data.
    pub receive_buffer: Option<Usage>,
}

/// What the kernel says of a socket's buffers and, for a TCP connection, of its segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Internals {
    /// The memory that data received takes, in bytes.
    pub receive_memory: u32,
    /// The memory that data to send takes, in bytes.
    pub send_memory: u32,
    /// The most bytes of data that a segment has; only of a connection.
    pub segment_size: Option<u32>,
}

impl Internals {
    /// Puts what is asked for into the row of a table.
    pub fn fill(&self, row: &mut TcpInfoRow<'_>) {
        row.set(TcpField::MemoryReceive, self.receive_memory.into());
        row.set(TcpField::MemorySend, self.send_memory.into());
        if let Some(size) = self.segment_size {
            row.set(TcpField::Mss, size.into());
        }
    }
}

/// An answer that is shorter than the fields that are read: the kernel did not fill it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer has {0} bytes of {LENGTH}")]
pub struct TooShort(pub usize);

/// The descriptors that are sockets, of an answer to `PROC_PIDLISTFDS` or `PROC_PIDLISTFILEPORTS`.
pub fn socket_descriptors(answer: &[u8]) -> impl Iterator<Item = u32> {
    let (entries, _) = answer.as_chunks::<FD_ENTRY>();
    let is_socket = |entry: &&[u8; FD_ENTRY]| u32_at(entry.as_slice(), FD_TYPE) == Some(FD_TYPE_SOCKET);
    entries.iter().filter(is_socket).filter_map(|entry| u32_at(entry, 0))
}

/// The socket of an answer to `PROC_PIDFDSOCKETINFO`; `None` if it is neither TCP nor UDP, or is not bound to a port.
pub fn parse(answer: &[u8]) -> Result<Option<Entry>, TooShort> {
    let fields = Fields::of(answer).ok_or(TooShort(answer.len()))?;
    Ok(fields.entry())
}

/// The fields of an answer, as the kernel has them.
struct Fields<'a> {
    handle: u64,
    kind: u32,
    socket_type: u32,
    protocol: u32,
    family: u32,
    version_flags: u8,
    queue: (u16, u16),
    bytes: (u32, u32),
    receive_limit: u32,
    memory: (u32, u32),
    local: (&'a [u8; 16], u16),
    remote: (&'a [u8; 16], u16),
    tcp_state: u32,
    segment_size: u32,
}

impl<'a> Fields<'a> {
    fn of(answer: &'a [u8]) -> Option<Self> {
        Some(Self {
            handle: u64_at(answer, SO)?,
            kind: u32_at(answer, KIND)?,
            socket_type: u32_at(answer, TYPE)?,
            protocol: u32_at(answer, PROTOCOL)?,
            family: u32_at(answer, FAMILY)?,
            version_flags: *answer.get(VERSION_FLAGS)?,
            queue: (u16_at(answer, QUEUE_LENGTH)?, u16_at(answer, QUEUE_LIMIT)?),
            bytes: (u32_at(answer, RECEIVE_BYTES)?, u32_at(answer, SEND_BYTES)?),
            receive_limit: u32_at(answer, RECEIVE_LIMIT)?,
            memory: (u32_at(answer, RECEIVE_MEMORY)?, u32_at(answer, SEND_MEMORY)?),
            local: (answer.get(LOCAL_ADDRESS..)?.first_chunk()?, port(answer, LOCAL_PORT)?),
            remote: (answer.get(REMOTE_ADDRESS..)?.first_chunk()?, port(answer, REMOTE_PORT)?),
            tcp_state: u32_at(answer, TCP_STATE)?,
            segment_size: u32_at(answer, TCP_SEGMENT_SIZE)?,
        })
    }

    fn entry(&self) -> Option<Entry> {
        let family = match self.family {
            AF_INET => Family::V4,
            AF_INET6 => Family::V6,
            _ => return None,
        };
        let protocol = match (self.kind, self.socket_type, self.protocol) {
            (KIND_TCP, ..) => Protocol::Tcp,
            (KIND_IN, SOCK_DGRAM, IPPROTO_UDP) => Protocol::Udp,
            _ => return None,
        };
        let (local, local_scope) = self.endpoint(self.local);
        let (remote, remote_scope) = self.endpoint(self.remote);
        if local.port == 0 {
            return None;
        }
        let remote = remote.opposite(&local);
        let state = (protocol == Protocol::Tcp).then(|| match state_of_number(self.tcp_state) {
            State::Closed if remote.is_unspecified() => State::Bound,
            state => state,
        });
        let (receive_queue, send_queue) =
            if state == Some(State::Listening) { (self.queue.0.into(), self.queue.1.into()) } else { self.bytes };
        let socket = Socket {
            protocol,
            family,
            state,
            timer: Timer::Off,
            local,
            remote,
            interface: if local_scope == 0 { remote_scope } else { local_scope },
            inode: 0,
            uid: 0,
            receive_queue,
            send_queue,
            expires_ms: 0,
        };
        // A listener and a socket that is only bound have a default there.
        let has_segments = !matches!(state, None | Some(State::Listening | State::Bound));
        let internals = Internals {
            receive_memory: self.memory.0,
            send_memory: self.memory.1,
            segment_size: has_segments.then_some(self.segment_size),
        };
        let buffer = Usage { used: self.bytes.0.into(), limit: self.receive_limit.into() };
        let receive_buffer = (state != Some(State::Listening)).then_some(buffer);
        Some(Entry { handle: self.handle, socket, internals, receive_buffer })
    }

    /// An endpoint and the scope that the kernel has written into its address.
    ///
    /// An IPv6 socket that carries an IPv4 flow has lost the flag of IPv6, and its addresses stand where those of an IPv4 socket
    /// do. One that waits for both has both flags and IPv6 addresses.
    fn endpoint(&self, (bytes, port): (&[u8; 16], u16)) -> (Endpoint, u32) {
        if self.family == AF_INET6 && self.version_flags & INI_IPV6 != 0 {
            let (address, scope) = without_embedded_scope(Ipv6Addr::from(*bytes));
            return (Endpoint::new(IpAddr::V6(address), port), scope);
        }
        let [.., a, b, c, d] = *bytes;
        (Endpoint::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), port), 0)
    }
}

/// The address without the interface index that the kernel keeps in its second group (as KAME does), and that index: only
/// addresses that mean nothing without their interface have one.
pub fn without_embedded_scope(address: Ipv6Addr) -> (Ipv6Addr, u32) {
    let mut segments = address.segments();
    match &mut segments {
        [_, scope, ..] if has_scope(IpAddr::V6(address)) => {
            let embedded = std::mem::take(scope);
            (Ipv6Addr::from(segments), embedded.into())
        }
        _ => (address, 0),
    }
}

/// A state by its number in `struct tcp_sockinfo`.
const fn state_of_number(number: u32) -> State {
    match number {
        0 => State::Closed,
        1 => State::Listening,
        2 => State::SynSent,
        3 => State::SynReceived,
        4 => State::Established,
        5 => State::CloseWait,
        6 => State::FinWait1,
        7 => State::Closing,
        8 => State::LastAck,
        9 => State::FinWait2,
        10 => State::TimeWait,
        _ => State::Unknown,
    }
}

/// A port is 16 bits in network order, in the low half of an `int`.
fn port(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(offset..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tcp_info::TcpInfoTable;
    use proptest::prelude::*;

    /// `sizeof(struct socket_fdinfo)`
    const SIZE: usize = 792;

    const TCP: (u32, u32, u32) = (KIND_TCP, 1, 6);
    const UDP: (u32, u32, u32) = (KIND_IN, SOCK_DGRAM, IPPROTO_UDP);
    const BOTH: u8 = 3;
    const IPV4_ONLY: u8 = 1;

    /// An answer of the kernel.
    struct Answer(Vec<u8>);

    impl Answer {
        fn new((kind, socket_type, protocol): (u32, u32, u32), family: u32, version_flags: u8) -> Self {
            let mut answer = Self(vec![0; SIZE]);
            answer.put(SO, &0xfeed_beef_0000_0001u64.to_le_bytes());
            for (offset, number) in [(KIND, kind), (TYPE, socket_type), (PROTOCOL, protocol), (FAMILY, family)] {
                answer.put(offset, &number.to_le_bytes());
            }
            answer.put(VERSION_FLAGS, &[version_flags]);
            answer
        }

        fn put(&mut self, offset: usize, bytes: &[u8]) {
            self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        }

        fn end(mut self, address: usize, port: usize, text: &str, number: u16) -> Self {
            match text.parse().unwrap() {
                IpAddr::V4(v4) => self.put(address + IPV4_IN_ADDRESS, &v4.octets()),
                IpAddr::V6(v6) => self.put(address, &v6.octets()),
            }
            self.put(port, &u32::from(number.swap_bytes()).to_le_bytes());
            self
        }

        fn local(self, address: &str, port: u16) -> Self {
            self.end(LOCAL_ADDRESS, LOCAL_PORT, address, port)
        }

        fn remote(self, address: &str, port: u16) -> Self {
            self.end(REMOTE_ADDRESS, REMOTE_PORT, address, port)
        }

        fn state(mut self, state: u32) -> Self {
            self.put(TCP_STATE, &state.to_le_bytes());
            self
        }

        fn socket(&self) -> Option<Socket> {
            parse(&self.0).unwrap().map(|entry| entry.socket)
        }
    }

    fn endpoint(address: &str, port: u16) -> Endpoint {
        Endpoint::new(address.parse().unwrap(), port)
    }

    #[test]
    fn a_connection_has_its_ends_its_queues_and_its_handle() {
        let mut answer = Answer::new(TCP, AF_INET, IPV4_ONLY).local("192.0.2.1", 50000).remote("198.51.100.7", 443).state(4);
        answer.put(RECEIVE_BYTES, &7u32.to_le_bytes());
        answer.put(SEND_BYTES, &9u32.to_le_bytes());
        answer.put(RECEIVE_LIMIT, &100u32.to_le_bytes());
        let entry = parse(&answer.0).unwrap().unwrap();
        assert_eq!(entry.handle, 0xfeed_beef_0000_0001);
        let socket = entry.socket;
        assert_eq!((socket.protocol, socket.family, socket.state), (Protocol::Tcp, Family::V4, Some(State::Established)));
        assert_eq!((socket.local, socket.remote), (endpoint("192.0.2.1", 50000), endpoint("198.51.100.7", 443)));
        assert_eq!((socket.receive_queue, socket.send_queue), (7, 9));
        assert_eq!(entry.receive_buffer, Some(Usage { used: 7, limit: 100 }));
    }

    #[test]
    fn a_connection_has_a_segment_size_and_a_listener_only_its_memory() {
        for (state, segment_size) in [(4, Some(1448)), (1, None)] {
            let mut answer = Answer::new(TCP, AF_INET, IPV4_ONLY).local("192.0.2.1", 443).state(state);
            for (offset, number) in [(RECEIVE_MEMORY, 4096u32), (SEND_MEMORY, 2304), (TCP_SEGMENT_SIZE, 1448)] {
                answer.put(offset, &number.to_le_bytes());
            }
            let internals = parse(&answer.0).unwrap().unwrap().internals;
            assert_eq!(internals, Internals { receive_memory: 4096, send_memory: 2304, segment_size });
            let mut table = TcpInfoTable::new(TCP_FIELDS);
            internals.fill(&mut table.push());
            let known = [TcpField::MemoryReceive, TcpField::MemorySend, TcpField::Mss].map(|field| table.get(0, field));
            assert_eq!(known, [Some(4096), Some(2304), segment_size.map(u64::from)]);
        }
    }

    #[test]
    fn an_ipv4_flow_of_an_ipv6_socket_is_an_ipv4_row() {
        let flow = Answer::new(TCP, AF_INET6, IPV4_ONLY).local("127.0.0.1", 80).remote("127.0.0.1", 50001).state(4);
        let socket = flow.socket().unwrap();
        assert_eq!((socket.local, socket.remote), (endpoint("127.0.0.1", 80), endpoint("127.0.0.1", 50001)));
        assert_eq!(socket.family, Family::V6);
        let half = Answer::new(UDP, AF_INET6, IPV4_ONLY).local("127.0.0.1", 53).socket().unwrap();
        assert_eq!(half.remote, Endpoint::unspecified(Family::V4));
    }

    #[test]
    fn a_listener_for_both_families_is_an_ipv6_row_with_the_queue_of_connections() {
        let mut listener = Answer::new(TCP, AF_INET6, BOTH).local("::", 22).state(1);
        listener.put(QUEUE_LENGTH, &3u16.to_le_bytes());
        listener.put(QUEUE_LIMIT, &128u16.to_le_bytes());
        listener.put(RECEIVE_BYTES, &99u32.to_le_bytes());
        let socket = listener.socket().unwrap();
        assert_eq!((socket.local, socket.remote), (endpoint("::", 22), Endpoint::unspecified(Family::V6)));
        assert_eq!((socket.state, socket.receive_queue, socket.send_queue), (Some(State::Listening), 3, 128));
    }

    #[test]
    fn the_scope_in_a_link_local_address_is_the_interface() {
        let socket = Answer::new(UDP, AF_INET6, INI_IPV6).local("fe80:4::1", 5353).socket().unwrap();
        assert_eq!((socket.local, socket.interface), (endpoint("fe80::1", 5353), 4));
        let socket = Answer::new(TCP, AF_INET6, INI_IPV6).local("::", 9).remote("ff02:7::fb", 1).state(2).socket().unwrap();
        assert_eq!((socket.remote, socket.interface), (endpoint("ff02::fb", 1), 7));
        let global = Answer::new(UDP, AF_INET6, INI_IPV6).local("2001:db8::1", 5353).socket().unwrap();
        assert_eq!((global.local, global.interface), (endpoint("2001:db8::1", 5353), 0));
    }

    #[test]
    fn a_udp_socket_keeps_its_peer_and_has_no_state() {
        let socket = Answer::new(UDP, AF_INET, IPV4_ONLY).local("10.0.0.1", 123).remote("10.0.0.2", 123).socket().unwrap();
        assert_eq!((socket.protocol, socket.state, socket.remote), (Protocol::Udp, None, endpoint("10.0.0.2", 123)));
    }

    #[test]
    fn a_closed_socket_with_a_port_is_bound_and_one_without_is_no_row() {
        let bound = Answer::new(TCP, AF_INET, IPV4_ONLY).local("0.0.0.0", 7000).state(0).socket().unwrap();
        assert_eq!(bound.state, Some(State::Bound));
        let closed = Answer::new(TCP, AF_INET, IPV4_ONLY).local("10.0.0.1", 7000).remote("10.0.0.2", 1).state(0);
        assert_eq!(closed.socket().unwrap().state, Some(State::Closed));
        assert_eq!(Answer::new(TCP, AF_INET, IPV4_ONLY).state(0).socket(), None);
        assert_eq!(Answer::new(UDP, AF_INET6, BOTH).socket(), None);
    }

    #[test]
    fn other_sockets_are_no_rows() {
        for (kind, family) in [((KIND_IN, SOCK_DGRAM, 1), AF_INET), ((3, 1, 0), 1), ((KIND_IN, 3, 255), AF_INET6), (TCP, 1)] {
            assert_eq!(Answer::new(kind, family, BOTH).local("::1", 7).socket(), None);
        }
    }

    #[test]
    fn a_short_answer_is_a_failure_and_a_longer_struct_is_none() {
        let answer = Answer::new(TCP, AF_INET, IPV4_ONLY).local("0.0.0.0", 1).state(1);
        assert_eq!(parse(&[]), Err(TooShort(0)));
        assert_eq!(parse(&answer.0[..LENGTH - 1]), Err(TooShort(LENGTH - 1)));
        let mut longer = answer.0.clone();
        longer.resize(2000, 0xff);
        assert_eq!(parse(&longer), parse(&answer.0));
        assert!(parse(&answer.0[..LENGTH]).unwrap().is_some());
    }

    #[test]
    fn only_descriptors_of_sockets_are_taken_and_a_half_entry_is_none() {
        let mut list = Vec::new();
        for (descriptor, kind) in [(0u32, 1u32), (3, 2), (4, 6), (17, 2)] {
            list.extend([descriptor.to_le_bytes(), kind.to_le_bytes()].concat());
        }
        list.extend([9, 0, 0, 0, 2]);
        assert_eq!(socket_descriptors(&list).collect::<Vec<_>>(), [3, 17]);
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
            prop_assert_eq!(parse(&bytes).is_err(), bytes.len() < LENGTH);
            prop_assert!(socket_descriptors(&bytes).count() <= bytes.len() / FD_ENTRY);
        }
    }
}
