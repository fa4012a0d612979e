//! Ending processes by `pidfd`s: a signal through one reaches the process that was looked at, or nobody.

use crate::model::action::{Ending, Outcome, ProcessTarget, Report};
use crate::model::owners::{InodeOwners, OwnerStatus};
use crate::model::process::{Facts, ProcessRead};
use crate::model::socket::Pid;
use crate::platform::linux::owners::inode_set::InodeSet;
use crate::platform::linux::owners::proc_fd;
use crate::platform::linux::process_facts::process_facts;
use crate::platform::linux::procfs::pid::Stat;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::time::{Duration, Instant};

/// How long a process that was killed may take to end: it may wait for a disk.
const KILLED: Duration = Duration::from_secs(2);

/// When a process was started, in clock ticks since the boot; `None` if there is none.
pub(crate) fn process_start(pid: Pid) -> Option<u64> {
    Some(Stat::parse(&stat(pid)?)?.start)
}

/// Whether it is a thread of the kernel's.
pub(crate) fn is_kernel_process(pid: Pid) -> bool {
    stat(pid).and_then(|stat| Some(Stat::parse(&stat)?.is_of_kernel)).unwrap_or(false)
}

fn stat(pid: Pid) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/stat")).ok()
}

/// Asks the processes to end, all at once, and waits until they have. All are looked at before one is asked: workers end with
/// their master.
pub(crate) fn end_processes(targets: &[ProcessTarget], ending: Ending) -> Vec<Report> {
    let mut states: Vec<State> = targets.iter().map(State::find).collect();
    let asked = |states: &mut [State], signal| {
        let asked = states.iter_mut().zip(targets).filter(|(_, target)| target.is_asked);
        asked.for_each(|(state, _)| state.send(signal));
    };
    asked(&mut states, Signal::TERM);
    wait(&mut states, ending.grace);
    if ending.force {
        asked(&mut states, Signal::KILL);
        wait(&mut states, KILLED);
    }
    states.into_iter().zip(targets).map(|(state, target)| state.report(target, ending)).collect()
}

/// How far a process has come.
enum State {
    /// It was found, and has not ended.
    Running { pidfd: OwnedFd, killed: bool },
    /// Its end was seen.
    Ended,
    /// It was not asked.
    Settled(Report),
}

impl State {
    fn find(target: &ProcessTarget) -> Self {
        match open(target) {
            Ok(pidfd) => Self::Running { pidfd, killed: false },
            Err(report) => Self::Settled(report),
        }
    }

    fn send(&mut self, signal: Signal) {
        let Self::Running { pidfd, killed } = self else { return };
        match pidfd_send_signal(&*pidfd, signal) {
            Ok(()) => *killed = signal == Signal::KILL,
            Err(error) => *self = Self::Settled(unsent(error)),
        }
    }

    fn report(self, target: &ProcessTarget, ending: Ending) -> Report {
        let seconds = ending.grace.as_secs();
        match self {
            Self::Ended => Report::of(Outcome::Ended),
            Self::Settled(report) => report,
            Self::Running { killed: true, .. } => {
                Report::because(Outcome::Failed, "it was killed, and has not ended yet: it waits in the kernel")
            }
            Self::Running { .. } if !target.is_asked => {
                Report::because(Outcome::Failed, "it has not ended with its master: end it alone")
            }
            Self::Running { .. } => {
                Report::because(Outcome::Failed, format!("it runs on {seconds} s after SIGTERM: --force kills it then"))
            }
        }
    }
}

fn unsent(error: Errno) -> Report {
    match error {
        Errno::SRCH => Report::because(Outcome::Gone, GONE),
        Errno::PERM => {
            Report::because(Outcome::Failed, format!("it may not be signalled by you: {}", crate::platform::MORE_RIGHTS))
        }
        error => Report::because(Outcome::Failed, format!("it cannot be signalled: {error}")),
    }
}

const GONE: &str = "the process has ended";

/// Opens the process, and compares what it is with what it was when it was chosen.
fn open(target: &ProcessTarget) -> Result<OwnedFd, Report> {
    let failed = |reason: String| Err(Report::because(Outcome::Failed, reason));
    let pid = i32::try_from(target.pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return Err(Report::because(Outcome::Gone, GONE)) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(Errno::SRCH | Errno::INVAL) => return Err(Report::because(Outcome::Gone, GONE)),
        Err(Errno::NOSYS) => {
            return failed("this kernel has no pidfd_open (Linux 5.3), without which another may be hit".to_owned());
        }
        Err(error) => return failed(format!("it cannot be opened: {error}")),
    };
    // One that is about to end has lost its program and its files, but not its number.
    let looked = look(target).map_err(|report| if is_ending(target.pid) { Report::because(Outcome::Gone, GONE) } else { report });
    // The descriptor and /proc have meant one process all the while if they do so now.
    match number_of(&pidfd) {
        Some(number) if number == i64::from(target.pid) => looked.map(|()| pidfd),
        Some(-1) => Err(Report::because(Outcome::Gone, GONE)),
        Some(_) => failed("/proc shows processes of another PID namespace".to_owned()),
        None => failed("it cannot be compared with what /proc shows".to_owned()),
    }
}

/// Whether a process is about to end, or has ended.
fn is_ending(pid: Pid) -> bool {
    stat(pid).is_none_or(|text| Stat::parse(&text).is_some_and(|stat| stat.is_ending && !stat.has_lost_its_first_thread()))
}

/// Compares what `/proc` shows under the number of a process with what it was when it was chosen.
fn look(target: &ProcessTarget) -> Result<(), Report> {
    let gone = || Err(Report::because(Outcome::Gone, GONE));
    let refused = |reason: &str| Err(Report::because(Outcome::Refused, reason));
    let Some(text) = stat(target.pid) else { return gone() };
    let Some(stat) = Stat::parse(&text) else { return refused("what it is cannot be read") };
    if stat.start != target.start {
        return gone();
    }
    if stat.is_of_kernel {
        return refused("it is the kernel's");
    }
    if target.executable.is_some() {
        let executable = Facts { executable: true, ..Facts::NAME };
        match process_facts(&[target.pid], executable).0.pop() {
            Some(ProcessRead::Known(process)) if process.executable == target.executable => {}
            Some(ProcessRead::Ended) | None => return gone(),
            Some(ProcessRead::Known(_) | ProcessRead::Denied | ProcessRead::Failed) => {
                return refused("it runs another program by now");
            }
        }
    }
    match holds(target) {
        Some(true) => Ok(()),
        Some(false) => Err(Report::because(Outcome::Gone, "it does not hold the socket any more")),
        None => refused("its open files cannot be read, so that it is not certain that it holds the socket still"),
    }
}

/// Whether the process holds one of the sockets; `None` if that cannot be read.
fn holds(target: &ProcessTarget) -> Option<bool> {
    let wanted = InodeSet::of(&target.sockets);
    let scan = proc_fd::scan_process(target.pid, &wanted).ok()?;
    let mut entries = scan.entries;
    entries.extend(proc_fd::registered_sockets(&scan.rings, &wanted));
    let owners = InodeOwners::from_entries(entries, OwnerStatus::None);
    let is_held = wanted.iter().any(|inode| owners.of(inode).pids().any(|pid| pid == target.pid));
    if is_held {
        return Some(true);
    }
    (scan.refused.is_empty() && scan.failure.is_none()).then_some(false)
}

/// The number of the process in the PID namespace of `/proc`: -1 if it has ended and was waited for, 0 if it has none there.
fn number_of(pidfd: &OwnedFd) -> Option<i64> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
}

/// Waits until all processes have ended, or until the time is up.
fn wait(states: &mut [State], limit: Duration) {
    let start = Instant::now();
    loop {
        let running = || {
            states.iter().filter_map(|state| match state {
                State::Running { pidfd, .. } => Some(pidfd),
                State::Ended | State::Settled(_) => None,
            })
        };
        let mut watched: Vec<PollFd<'_>> = running().map(|pidfd| PollFd::new(pidfd, PollFlags::IN)).collect();
        if watched.is_empty() {
            return;
        }
        let left = limit.saturating_sub(start.elapsed());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut watched, Some(&timeout)) {
            // A descriptor is readable when every thread of its process has ended.
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        let ended: Vec<bool> = watched.iter().map(|watched| !watched.revents().is_empty()).collect();
        let running = states.iter_mut().filter(|state| matches!(state, State::Running { .. }));
        running.zip(ended).filter(|(_, has_ended)| *has_ended).for_each(|(state, _)| *state = State::Ended);
        if left.is_zero() {
            return;
        }
    }
}
