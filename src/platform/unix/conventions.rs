//! Conventions of Unix: line ends, places of files, names.

use crate::request::LineEnding;
use std::io;
use std::path::PathBuf;

/// How a line ends.
pub(crate) const LINE_END: LineEnding = LineEnding::Lf;

/// Root sees everything.
pub(crate) const MORE_RIGHTS: &str = "run rnetstat as root (sudo)";

/// The names of the well-known ports.
pub(crate) fn services_file() -> PathBuf {
    PathBuf::from("/etc/services")
}

/// Whether a write failed because the reader has closed its end.
pub(crate) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// The name of this host.
pub(crate) fn host_name() -> Option<String> {
    sysinfo::System::host_name().ok()
}
