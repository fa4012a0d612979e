//! Which sockets are wanted.

use super::sources::Sources;
use crate::filter::Filter;
use crate::filter::namespaces::NamespaceSelection;
use crate::model::details::WantedDetails;
use crate::model::socket::{Protocol, Socket, State, StateSet, TableSet};

/// Which sockets are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The tables to read. A row belongs to the table in which it is shown: IPv4 flows of IPv6 sockets are IPv4 rows.
    pub tables: TableSet,
    /// The TCP states wanted; UDP sockets have none and are not affected.
    pub states: StateSet,
    /// The UDP sockets wanted; TCP is not affected.
    pub udp: UdpRows,
    /// What more is wanted of each row.
    pub details: WantedDetails,
    /// Which facts of a row are wanted, of those that cost something to read.
    pub facts: RowFacts,
    /// Where rows and owners are to come from.
    pub sources: Sources,
    /// Whose sockets are wanted.
    pub namespaces: NamespaceSelection,
    /// Which of these rows are wanted.
    pub filter: Filter,
}

/// Facts of a row, each if it is wanted; one that is not wanted may be 0 or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowFacts {
    /// The timer and when it ends.
    pub timers: bool,
    /// The lengths of both queues.
    pub queues: bool,
    /// The user id.
    pub users: bool,
}

impl RowFacts {
    /// Everything that is known of a row.
    pub const ALL: Self = Self { timers: true, queues: true, users: true };
    /// Addresses, state, interface and inode alone.
    pub const NONE: Self = Self { timers: false, queues: false, users: false };
}

impl Query {
    /// Every socket there is.
    pub fn everything() -> Self {
        Self {
            tables: TableSet::ALL,
            states: StateSet::ALL,
            udp: UdpRows::All,
            details: WantedDetails::default(),
            facts: RowFacts::ALL,
            sources: Sources::default(),
            namespaces: NamespaceSelection::Own,
            filter: Filter::default(),
        }
    }

    /// The rows that a filter wants, out of these tables and states.
    pub fn new(tables: TableSet, states: StateSet, udp: UdpRows, filter: Filter) -> Self {
        Self {
            tables: tables.and(filter.tables()),
            states: states.and(filter.tcp_states()),
            udp,
            details: WantedDetails::default(),
            facts: RowFacts::ALL,
            sources: Sources::default(),
            namespaces: NamespaceSelection::Own,
            filter,
        }
    }

    /// Only listeners: TCP sockets in LISTENING, and UDP sockets without a peer.
    #[must_use]
    pub fn listening(mut self) -> Self {
        self.filter.listening = true;
        self.states = self.states.and(StateSet::NONE.with(State::Listening));
        self.udp = UdpRows::Listening;
        self
    }

    /// Only sockets on this local port.
    #[must_use]
    pub fn on_local_port(mut self, port: u16) -> Self {
        self.filter.local_port = Some([port..=port].into_iter().collect());
        self
    }

    /// What both queries want, which have the same filter.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            tables: self.tables.or(other.tables),
            states: self.states.or(other.states),
            udp: if self.udp == other.udp { self.udp } else { UdpRows::All },
            details: self.details.and(other.details),
            facts: self.facts,
            sources: self.sources,
            namespaces: self.namespaces,
            filter: self.filter,
        }
    }

    /// This query and every socket that has a peer: the other end of a connection within this host may not match the filter.
    #[must_use]
    pub fn with_every_connection(self) -> Self {
        Self {
            tables: TableSet::ALL,
            states: self.states.or(StateSet::ALL.without(State::Bound).without(State::Listening)),
            udp: if self.udp == UdpRows::Connected { UdpRows::Connected } else { UdpRows::All },
            filter: Filter::default(),
            ..self
        }
    }

    /// Whether a row is wanted by itself, without its owners.
    pub fn matches(&self, socket: &Socket) -> bool {
        self.tables.contains(socket.table())
            && socket.state.is_none_or(|state| self.states.contains(state))
            && (socket.protocol != Protocol::Udp || self.udp.matches(socket))
            && self.filter.matches(socket)
    }
}

/// Which UDP sockets are wanted. UDP has no states; a socket with a peer counts as connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpRows {
    /// All of them.
    All,
    /// Those without a peer.
    Listening,
    /// Those with a peer.
    Connected,
}

impl UdpRows {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Listening => "listening",
            Self::Connected => "connected",
        }
    }

    fn matches(self, socket: &Socket) -> bool {
        match self {
            Self::All => true,
            Self::Listening => socket.remote.is_unspecified(),
            Self::Connected => !socket.remote.is_unspecified(),
        }
    }
}
