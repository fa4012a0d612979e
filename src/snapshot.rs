//! One moment of one machine: rows, owners, and what could not be had.

use crate::details::Details;
use crate::owners::Owners;
use crate::socket::Socket;
use std::collections::HashMap;

/// What the operating system answered.
///
/// Rows are addressed by their position in `sockets`, which never changes: filters and orders are lists of positions.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The rows, in the order in which the system gave them.
    pub sockets: Vec<Socket>,
    /// Who holds them.
    pub owners: Owners,
    /// What more was asked for about each row, at the row's position; empty where nothing was.
    pub details: Vec<Details>,
    /// The service that made the socket at a position, where that was asked for and the system tells it.
    pub services: HashMap<u32, Box<str>>,
    /// What is missing from the two, and why.
    pub problems: Vec<Problem>,
}

/// Something that could not be had. It never stops the rest and it never disappears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing is missing, for programs.
    pub kind: ProblemKind,
    /// One sentence without a full stop, for people: what is missing, why, and what helps.
    pub message: String,
}

impl Problem {
    /// A problem of one kind, told in a sentence.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// What kind of thing a [`Problem`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A whole table of sockets, routes, interfaces or counters could not be read.
    TableUnreadable,
    /// A table was read, but rows may be missing from it or stale.
    TableIncomplete,
    /// The owners of some sockets may not be seen.
    OwnersHidden,
    /// The owners of some sockets are shown to nobody, whatever his rights: nothing can be done about it.
    OwnersKept,
    /// No owner could be looked for at all.
    OwnersUnreadable,
    /// A fact that was asked for cannot be had on this system.
    FactUnavailable,
}

impl ProblemKind {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TableUnreadable => "table-unreadable",
            Self::TableIncomplete => "table-incomplete",
            Self::OwnersHidden | Self::OwnersKept => "owners-hidden",
            Self::OwnersUnreadable => "owners-unreadable",
            Self::FactUnavailable => "fact-unavailable",
        }
    }

    /// Whether rows may be missing: the answer is not whole.
    pub const fn is_incomplete(self) -> bool {
        matches!(self, Self::TableUnreadable | Self::TableIncomplete)
    }
}
