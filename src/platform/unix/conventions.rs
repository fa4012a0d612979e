//! What is customary on Unix: how a line ends, where files lie.

use crate::model::socket::Pid;
use crate::request::LineEnding;
use std::io;
use std::path::PathBuf;

/// How a line ends.
pub(crate) const LINE_END: LineEnding = LineEnding::Lf;

/// The names of the well-known ports.
pub(crate) fn services_file() -> PathBuf {
    PathBuf::from("/etc/services")
}

/// Whether a write failed because nobody reads any more.
pub(crate) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Every process has the name that it tells.
pub(crate) const fn fixed_name(_pid: Pid) -> Option<&'static str> {
    None
}
