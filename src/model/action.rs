//! What can be done about sockets: ending the processes that own them, closing them.

use super::socket::{Pid, Socket};
use std::path::PathBuf;
use std::time::Duration;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ends the processes that own sockets (`--end`).
    End,
    /// Closes sockets (`--close`).
    Close,
}

impl Action {
    /// The fixed word of the machine-readable formats, and the verb.
    pub const fn word(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Close => "close",
        }
    }
}

/// What became of one thing that was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet: it was only planned.
    Planned,
    /// The socket was closed.
    Closed,
    /// The process has ended.
    Ended,
    /// It was gone by itself.
    Gone,
    /// It was not tried.
    Refused,
    /// It was tried in vain.
    Failed,
}

impl Outcome {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Closed => "closed",
            Self::Ended => "ended",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// An outcome and its reason: a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, if that is not the expected outcome, or what to know about it. It may name what comes from outside.
    pub reason: Option<String>,
}

impl Report {
    /// An outcome that needs no reason.
    pub const fn of(outcome: Outcome) -> Self {
        Self { outcome, reason: None }
    }

    /// An outcome with its reason.
    pub fn because(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: Some(reason.into()) }
    }
}

/// A process that is to be ended, as it was when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessTarget {
    /// Its number.
    pub pid: Pid,
    /// When it was started, as `platform::process_start` gives it: no later process of this number has the same.
    pub start: u64,
    /// Its executable: another one means that it runs another program by now. `None` if it may not be seen.
    pub executable: Option<PathBuf>,
    /// The sockets for which it was chosen, of which it has to hold one still.
    pub sockets: Vec<Socket>,
    /// Whether it is asked to end. If not, it is expected to end with its master, which is.
    pub is_asked: bool,
}

/// How processes are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How long all of them together may take.
    pub grace: Duration,
    /// Whether those that were asked and run on are killed.
    pub force: bool,
}

/// A socket that is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketTarget {
    /// The row.
    pub socket: Socket,
    /// The inode of its network namespace; `None` for the own one.
    pub namespace: Option<u32>,
}

/// What tells a socket from every other one, before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketIdentity {
    /// The kernel's cookie of the socket (Linux), the time at which it was made (Windows).
    pub cookie: u64,
    /// The MPTCP connection that it is a subflow of.
    pub mptcp: Option<MptcpConnection>,
}

/// An MPTCP connection: it lives on while it has a subflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MptcpConnection {
    /// Its number in its network namespace.
    pub token: u32,
    /// How many subflows it has.
    pub subflows: usize,
}

/// What the service manager does when a process of a unit ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitPolicy {
    /// Whether it may start the process again; `None` if the unit's files could not be read.
    pub restarts: Option<bool>,
    /// The units that hold its sockets for it and start it when somebody connects (`sshd.socket`).
    pub sockets: Vec<String>,
}
