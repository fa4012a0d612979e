//! Owners by the walk: every descriptor of every process under `/proc`.

use crate::owners::InodeOwners;
use crate::socket::Pid;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// From this many processes on a second thread is worth its start.
const PROCESSES_WORTH_A_THREAD: usize = 200;
/// More threads than this gain nothing: the kernel's own locks are in the way.
const THREADS: usize = 4;

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// A pair for each descriptor that is a wanted socket, packed by [`InodeOwners::entry`].
    pub(crate) entries: Vec<u64>,
    /// How many processes would not show their descriptors.
    pub(crate) denied: usize,
    /// Whether there are processes that `/proc` does not even list.
    pub(crate) hidden: bool,
}

/// The inodes whose owners are wanted, and when the walk may stop.
pub(crate) struct Wanted<'a> {
    /// Ascending, each once.
    pub(crate) inodes: &'a [u32],
    /// Whether one owner of each is enough: processes are visited by ascending PID, so that it is the lowest.
    pub(crate) lowest_only: bool,
}

/// Walks `/proc`. Processes that exit meanwhile are no error; only a `/proc` that cannot be listed is.
pub(crate) fn walk(wanted: &Wanted<'_>) -> rustix::io::Result<Walk> {
    let proc = rustix::fs::open("/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let pids = pids(&proc)?;
    let progress = Progress::new(wanted);
    let threads = threads_for(pids.len());
    let mut walk = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, || work(&proc, &pids, wanted, &progress)).ok())
            .collect();
        let mut walk = work(&proc, &pids, wanted, &progress);
        for other in others {
            let Ok(part) = other.join() else { continue };
            walk.entries.extend(part.entries);
            walk.denied += part.denied;
        }
        walk
    });
    // Every PID namespace has a process 1: where it is not listed, /proc is mounted with hidepid.
    walk.hidden = pids.first() != Some(&1);
    Ok(walk)
}

fn threads_for(processes: usize) -> usize {
    if processes < PROCESSES_WORTH_A_THREAD {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS))
}

/// The processes that `/proc` lists, ascending.
fn pids(proc: &OwnedFd) -> rustix::io::Result<Vec<Pid>> {
    let mut pids: Vec<Pid> =
        Dir::read_from(proc)?.filter_map(|entry| entry.ok()?.file_name().to_str().ok()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

/// What the threads share.
struct Progress {
    next: AtomicUsize,
    /// Which wanted inodes have an owner, and how many have none yet; not kept where every owner is wanted.
    found: Option<(Vec<AtomicBool>, AtomicUsize)>,
}

impl Progress {
    fn new(wanted: &Wanted<'_>) -> Self {
        let found = wanted.lowest_only.then(|| {
            let found = wanted.inodes.iter().map(|_| AtomicBool::new(false)).collect();
            (found, AtomicUsize::new(wanted.inodes.len()))
        });
        Self { next: AtomicUsize::new(0), found }
    }

    /// The place of the next process in the list. A process that was begun is always finished, so that no lower PID is
    /// missed when the last inode is found in a higher one.
    fn next(&self) -> Option<usize> {
        match &self.found {
            Some((_, missing)) if missing.load(Ordering::Relaxed) == 0 => None,
            _ => Some(self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn find(&self, place: usize) {
        if let Some((found, missing)) = &self.found
            && !found[place].swap(true, Ordering::Relaxed)
        {
            missing.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn work(proc: &OwnedFd, pids: &[Pid], wanted: &Wanted<'_>, progress: &Progress) -> Walk {
    let mut walk = Walk::default();
    let mut buffer = [MaybeUninit::uninit(); 8192];
    while let Some(&pid) = progress.next().and_then(|place| pids.get(place)) {
        match visit(proc, pid, wanted, progress, &mut buffer, &mut walk.entries) {
            Ok(()) => {}
            Err(Errno::ACCESS | Errno::PERM) => walk.denied += 1,
            Err(_) => {} // it has exited
        }
    }
    walk
}

fn visit(
    proc: &OwnedFd,
    pid: Pid,
    wanted: &Wanted<'_>,
    progress: &Progress,
    buffer: &mut [MaybeUninit<u8>],
    entries: &mut Vec<u64>,
) -> rustix::io::Result<()> {
    let path = format!("{pid}/fd");
    // Since 6.2 the size is the number of open descriptors; before, it is 0 for every process.
    if rustix::fs::statat(proc, &path, AtFlags::empty())?.st_size == 0 && sizes_are_counts(proc) {
        return Ok(());
    }
    let descriptors = rustix::fs::openat(proc, &path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut names = RawDir::new(&descriptors, buffer);
    while let Some(name) = names.next() {
        let name = name?;
        if name.file_name().to_bytes().starts_with(b".") {
            continue;
        }
        let inode = match socket_inode(rustix::fd::AsFd::as_fd(&descriptors), name.file_name()) {
            Ok(inode) => inode,
            // The folder may be readable (by CAP_DAC_READ_SEARCH) where its links are not (without CAP_SYS_PTRACE).
            Err(refusal @ (Errno::ACCESS | Errno::PERM)) => return Err(refusal),
            Err(_) => continue, // it has been closed
        };
        if let Some(inode) = inode
            && let Ok(place) = wanted.inodes.binary_search(&inode)
        {
            entries.push(InodeOwners::entry(inode, pid));
            progress.find(place);
        }
    }
    Ok(())
}

/// Whether this kernel tells the number of descriptors as the size of the folder: this process has some open.
fn sizes_are_counts(proc: &OwnedFd) -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| rustix::fs::statat(proc, "self/fd", AtFlags::empty()).is_ok_and(|stat| stat.st_size > 0))
}

/// The inode of a descriptor that is a socket; `None` for one that is something else.
fn socket_inode(descriptors: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Option<u32>> {
    let mut target = [MaybeUninit::uninit(); 32];
    let (target, _) = rustix::fs::readlinkat_raw(descriptors, name, &mut target[..])?;
    Ok(super::descriptor_link::socket_inode(target))
}
