//! Which processes own a socket, or the reason why that is unknown.

pub(crate) mod inodes;

pub use inodes::{InodeOwners, OwnerEntries};

use crate::model::socket::{Pid, Socket};
use inodes::pid_of;
use std::collections::HashMap;

/// How far to look for owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnerSearch {
    /// Not at all.
    Skip,
    /// The lowest PID of each socket is enough.
    Lowest,
    /// Every process of each socket.
    All,
}

/// What is known of a socket's owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerStatus {
    /// At least one process owns the socket, and it is known.
    Owned,
    /// The socket is there and no process owns it: it is the kernel's own (TIME_WAIT, SYN_RECEIVED, orphans).
    None,
    /// A process that could not be read may own it: another user's, one of another PID namespace, or an invisible one.
    Denied,
    /// The socket had vanished when its owner was searched for.
    Gone,
    /// Owners were not asked for, or the system does not name them.
    Unsupported,
}

impl OwnerStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Owned, Self::None, Self::Denied, Self::Gone, Self::Unsupported];

    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::None => "none",
            Self::Denied => "denied",
            Self::Gone => "gone",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The processes whose open files could not be read: each of them may own any socket, beside the owners that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Refused {
    /// Every process could be read, or owners were not asked for.
    #[default]
    None,
    /// These processes refused, ascending.
    Processes(Vec<Pid>),
    /// It is not known which (hidepid, another PID namespace, a failed scan).
    Unknown,
    /// Processes that are invisible to every user own the sockets without a known owner.
    Invisible,
}

impl Refused {
    /// Whether every owner of every socket was found.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// A process that owns a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Owner {
    /// Its number. It may be given to another process as soon as this one has ended.
    pub pid: Pid,
}

/// The answer for one socket: a status and, where that is [`OwnerStatus::Owned`], every process, lowest PID first.
#[derive(Clone, Copy, Debug)]
pub struct Ownership<'a> {
    /// What is known.
    pub status: OwnerStatus,
    held_by: HeldBy<'a>,
}

#[derive(Clone, Copy, Debug)]
enum HeldBy<'a> {
    Entries(&'a [u64]),
    Several(&'a [Pid]),
    One(Pid),
}

impl<'a> Ownership<'a> {
    const fn without(status: OwnerStatus) -> Self {
        Self { status, held_by: HeldBy::Entries(&[]) }
    }

    /// The PID of every process that owns the socket, lowest first, each once.
    pub fn pids(self) -> impl Iterator<Item = Pid> + Clone + 'a {
        let (entries, pids, one) = match self.held_by {
            HeldBy::Entries(entries) => (entries, &[][..], None),
            HeldBy::Several(pids) => (&[][..], pids, None),
            HeldBy::One(pid) => (&[][..], &[][..], Some(pid)),
        };
        entries.iter().map(|&entry| pid_of(entry)).chain(pids.iter().copied()).chain(one)
    }

    /// Every process that owns the socket, lowest PID first, each once.
    pub fn iter(self) -> impl Iterator<Item = Owner> + Clone + 'a {
        self.pids().map(|pid| Owner { pid })
    }

    /// The lowest PID that owns the socket.
    pub const fn lowest(self) -> Option<Pid> {
        match self.held_by {
            HeldBy::Entries([]) | HeldBy::Several([]) => None,
            HeldBy::Entries([first, ..]) => Some(pid_of(*first)),
            HeldBy::Several([first, ..]) => Some(*first),
            HeldBy::One(pid) => Some(pid),
        }
    }
}

/// The owners of a snapshot's sockets.
#[derive(Debug, Default)]
pub enum Owners {
    /// They were not asked for, or the system does not name them.
    #[default]
    Unsupported,
    /// Found apart from the sockets and joined on the inode (Linux).
    ByInode(InodeOwners),
    /// Given with each row (Windows, macOS).
    ByRow(RowOwners),
}

impl Owners {
    /// The owners of the socket that stands at `row` in its snapshot.
    pub fn of(&self, row: usize, socket: &Socket) -> Ownership<'_> {
        match self {
            Self::Unsupported => Ownership::without(OwnerStatus::Unsupported),
            Self::ByInode(owners) => owners.of(socket.inode),
            Self::ByRow(owners) => owners.of(row),
        }
    }
}

/// The owners of each row, as systems give them that name owners with the rows.
#[derive(Debug, Default)]
pub struct RowOwners {
    /// The lowest PID of row N stands at N: 0 if the system itself owns the row, `None` if the owner may not be seen.
    lowest: Vec<Option<Pid>>,
    /// Every PID of the rows that several processes share, lowest first, by row.
    shared: HashMap<usize, Box<[Pid]>>,
}

impl RowOwners {
    /// Adds the next row with its owners, in any order and with repetitions; no PID or PID 0 is the system itself.
    pub fn push_owned(&mut self, pids: impl IntoIterator<Item = Pid>) {
        let mut pids: Vec<Pid> = pids.into_iter().filter(|&pid| pid != 0).collect();
        pids.sort_unstable();
        pids.dedup();
        if pids.len() > 1 {
            self.shared.insert(self.lowest.len(), pids.as_slice().into());
        }
        self.lowest.push(Some(pids.first().copied().unwrap_or(0)));
    }

    /// Adds the next row, whose owner may not be seen.
    pub fn push_hidden(&mut self) {
        self.lowest.push(None);
    }

    fn of(&self, row: usize) -> Ownership<'_> {
        match self.lowest.get(row) {
            Some(Some(0)) => Ownership::without(OwnerStatus::None),
            Some(&Some(pid)) => {
                let held_by = self.shared.get(&row).map_or(HeldBy::One(pid), |pids| HeldBy::Several(pids));
                Ownership { status: OwnerStatus::Owned, held_by }
            }
            Some(None) => Ownership::without(OwnerStatus::Denied),
            None => Ownership::without(OwnerStatus::Unsupported),
        }
    }
}

/// One owner for each row: `None` if it may not be seen, 0 for the system itself.
impl FromIterator<Option<Pid>> for RowOwners {
    fn from_iter<I: IntoIterator<Item = Option<Pid>>>(pids: I) -> Self {
        Self { lowest: pids.into_iter().collect(), shared: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::inodes::GROUP;
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn pids(owners: &InodeOwners, inode: u32) -> Vec<Pid> {
        owners.of(inode).pids().collect()
    }

    #[test]
    fn a_shared_socket_keeps_every_owner_once_and_lowest_first() {
        let pairs = [(7, 30), (9, 1), (7, 4), (7, 30), (7, 12)];
        let owners = InodeOwners::new(pairs.map(|(i, p)| InodeOwners::entry(i, p)).to_vec(), OwnerStatus::Gone);
        assert_eq!(pids(&owners, 7), [4, 12, 30]);
        assert_eq!(owners.of(7).lowest(), Some(4));
    }

    #[test]
    fn a_missing_owner_has_its_reason_and_inode_zero_is_nobodys() {
        let owners = InodeOwners::new(vec![InodeOwners::entry(5, 1)], OwnerStatus::Denied);
        assert_eq!(owners.of(6).status, OwnerStatus::Denied);
        assert_eq!(owners.of(4).status, OwnerStatus::Denied);
        assert_eq!(owners.of(0).status, OwnerStatus::None);
        let nothing = InodeOwners::new(Vec::new(), OwnerStatus::Gone);
        assert_eq!(nothing.of(5).status, OwnerStatus::Gone);
        let owners = owners.with_missing(OwnerStatus::Gone);
        assert_eq!((owners.of(6).status, owners.of(5).status), (OwnerStatus::Gone, OwnerStatus::Owned));
        assert_eq!((owners.knows(1), owners.knows(5)), (true, false));
    }

    #[test]
    fn a_row_shared_by_two_processes_keeps_both_and_each_once() {
        let mut owners = RowOwners::default();
        owners.push_owned([9, 4, 9]);
        owners.push_owned([0]);
        owners.push_hidden();
        let owners = Owners::ByRow(owners);
        let socket = crate::model::socket::tests::socket("127.0.0.1", 80);
        assert_eq!(owners.of(0, &socket).pids().collect::<Vec<_>>(), [4, 9]);
        assert_eq!(owners.of(0, &socket).lowest(), Some(4));
        let status = |row| owners.of(row, &socket).status;
        assert_eq!([status(0), status(1), status(2)], [OwnerStatus::Owned, OwnerStatus::None, OwnerStatus::Denied]);
    }

    #[test]
    fn rows_of_the_system_differ_from_rows_with_a_hidden_owner() {
        let owners = Owners::ByRow([Some(0), Some(8), None].into_iter().collect());
        let socket = crate::model::socket::tests::socket("127.0.0.1", 80);
        let status = |row| owners.of(row, &socket).status;
        assert_eq!(
            [status(0), status(1), status(2), status(3)],
            [OwnerStatus::None, OwnerStatus::Owned, OwnerStatus::Denied, OwnerStatus::Unsupported]
        );
        assert_eq!(owners.of(1, &socket).pids().collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn a_group_holds_a_socket_with_each_of_its_processes_beside_other_holders() {
        let entries = vec![
            InodeOwners::entry(7, GROUP),
            InodeOwners::entry(8, GROUP),
            InodeOwners::entry(8, 4),
            InodeOwners::entry(9, GROUP | 1),
            InodeOwners::entry(10, 3),
            InodeOwners::entry(11, GROUP | 2),
            InodeOwners::entry(12, GROUP | 9),
        ];
        let found = OwnerEntries::new(entries, vec![vec![9, 5, 9], vec![6], vec![]]);
        let owners = InodeOwners::from_entries(found, OwnerStatus::Gone);
        assert_eq!((pids(&owners, 7), pids(&owners, 8)), (vec![5, 9], vec![4, 5, 9]));
        assert_eq!((pids(&owners, 9), pids(&owners, 10)), (vec![6], vec![3]));
        assert_eq!((owners.of(11).status, owners.of(12).status), (OwnerStatus::Gone, OwnerStatus::Gone));
        assert_eq!((owners.of(8).lowest(), owners.knows(9), owners.knows(7)), (Some(4), true, false));
        // Groups that are found later do not take the place of the first ones.
        let more = OwnerEntries::new(vec![InodeOwners::entry(7, GROUP), InodeOwners::entry(13, GROUP)], vec![vec![1, 2]]);
        let owners = owners.with(more);
        assert_eq!((pids(&owners, 7), pids(&owners, 13)), (vec![1, 2, 5, 9], vec![1, 2]));
        assert_eq!(pids(&owners, 8), [4, 5, 9]);
    }

    #[test]
    fn inodes_with_other_owners_are_found_whatever_the_numbers_of_groups() {
        let owners = |pairs: &[(u32, u32)], groups| {
            let entries = pairs.iter().map(|&(inode, holder)| InodeOwners::entry(inode, holder)).collect();
            InodeOwners::from_entries(OwnerEntries::new(entries, groups), OwnerStatus::Gone)
        };
        let before = owners(&[(1, 7), (2, 7), (3, GROUP), (4, GROUP | 1), (6, 9)], vec![vec![5, 6], vec![8, 9]]);
        let after = owners(&[(1, 7), (2, 8), (3, GROUP | 1), (4, GROUP), (5, 7), (6, 9), (6, 10)], vec![vec![8, 10], vec![5, 6]]);
        let changed: BTreeSet<u32> = before.changed_in(&after).into_iter().collect();
        assert_eq!(changed, [2, 4, 6].into());
        assert!(after.changed_in(&after).is_empty());
    }

    #[test]
    fn an_inode_that_is_known_to_have_no_owner_is_not_gone() {
        let owners =
            InodeOwners::new(vec![InodeOwners::entry(5, 1)], OwnerStatus::Gone).with_statuses([9, 5, 6], OwnerStatus::None);
        let status = |inode| owners.of(inode).status;
        assert_eq!([status(5), status(6), status(7)], [OwnerStatus::Owned, OwnerStatus::None, OwnerStatus::Gone]);
    }

    proptest! {
        #[test]
        fn finds_exactly_what_was_put_in(
            pairs in prop::collection::vec((prop_oneof![1u32..40, 1_000_000u32..1_000_050, any::<u32>()], 1u32..9), 0..200)
        ) {
            let mut expected = BTreeMap::<u32, BTreeSet<Pid>>::new();
            for &(inode, pid) in pairs.iter().filter(|(inode, _)| *inode != 0) {
                expected.entry(inode).or_default().insert(pid);
            }
            let entries = pairs.iter().map(|&(inode, pid)| InodeOwners::entry(inode, pid)).collect();
            let owners = InodeOwners::new(entries, OwnerStatus::Gone);
            for inode in (0..50).chain(999_990..1_000_060).chain(expected.keys().copied()).chain([u32::MAX]) {
                let found: BTreeSet<Pid> = owners.of(inode).pids().collect();
                prop_assert_eq!(found, expected.get(&inode).cloned().unwrap_or_default());
            }
        }
    }
}
