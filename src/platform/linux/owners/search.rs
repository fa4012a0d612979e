//! Finds the owners of sockets: by eBPF if this host allows it and it is cheaper, else by a scan of `/proc`.

use super::inode_set::InodeSet;
use super::proc_fd;
use crate::model::owners::{InodeOwners, OwnerEntries, OwnerSearch, OwnerStatus, Owners, Refused};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::Socket;
use crate::platform::linux::bpf::file_filter::FileFilter;
use crate::platform::linux::bpf::io_uring_iter;
use crate::platform::linux::bpf::task_file_iter::TaskFileIter;
use crate::platform::linux::bpf::task_iter::{Answer, Found, TaskIter};
use crate::platform::linux::bpf::task_layout::TaskFileLayout;
use crate::platform::linux::procfs::{small_file, sockstat};
use crate::request::OwnerSource;
use rustix::thread::CapabilitySet;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Mutex, OnceLock, PoisonError};

/// `PROC_PID_INIT_INO` and `PROC_USER_INIT_INO`: the inodes of the initial namespaces.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// From this many processes on eBPF is cheaper: loading a program takes as long as the scan of some dozens of processes.
const PROCESSES_WORTH_BPF: usize = 64;
/// Up to this many inodes the entries of a program are filtered at once; beyond, finding an inode costs more than keeping it.
const MOST_FILTERED: usize = 4096;
/// How many entries a program has room for that looks for some files only.
const MOST_OF_FILTERED: usize = 1 << 16;
/// From this many sockets on a second thread helps to find those without an owner.
const SOCKETS_WORTH_A_THREAD: usize = 4096;
/// This many files may be opened between counting and reading them.
const MORE_FILES: usize = 4096;
/// The most entries that the array of a program has room for (128 MiB). Processes that inherit many sockets can have more: the
/// iterator over files needs no room for those that are not wanted.
const MOST_ENTRIES: usize = 1 << 24;

/// What was found of the owners of sockets.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) owners: Owners,
    /// The processes that may own any socket unseen.
    pub(crate) refused: Refused,
}

/// The eBPF iterators, if they are the way for this host.
pub(crate) struct Iterators {
    layout: TaskFileLayout,
    /// The program of the last run, if it can run again.
    loaded: Option<TaskIter>,
}

impl Iterators {
    fn find(source: OwnerSource) -> io::Result<Self> {
        check_iterators(source)?;
        Ok(Self { layout: TaskFileLayout::of_running_kernel()?, loaded: None })
    }

    /// The holders of the sockets that are wanted, `None` for all, and perhaps of others; and whether a process may use io_uring.
    fn run(&mut self, wanted: Option<&InodeSet>, search: OwnerSearch) -> io::Result<Found> {
        let wanted = wanted.filter(|wanted| wanted.len() <= MOST_FILTERED);
        match self.by_tasks(wanted) {
            Ok(found) => Ok(found),
            Err(_) => by_files(&self.layout, wanted, search).map(|entries| Found { entries, uses_io_uring: true }),
        }
    }

    /// The quicker program, for newer kernels.
    fn by_tasks(&mut self, wanted: Option<&InodeSet>) -> io::Result<Found> {
        let with_room = |count: usize| count.saturating_add(count / 4).saturating_add(MORE_FILES).min(MOST_ENTRIES);
        let open = |count, groups| TaskIter::open(&self.layout, with_room(count), groups);
        let (mut program, mut answer) = match self.loaded.take().and_then(TaskIter::again) {
            Some(program) => {
                let answer = program.read()?;
                (program, answer)
            }
            None => {
                let files = sockstat::files(&small_file::read_text(sockstat::FILES).unwrap_or_default());
                let files = usize::try_from(files).unwrap_or(usize::MAX);
                let mut program = open(files, false)?;
                let mut answer = program.read()?;
                if matches!(answer, Answer::Shared) {
                    program = open(files, true)?;
                    answer = program.read()?;
                }
                (program, answer)
            }
        };
        if let Answer::TooLong(count) = answer
            && count <= MOST_ENTRIES
        {
            // A file counts once, and may be in the tables of many processes.
            program = open(count, program.has_groups())?;
            answer = program.read()?;
        }
        let Answer::Whole(mut found) = answer else { return Err(io::Error::other("too many open files")) };
        self.loaded = Some(program);
        if let Some(wanted) = wanted {
            found.entries.retain(|inode| wanted.contains(inode));
        }
        Ok(found)
    }
}

/// The sockets of the last search that exist and that no process holds by a descriptor: the kernel's own, for example. They are not
/// searched for once more each time: one that a process has received since is found by the first search.
static UNOWNED: Mutex<InodeSet> = Mutex::new(InodeSet::EMPTY);

/// What the iterators found, perhaps while the sockets were still being read.
pub(crate) struct EagerOwners {
    iterators: Iterators,
    owners: InodeOwners,
    uses_io_uring: bool,
}

/// What the iterators found of all sockets, in no order.
pub(crate) struct OwnerScan {
    iterators: Iterators,
    found: Found,
}

impl OwnerScan {
    /// Runs the iterators, if they are the way for this host.
    pub(crate) fn run(source: OwnerSource) -> Option<Self> {
        let mut iterators = Iterators::find(source).ok()?;
        let found = iterators.run(None, OwnerSearch::All).ok()?;
        Some(Self { iterators, found })
    }

    /// The owners of all sockets.
    pub(crate) fn owners(self) -> EagerOwners {
        EagerOwners::new(self.iterators, self.found)
    }
}

/// A search for the owners of few sockets, which are not known yet.
pub(crate) enum LateScan {
    /// The program for some files only, ready to be run.
    Prepared(Iterators, TaskIter),
    /// What was found of all, for this kernel does not have that program.
    Found(OwnerScan),
}

impl LateScan {
    /// Begins, if the iterators are the way for this host.
    pub(crate) fn begin(source: OwnerSource) -> Option<Self> {
        let mut iterators = Iterators::find(source).ok()?;
        if let Ok(program) = TaskIter::open_filtered(&iterators.layout, MOST_OF_FILTERED) {
            return Some(Self::Prepared(iterators, program));
        }
        let found = iterators.run(None, OwnerSearch::All).ok()?;
        Some(Self::Found(OwnerScan { iterators, found }))
    }

    /// The owners of these sockets. `files` has the files of all of them, if these are known.
    pub(crate) fn owners_of(self, sockets: &[Socket], files: Option<&FileFilter>) -> Option<EagerOwners> {
        let OwnerScan { iterators, mut found } = match self {
            Self::Found(scan) => scan,
            Self::Prepared(mut iterators, program) => {
                // Processes that share tables, and more sockets than it has room for, are for the other program.
                let found = match files.map(|files| program.read_filtered(files)) {
                    Some(Ok(Answer::Whole(found))) => found,
                    Some(Ok(Answer::TooLong(_) | Answer::Shared) | Err(_)) | None => {
                        iterators.run(None, OwnerSearch::All).ok()?
                    }
                };
                OwnerScan { iterators, found }
            }
        };
        // Few are sorted faster than all.
        let wanted = InodeSet::of(sockets);
        found.entries.retain(|inode| wanted.contains(inode));
        Some(EagerOwners::new(iterators, found))
    }
}

impl EagerOwners {
    /// Runs the iterators, if they are the way for this host.
    pub(crate) fn search(source: OwnerSource) -> Option<Self> {
        Self::of(None, OwnerSearch::All, source).ok()
    }

    fn of(wanted: Option<&InodeSet>, search: OwnerSearch, source: OwnerSource) -> io::Result<Self> {
        let mut iterators = Iterators::find(source)?;
        let found = iterators.run(wanted, search)?;
        Ok(Self::new(iterators, found))
    }

    fn new(iterators: Iterators, found: Found) -> Self {
        let owners = InodeOwners::from_entries(found.entries, OwnerStatus::Gone);
        Self { iterators, owners, uses_io_uring: found.uses_io_uring }
    }

    /// The owners of the sockets. A socket without one that exists still may have been opened after its process had been visited,
    /// or passed on to such a process: its owner is searched for once more.
    fn complete(
        mut self,
        sockets: &[Socket],
        search: OwnerSearch,
        still_there: impl FnOnce(&[Socket]) -> InodeSet,
        problems: &mut Vec<Problem>,
    ) -> io::Result<Search> {
        let missing = self.missing_of(sockets);
        let there = if missing.is_empty() { InodeSet::default() } else { still_there(&missing) };
        let known = std::mem::take(&mut *UNOWNED.lock().unwrap_or_else(PoisonError::into_inner));
        if there.is_empty() {
            return Ok(Search { owners: Owners::ByInode(self.owners), refused: Refused::None });
        }
        let mut owners = self.owners;
        if there.iter().any(|inode| !known.contains(inode)) {
            let found = self.iterators.run(Some(&there), search)?;
            owners = owners.with(found.entries);
            self.uses_io_uring = found.uses_io_uring;
        }
        let mut unowned = without_owner(&owners, &there);
        if !unowned.is_empty() && self.uses_io_uring {
            let pids = io_uring_iter::processes(&self.iterators.layout).unwrap_or_default();
            owners = owners.with(proc_fd::registered_sockets(&proc_fd::rings_of(&pids), &unowned));
            unowned = without_owner(&owners, &unowned);
        }
        *UNOWNED.lock().unwrap_or_else(PoisonError::into_inner) = unowned.iter().collect();
        // A system may hide a process from everybody, from the iterators too. Refusal means that only to those who may see all.
        let is_hidden = || has_every_right() && proc_fd::refuses_everybody(|pid| owners.knows(pid));
        if unowned.is_empty() || !is_hidden() {
            let owners = owners.with_statuses(unowned.iter(), OwnerStatus::None);
            return Ok(Search { owners: Owners::ByInode(owners), refused: Refused::None });
        }
        problems.push(hidden_owners(unowned.len(), false));
        let owners = owners.with_statuses(unowned.iter(), OwnerStatus::Denied);
        Ok(Search { owners: Owners::ByInode(owners), refused: Refused::Invisible })
    }

    /// The sockets whose owner was not found.
    fn missing_of(&self, sockets: &[Socket]) -> Vec<Socket> {
        let is_missing = |socket: &&Socket| self.owners.of(socket.inode).status == OwnerStatus::Gone;
        let collect = |sockets: &[Socket]| sockets.iter().filter(is_missing).copied().collect::<Vec<_>>();
        if sockets.len() < SOCKETS_WORTH_A_THREAD {
            return collect(sockets);
        }
        // Two at a time: the sockets of a busy host are many, and each is somewhere else in memory.
        let (front, back) = sockets.split_at(sockets.len() / 2);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, || collect(front));
            let mut missing = collect(back);
            missing.extend(thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| collect(front)));
            missing
        })
    }
}

/// Those of some inodes that have no owner here.
fn without_owner(owners: &InodeOwners, inodes: &InodeSet) -> InodeSet {
    inodes.iter().filter(|&inode| owners.of(inode).status == OwnerStatus::Gone).collect()
}

/// Finds the owners of the sockets, as far as they are wanted. `still_there` returns those of some sockets that exist now.
///
/// Fails if a source is forced that cannot serve.
pub(crate) fn find(
    sockets: &[Socket],
    search: OwnerSearch,
    source: OwnerSource,
    eager: Option<EagerOwners>,
    still_there: impl Fn(&[Socket]) -> InodeSet,
    problems: &mut Vec<Problem>,
) -> Result<Search, Problem> {
    if search == OwnerSearch::Skip {
        return Ok(Search::default());
    }
    if let Some(found) = eager.and_then(|eager| eager.complete(sockets, search, &still_there, problems).ok()) {
        return Ok(found);
    }
    let wanted = InodeSet::of(sockets);
    if wanted.is_empty() {
        let owners = Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::Gone));
        return Ok(Search { owners, refused: Refused::None });
    }
    let eager = EagerOwners::of(Some(&wanted), search, source);
    match eager.and_then(|eager| eager.complete(sockets, search, &still_there, problems)) {
        Ok(found) => Ok(found),
        Err(error) if source == OwnerSource::Bpf => {
            let message = format!("owners cannot be read by eBPF programs: {error}");
            Err(Problem::new(ProblemKind::TableUnreadable, message))
        }
        Err(_) => Ok(by_proc(sockets, &wanted, search, still_there, problems)),
    }
}

/// The program for every kernel with iterators. If the lowest owners are enough it stops as soon as each socket that is wanted
/// has one.
fn by_files(layout: &TaskFileLayout, wanted: Option<&InodeSet>, search: OwnerSearch) -> io::Result<OwnerEntries> {
    let tasks = TaskFileIter::open(layout)?;
    let mut entries: Vec<u64> = Vec::new();
    let mut missing = wanted.map(|wanted| (vec![false; wanted.len()], wanted.len()));
    tasks.each(|entry| {
        if entries.last() == Some(&entry) {
            return ControlFlow::Continue(());
        }
        let (Some(wanted), Some((found, missing))) = (wanted, &mut missing) else {
            entries.push(entry);
            return ControlFlow::Continue(());
        };
        if let Some(position) = wanted.position(InodeOwners::inode(entry)) {
            entries.push(entry);
            let is_new = found.get_mut(position).is_some_and(|found| !std::mem::replace(found, true));
            *missing -= usize::from(is_new);
        }
        if *missing == 0 && search == OwnerSearch::Lowest { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(entries.into())
}

fn by_proc(
    sockets: &[Socket],
    wanted: &InodeSet,
    search: OwnerSearch,
    still_there: impl Fn(&[Socket]) -> InodeSet,
    problems: &mut Vec<Problem>,
) -> Search {
    let scan = match proc_fd::scan(wanted, search) {
        Ok(scan) => scan,
        Err(error) => {
            let error = io::Error::from(error);
            problems.push(Problem::new(ProblemKind::OwnersUnreadable, format!("owners cannot be looked for: /proc: {error}")));
            let owners = Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::Denied));
            return Search { owners, refused: Refused::Unknown };
        }
    };
    let elsewhere = namespace("pid").is_some_and(|inode| inode != INITIAL_PID_NAMESPACE);
    let refused = if scan.hidden || elsewhere || scan.failure.is_some() {
        Refused::Unknown
    } else if scan.refused.is_empty() {
        Refused::None
    } else {
        Refused::Processes(scan.refused)
    };
    let owners = InodeOwners::from_entries(scan.entries, OwnerStatus::Gone);
    let mut unowned = without_owner(&owners, wanted);
    if refused.is_none() && !unowned.is_empty() {
        // Which of many hidden sockets exist still is not worth another dump; of these few it is.
        let missing: Vec<Socket> = sockets.iter().filter(|socket| unowned.contains(socket.inode)).copied().collect();
        unowned = still_there(&missing);
    }
    let owners = owners.with(proc_fd::registered_sockets(&scan.rings, &unowned));
    let unowned = without_owner(&owners, &unowned);
    let status = if refused.is_none() { OwnerStatus::None } else { OwnerStatus::Denied };
    let owners = owners.with_statuses(unowned.iter(), status);
    let hidden = if status == OwnerStatus::Denied { unowned.len() } else { 0 };
    if hidden > 0 {
        problems.push(match scan.failure {
            Some(error) => Problem::new(ProblemKind::OwnersUnreadable, lost_owners(hidden, error.into())),
            None => hidden_owners(hidden, elsewhere),
        });
    } else if search == OwnerSearch::All {
        problems.extend(further_owners(&refused));
    }
    Search { owners: Owners::ByInode(owners), refused }
}

/// Fails if the iterators are not the way for this host: they need rights, their PIDs are those of the initial namespace, and on a
/// host with a handful of processes the scan takes less time, unless it would be shown less.
fn check_iterators(source: OwnerSource) -> io::Result<()> {
    let is_way = match source {
        OwnerSource::Bpf => true,
        OwnerSource::Proc => false,
        OwnerSource::Auto => {
            // The kernel counts every process as a link to /proc.
            let is_cheaper = || rustix::fs::stat("/proc").is_ok_and(|proc| proc.st_nlink as usize >= PROCESSES_WORTH_BPF);
            (!Capabilities::held().scan || is_cheaper()) && programs_serve() && !seccomp_filters()
        }
    };
    match is_way {
        false => Err(io::ErrorKind::Unsupported.into()),
        true if !programs_serve() => Err(io::Error::other("it takes CAP_BPF and CAP_PERFMON, in the initial PID namespace")),
        true => Ok(()),
    }
}

/// Whether programs may be loaded that look into the kernel: they take rights, and see PIDs as the initial namespace counts them.
pub(crate) fn programs_serve() -> bool {
    Capabilities::held().bpf && namespace("pid") == Some(INITIAL_PID_NAMESPACE)
}

/// Whether a seccomp filter is at work. It may end the process at `bpf(2)`, as systemd's `SystemCallFilter=@system-service` does.
pub(crate) fn seccomp_filters() -> bool {
    // A filter cannot be removed, and this program adds none.
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| has_seccomp_filter(&small_file::read_text("/proc/self/status").unwrap_or_default()))
}

/// The same by the text of `/proc/self/status`.
fn has_seccomp_filter(status: &str) -> bool {
    const SECCOMP_MODE_FILTER: &str = "2";
    status.lines().filter_map(|line| line.strip_prefix("Seccomp:")).any(|mode| mode.trim() == SECCOMP_MODE_FILTER)
}

/// What this process has the capabilities for, which is cheaper to ask than to try.
struct Capabilities {
    /// To load the programs.
    bpf: bool,
    /// To look into the processes of every user.
    scan: bool,
}

impl Capabilities {
    fn held() -> Self {
        let held = rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |held| held.effective);
        Self {
            bpf: held.contains(CapabilitySet::SYS_ADMIN) || held.contains(CapabilitySet::BPF | CapabilitySet::PERFMON),
            scan: held.contains(CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH),
        }
    }
}

fn count_of_sockets(count: usize) -> String {
    if count == 1 { "1 socket".to_owned() } else { format!("{count} sockets") }
}

fn lost_owners(count: usize, error: io::Error) -> String {
    format!("owners of {} are not known, for not every process could be looked into: /proc: {error}", count_of_sockets(count))
}

fn hidden_owners(count: usize, elsewhere: bool) -> Problem {
    let sockets = count_of_sockets(count);
    let (kind, reason) = if elsewhere {
        (ProblemKind::OwnersHidden, "perhaps outside this PID namespace; run rnetstat as root on the host to see them")
    } else if has_every_right() {
        (ProblemKind::OwnersKept, "in processes that this system hides from every user, also from root")
    } else {
        let advice = "in processes of other users; run rnetstat as root (sudo; in a container with CAP_SYS_PTRACE) to see them";
        (ProblemKind::OwnersHidden, advice)
    };
    Problem::new(kind, format!("owners of {sockets} are hidden, {reason}"))
}

/// The problem that sockets may have owners beside those that were found.
fn further_owners(refused: &Refused) -> Option<Problem> {
    let processes = match refused {
        Refused::None => return None,
        Refused::Processes(pids) if pids.len() == 1 => "1 process".to_owned(),
        Refused::Processes(pids) => format!("{} processes", pids.len()),
        Refused::Unknown | Refused::Invisible => "some processes".to_owned(),
    };
    let advice = if has_every_right() { "" } else { "; run rnetstat as root to read them" };
    let message = format!("sockets may have further owners: the open files of {processes} could not be read{advice}");
    Some(Problem::new(ProblemKind::OwnersIncomplete, message))
}

/// Whether no user could see more processes than this one.
fn has_every_right() -> bool {
    Capabilities::held().scan && namespace("user") == Some(INITIAL_USER_NAMESPACE)
}

/// The inode of a namespace of this process.
fn namespace(kind: &str) -> Option<u64> {
    rustix::fs::stat(format!("/proc/self/ns/{kind}")).ok().map(|stat| stat.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seccomp_filter_is_recognised_by_its_mode() {
        let status = |mode| format!("Name:\trnetstat\nNoNewPrivs:\t1\nSeccomp:\t{mode}\nSeccomp_filters:\t2\n");
        assert!(has_seccomp_filter(&status(2)));
        assert!(!has_seccomp_filter(&status(0)) && !has_seccomp_filter(&status(1)) && !has_seccomp_filter(""));
    }
}
