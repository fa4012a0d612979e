//! What is customary on Unix: how a line ends, where files lie.

use crate::output::text::LineEnd;
use crate::socket::Pid;
use std::path::PathBuf;

/// How a line ends.
pub(crate) const LINE_END: LineEnd = LineEnd::Lf;

/// The names of the well-known ports.
pub(crate) fn services_file() -> PathBuf {
    PathBuf::from("/etc/services")
}

/// Every process has the name that it tells.
pub(crate) const fn fixed_name(_pid: Pid) -> Option<&'static str> {
    None
}
