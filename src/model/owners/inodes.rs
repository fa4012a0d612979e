//! Owners by the inodes of their sockets.

use super::{HeldBy, OwnerStatus, Ownership};
use crate::model::socket::Pid;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// Every (inode, process) pair that was found, sorted, with a directory that finds an inode in a step or two.
///
/// Inodes are numbered as sockets are opened, so that those of a host come in clusters, far apart from each other. The
/// directory is a hash table of blocks of neighbouring inodes: it is small, and no distribution degrades it.
#[derive(Debug)]
pub struct InodeOwners {
    /// `inode << 32 | holder`, ascending, each pair once. The holder is a PID or a group; an inode that a group holds has one
    /// entry.
    entries: Vec<u64>,
    groups: Vec<Vec<Pid>>,
    /// Open addressing: one more than where in `entries` a block begins, or 0. At least half of them are 0.
    directory: Vec<u32>,
    missing: OwnerStatus,
    /// What is known of inodes without owner, ascending by inode; `missing` holds for the others.
    without_owner: Vec<(u32, OwnerStatus)>,
}

/// The bit that marks a group of processes, by its position, in the lower half of an entry. PIDs have 22 bits.
pub(crate) const GROUP: u32 = 1 << 31;

/// Pairs of inode and holder, in any order and with repetitions, and the groups among the holders.
///
/// Processes that share a table of files hold each of its sockets: as a group they take one entry for each, not one for each
/// process.
#[derive(Clone, Debug, Default)]
pub struct OwnerEntries {
    entries: Vec<u64>,
    groups: Vec<Vec<Pid>>,
}

impl From<Vec<u64>> for OwnerEntries {
    /// Entries without groups.
    fn from(entries: Vec<u64>) -> Self {
        Self { entries, groups: Vec::new() }
    }
}

impl OwnerEntries {
    /// Entries whose holders are PIDs or `GROUP` and a position among the groups.
    pub fn new(mut entries: Vec<u64>, mut groups: Vec<Vec<Pid>>) -> Self {
        for group in &mut groups {
            group.sort_unstable();
            group.dedup();
        }
        if groups.iter().any(|group| group.len() < 2) {
            // Threads of one process share a table too: such a group is its process.
            entries.retain_mut(|entry| match group_of(*entry).map(|group| groups.get(group).map(Vec::as_slice)) {
                Some(Some([pid])) => {
                    *entry = InodeOwners::entry(inode_of(*entry), *pid);
                    true
                }
                Some(Some([]) | None) => false,
                Some(Some(_)) | None => true,
            });
        }
        if groups.iter().all(|group| group.len() < 2) {
            groups.clear();
        }
        Self { entries, groups }
    }

    /// Adds other entries.
    pub(crate) fn extend(&mut self, other: Self) {
        let shift = self.groups.len() as u32;
        let shifted = |entry| if group_of(entry).is_some() { entry + u64::from(shift) } else { entry };
        self.entries.extend(other.entries.into_iter().map(shifted));
        self.groups.extend(other.groups);
    }

    /// Keeps the entries of some inodes.
    pub fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.entries.retain(|&entry| keep(inode_of(entry)));
    }

    /// Gives each inode that a group holds beside others one entry, of a group of all of them.
    fn merge_holders(&mut self) {
        let mut merged = Vec::with_capacity(self.entries.len());
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        for held in self.entries.chunk_by(|&a, &b| inode_of(a) == inode_of(b)) {
            let ([first, _, ..], true) = (held, held.iter().any(|&entry| group_of(entry).is_some())) else {
                merged.extend(held);
                continue;
            };
            let holders: Vec<u32> = held.iter().map(|&entry| entry as u32).collect();
            let group = *known.entry(holders).or_insert_with(|| {
                let mut pids: Vec<Pid> = Vec::new();
                for &entry in held {
                    match group_of(entry).and_then(|group| self.groups.get(group)) {
                        Some(group) => pids.extend(group),
                        None => pids.push(pid_of(entry)),
                    }
                }
                pids.sort_unstable();
                pids.dedup();
                self.groups.push(pids);
                GROUP | (self.groups.len() - 1) as u32
            });
            merged.push(InodeOwners::entry(inode_of(*first), group));
        }
        self.entries = merged;
    }
}

/// The position of the group that holds the inode of an entry.
const fn group_of(entry: u64) -> Option<usize> {
    let holder = entry as u32;
    if holder & GROUP == 0 { None } else { Some((holder & !GROUP) as usize) }
}

/// How many low bits of an inode number its place in its block.
const BLOCK: u32 = 4;

impl InodeOwners {
    /// The inodes that have owners here and in a later snapshot, and other ones there: one walk along both, without a look at
    /// any row.
    pub fn changed_in(&self, later: &Self) -> HashSet<u32> {
        let is_same = |a: &u64, b: &u64| inode_of(*a) == inode_of(*b);
        let mut olds = self.entries.chunk_by(is_same).peekable();
        let mut news = later.entries.chunk_by(is_same).peekable();
        let mut changed = HashSet::new();
        while let (Some([old, ..]), Some([new, ..])) = (olds.peek(), news.peek()) {
            let inode = inode_of(*old);
            match inode.cmp(&inode_of(*new)) {
                Ordering::Less => drop(olds.next()),
                Ordering::Greater => drop(news.next()),
                Ordering::Equal => {
                    let (old, new) = (olds.next().unwrap_or_default(), news.next().unwrap_or_default());
                    let has_group = old.iter().chain(new).any(|&entry| group_of(entry).is_some());
                    // Groups are numbered anew in each snapshot.
                    if (old != new || has_group) && !self.of(inode).pids().eq(later.of(inode).pids()) {
                        changed.insert(inode);
                    }
                }
            }
        }
        changed
    }

    /// Takes the pairs in any order, with repetitions. `missing` is the status of an inode that is not among them.
    pub fn new(entries: Vec<u64>, missing: OwnerStatus) -> Self {
        Self::from_entries(entries.into(), missing)
    }

    /// The same of entries with groups.
    #[expect(clippy::indexing_slicing, reason = "slots are smaller than the directory")]
    pub fn from_entries(mut found: OwnerEntries, missing: OwnerStatus) -> Self {
        found.entries.sort_unstable();
        found.entries.dedup();
        if !found.groups.is_empty() {
            found.merge_holders();
        }
        let OwnerEntries { entries, groups } = found;
        let begins_block = |&(position, entry): &(usize, &u64)| {
            let before = position.checked_sub(1).and_then(|before| entries.get(before));
            before.is_none_or(|&before| inode_of(before) >> BLOCK != inode_of(*entry) >> BLOCK)
        };
        let blocks = entries.iter().enumerate().filter(begins_block);
        let mut directory = vec![0; (2 * blocks.clone().count()).next_power_of_two()];
        for (position, &entry) in blocks {
            let slot = slots(inode_of(entry), directory.len()).find(|&slot| directory[slot] == 0);
            if let Some(slot) = slot {
                directory[slot] = position as u32 + 1;
            }
        }
        Self { entries, groups, directory, missing, without_owner: Vec::new() }
    }

    /// These owners and more pairs.
    #[must_use]
    pub fn with(self, more: impl Into<OwnerEntries>) -> Self {
        let mut all = OwnerEntries { entries: self.entries, groups: self.groups };
        all.extend(more.into());
        Self { without_owner: self.without_owner, ..Self::from_entries(all, self.missing) }
    }

    /// The same owners, and the reason why some inodes may have none.
    #[must_use]
    pub fn with_statuses(mut self, inodes: impl IntoIterator<Item = u32>, status: OwnerStatus) -> Self {
        self.without_owner.extend(inodes.into_iter().map(|inode| (inode, status)));
        self.without_owner.sort_unstable_by_key(|&(inode, _)| inode);
        self
    }

    /// The same owners with another status for inodes that are not among them.
    #[must_use]
    pub fn with_missing(self, missing: OwnerStatus) -> Self {
        Self { missing, ..self }
    }

    /// Whether a process was found to own any socket.
    pub fn knows(&self, pid: Pid) -> bool {
        self.entries.iter().any(|&entry| pid_of(entry) == pid) || self.groups.iter().flatten().any(|&member| member == pid)
    }

    /// One pair, packed for [`InodeOwners::new`].
    pub const fn entry(inode: u32, pid: Pid) -> u64 {
        (inode as u64) << 32 | pid as u64
    }

    /// The inode of a packed pair.
    pub const fn inode(entry: u64) -> u32 {
        inode_of(entry)
    }

    /// The owners of an inode; inode 0 has none.
    pub fn of(&self, inode: u32) -> Ownership<'_> {
        if inode == 0 {
            return Ownership::without(OwnerStatus::None);
        }
        let held_by = match self.held(inode) {
            [] => {
                let known = self.without_owner.binary_search_by_key(&inode, |&(inode, _)| inode).ok();
                let status = known.and_then(|position| self.without_owner.get(position)).map(|&(_, status)| status);
                return Ownership::without(status.unwrap_or(self.missing));
            }
            held @ [first, ..] => match group_of(*first) {
                Some(group) => HeldBy::Several(self.groups.get(group).map_or(&[], Vec::as_slice)),
                None => HeldBy::Entries(held),
            },
        };
        Ownership { status: OwnerStatus::Owned, held_by }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "slots are smaller than the directory, which has positions of entries; `leading` is at most the length"
    )]
    fn held(&self, inode: u32) -> &[u64] {
        for slot in slots(inode, self.directory.len()) {
            let Some(begin) = self.directory[slot].checked_sub(1) else { break };
            let block = &self.entries[begin as usize..];
            if block.first().is_some_and(|&entry| inode_of(entry) >> BLOCK == inode >> BLOCK) {
                let held = &block[leading(block, |entry| inode_of(entry) < inode)..];
                return &held[..leading(held, |entry| inode_of(entry) == inode)];
            }
        }
        &[]
    }
}

/// The places of a directory where the block of an inode may stand, in the order in which they are tried.
fn slots(inode: u32, size: usize) -> impl Iterator<Item = usize> {
    // Fibonacci hashing: the golden ratio scatters neighbours.
    let hash = u64::from(inode >> BLOCK).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let first = (hash >> 32) as usize;
    (0..size).map(move |step| (first + step) & (size - 1))
}

/// How many entries at the beginning meet a condition that none behind them meets: soon known where they are few.
#[expect(clippy::indexing_slicing, reason = "both bounds are at most the length")]
fn leading(entries: &[u64], condition: impl Fn(u64) -> bool) -> usize {
    let mut bound = 1;
    while entries.get(bound - 1).is_some_and(|&entry| condition(entry)) {
        bound *= 2;
    }
    let (from, to) = (bound / 2, bound.min(entries.len() + 1) - 1);
    from + entries[from..to].partition_point(|&entry| condition(entry))
}

const fn inode_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

pub(super) const fn pid_of(entry: u64) -> Pid {
    entry as u32
}
