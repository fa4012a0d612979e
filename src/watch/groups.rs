//! Rows in groups: each with a heading, closed at first.

use crate::model::socket::{Pid, State};
use crate::moment::row::{Row, Rows};
use crate::output::escape::escape;
use crate::reports::sockets::cells::name_and_pid;
use crate::request::needs::Needs;
use std::collections::HashMap;
use std::net::IpAddr;

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Nothing.
    #[default]
    None,
    /// The owner with the lowest PID.
    Process,
    /// The remote address.
    RemoteAddress,
    /// The network namespace.
    Namespace,
}

/// What the rows of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    /// The owner; `None` for those without a known one.
    Process(Option<Pid>),
    /// The remote address; `None` for those without a peer.
    RemoteAddress(Option<IpAddr>),
    /// The inode of the network namespace.
    Namespace(Option<u32>),
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What its rows have in common.
    pub key: GroupKey,
    /// Its rows in their order.
    pub rows: Vec<u32>,
}

impl Grouping {
    /// The next one.
    pub const fn next(self) -> Self {
        match self {
            Self::None => Self::Process,
            Self::Process => Self::RemoteAddress,
            Self::RemoteAddress => Self::Namespace,
            Self::Namespace => Self::None,
        }
    }

    /// The word for people.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Process => Some("process"),
            Self::RemoteAddress => Some("remote address"),
            Self::Namespace => Some("namespace"),
        }
    }

    /// What has to be looked up of a row for the heading of its group.
    pub const fn needs(self) -> Needs {
        match self {
            Self::None | Self::RemoteAddress | Self::Namespace => Needs::NOTHING,
            Self::Process => Needs::PROCESSES,
        }
    }

    fn key(self, row: Row<'_>) -> Option<GroupKey> {
        Some(match self {
            Self::None => return None,
            Self::Process => GroupKey::Process(row.owners().lowest()),
            Self::RemoteAddress => GroupKey::RemoteAddress(row.socket.peer().map(|end| end.address)),
            Self::Namespace => GroupKey::Namespace(row.namespace().and_then(|namespace| namespace.inode)),
        })
    }

    /// The groups of rows, the largest first; none if nothing is grouped by.
    pub fn groups(self, rows: Rows<'_>) -> Vec<Group> {
        let mut numbers: HashMap<GroupKey, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for (row, &position) in rows.iter().zip(rows.positions()) {
            let Some(key) = self.key(row) else { return Vec::new() };
            let number = *numbers.entry(key).or_insert_with(|| {
                groups.push(Group { key, rows: Vec::new() });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(number) {
                group.rows.push(position);
            }
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.rows.len()), group.key));
        groups
    }
}

impl Group {
    /// The heading: what its rows have in common, and how many there are. `rows` are those of the moment.
    pub fn heading(&self, rows: Rows<'_>) -> String {
        let first = self.rows.first().and_then(|&position| rows.get(position));
        let of = match self.key {
            GroupKey::Process(None) => "no known process".to_owned(),
            GroupKey::Process(Some(pid)) => {
                let process = first.and_then(|row| row.process(pid)).map(|process| process.name.to_string_lossy());
                name_and_pid(pid, process.as_deref())
            }
            GroupKey::RemoteAddress(None) => "no remote address".to_owned(),
            GroupKey::RemoteAddress(Some(address)) => match first.and_then(Row::remote_host) {
                Some(host) => format!("{} ({address})", escape(host)),
                None => address.to_string(),
            },
            GroupKey::Namespace(inode) => {
                let label = first.and_then(Row::namespace).map(|namespace| escape(&namespace.label()).into_owned());
                label.or_else(|| inode.map(|inode| inode.to_string())).unwrap_or_else(|| "own namespace".to_owned())
            }
        };
        let count = |state| {
            let has = |position: &&u32| rows.get(**position).is_some_and(|row| row.socket.state == Some(state));
            self.rows.iter().filter(has).count()
        };
        let counted = [State::Listening, State::Established, State::CloseWait, State::TimeWait];
        let counts = counted.into_iter().map(|state| (count(state), state)).filter(|&(count, _)| count > 0);
        let counts: String = counts.map(|(count, state)| format!(" · {count} {state}")).collect();
        let sockets = if self.rows.len() == 1 { "socket" } else { "sockets" };
        format!("{of} · {} {sockets}{counts}", self.rows.len())
    }
}
