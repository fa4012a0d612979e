//! The executables of processes.
#![allow(unsafe_code)] // A process is asked through a handle.

use crate::model::socket::Pid;
use crate::platform::fixed_name;
use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

/// The longest path of Windows, in units of UTF-16, and its NUL.
const LONGEST_PATH: usize = 32_768;

/// The path of the executable of a process. `GetModuleFileNameExW`, which the crate sysinfo asks, cuts a path of more than
/// 260 units without saying so.
pub(crate) fn executable(process: &sysinfo::Process) -> Option<PathBuf> {
    path(process.pid().as_u32())
}

/// The file name of the executable of a process, which everybody may know, as sysinfo has it of the list of processes.
pub(crate) fn image_name(pid: Pid, name: &OsStr) -> Option<OsString> {
    (fixed_name(pid).is_none() && !name.is_empty()).then(|| name.to_owned())
}

/// The path of the executable of a process, if it may be seen.
pub(super) fn path(pid: Pid) -> Option<PathBuf> {
    let mut buffer = vec![0u16; LONGEST_PATH];
    let mut length = LONGEST_PATH as u32;
    // SAFETY: the call takes numbers alone; the handle is closed below.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return None;
    }
    // SAFETY: the buffer is `length` units long; the handle was opened above, is closed once and not used again.
    let done = unsafe {
        let done = QueryFullProcessImageNameW(process, PROCESS_NAME_WIN32, buffer.as_mut_ptr(), &raw mut length);
        CloseHandle(process);
        done != 0
    };
    let path = buffer.get(..length as usize).filter(|path| done && !path.is_empty())?;
    Some(PathBuf::from(OsString::from_wide(path)))
}
