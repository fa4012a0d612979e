//! What is different between two reads of the sockets: the one comparison behind `--diff` and `--events`.
//!
//! Rows of both reads are put into [`Groups`] by their [`Key`], and [`differences`] is a pure function of two of them, in time
//! that grows linearly with their sizes. TIME_WAIT counts as closed.

use crate::model::owners::OwnerStatus;
use crate::model::socket::{Endpoint, Protocol, Socket, State, StateSet, Table, TableSet, Timer};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroU64;
use std::sync::Arc;

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

impl Difference {
    /// Whether the filters match what was before or what is after.
    pub fn is_wanted(&self) -> bool {
        [&self.before, &self.after].into_iter().flatten().any(|group| group.is_wanted)
    }

    /// The fixed word of every format.
    pub const fn word(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "opened",
            (_, None) => "closed",
            (Some(_), Some(_)) => "changed",
        }
    }
}

/// What changed of something that is in both reads.
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

/// What makes sockets of two reads the same: not the process, so that a service that was restarted is one change. Two
/// connections with one key are told apart by what identifies them in the kernel, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The network namespace; `None` for the own one.
    pub namespace: Option<Arc<str>>,
    /// The protocol.
    pub protocol: Protocol,
    /// The local end.
    pub local: Endpoint,
    /// The interface.
    pub device: Option<Arc<str>>,
    /// The remote end, for a connection.
    pub remote: Option<Endpoint>,
}

impl Key {
    /// The key of a socket in a namespace, bound to an interface.
    pub fn of(socket: &Socket, namespace: Option<Arc<str>>, device: Option<Arc<str>>) -> Self {
        Self { namespace, protocol: socket.protocol, local: socket.local, device, remote: socket.peer().copied() }
    }

    /// The table in which its sockets are shown.
    pub const fn table(&self) -> Table {
        Socket::new(self.protocol, self.local).table()
    }
}

/// A process that owns a socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Owner {
    /// Its PID.
    pub pid: u32,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// When it was started.
    #[serde(default)]
    pub start_time: Option<String>,
}

/// Whether a socket is over, though the system lists it still: one in TIME_WAIT, and one that nobody holds and that waits for the
/// other end's FIN by the same timer.
pub fn is_over(socket: &Socket) -> bool {
    socket.state == Some(State::TimeWait) || socket.timer == Timer::TimeWait
}

/// What is compared of one row.
#[derive(Clone, Debug)]
pub struct RowFacts<'a> {
    /// The socket itself.
    pub socket: &'a Socket,
    /// What identifies it in the kernel, if that is known.
    pub cookie: Option<NonZeroU64>,
    /// The processes that own it, in order, each once. Rows with the same owners may share them.
    pub owners: &'a Arc<[Owner]>,
    /// What is known of them.
    pub owner_status: OwnerStatus,
    /// Whether a process that refused to be read may own it too.
    pub may_have_more_owners: bool,
    /// Whether the filters match it.
    pub is_wanted: bool,
}

/// The sockets with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub sockets: usize,
    /// Their states.
    pub states: StateSet,
    /// The longest queue that a TCP listener among them allows.
    pub backlog: Option<u32>,
    /// The processes that own any of them.
    pub owners: Arc<[Owner]>,
    /// What is known of the owners of the first one that has any.
    pub owner_status: OwnerStatus,
    /// Whether every owner of each is known.
    pub owners_are_known: bool,
    /// Whether the filters match any of them.
    pub is_wanted: bool,
    inode: u32,
    /// Those of all others.
    more_inodes: Vec<u32>,
    /// What identifies the only one in the kernel.
    pub(super) cookie: Option<NonZeroU64>,
}

impl Group {
    pub(super) fn of(row: &RowFacts<'_>) -> Self {
        let RowFacts { socket, owner_status, .. } = *row;
        Self {
            sockets: 1,
            states: socket.state.map_or(StateSet::NONE, |state| StateSet::NONE.with(state)),
            backlog: backlog(socket),
            owners: Arc::clone(row.owners),
            owner_status,
            owners_are_known: are_known(row),
            is_wanted: row.is_wanted,
            inode: socket.inode,
            more_inodes: Vec::new(),
            cookie: row.cookie,
        }
    }

    fn add(&mut self, row: &RowFacts<'_>) {
        let socket = row.socket;
        self.sockets += 1;
        self.states = socket.state.map_or(self.states, |state| self.states.with(state));
        self.backlog = self.backlog.max(backlog(socket));
        self.owners_are_known &= are_known(row);
        if self.owner_status != OwnerStatus::Owned {
            self.owner_status = row.owner_status;
        }
        if !Arc::ptr_eq(&self.owners, row.owners) && self.owners != *row.owners {
            let mut owners = [&*self.owners, &**row.owners].concat();
            owners.sort_unstable();
            owners.dedup();
            self.owners = owners.into();
        }
        self.is_wanted |= row.is_wanted;
        self.more_inodes.push(socket.inode);
        self.cookie = None;
    }

    fn inodes(&self) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(self.inode).chain(self.more_inodes.iter().copied()).filter(|&inode| inode != 0)
    }

    /// Whether none of the sockets is among the others for certain.
    fn is_replaced_by(&self, other: &Self) -> bool {
        self.inodes().next().is_some()
            && other.inodes().next().is_some()
            && !self.inodes().any(|inode| other.inodes().any(|other| inode == other))
    }
}

/// The queue that a listener allows. The files under `/proc` do not tell it: 0 is no fact.
fn backlog(socket: &Socket) -> Option<u32> {
    Some(socket.send_queue).filter(|&limit| socket.state == Some(State::Listening) && limit != 0)
}

const fn are_known(row: &RowFacts<'_>) -> bool {
    match row.owner_status {
        OwnerStatus::Owned => !row.may_have_more_owners,
        OwnerStatus::None | OwnerStatus::Gone => true,
        OwnerStatus::Denied | OwnerStatus::Unsupported => false,
    }
}

/// The sockets of one read, by their keys.
#[derive(Clone, Debug, Default)]
pub struct Groups(HashMap<Key, Group>);

impl Groups {
    /// With room for this many keys.
    pub fn with_capacity(keys: usize) -> Self {
        Self(HashMap::with_capacity(keys))
    }

    /// Adds a row, unless it is over.
    pub fn add(&mut self, key: Key, row: &RowFacts<'_>) {
        if is_over(row.socket) {
            return;
        }
        match self.0.entry(key) {
            // A system may list a socket twice that changes while its table is read.
            Entry::Occupied(group) if row.cookie.is_some() && group.get().cookie == row.cookie => {}
            Entry::Occupied(mut group) => group.get_mut().add(row),
            Entry::Vacant(place) => {
                place.insert(Group::of(row));
            }
        }
    }

    /// The sockets with a key.
    pub fn get(&self, key: &Key) -> Option<&Group> {
        self.0.get(key)
    }

    /// Keeps what an earlier read has seen, unless something else has the key now; says whether it is kept.
    pub fn keep(&mut self, key: &Key, group: &Group) -> bool {
        let is_free = !self.0.contains_key(key);
        if is_free {
            self.0.insert(key.clone(), group.clone());
        }
        is_free
    }

    /// The keys of connections by what identifies them in the kernel.
    pub fn keys_by_cookie(&self) -> HashMap<NonZeroU64, Key> {
        let connections = self.0.iter().filter(|(key, _)| key.remote.is_some());
        connections.filter_map(|(key, group)| Some((group.cookie?, key.clone()))).collect()
    }

    /// Takes the sockets with a key out.
    pub fn remove(&mut self, key: &Key) -> Option<Group> {
        self.0.remove(key)
    }

    /// Every key with its sockets, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Group)> {
        self.0.iter()
    }
}

/// What is different between two reads, in the order of the keys. Of tables that rows may be missing from in a read, nothing is said
/// that rests on rows that it lacks.
pub fn differences(before: &Groups, after: &Groups, missing_before: TableSet, missing_after: TableSet) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut both = 0;
    for (key, now) in after.iter() {
        match before.get(key) {
            Some(was) if is_same(key, was, now) => {
                both += 1;
                let changes = changes(was, now);
                if !changes.is_empty() {
                    found.push(Difference { key: key.clone(), before: Some(was.clone()), after: Some(now.clone()), changes });
                }
            }
            Some(was) => {
                both += 1;
                found.push(Difference { key: key.clone(), before: Some(was.clone()), after: None, changes: Vec::new() });
                found.push(Difference { key: key.clone(), before: None, after: Some(now.clone()), changes: Vec::new() });
            }
            None if missing_before.contains(key.table()) => {}
            None => found.push(Difference { key: key.clone(), before: None, after: Some(now.clone()), changes: Vec::new() }),
        }
    }
    // If each of them is in the other read, none was closed.
    if both < before.0.len() {
        let closed = before.iter().filter(|(key, _)| after.get(key).is_none() && !missing_after.contains(key.table()));
        found.extend(closed.map(|(key, was)| Difference {
            key: key.clone(),
            before: Some(was.clone()),
            after: None,
            changes: Vec::new(),
        }));
    }
    // What was closed comes before what was opened in its place.
    found.sort_by(|one, other| one.key.cmp(&other.key).then(one.before.is_none().cmp(&other.before.is_none())));
    found
}

/// Whether both are the same connection; listeners on one address always are, for they may be those of a restarted service.
fn is_same(key: &Key, before: &Group, after: &Group) -> bool {
    let is_same_cookie = before.cookie.zip(after.cookie).map(|(before, after)| before == after);
    key.remote.is_none() || is_same_cookie.unwrap_or_else(|| !before.is_replaced_by(after))
}

fn changes(before: &Group, after: &Group) -> Vec<Change> {
    let changes = [
        (owners_differ(before, after), Change::Owner),
        (before.states != after.states, Change::State),
        (before.backlog.zip(after.backlog).is_some_and(|(before, after)| before != after), Change::Backlog),
        (before.sockets != after.sockets, Change::Sockets),
    ];
    changes.into_iter().filter_map(|(differs, change)| differs.then_some(change)).collect()
}

fn owners_differ(before: &Group, after: &Group) -> bool {
    let is_same_process = |one: &Owner, other: &Owner| {
        let started = one.start_time.as_ref().zip(other.start_time.as_ref());
        one.pid == other.pid && started.is_none_or(|(one, other)| one == other)
    };
    let all_in = |some: &Group, others: &Group| {
        some.owners.iter().all(|owner| others.owners.iter().any(|other| is_same_process(owner, other)))
    };
    // What has vanished, or is being closed, has no owner any more: that is no change of its owner.
    if after.owner_status == OwnerStatus::Gone || before.inodes().next().is_some() && after.inodes().next().is_none() {
        return false;
    }
    if before.owners_are_known && after.owners_are_known {
        !(all_in(before, after) && all_in(after, before))
    } else {
        // The same sockets have the same owners, also if they are not all known.
        before.is_replaced_by(after)
    }
}
