//! Reading the files of one process.

use super::MAX_ARGUMENTS;
use crate::model::process::{Facts, Process, ProcessRead, User};
use crate::model::socket::Pid;
use crate::platform::linux::procfs::pid::{self, Stat};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, Statx, StatxFlags, openat, readlinkat, statx};
use rustix::io::{Errno, read};
use rustix::time::{ClockId, clock_gettime};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

/// `stat` and `status` are shorter than this.
const SMALL_FILE: usize = 8192;
/// How many threads of a process without its first one are tried.
const MAX_THREADS_TRIED: usize = 64;

/// A process whose folder is open: whatever is read through it is of this process, also if another one gets its PID.
pub(super) struct Reading {
    folder: OwnedFd,
}

impl Reading {
    /// Opens a process and reads what never blocks.
    pub(super) fn begin(pid: Pid, facts: Facts, boot: Duration) -> (ProcessRead, Option<Self>) {
        let begun = open_folder(CWD, &format!("/proc/{pid}")).and_then(|folder| {
            let mut text = Vec::new();
            read_file(&folder, "stat", SMALL_FILE, &mut text)?;
            let stat = Stat::parse(&text).ok_or(Errno::INVAL)?;
            let mut process = Process {
                pid,
                name: OsStr::from_bytes(stat.name).to_owned(),
                started: Some(start_time(stat.start, boot)),
                start_order: Some(stat.start),
                parent: Some(stat.parent).filter(|&parent| parent != 0),
                ..Process::default()
            };
            let folder = if stat.has_lost_its_first_thread() { live_thread(&folder).unwrap_or(folder) } else { folder };
            if facts.user {
                read_file(&folder, "status", SMALL_FILE, &mut text)?;
                process.user = pid::real_uid(&text).map(|uid| User { id: uid.to_string(), name: None });
            }
            Ok((process, Self { folder }))
        });
        match begun {
            Ok((process, reading)) => (ProcessRead::Known(process), Some(reading)),
            Err(Errno::NOENT | Errno::SRCH) if !is_running(pid) => (ProcessRead::Ended, None),
            // A process that is running, but whose folder is not there, is hidden (hidepid).
            Err(Errno::NOENT | Errno::SRCH | Errno::ACCESS | Errno::PERM) => (ProcessRead::Denied, None),
            Err(_) => (ProcessRead::Failed, None),
        }
    }

    /// The path of the executable, and whether the file is still there.
    pub(super) fn read_executable(&self, process: &mut Process) {
        const DELETED: &[u8] = b" (deleted)";
        let Ok(link) = readlinkat(&self.folder, "exe", Vec::new()) else { return };
        let mut path = link.into_bytes();
        // The kernel adds these words, but a file may also have such a name.
        if path.ends_with(DELETED) && self.is_executable_deleted(&path) {
            path.truncate(path.len() - DELETED.len());
            process.executable_deleted = true;
        }
        process.executable = Some(PathBuf::from(OsString::from_vec(path)));
    }

    /// Whether a link that says so is of a file that was deleted. A file with no name left is; of one with other names its
    /// own name decides, as the process sees it.
    fn is_executable_deleted(&self, path: &[u8]) -> bool {
        let Ok(file) = self.statx("exe".as_ref()) else { return true };
        let named = [b"root".as_slice(), path].concat();
        let is_same = |other: Statx| {
            (other.stx_dev_major, other.stx_dev_minor, other.stx_ino) == (file.stx_dev_major, file.stx_dev_minor, file.stx_ino)
        };
        file.stx_nlink == 0 || !self.statx(OsStr::from_bytes(&named)).is_ok_and(is_same)
    }

    fn statx(&self, path: &OsStr) -> rustix::io::Result<Statx> {
        // A file server is not asked: it may be dead.
        statx(&self.folder, path, AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT, StatxFlags::NLINK | StatxFlags::INO)
    }

    pub(super) fn read_command_line(&self, process: &mut Process, buffer: &mut Vec<u8>, limit: usize) {
        // One byte more shows whether there is more.
        if read_file(&self.folder, "cmdline", limit + 1, buffer).is_err() {
            return;
        }
        process.command_line_truncated = buffer.len() > limit;
        buffer.truncate(limit);
        let mut arguments = pid::arguments(buffer);
        process.command_line =
            arguments.by_ref().take(MAX_ARGUMENTS).map(|argument| OsStr::from_bytes(argument).to_owned()).collect();
        process.command_line_truncated |= arguments.next().is_some();
    }
}

fn open_folder(folder: impl AsFd, path: &str) -> rustix::io::Result<OwnedFd> {
    openat(folder, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Reads a file, but no more than so many bytes of it.
fn read_file(folder: &OwnedFd, name: &str, limit: usize, text: &mut Vec<u8>) -> rustix::io::Result<()> {
    let file = openat(folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    text.resize(limit, 0);
    let mut length = 0;
    while let Some(rest) = text.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match read(&file, rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    text.truncate(length);
    Ok(())
}

/// The folder of a thread that has not ended.
fn live_thread(process: &OwnedFd) -> Option<OwnedFd> {
    let tasks = openat(process, "task", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = Vec::new();
    Dir::new(tasks).ok()?.flatten().take(MAX_THREADS_TRIED).find_map(|entry| {
        let name = entry.file_name().to_str().ok().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
        let thread = open_folder(process, &format!("task/{name}")).ok()?;
        read_file(&thread, "stat", SMALL_FILE, &mut text).ok()?;
        Stat::parse(&text).filter(|stat| !matches!(stat.state, b'Z' | b'X')).map(|_| thread)
    })
}

/// Whether there is a process of this PID, whatever of it may be seen.
pub(super) fn is_running(pid: Pid) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH))
}

/// When the machine was booted, since 1970. `/proc/stat` says the same in seconds, but may be hidden (`subset=pid`).
pub(super) fn boot_time() -> Duration {
    let (now, since) = (clock_gettime(ClockId::Realtime), clock_gettime(ClockId::Boottime));
    Duration::try_from(now).unwrap_or_default().saturating_sub(Duration::try_from(since).unwrap_or_default())
}

/// Seconds since 1970 of a start in clock ticks since the boot.
fn start_time(start: u64, boot: Duration) -> u64 {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    (boot + Duration::from_secs(start / ticks) + Duration::from_nanos(start % ticks * (1_000_000_000 / ticks))).as_secs()
}
