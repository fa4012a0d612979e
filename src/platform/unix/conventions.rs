//! Conventions of Unix: line ends, places of files, names.

use crate::model::socket::Pid;
use crate::request::LineEnding;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

/// How a line ends.
pub(crate) const LINE_END: LineEnding = LineEnding::Lf;

/// The names of the well-known ports.
pub(crate) fn services_file() -> PathBuf {
    PathBuf::from("/etc/services")
}

/// Whether a write failed because the reader has closed its end.
pub(crate) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Every process with a PID is a program.
pub(crate) const fn fixed_name(_pid: Pid) -> Option<&'static str> {
    None
}

/// The path of the executable of a process.
pub(crate) fn executable(process: &sysinfo::Process) -> Option<PathBuf> {
    process.exe().filter(|path| !path.as_os_str().is_empty()).map(ToOwned::to_owned)
}

/// A process names itself as it likes.
pub(crate) const fn image_name(_pid: Pid, _name: &OsStr) -> Option<OsString> {
    None
}

/// The name of this host.
pub(crate) fn host_name() -> Option<String> {
    sysinfo::System::host_name().ok()
}
