//! Which of the ways to find owners serves here, and what it means that an owner is missing.

use crate::model::owners::{InodeOwners, OwnerSearch, OwnerStatus, Owners};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::Socket;
use crate::platform::linux::at_secure;
use crate::platform::linux::bpf::task_file_iter::TaskFileIter;
use crate::platform::linux::bpf::task_iter::{Answer, TaskIter};
use crate::platform::linux::bpf::task_layout::TaskFileLayout;
use crate::platform::linux::owners::proc_fd::{self, InodeSet};
use crate::platform::linux::procfs::sockstat;
use rustix::thread::CapabilitySet;
use std::io;
use std::ops::ControlFlow;

/// `PROC_PID_INIT_INO` and `PROC_USER_INIT_INO`: the inodes of the initial namespaces.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// From this many processes on the iterator is cheaper than the walk: it costs as much to prepare as the walk of some
/// dozens of processes.
const PROCESSES_WORTH_THE_ITERATOR: usize = 64;
/// Up to this many inodes what the iterator gives is sifted at once; beyond, finding an inode costs more than keeping it.
const SIFTED: usize = 4096;
/// From this many sockets on a second thread helps to find those without an owner.
const SOCKETS_WORTH_A_THREAD: usize = 4096;
/// So many files may be opened unforeseen.
const MORE_FILES: usize = 4096;
/// Names one of the ways, `iterator` or `walk`, where the choice is to be compared or measured. It says nothing to a program
/// that was given rights which its caller has not.
const FORCED_WAY: &str = "RNETSTAT_OWNERS";

/// The kernel's iterators, where they are the way for this host: where the fields are that they read.
struct Iterators(TaskFileLayout);

impl Iterators {
    fn find() -> Option<Self> {
        iterator_serves().then(TaskFileLayout::of_running_kernel)?.ok().map(Self)
    }

    /// What they say of the sockets that are wanted, `None` for all, and perhaps of others.
    fn ask(&self, wanted: Option<&InodeSet>, search: OwnerSearch) -> io::Result<Vec<u64>> {
        let wanted = wanted.filter(|wanted| wanted.len() <= SIFTED);
        let files = sockstat::files(&std::fs::read_to_string(sockstat::FILES).unwrap_or_default());
        by_tables(&self.0, files, wanted).or_else(|_| by_files(&self.0, wanted, search))
    }
}

/// What the iterators said, perhaps while the sockets were still being read.
pub(crate) struct EagerOwners {
    iterators: Iterators,
    owners: InodeOwners,
}

impl EagerOwners {
    /// Runs the iterators, where they are the way for this host.
    pub(crate) fn search() -> Option<Self> {
        Self::of(None, OwnerSearch::All)
    }

    fn of(wanted: Option<&InodeSet>, search: OwnerSearch) -> Option<Self> {
        let iterators = Iterators::find()?;
        let entries = iterators.ask(wanted, search).ok()?;
        Some(Self { iterators, owners: InodeOwners::new(entries, OwnerStatus::Gone) })
    }

    /// The owners of the sockets. One that was not found may have been opened after its process had been visited, or passed
    /// on to such a process: it is looked for once more.
    fn complete(self, sockets: &[Socket], search: OwnerSearch, problems: &mut Vec<Problem>) -> io::Result<InodeOwners> {
        let ownerless = |socket: &&Socket| self.owners.of(socket.inode).status == OwnerStatus::Gone;
        let collect = |sockets: &[Socket]| sockets.iter().filter(ownerless).copied().collect::<Vec<_>>();
        let mut missing = if sockets.len() < SOCKETS_WORTH_A_THREAD {
            collect(sockets)
        } else {
            // Two at a time: the sockets of a busy host are many, and each is somewhere else in memory.
            let (front, back) = sockets.split_at(sockets.len() / 2);
            std::thread::scope(|scope| {
                let thread = std::thread::Builder::new().spawn_scoped(scope, || collect(front));
                let mut missing = collect(back);
                missing.extend(thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| collect(front)));
                missing
            })
        };
        let wanted = InodeSet::of(&missing);
        if wanted.is_empty() {
            return Ok(self.owners);
        }
        let owners = self.owners.with(self.iterators.ask(Some(&wanted), search)?);
        missing.retain(|socket| owners.of(socket.inode).status == OwnerStatus::Gone);
        // A system may keep a process to itself, from the iterator too. To be refused means that only to those who may see all.
        let is_kept = || has_every_right() && proc_fd::is_kept_from_seeing_any(|pid| owners.knows(pid));
        if missing.is_empty() || !is_kept() {
            return Ok(owners);
        }
        problems.push(hidden_owners(missing.len(), false));
        Ok(owners.with_missing(OwnerStatus::Denied))
    }
}

/// Finds the owners of the sockets, as far as they are wanted.
pub(crate) fn find(sockets: &[Socket], search: OwnerSearch, eager: Option<EagerOwners>, problems: &mut Vec<Problem>) -> Owners {
    if search == OwnerSearch::Skip {
        return Owners::Unsupported;
    }
    if let Some(owners) = eager.and_then(|eager| eager.complete(sockets, search, problems).ok()) {
        return Owners::ByInode(owners);
    }
    let wanted = InodeSet::of(sockets);
    if wanted.is_empty() {
        return Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::Gone));
    }
    let found = EagerOwners::of(Some(&wanted), search);
    if let Some(owners) = found.and_then(|eager| eager.complete(sockets, search, problems).ok()) {
        return Owners::ByInode(owners);
    }
    walk(sockets, &wanted, search, problems)
}

/// The quicker program, for newer kernels; the machine has so many files open.
fn by_tables(layout: &TaskFileLayout, files: u64, wanted: Option<&InodeSet>) -> io::Result<Vec<u64>> {
    let with_room = |count: usize| count.saturating_add(count / 4).saturating_add(MORE_FILES);
    let read = |count| TaskIter::open(layout, with_room(count))?.read();
    let answer = match read(usize::try_from(files).unwrap_or(usize::MAX))? {
        // A file counts once, and may stand in the tables of many processes.
        Answer::TooLong(count) => read(count)?,
        whole @ Answer::Whole(_) => whole,
    };
    let Answer::Whole(mut entries) = answer else { return Err(io::Error::other("more open files each time")) };
    if let Some(wanted) = wanted {
        entries.retain(|&entry| wanted.place(InodeOwners::inode(entry)).is_some());
    }
    Ok(entries)
}

/// The program that every kernel with iterators takes. Where the lowest owners are enough it stops as soon as each socket
/// that is wanted has one.
fn by_files(layout: &TaskFileLayout, wanted: Option<&InodeSet>, search: OwnerSearch) -> io::Result<Vec<u64>> {
    let tasks = TaskFileIter::open(layout)?;
    let mut entries = Vec::new();
    let Some(wanted) = wanted else {
        tasks.each(|entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })?;
        return Ok(entries);
    };
    let mut found = vec![false; wanted.len()];
    let mut missing = wanted.len();
    tasks.each(|entry| {
        if let Some(place) = wanted.place(InodeOwners::inode(entry)) {
            entries.push(entry);
            missing -= usize::from(!std::mem::replace(&mut found[place], true));
        }
        if missing == 0 && search == OwnerSearch::Lowest { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(entries)
}

fn walk(sockets: &[Socket], wanted: &InodeSet, search: OwnerSearch, problems: &mut Vec<Problem>) -> Owners {
    let walk = match proc_fd::walk(wanted, search) {
        Ok(walk) => walk,
        Err(error) => {
            let error = io::Error::from(error);
            problems.push(Problem::new(ProblemKind::OwnersUnreadable, format!("owners cannot be looked for: /proc: {error}")));
            return Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::Denied));
        }
    };
    let elsewhere = namespace("pid").is_some_and(|inode| inode != INITIAL_PID_NAMESPACE);
    let unseen = walk.denied > 0 || walk.hidden || elsewhere || walk.failure.is_some();
    let owners = InodeOwners::new(walk.entries, if unseen { OwnerStatus::Denied } else { OwnerStatus::Gone });
    let is_hidden = |socket: &&Socket| unseen && owners.of(socket.inode).status == OwnerStatus::Denied;
    let hidden = sockets.iter().filter(is_hidden).count();
    if hidden > 0 {
        problems.push(match walk.failure {
            Some(error) => Problem::new(ProblemKind::OwnersUnreadable, lost_owners(hidden, error.into())),
            None => hidden_owners(hidden, elsewhere),
        });
    }
    Owners::ByInode(owners)
}

/// Whether the iterator serves: it tells PIDs as the initial namespace counts them, it takes rights, and on a host with
/// a handful of processes the walk is there sooner, unless the walk would be shown less.
fn iterator_serves() -> bool {
    let forced = std::env::var_os(FORCED_WAY).filter(|_| !at_secure::has_more_rights_than_its_caller());
    let rights = Capabilities::held();
    let better = match forced.as_ref().and_then(|way| way.to_str()) {
        Some("iterator") => true,
        Some("walk") => false,
        // The kernel counts every process as a link to /proc.
        _ => !rights.walk || rustix::fs::stat("/proc").is_ok_and(|proc| proc.st_nlink as usize >= PROCESSES_WORTH_THE_ITERATOR),
    };
    better && rights.iterator && namespace("pid") == Some(INITIAL_PID_NAMESPACE)
}

/// What this process has the rights for, which is cheaper to ask than to try.
struct Capabilities {
    /// To load the iterator's program.
    iterator: bool,
    /// To look into the processes of every user.
    walk: bool,
}

impl Capabilities {
    fn held() -> Self {
        let held = rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |held| held.effective);
        let tracer = CapabilitySet::BPF | CapabilitySet::PERFMON;
        Self {
            iterator: held.contains(CapabilitySet::SYS_ADMIN) || held.contains(tracer),
            walk: held.contains(CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH),
        }
    }
}

fn sockets_in_words(count: usize) -> String {
    if count == 1 { "1 socket".to_owned() } else { format!("{count} sockets") }
}

fn lost_owners(count: usize, error: io::Error) -> String {
    format!("owners of {} are not known, for not every process could be looked into: /proc: {error}", sockets_in_words(count))
}

fn hidden_owners(count: usize, elsewhere: bool) -> Problem {
    let sockets = sockets_in_words(count);
    let (kind, reason) = if elsewhere {
        (ProblemKind::OwnersHidden, "perhaps outside this PID namespace; run rnetstat as root on the host to see them")
    } else if has_every_right() {
        (ProblemKind::OwnersKept, "in processes that this system shows to nobody, not even to root")
    } else {
        let advice = "in processes of other users; run rnetstat as root (sudo; in a container with CAP_SYS_PTRACE) to see them";
        (ProblemKind::OwnersHidden, advice)
    };
    Problem::new(kind, format!("owners of {sockets} are hidden, {reason}"))
}

/// Whether nobody could see more processes than this one.
fn has_every_right() -> bool {
    Capabilities::held().walk && namespace("user") == Some(INITIAL_USER_NAMESPACE)
}

/// The inode of a namespace of this process.
fn namespace(kind: &str) -> Option<u64> {
    rustix::fs::stat(format!("/proc/self/ns/{kind}")).ok().map(|stat| stat.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Pid;
    use rustix::process::{Resource, Rlimit};
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::{TcpListener, UdpSocket};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::os::unix::fs::MetadataExt;
    use std::process::{Child, Command, Stdio};
    use std::sync::{Mutex, PoisonError, mpsc};
    use std::time::{Duration, Instant};

    /// A process that holds a socket and does nothing else.
    struct Holder(Child);

    impl Holder {
        fn of(socket: OwnedFd) -> Self {
            Self(Command::new("sleep").arg("600").stdin(Stdio::from(socket)).spawn().unwrap())
        }
    }

    impl Drop for Holder {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn inode(socket: &impl AsRawFd) -> u32 {
        // Threads may have descriptors of their own.
        std::fs::metadata(format!("/proc/thread-self/fd/{}", socket.as_raw_fd())).unwrap().ino() as u32
    }

    fn by_inode(entries: &[u64]) -> BTreeMap<u32, BTreeSet<Pid>> {
        let mut owners = BTreeMap::<u32, BTreeSet<Pid>>::new();
        for &entry in entries {
            owners.entry(InodeOwners::inode(entry)).or_default().insert(entry as u32);
        }
        owners
    }

    /// A thread that leaves the descriptors of its process and opens a socket for itself alone, until it is told to end.
    #[allow(unsafe_code)] // the system call may leave a thread without what the library believes it has
    fn thread_with_a_table_of_its_own(inodes: mpsc::Sender<u32>, end: mpsc::Receiver<()>) {
        // SAFETY: nothing in this thread uses a descriptor that it does not open itself.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FILES) }.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        inodes.send(inode(&socket)).unwrap();
        let _ = end.recv();
    }

    /// While one test starts a process, that process has the sockets of the others for a moment.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    #[test]
    fn the_iterator_and_the_walk_give_the_same_answer() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let own = std::process::id();
        let mut expected = BTreeMap::new();

        let shared = TcpListener::bind("127.0.0.1:0").unwrap();
        let holders = [(); 3].map(|()| Holder::of(shared.try_clone().unwrap().into()));
        let mut ended = Holder::of(shared.try_clone().unwrap().into());
        ended.0.kill().unwrap();
        let mut unreaped = Holder::of(shared.try_clone().unwrap().into());
        unreaped.0.kill().unwrap();
        ended.0.wait().unwrap();
        while std::fs::read_dir(format!("/proc/{}/fd", unreaped.0.id())).is_ok_and(|mut folder| folder.next().is_some()) {
            std::thread::yield_now();
        }
        expected.insert(inode(&shared), holders.iter().map(|holder| holder.0.id()).chain([own]).collect());

        let only_elsewhere = TcpListener::bind("[::1]:0").unwrap();
        let passed_on = inode(&only_elsewhere);
        let holder = Holder::of(only_elsewhere.into());
        expected.insert(passed_on, BTreeSet::from([holder.0.id()]));

        let limit = rustix::process::getrlimit(Resource::Nofile);
        if limit.maximum.is_none_or(|maximum| maximum > 60_000) {
            rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(60_001), ..limit }).unwrap();
        }
        let highest = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(60_001) as i32 - 1;
        let dense = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sparse = rustix::io::fcntl_dupfd_cloexec(&dense, highest).unwrap();
        drop(dense);
        expected.insert(inode(&sparse), BTreeSet::from([own]));

        let (inodes, inode_of_thread) = mpsc::channel();
        let (finish, end) = mpsc::channel();
        let thread = std::thread::spawn(move || thread_with_a_table_of_its_own(inodes, end));
        expected.insert(inode_of_thread.recv().unwrap(), BTreeSet::from([own]));

        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let gone = inode(&closed);
        drop(closed);

        let row = |inode| Socket { inode, ..crate::model::socket::tests::socket("127.0.0.1", 1) };
        let rows: Vec<Socket> = expected.keys().copied().chain([0, gone]).map(row).collect();
        let wanted = InodeSet::of(&rows);
        let walked = proc_fd::walk(&wanted, OwnerSearch::All).unwrap();
        assert_eq!(by_inode(&walked.entries), expected, "the walk");
        let lowest = proc_fd::walk(&wanted, OwnerSearch::Lowest).unwrap();
        let lowest_of = |owners: &BTreeMap<u32, BTreeSet<Pid>>| -> Vec<Option<Pid>> {
            owners.values().map(|pids| pids.first().copied()).collect()
        };
        assert_eq!(lowest_of(&by_inode(&lowest.entries)), lowest_of(&expected), "the walk for the lowest");
        match TaskFileLayout::of_running_kernel() {
            Ok(layout) if Capabilities::held().iterator && namespace("pid") == Some(INITIAL_PID_NAMESPACE) => {
                match by_tables(&layout, 1 << 16, Some(&wanted)) {
                    Ok(all) => assert_eq!(by_inode(&all), expected, "the iterator over tables"),
                    Err(error) => eprintln!("SKIPPED: no iterator over tables here: {error}"),
                }
                let all = by_files(&layout, Some(&wanted), OwnerSearch::All).unwrap();
                assert_eq!(by_inode(&all), expected, "the iterator over files");
                let lowest = by_files(&layout, Some(&wanted), OwnerSearch::Lowest).unwrap();
                assert_eq!(lowest_of(&by_inode(&lowest)), lowest_of(&expected), "the iterator for the lowest");
                let nothing = InodeOwners::new(Vec::new(), OwnerStatus::Gone);
                let eager = EagerOwners { iterators: Iterators(layout), owners: nothing };
                let completed = eager.complete(&rows, OwnerSearch::All, &mut Vec::new()).unwrap();
                for (&inode, pids) in &expected {
                    assert_eq!(completed.of(inode).pids().collect::<BTreeSet<_>>(), *pids, "the second look");
                }
                // As the walk says of it: where a process shows nobody its descriptors, it may be hidden there.
                let reason = if walked.denied == 0 { OwnerStatus::Gone } else { OwnerStatus::Denied };
                assert_eq!(completed.of(gone).status, reason);
            }
            _ => eprintln!("SKIPPED: the iterator does not serve here"),
        }
        drop(finish);
        thread.join().unwrap();
    }

    #[test]
    fn processes_that_end_at_any_stage_of_the_walk_are_no_failure_and_hide_nothing() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = InodeSet::of(&[Socket { inode: inode(&socket), ..crate::model::socket::tests::socket("127.0.0.1", 1) }]);
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    // Each has the socket too, until it has become another program.
                    assert!(Command::new("true").status().unwrap().success());
                }
            });
            // On a machine that has other things to do fewer have to be enough.
            let begun = Instant::now();
            let enough = |&walk: &usize| walk < 20 || begun.elapsed() < Duration::from_secs(2);
            let walks = (0..200).take_while(enough).map(|_| proc_fd::walk(&wanted, OwnerSearch::All));
            let bad = walks.filter_map(|walk| match walk {
                Ok(walk) if walk.failure.is_none() && by_inode(&walk.entries)[&inode(&socket)].contains(&std::process::id()) => {
                    None
                }
                other => Some(other),
            });
            let bad: Vec<_> = bad.collect();
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(bad.is_empty(), "{bad:?}");
        });
    }
}
