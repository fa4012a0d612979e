//! The executables of processes.
#![allow(unsafe_code)] // A process is asked through a handle.

use super::conventions::fixed_name;
use crate::model::problem::Problem;
use crate::model::process::{Facts, ProcessRead};
use crate::model::socket::Pid;
use crate::platform::sysinfo_processes;
use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

/// The longest path of Windows, in units of UTF-16, and its NUL.
const LONGEST_PATH: usize = 32_768;

/// Reads facts of processes. `GetModuleFileNameExW`, which the crate sysinfo calls, cuts a path of more than 260 units without
/// saying so; the name that sysinfo gives is the file name of the executable, which everybody may know.
pub(crate) fn process_facts(pids: &[Pid], facts: Facts) -> (Vec<ProcessRead>, Vec<Problem>) {
    let (mut reads, problems) = sysinfo_processes::process_facts(pids, Facts { executable: false, ..facts });
    for read in &mut reads {
        let ProcessRead::Known(process) = read else { continue };
        match fixed_name(process.pid) {
            Some(name) => process.name = name.into(),
            None => process.image_name = Some(process.name.clone()).filter(|name| !name.is_empty()),
        }
        process.executable = if facts.executable { path(process.pid) } else { None };
    }
    (reads, problems)
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
