//! The walk through the chains of a table.

use super::format::{Outcome, RETRIES, SOCKETS_A_RUN, SOCKETS_AT_MOST, Selection, Task, context};
use super::{cast, load_number, stack};
use crate::platform::linux::bpf::assembler::Register::{R0, R1, R2, R3, R6, R7, R8, R10};
use crate::platform::linux::bpf::assembler::{Assembler, Atomic, Label, Size};
use crate::platform::linux::bpf::pass_layout::PassLayout;

/// Whether a processor of this kind executes loads in program order.
const LOADS_ARE_ORDERED: bool = cfg!(any(target_arch = "x86_64", target_arch = "x86"));

/// The walk through a table. `R6` is the socket, `R7` the address of the next link of its chain, `R8` that of the next bucket's first
/// link, `R9` that of the row, `R3` often the context.
pub(super) struct Walk<'a> {
    pub(super) a: &'a mut Assembler,
    pub(super) layout: &'a PassLayout,
    pub(super) memory: i32,
    pub(super) limit: i32,
    pub(super) selection: &'a Selection,
    pub(super) finish: Label,
}

/// Places in a walk.
#[derive(Clone, Copy)]
pub(super) struct Labels {
    /// The search for the next bucket.
    pub(super) scan: Label,
    /// This bucket has changed.
    pub(super) unstable: Label,
    /// This bucket is too long for this run.
    pub(super) too_long: Label,
    /// This bucket is that of the next run.
    pub(super) give_back: Label,
    /// All buckets were walked.
    pub(super) end: Label,
}

impl Walk<'_> {
    pub(super) fn emit(&mut self) {
        let layout = self.layout;
        let [chain, next, chain_ends, unmoved] = [(); 4].map(|()| self.a.label());
        let labels = self.labels();
        let Labels { unstable, .. } = labels;

        self.emit_scan(&labels);
        self.a.bind(chain);
        self.count(&labels);
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
        self.emit_bucket_end(&labels);
        self.emit_endings(&labels);
    }

    pub(super) fn labels(&mut self) -> Labels {
        let [scan, unstable, too_long, give_back, end] = [(); 5].map(|()| self.a.label());
        Labels { scan, unstable, too_long, give_back, end }
    }

    /// Goes to the next bucket that is not empty: its first link is in `R7` then.
    pub(super) fn emit_scan(&mut self, labels: &Labels) {
        let &Labels { scan, end, .. } = labels;
        let layout = self.layout;
        let begin = self.a.label();
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
    }

    /// Counts what is looked at.
    pub(super) fn count(&mut self, labels: &Labels) {
        self.a.may_goto(labels.give_back);
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::SOCKETS);
        self.a.jge(R1, SOCKETS_AT_MOST, labels.too_long);
        self.a.add(R1, 1);
        self.a.stx(Size::Dw, R3, context::SOCKETS, R1);
    }

    /// Goes on with the next bucket if nothing was inserted at the head of this one.
    pub(super) fn emit_bucket_end(&mut self, labels: &Labels) {
        self.barrier();
        self.load_context();
        self.a.ldx(Size::Dw, R2, R3, context::STEP);
        self.a.mov(R1, R8);
        self.a.sub(R1, R2);
        load_number(self.a, self.layout, R1);
        self.load_context();
        self.a.ldx(Size::Dw, R2, R3, context::HEAD);
        self.a.jne(R1, R2, labels.unstable);
        self.a.st(Size::Dw, R3, context::RETRIES, 0);
        self.a.ja(labels.scan);
    }

    /// What a walk ends with.
    pub(super) fn emit_endings(&mut self, labels: &Labels) {
        let &Labels { scan, unstable, too_long, give_back, end } = labels;
        let report = self.a.label();
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

    pub(super) fn load_context(&mut self) {
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
    pub(super) fn barrier(&mut self) {
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
}
