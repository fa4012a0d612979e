//! Ending processes by `kill`. macOS has no descriptor for a process: its start is compared directly before.
#![allow(unsafe_code)] // libproc writes into the caller's memory

use crate::model::action::{Ending, Outcome, ProcessTarget, Report};
use crate::model::socket::Pid;
use crate::platform::owned_still::owned_still;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use std::time::{Duration, Instant};

/// How long a process that was killed may take to end.
const KILLED: Duration = Duration::from_secs(2);
/// The pause between two looks whether processes have ended.
const PAUSE: Duration = Duration::from_millis(20);

const GONE: &str = "the process has ended";

/// When a process was started, in microseconds since 1970; `None` if there is none or it may not be seen.
pub(crate) fn process_start(pid: Pid) -> Option<u64> {
    let size = libc::c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: a structure of numbers is valid if all of them are 0.
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is `size` bytes large and outlives the call that fills it.
    let filled = unsafe { libc::proc_pidinfo(i32::try_from(pid).ok()?, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) };
    (filled == size).then(|| info.pbi_start_tvsec.wrapping_mul(1_000_000).wrapping_add(info.pbi_start_tvusec))
}

/// Whether it is the kernel's own.
pub(crate) const fn is_kernel_process(pid: Pid) -> bool {
    pid == 0
}

/// Asks the processes to end, all at once, and waits until they have. All are looked at before one is asked: workers end with
/// their master.
pub(crate) fn end_processes(targets: &[ProcessTarget], ending: Ending) -> Vec<Report> {
    let mut reports: Vec<Option<Report>> = targets.iter().map(look).collect();
    send(targets, &mut reports, Signal::SIGTERM);
    wait(targets, &mut reports, ending.grace);
    if ending.force {
        send(targets, &mut reports, Signal::SIGKILL);
        wait(targets, &mut reports, KILLED);
    }
    let report = |(report, target): (Option<Report>, &ProcessTarget)| {
        report.unwrap_or_else(|| {
            let reason = match (target.is_asked, ending.force) {
                (false, _) => "it has not ended with its master: end it alone".to_owned(),
                (true, true) => "it was killed, and has not ended yet".to_owned(),
                (true, false) => format!("it runs on {} s after SIGTERM: --force kills it then", ending.grace.as_secs()),
            };
            Report::because(Outcome::Failed, reason)
        })
    };
    reports.into_iter().zip(targets).map(report).collect()
}

/// Why a process is not ended; `None` if it is the one that was chosen.
fn look(target: &ProcessTarget) -> Option<Report> {
    if process_start(target.pid) != Some(target.start) {
        return Some(Report::because(Outcome::Gone, GONE));
    }
    match owned_still(target) {
        Some(true) => None,
        Some(false) => Some(Report::because(Outcome::Gone, "it does not hold the socket any more")),
        None => Some(Report::because(Outcome::Refused, "it is not certain that it holds the socket still")),
    }
}

/// Sends a signal to those that are asked and have no report yet.
fn send(targets: &[ProcessTarget], reports: &mut [Option<Report>], signal: Signal) {
    for (target, report) in targets.iter().zip(reports).filter(|(target, report)| target.is_asked && report.is_none()) {
        let pid = i32::try_from(target.pid).ok().filter(|_| process_start(target.pid) == Some(target.start));
        *report = match pid.map(|pid| kill(nix::unistd::Pid::from_raw(pid), signal)) {
            Some(Ok(())) => None,
            None | Some(Err(Errno::ESRCH)) => Some(Report::because(Outcome::Gone, GONE)),
            Some(Err(Errno::EPERM)) => Some(Report::because(
                Outcome::Failed,
                format!("it may not be signalled by you: {}", crate::platform::MORE_RIGHTS),
            )),
            Some(Err(error)) => Some(Report::because(Outcome::Failed, format!("it cannot be signalled: {error}"))),
        };
    }
}

/// Waits until all have ended, or until the time is up.
fn wait(targets: &[ProcessTarget], reports: &mut [Option<Report>], limit: Duration) {
    let start = Instant::now();
    loop {
        for (target, report) in targets.iter().zip(reports.iter_mut()).filter(|(_, report)| report.is_none()) {
            if process_start(target.pid) != Some(target.start) {
                *report = Some(Report::of(Outcome::Ended));
            }
        }
        let left = limit.saturating_sub(start.elapsed());
        if left.is_zero() || reports.iter().all(Option::is_some) {
            return;
        }
        std::thread::sleep(left.min(PAUSE));
    }
}
