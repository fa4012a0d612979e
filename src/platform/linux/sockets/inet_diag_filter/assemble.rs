//! From conditions to instructions of the kernel's filter (`struct inet_diag_bc_op`).
//!
//! An instruction has two ways on, both forward: a short one for "yes", which here always leads to the next instruction
//! (the kernel's check of a program follows it), and a long one for "no". A program that ends at its end accepts the
//! socket; one that jumps past its end rejects it.

use super::condition::{Condition, End, Test};
use ipnet::IpNet;

/// `INET_DIAG_BC_JMP`: always "no".
const JUMP: u8 = 1;
/// The size of an instruction without an operand. A jump as far past the end rejects the socket.
const STEP: usize = 4;
/// The size of `struct inet_diag_hostcond` without the address.
const HOST: usize = 8;
/// `AF_INET` and `AF_INET6` of Linux.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

impl Test {
    const fn code(self) -> u8 {
        match self {
            Self::PortFrom(End::Local, _) => 2,
            Self::PortTo(End::Local, _) => 3,
            Self::PortFrom(End::Remote, _) => 4,
            Self::PortTo(End::Remote, _) => 5,
            Self::Within(End::Local, _) => 7,
            Self::Within(End::Remote, _) => 8,
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::PortFrom(..) | Self::PortTo(..) => STEP + STEP,
            Self::Within(_, IpNet::V4(_)) => STEP + HOST + 4,
            Self::Within(_, IpNet::V6(_)) => STEP + HOST + 16,
        }
    }

    /// The operand that follows the instruction.
    fn operand(self, program: &mut Vec<u8>) {
        match self {
            Self::PortFrom(_, port) | Self::PortTo(_, port) => {
                program.extend([0; 2]);
                program.extend(port.to_ne_bytes());
            }
            Self::Within(_, net) => {
                let (family, address) = match net {
                    IpNet::V4(net) => (AF_INET, net.addr().octets().to_vec()),
                    IpNet::V6(net) => (AF_INET6, net.addr().octets().to_vec()),
                };
                program.extend([family, net.prefix_len(), 0, 0]);
                program.extend((-1i32).to_ne_bytes()); // any port
                program.extend(address);
            }
        }
    }
}

/// How many bytes the program of a condition has.
pub(super) fn length(condition: &Condition) -> usize {
    match condition {
        Condition::Always => 0,
        Condition::Never => STEP,
        Condition::Test(test) => test.length(),
        Condition::Not(inner) => length(inner) + STEP,
        Condition::All(parts) => parts.iter().map(length).sum(),
        Condition::Any(parts) => parts.iter().map(|part| length(part) + STEP).sum::<usize>().saturating_sub(STEP),
        Condition::Either(test, ways) => test.length() + length(&ways.0) + STEP + length(&ways.1),
    }
}

/// The program of a condition.
pub(super) fn assemble(condition: &Condition) -> Vec<u8> {
    before(condition, &[])
}

/// The program of a condition followed by another program: both must accept a socket.
pub(super) fn before(condition: &Condition, program: &[u8]) -> Vec<u8> {
    let mut assembler = Assembler::default();
    let refuse = assembler.label();
    assembler.emit(condition, refuse);
    assembler.program.extend(program);
    assembler.place_at(refuse, assembler.program.len() + STEP);
    assembler.finish()
}

/// A position in the program that is not known yet.
#[derive(Clone, Copy)]
struct Label(usize);

#[derive(Default)]
struct Assembler {
    program: Vec<u8>,
    /// Where each label is.
    labels: Vec<usize>,
    /// Instructions, and the labels to which their "no" leads.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    fn label(&mut self) -> Label {
        self.labels.push(0);
        Label(self.labels.len() - 1)
    }

    fn place_at(&mut self, label: Label, position: usize) {
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = position;
        }
    }

    fn place_here(&mut self, label: Label) {
        self.place_at(label, self.program.len());
    }

    /// Instructions that run to their end if the condition is met, and jump to `otherwise` if not.
    fn emit(&mut self, condition: &Condition, otherwise: Label) {
        match condition {
            Condition::Always => {}
            Condition::Never => self.jump(otherwise),
            Condition::Test(test) => self.test(*test, otherwise),
            Condition::Not(inner) => {
                let met = self.label();
                self.emit(inner, met);
                self.jump(otherwise);
                self.place_here(met);
            }
            Condition::All(parts) => {
                for part in parts {
                    self.emit(part, otherwise);
                }
            }
            Condition::Any(parts) => {
                let Some((last, others)) = parts.split_last() else { return self.jump(otherwise) };
                let met = self.label();
                for part in others {
                    let next = self.label();
                    self.emit(part, next);
                    self.jump(met);
                    self.place_here(next);
                }
                self.emit(last, otherwise);
                self.place_here(met);
            }
            Condition::Either(test, ways) => {
                let (failed, met) = (self.label(), self.label());
                self.test(*test, failed);
                self.emit(&ways.0, otherwise);
                self.jump(met);
                self.place_here(failed);
                self.emit(&ways.1, otherwise);
                self.place_here(met);
            }
        }
    }

    fn test(&mut self, test: Test, otherwise: Label) {
        self.instruction(test.code(), test.length(), otherwise);
        test.operand(&mut self.program);
    }

    fn jump(&mut self, to: Label) {
        self.instruction(JUMP, STEP, to);
    }

    fn instruction(&mut self, code: u8, length: usize, no: Label) {
        self.jumps.push((self.program.len(), no));
        self.program.extend([code, length as u8, 0, 0]);
    }

    fn finish(mut self) -> Vec<u8> {
        for (position, Label(label)) in self.jumps {
            let target = self.labels.get(label).copied().unwrap_or_default();
            let distance = (target - position) as u16;
            // The length field of the jump for "no" follows code and short jump.
            let field = self.program.get_mut(position + 2..position + 4);
            field.into_iter().for_each(|field| field.copy_from_slice(&distance.to_ne_bytes()));
        }
        self.program
    }
}
