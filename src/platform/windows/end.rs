//! Ending processes through handles: while one is open, the number of its process is given to no other.
#![allow(unsafe_code)] // A process is asked and ended through a handle.

use super::dynamic_imports;
use crate::model::action::{Ending, Outcome, ProcessTarget, Report};
use crate::model::socket::Pid;
use crate::platform::owned_still::owned_still;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, FILETIME, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_ACCESS_RIGHTS, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
    PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

/// How long a process may take to end that was terminated.
const TERMINATED: Duration = Duration::from_secs(2);
/// The exit code of a process that is ended.
const EXIT_CODE: u32 = 1;

/// When a process was started, in units of 100 ns since 1601; `None` if there is none or it may not be seen.
pub(crate) fn process_start(pid: Pid) -> Option<u64> {
    created(&open(pid, PROCESS_QUERY_LIMITED_INFORMATION).ok()?)
}

/// Whether it is the kernel's own, or one without which Windows stops.
pub(crate) fn is_kernel_process(pid: Pid) -> bool {
    let is_critical = || open(pid, PROCESS_QUERY_LIMITED_INFORMATION).is_ok_and(|process| is_critical(&process));
    super::conventions::fixed_name(pid).is_some() || is_critical()
}

/// Terminates the processes that are asked, and waits for all of them. Windows has no signal that asks a process to end: whoever
/// calls this has been told.
pub(crate) fn end_processes(targets: &[ProcessTarget], ending: Ending) -> Vec<Report> {
    let opened: Vec<Result<OwnedHandle, Report>> = targets.iter().map(find).collect();
    let terminated: Vec<Result<OwnedHandle, Report>> =
        opened.into_iter().zip(targets).map(|(process, target)| process.and_then(|process| terminate(process, target))).collect();
    let end = Instant::now() + ending.grace.max(TERMINATED);
    terminated.into_iter().map(|process| process.map_or_else(|report| report, |process| wait(&process, end))).collect()
}

fn open(pid: Pid, rights: PROCESS_ACCESS_RIGHTS) -> io::Result<OwnedHandle> {
    // SAFETY: the call takes numbers alone.
    let process = unsafe { OpenProcess(rights, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was opened above, and nothing else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(process) })
}

fn created(process: &OwnedHandle) -> Option<u64> {
    let mut times = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: the handle is open, and each of the four structures outlives the call that fills it.
    let done = unsafe { GetProcessTimes(process.as_raw_handle(), created, exited, kernel, user) };
    (done != 0).then(|| u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime))
}

/// Whether Windows stops when the process ends; a Windows that does not say has no such process that is let be ended.
fn is_critical(process: &OwnedHandle) -> bool {
    let Some(function) = dynamic_imports::is_process_critical() else { return false };
    let mut critical = 0;
    // SAFETY: the handle is open, and the number outlives the call that writes it.
    let done = unsafe { function(process.as_raw_handle(), &raw mut critical) };
    done != 0 && critical != 0
}

/// Opens the process, and compares what it is with what it was when it was chosen.
fn find(target: &ProcessTarget) -> Result<OwnedHandle, Report> {
    let gone = || Report::because(Outcome::Gone, "the process has ended");
    let rights = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE | if target.is_asked { PROCESS_TERMINATE } else { 0 };
    let process = open(target.pid, rights).map_err(|error| match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_INVALID_PARAMETER) => gone(),
        Some(ERROR_ACCESS_DENIED) => {
            Report::because(Outcome::Failed, format!("it may not be ended by you: {}", crate::platform::MORE_RIGHTS))
        }
        _ => Report::because(Outcome::Failed, format!("it cannot be opened: {error}")),
    })?;
    if created(&process) != Some(target.start) || is_over(&process, Duration::ZERO) {
        return Err(gone());
    }
    if is_critical(&process) {
        return Err(Report::because(Outcome::Refused, "Windows stops if it ends"));
    }
    match owned_still(target) {
        Some(true) => Ok(process),
        Some(false) => Err(Report::because(Outcome::Gone, "it does not hold the socket any more")),
        None => Err(Report::because(Outcome::Refused, "it is not certain that it holds the socket still")),
    }
}

fn terminate(process: OwnedHandle, target: &ProcessTarget) -> Result<OwnedHandle, Report> {
    // SAFETY: the handle is open.
    if target.is_asked && unsafe { TerminateProcess(process.as_raw_handle(), EXIT_CODE) } == 0 {
        let error = io::Error::last_os_error();
        return Err(Report::because(Outcome::Failed, format!("it cannot be ended: {error}")));
    }
    Ok(process)
}

fn wait(process: &OwnedHandle, end: Instant) -> Report {
    match is_over(process, end.saturating_duration_since(Instant::now())) {
        true => Report::of(Outcome::Ended),
        false => Report::because(Outcome::Failed, "it has not ended yet"),
    }
}

/// Whether the process has ended, or does so in this time.
fn is_over(process: &OwnedHandle, limit: Duration) -> bool {
    let milliseconds = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: the handle is open, with the right to wait for it.
    unsafe { WaitForSingleObject(process.as_raw_handle(), milliseconds) == WAIT_OBJECT_0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::OwnerSearch;
    use crate::request::Query;
    use std::net::TcpListener;
    use std::process::{Child, Command};

    const ENDING: Ending = Ending { grace: Duration::from_secs(5), force: true };

    fn child() -> Child {
        Command::new("cmd").args(["/c", "pause"]).stdin(std::process::Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_number_with_another_start_is_not_ended() {
        let mut child = child();
        let start = process_start(child.id()).unwrap();
        let target = ProcessTarget { pid: child.id(), start: start - 1, executable: None, sockets: Vec::new(), is_asked: true };
        let gone = Report::because(Outcome::Gone, "the process has ended");
        assert_eq!(end_processes(&[target], ENDING), [gone]);
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_does_not_hold_the_socket_is_not_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let query = Query::everything().listening().on_local_port(listener.local_addr().unwrap().port());
        let sockets = crate::platform::snapshot(&query, OwnerSearch::All).sockets;
        let mut child = child();
        let start = process_start(child.id()).unwrap();
        let target = ProcessTarget { pid: child.id(), start, executable: None, sockets, is_asked: true };
        let report = end_processes(&[target], ENDING).remove(0);
        assert_eq!(report, Report::because(Outcome::Gone, "it does not hold the socket any more"));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
