//! TCP states and sets of them.

use std::fmt;

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
    /// A number that the operating system gave and that is not documented.
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

    /// The members of both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the state is in the set.
    pub const fn contains(self, state: State) -> bool {
        self.0 & 1 << state as u8 != 0
    }

    /// The members, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = State> {
        State::ALL.into_iter().filter(move |&state| self.contains(state))
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
