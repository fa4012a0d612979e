//! The vocabulary of the program: sockets, endpoints, tables and states.
//!
//! A [`Socket`] is one row, small and plain, so that a million of them fit in 68 MB. Words for people
//! (`LISTENING`, `TCP`) are fixed here: they never change with locale, terminal or version.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A process id, as the operating system prints it.
pub type Pid = u32;

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
}

impl Protocol {
    /// The table's word, the same for IPv4 and IPv6.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// Internet Protocol version 4.
    V4,
    /// Internet Protocol version 6.
    V6,
}

/// One of the four socket tables, in the order in which they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over IPv4.
    Udp4,
    /// UDP over IPv6.
    Udp6,
}

impl Table {
    /// Every table, in printing order.
    pub const ALL: [Self; 4] = [Self::Tcp4, Self::Tcp6, Self::Udp4, Self::Udp6];

    /// The table of one protocol and family.
    pub const fn new(protocol: Protocol, family: Family) -> Self {
        match (protocol, family) {
            (Protocol::Tcp, Family::V4) => Self::Tcp4,
            (Protocol::Tcp, Family::V6) => Self::Tcp6,
            (Protocol::Udp, Family::V4) => Self::Udp4,
            (Protocol::Udp, Family::V6) => Self::Udp6,
        }
    }

    /// The protocol half of the table's name.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Tcp4 | Self::Tcp6 => Protocol::Tcp,
            Self::Udp4 | Self::Udp6 => Protocol::Udp,
        }
    }

    /// The family half of the table's name.
    pub const fn family(self) -> Family {
        match self {
            Self::Tcp4 | Self::Udp4 => Family::V4,
            Self::Tcp6 | Self::Udp6 => Family::V6,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp4 => "TCP/IPv4",
            Self::Tcp6 => "TCP/IPv6",
            Self::Udp4 => "UDP/IPv4",
            Self::Udp6 => "UDP/IPv6",
        })
    }
}

/// A set of [`Table`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSet(u8);

impl TableSet {
    /// All four tables.
    pub const ALL: Self = Self(0b1111);

    /// No table.
    pub const NONE: Self = Self(0);

    /// This set and one table more.
    #[must_use]
    pub const fn with(self, table: Table) -> Self {
        Self(self.0 | 1 << table as u8)
    }

    /// The tables that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the table is in the set.
    pub const fn contains(self, table: Table) -> bool {
        self.0 & 1 << table as u8 != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The system's tables that hold rows of these: its IPv6 tables also hold the IPv4 flows of IPv6 sockets.
    pub fn sources(self) -> impl Iterator<Item = Table> {
        Table::ALL.into_iter().filter(move |&table| {
            let shown_as_ipv4 = Table::new(table.protocol(), Family::V4);
            self.contains(table) || self.contains(shown_as_ipv4)
        })
    }

    /// The members, in printing order.
    pub fn iter(self) -> impl Iterator<Item = Table> {
        Table::ALL.into_iter().filter(move |&table| self.contains(table))
    }
}

impl FromIterator<Table> for TableSet {
    fn from_iter<I: IntoIterator<Item = Table>>(tables: I) -> Self {
        tables.into_iter().fold(Self::NONE, Self::with)
    }
}

/// A TCP state, under the name that Windows' netstat gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// No connection.
    Closed,
    /// Waiting for connections.
    Listening,
    /// Active open: a SYN has been sent.
    SynSent,
    /// Passive open: a SYN has been received and answered.
    SynReceived,
    /// The connection is open.
    Established,
    /// Closed here, the FIN not yet acknowledged.
    FinWait1,
    /// Closed here, the FIN acknowledged; the peer may go on sending.
    FinWait2,
    /// Closed by the peer; this side has still to close.
    CloseWait,
    /// Both sides closed at once; the peer's acknowledgement is missing.
    Closing,
    /// Closed by the peer, then here; the last acknowledgement is missing.
    LastAck,
    /// Closed; late segments are being waited out.
    TimeWait,
    /// The control block is being deleted (Windows).
    DeleteTcb,
    /// Bound to a port, neither listening nor connected.
    Bound,
    /// A number that the operating system gave and nobody has documented.
    Unknown,
}

impl State {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Closed,
        Self::Listening,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
        Self::DeleteTcb,
        Self::Bound,
        Self::Unknown,
    ];

    /// The table's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listening => "LISTENING",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN_WAIT_1",
            Self::FinWait2 => "FIN_WAIT_2",
            Self::CloseWait => "CLOSE_WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::DeleteTcb => "DELETE_TCB",
            Self::Bound => "BOUND",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A set of [`State`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSet(u16);

impl StateSet {
    /// Every state.
    pub const ALL: Self = Self((1 << State::ALL.len()) - 1);

    /// No state.
    pub const NONE: Self = Self(0);

    /// This set and one state more.
    #[must_use]
    pub const fn with(self, state: State) -> Self {
        Self(self.0 | 1 << state as u8)
    }

    /// This set less one state.
    #[must_use]
    pub const fn without(self, state: State) -> Self {
        Self(self.0 & !(1 << state as u8))
    }

    /// The states that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the state is in the set.
    pub const fn contains(self, state: State) -> bool {
        self.0 & 1 << state as u8 != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One end of a socket: an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address. An IPv4-mapped IPv6 address is stored as the IPv4 address that it stands for.
    pub address: IpAddr,
    /// The port, in host order; 0 where there is none.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint; an IPv4-mapped IPv6 address becomes the IPv4 address that it stands for.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self { address: address.to_canonical(), port }
    }

    /// The wildcard endpoint of a family, port 0.
    pub const fn unspecified(family: Family) -> Self {
        let address = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        Self { address, port: 0 }
    }

    /// This endpoint as the other end of a socket whose own end is `local`: an IPv6 socket that carries IPv4 and has no peer
    /// yet has the IPv4 wildcard there, so that no row mixes two families.
    #[must_use]
    pub const fn opposite(self, local: &Self) -> Self {
        match (local.address, self.address) {
            (IpAddr::V4(_), IpAddr::V6(address)) if address.is_unspecified() => {
                Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ..self }
            }
            _ => self,
        }
    }

    /// Whether this is the wildcard address with port 0: nobody in particular.
    pub const fn is_unspecified(&self) -> bool {
        self.port == 0 && self.address.is_unspecified()
    }
}

/// Which timer the system is running for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Timer {
    /// None, or not known.
    Off,
    /// Waiting to send again.
    Retransmit,
    /// Waiting to probe an idle peer; also the linger of an orphaned FIN_WAIT_2.
    KeepAlive,
    /// Waiting out TIME_WAIT or a FIN_WAIT_2 without a socket.
    TimeWait,
    /// Waiting to probe a closed window.
    WindowProbe,
}

impl Timer {
    /// The fixed word of the machine-readable formats; `None` where no timer runs.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Retransmit => Some("retransmit"),
            Self::KeepAlive => Some("keepalive"),
            Self::TimeWait => Some("time-wait"),
            Self::WindowProbe => Some("window-probe"),
        }
    }
}

/// One socket, as one moment's table shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The family of the socket itself. It is [`Family::V6`] with IPv4 addresses where an IPv6 socket carries an IPv4 flow.
    pub family: Family,
    /// The TCP state; `None` for UDP.
    pub state: Option<State>,
    /// The timer that runs for it.
    pub timer: Timer,
    /// This host's end.
    pub local: Endpoint,
    /// The other end; unspecified where there is none.
    pub remote: Endpoint,
    /// The interface index that the socket is bound to, which is the scope id of its link-local addresses; 0 for none.
    pub interface: u32,
    /// The inode of the socket (Linux); 0 where no process holds it or the system has no such number.
    pub inode: u32,
    /// The user id of the socket's creator (Unix); 0 elsewhere.
    pub uid: u32,
    /// Bytes received and not yet read; for a listener the connections waiting to be accepted.
    pub receive_queue: u32,
    /// Bytes sent and not yet acknowledged; for a listener the longest queue that it allows.
    pub send_queue: u32,
    /// Milliseconds until `timer` ends.
    pub expires_ms: u32,
}

impl Socket {
    /// The table in which the socket is shown: an IPv4 flow on an IPv6 socket is an IPv4 row.
    pub const fn table(&self) -> Table {
        let family = if self.local.address.is_ipv4() { Family::V4 } else { Family::V6 };
        Table::new(self.protocol, family)
    }

    /// The other end, where there is one.
    pub fn peer(&self) -> Option<&Endpoint> {
        Some(&self.remote).filter(|remote| !remote.is_unspecified())
    }

    /// The user id of the socket's creator, where the system tells it: not for what has no inode, such as TIME_WAIT.
    pub const fn owner_uid(&self) -> Option<u32> {
        if self.inode == 0 { None } else { Some(self.uid) }
    }

    /// Whether two rows tell of one socket, which a system may show twice when it moves while its table is read: the same
    /// ends and the same inode. Rows without an inode are told apart by their ends alone, which only connections can.
    pub fn is_same_socket(&self, other: &Self) -> bool {
        let ends = |socket: &Self| (socket.local, socket.remote, socket.interface, socket.protocol, socket.family);
        self.inode == other.inode && ends(self) == ends(other) && (self.inode != 0 || self.remote.port != 0)
    }

    /// The scope id of an address of this socket: its interface for a link-local address, else 0.
    pub const fn scope(&self, address: IpAddr) -> u32 {
        if has_scope(address) { self.interface } else { 0 }
    }
}

/// Whether an address means nothing without its interface: IPv6 link-local, and multicast that is confined to one link
/// or one interface (RFC 4291, 2.7).
pub const fn has_scope(address: IpAddr) -> bool {
    match address {
        IpAddr::V6(address) => address.is_unicast_link_local() || matches!(address.segments()[0] & 0xff0f, 0xff01 | 0xff02),
        IpAddr::V4(_) => false,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A TCP listener to start a test's row from.
    pub(crate) fn socket(address: &str, port: u16) -> Socket {
        let local = Endpoint::new(address.parse().unwrap(), port);
        let family = if local.address.is_ipv4() { Family::V4 } else { Family::V6 };
        Socket {
            protocol: Protocol::Tcp,
            family,
            state: Some(State::Listening),
            timer: Timer::Off,
            local,
            remote: Endpoint::unspecified(family),
            interface: 0,
            inode: 1,
            uid: 0,
            receive_queue: 0,
            send_queue: 0,
            expires_ms: 0,
        }
    }

    #[test]
    fn a_million_rows_fit_in_a_hundred_megabytes() {
        assert!(size_of::<Socket>() <= 68);
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_flow_that_it_is() {
        let mut mapped = socket("::ffff:192.0.2.7", 443);
        mapped.family = Family::V6;
        assert_eq!(mapped.local.address, "192.0.2.7".parse::<IpAddr>().unwrap());
        assert_eq!(mapped.table(), Table::Tcp4);
    }

    #[test]
    fn a_row_without_a_peer_does_not_mix_two_families() {
        let wildcard = Endpoint::unspecified(Family::V6);
        let mapped = Endpoint::new("::ffff:192.0.2.7".parse().unwrap(), 443);
        assert_eq!(wildcard.opposite(&mapped), Endpoint::unspecified(Family::V4));
        assert_eq!(wildcard.opposite(&Endpoint::new("::1".parse().unwrap(), 443)), wildcard);
        let peer = Endpoint::new("::ffff:192.0.2.8".parse().unwrap(), 80);
        assert_eq!(peer.opposite(&mapped), peer);
    }

    #[test]
    fn a_socket_that_is_seen_twice_is_one_and_sharers_of_a_port_are_not() {
        let listener = socket("0.0.0.0", 80);
        assert!(listener.is_same_socket(&Socket { receive_queue: 5, ..listener }));
        assert!(!listener.is_same_socket(&Socket { inode: 2, ..listener }));
        assert!(!listener.is_same_socket(&Socket { interface: 3, ..listener }));
        let unheld = Socket { inode: 0, ..listener };
        assert!(!unheld.is_same_socket(&unheld));
        let waiting =
            Socket { remote: Endpoint::new("192.0.2.1".parse().unwrap(), 5000), state: Some(State::TimeWait), ..unheld };
        assert!(waiting.is_same_socket(&waiting));
        assert!(!waiting.is_same_socket(&Socket { inode: 7, ..waiting }));
    }

    #[test]
    fn only_link_local_addresses_have_a_scope() {
        let mut bound = socket("fe80::1", 546);
        bound.interface = 12;
        assert_eq!(bound.scope("fe80::1".parse().unwrap()), 12);
        assert_eq!(bound.scope("ff02::fb".parse().unwrap()), 12);
        assert_eq!(bound.scope("::1".parse().unwrap()), 0);
        assert_eq!(bound.scope("ff05::2".parse().unwrap()), 0);
        assert_eq!(bound.scope("10.0.0.1".parse().unwrap()), 0);
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set: TableSet = [Table::Udp6, Table::Tcp4].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Table::Tcp4, Table::Udp6]);
        let states = StateSet::ALL.without(State::Listening);
        assert!(!states.contains(State::Listening) && states.contains(State::Unknown));
        assert!(StateSet::NONE.with(State::Bound).contains(State::Bound));
    }
}
