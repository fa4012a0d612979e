//! The program of the pass: it walks a range of buckets of one of the kernel's socket tables and writes a row for each socket.
//!
//! It is a program of type `syscall`, run by `BPF_PROG_TEST_RUN` with a [`context`]. It holds no lock and no reference, only
//! RCU's read lock: what it reads may change meanwhile, so that
//! * a bucket is read again if its chain ends in another bucket (a socket was freed and its memory used anew), or if something was
//!   inserted at its head meanwhile (a connection that becomes TIME_WAIT is: it could be missed);
//! * a row counts only if the socket still has the ports and the hash with which the row began.
//!
//! Every pointer is read through `bpf_rdonly_cast`: reading through one that leads nowhere gives 0. A pointer of which an address is
//! calculated is read as a number: as the first eight bytes of a `struct sock_common`, which are one (`skc_addrpair`).

use super::insn::Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
use super::insn::{AssembleError, Assembler, Atomic, Label, Program, Register, Size};
use super::pass_layout::PassLayout;
use std::ops::RangeInclusive;

/// `BPF_FUNC_get_current_task`
const GET_CURRENT_TASK: i32 = 35;
/// `TCP_TIME_WAIT` and `TCP_NEW_SYN_RECV`: small structures, of which nothing but `struct sock_common` is a socket's.
const TIME_WAIT: i32 = 6;
const NEW_SYN_RECV: i32 = 12;
/// `AF_INET6`
const AF_INET6: i32 = 10;
/// `LISTENING_NULLS_BASE`: what the end markers of listeners' chains are counted from.
pub const LISTENING_NULLS_BASE: u64 = 1 << 29;

/// How many sockets one run looks at before it ends at the next bucket: that bounds the time under RCU's read lock.
const SOCKETS_A_RUN: i32 = 1024;
/// How many it looks at if they are all in one bucket.
pub const SOCKETS_AT_MOST: i32 = 4096;
/// How often a bucket is read again.
const RETRIES: i32 = 16;
/// Whether a processor of this kind executes loads in program order.
const LOADS_ARE_ORDERED: bool = cfg!(any(target_arch = "x86_64", target_arch = "x86"));

/// The size of a row in bytes.
pub const ROW: usize = 64;
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
    pub(super) const WRITE: i16 = 88;
    pub(super) const BUCKET_WRITE: i16 = 96;
    /// How many sockets were looked at, and how many before this bucket.
    pub(super) const SOCKETS: i16 = 104;
    pub(super) const BUCKET_SOCKETS: i16 = 112;
    /// How often this bucket was read again.
    pub(super) const RETRIES: i16 = 120;
    /// What stood at the head of this bucket.
    pub(super) const HEAD: i16 = 128;
    /// The size of the context.
    pub const SIZE: usize = 144;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    };
}

/// What the program keeps on its stack, and where.
mod stack {
    /// The context.
    pub(super) const CONTEXT: i16 = -8;
    /// Nothing of interest: an atomic operation on it is a barrier.
    pub(super) const BARRIER: i16 = -16;
}

/// Assembles the program. `memory` is the descriptor of an array with one value of `slots` times [`SLOT`] bytes.
pub fn program(layout: &PassLayout, memory: i32, slots: usize, selection: &Selection) -> Result<Program, AssembleError> {
    let mut a = Assembler::new();
    let limit = i32::try_from(slots.saturating_mul(SLOT).saturating_sub(ROW)).unwrap_or(0);
    let (describe, finish) = (a.label(), a.label());
    a.stx(Size::Dw, R10, stack::CONTEXT, R1);
    a.mov(R9, R1);
    a.call_kfunc(layout.rcu_read_lock);
    a.ldx(Size::Dw, R1, R9, context::TASK);
    a.jeq(R1, Task::Describe as i32, describe);
    a.st(Size::Dw, R10, stack::BARRIER, 0);
    a.ldx(Size::Dw, R2, R9, context::SLOT);
    a.stx(Size::Dw, R9, context::WRITE, R2);
    a.ldx(Size::Dw, R8, R9, context::AT);
    a.st(Size::Dw, R9, context::SOCKETS, 0);
    a.st(Size::Dw, R9, context::RETRIES, 0);
    let namespaces = a.label();
    if !selection.own_namespace {
        a.ldx(Size::Dw, R1, R9, context::TASK);
        a.jeq(R1, Task::Namespaces as i32, namespaces);
    }
    Walk { a: &mut a, layout, memory, limit, selection, finish }.emit();
    if !selection.own_namespace {
        a.bind(namespaces);
        emit_namespaces(&mut a, layout, memory, limit, finish);
    }
    a.bind(describe);
    emit_describe(&mut a, layout);
    a.bind(finish);
    a.call_kfunc(layout.rcu_read_unlock);
    a.mov(R0, 0);
    a.exit();
    a.finish()
}

/// `R0 = R1`, as a pointer to a structure of this type. The kernel turns the call into a copy.
fn cast(a: &mut Assembler, layout: &PassLayout, to: u32) {
    a.mov(R2, to.cast_signed());
    a.call_kfunc(layout.cast);
}

/// `dst =` the eight bytes at the address in `R1`, as a number.
fn load_number(a: &mut Assembler, layout: &PassLayout, dst: Register) {
    cast(a, layout, layout.type_sock_common);
    a.ldx(Size::Dw, dst, R0, layout.daddr);
}

/// Writes [`tables`] into the context, which is in `R9`.
fn emit_describe(a: &mut Assembler, layout: &PassLayout) {
    a.call(GET_CURRENT_TASK);
    a.mov(R1, R0);
    cast(a, layout, layout.type_task);
    a.ldx(Size::Dw, R1, R0, layout.task_nsproxy);
    cast(a, layout, layout.type_nsproxy);
    a.mov(R1, R0);
    a.add(R1, i32::from(layout.nsproxy_net));
    load_number(a, layout, R7);
    a.stx(Size::Dw, R9, tables::NET, R7);
    a.mov(R1, R7);
    cast(a, layout, layout.type_net);
    a.mov(R6, R0);
    a.ldx(Size::W, R1, R6, layout.net_inum);
    a.stx(Size::Dw, R9, tables::INODE, R1);
    let of_tcp = &[
        (layout.ehash, tables::EHASH, layout.ehash_mask, tables::EHASH_MASK),
        (layout.lhash2, tables::LHASH2, layout.lhash2_mask, tables::LHASH2_MASK),
    ][..];
    let of_udp = &[(layout.udp_hash, tables::UDP, layout.udp_mask, tables::UDP_MASK)][..];
    for (pointer, of, fields) in
        [(layout.net_hashinfo, layout.type_hashinfo, of_tcp), (layout.net_udp_table, layout.type_udp_table, of_udp)]
    {
        a.ldx(Size::Dw, R1, R6, pointer);
        cast(a, layout, of);
        a.mov(R7, R0);
        for &(base, to, mask, to_mask) in fields {
            a.mov(R1, R7);
            a.add(R1, i32::from(base));
            load_number(a, layout, R1);
            a.stx(Size::Dw, R9, to, R1);
            a.ldx(Size::W, R1, R7, mask);
            a.stx(Size::Dw, R9, to_mask, R1);
        }
    }
}

/// Writes a row for each network namespace of the kernel's list, from that in `R8` on until it comes round. The list also has its
/// head among its links, which is no namespace: it lacks the operations of one.
fn emit_namespaces(a: &mut Assembler, layout: &PassLayout, memory: i32, limit: i32, finish: Label) {
    let [each, next, full, done, report] = [(); 5].map(|()| a.label());
    a.mov(R1, R8);
    a.add(R1, i32::from(layout.net_ops));
    load_number(a, layout, R1);
    a.ldx(Size::Dw, R3, R10, stack::CONTEXT);
    a.stx(Size::Dw, R3, context::HEAD, R1);
    a.bind(each);
    a.may_goto(full);
    a.mov(R1, R8);
    a.add(R1, i32::from(layout.net_ops));
    load_number(a, layout, R1);
    a.ldx(Size::Dw, R3, R10, stack::CONTEXT);
    a.ldx(Size::Dw, R2, R3, context::HEAD);
    a.jne(R1, R2, next);
    a.ldx(Size::Dw, R9, R3, context::WRITE);
    a.jgt(R9, limit, full);
    a.mov(R1, R9);
    a.add(R1, ROW as i32);
    a.stx(Size::Dw, R3, context::WRITE, R1);
    a.lddw_map_value(R1, memory, 0);
    a.add(R1, R9);
    a.mov(R9, R1);
    a.stx(Size::Dw, R9, namespace_row::NET, R8);
    a.mov(R1, R8);
    cast(a, layout, layout.type_net);
    a.mov(R6, R0);
    a.ldx(Size::W, R1, R6, layout.net_inum);
    a.stx(Size::Dw, R9, namespace_row::INODE, R1);
    for (pointer, of, base, mask, to, to_mask) in [
        (
            layout.net_hashinfo,
            layout.type_hashinfo,
            layout.ehash,
            layout.ehash_mask,
            namespace_row::EHASH,
            namespace_row::EHASH_MASK,
        ),
        (
            layout.net_udp_table,
            layout.type_udp_table,
            layout.udp_hash,
            layout.udp_mask,
            namespace_row::UDP,
            namespace_row::UDP_MASK,
        ),
    ] {
        a.ldx(Size::Dw, R1, R6, pointer);
        cast(a, layout, of);
        a.mov(R7, R0);
        a.mov(R1, R7);
        a.add(R1, i32::from(base));
        load_number(a, layout, R1);
        a.stx(Size::Dw, R9, to, R1);
        a.ldx(Size::W, R1, R7, mask);
        a.stx(Size::Dw, R9, to_mask, R1);
    }
    a.bind(next);
    a.mov(R1, R8);
    a.add(R1, i32::from(layout.net_list));
    load_number(a, layout, R8);
    a.sub(R8, i32::from(layout.net_list));
    a.ldx(Size::Dw, R3, R10, stack::CONTEXT);
    a.ldx(Size::Dw, R1, R3, context::AT);
    a.jne(R8, R1, each);
    a.bind(done);
    a.mov(R1, Outcome::Walked as i32);
    a.ja(report);
    a.bind(full);
    a.mov(R1, Outcome::TooLong as i32);
    a.bind(report);
    a.ldx(Size::Dw, R3, R10, stack::CONTEXT);
    a.stx(Size::Dw, R3, context::OUTCOME, R1);
    a.ldx(Size::Dw, R1, R3, context::WRITE);
    a.stx(Size::Dw, R3, context::WRITTEN, R1);
    a.ja(finish);
}

/// The walk through a table. `R6` is the socket, `R7` the address of the next link of its chain, `R8` that of the next bucket's first
/// link, `R9` that of the row, `R3` often the context.
struct Walk<'a> {
    a: &'a mut Assembler,
    layout: &'a PassLayout,
    memory: i32,
    limit: i32,
    selection: &'a Selection,
    finish: Label,
}

impl Walk<'_> {
    fn emit(mut self) {
        let layout = self.layout;
        let [scan, begin, chain, next, chain_ends, unmoved, unstable, too_long, give_back, end, report] =
            [(); 11].map(|()| self.a.label());

        self.a.bind(scan);
        self.a.may_goto(end);
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::END);
        self.a.jge(R8, R1, end);
        self.a.ldx(Size::Dw, R6, R3, context::STEP);
        self.a.mov(R1, R8);
        load_number(self.a, layout, R7);
        self.a.add(R8, R6);
        self.jump_if_end(scan);
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::SOCKETS);
        self.a.jlt(R1, SOCKETS_A_RUN, begin);
        self.a.sub(R8, R6);
        self.a.ja(end);
        self.a.bind(begin);
        self.a.stx(Size::Dw, R3, context::BUCKET_SOCKETS, R1);
        self.a.stx(Size::Dw, R3, context::HEAD, R7);
        self.a.ldx(Size::Dw, R1, R3, context::WRITE);
        self.a.stx(Size::Dw, R3, context::BUCKET_WRITE, R1);

        self.a.bind(chain);
        self.a.may_goto(give_back);
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::SOCKETS);
        self.a.jge(R1, SOCKETS_AT_MOST, too_long);
        self.a.add(R1, 1);
        self.a.stx(Size::Dw, R3, context::SOCKETS, R1);
        self.a.mov(R1, R7);
        self.a.sub(R1, i32::from(layout.node));
        cast(self.a, layout, layout.type_sock);
        self.a.mov(R6, R0);
        self.a.mov(R1, R7);
        load_number(self.a, layout, R7);
        self.check_membership(unstable);
        self.emit_row(next, unstable);
        self.a.bind(next);
        self.jump_if_end(chain_ends);
        self.a.ja(chain);

        self.a.bind(chain_ends);
        self.load_context();
        // The end marker has the number of the bucket; that of a UDP socket's chain is 0.
        self.a.ldx(Size::Dw, R6, R3, context::STEP);
        self.a.jeq(R7, 0, unmoved);
        self.a.rsh(R7, 1);
        self.a.ldx(Size::Dw, R1, R3, context::FIRST_NUMBER);
        self.a.sub(R7, R1);
        self.a.mul(R7, R6);
        self.a.add(R7, R6);
        self.a.ldx(Size::Dw, R1, R3, context::BASE);
        self.a.add(R7, R1);
        self.a.jne(R7, R8, unstable);
        self.a.bind(unmoved);
        self.barrier();
        self.a.mov(R1, R8);
        self.a.sub(R1, R6);
        load_number(self.a, layout, R1);
        self.load_context();
        self.a.ldx(Size::Dw, R2, R3, context::HEAD);
        self.a.jne(R1, R2, unstable);
        self.a.st(Size::Dw, R3, context::RETRIES, 0);
        self.a.ja(scan);

        self.a.bind(unstable);
        self.give_back_bucket();
        self.a.ldx(Size::Dw, R1, R3, context::RETRIES);
        self.a.add(R1, 1);
        self.a.stx(Size::Dw, R3, context::RETRIES, R1);
        self.a.jlt(R1, RETRIES, scan);
        self.a.mov(R1, Outcome::Unstable as i32);
        self.a.ja(report);

        self.a.bind(too_long);
        self.give_back_bucket();
        // The bucket fits into a run of its own, unless it is the first of this one.
        self.a.ldx(Size::Dw, R1, R3, context::BUCKET_SOCKETS);
        self.a.jne(R1, 0, end);
        self.a.mov(R1, Outcome::TooLong as i32);
        self.a.ja(report);

        self.a.bind(give_back);
        self.give_back_bucket();
        self.a.bind(end);
        self.load_context();
        self.a.mov(R1, Outcome::Walked as i32);
        self.a.bind(report);
        self.a.stx(Size::Dw, R3, context::OUTCOME, R1);
        self.a.stx(Size::Dw, R3, context::AT, R8);
        self.a.ldx(Size::Dw, R1, R3, context::WRITE);
        self.a.ldx(Size::Dw, R2, R3, context::SLOT);
        self.a.sub(R1, R2);
        self.a.stx(Size::Dw, R3, context::WRITTEN, R1);
        self.a.ja(self.finish);
    }

    fn load_context(&mut self) {
        self.a.ldx(Size::Dw, R3, R10, stack::CONTEXT);
    }

    /// Takes the rows of this bucket back, so that it is the next one again.
    fn give_back_bucket(&mut self) {
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::BUCKET_WRITE);
        self.a.stx(Size::Dw, R3, context::WRITE, R1);
        self.a.ldx(Size::Dw, R1, R3, context::STEP);
        self.a.sub(R8, R1);
    }

    /// Jumps if `R7` is the end of a chain: a number with the lowest bit set, or 0.
    fn jump_if_end(&mut self, target: Label) {
        self.a.jset(R7, 1, target);
        self.a.jeq(R7, 0, target);
    }

    /// Nothing below is read before everything above has been.
    fn barrier(&mut self) {
        if !LOADS_ARE_ORDERED {
            self.a.mov(R1, 0);
            self.a.atomic(Atomic::FetchAdd, Size::Dw, R10, stack::BARRIER, R1);
        }
    }

    /// The end of a chain of UDP sockets does not tell the bucket: each socket must belong to it after its successor was read.
    fn check_membership(&mut self, unstable: Label) {
        let is_member = self.a.label();
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::TASK);
        self.a.jne(R1, Task::Udp as i32, is_member);
        self.barrier();
        self.a.ldx(Size::Dw, R1, R6, self.layout.net);
        self.a.ldx(Size::W, R1, R1, self.layout.net_hash_mix);
        self.a.ldx(Size::H, R2, R6, self.layout.hash); // skc_u16hashes[0], the hash of the port
        self.a.add(R1, R2);
        self.a.ldx(Size::Dw, R2, R3, context::MASK);
        self.a.and(R1, R2);
        self.a.add(R1, 1);
        self.a.ldx(Size::Dw, R2, R3, context::STEP);
        self.a.mul(R1, R2);
        self.a.ldx(Size::Dw, R2, R3, context::BASE);
        self.a.add(R1, R2);
        self.a.jne(R1, R8, unstable);
        self.a.bind(is_member);
    }

    /// Writes the row of the socket in `R6`, if it is wanted.
    fn emit_row(&mut self, next: Label, unstable: Label) {
        let (layout, selection) = (self.layout, self.selection);
        self.load_context();
        if selection.own_namespace {
            self.a.ldx(Size::Dw, R1, R6, layout.net);
            self.a.ldx(Size::Dw, R2, R3, context::NET);
            self.a.jne(R1, R2, next);
        }
        for (ports, field, is_remote) in [(&selection.local, layout.num, false), (&selection.remote, layout.dport, true)] {
            if *ports != (0..=u16::MAX) {
                self.a.ldx(Size::H, R1, R6, field);
                if is_remote {
                    self.a.be(R1, 16);
                }
                self.a.jlt(R1, i32::from(*ports.start()), next);
                self.a.jgt(R1, i32::from(*ports.end()), next);
            }
        }
        if !(selection.ipv4 && selection.ipv6) {
            self.a.ldx(Size::H, R1, R6, layout.family);
            match selection.ipv6 {
                true => self.a.jne(R1, AF_INET6, next),
                false => self.a.jeq(R1, AF_INET6, next),
            }
        }
        self.a.ldx(Size::Dw, R9, R3, context::WRITE);
        self.a.jgt(R9, self.limit, next);
        self.a.lddw_map_value(R1, self.memory, 0);
        self.a.add(R1, R9);
        self.a.mov(R9, R1);
        for (field, to) in [(layout.dport, row::PORTS), (layout.hash, row::HASH)] {
            self.a.ldx(Size::W, R1, R6, field);
            self.a.stx(Size::W, R9, to, R1);
        }
        self.a.ldx(Size::W, R1, R6, layout.bound_dev_if);
        self.a.stx(Size::W, R9, row::INTERFACE, R1);
        self.emit_addresses();
        let complete = self.a.label();
        self.emit_state(next, complete);
        self.emit_whole_socket();
        self.a.bind(complete);
        self.barrier();
        for (field, from) in [(layout.dport, row::PORTS), (layout.hash, row::HASH)] {
            self.a.ldx(Size::W, R1, R6, field);
            self.a.ldx(Size::W, R2, R9, from);
            self.a.jne(R1, R2, unstable);
        }
        if !selection.own_namespace {
            self.a.ldx(Size::Dw, R1, R6, layout.net);
            self.a.ldx(Size::W, R1, R1, layout.net_inum);
            self.a.stx(Size::W, R9, row::NAMESPACE, R1);
        }
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::WRITE);
        self.a.add(R1, ROW as i32);
        self.a.stx(Size::Dw, R3, context::WRITE, R1);
    }

    /// The state; of TIME_WAIT the substate, for such a structure also stands for FIN_WAIT_2. What is no whole socket is complete
    /// with it.
    fn emit_state(&mut self, next: Label, complete: Label) {
        let layout = self.layout;
        let [whole, minisock] = [(); 2].map(|()| self.a.label());
        self.a.ldx(Size::B, R3, R6, layout.state);
        self.a.st(Size::Dw, R9, row::INODE, 0); // and the user id
        self.a.st(Size::Dw, R9, row::RECEIVE_QUEUE, 0); // and the other queue
        self.a.jeq(R3, NEW_SYN_RECV, minisock);
        self.a.jne(R3, TIME_WAIT, whole);
        self.a.mov(R1, R6);
        cast(self.a, layout, layout.type_timewait);
        self.a.ldx(Size::B, R3, R0, layout.tw_substate);
        self.a.bind(minisock);
        self.filter_state(next);
        self.a.stx(Size::B, R9, row::STATE, R3);
        self.a.ja(complete);
        self.a.bind(whole);
        self.filter_state(next);
        self.a.stx(Size::B, R9, row::STATE, R3);
    }

    /// Goes on with the next socket if the state in `R3` is not wanted.
    fn filter_state(&mut self, next: Label) {
        self.a.ldx(Size::Dw, R2, R10, stack::CONTEXT);
        self.a.ldx(Size::Dw, R1, R2, context::STATES);
        self.a.and(R3, 31);
        self.a.rsh(R1, R3);
        self.a.and(R1, 1);
        self.a.jeq(R1, 0, next);
    }

    fn emit_addresses(&mut self) {
        let layout = self.layout;
        self.a.ldx(Size::H, R1, R6, layout.family);
        self.a.stx(Size::H, R9, row::FAMILY, R1);
        let (ipv6, done) = (self.a.label(), self.a.label());
        if layout.v6.is_some() {
            self.a.jeq(R1, AF_INET6, ipv6);
        }
        self.a.ldx(Size::Dw, R1, R6, layout.daddr); // and rcv_saddr behind it
        self.a.stx(Size::Dw, R9, row::ADDRESSES, R1);
        if let Some(v6) = layout.v6 {
            self.a.ja(done);
            self.a.bind(ipv6);
            for (from, to) in [(v6.daddr, row::REMOTE_V6), (v6.rcv_saddr, row::LOCAL_V6)] {
                for half in [0, 8] {
                    self.a.ldx(Size::Dw, R1, R6, from + half);
                    self.a.stx(Size::Dw, R9, to + half, R1);
                }
            }
        } else {
            self.a.bind(ipv6);
        }
        self.a.bind(done);
    }

    /// What only a whole `struct sock` has.
    fn emit_whole_socket(&mut self) {
        let (layout, selection) = (self.layout, self.selection);
        if selection.inode {
            match layout.sk_ino {
                Some(number) => self.a.ldx(Size::Dw, R1, R6, number),
                None => {
                    self.a.mov(R1, R6);
                    self.a.add(R1, i32::from(layout.sk_socket));
                    load_number(self.a, layout, R1);
                    let orphan = self.a.label();
                    self.a.jeq(R1, 0, orphan);
                    cast(self.a, layout, layout.type_socket_alloc);
                    self.a.ldx(Size::Dw, R1, R0, layout.socket_inode);
                    self.a.bind(orphan);
                }
            }
            self.a.stx(Size::W, R9, row::INODE, R1);
        }
        if selection.uid {
            self.a.ldx(Size::W, R1, R6, layout.sk_uid);
            self.a.stx(Size::W, R9, row::UID, R1);
        }
        if selection.queues {
            self.emit_queues();
        }
    }

    fn emit_queues(&mut self) {
        let layout = self.layout;
        let [listener, udp, done] = [(); 3].map(|()| self.a.label());
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::TASK);
        self.a.jeq(R1, Task::Listeners as i32, listener);
        self.a.jeq(R1, Task::Udp as i32, udp);
        self.a.mov(R1, R6);
        cast(self.a, layout, layout.type_tcp_sock);
        for (plus, minus, to) in
            [(layout.rcv_nxt, layout.copied_seq, row::RECEIVE_QUEUE), (layout.write_seq, layout.snd_una, row::SEND_QUEUE)]
        {
            self.a.ldx(Size::W, R1, R0, plus);
            self.a.ldx(Size::W, R2, R0, minus);
            self.a.sub32(R1, R2);
            self.a.stx(Size::W, R9, to, R1);
        }
        self.a.ja(done);
        self.a.bind(listener);
        for (from, to) in [(layout.sk_ack_backlog, row::RECEIVE_QUEUE), (layout.sk_max_ack_backlog, row::SEND_QUEUE)] {
            self.a.ldx(Size::W, R1, R6, from);
            self.a.stx(Size::W, R9, to, R1);
        }
        self.a.ja(done);
        self.a.bind(udp);
        self.a.mov(R1, R6);
        cast(self.a, layout, layout.type_udp_sock);
        self.a.ldx(Size::W, R1, R6, layout.sk_rmem_alloc);
        self.a.ldx(Size::W, R2, R0, layout.forward_deficit);
        self.a.sub32(R1, R2);
        self.a.stx(Size::W, R9, row::RECEIVE_QUEUE, R1);
        self.a.ldx(Size::W, R1, R6, layout.sk_wmem_alloc);
        self.a.sub32(R1, 1);
        self.a.stx(Size::W, R9, row::SEND_QUEUE, R1);
        self.a.bind(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::bpf::btf::PATH;

    #[test]
    fn it_can_be_assembled_for_every_selection_and_layout() {
        let Some(layout) = std::fs::read(PATH).ok().and_then(|btf| PassLayout::find(&btf).ok()) else {
            eprintln!("SKIPPED: this kernel's layout is not known");
            return;
        };
        for layout in [layout, PassLayout { v6: None, sk_ino: None, ..layout }] {
            for bits in 0..64u32 {
                let is_set = |bit: u32| bits & 1 << bit != 0;
                let selection = Selection {
                    own_namespace: is_set(0),
                    local: if is_set(1) { 1..=u16::MAX } else { 0..=u16::MAX },
                    remote: if is_set(2) { 0..=8 } else { 0..=u16::MAX },
                    ipv4: is_set(3),
                    ipv6: is_set(4) || !is_set(3),
                    queues: is_set(5),
                    uid: is_set(5),
                    inode: !is_set(2),
                    ..Selection::ALL
                };
                let program = program(&layout, 5, 2, &selection).unwrap();
                assert!(program.insns.len() < 400, "{}", program.insns.len());
            }
        }
    }
}
