//! Sockets: one [`Socket`] is one row of a table.
//!
//! A row is small and plain, so that a million of them fit in 68 MB. Words for people (`LISTENING`, `TCP`) are fixed
//! here: they never change with locale, terminal or version.

mod endpoint;
mod state;
mod table;
mod timer;

pub use endpoint::{Endpoint, has_scope};
pub use state::{State, StateSet};
pub use table::{Family, Protocol, Table, TableSet};
pub use timer::Timer;

use super::exposure::Exposure;
use std::net::IpAddr;

/// A process id, as the operating system prints it.
pub type Pid = u32;

/// One socket: a row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    /// The inode of the socket (Linux); 0 if no process owns it or the system has no such number.
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
    /// A socket of which nothing is known but its protocol and its own end.
    pub const fn new(protocol: Protocol, local: Endpoint) -> Self {
        let family = if local.address.is_ipv4() { Family::V4 } else { Family::V6 };
        Self {
            protocol,
            family,
            state: None,
            timer: Timer::Off,
            local,
            remote: Endpoint::unspecified(family),
            interface: 0,
            inode: 0,
            uid: 0,
            receive_queue: 0,
            send_queue: 0,
            expires_ms: 0,
        }
    }

    /// The table in which the socket is shown: an IPv4 flow on an IPv6 socket is an IPv4 row.
    pub const fn table(&self) -> Table {
        let family = if self.local.address.is_ipv4() { Family::V4 } else { Family::V6 };
        Table::new(self.protocol, family)
    }

    /// Whether it is a TCP connection that is alive: neither a listener, nor bound or closed, nor waiting
    /// for its time to end.
    pub const fn is_connection(&self) -> bool {
        match self.state {
            Some(
                State::Established
                | State::SynSent
                | State::SynReceived
                | State::FinWait1
                | State::FinWait2
                | State::CloseWait
                | State::LastAck
                | State::Closing,
            ) => true,
            Some(State::Listening | State::Bound | State::Closed | State::TimeWait | State::DeleteTcb | State::Unknown)
            | None => false,
        }
    }

    /// The other end, where there is one.
    pub fn peer(&self) -> Option<&Endpoint> {
        Some(&self.remote).filter(|remote| !remote.is_unspecified())
    }

    /// Whether it waits for peers: a TCP listener, or a UDP socket without a peer.
    pub fn is_listener(&self) -> bool {
        match self.state {
            Some(state) => state == State::Listening,
            None => self.remote.is_unspecified(),
        }
    }

    /// From where a listener can be reached, by its address alone; `None` for what is no listener.
    pub fn exposure(&self) -> Option<Exposure> {
        self.is_listener().then(|| Exposure::of(self.local.address))
    }

    /// The user id of the socket's creator; `None` for rows without an inode, such as TIME_WAIT, and on systems without it.
    pub const fn owner_uid(&self) -> Option<u32> {
        if self.inode == 0 { None } else { Some(self.uid) }
    }

    /// What identifies the socket; `None` for a row that says too little: without an inode only connections can be identified,
    /// by their ends.
    pub fn id(&self) -> Option<SocketId> {
        let Self { protocol, family, local, remote, interface, inode, .. } = *self;
        (inode != 0 || remote.port != 0).then_some(SocketId { protocol, family, local, remote, interface, inode })
    }

    /// The scope id of an address of this socket: its interface for a link-local address, else 0.
    pub const fn scope(&self, address: IpAddr) -> u32 {
        if has_scope(address) { self.interface } else { 0 }
    }
}

/// What identifies a socket in its network namespace. Rows with the same id are of one socket, which a system may list twice
/// if it changes while its table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId {
    protocol: Protocol,
    family: Family,
    local: Endpoint,
    remote: Endpoint,
    interface: u32,
    inode: u32,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A TCP listener to start a test's row from.
    pub(crate) fn socket(address: &str, port: u16) -> Socket {
        let local = Endpoint::new(address.parse().unwrap(), port);
        Socket { state: Some(State::Listening), inode: 1, ..Socket::new(Protocol::Tcp, local) }
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
    fn rows_of_one_socket_have_one_id_and_sharers_of_a_port_differ() {
        let listener = socket("0.0.0.0", 80);
        assert_eq!(listener.id(), Socket { receive_queue: 5, ..listener }.id());
        assert_ne!(listener.id(), Socket { inode: 2, ..listener }.id());
        assert_ne!(listener.id(), Socket { interface: 3, ..listener }.id());
        let unowned = Socket { inode: 0, ..listener };
        assert_eq!(unowned.id(), None);
        let remote = Endpoint::new("192.0.2.1".parse().unwrap(), 5000);
        let waiting = Socket { remote, state: Some(State::TimeWait), ..unowned };
        assert!(waiting.id().is_some());
        assert_ne!(waiting.id(), Socket { inode: 7, ..waiting }.id());
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
