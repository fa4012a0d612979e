//! What happens to sockets while they are watched (`--events`): from reads that follow each other, and from what the system says of
//! connections that are closed in between.
//!
//! A pure function of what was read and told so far: it reads nothing itself.

use super::Moment;
use super::changes::{Difference, Group, Groups, Key, Owner, RowFacts, differences};
use super::row::Row;
use crate::filter::Filter;
use crate::model::closed::{ClosedBatch, ClosedConnection, LastFigures};
use crate::model::owners::OwnerStatus;
use crate::model::socket::{Pid, Socket, State, StateSet, TableSet};
use crate::model::time::rfc3339;
use crate::request::{Query, View};
use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it was read or told, in milliseconds since 1970.
    pub time_ms: u64,
    /// What is different.
    pub difference: Difference,
    /// What a TCP connection counted until its end, if the system said so.
    pub last: Option<LastFigures>,
    /// Whether a read has seen it before: not a connection that was opened and closed between two reads.
    pub was_seen: bool,
}

/// What one read gave.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// When it began, in milliseconds since 1970.
    pub time_ms: u64,
    /// The sockets.
    pub groups: Groups,
    /// The tables that rows may be missing from.
    pub missing: TableSet,
}

/// Connections that were reported as closed before the system said so, and whose end is still to be told.
const MOST_TOLD: usize = 1 << 16;

/// What is known of the sockets after the last read and what was told since.
#[derive(Debug)]
pub struct EventLog {
    query: Query,
    known: Groups,
    /// The tables that were never read whole.
    unread: TableSet,
    is_first: bool,
    /// The keys of connections by their cookies, made when the first one is asked for.
    by_cookie: Option<HashMap<NonZeroU64, Key>>,
    /// Connections that the last read lacked and whose end was not told: a dump may pass over a row.
    lacking: HashSet<NonZeroU64>,
    told: Told,
}

/// The connections whose end was reported before the system told it, the oldest first. Some that were told meanwhile are among them.
#[derive(Debug, Default)]
struct Told {
    cookies: HashSet<NonZeroU64>,
    order: VecDeque<NonZeroU64>,
}

impl Told {
    fn insert(&mut self, cookie: NonZeroU64) {
        if self.cookies.insert(cookie) {
            self.order.push_back(cookie);
        }
        while self.order.len() > MOST_TOLD {
            if let Some(oldest) = self.order.pop_front() {
                self.cookies.remove(&oldest);
            }
        }
    }
}

impl EventLog {
    /// Nothing is known yet. `query` says which sockets are wanted.
    pub fn new(query: Query) -> Self {
        Self {
            query,
            known: Groups::default(),
            unread: TableSet::ALL,
            is_first: true,
            by_cookie: None,
            lacking: HashSet::new(),
            told: Told::default(),
        }
    }

    /// What happened until a read, which began before `closed` was taken: nothing, if it is the first one. `is_told` says
    /// whether the end of a connection that the read lacks is told, now or soon.
    pub fn observe(&mut self, read: Read, closed: ClosedBatch, is_told: bool, device: &mut Devices<'_>) -> Vec<Event> {
        let Read { time_ms, groups, missing } = read;
        let mut events = Vec::new();
        if std::mem::replace(&mut self.is_first, false) {
            self.known = groups;
            self.unread = missing;
            // What was closed before the read is no event; what was closed during it was seen, if anything of it was.
            let seen = self.hear(closed, device);
            events.extend(seen.into_iter().filter(|event| event.was_seen));
            return events;
        }
        let is_whole = !closed.is_incomplete;
        let mut ends: HashMap<NonZeroU64, ClosedConnection> =
            closed.connections.iter().map(|connection| (connection.cookie, *connection)).collect();
        let found = differences(&self.known, &groups, self.unread, missing);
        let mut next = groups;
        // What is missing from a table may be there still.
        if !missing.is_empty() {
            for (key, group) in self.known.iter().filter(|(key, _)| missing.contains(key.table())) {
                next.keep(key, group);
            }
        }
        let lacking = std::mem::take(&mut self.lacking);
        for difference in found {
            let cookie = difference.before.as_ref().and_then(|before| before.cookie).filter(|_| difference.key.remote.is_some());
            let (Some(cookie), None) = (cookie, &difference.after) else {
                events.push(Event { time_ms, difference, last: None, was_seen: true });
                continue;
            };
            if let Some(end) = ends.remove(&cookie) {
                events.push(Event { time_ms: end.time_ms, difference, last: Some(end.last), was_seen: true });
                continue;
            }
            let is_kept = is_told && is_whole && !lacking.contains(&cookie);
            let before = difference.before.as_ref().filter(|_| is_kept);
            if before.is_some_and(|before| next.keep(&difference.key, before)) {
                self.lacking.insert(cookie);
                continue;
            }
            self.told.insert(cookie);
            events.push(Event { time_ms, difference, last: None, was_seen: true });
        }
        events.retain(|event| event.difference.is_wanted());
        self.known = next;
        self.unread = self.unread.and(missing);
        self.by_cookie = None;
        let rest = closed.connections.into_iter().filter(|connection| ends.contains_key(&connection.cookie)).collect();
        events.extend(self.hear(ClosedBatch { connections: rest, ..ClosedBatch::default() }, device));
        events
    }

    /// What the system told between two reads.
    pub fn hear(&mut self, closed: ClosedBatch, device: &mut Devices<'_>) -> Vec<Event> {
        let mut events: Vec<Event> =
            closed.connections.iter().filter_map(|connection| self.event_of(connection, device)).collect();
        events.retain(|event| event.difference.is_wanted());
        events
    }

    fn event_of(&mut self, closed: &ClosedConnection, device: &mut Devices<'_>) -> Option<Event> {
        if self.told.cookies.remove(&closed.cookie) {
            return None;
        }
        let known = &mut self.known;
        let by_cookie = self.by_cookie.get_or_insert_with(|| known.keys_by_cookie());
        let (key, before, was_seen) = match by_cookie.remove(&closed.cookie) {
            Some(key) => {
                let before = known.remove(&key)?;
                (key, before, true)
            }
            None => (Key::of(&closed.socket, None, device_of(&closed.socket, device)), self.unseen(closed), false),
        };
        let difference = Difference { key, before: Some(before), after: None, changes: Vec::new() };
        Some(Event { time_ms: closed.time_ms, difference, last: Some(closed.last), was_seen })
    }

    /// A connection of which nothing is known but its end. It had been established if a round-trip time was measured.
    fn unseen(&self, closed: &ClosedConnection) -> Group {
        let was_established = closed.last.rtt_us.is_some();
        let state = if was_established { State::Established } else { State::Closed };
        let socket = Socket { state: Some(state), ..closed.socket };
        // Whose it was is not known any more.
        let is_wanted = !Self::needs_owners(&self.query.filter) && self.query.matches(&socket);
        let owners: Arc<[Owner]> = Arc::from([]);
        let row = RowFacts {
            socket: &closed.socket,
            cookie: Some(closed.cookie),
            owners: &owners,
            owner_status: OwnerStatus::Gone,
            may_have_more_owners: false,
            is_wanted,
        };
        Group::of(&row)
    }

    /// Whether a filter asks what is not known of a connection that no read has seen.
    pub fn needs_owners(filter: &Filter) -> bool {
        !filter.owners.is_empty() || !filter.users.is_empty() || !filter.conditions.is_empty()
    }
}

/// The names of interfaces by their indices.
pub type Devices<'a> = dyn FnMut(u32) -> Arc<str> + 'a;

fn device_of(socket: &Socket, device: &mut Devices<'_>) -> Option<Arc<str>> {
    (socket.interface != 0).then(|| device(socket.interface))
}

/// What has to be read for these events: also the sockets that do not match what may change of a socket. They are followed too, so
/// that one that ceases to match is not taken for one that was closed.
pub fn query_to_read(query: &Query) -> Query {
    let mut query = query.clone();
    query.filter.states = None;
    query.filter.users = crate::filter::selector::Selector::default();
    if !query.filter.listening && query.filter.exposure.is_none() {
        query.states = query.states.or(StateSet::ALL.without(State::Bound));
    }
    // It counts as closed. A system that lists none of them is not incomplete for that.
    query.states = query.states.without(State::TimeWait);
    query
}

/// The sockets of a moment that was read by [`query_to_read`], each with whether `query` wants it.
pub fn groups(moment: &Moment, query: &Query, device: &mut Devices<'_>) -> Groups {
    let Some(snapshot) = moment.snapshot() else { return Groups::default() };
    let positions: Vec<u32> = (0..).take(snapshot.sockets.len()).collect();
    let mut matching = vec![false; snapshot.sockets.len()];
    for &row in moment.rows(View::Sockets).positions() {
        if let Some(matches) = matching.get_mut(row as usize) {
            *matches = true;
        }
    }
    let mut owners = OwnerCache::default();
    let may_have_more_owners = moment.owners_complete() != Some(true);
    let mut groups = Groups::with_capacity(snapshot.sockets.len());
    for (row, matches) in moment.rows(View::Sockets).at(&positions).iter().zip(matching) {
        let socket = row.socket;
        let key = Key::of(socket, None, device_of(socket, device));
        let facts = RowFacts {
            socket,
            cookie: row.details().cookie,
            owners: owners.of(row),
            owner_status: row.owners().status,
            may_have_more_owners,
            is_wanted: matches && query.matches(socket),
        };
        groups.add(key, &facts);
    }
    groups
}

/// The owners of rows, each list once.
#[derive(Default)]
struct OwnerCache {
    of_one: HashMap<Option<Pid>, Arc<[Owner]>>,
    of_several: HashMap<Vec<Pid>, Arc<[Owner]>>,
}

impl OwnerCache {
    fn of(&mut self, row: Row<'_>) -> &Arc<[Owner]> {
        let owner = |pid: Pid| {
            let process = row.process(pid);
            Owner {
                pid,
                name: process.map(|process| process.name.to_string_lossy().into_owned()),
                start_time: process.and_then(|process| rfc3339(process.started?)),
            }
        };
        let mut pids = row.owners().pids();
        match (pids.next(), pids.next()) {
            (first, None) => self.of_one.entry(first).or_insert_with(|| first.into_iter().map(owner).collect()),
            (_, Some(_)) => {
                let pids: Vec<Pid> = row.owners().pids().collect();
                self.of_several.entry(pids).or_insert_with_key(|pids| pids.iter().copied().map(owner).collect())
            }
        }
    }
}

/// The tables of a moment that rows may be missing from.
pub fn missing(moment: &Moment) -> TableSet {
    let hiding = moment.problems.iter().filter(|problem| problem.kind.hides_sockets());
    hiding.fold(TableSet::NONE, |tables, problem| tables.or(problem.tables))
}

#[cfg(test)]
mod tests;
