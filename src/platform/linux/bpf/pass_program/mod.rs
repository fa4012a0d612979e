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

mod bound;
mod format;
mod socket_row;
mod tables;
mod walk;

pub use format::{
    LISTENING_NULLS_BASE, Outcome, ROW, SLOT, SOCKETS_AT_MOST, Selection, Task, context, namespace_row, row, tables as described,
};

use super::assembler::Register::{R0, R1, R2, R8, R9, R10};
use super::assembler::{AssembleError, Assembler, Program, Register, Size};
use super::pass_layout::PassLayout;
use walk::Walk;

/// `BPF_FUNC_jiffies64`
const JIFFIES64: i32 = 118;

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
    if selection.timers {
        a.call(JIFFIES64);
        a.stx(Size::Dw, R9, context::JIFFIES, R0);
    }
    let bound = a.label();
    if selection.bound {
        a.ldx(Size::Dw, R1, R9, context::TASK);
        a.jeq(R1, Task::Bound as i32, bound);
    }
    let mut walk = Walk { a: &mut a, layout, memory, limit, selection, finish };
    walk.emit();
    if selection.bound {
        walk.a.bind(bound);
        walk.emit_bound();
    }
    if !selection.own_namespace {
        a.bind(namespaces);
        tables::emit_namespaces(&mut a, layout, memory, limit, finish);
    }
    a.bind(describe);
    tables::emit_describe(&mut a, layout);
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
        for layout in [layout, PassLayout { v6: None, sk_ino: None, timers: None, bound: None, socket_file: None, ..layout }] {
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
                    timers: is_set(5),
                    files: is_set(1),
                    bound: is_set(4) && layout.bound.is_some(),
                    ..Selection::ALL
                };
                let program = program(&layout, 5, 2, &selection).unwrap();
                assert!(program.insns.len() < 800, "{}", program.insns.len());
            }
        }
    }
}
