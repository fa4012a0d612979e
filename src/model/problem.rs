//! What could not be had, and why: data, like what could.

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
