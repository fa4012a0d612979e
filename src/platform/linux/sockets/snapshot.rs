//! The sockets that are wanted and their owners: on a quiet host one after another, on a busy host by several threads.

use crate::filter::Filter;
use crate::model::details::WantedDetails;
use crate::model::owners::OwnerSearch;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Protocol, Socket, State, StateSet};
use crate::platform::linux::bpf::pass_reader;
use crate::platform::linux::namespaces;
use crate::platform::linux::netlink::socket::Netlink;
use crate::platform::linux::owners::inode_set::InodeSet;
use crate::platform::linux::owners::search::{self, EagerOwners};
use crate::platform::linux::procfs::port_policy;
use crate::platform::linux::procfs::sockstat;
use crate::platform::linux::sockets::bound;
use crate::platform::linux::sockets::partition::{PortSample, PortShard};
use crate::platform::linux::sockets::pressure;
use crate::platform::linux::sockets::reader::{Cancelled, DumpJob, DumpKind, Reader, TableRows};
use crate::platform::linux::sockets::sock_diag;
use crate::request::{Query, RowFacts, SocketSource, Sources};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More concurrent dumps than this gain little: each walks through the whole table.
const DUMPS: usize = 4;
/// After this many rows it is worth reading how many sockets there are.
const ROWS_WORTH_A_QUESTION: usize = 512;
/// A dump that has returned more rows than this is not restarted.
const ROWS_TOO_MANY_TO_DROP: usize = 4096;
/// The number of connections from whose ports a partition is made.
const SAMPLE: usize = 256;
/// From this many sockets on a table is partitioned.
const SOCKETS_WORTH_A_PARTITION: u64 = 6000;

/// Up to this many sockets are looked up one by one: a dump walks through the whole table.
const LOOKUPS: usize = 64;

/// Costs, in hundredths of the time that it takes to dump one socket.
mod cost {
    /// Dumping a socket.
    pub(crate) const ROW: u64 = 100;
    /// Skipping a socket of another shard.
    pub(crate) const PASSED: u64 = 15;
    /// Reading an open file and sorting its owner. Kernels before 6.9 take four times as long.
    pub(crate) const FILE: u64 = 12;
}

/// Reads the sockets, then their owners: a socket that is closed in between has no owner any more, and none is missed. On a busy
/// host both are read at the same time, and missing owners are searched for once more.
pub(crate) fn snapshot(request: &Query, search: OwnerSearch) -> Snapshot {
    if !request.namespaces.is_own() {
        return namespaces::read::snapshot(request, search);
    }
    let (found, eager) = match pass_reader::read(request, search) {
        Ok(passed) => (passed.rows, passed.eager),
        Err(declined) if request.sources.sockets == SocketSource::Bpf => {
            let message = format!("the kernel's socket tables cannot be read by an eBPF program: {declined}");
            let problems = vec![Problem::new(ProblemKind::TableUnreadable, message)];
            (TableRows { problems, ..TableRows::default() }, None)
        }
        Err(_) => dump(request, search),
    };
    let TableRows { sockets, details, tcp_info, namespaces: _, mut problems, tcp_from_file } = found;
    let unlisted = bound::why_unlisted(request, tcp_from_file);
    // If a whole table is missing, that has been said.
    if !problems.iter().any(|problem| problem.kind == ProblemKind::TableUnreadable) {
        problems.extend(unlisted.map(bound::unlisted));
    }
    let bound_ports_listed = unlisted.is_none();
    let still_there = |sockets: &[Socket]| still_there(sockets, request.sources);
    let found = search::find(&sockets, search, request.sources.owners, eager, still_there, &mut problems);
    let search::Search { owners, refused } = match found {
        Ok(found) => found,
        Err(problem) => return Snapshot { problems: vec![problem], ..Snapshot::default() },
    };
    let pressure = if request.details.pressure { pressure::read(&sockets, request.sources) } else { HashMap::new() };
    Snapshot { sockets, owners, details, tcp_info, pressure, refused, bound_ports_listed, problems, ..Snapshot::default() }
}

/// Reads the tables by the kernel's dumps, and a busy host's owners at the same time.
fn dump(request: &Query, search: OwnerSearch) -> (TableRows, Option<EagerOwners>) {
    let mut found = TableRows::default();
    let mut eager = None;
    let jobs = jobs(request);
    let mut reader = Reader::new(request);
    for (position, job) in jobs.iter().enumerate() {
        let parallel = ParallelReader { request, search };
        if let Some(partition) = parallel.read_or_partition(&mut reader, job, &mut found) {
            eager = parallel.read_partitioned(job, partition, jobs.get(position + 1..).unwrap_or_default(), &mut found);
            break;
        }
    }
    (found, eager)
}

/// The inodes of those of some sockets that exist now.
fn still_there(sockets: &[Socket], sources: Sources) -> InodeSet {
    let mut found = match sources.sockets {
        SocketSource::Auto | SocketSource::Bpf | SocketSource::Netlink => look_up(sockets),
        SocketSource::Proc => Vec::new(),
    };
    // What was not found may be one of several sockets that share a port.
    let rest: Vec<Socket> = sockets.iter().filter(|socket| !found.contains(&socket.inode)).copied().collect();
    if !rest.is_empty() {
        found.extend(dump_again(&rest, sources));
    }
    found.into_iter().collect()
}

/// The inodes of those of a few sockets that the kernel finds by their ends, without walking through its tables.
fn look_up(sockets: &[Socket]) -> Vec<u32> {
    if sockets.len() > LOOKUPS {
        return Vec::new();
    }
    let Ok(mut netlink) = Netlink::open(rustix::net::netlink::SOCK_DIAG) else { return Vec::new() };
    let mut is_there = |socket: &&Socket| {
        let encode = |sequence| sock_diag::lookup_request(socket, WantedDetails::NONE, sequence);
        let parse = |kind, payload: &[u8]| sock_diag::parse(payload, socket.protocol).filter(|_| kind == sock_diag::BY_FAMILY);
        netlink.get(encode, parse).is_ok_and(|found| found.inode == socket.inode)
    };
    sockets.iter().filter(|socket| is_there(socket)).map(|socket| socket.inode).collect()
}

/// The inodes of those of some sockets that exist now: their ports are read again.
fn dump_again(sockets: &[Socket], sources: Sources) -> Vec<u32> {
    let keeps_port = |socket: &Socket| matches!(socket.state, Some(State::Bound | State::Closed));
    let request = Query {
        // Their states may have changed meanwhile.
        states: if sockets.iter().any(keeps_port) { StateSet::ALL } else { StateSet::ALL.without(State::Bound) },
        filter: Filter {
            local_port: Some(sockets.iter().map(|socket| socket.local.port..=socket.local.port).collect()),
            ..Filter::default()
        },
        tables: sockets.iter().map(Socket::table).collect(),
        facts: RowFacts::NONE,
        sources,
        ..Query::everything()
    };
    let found = match pass_reader::read(&request, OwnerSearch::Skip) {
        Ok(passed) => passed.rows,
        Err(_) => dump(&request, OwnerSearch::Skip).0,
    };
    let sought = InodeSet::of(sockets);
    found.sockets.iter().map(|socket| socket.inode).filter(|&inode| sought.contains(inode)).collect()
}

/// The dumps that together return every wanted row once. Bound sockets come before connections: one that begins to connect
/// meanwhile is seen twice rather than never.
pub(crate) fn jobs(request: &Query) -> Vec<DumpJob> {
    let of = |kind, states| DumpJob { kind, states, shard: None };
    // Closed sockets that keep their port are dumped with the bound ones only.
    let keeping = StateSet::NONE.with(State::Bound).with(State::Closed);
    let (bound, unbound) = match request.states.contains(State::Bound) {
        true => (request.states.and(keeping), request.states.without(State::Bound).without(State::Closed)),
        false => (StateSet::NONE, request.states),
    };
    let (tcp, udp): (Vec<_>, Vec<_>) = request.tables.sources().partition(|table| table.protocol() == Protocol::Tcp);
    let mut jobs = Vec::new();
    if !bound.is_empty() {
        jobs.extend(tcp.iter().map(|&table| of(DumpKind::Table(table), bound)));
    }
    if !unbound.is_empty() {
        match tcp[..] {
            [] => {}
            [table] => jobs.push(of(DumpKind::Table(table), unbound)),
            _ => jobs.push(of(DumpKind::BothTcp, unbound)),
        }
    }
    jobs.extend(udp.into_iter().map(|table| of(DumpKind::Table(table), request.states)));
    jobs
}

/// How the largest table is read.
struct Partition {
    /// At most one for each thread.
    shards: Vec<PortShard>,
    threads: usize,
}

/// Reads the tables of a busy host by several threads.
struct ParallelReader<'a> {
    request: &'a Query,
    search: OwnerSearch,
}

impl ParallelReader<'_> {
    /// Runs a job; if its table turns out to be large, returns a partition instead.
    fn read_or_partition(&self, reader: &mut Reader<'_>, job: &DumpJob, found: &mut TableRows) -> Option<Partition> {
        let mut sample = PortSample::default();
        let mut partition = None;
        let mut decided = false;
        let mut watch = |socket: &Socket, rows: usize| {
            if decided || rows > ROWS_TOO_MANY_TO_DROP {
                return Ok(());
            }
            sample.add(socket);
            if rows < ROWS_WORTH_A_QUESTION || sample.len() < SAMPLE {
                return Ok(());
            }
            decided = true;
            partition = self.divide(std::mem::take(&mut sample));
            if partition.is_some() { Err(Cancelled) } else { Ok(()) }
        };
        let _ = reader.read_watched(job, found, &mut watch);
        partition
    }

    /// A partition of the table that was sampled; `None` if none is worthwhile.
    fn divide(&self, sample: PortSample) -> Option<Partition> {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let sockets = sockstat::sockets(&read(sockstat::SOCKETS));
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(DUMPS));
        if sockets < SOCKETS_WORTH_A_PARTITION || threads < 2 {
            return None;
        }
        let files = if self.search == OwnerSearch::Skip { 0 } else { sockstat::files(&read(sockstat::FILES)) };
        let shards = sample.divide(&weights(threads as u64, sockets, files), port_policy::ephemeral().as_ref())?;
        Some(Partition { shards, threads })
    }

    /// Reads the shards of a job, the remaining jobs and the owners concurrently.
    fn read_partitioned(
        &self,
        job: &DumpJob,
        partition: Partition,
        rest: &[DumpJob],
        found: &mut TableRows,
    ) -> Option<EagerOwners> {
        let mut shards = partition.shards.into_iter().map(|shard| DumpJob { shard: Some(shard), ..job.clone() });
        let own = shards.next();
        // The last shard is the smallest, or there is none: its thread searches for owners first.
        let mut others: Vec<Option<DumpJob>> = shards.map(Some).collect();
        others.resize(partition.threads - 1, None);
        let next = AtomicUsize::new(0);
        let work = &|own: &Option<DumpJob>, found: &mut TableRows| {
            let mut reader = Reader::new(self.request);
            own.iter().for_each(|job| reader.read(job, found));
            while let Some(job) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                reader.read(job, found);
            }
        };
        std::thread::scope(|scope| {
            let (mut spawned, mut refused) = (Vec::new(), Vec::new());
            for (position, shard) in others.iter().enumerate() {
                let looks_for_owners = position + 1 == others.len() && self.search != OwnerSearch::Skip;
                let thread = std::thread::Builder::new().spawn_scoped(scope, move || {
                    let eager = if looks_for_owners { EagerOwners::search(self.request.sources.owners) } else { None };
                    let mut found = TableRows::default();
                    work(shard, &mut found);
                    (found, eager)
                });
                match thread {
                    Ok(thread) => spawned.push(thread),
                    Err(_) => refused.push(shard),
                }
            }
            work(&own, found);
            refused.into_iter().for_each(|shard| work(shard, found));
            let mut eager = None;
            for thread in spawned {
                // The panic hook has reported it already.
                let (job, owners) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                found.absorb(job);
                eager = eager.or(owners);
            }
            eager
        })
    }
}

/// The shares of threads in the dump of this many sockets, so that all end at the same time; the last thread also reads this many
/// files for owners. If that takes long it does nothing else, which saves a walk through the table.
fn weights(threads: u64, sockets: u64, files: u64) -> Vec<u64> {
    let dump = sockets.saturating_mul(cost::ROW);
    let pass = sockets.saturating_mul(cost::PASSED);
    let owners = files.saturating_mul(cost::FILE);
    let all_dump = owners.max(pass.saturating_add(dump.saturating_add(owners) / threads));
    let others = threads - 1;
    let others_dump = owners.max(dump / others + if others > 1 { pass } else { 0 });
    let mut weights = vec![1; threads as usize];
    if let Some((last, first)) = weights.split_last_mut() {
        if others_dump <= all_dump {
            *last = 0;
        } else {
            first.fill(all_dump.saturating_sub(pass));
            *last = all_dump.saturating_sub(pass).saturating_sub(owners);
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::{Table, TableSet};

    fn kinds(request: &Query) -> Vec<(DumpKind, StateSet)> {
        jobs(request).into_iter().map(|job| (job.kind, job.states)).collect()
    }

    #[test]
    fn both_families_of_tcp_are_one_dump_and_bound_sockets_are_dumped_separately() {
        let mut request = Query::everything();
        let (all, bound) = (StateSet::ALL, StateSet::NONE.with(State::Bound).with(State::Closed));
        assert_eq!(
            kinds(&request),
            [
                (DumpKind::Table(Table::Tcp4), bound),
                (DumpKind::Table(Table::Tcp6), bound),
                (DumpKind::BothTcp, all.without(State::Bound).without(State::Closed)),
                (DumpKind::Table(Table::Udp4), all),
                (DumpKind::Table(Table::Udp6), all),
            ]
        );
        request.states = all.without(State::Bound);
        request.tables = TableSet::NONE.with(Table::Tcp4);
        assert_eq!(kinds(&request), [(DumpKind::BothTcp, request.states)]);
        request.tables = TableSet::NONE.with(Table::Tcp6);
        assert_eq!(kinds(&request), [(DumpKind::Table(Table::Tcp6), request.states)]);
        request.tables = TableSet::NONE.with(Table::Udp6);
        assert_eq!(kinds(&request), [(DumpKind::Table(Table::Udp6), request.states)]);
        request.states = StateSet::NONE;
        request.tables = TableSet::NONE.with(Table::Tcp4);
        assert_eq!(kinds(&request), []);
    }

    #[test]
    fn the_thread_that_searches_for_owners_dumps_less_or_nothing() {
        assert_eq!(weights(2, 100_000, 0), [5_000_000, 5_000_000]);
        assert_eq!(weights(2, 100_000, 600_000), [1, 0]);
        let few_files = weights(2, 100_000, 30_000);
        assert!(few_files[0] > few_files[1] && few_files[1] > 0, "{few_files:?}");
        assert_eq!(weights(4, 100_000, 1_000_000), [1, 1, 1, 0]);
    }
}
