//! Runs the program of [`super::pass_program`]: range by range, through a small memory that is emptied after each run.

use super::kernel_btf;
use super::mapping::Mapping;
use super::pass_clock;
use super::pass_layout::PassLayout;
use super::pass_program::{self, LISTENING_NULLS_BASE, Outcome, ROW, SLOT, Selection, Task, context, described, namespace_row};
use super::syscall::{self, Program, ProgramType};
use crate::platform::linux::netlink::message::u64_at;
use rustix::fd::{AsRawFd, OwnedFd};
use std::io;

/// The buckets of one run: with empty ones it takes some 20 microseconds.
const BUCKETS: u64 = 16_384;

/// The program, loaded, and the tables of the calling thread's network namespace.
pub(crate) struct Pass {
    program: Program,
    memory: OwnedFd,
    states: u32,
    net: u64,
    /// The inode of the namespace, as the program read it.
    pub(crate) inode: u64,
    /// Whether rows have the hashes of files.
    pub(crate) has_files: bool,
    /// How many jiffies a second has, if rows have timers.
    pub(crate) jiffies_per_second: Option<u32>,
    /// The tables of connections, that of the own namespace first: others may have tables of their own.
    ehash: Vec<Table>,
    lhash2: Table,
    udp: Vec<Table>,
    /// The table of bound ports, if rows of them are wanted: namespaces have none of their own.
    pub(crate) bound: Option<Table>,
    /// The inodes of all network namespaces, if they are wanted.
    pub(crate) namespaces: Vec<u32>,
}

/// A hash table of the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// The address of its first bucket's first link.
    base: u64,
    mask: u64,
    /// The size of a bucket.
    step: u64,
}

/// Some buckets of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    task: Task,
    table: Table,
    first: u64,
    count: u64,
}

/// Why a range has no trustworthy rows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PassError {
    #[error("{0}")]
    Refused(#[from] io::Error),
    #[error("more than {} sockets have one hash", pass_program::SOCKETS_AT_MOST)]
    TooLong,
    #[error("the table changes too fast")]
    Unstable,
}

impl Pass {
    /// Loads the program. `slots` is how many runs there may be at a time. Every error means that this kernel or this user's
    /// rights do not allow it.
    pub(crate) fn open(selection: &Selection, slots: usize) -> io::Result<Self> {
        Self::with_layout(&kernel_btf::find(PassLayout::find)?, selection, slots)
    }

    fn with_layout(layout: &PassLayout, selection: &Selection, slots: usize) -> io::Result<Self> {
        let size = u32::try_from(slots.saturating_mul(SLOT)).map_err(io::Error::other)?;
        let memory = syscall::create_mappable_array(size)?;
        let program = pass_program::program(layout, memory.as_raw_fd(), slots, selection).map_err(io::Error::other)?;
        let program = Program::load("socket_pass", ProgramType::Syscall, &program)?;
        let mut run = Context::new(Task::Describe);
        program.run(&mut run.0)?;
        let unit = || pass_clock::jiffies_per_second(run.get(described::JIFFIES), run.get(described::NANOSECONDS));
        let head = |bucket: super::pass_layout::Bucket| (bucket.head.unsigned_abs().into(), bucket.size.unsigned_abs().into());
        let table = |base, mask, bucket| {
            let (head, step): (u64, u64) = head(bucket);
            Table { base: run.get(base).wrapping_add(head), mask: run.get(mask), step }
        };
        let mut pass = Self {
            net: run.get(described::NET),
            inode: run.get(described::INODE),
            has_files: selection.files && layout.socket_file.is_some(),
            jiffies_per_second: layout.timers.filter(|_| selection.timers).and_then(|_| unit()),
            ehash: vec![table(described::EHASH, described::EHASH_MASK, layout.ehash_bucket)],
            lhash2: table(described::LHASH2, described::LHASH2_MASK, layout.lhash2_bucket),
            bound: layout.bound.filter(|_| selection.bound).map(|bound| {
                let mask = run.get(described::BHASH2_BUCKETS).saturating_sub(1);
                Table { mask, ..table(described::BHASH2, described::BHASH2_BUCKETS, bound.bucket) }
            }),
            udp: vec![table(described::UDP, described::UDP_MASK, layout.udp_bucket)],
            namespaces: Vec::new(),
            states: selection.states,
            program,
            memory,
        };
        if !selection.own_namespace {
            pass.list_namespaces(slots.saturating_mul(SLOT))?;
        }
        Ok(pass)
    }

    /// Lists the network namespaces and their tables.
    fn list_namespaces(&mut self, slot: usize) -> io::Result<()> {
        let mut run = Context::new(Task::Namespaces);
        run.set(context::AT, self.net);
        self.program.run(&mut run.0)?;
        let written = usize::try_from(run.get(context::WRITTEN)).unwrap_or(usize::MAX);
        if run.get(context::OUTCOME) != Outcome::Walked as u64 {
            return Err(io::Error::other("too many network namespaces"));
        }
        let mapping = Mapping::of_array(&self.memory, slot)?;
        let rows = mapping.bytes().get(..written).unwrap_or_default().as_chunks::<ROW>().0;
        for row in rows {
            let number = |at: i16| u64_at(row, usize::from(at.unsigned_abs())).unwrap_or_default();
            self.namespaces.push(number(namespace_row::INODE) as u32);
            for (tables, base, mask) in [
                (&mut self.ehash, namespace_row::EHASH, namespace_row::EHASH_MASK),
                (&mut self.udp, namespace_row::UDP, namespace_row::UDP_MASK),
            ] {
                // Each table of a kind has buckets of the same shape, and these begin with their links.
                let Some(&first) = tables.first() else { continue };
                let table = Table { base: number(base), mask: number(mask), ..first };
                if !tables.contains(&table) {
                    tables.push(table);
                }
            }
        }
        Ok(())
    }

    /// The number of buckets of the own namespace's table of connections.
    pub(crate) fn connection_buckets(&self) -> u64 {
        self.ehash.first().map_or(0, |table| table.mask.saturating_add(1))
    }

    /// All buckets of the tables of one kind, in order.
    pub(crate) fn ranges(&self, task: Task) -> impl Iterator<Item = Range> {
        let tables: &[Table] = match task {
            Task::Listeners => std::slice::from_ref(&self.lhash2),
            Task::Connections => &self.ehash,
            Task::Udp => &self.udp,
            Task::Bound => self.bound.as_slice(),
            Task::Describe | Task::Namespaces => &[],
        };
        tables.iter().flat_map(move |&table| {
            let buckets = table.mask.saturating_add(1);
            (0..buckets.div_ceil(BUCKETS)).map(move |index| {
                let first = index * BUCKETS;
                Range { task, table, first, count: BUCKETS.min(buckets - first) }
            })
        })
    }

    /// The memory of one of the runs at a time. No two threads may have the same.
    pub(crate) fn slot(&self, index: usize) -> io::Result<Slot<'_>> {
        let mapping = Mapping::of_array_part(&self.memory, index.saturating_mul(SLOT), SLOT)?;
        Ok(Slot { pass: self, mapping, offset: index.saturating_mul(SLOT) as u64 })
    }
}

/// Where one thread's runs write their rows.
pub(crate) struct Slot<'a> {
    pub(crate) pass: &'a Pass,
    mapping: Mapping,
    offset: u64,
}

impl Slot<'_> {
    /// Walks a range of buckets and hands each row to `each`.
    pub(crate) fn walk(&mut self, range: &Range, mut each: impl FnMut(&[u8; ROW])) -> Result<(), PassError> {
        let Range { task, table, first, count } = *range;
        let address = |bucket: u64| table.base.wrapping_add(bucket.wrapping_mul(table.step));
        let (mut at, end) = (address(first), address(first + count));
        while at < end {
            let mut run = Context::new(task);
            for (place, number) in [
                (context::AT, at),
                (context::END, end),
                (context::BASE, table.base),
                (context::STEP, table.step),
                (context::MASK, table.mask),
                (context::FIRST_NUMBER, if task == Task::Listeners { LISTENING_NULLS_BASE } else { 0 }),
                (context::NET, self.pass.net),
                (context::STATES, if task == Task::Connections { self.pass.states } else { u32::MAX }.into()),
                (context::SLOT, self.offset),
            ] {
                run.set(place, number);
            }
            self.pass.program.run(&mut run.0)?;
            let outcome = run.get(context::OUTCOME);
            if outcome == Outcome::TooLong as u64 {
                return Err(PassError::TooLong);
            }
            // A run that does not come further is one that never ends.
            if outcome != Outcome::Walked as u64 || run.get(context::AT) <= at {
                return Err(PassError::Unstable);
            }
            at = run.get(context::AT);
            let written = usize::try_from(run.get(context::WRITTEN)).unwrap_or(usize::MAX);
            let rows = self.mapping.bytes().get(..written).ok_or(PassError::Unstable)?;
            rows.as_chunks::<ROW>().0.iter().for_each(&mut each);
        }
        Ok(())
    }
}

/// The context of a run.
struct Context([u8; context::SIZE]);

impl Context {
    fn new(task: Task) -> Self {
        let mut context = Self([0; context::SIZE]);
        context.set(context::TASK, task as u64);
        context
    }

    fn set(&mut self, at: i16, number: u64) {
        if let Some(place) = self.0.get_mut(usize::from(at.unsigned_abs())..).and_then(|rest| rest.first_chunk_mut()) {
            *place = number.to_ne_bytes();
        }
    }

    fn get(&self, at: i16) -> u64 {
        let place = self.0.get(usize::from(at.unsigned_abs())..).and_then(|rest| rest.first_chunk());
        place.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::{InodeOwners, OwnerStatus};
    use crate::model::socket::Protocol;
    use crate::platform::linux::bpf::file_filter::FileFilter;
    use crate::platform::linux::bpf::pass_rows;
    use crate::platform::linux::bpf::task_iter::{Answer, TaskIter};
    use crate::platform::linux::bpf::task_layout::TaskFileLayout;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::fs::MetadataExt;

    /// The inodes of the sockets with these local ports.
    fn inodes(pass: &Pass, ports: &[u16]) -> Vec<u32> {
        let mut slot = pass.slot(0).unwrap();
        let mut inodes = Vec::new();
        for (task, protocol) in [(Task::Listeners, Protocol::Tcp), (Task::Connections, Protocol::Tcp), (Task::Udp, Protocol::Udp)]
        {
            for range in pass.ranges(task) {
                slot.walk(&range, |row| {
                    let socket = pass_rows::parse(row, protocol, None).unwrap();
                    inodes.extend(ports.contains(&socket.local.port).then_some(socket.inode));
                })
                .unwrap();
            }
        }
        inodes.sort_unstable();
        inodes
    }

    #[test]
    fn the_owner_of_a_socket_is_found_by_the_address_of_its_file() {
        let open = || {
            let pass = Pass::open(&Selection::ALL, 1)?;
            let layout = TaskFileLayout::of_running_kernel()?;
            Ok::<_, io::Error>((pass, TaskIter::open_filtered(&layout, 1 << 16)?))
        };
        let (pass, tables) = match open() {
            Ok(programs) => programs,
            Err(error) => return eprintln!("SKIPPED: the kernel does not load the programs: {error}"),
        };
        let [sought, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let inode = |socket: &UdpSocket| {
            let path = format!("/proc/thread-self/fd/{}", socket.as_raw_fd());
            std::fs::metadata(path).unwrap().ino() as u32
        };
        let mut files = FileFilter::default();
        let mut slot = pass.slot(0).unwrap();
        for range in pass.ranges(Task::Udp) {
            slot.walk(&range, |row| {
                let socket = pass_rows::parse(row, Protocol::Udp, None).unwrap();
                if socket.inode == inode(&sought) {
                    files.insert(pass_rows::file(row).unwrap());
                }
            })
            .unwrap();
        }
        match tables.read_filtered(&files).unwrap() {
            Answer::Whole(found) => {
                let owners = InodeOwners::from_entries(found.entries, OwnerStatus::Gone);
                assert!(owners.of(inode(&sought)).pids().any(|pid| pid == std::process::id()));
                // Of some files; another one may have the same hash.
                assert!(owners.of(inode(&other)).pids().count() <= 1);
            }
            Answer::Shared => eprintln!("SKIPPED: processes share tables of files"),
            Answer::TooLong(count) => panic!("{count} files have the hash of one"),
        }
    }

    #[test]
    fn inodes_are_found_with_and_without_the_field_of_newer_kernels() {
        let Ok(layout) = kernel_btf::find(PassLayout::find) else {
            return eprintln!("SKIPPED: this kernel's layout is not known");
        };
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let accepted = server.accept().unwrap().0;
        let datagrams = UdpSocket::bind("[::1]:0").unwrap();
        let inode = |descriptor: i32| std::fs::metadata(format!("/proc/thread-self/fd/{descriptor}")).unwrap().ino() as u32;
        let descriptors = [server.as_raw_fd(), client.as_raw_fd(), accepted.as_raw_fd(), datagrams.as_raw_fd()];
        let mut expected: Vec<u32> = descriptors.into_iter().map(inode).collect();
        expected.sort_unstable();
        let ports =
            [&server.local_addr(), &client.local_addr(), &datagrams.local_addr()].map(|address| address.as_ref().unwrap().port());
        for layout in [layout, PassLayout { sk_ino: None, timers: None, bound: None, ..layout }] {
            let pass = match Pass::with_layout(&layout, &Selection { own_namespace: true, ..Selection::ALL }, 1) {
                Ok(pass) => pass,
                Err(error) => return eprintln!("SKIPPED: the kernel does not load the program: {error}"),
            };
            assert_eq!(inodes(&pass, &ports), expected);
        }
        let pass = Pass::with_layout(&layout, &Selection::ALL, 1).unwrap();
        assert!(pass.namespaces.contains(&(pass.inode as u32)));
    }
}
