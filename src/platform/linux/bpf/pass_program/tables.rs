//! Where the tables are: those of the calling thread's network namespace, and those of all.

use super::format::{Outcome, ROW, context, namespace_row, tables};
use super::{JIFFIES64, cast, load_number, stack};
use crate::platform::linux::bpf::assembler::Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
use crate::platform::linux::bpf::assembler::{Assembler, Label, Size};
use crate::platform::linux::bpf::pass_layout::PassLayout;

/// `BPF_FUNC_get_current_task`
const GET_CURRENT_TASK: i32 = 35;
/// `BPF_FUNC_ktime_get_ns`
const KTIME_GET_NS: i32 = 5;

/// Writes [`tables`] into the context, which is in `R9`.
pub(super) fn emit_describe(a: &mut Assembler, layout: &PassLayout) {
    for (helper, to) in [(JIFFIES64, tables::JIFFIES), (KTIME_GET_NS, tables::NANOSECONDS)] {
        a.call(helper);
        a.stx(Size::Dw, R9, to, R0);
    }
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
    let mut of_tcp = of_tcp.to_vec();
    of_tcp.extend(layout.bound.map(|bound| (bound.table, tables::BHASH2, bound.buckets, tables::BHASH2_BUCKETS)));
    let of_udp = &[(layout.udp_hash, tables::UDP, layout.udp_mask, tables::UDP_MASK)][..];
    for (pointer, of, fields) in
        [(layout.net_hashinfo, layout.type_hashinfo, &of_tcp[..]), (layout.net_udp_table, layout.type_udp_table, of_udp)]
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
pub(super) fn emit_namespaces(a: &mut Assembler, layout: &PassLayout, memory: i32, limit: i32, finish: Label) {
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
