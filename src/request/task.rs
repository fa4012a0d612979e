//! What a run does.

use super::{Act, Diff, PortWait};

/// What a run does with the moments that it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Writes a report on each.
    #[default]
    Report,
    /// Reads them until a port is in a state (`--wait`), and reports on the last one.
    Wait(PortWait),
    /// Compares a document with one of them, or with another document (`--diff`).
    Diff(Diff),
    /// Ends the processes that own the rows, or closes the sockets (`--end`, `--close`).
    Act(Act),
    /// Shows them on a screen that is drawn again with each (`--watch`).
    Watch,
    /// Compares each with the one before, and tells what happened (`--events`).
    Events,
}

impl Task {
    /// The state of a port that is waited for.
    pub const fn wait(&self) -> Option<&PortWait> {
        match self {
            Self::Wait(wait) => Some(wait),
            Self::Report | Self::Diff(_) | Self::Act(_) | Self::Watch | Self::Events => None,
        }
    }
}
