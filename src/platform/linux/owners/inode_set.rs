//! Sets of inodes.

use crate::model::socket::Socket;

/// A set of inodes.
#[derive(Debug, Default)]
pub(crate) struct InodeSet(Vec<u32>);

impl InodeSet {
    /// The empty set.
    pub(crate) const EMPTY: Self = Self(Vec::new());

    /// The inodes of sockets; connections in TIME_WAIT and the like have none.
    pub(crate) fn of<'a>(sockets: impl IntoIterator<Item = &'a Socket>) -> Self {
        sockets.into_iter().map(|socket| socket.inode).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The inodes, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    /// The position of an inode, if it is in the set.
    pub(crate) fn position(&self, inode: u32) -> Option<usize> {
        self.0.binary_search(&inode).ok()
    }

    /// Whether an inode is in the set.
    pub(crate) fn contains(&self, inode: u32) -> bool {
        self.position(inode).is_some()
    }
}

impl FromIterator<u32> for InodeSet {
    fn from_iter<I: IntoIterator<Item = u32>>(inodes: I) -> Self {
        let mut inodes: Vec<u32> = inodes.into_iter().filter(|&inode| inode != 0).collect();
        inodes.sort_unstable();
        inodes.dedup();
        Self(inodes)
    }
}
