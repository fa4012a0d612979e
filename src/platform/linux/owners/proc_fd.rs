//! Owners by a scan of `/proc/PID/fd`: every descriptor of every process.

use super::descriptor::{CHECKED, Descriptor, is_path_link};
use super::fd_link::{self, FdLink};
use super::inode_set::InodeSet;
use super::kcmp::{Seen, Tables};
use crate::model::owners::inodes::GROUP;
use crate::model::owners::{InodeOwners, OwnerEntries, OwnerSearch};
use crate::model::socket::Pid;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// From this many processes on a second thread is worth its start.
const PROCESSES_WORTH_A_THREAD: usize = 200;
/// More threads than this gain nothing: they wait for the kernel's locks.
const THREADS: usize = 4;
/// From this many descriptors on a table is looked for among those that other processes were seen to share: the comparison
/// takes as long as two descriptors.
const DESCRIPTORS_WORTH_A_COMPARISON: u64 = 256;
/// Up to this many sockets each descriptor is checked for `O_PATH` at once, which takes half as long again. Of more sockets only
/// the descriptors of those that seem to have several owners are checked, at the end.
const CHECKED_AT_ONCE: usize = 1024;
/// How many descriptors are read in vain at most where `kcmp` does not say whether threads share them.
const READ_IN_VAIN: isize = 100_000;

/// How a directory is opened that is to be listed.
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The owners of the sockets that were wanted.
    pub(crate) entries: OwnerEntries,
    /// The processes that did not show their descriptors, ascending.
    pub(crate) refused: Vec<Pid>,
    /// Whether there are processes that `/proc` does not even list.
    pub(crate) hidden: bool,
    /// What kept some process from being read although it was there and would have shown its descriptors: a shortage of
    /// descriptors or memory.
    pub(crate) failure: Option<Errno>,
    /// The io_urings that were found.
    pub(crate) rings: Vec<Ring>,
}

/// Scans `/proc`. Processes that exit meanwhile are no error; only a `/proc` that cannot be listed is.
///
/// If the lowest owners are enough it stops as soon as each wanted inode has one: processes are visited by ascending PID. A socket
/// may be passed on, from a process that has not been visited yet to a child that it has meanwhile: if an owner is missing, the
/// processes that are new are visited too.
pub(crate) fn scan(wanted: &InodeSet, search: OwnerSearch) -> rustix::io::Result<Scan> {
    let proc = open_proc()?;
    let pids = numbers(&proc)?;
    if pids.is_empty() {
        // It always lists this process: nothing is mounted here.
        return Err(Errno::NOENT);
    }
    let scanner = Scanner::new(&proc, wanted, search);
    let mut found = scanner.visit_all(&pids);
    if scanner.progress.misses_some() {
        let mut newborn = numbers(&open_proc()?)?;
        newborn.retain(|pid| pids.binary_search(pid).is_err());
        found.absorb(scanner.visit_all(&newborn));
    }
    let mut scan = scanner.finish(found);
    // Every PID namespace has a process 1: if it is not listed, /proc is mounted with hidepid.
    scan.hidden = pids.first() != Some(&1);
    Ok(scan)
}

/// Which of the wanted sockets one process has.
pub(crate) fn scan_process(pid: Pid, wanted: &InodeSet) -> rustix::io::Result<Scan> {
    let proc = open_proc()?;
    let scanner = Scanner::new(&proc, wanted, OwnerSearch::All);
    let found = scanner.visit_all(&[pid]);
    Ok(scanner.finish(found))
}

fn open_proc() -> rustix::io::Result<OwnedFd> {
    rustix::fs::open("/proc", DIRECTORY, Mode::empty())
}

/// Whether a process other than the known ones cannot be read although this process has the rights to read any.
pub(crate) fn refuses_everybody(is_known: impl Fn(Pid) -> bool) -> bool {
    let Ok(proc) = open_proc() else { return false };
    // The link to its executable is shown to those who may see its descriptors.
    let is_closed = |pid: Pid| {
        let mut target = [MaybeUninit::uninit(); 8];
        rustix::fs::readlinkat_raw(&proc, format!("{pid}/exe"), &mut target[..]).is_err_and(is_refusal)
            && rustix::fs::statat(&proc, pid.to_string(), AtFlags::empty()).is_ok()
    };
    numbers(&proc).unwrap_or_default().into_iter().any(|pid| is_closed(pid) && !is_known(pid))
}

/// The processes that `/proc` lists, or the threads of a process: ascending.
fn numbers(directory: &OwnedFd) -> rustix::io::Result<Vec<Pid>> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(directory)? {
        numbers.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<Pid>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn threads_for(processes: usize) -> usize {
    if processes < PROCESSES_WORTH_A_THREAD {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS))
}

/// Whether an error is a refusal of the kernel's.
fn is_refusal(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
}

/// What `/proc` answers about a process or thread that has exited: its directory is gone, or was opened before.
fn has_exited(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::SRCH)
}

/// An io_uring that a process has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    process: Pid,
    task: Pid,
    number: u32,
}

/// The wanted sockets that are registered with io_urings: their processes own them, although they may have no descriptor.
pub(crate) fn registered_sockets(rings: &[Ring], wanted: &InodeSet) -> OwnerEntries {
    let mut entries = Vec::new();
    for ring in rings {
        let Ok(text) = std::fs::read(format!("/proc/{}/fdinfo/{}", ring.task, ring.number)) else { continue };
        let inodes = fd_link::registered_sockets(&text).filter(|&inode| wanted.contains(inode));
        entries.extend(inodes.map(|inode| InodeOwners::entry(inode, ring.process)));
    }
    entries.into()
}

/// The io_urings of some processes.
pub(crate) fn rings_of(pids: &[Pid]) -> Vec<Ring> {
    let nothing = InodeSet::EMPTY;
    let Ok(proc) = open_proc() else { return Vec::new() };
    let scanner = Scanner::new(&proc, &nothing, OwnerSearch::All);
    scanner.visit_all(pids).rings
}

/// What one thread found.
#[derive(Debug, Default)]
struct Found {
    descriptors: Vec<Descriptor>,
    refused: Vec<Pid>,
    failure: Option<Errno>,
    rings: Vec<Ring>,
}

impl Found {
    fn absorb(&mut self, other: Self) {
        self.descriptors.extend(other.descriptors);
        self.refused.extend(other.refused);
        self.failure = self.failure.or(other.failure);
        self.rings.extend(other.rings);
    }
}

/// The tables of files that processes share (`CLONE_FILES`): each is read once, and its users form a group.
#[derive(Debug)]
struct SharedTables {
    /// The group of each table.
    tables: Tables<usize>,
    /// The processes of each group.
    groups: Vec<Vec<Pid>>,
}

impl SharedTables {
    /// Makes a process a member of the group of its table. `None` if the kernel does not answer whether tables are the same.
    fn join(&mut self, process: Pid, task: Pid) -> Option<Seen<usize>> {
        let new = self.groups.len();
        let seen = self.tables.get_or_add(task, || new).ok()?;
        match seen {
            Seen::First(_) => self.groups.push(vec![process]),
            Seen::Before(group) => self.groups.iter_mut().skip(group).take(1).for_each(|group| group.push(process)),
        }
        Some(seen)
    }

    /// Forgets a group whose table could not be read to its end, and returns the processes that relied on it.
    fn abandon(&mut self, group: usize, process: Pid) -> Vec<Pid> {
        self.tables.forget(|known| known == group);
        let members = self.groups.get_mut(group).map(std::mem::take).unwrap_or_default();
        members.into_iter().filter(|&member| member != process).collect()
    }
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
    fn misses_some(&self) -> bool {
        self.missing.load(Ordering::Relaxed) > 0
    }

    /// A process that was begun is always finished, so that no lower PID is missed when the last inode is found in a higher
    /// one.
    fn is_done(&self) -> bool {
        self.one_is_enough && !self.misses_some()
    }

    fn find(&self, position: usize) {
        if self.found.get(position).is_some_and(|found| !found.swap(true, Ordering::Relaxed)) {
            self.missing.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What all threads of a scan share.
struct Scanner<'a> {
    proc: &'a OwnedFd,
    wanted: &'a InodeSet,
    progress: Progress,
    checks_at_once: bool,
    shared: Mutex<SharedTables>,
    /// How many descriptors may still be read in vain.
    left: AtomicIsize,
    /// Whether the size of `/proc/PID/fd` is the number of descriptors (6.2); before, it is 0.
    sizes_are_counts: bool,
}

impl<'a> Scanner<'a> {
    fn new(proc: &'a OwnedFd, wanted: &'a InodeSet, search: OwnerSearch) -> Self {
        let checks_at_once = wanted.len() <= CHECKED_AT_ONCE;
        Self {
            proc,
            wanted,
            progress: Progress {
                found: std::iter::repeat_with(AtomicBool::default).take(wanted.len()).collect(),
                missing: AtomicUsize::new(wanted.len()),
                // An owner that is checked at the end only may turn out to be none.
                one_is_enough: search == OwnerSearch::Lowest && checks_at_once,
            },
            checks_at_once,
            shared: Mutex::new(SharedTables { tables: Tables::new(), groups: Vec::new() }),
            left: AtomicIsize::new(READ_IN_VAIN),
            // This process has descriptors.
            sizes_are_counts: rustix::fs::statat(proc, "self/fd", AtFlags::empty()).is_ok_and(|stat| stat.st_size > 0),
        }
    }

    fn visit_all(&self, pids: &[Pid]) -> Found {
        let next = AtomicUsize::new(0);
        let work = || self.visit_next(pids, &next);
        std::thread::scope(|scope| {
            let others: Vec<_> =
                (1..threads_for(pids.len())).filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
            let mut found = work();
            for other in others {
                let Ok(part) = other.join() else { continue };
                found.absorb(part);
            }
            found
        })
    }

    /// Visits processes until none is left that no other thread has begun.
    fn visit_next(&self, pids: &[Pid], next: &AtomicUsize) -> Found {
        let mut visitor = Visitor { scanner: self, found: Found::default() };
        while !self.progress.is_done()
            && let Some(&pid) = pids.get(next.fetch_add(1, Ordering::Relaxed))
        {
            visitor.process(pid);
        }
        visitor.found
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, SharedTables> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the descriptors that do not hold their socket, and puts the rest together.
    fn finish(self, mut found: Found) -> Scan {
        if !self.checks_at_once {
            found.descriptors.sort_unstable_by_key(|descriptor| descriptor.entry);
            let inode = |descriptor: &Descriptor| InodeOwners::inode(descriptor.entry);
            let mut kept = Vec::with_capacity(found.descriptors.len());
            for held in found.descriptors.chunk_by(|a, b| inode(a) == inode(b)) {
                let has_one_owner = held.first().map(|first| first.entry) == held.last().map(|last| last.entry);
                kept.extend(held.iter().filter(|descriptor| has_one_owner || !descriptor.is_path(self.proc)));
            }
            found.descriptors = kept;
        }
        found.refused.sort_unstable();
        found.refused.dedup();
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let entries = found.descriptors.into_iter().map(|descriptor| descriptor.entry).collect();
        Scan {
            entries: OwnerEntries::new(entries, shared.groups),
            refused: found.refused,
            hidden: false,
            failure: found.failure,
            rings: found.rings,
        }
    }
}

/// One thread's part of the scan.
struct Visitor<'a> {
    scanner: &'a Scanner<'a>,
    found: Found,
}

impl Visitor<'_> {
    /// Visits a process, and those that relied on a shared table that it did not show to the end.
    fn process(&mut self, pid: Pid) {
        let mut pids = vec![pid];
        while let Some(pid) = pids.pop() {
            match self.tables(pid, &mut pids) {
                Ok(()) => {}
                Err(error) => self.note(pid, error),
            }
        }
    }

    /// Notes why a process or one of its threads was not read.
    fn note(&mut self, pid: Pid, error: Errno) {
        if is_refusal(error) {
            self.found.refused.push(pid);
        } else if !has_exited(error) {
            self.found.failure = Some(error);
        }
    }

    /// The table of a process, and those of its threads that have one of their own.
    fn tables(&mut self, pid: Pid, again: &mut Vec<Pid>) -> rustix::io::Result<()> {
        let proc = self.scanner.proc;
        let count = self.table(pid, pid, &pid.to_string(), again)?;
        let threads = format!("{pid}/task");
        // A directory has a link for itself, one in its parent and one for each thread.
        if rustix::fs::statat(proc, &threads, AtFlags::empty())?.st_nlink <= 3 {
            return Ok(());
        }
        let directory = rustix::fs::openat(proc, &threads, DIRECTORY, Mode::empty())?;
        let mut tables = Tables::new();
        let mut kcmp_answers = tables.get_or_add(pid, || ()).is_ok();
        for thread in numbers(&directory)?.into_iter().filter(|&thread| thread != pid) {
            let path = format!("{threads}/{thread}");
            if kcmp_answers {
                match tables.get_or_add(thread, || ()) {
                    Ok(Seen::Before(())) => continue,
                    Err(error) if has_exited(error) => continue,
                    Ok(Seen::First(())) => {}
                    Err(_) => kcmp_answers = false,
                }
            }
            if !kcmp_answers && !self.may_read_in_vain(&path, count) {
                // It is not known whether the thread has a table of its own.
                return Err(Errno::PERM);
            }
            if let Err(error) = self.table(pid, thread, &path, again) {
                self.note(pid, error);
            }
        }
        Ok(())
    }

    /// Whether the descriptors of a thread may be read although they may be those of its process, of which there are `count`.
    fn may_read_in_vain(&self, path: &str, count: Option<u64>) -> bool {
        let size = rustix::fs::statat(self.scanner.proc, format!("{path}/fd"), AtFlags::empty()).map(|stat| stat.st_size as u64);
        if self.scanner.sizes_are_counts && size.ok() != count {
            return true;
        }
        let cost = count.map_or(DESCRIPTORS_WORTH_A_COMPARISON, |count| count + 1) as isize;
        self.scanner.left.fetch_sub(cost, Ordering::Relaxed) >= cost
    }

    /// Visits the table of a process or thread; returns how many descriptors there are, if the kernel counts them.
    fn table(&mut self, pid: Pid, task: Pid, path: &str, again: &mut Vec<Pid>) -> rustix::io::Result<Option<u64>> {
        let begin = self.found.descriptors.len();
        let mut group = None;
        let visited = self.descriptors(pid, task, &format!("{path}/fd"), &mut group, begin);
        if let (Err(_), Some(group)) = (visited, group) {
            self.found.descriptors.truncate(begin);
            again.extend(self.scanner.shared().abandon(group, pid));
        }
        // The kernel refuses the links of a process that has just exited as those of one that may not be seen.
        if visited.is_err_and(is_refusal) {
            rustix::fs::statat(self.scanner.proc, path, AtFlags::empty())?;
        }
        visited
    }

    /// Reads the descriptors under a path. If the table is one that other processes share, `group` becomes its group; what was
    /// found from `begin` on is its.
    fn descriptors(
        &mut self,
        pid: Pid,
        task: Pid,
        path: &str,
        group: &mut Option<usize>,
        begin: usize,
    ) -> rustix::io::Result<Option<u64>> {
        let scanner = self.scanner;
        let size = rustix::fs::statat(scanner.proc, path, AtFlags::empty())?.st_size as u64;
        let count = scanner.sizes_are_counts.then_some(size);
        if count == Some(0) {
            return Ok(count);
        }
        let mut holder = pid;
        // Whether the table was read already; else it may become a group's from now on.
        let mut is_known = |visitor: &mut Self, holder: &mut Pid| match visitor.scanner.shared().join(pid, task) {
            Some(Seen::Before(_)) => {
                visitor.found.descriptors.truncate(begin);
                true
            }
            Some(Seen::First(new)) => {
                *group = Some(new);
                *holder = GROUP | new as u32;
                for descriptor in visitor.found.descriptors.iter_mut().skip(begin) {
                    descriptor.entry = InodeOwners::entry(InodeOwners::inode(descriptor.entry), *holder);
                }
                false
            }
            None => false,
        };
        if count.is_some_and(|count| count >= DESCRIPTORS_WORTH_A_COMPARISON) && is_known(self, &mut holder) {
            return Ok(count);
        }
        let directory = rustix::fs::openat(scanner.proc, path, DIRECTORY, Mode::empty())?;
        let mut buffer = [MaybeUninit::uninit(); 8192];
        let mut names = RawDir::new(&directory, &mut buffer);
        let mut read = 0;
        while let Some(name) = names.next() {
            let name = name?;
            let Some(number) = name.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()) else { continue };
            read += 1;
            if count.is_none() && read == DESCRIPTORS_WORTH_A_COMPARISON && is_known(self, &mut holder) {
                return Ok(count);
            }
            let link = match read_link(directory.as_fd(), name.file_name()) {
                Ok(link) => link,
                Err(error) if has_exited(error) => continue, // or only this descriptor was closed
                // The directory may be readable (by CAP_DAC_READ_SEARCH) although its links are not (without CAP_SYS_PTRACE).
                Err(refusal) => return Err(refusal),
            };
            match link {
                FdLink::Other => {}
                FdLink::IoUring => self.found.rings.push(Ring { process: pid, task, number }),
                FdLink::Socket(inode) => {
                    let Some(position) = scanner.wanted.position(inode) else { continue };
                    let entry = InodeOwners::entry(inode, holder);
                    let last = self.found.descriptors.get_mut(begin..).and_then(<[_]>::last_mut);
                    let again = last.filter(|last| last.entry == entry);
                    // One that was duplicated many times counts once.
                    if again.as_ref().is_some_and(|last| last.number == CHECKED) {
                        continue;
                    }
                    let is_checked = scanner.checks_at_once || again.is_some();
                    if is_checked && is_path(directory.as_fd(), name.file_name()) {
                        continue;
                    }
                    let number = if is_checked { CHECKED } else { number };
                    match again {
                        Some(again) => again.number = number,
                        None => self.found.descriptors.push(Descriptor { entry, task, number }),
                    }
                    scanner.progress.find(position);
                }
            }
        }
        Ok(count)
    }
}

fn read_link(directory: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<FdLink> {
    let mut target = [MaybeUninit::uninit(); 32];
    let (target, _) = rustix::fs::readlinkat_raw(directory, name, &mut target[..])?;
    Ok(fd_link::parse(target))
}

/// [`Descriptor::is_path`] of a descriptor whose directory is open.
fn is_path(directory: BorrowedFd<'_>, name: &CStr) -> bool {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|link| is_path_link(link.st_mode))
}
