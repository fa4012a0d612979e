//! The sockets that are wanted and their owners: on a quiet host one after another, on a busy one by several threads.

use crate::model::owners::OwnerSearch;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Protocol, Socket, State, StateSet};
use crate::platform::linux::owners::search::{self, Early};
use crate::platform::linux::procfs::port_policy;
use crate::platform::linux::procfs::sockstat;
use crate::platform::linux::sockets::bound;
use crate::platform::linux::sockets::partition::{Sample, Share};
use crate::platform::linux::sockets::reader::{Found, GivenUp, Part, Reader, Source};
use crate::request::Query;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More dumps at a time than this gain little: each walks through the whole table.
const DUMPS: usize = 4;
/// After this many rows it is time to ask how many there are.
const ROWS_WORTH_A_QUESTION: usize = 512;
/// A dump that has come further than this is not begun anew.
const ROWS_TOO_MANY_TO_DROP: usize = 4096;
/// So many connections tell how to divide the rest.
const SAMPLE: usize = 256;
/// From this many sockets on a table is divided.
const SOCKETS_WORTH_A_DIVISION: u64 = 6000;

/// What takes how long, in hundredths of the time that it takes to dump one socket.
mod cost {
    /// Dumping a socket.
    pub(crate) const ROW: u64 = 100;
    /// Passing by a socket of another share.
    pub(crate) const PASSED: u64 = 15;
    /// Looking at an open file for its owner, and sorting that. Kernels before 6.9 take four times as long.
    pub(crate) const FILE: u64 = 12;
}

/// Reads the sockets, then their owners: a socket that vanishes in between is nobody's any more, and none is missed.
/// On a busy host both are read at the same time, and the owners that are missing are looked for once more.
pub(crate) fn snapshot(request: &Query, search: OwnerSearch) -> Snapshot {
    let mut found = Found::default();
    let mut early = None;
    let parts = parts(request);
    let mut reader = Reader::new(request);
    for (position, part) in parts.iter().enumerate() {
        let crew = Crew { request, search };
        if let Some(division) = crew.read_or_divide(&mut reader, part, &mut found) {
            early = crew.read_divided(part, division, &parts[position + 1..], &mut found);
            break;
        }
    }
    let Found { sockets, details, mut problems, tcp_from_files } = found;
    problems.extend(bound::untold(request, tcp_from_files));
    let owners = search::find(&sockets, search, early, &mut problems);
    Snapshot { sockets, owners, details, problems, ..Snapshot::default() }
}

/// The dumps that together give every row wanted, each once. Bound sockets come before connections: one that begins to
/// connect meanwhile is seen twice rather than never.
fn parts(request: &Query) -> Vec<Part> {
    let of = |source, states| Part { source, states, share: None };
    // Closed sockets that keep their port are told among the bound ones, and nowhere else.
    let keeping = StateSet::NONE.with(State::Bound).with(State::Closed);
    let (bound, unbound) = match request.states.contains(State::Bound) {
        true => (request.states.and(keeping), request.states.without(State::Bound).without(State::Closed)),
        false => (StateSet::NONE, request.states),
    };
    let (tcp, udp): (Vec<_>, Vec<_>) = request.tables.sources().partition(|table| table.protocol() == Protocol::Tcp);
    let mut parts = Vec::new();
    if !bound.is_empty() {
        parts.extend(tcp.iter().map(|&table| of(Source::Table(table), bound)));
    }
    if !unbound.is_empty() {
        match tcp[..] {
            [] => {}
            [table] => parts.push(of(Source::Table(table), unbound)),
            _ => parts.push(of(Source::BothTcp, unbound)),
        }
    }
    parts.extend(udp.into_iter().map(|table| of(Source::Table(table), request.states)));
    parts
}

/// How the largest table is to be read.
struct Division {
    /// At most one for each thread.
    shares: Vec<Share>,
    threads: usize,
}

/// Those who read a busy host's tables.
struct Crew<'a> {
    request: &'a Query,
    search: OwnerSearch,
}

impl Crew<'_> {
    /// Reads a part alone; where it turns out to be large, says instead how it is to be divided.
    fn read_or_divide(&self, reader: &mut Reader<'_>, part: &Part, found: &mut Found) -> Option<Division> {
        let mut sample = Sample::default();
        let mut division = None;
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
            division = self.divide(std::mem::take(&mut sample));
            if division.is_some() { Err(GivenUp) } else { Ok(()) }
        };
        let _ = reader.read_watched(part, found, &mut watch);
        division
    }

    /// A division of the table from which the sample is; `None` where none pays.
    fn divide(&self, sample: Sample) -> Option<Division> {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let sockets = sockstat::sockets(&read(sockstat::SOCKETS));
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(DUMPS));
        if sockets < SOCKETS_WORTH_A_DIVISION || threads < 2 {
            return None;
        }
        let files = if self.search == OwnerSearch::Skip { 0 } else { sockstat::files(&read(sockstat::FILES)) };
        let shares = sample.divide(&weights(threads as u64, sockets, files), port_policy::ephemeral().as_ref())?;
        Some(Division { shares, threads })
    }

    /// Reads the shares of a part, the rest of the parts and the owners, all at the same time.
    fn read_divided(&self, part: &Part, division: Division, rest: &[Part], found: &mut Found) -> Option<Early> {
        let mut shares = division.shares.into_iter().map(|share| Part { share: Some(share), ..part.clone() });
        let own = shares.next();
        // The last share is the smallest, perhaps there is none: its thread looks for owners first.
        let mut others: Vec<Option<Part>> = shares.map(Some).collect();
        others.resize(division.threads - 1, None);
        let next = AtomicUsize::new(0);
        let work = &|own: &Option<Part>, found: &mut Found| {
            let mut reader = Reader::new(self.request);
            own.iter().for_each(|part| reader.read(part, found));
            while let Some(part) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                reader.read(part, found);
            }
        };
        std::thread::scope(|scope| {
            let (mut spawned, mut refused) = (Vec::new(), Vec::new());
            for (position, share) in others.iter().enumerate() {
                let looks_for_owners = position + 1 == others.len() && self.search != OwnerSearch::Skip;
                let thread = std::thread::Builder::new().spawn_scoped(scope, move || {
                    let early = if looks_for_owners { Early::search() } else { None };
                    let mut found = Found::default();
                    work(share, &mut found);
                    (found, early)
                });
                match thread {
                    Ok(thread) => spawned.push(thread),
                    Err(_) => refused.push(share),
                }
            }
            work(&own, found);
            refused.into_iter().for_each(|share| work(share, found));
            let mut early = None;
            for thread in spawned {
                // The panic of a thread has been told of already, and is the program's own.
                let (part, owners) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                found.absorb(part);
                early = early.or(owners);
            }
            early
        })
    }
}

/// Divides the dump of so many sockets among the threads, so that all are ready at the same time; the last one also looks
/// through so many files for owners. Where that takes long it does nothing else, which spares a walk through the table.
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

    fn sources(request: &Query) -> Vec<(Source, StateSet)> {
        parts(request).into_iter().map(|part| (part.source, part.states)).collect()
    }

    #[test]
    fn both_families_of_tcp_are_one_dump_and_bound_sockets_are_asked_for_apart() {
        let mut request = Query::everything();
        let (all, bound) = (StateSet::ALL, StateSet::NONE.with(State::Bound).with(State::Closed));
        assert_eq!(
            sources(&request),
            [
                (Source::Table(Table::Tcp4), bound),
                (Source::Table(Table::Tcp6), bound),
                (Source::BothTcp, all.without(State::Bound).without(State::Closed)),
                (Source::Table(Table::Udp4), all),
                (Source::Table(Table::Udp6), all),
            ]
        );
        request.states = all.without(State::Bound);
        request.tables = TableSet::NONE.with(Table::Tcp4);
        assert_eq!(sources(&request), [(Source::BothTcp, request.states)]);
        request.tables = TableSet::NONE.with(Table::Tcp6);
        assert_eq!(sources(&request), [(Source::Table(Table::Tcp6), request.states)]);
        request.tables = TableSet::NONE.with(Table::Udp6);
        assert_eq!(sources(&request), [(Source::Table(Table::Udp6), request.states)]);
        request.states = StateSet::NONE;
        request.tables = TableSet::NONE.with(Table::Tcp4);
        assert_eq!(sources(&request), []);
    }

    #[test]
    fn the_one_who_looks_for_owners_dumps_less_or_nothing() {
        assert_eq!(weights(2, 100_000, 0), [5_000_000, 5_000_000]);
        assert_eq!(weights(2, 100_000, 600_000), [1, 0]);
        let few_files = weights(2, 100_000, 30_000);
        assert!(few_files[0] > few_files[1] && few_files[1] > 0, "{few_files:?}");
        assert_eq!(weights(4, 100_000, 1_000_000), [1, 1, 1, 0]);
    }
}
