//! Comparing two documents.

use super::recorded::{Owner, Recorded, RecordedProblem, RecordedSocket, Refused, Selection};
use crate::filter::Filter;
use crate::model::socket::{Endpoint, Protocol, Socket, State};
use crate::request::Query;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, in the order of their keys.
    pub differences: Vec<Difference>,
    /// What is missing from the documents where it matters: each with the name of its document.
    pub missing: Vec<String>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is compared.
    pub key: Key,
    /// What there was before; `None` if it was opened.
    pub before: Option<Group>,
    /// What there is after; `None` if it was closed.
    pub after: Option<Group>,
    /// What changed, if both are there.
    pub changes: Vec<Change>,
}

/// What changed of something that is in both documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The processes that own it: a restarted service has other PIDs.
    Owner,
    /// The TCP state.
    State,
    /// The longest queue that a listener allows.
    Backlog,
    /// How many sockets share the address and port.
    Sockets,
}

impl Change {
    /// The fixed word of every format.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::State => "state",
            Self::Backlog => "backlog",
            Self::Sockets => "sockets",
        }
    }
}

/// What makes sockets of two documents the same: not the process, so that a service that was restarted is one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The network namespace; `None` for the own one.
    pub namespace: Option<String>,
    /// The protocol.
    pub protocol: Protocol,
    /// The local end.
    pub local: Endpoint,
    /// The interface.
    pub device: Option<String>,
    /// The remote end, for a connection.
    pub remote: Option<Endpoint>,
}

/// The sockets with one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub sockets: usize,
    /// Their states.
    pub states: BTreeSet<State>,
    /// The longest queue that a TCP listener among them allows.
    pub backlog: Option<u32>,
    /// The processes that own any of them.
    pub owners: BTreeSet<Owner>,
    /// Whether every owner of each is known.
    pub owners_are_known: bool,
    inodes: BTreeSet<u32>,
}

/// Compares two documents. `query` says which of their sockets; TIME_WAIT counts as closed.
pub fn compare(earlier: &Recorded, later: &Recorded, query: &Query, other_host: bool) -> Result<Comparison, Refused> {
    check(earlier, later, query, other_host)?;
    let (before, after) = (groups(earlier, query), groups(later, query));
    let missing_before = missing(earlier, query);
    let missing_after = missing(later, query);
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let mut differences = Vec::new();
    for key in keys {
        let (before, after) = (before.get(key), after.get(key));
        let changes = match (before, after) {
            // What is missing from an incomplete document may be there.
            (None, _) if !missing_before.is_empty() => continue,
            (_, None) if !missing_after.is_empty() => continue,
            (Some(before), Some(after)) => match changes(before, after) {
                changes if changes.is_empty() => continue,
                changes => changes,
            },
            _ => Vec::new(),
        };
        differences.push(Difference { key: key.clone(), before: before.cloned(), after: after.cloned(), changes });
    }
    Ok(Comparison { differences, missing: [missing_before, missing_after].concat() })
}

/// Refuses documents that cannot be compared, with the reason.
fn check(earlier: &Recorded, later: &Recorded, query: &Query, other_host: bool) -> Result<(), Refused> {
    let unknown = "an unknown host".to_owned();
    let [before, after] = [earlier, later].map(|document| document.head.host.as_ref());
    if before != after && !other_host {
        let [before, after] = [before, after].map(|host| host.unwrap_or(&unknown));
        return Err(Refused::new(format!(
            "{} is of {before} and {} of {after}: --other-host compares them anyway",
            earlier.name, later.name
        )));
    }
    let (Some(one), Some(other)) = (&earlier.head.selection, &later.head.selection) else { return Ok(()) };
    if one.filters != other.filters {
        let written = |selection: &Selection| match selection.filters.as_slice() {
            [] => "no filter".to_owned(),
            filters => filters.join(" "),
        };
        return Err(Refused::new(format!(
            "{} was made with {} and {} with {}: only documents with the same filters can be compared",
            earlier.name,
            written(one),
            later.name,
            written(other)
        )));
    }
    if one.namespaces != other.namespaces {
        return Err(Refused::new(format!(
            "{} has the sockets of {} network namespaces and {} of {}: use --all-namespaces for both or for none",
            earlier.name, one.namespaces, later.name, other.namespaces
        )));
    }
    let wanted = Selected::by(query);
    for document in [earlier, later] {
        if let Some(lacking) = document.head.selection.as_ref().and_then(|selection| wanted.lacking(selection)) {
            return Err(Refused::new(format!(
                "{} does not list {lacking}: make it with the same switches, as 'rnetstat -a --json'",
                document.name
            )));
        }
    }
    Ok(())
}

/// The words for the sockets that a query wants, as they stand in the head of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// The tables.
    pub tables: Vec<String>,
    /// The TCP states.
    pub states: Vec<&'static str>,
    /// The UDP sockets.
    pub udp: &'static str,
}

impl Selected {
    /// The words for a query.
    pub fn by(query: &Query) -> Self {
        Self {
            tables: query.tables.iter().map(|table| table.to_string()).collect(),
            states: State::ALL.into_iter().filter(|&state| query.states.contains(state)).map(State::word).collect(),
            udp: query.udp.word(),
        }
    }

    /// What of it a document does not list.
    fn lacking(&self, listed: &Selection) -> Option<String> {
        let has = |list: &[String], word: &str| list.iter().any(|listed| listed == word);
        let table = self.tables.iter().find(|table| !has(&listed.tables, table)).cloned();
        let has_tcp = self.tables.iter().any(|table| table.starts_with("TCP"));
        let has_udp = self.tables.iter().any(|table| table.starts_with("UDP"));
        let state = || self.states.iter().find(|state| has_tcp && !has(&listed.states, state)).map(|&state| state.to_owned());
        let udp = || (has_udp && listed.udp != "all" && listed.udp != self.udp).then(|| format!("{} UDP sockets", self.udp));
        table.or_else(state).or_else(udp)
    }
}

/// The problems because of which sockets that are compared may be missing.
fn missing(document: &Recorded, query: &Query) -> Vec<String> {
    let matters = |problem: &&RecordedProblem| match problem.code.as_str() {
        "table-unreadable" | "table-incomplete" | "filter-undecided" | "namespaces-hidden" => true,
        "bound-ports-unlisted" => query.states.contains(State::Bound),
        _ => false,
    };
    let problems = document.head.problems.iter().filter(matters);
    problems.map(|problem| format!("{}: {}", document.name, problem.message)).collect()
}

fn groups(document: &Recorded, query: &Query) -> BTreeMap<Key, Group> {
    // The filters were applied when the document was made.
    let query = Query { filter: Filter::default(), ..query.clone() };
    let every_owner = document.head.owners_complete == Some(true);
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    let is_compared =
        |recorded: &&RecordedSocket| query.matches(&recorded.socket) && recorded.socket.state != Some(State::TimeWait);
    for recorded in document.sockets.iter().filter(is_compared) {
        let group = groups.entry(Key::of(recorded)).or_insert_with(|| Group { owners_are_known: true, ..Group::default() });
        group.add(recorded, every_owner);
    }
    groups
}

impl Key {
    fn of(recorded: &RecordedSocket) -> Self {
        let RecordedSocket { socket, device, namespace, .. } = recorded;
        Self {
            namespace: namespace.clone(),
            protocol: socket.protocol,
            local: socket.local,
            device: device.clone(),
            remote: socket.peer().copied(),
        }
    }
}

impl Group {
    fn add(&mut self, recorded: &RecordedSocket, every_owner: bool) {
        let RecordedSocket { socket, owners, owner_status, .. } = recorded;
        self.sockets += 1;
        self.states.extend(socket.state);
        let is_listener = |socket: &Socket| socket.state == Some(State::Listening);
        self.backlog = self.backlog.max(is_listener(socket).then_some(socket.send_queue));
        self.owners.extend(owners.iter().cloned());
        self.owners_are_known &= match owner_status.as_deref() {
            Some("owned") => every_owner,
            Some("none" | "gone") => true,
            _ => false,
        };
        self.inodes.extend(Some(socket.inode).filter(|&inode| inode != 0));
    }
}

fn changes(before: &Group, after: &Group) -> Vec<Change> {
    let is_same_process = |one: &Owner, other: &Owner| {
        let started = one.start_time.as_ref().zip(other.start_time.as_ref());
        one.pid == other.pid && started.is_none_or(|(one, other)| one == other)
    };
    let all_in = |some: &Group, others: &Group| {
        some.owners.iter().all(|owner| others.owners.iter().any(|other| is_same_process(owner, other)))
    };
    let owners_differ = if before.owners_are_known && after.owners_are_known {
        !(all_in(before, after) && all_in(after, before))
    } else {
        // The same sockets have the same owners, also if they are not all known.
        !before.inodes.is_empty() && !after.inodes.is_empty() && before.inodes.is_disjoint(&after.inodes)
    };
    let changes = [
        (owners_differ, Change::Owner),
        (before.states != after.states, Change::State),
        (before.backlog.zip(after.backlog).is_some_and(|(before, after)| before != after), Change::Backlog),
        (before.sockets != after.sockets, Change::Sockets),
    ];
    changes.into_iter().filter_map(|(differs, change)| differs.then_some(change)).collect()
}
