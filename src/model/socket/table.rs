//! Protocols, address families and the four socket tables.

use std::fmt;

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

impl Family {
    /// The name in the machine-readable formats.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
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

    /// The members of both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
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

    /// The tables in which the rows of one of the system's tables are shown: the reverse of [`Self::sources`].
    pub const fn shown_of(source: Table) -> Self {
        Self::NONE.with(source).with(Table::new(source.protocol(), Family::V4))
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
