//! The sockets of the own network namespace by the pass, if that is cheaper than the kernel's dumps and gives the same rows.
//!
//! The dumps serve for what they alone report (bound ports, attributes), and for a table that the pass gives up. The pass is
//! trusted only if it saw the namespace and the table that `/proc` shows, and every listener that the kernel's dump lists.

use super::file_filter::FileFilter;
use super::pass::{Pass, PassError, Range, Slot};
use super::pass_program::{ROW, Selection, Task};
use super::pass_rows;
use crate::model::owners::OwnerSearch;
use crate::model::socket::{Family, Protocol, Socket, State, StateSet};
use crate::platform::linux::owners::search::{self, EagerOwners, LateScan, OwnerScan};
use crate::platform::linux::procfs::{small_file, sockstat};
use crate::platform::linux::sockets::reader::{DumpJob, DumpKind, Reader, TableRows};
use crate::platform::linux::sockets::sock_diag;
use crate::request::{Query, RowFacts, SocketSource};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// More threads than this gain little.
const THREADS: usize = 4;
/// From this many sockets of the machine on several threads walk the table of connections.
const SOCKETS_WORTH_A_THREAD: u64 = 4096;

/// Tables are rarely larger: the kernel takes as many buckets by itself at most.
const MOST_BUCKETS: u64 = 1 << 19;

/// The number of buckets of the table of connections, negative if it is shared with other namespaces (6.1).
const TABLE_SIZE: &str = "/proc/sys/net/ipv4/tcp_ehash_entries";

/// What takes how long, in nanoseconds: medians of the scale bench's host.
mod cost {
    /// A bucket of the table of connections and a socket, by the kernel's dump.
    pub(super) const DUMP_BUCKET: u64 = 4;
    pub(super) const DUMP_SOCKET: u64 = 1150;
    /// The same by the pass.
    pub(super) const PASS_BUCKET: u64 = 1;
    pub(super) const PASS_SOCKET: u64 = 300;
    /// Looking up the layout and loading the program.
    pub(super) const PASS: u64 = 2_500_000;
}

/// Why the pass is not the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Declined {
    #[error("another source is asked for")]
    OtherSource,
    #[error("only the kernel's dumps report what is asked for")]
    FactsUnavailable,
    #[error("it takes CAP_BPF and CAP_PERFMON, in the initial PID namespace")]
    NoRights,
    #[error("a seccomp filter is at work, which may end the process at bpf(2)")]
    SeccompFilter,
    #[error("the dumps are cheaper")]
    Dearer,
    #[error("this kernel's tables are laid out in a way that is not known, or it does not run the program")]
    Unsupported,
    #[error("it did not see what the kernel's own dump lists")]
    Unverified,
    #[error("a table has too many sockets of one hash, or changes too fast")]
    Unstable,
}

/// What the pass gives.
pub(crate) struct Passed {
    pub(crate) rows: TableRows,
    /// The owners, as far as they were looked for meanwhile.
    pub(crate) eager: Option<EagerOwners>,
    /// The inodes of all network namespaces, if they are wanted.
    pub(crate) namespaces: Vec<u32>,
}

/// Reads the rows that are wanted, and owners at the same time, unless the dumps are to do it.
pub(crate) fn read(request: &Query, search: OwnerSearch) -> Result<Passed, Declined> {
    check_request(request)?;
    let counted = small_file::read_text(sockstat::SOCKETS).unwrap_or_default();
    let is_own = request.namespaces.is_own();
    let is_free = is_own && request.sources.sockets == SocketSource::Auto;
    // On a quiet host nothing more is asked.
    if is_free && !is_cheaper(MOST_BUCKETS, sockstat::sockets(&counted)) {
        return Err(Declined::Dearer);
    }
    check_rights(request)?;
    let buckets = small_file::read_text(TABLE_SIZE).ok().and_then(|size| size.trim().parse::<i64>().ok());
    let buckets = buckets.ok_or(Declined::Unsupported)?.unsigned_abs();
    if is_free && !is_cheaper(buckets, sockstat::sockets(&counted)) {
        return Err(Declined::Dearer);
    }
    let listeners = listeners_of_dump(request);
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS));
    // All slots together take the list of namespaces.
    let slots = if is_own { threads } else { THREADS };
    // Of few ports there are few sockets: whose owners are looked for, is known in the end.
    let has_ports = request.filter.local_port.is_some() || request.filter.remote_port.is_some();
    let shared = OnceLock::new();
    let next = AtomicUsize::new(0);
    let walk = &Walk { request, shared: &shared, next: &next };
    std::thread::scope(|scope| {
        // Owners are looked for while the program is prepared and the tables are walked.
        let looks_for_owners = threads > 1 && search != OwnerSearch::Skip;
        let owners = looks_for_owners.then(|| {
            Builder::new().spawn_scoped(scope, move || {
                let source = request.sources.owners;
                let eager = match has_ports {
                    true => Eager::Late(LateScan::begin(source)),
                    false => Eager::Owners(OwnerScan::run(source).map(OwnerScan::owners)),
                };
                // That of the pass may be loaded later than this one.
                let _ = has_ports.then(|| walk.shared.wait());
                (eager, walk.connections(1))
            })
        });
        // Bound ports come before connections, also before those of the other thread: one that begins to connect meanwhile is seen
        // twice rather than never.
        let mut bound = Walked::default();
        let shared = shared.get_or_init(|| {
            let pass = open(request, buckets, slots, has_ports && looks_for_owners)?;
            bound = walk.bound(&pass);
            Some(pass)
        });
        let walked = shared.as_ref().map(|pass| {
            let busy = sockstat::tcp_of_machine(&counted) >= SOCKETS_WORTH_A_THREAD;
            let first = if looks_for_owners { 2 } else { 1 };
            let helpers = if busy { first..threads } else { 0..0 };
            let helpers: Vec<_> =
                helpers.map(|slot| Builder::new().spawn_scoped(scope, move || walk.connections(slot))).collect();
            let mut walked = walk.main(pass);
            walked.absorb(bound);
            for helper in helpers.into_iter().flatten() {
                walked.absorb(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            walked
        });
        let mut eager = Eager::Owners(None);
        let mut part = None;
        if let Some(Ok(thread)) = owners {
            let (owners, connections) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (eager, part) = (owners, Some(connections));
        }
        let mut walked = walked.ok_or(Declined::Unsupported)?;
        part.into_iter().for_each(|part| walked.absorb(part));
        // One that closed before the walk is no longer listed.
        if !walked.has_all(&listeners) && !walked.has_all(&listeners_of_dump(request)) {
            return Err(Declined::Unverified);
        }
        // The dump has the own namespace alone.
        if !is_own && !walked.given_up.is_empty() {
            return Err(Declined::Unstable);
        }
        let namespaces = shared.as_ref().map(|pass| pass.namespaces.clone()).unwrap_or_default();
        let has_files = shared.as_ref().is_some_and(|pass| pass.has_files) && walked.given_up.is_empty();
        let files = std::mem::take(&mut walked.files);
        let rows = walked.complete(request);
        let eager = match eager {
            Eager::Owners(owners) => owners,
            Eager::Late(scan) => scan.and_then(|scan| scan.owners_of(&rows.sockets, has_files.then_some(&files))),
        };
        Ok(Passed { rows, eager, namespaces })
    })
}

/// What was found of owners while the tables were walked.
enum Eager {
    Owners(Option<EagerOwners>),
    Late(Option<LateScan>),
}

/// Whether the pass is asked for and gives what is wanted.
fn check_request(request: &Query) -> Result<(), Declined> {
    match request.sources.sockets {
        SocketSource::Auto | SocketSource::Bpf => {}
        SocketSource::Netlink | SocketSource::Proc => return Err(Declined::OtherSource),
    }
    if request.details.any() { Err(Declined::FactsUnavailable) } else { Ok(()) }
}

/// Whether the program may be loaded.
fn check_rights(request: &Query) -> Result<(), Declined> {
    if !search::programs_serve() {
        return Err(Declined::NoRights);
    }
    if request.sources.sockets == SocketSource::Auto && search::seccomp_filters() { Err(Declined::SeccompFilter) } else { Ok(()) }
}

fn is_cheaper(buckets: u64, sockets: u64) -> bool {
    let dump = buckets.saturating_mul(cost::DUMP_BUCKET).saturating_add(sockets.saturating_mul(cost::DUMP_SOCKET));
    let pass = buckets.saturating_mul(cost::PASS_BUCKET).saturating_add(sockets.saturating_mul(cost::PASS_SOCKET));
    pass.saturating_add(cost::PASS) < dump
}

/// The program for these rows, if it sees what `/proc` shows.
fn open(request: &Query, buckets: u64, slots: usize, files: bool) -> Option<Pass> {
    let pass = Pass::open(&Selection { files, ..selection(request) }, slots).ok()?;
    // That of the thread, which may have left that of its process.
    let own = rustix::fs::stat("/proc/thread-self/ns/net").ok()?.st_ino;
    let has_timers = !request.facts.timers || pass.jiffies_per_second.is_some();
    let has_bound = !wants_bound(request) || pass.bound.is_some();
    (pass.inode == own && pass.connection_buckets() == buckets && has_timers && has_bound).then_some(pass)
}

/// Whether ports that are bound without listening are wanted.
fn wants_bound(request: &Query) -> bool {
    request.states.contains(State::Bound) && request.tables.sources().any(|table| table.protocol() == Protocol::Tcp)
}

/// The states of what is among the connections. Closed sockets that keep their port are among the bound ones, if those are read.
fn states_of_connections(request: &Query) -> StateSet {
    let states = request.states.without(State::Listening);
    if wants_bound(request) { states.without(State::Bound).without(State::Closed) } else { states }
}

/// What the program is to compare itself.
fn selection(request: &Query) -> Selection {
    let filter = &request.filter;
    let hull = |ports: Option<&crate::filter::ports::PortSet>| {
        let hull = ports.and_then(|ports| ports.hull().ranges().next());
        hull.unwrap_or(0..=u16::MAX)
    };
    let families = request.tables.sources().map(crate::model::socket::Table::family);
    let (mut ipv4, mut ipv6) = (false, false);
    for family in families {
        match family {
            Family::V4 => ipv4 = true,
            Family::V6 => ipv6 = true,
        }
    }
    let RowFacts { timers, queues, users } = request.facts;
    Selection {
        own_namespace: request.namespaces.is_own(),
        local: hull(filter.local_port.as_ref()),
        remote: hull(filter.remote_port.as_ref()),
        states: sock_diag::state_bits(states_of_connections(request)),
        ipv4,
        ipv6,
        queues,
        uid: users,
        inode: true,
        timers,
        files: false,
        bound: wants_bound(request),
    }
}

/// The listeners that the program must see, as the kernel's dump lists them.
fn listeners_of_dump(request: &Query) -> Vec<Socket> {
    let request = listeners(request);
    let mut found = TableRows::default();
    let is_tcp = request.tables.sources().any(|table| table.protocol() == Protocol::Tcp);
    if is_tcp {
        let job = DumpJob { kind: DumpKind::BothTcp, states: request.states, shard: None };
        Reader::new(&request).read(&job, &mut found);
    }
    found.sockets
}

/// The same request for listeners, whether it is for these or not.
fn listeners(request: &Query) -> Query {
    let mut request = request.clone();
    request.states = StateSet::NONE.with(State::Listening);
    request.filter.states = None;
    request.filter.listening = false;
    request
}

/// What several threads walk through.
struct Walk<'a> {
    request: &'a Query,
    shared: &'a OnceLock<Option<Pass>>,
    /// The next range of the table of connections.
    next: &'a AtomicUsize,
}

/// What one thread, or all of them, found.
#[derive(Default)]
struct Walked {
    rows: Vec<Socket>,
    /// The network namespace of each of them, if all are wanted.
    namespaces: Vec<u32>,
    /// The own namespace's listeners, wanted or not.
    listeners: Vec<Socket>,
    /// The files of the rows, if they are wanted.
    files: FileFilter,
    /// The tables whose rows are incomplete.
    given_up: Vec<Task>,
}

impl Walk<'_> {
    /// The part of the thread that loaded the program: the small tables, then its share of the connections. Only rows of the small
    /// tables can be alike in all that Windows' order looks at, and keep the order in which they are read.
    fn main(&self, pass: &Pass) -> Walked {
        let mut walked = Walked::default();
        let request = self.request;
        let (mut udp4, mut udp6) = (false, false);
        for table in request.tables.sources() {
            match (table.protocol(), table.family()) {
                (Protocol::Udp, Family::V4) => udp4 = true,
                (Protocol::Udp, Family::V6) => udp6 = true,
                (Protocol::Tcp, _) => {}
            }
        }
        let listeners = listeners(request);
        match pass.slot(0) {
            Ok(mut slot) => {
                let mut rows = Vec::new();
                let all = walk_all(&mut slot, pass.ranges(Task::Listeners), Protocol::Tcp, |socket, row| {
                    let namespace = pass_rows::namespace(row);
                    if request.matches(&socket) {
                        rows.push((socket, namespace));
                        pass_rows::file(row).into_iter().for_each(|file| walked.files.insert(file));
                    }
                    if listeners.matches(&socket) && (request.namespaces.is_own() || namespace == pass.inode as u32) {
                        walked.listeners.push(socket);
                    }
                });
                walked.take(Task::Listeners, rows, all, request);
                if udp4 || udp6 {
                    let mut rows = Vec::new();
                    let all = walk_all(&mut slot, pass.ranges(Task::Udp), Protocol::Udp, |socket, row| {
                        if request.matches(&socket) {
                            rows.push((socket, pass_rows::namespace(row)));
                            pass_rows::file(row).into_iter().for_each(|file| walked.files.insert(file));
                        }
                    });
                    // The kernel dumps IPv4 sockets before IPv6 ones.
                    rows.sort_by_key(|(socket, _)| socket.family);
                    walked.take(Task::Udp, rows, all, request);
                }
                self.walk_connections(pass, &mut slot, &mut walked);
            }
            Err(_) => walked.given_up.extend([Task::Listeners, Task::Udp, Task::Connections]),
        }
        walked
    }

    /// The ports that are bound, if they are wanted.
    fn bound(&self, pass: &Pass) -> Walked {
        let mut walked = Walked::default();
        if !wants_bound(self.request) {
            return walked;
        }
        let mut rows = Vec::new();
        let all = match pass.slot(0) {
            Ok(mut slot) => walk_all(&mut slot, pass.ranges(Task::Bound), Protocol::Tcp, |socket, row| {
                if self.request.matches(&socket) {
                    rows.push((socket, pass_rows::namespace(row)));
                    pass_rows::file(row).into_iter().for_each(|file| walked.files.insert(file));
                }
            }),
            Err(error) => Err(PassError::Refused(error)),
        };
        walked.take(Task::Bound, rows, all, self.request);
        walked
    }

    /// The part of another thread, if the program is loaded by now.
    fn connections(&self, slot: usize) -> Walked {
        let mut walked = Walked::default();
        if let Some(Some(pass)) = self.shared.get()
            && let Ok(mut slot) = pass.slot(slot)
        {
            self.walk_connections(pass, &mut slot, &mut walked);
        }
        walked
    }

    fn walk_connections(&self, pass: &Pass, slot: &mut Slot<'_>, walked: &mut Walked) {
        let is_wanted = !states_of_connections(self.request).is_empty()
            && self.request.tables.sources().any(|table| table.protocol() == Protocol::Tcp);
        if !is_wanted {
            return;
        }
        let ranges: Vec<Range> = pass.ranges(Task::Connections).collect();
        while let Some(range) = ranges.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let is_own = self.request.namespaces.is_own();
            let all = walk_all(slot, [*range], Protocol::Tcp, |socket, row| {
                if self.request.matches(&socket) {
                    walked.rows.push(socket);
                    walked.namespaces.extend((!is_own).then(|| pass_rows::namespace(row)));
                    pass_rows::file(row).into_iter().for_each(|file| walked.files.insert(file));
                }
            });
            if all.is_err() {
                walked.given_up.push(Task::Connections);
                // The others need not go on either.
                self.next.store(ranges.len(), Ordering::Relaxed);
            }
        }
    }
}

fn walk_all(
    slot: &mut Slot<'_>,
    ranges: impl IntoIterator<Item = Range>,
    protocol: Protocol,
    mut each: impl FnMut(Socket, &[u8; ROW]),
) -> Result<(), PassError> {
    let unit = slot.pass.jiffies_per_second;
    for range in ranges {
        slot.walk(&range, |row| {
            if let Some(socket) = pass_rows::parse(row, protocol, unit) {
                each(socket, row);
            }
        })?;
    }
    Ok(())
}

impl Walked {
    /// Takes the rows of a table, if they are all.
    fn take(&mut self, task: Task, rows: Vec<(Socket, u32)>, all: Result<(), PassError>, request: &Query) {
        match all {
            Ok(()) => {
                self.rows.extend(rows.iter().map(|(socket, _)| socket));
                if !request.namespaces.is_own() {
                    self.namespaces.extend(rows.iter().map(|(_, namespace)| namespace));
                }
            }
            Err(_) => self.given_up.push(task),
        }
    }

    fn absorb(&mut self, other: Self) {
        let rows = |walked: &mut Self| TableRows {
            sockets: std::mem::take(&mut walked.rows),
            namespaces: std::mem::take(&mut walked.namespaces),
            ..TableRows::default()
        };
        let mut all = rows(self);
        let mut other = other;
        all.absorb(rows(&mut other));
        (self.rows, self.namespaces) = (all.sockets, all.namespaces);
        self.files.absorb(&other.files);
        self.given_up.extend(other.given_up);
        self.given_up.sort_unstable();
        self.given_up.dedup();
    }

    /// Whether every one of these listeners was seen.
    fn has_all(&self, dumped: &[Socket]) -> bool {
        let key = |socket: &Socket| (socket.local, socket.family, socket.interface, socket.inode);
        let mut seen: Vec<_> = self.listeners.iter().map(key).collect();
        seen.sort_unstable();
        self.given_up.contains(&Task::Listeners) || dumped.iter().all(|socket| seen.binary_search(&key(socket)).is_ok())
    }

    /// The rows, those of tables that were given up from the kernel's dump.
    fn complete(mut self, request: &Query) -> TableRows {
        if self.given_up.contains(&Task::Connections) {
            let is_of_others =
                |socket: &Socket| matches!(socket.state, None | Some(State::Listening | State::Bound | State::Closed));
            self.rows.retain(is_of_others);
        }
        let mut found = TableRows { sockets: self.rows, namespaces: self.namespaces, ..TableRows::default() };
        let mut reader = Reader::new(request);
        for task in self.given_up {
            let mut dump = |kind, states: StateSet| {
                if !states.is_empty() {
                    reader.read(&DumpJob { kind, states, shard: None }, &mut found);
                }
            };
            let tables = |protocol| request.tables.sources().filter(move |table| table.protocol() == protocol);
            match task {
                Task::Listeners => dump(DumpKind::BothTcp, request.states.and(StateSet::NONE.with(State::Listening))),
                Task::Connections => dump(DumpKind::BothTcp, states_of_connections(request)),
                Task::Bound => {
                    let states = request.states.and(StateSet::NONE.with(State::Bound).with(State::Closed));
                    tables(Protocol::Tcp).for_each(|table| dump(DumpKind::Table(table), states));
                }
                Task::Udp => tables(Protocol::Udp).for_each(|table| dump(DumpKind::Table(table), request.states)),
                Task::Describe | Task::Namespaces => {}
            }
        }
        found
    }
}
