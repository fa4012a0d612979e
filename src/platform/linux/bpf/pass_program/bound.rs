//! The walk through the ports that are bound.
//!
//! A bucket of `bhash2` has a chain of ports (`struct inet_bind2_bucket`), and each port one of the sockets that are bound to it. Both
//! end with 0 and say nothing of the bucket. That a chain was not left midway is known otherwise: the link back of each element
//! (`pprev`) must lead to where the walk came from, and the heads of both chains must be what they were.

use super::format::context;
use super::walk::Walk;
use super::{cast, load_number};
use crate::platform::linux::bpf::assembler::Register::{R0, R1, R2, R3, R6, R7, R8};
use crate::platform::linux::bpf::assembler::{Label, Register, Size};
use crate::platform::linux::bpf::pass_layout::BoundPorts;

/// `TCP_CLOSE`
const CLOSE: i32 = 7;

impl Walk<'_> {
    pub(super) fn emit_bound(&mut self) {
        let Some(bound) = self.layout.bound else { return };
        let layout = self.layout;
        let [port, socket, next, sockets_end] = [(); 4].map(|()| self.a.label());
        let labels = self.labels();
        self.emit_scan(&labels);
        self.a.ldx(Size::Dw, R1, R3, context::STEP);
        self.a.mov(R2, R8);
        self.a.sub(R2, R1);
        self.a.stx(Size::Dw, R3, context::LINK, R2);

        self.a.bind(port);
        self.count(&labels);
        self.check_link(&bound, labels.unstable);
        self.a.stx(Size::Dw, R3, context::PORT, R7);
        self.load_head(&bound, R7);
        self.load_context();
        self.a.stx(Size::Dw, R3, context::PORT_HEAD, R7);

        self.a.bind(socket);
        self.a.jeq(R7, 0, sockets_end);
        self.count(&labels);
        self.check_link(&bound, labels.unstable);
        self.a.stx(Size::Dw, R3, context::LINK, R7);
        self.a.mov(R1, R7);
        self.a.sub(R1, i32::from(bound.socket_node));
        cast(self.a, layout, layout.type_sock);
        self.a.mov(R6, R0);
        self.a.mov(R1, R7);
        load_number(self.a, layout, R7);
        self.a.ldx(Size::B, R1, R6, layout.state);
        self.a.jne(R1, CLOSE, next);
        self.a.ldx(Size::H, R1, R6, layout.num);
        self.a.jeq(R1, 0, next);
        self.emit_row(next, labels.unstable);
        self.a.bind(next);
        self.a.ja(socket);

        self.a.bind(sockets_end);
        self.barrier();
        self.load_context();
        self.a.ldx(Size::Dw, R7, R3, context::PORT);
        self.load_head(&bound, R6);
        self.load_context();
        self.a.ldx(Size::Dw, R1, R3, context::PORT_HEAD);
        self.a.jne(R1, R6, labels.unstable);
        self.a.stx(Size::Dw, R3, context::LINK, R7);
        self.a.mov(R1, R7);
        load_number(self.a, layout, R7);
        self.a.jne(R7, 0, port);
        self.emit_bucket_end(&labels);
        self.emit_endings(&labels);
    }

    /// The link back of the element at `R7` leads to where the walk came from.
    fn check_link(&mut self, bound: &BoundPorts, unstable: Label) {
        self.a.mov(R1, R7);
        self.a.add(R1, i32::from(bound.pprev));
        load_number(self.a, self.layout, R1);
        self.load_context();
        self.a.ldx(Size::Dw, R2, R3, context::LINK);
        self.a.jne(R1, R2, unstable);
    }

    /// `to =` the first socket of the port whose link is at `R7`. The place where it stands is the link to it.
    fn load_head(&mut self, bound: &BoundPorts, to: Register) {
        self.a.mov(R1, R7);
        self.a.add(R1, i32::from(bound.port_owners) - i32::from(bound.port_node));
        self.load_context();
        self.a.stx(Size::Dw, R3, context::LINK, R1);
        load_number(self.a, self.layout, to);
    }
}
