//! The row of a socket.

use super::format::{ROW, Task, context, row};
use super::walk::Walk;
use super::{cast, load_number, stack};
use crate::platform::linux::bpf::assembler::Register::{R0, R1, R2, R3, R4, R6, R9, R10};
use crate::platform::linux::bpf::assembler::{Label, Size};
use crate::platform::linux::bpf::file_filter;

/// `TCP_TIME_WAIT` and `TCP_NEW_SYN_RECV`: small structures, of which nothing but `struct sock_common` is a socket's.
const TIME_WAIT: i32 = 6;
const NEW_SYN_RECV: i32 = 12;
/// `AF_INET6`
const AF_INET6: i32 = 10;
/// `ICSK_TIME_RETRANS`, `ICSK_TIME_PROBE0`, `ICSK_TIME_LOSS_PROBE` and `ICSK_TIME_REO_TIMEOUT`: what the timer of a connection is for.
const TIME_RETRANS: i32 = 1;
const TIME_PROBE0: i32 = 3;
const TIME_LOSS_PROBE: i32 = 5;
const TIME_REO_TIMEOUT: i32 = 6;
/// The kinds of timers as `inet_diag_msg.idiag_timer` has them.
const RETRANSMIT: i32 = 1;
const KEEPALIVE: i32 = 2;
const OF_TIME_WAIT: i32 = 3;
const PROBE: i32 = 4;

impl Walk<'_> {
    /// Writes the row of the socket in `R6`, if it is wanted.
    pub(super) fn emit_row(&mut self, next: Label, unstable: Label) {
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
        let [whole, request, minisock] = [(); 3].map(|()| self.a.label());
        self.a.ldx(Size::B, R3, R6, layout.state);
        self.a.st(Size::B, R9, row::TIMER, 0);
        self.a.st(Size::W, R9, row::FILE, 0);
        self.a.st(Size::Dw, R9, row::INODE, 0); // and the user id
        self.a.st(Size::Dw, R9, row::RECEIVE_QUEUE, 0); // and the other queue
        self.a.jeq(R3, NEW_SYN_RECV, request);
        self.a.jne(R3, TIME_WAIT, whole);
        self.a.mov(R1, R6);
        cast(self.a, layout, layout.type_timewait);
        self.a.ldx(Size::B, R3, R0, layout.tw_substate);
        let timers = layout.timers.filter(|_| self.selection.timers);
        if let Some(timers) = timers {
            self.a.ldx(Size::Dw, R2, R0, timers.timewait_expires);
            self.emit_timer(OF_TIME_WAIT);
        }
        self.a.ja(minisock);
        self.a.bind(request);
        if let Some(timers) = timers {
            self.a.mov(R1, R6);
            cast(self.a, layout, timers.type_request);
            self.a.ldx(Size::Dw, R2, R0, timers.request_expires);
            self.emit_timer(RETRANSMIT);
            self.a.mov(R3, NEW_SYN_RECV);
        }
        self.a.bind(minisock);
        self.filter_state(next);
        self.a.stx(Size::B, R9, row::STATE, R3);
        self.a.ja(complete);
        self.a.bind(whole);
        self.filter_state(next);
        self.a.stx(Size::B, R9, row::STATE, R3);
    }

    /// A timer that ends at the time in `R2`.
    fn emit_timer(&mut self, kind: i32) {
        self.a.ldx(Size::Dw, R4, R10, stack::CONTEXT);
        self.a.ldx(Size::Dw, R1, R4, context::JIFFIES);
        self.a.sub(R2, R1);
        self.a.stx(Size::W, R9, row::EXPIRES, R2);
        self.a.st(Size::B, R9, row::TIMER, kind);
    }

    /// The timer of a connection, by the rules of the kernel's `inet_sk_diag_fill`.
    fn emit_timer_of_connection(&mut self) {
        let layout = self.layout;
        let Some(timers) = layout.timers else { return };
        let [retransmit, probe, done] = [(); 3].map(|()| self.a.label());
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::TASK);
        self.a.jne(R1, Task::Connections as i32, done);
        self.a.mov(R1, R6);
        cast(self.a, layout, timers.type_connection);
        self.a.ldx(Size::B, R1, R0, timers.pending);
        for what in [TIME_RETRANS, TIME_LOSS_PROBE, TIME_REO_TIMEOUT] {
            self.a.jeq(R1, what, retransmit);
        }
        self.a.jeq(R1, TIME_PROBE0, probe);
        self.a.ldx(Size::Dw, R1, R0, timers.keepalive_pprev);
        self.a.jeq(R1, 0, done);
        self.a.ldx(Size::Dw, R2, R0, timers.keepalive_expires);
        self.emit_timer(KEEPALIVE);
        self.a.ja(done);
        for (label, kind) in [(retransmit, RETRANSMIT), (probe, PROBE)] {
            self.a.bind(label);
            self.a.ldx(Size::Dw, R2, R0, timers.expires);
            self.emit_timer(kind);
            self.a.ja(done);
        }
        self.a.bind(done);
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
        if let Some(file) = layout.socket_file.filter(|_| selection.files) {
            let none = self.a.label();
            self.a.mov(R1, R6);
            self.a.add(R1, i32::from(layout.sk_socket));
            load_number(self.a, layout, R1);
            self.a.jeq(R1, 0, none);
            self.a.add(R1, i32::from(file));
            load_number(self.a, layout, R1);
            self.a.jeq(R1, 0, none);
            file_filter::emit_hash(self.a, R1, R2);
            self.a.add(R1, 1);
            self.a.bind(none);
            self.a.stx(Size::W, R9, row::FILE, R1);
        }
        if selection.uid {
            self.a.ldx(Size::W, R1, R6, layout.sk_uid);
            self.a.stx(Size::W, R9, row::UID, R1);
        }
        if selection.queues {
            self.emit_queues();
        }
        if selection.timers {
            self.emit_timer_of_connection();
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
