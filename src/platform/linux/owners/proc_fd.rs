//! Owners by the walk: every descriptor of every process under `/proc`.

use crate::model::owners::{InodeOwners, OwnerSearch};
use crate::model::socket::{Pid, Socket};
use crate::platform::linux::owners::kcmp;
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

/// How a folder is opened that is to be listed.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What `/proc` answers about a process that is there no more: its folder is gone, or was opened before it went.
const EXITED: Errno = Errno::NOENT;
const ENDED: Errno = Errno::SRCH;

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// A pair for each descriptor that is a wanted socket, packed by [`InodeOwners::entry`].
    pub(crate) entries: Vec<u64>,
    /// How many processes would not show their descriptors.
    pub(crate) denied: usize,
    /// Whether there are processes that `/proc` does not even list.
    pub(crate) hidden: bool,
    /// What kept some process from being looked into, although it was there and would have shown its descriptors: a shortage
    /// of descriptors or memory.
    pub(crate) failure: Option<Errno>,
}

impl Walk {
    fn absorb(&mut self, part: Self) {
        self.entries.extend(part.entries);
        self.denied += part.denied;
        self.failure = self.failure.or(part.failure);
    }
}

/// The inodes whose owners are wanted: ascending, each once.
pub(crate) struct InodeSet(Vec<u32>);

impl InodeSet {
    /// The inodes of sockets; those that nobody holds have none.
    pub(crate) fn of<'a>(sockets: impl IntoIterator<Item = &'a Socket>) -> Self {
        let mut inodes: Vec<u32> = sockets.into_iter().map(|socket| socket.inode).filter(|&inode| inode != 0).collect();
        inodes.sort_unstable();
        inodes.dedup();
        Self(inodes)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of them an inode is.
    pub(crate) fn place(&self, inode: u32) -> Option<usize> {
        self.0.binary_search(&inode).ok()
    }
}

/// Walks `/proc`. Processes that exit meanwhile are no error; only a `/proc` that cannot be listed is.
///
/// Where the lowest owners are enough it stops as soon as each wanted inode has one: processes are visited by ascending PID.
/// A socket may be passed on, from a process that has not been visited yet to a child that it has meanwhile: where an owner
/// is missing, the processes that are new are visited too.
pub(crate) fn walk(wanted: &InodeSet, search: OwnerSearch) -> rustix::io::Result<Walk> {
    let proc = rustix::fs::open("/proc", FOLDER, Mode::empty())?;
    let pids = numbers(&proc)?;
    if pids.is_empty() {
        // It always lists this process itself: here nothing is mounted.
        return Err(Errno::NOENT);
    }
    let progress = Progress::new(wanted, search);
    let mut walk = visit_all(&proc, &pids, wanted, &progress);
    if progress.misses_some() {
        let mut newborn = numbers(&rustix::fs::open("/proc", FOLDER, Mode::empty())?)?;
        newborn.retain(|pid| pids.binary_search(pid).is_err());
        walk.absorb(visit_all(&proc, &newborn, wanted, &progress));
    }
    // Every PID namespace has a process 1: where it is not listed, /proc is mounted with hidepid.
    walk.hidden = pids.first() != Some(&1);
    Ok(walk)
}

/// Whether a process that is none of the known ones would not be looked into, by somebody who has every right to.
pub(crate) fn is_kept_from_seeing_any(is_known: impl Fn(Pid) -> bool) -> bool {
    let Ok(proc) = rustix::fs::open("/proc", FOLDER, Mode::empty()) else { return false };
    // The link to its executable is shown to those who may see its descriptors.
    let is_closed = |pid: Pid| {
        let mut target = [MaybeUninit::uninit(); 8];
        rustix::fs::readlinkat_raw(&proc, format!("{pid}/exe"), &mut target[..]).is_err_and(is_refusal)
            && rustix::fs::statat(&proc, pid.to_string(), AtFlags::empty()).is_ok()
    };
    numbers(&proc).unwrap_or_default().into_iter().any(|pid| is_closed(pid) && !is_known(pid))
}

fn visit_all(proc: &OwnedFd, pids: &[Pid], wanted: &InodeSet, progress: &Progress) -> Walk {
    let next = AtomicUsize::new(0);
    let work = || work(proc, pids, &next, wanted, progress);
    std::thread::scope(|scope| {
        let others: Vec<_> =
            (1..threads_for(pids.len())).filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut walk = work();
        for other in others {
            let Ok(part) = other.join() else { continue };
            walk.absorb(part);
        }
        walk
    })
}

fn threads_for(processes: usize) -> usize {
    if processes < PROCESSES_WORTH_A_THREAD {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS))
}

/// The processes that `/proc` lists, or the threads that a process has: ascending.
fn numbers(folder: &OwnedFd) -> rustix::io::Result<Vec<Pid>> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(folder)? {
        numbers.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<Pid>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// What the threads know of the inodes that are wanted.
struct Progress {
    /// Which of them have an owner.
    found: Vec<AtomicBool>,
    /// How many have none yet.
    missing: AtomicUsize,
    /// Whether an inode is done with when it has one.
    one_is_enough: bool,
}

impl Progress {
    fn new(wanted: &InodeSet, search: OwnerSearch) -> Self {
        Self {
            found: std::iter::repeat_with(AtomicBool::default).take(wanted.len()).collect(),
            missing: AtomicUsize::new(wanted.len()),
            one_is_enough: search == OwnerSearch::Lowest,
        }
    }

    fn misses_some(&self) -> bool {
        self.missing.load(Ordering::Relaxed) > 0
    }

    /// A process that was begun is always finished, so that no lower PID is missed when the last inode is found in a higher
    /// one.
    fn is_done(&self) -> bool {
        self.one_is_enough && !self.misses_some()
    }

    fn find(&self, place: usize) {
        if !self.found[place].swap(true, Ordering::Relaxed) {
            self.missing.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Visits processes until none is left that no other thread has begun.
fn work(proc: &OwnedFd, pids: &[Pid], next: &AtomicUsize, wanted: &InodeSet, progress: &Progress) -> Walk {
    let mut visitor = Visitor { proc, wanted, progress, found: Walk::default() };
    while !progress.is_done()
        && let Some(&pid) = pids.get(next.fetch_add(1, Ordering::Relaxed))
    {
        match visitor.process(pid) {
            Ok(()) | Err(EXITED | ENDED) => {}
            Err(error) if is_refusal(error) => visitor.found.denied += 1,
            Err(failure) => visitor.found.failure = Some(failure),
        }
    }
    visitor.found
}

/// Whether somebody is kept out.
fn is_refusal(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
}

/// One thread's part of the walk.
struct Visitor<'a> {
    proc: &'a OwnedFd,
    wanted: &'a InodeSet,
    progress: &'a Progress,
    found: Walk,
}

impl Visitor<'_> {
    /// The descriptors of a process, and of those of its threads that have a table of their own.
    fn process(&mut self, pid: Pid) -> rustix::io::Result<()> {
        let descriptors = self.table(pid, &pid.to_string())?;
        let threads = format!("{pid}/task");
        // A folder has a link for itself, one in its parent and one for each thread.
        if rustix::fs::statat(self.proc, &threads, AtFlags::empty())?.st_nlink <= 3 {
            return Ok(());
        }
        let folder = rustix::fs::openat(self.proc, &threads, FOLDER, Mode::empty())?;
        let mut compared = pid;
        for thread in numbers(&folder)?.into_iter().filter(|&thread| thread != pid) {
            let own = match kcmp::are_one(compared, thread) {
                Some(one) => !one,
                // Where nobody can tell, a table of its own is looked for only under a first thread that has ended.
                None => descriptors == Some(0),
            };
            if own {
                match self.table(pid, &format!("{threads}/{thread}")) {
                    Err(error) if is_refusal(error) => return Err(error),
                    // A thread that has ended leaves the others to be visited.
                    Err(_) => {}
                    Ok(_) => compared = thread,
                }
            }
        }
        Ok(())
    }

    /// Visits the descriptors of a process or thread; says how many there are, where the kernel tells.
    fn table(&mut self, pid: Pid, whose: &str) -> rustix::io::Result<Option<u64>> {
        let visited = self.visit(pid, &format!("{whose}/fd"));
        // The kernel refuses the links of a process that has just ended as those of one that may not be seen.
        if visited.is_err_and(is_refusal) {
            rustix::fs::statat(self.proc, whose, AtFlags::empty())?;
        }
        visited
    }

    fn visit(&mut self, pid: Pid, path: &str) -> rustix::io::Result<Option<u64>> {
        let size = rustix::fs::statat(self.proc, path, AtFlags::empty())?.st_size as u64;
        let count = sizes_are_counts(self.proc).then_some(size);
        if count == Some(0) {
            return Ok(count);
        }
        let descriptors = rustix::fs::openat(self.proc, path, FOLDER, Mode::empty())?;
        let mut buffer = [MaybeUninit::uninit(); 8192];
        let mut names = RawDir::new(&descriptors, &mut buffer);
        while let Some(name) = names.next() {
            let name = name?;
            if name.file_name().to_bytes().starts_with(b".") {
                continue;
            }
            let inode = match socket_inode(rustix::fd::AsFd::as_fd(&descriptors), name.file_name()) {
                Ok(inode) => inode,
                Err(EXITED | ENDED) => continue, // or only this descriptor has been closed
                // The folder may be readable (by CAP_DAC_READ_SEARCH) where its links are not (without CAP_SYS_PTRACE).
                Err(refusal) => return Err(refusal),
            };
            if let Some(inode) = inode
                && let Some(place) = self.wanted.place(inode)
            {
                self.found.entries.push(InodeOwners::entry(inode, pid));
                self.progress.find(place);
            }
        }
        Ok(count)
    }
}

/// Whether this kernel tells the number of descriptors as the size of the folder (since 6.2; before, it is 0 for every
/// process): this process has some open.
fn sizes_are_counts(proc: &OwnedFd) -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| rustix::fs::statat(proc, "self/fd", AtFlags::empty()).is_ok_and(|stat| stat.st_size > 0))
}

/// The inode of a descriptor that is a socket; `None` for one that is something else.
fn socket_inode(descriptors: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Option<u32>> {
    let mut target = [MaybeUninit::uninit(); 32];
    let (target, _) = rustix::fs::readlinkat_raw(descriptors, name, &mut target[..])?;
    Ok(crate::platform::linux::owners::fd_link::socket_inode(target))
}
