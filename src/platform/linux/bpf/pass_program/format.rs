//! What goes into a run of the pass and what comes out of it: the context, the rows, and the numbers in them.

use std::ops::RangeInclusive;

/// `LISTENING_NULLS_BASE`: what the end markers of listeners' chains are counted from.
pub const LISTENING_NULLS_BASE: u64 = 1 << 29;

/// How many sockets one run looks at before it ends at the next bucket: that bounds the time under RCU's read lock.
pub(super) const SOCKETS_A_RUN: i32 = 1024;
/// How many it looks at if they are all in one bucket.
pub const SOCKETS_AT_MOST: i32 = 4096;
/// How often a bucket is read again.
pub(super) const RETRIES: i32 = 16;

/// The size of a row in bytes.
pub const ROW: usize = 72;
/// The memory that a run needs.
pub const SLOT: usize = ROW * SOCKETS_AT_MOST as usize;

/// Where the fields of a row stand.
pub mod row {
    #![allow(missing_docs)]
    pub const INODE: i16 = 0;
    pub const UID: i16 = 4;
    pub const INTERFACE: i16 = 8;
    /// The remote port, in network order, then the local one, in host order.
    pub const PORTS: i16 = 12;
    pub const FAMILY: i16 = 16;
    pub const STATE: i16 = 18;
    /// The kind of the timer as `inet_diag_msg.idiag_timer` has it, and in how many jiffies it ends (signed).
    pub const TIMER: i16 = 19;
    pub const EXPIRES: i16 = 64;
    /// One more than the hash of the socket's file ([`super::super::super::file_filter`]), 0 if it has none.
    pub const FILE: i16 = 68;
    pub const HASH: i16 = 20;
    pub const RECEIVE_QUEUE: i16 = 24;
    pub const SEND_QUEUE: i16 = 28;
    /// Of IPv4 the remote address, then the local one; of IPv6 16 bytes each.
    pub const ADDRESSES: i16 = 32;
    pub const REMOTE_V6: i16 = 32;
    pub const LOCAL_V6: i16 = 48;
    /// The inode of the network namespace, in the place of the hash.
    pub const NAMESPACE: i16 = HASH;
}

/// The context of a run: numbers of 8 bytes, which stand at these offsets. Addresses are the kernel's; that of a bucket is the address
/// of its first link.
pub mod context {
    /// What to do, a [`Task`](super::Task).
    pub const TASK: i16 = 0;
    /// The first bucket; after the run, the bucket to go on with.
    pub const AT: i16 = 8;
    /// Where the range of buckets ends.
    pub const END: i16 = 16;
    /// The first bucket of the table.
    pub const BASE: i16 = 24;
    /// From one bucket to the next.
    pub const STEP: i16 = 32;
    /// The number of the table's buckets less one.
    pub const MASK: i16 = 40;
    /// The number in the end marker of the first bucket's chain.
    pub const FIRST_NUMBER: i16 = 48;
    /// The `struct net` whose sockets are wanted, if only those are.
    pub const NET: i16 = 56;
    /// The states that are wanted: bits of the kernel's numbers.
    pub const STATES: i16 = 136;
    /// Where in the memory the rows go, in bytes.
    pub const SLOT: i16 = 64;
    /// After the run: how many bytes of rows there are.
    pub const WRITTEN: i16 = 72;
    /// After the run: how it ended, an [`Outcome`](super::Outcome).
    pub const OUTCOME: i16 = 80;
    // What the program keeps while it runs, here and not on its stack: the kernel's verifier follows numbers on the stack from one
    // turn of a loop to the next, and comes to no end.
    /// Where the next row goes, and where the first of this bucket went.
    pub(in super::super) const WRITE: i16 = 88;
    pub(in super::super) const BUCKET_WRITE: i16 = 96;
    /// How many sockets were looked at, and how many before this bucket.
    pub(in super::super) const SOCKETS: i16 = 104;
    pub(in super::super) const BUCKET_SOCKETS: i16 = 112;
    /// How often this bucket was read again.
    pub(in super::super) const RETRIES: i16 = 120;
    /// What stood at the head of this bucket.
    pub(in super::super) const HEAD: i16 = 128;
    /// The time at the beginning of the run, in jiffies.
    pub(in super::super) const JIFFIES: i16 = 144;
    /// Of bound ports: the port that is walked, the link by which the walk came here, and what stood at the head of the port's sockets.
    pub(in super::super) const PORT: i16 = 152;
    pub(in super::super) const LINK: i16 = 160;
    pub(in super::super) const PORT_HEAD: i16 = 168;
    /// The size of the context.
    pub const SIZE: usize = 176;
}

/// What [`Task::Describe`] writes into the context.
pub mod tables {
    /// The `struct net` of the calling thread.
    pub const NET: i16 = 8;
    /// The inode of that namespace.
    pub const INODE: i16 = 16;
    /// Of each table the first bucket, and the number of buckets less one.
    pub const EHASH: i16 = 24;
    #[allow(missing_docs)]
    pub const EHASH_MASK: i16 = 32;
    #[allow(missing_docs)]
    pub const LHASH2: i16 = 40;
    #[allow(missing_docs)]
    pub const LHASH2_MASK: i16 = 48;
    #[allow(missing_docs)]
    pub const UDP: i16 = 56;
    #[allow(missing_docs)]
    pub const UDP_MASK: i16 = 64;
    /// The table of bound ports and the number of its buckets, of a layout that has it.
    pub const BHASH2: i16 = 88;
    #[allow(missing_docs)]
    pub const BHASH2_BUCKETS: i16 = 96;
    /// The time in jiffies, and in nanoseconds since the boot without the time in suspend.
    pub const JIFFIES: i16 = 72;
    #[allow(missing_docs)]
    pub const NANOSECONDS: i16 = 80;
}

/// Where the fields of a row of [`Task::Namespaces`] stand, 8 bytes each.
pub mod namespace_row {
    #![allow(missing_docs)]
    pub const NET: i16 = 0;
    pub const INODE: i16 = 8;
    pub const EHASH: i16 = 16;
    pub const EHASH_MASK: i16 = 24;
    pub const UDP: i16 = 32;
    pub const UDP_MASK: i16 = 40;
}

/// What a run is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Task {
    /// Write [`tables`] into the context.
    Describe,
    /// Walk the listeners (`lhash2`).
    Listeners,
    /// Walk the connections (`ehash`).
    Connections,
    /// Walk the UDP sockets.
    Udp,
    /// Walk the bound ports (`bhash2`) for sockets that neither listen nor are connected; only in a program for them.
    Bound,
    /// List the network namespaces, beginning with that of `AT`; only in a program for all of them.
    Namespaces,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Outcome {
    /// Nothing was done.
    None,
    /// Every bucket was walked, or as many as one run takes.
    Walked,
    /// The chain at `AT` is too long for one run.
    TooLong,
    /// The chain at `AT` changed each time that it was read.
    Unstable,
}

/// What is wanted of the sockets: compared in the program, so that others cost no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Only the namespace of [`context::NET`].
    pub own_namespace: bool,
    /// Local ports.
    pub local: RangeInclusive<u16>,
    /// Remote ports.
    pub remote: RangeInclusive<u16>,
    /// States of connections: the bits of the kernel's numbers.
    pub states: u32,
    /// Families.
    pub ipv4: bool,
    #[allow(missing_docs)]
    pub ipv6: bool,
    /// Queue lengths, user ids and inodes, each if it is wanted.
    pub queues: bool,
    #[allow(missing_docs)]
    pub uid: bool,
    #[allow(missing_docs)]
    pub inode: bool,
    /// Timers of TCP, which a layout without [`PassLayout::timers`](super::super::pass_layout::PassLayout::timers) does not have.
    pub timers: bool,
    /// The hashes of files, if they are wanted and the layout has [`PassLayout::socket_file`](super::super::pass_layout::PassLayout::socket_file).
    pub files: bool,
    /// Ports that are bound without listening, which a layout without [`PassLayout::bound`](super::super::pass_layout::PassLayout::bound)
    /// does not have.
    pub bound: bool,
}

impl Selection {
    /// Every socket with everything.
    pub const ALL: Self = Self {
        own_namespace: false,
        local: 0..=u16::MAX,
        remote: 0..=u16::MAX,
        states: u32::MAX,
        ipv4: true,
        ipv6: true,
        queues: true,
        uid: true,
        inode: true,
        timers: true,
        files: true,
        bound: true,
    };
}
