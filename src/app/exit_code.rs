//! What a run tells its caller.

use std::process::ExitCode;

/// The exit status of a run. The worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done; with a filter, something matched.
    Done,
    /// A filter was given and nothing matched.
    NothingMatched,
    /// A usage error, or nothing at all could be read.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::NothingMatched => 1,
            Exit::Failed => 2,
        })
    }
}
