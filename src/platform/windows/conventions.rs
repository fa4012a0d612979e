//! Conventions of Windows: line ends, places of files, names of its own processes.
#![allow(unsafe_code)] // The system says where its folder is: the caller may have changed the environment.

use crate::model::socket::Pid;
use crate::request::LineEnding;
use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows_sys::Win32::Foundation::MAX_PATH;
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;

/// How a line ends, on a console and in a pipe.
pub(crate) const LINE_END: LineEnding = LineEnding::CrLf;

/// An administrator sees nearly everything.
pub(crate) const MORE_RIGHTS: &str = "run rnetstat as administrator (in an elevated prompt)";

/// The names of the well-known ports: `drivers\etc\services` in the system's folder.
pub(crate) fn services_file() -> PathBuf {
    let mut buffer = [0; MAX_PATH as usize];
    // SAFETY: the buffer is as long as it is said to be. The function returns 0 for a failure, or a length beyond the
    // buffer if that is too small; `get` refuses the latter, and an empty path names no file.
    let length = unsafe { GetSystemDirectoryW(buffer.as_mut_ptr(), buffer.len() as u32) };
    let folder = OsString::from_wide(buffer.get(..length as usize).unwrap_or_default());
    PathBuf::from(folder).join("drivers").join("etc").join("services")
}

/// `ERROR_PIPE_NOT_CONNECTED`: the pipe has no other end.
const PIPE_NOT_CONNECTED: i32 = 233;

/// Whether a write failed because the reader has closed its end. Windows has three errors for it, of which Rust knows two.
pub(crate) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(PIPE_NOT_CONNECTED)
}

/// The two processes that have a PID, but no program.
pub(crate) const fn fixed_name(pid: Pid) -> Option<&'static str> {
    match pid {
        0 => Some("System Idle Process"),
        4 => Some("System"),
        _ => None,
    }
}
