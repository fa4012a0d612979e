//! An eBPF assembler: instructions by their mnemonics, jumps and calls to labels (`linux/bpf.h`, RFC 9669).
//!
//! ```
//! use rnetstat::platform::linux::bpf::assembler::{Assembler, Register::{R0, R1}};
//!
//! let mut a = Assembler::new();
//! let done = a.label();
//! a.mov(R0, 0);
//! a.jeq(R1, 0, done);
//! a.mov(R0, 1);
//! a.bind(done);
//! a.exit();
//! assert_eq!(a.finish().unwrap().insns.len(), 4);
//! ```
//!
//! Methods are named after the mnemonics of the instruction set; those that end in `32` work on the lower halves of registers.

pub use super::insn::{Atomic, Insn, Operand, Register, Size};

use super::insn::{
    BPF_ALU, BPF_ALU64, BPF_ATOMIC, BPF_JMP, BPF_JMP32, BPF_LDX, BPF_MEM, BPF_MEMSX, BPF_PSEUDO_BTF_ID, BPF_PSEUDO_CALL,
    BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_ST, BPF_STX, BPF_X, LD_IMM64,
};
use Register::R0;

/// A place in the program. It belongs to the [`Assembler`] that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// Why there is no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// A jump or call refers to a label that is not bound.
    #[error("instruction {0} refers to a label that is not bound")]
    UnboundLabel(usize),
    /// A label is bound twice, or comes from another assembler.
    #[error("a label is bound twice or is unknown")]
    Rebound,
    /// A jump or call leads past the last instruction.
    #[error("instruction {0} leads past the end of the program")]
    PastEnd(usize),
    /// The distance of a jump does not fit into its field.
    #[error("instruction {0} jumps too far")]
    TooFar(usize),
}

/// An assembled program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The instructions.
    pub insns: Vec<Insn>,
    /// The first instruction of each function, ascending: that of the program itself, then of its subprograms.
    pub functions: Vec<u32>,
}

/// Which field of an instruction takes the distance to a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fixup {
    /// The offset, of jumps.
    Offset,
    /// The immediate, of calls and addresses of functions.
    Immediate,
}

/// Puts a program together. Mistakes are reported by [`Assembler::finish`].
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    insns: Vec<Insn>,
    labels: Vec<Option<usize>>,
    fixups: Vec<(usize, Label, Fixup)>,
    rebound: bool,
}

/// The arithmetic instructions, in 64 and in 32 bits.
macro_rules! alu {
    ($($name:ident $name32:ident $code:literal $what:literal),+ $(,)?) => {$(
        #[doc = concat!("`", $what, "`")]
        pub fn $name(&mut self, dst: Register, operand: impl Into<Operand>) {
            self.emit(Insn::with_operand(BPF_ALU64 | $code, dst, operand.into(), 0));
        }

        #[doc = concat!("`", $what, "` in 32 bits; the upper half of the destination becomes 0.")]
        pub fn $name32(&mut self, dst: Register, operand: impl Into<Operand>) {
            self.emit(Insn::with_operand(BPF_ALU | $code, dst, operand.into(), 0));
        }
    )+};
}

/// The conditional jumps, comparing 64 or 32 bits.
macro_rules! jump {
    ($($name:ident $name32:ident $code:literal $what:literal),+ $(,)?) => {$(
        #[doc = concat!("Jumps if `", $what, "`.")]
        pub fn $name(&mut self, dst: Register, operand: impl Into<Operand>, target: Label) {
            self.refer(Insn::with_operand(BPF_JMP | $code, dst, operand.into(), 0), target, Fixup::Offset);
        }

        #[doc = concat!("Jumps if `", $what, "`, compared in 32 bits.")]
        pub fn $name32(&mut self, dst: Register, operand: impl Into<Operand>, target: Label) {
            self.refer(Insn::with_operand(BPF_JMP32 | $code, dst, operand.into(), 0), target, Fixup::Offset);
        }
    )+};
}

impl Assembler {
    /// An empty program.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new label, to be bound before or after it is used.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Binds a label to the next instruction.
    pub fn bind(&mut self, label: Label) {
        let here = self.insns.len();
        match self.labels.get_mut(label.0) {
            Some(place @ None) => *place = Some(here),
            Some(Some(_)) | None => self.rebound = true,
        }
    }

    /// A new label, bound to the next instruction.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    fn emit(&mut self, insn: Insn) {
        self.insns.push(insn);
    }

    fn refer(&mut self, insn: Insn, target: Label, fixup: Fixup) {
        self.fixups.push((self.insns.len(), target, fixup));
        self.emit(insn);
    }

    alu! {
        mov mov32 0xb0 "dst = operand",
        add add32 0x00 "dst += operand",
        sub sub32 0x10 "dst -= operand",
        mul mul32 0x20 "dst *= operand",
        div div32 0x30 "dst /= operand",
        mod_ mod32 0x90 "dst %= operand",
        or or32 0x40 "dst |= operand",
        and and32 0x50 "dst &= operand",
        xor xor32 0xa0 "dst ^= operand",
        lsh lsh32 0x60 "dst <<= operand",
        rsh rsh32 0x70 "dst >>= operand",
        arsh arsh32 0xc0 "dst >>= operand, keeping the sign",
    }

    /// `dst = -dst`
    pub fn neg(&mut self, dst: Register) {
        self.emit(Insn::new(BPF_ALU64 | 0x80, dst, R0, 0, 0));
    }

    /// `dst = -dst` in 32 bits
    pub fn neg32(&mut self, dst: Register) {
        self.emit(Insn::new(BPF_ALU | 0x80, dst, R0, 0, 0));
    }

    /// Converts the lowest 16, 32 or 64 bits between the host's byte order and network order, and clears the others.
    pub fn be(&mut self, dst: Register, bits: i32) {
        self.emit(Insn::new(BPF_ALU | 0xd0 | BPF_X, dst, R0, 0, bits));
    }

    /// `dst = *(size *)(src + offset)`, zero-extended
    pub fn ldx(&mut self, size: Size, dst: Register, src: Register, offset: i16) {
        self.emit(Insn::new(BPF_LDX | BPF_MEM | size as u8, dst, src, offset, 0));
    }

    /// `dst = *(size *)(src + offset)`, sign-extended (6.6)
    pub fn ldxs(&mut self, size: Size, dst: Register, src: Register, offset: i16) {
        self.emit(Insn::new(BPF_LDX | BPF_MEMSX | size as u8, dst, src, offset, 0));
    }

    /// `*(size *)(dst + offset) = src`
    pub fn stx(&mut self, size: Size, dst: Register, offset: i16, src: Register) {
        self.emit(Insn::new(BPF_STX | BPF_MEM | size as u8, dst, src, offset, 0));
    }

    /// `*(size *)(dst + offset) = number`
    pub fn st(&mut self, size: Size, dst: Register, offset: i16, number: i32) {
        self.emit(Insn::new(BPF_ST | BPF_MEM | size as u8, dst, R0, offset, number));
    }

    /// An atomic operation on `*(size *)(dst + offset)`, of 4 or 8 bytes, with `src`. Those that return the old value put it into
    /// `src` (`Cmpxchg`: `R0`) and are full memory barriers.
    pub fn atomic(&mut self, operation: Atomic, size: Size, dst: Register, offset: i16, src: Register) {
        self.emit(Insn::new(BPF_STX | BPF_ATOMIC | size as u8, dst, src, offset, operation as i32));
    }

    fn ld_imm64(&mut self, dst: Register, src: Register, low: i32, high: i32) {
        self.emit(Insn::new(LD_IMM64, dst, src, 0, low));
        self.emit(Insn::new(0, R0, R0, 0, high));
    }

    /// `dst = number`; takes the place of two instructions, as the others of this kind do.
    pub fn lddw(&mut self, dst: Register, number: u64) {
        self.ld_imm64(dst, R0, number as i32, (number >> 32) as i32);
    }

    /// `dst =` the map with this descriptor
    pub fn lddw_map(&mut self, dst: Register, map: i32) {
        self.ld_imm64(dst, BPF_PSEUDO_MAP_FD, map, 0);
    }

    /// `dst =` the address of byte `offset` in the value of the array with one element that has this descriptor
    pub fn lddw_map_value(&mut self, dst: Register, map: i32, offset: i32) {
        self.ld_imm64(dst, BPF_PSEUDO_MAP_VALUE, map, offset);
    }

    /// `dst =` the address of the kernel's variable with this BTF id
    pub fn lddw_btf_id(&mut self, dst: Register, id: u32) {
        self.ld_imm64(dst, BPF_PSEUDO_BTF_ID, id as i32, 0);
    }

    /// `dst =` the address of a subprogram, to be called back by a helper (5.13)
    pub fn lddw_func(&mut self, dst: Register, subprogram: Label) {
        self.refer(Insn::new(LD_IMM64, dst, BPF_PSEUDO_FUNC, 0, 0), subprogram, Fixup::Immediate);
        self.emit(Insn::new(0, R0, R0, 0, 0));
    }

    jump! {
        jeq jeq32 0x10 "dst == operand",
        jne jne32 0x50 "dst != operand",
        jgt jgt32 0x20 "dst > operand",
        jge jge32 0x30 "dst >= operand",
        jlt jlt32 0xa0 "dst < operand",
        jle jle32 0xb0 "dst <= operand",
        jset jset32 0x40 "dst & operand",
        jsgt jsgt32 0x60 "dst > operand (signed)",
        jsge jsge32 0x70 "dst >= operand (signed)",
        jslt jslt32 0xc0 "dst < operand (signed)",
        jsle jsle32 0xd0 "dst <= operand (signed)",
    }

    /// Jumps.
    pub fn ja(&mut self, target: Label) {
        self.refer(Insn::new(BPF_JMP, R0, R0, 0, 0), target, Fixup::Offset);
    }

    /// Permits a loop: jumps only if the program has run for too long (6.9).
    pub fn may_goto(&mut self, target: Label) {
        self.refer(Insn::new(BPF_JMP | 0xe0, R0, R0, 0, 0), target, Fixup::Offset);
    }

    /// Calls a helper by its number (`BPF_FUNC_…`).
    pub fn call(&mut self, helper: i32) {
        self.emit(Insn::new(BPF_JMP | 0x80, R0, R0, 0, helper));
    }

    /// Calls a kernel function by its BTF id.
    pub fn call_kfunc(&mut self, id: u32) {
        self.emit(Insn::new(BPF_JMP | 0x80, R0, BPF_PSEUDO_KFUNC_CALL, 0, id as i32));
    }

    /// Calls a subprogram.
    pub fn call_subprogram(&mut self, subprogram: Label) {
        self.refer(Insn::new(BPF_JMP | 0x80, R0, BPF_PSEUDO_CALL, 0, 0), subprogram, Fixup::Immediate);
    }

    /// Returns `R0`.
    pub fn exit(&mut self) {
        self.emit(Insn::new(BPF_JMP | 0x90, R0, R0, 0, 0));
    }

    /// The program, with the distances of all jumps and calls.
    pub fn finish(mut self) -> Result<Program, AssembleError> {
        if self.rebound {
            return Err(AssembleError::Rebound);
        }
        let end = self.insns.len();
        let mut functions = vec![0];
        for (from, Label(label), fixup) in self.fixups {
            let target = self.labels.get(label).copied().flatten().ok_or(AssembleError::UnboundLabel(from))?;
            if target >= end {
                return Err(AssembleError::PastEnd(from));
            }
            // Distances count from the instruction after this one.
            let distance = target as i64 - from as i64 - 1;
            let insn = self.insns.get_mut(from).ok_or(AssembleError::PastEnd(from))?;
            match fixup {
                Fixup::Offset => insn.offset = i16::try_from(distance).map_err(|_| AssembleError::TooFar(from))?,
                Fixup::Immediate => {
                    insn.immediate = i32::try_from(distance).map_err(|_| AssembleError::TooFar(from))?;
                    functions.push(target as u32);
                }
            }
        }
        functions.sort_unstable();
        functions.dedup();
        Ok(Program { insns: self.insns, functions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Register::{R1, R2, R3, R6, R10};

    fn bytes(insn: Insn) -> [u8; 8] {
        let [o0, o1] = insn.offset.to_le_bytes();
        let [i0, i1, i2, i3] = insn.immediate.to_le_bytes();
        [insn.code, insn.registers, o0, o1, i0, i1, i2, i3]
    }

    fn assemble(write: impl FnOnce(&mut Assembler)) -> Vec<[u8; 8]> {
        let mut assembler = Assembler::new();
        write(&mut assembler);
        assembler.finish().unwrap().insns.into_iter().map(bytes).collect()
    }

    /// Instructions without labels: the encodings of the reference, written out.
    #[cfg(target_endian = "little")]
    #[test]
    fn instructions_have_the_encoding_of_the_reference() {
        type Write = fn(&mut Assembler);
        let cases: &[(Write, [u8; 8])] = &[
            (|a| a.mov(R6, R1), [0xbf, 0x16, 0, 0, 0, 0, 0, 0]),
            (|a| a.mov(R6, -1), [0xb7, 6, 0, 0, 0xff, 0xff, 0xff, 0xff]),
            (|a| a.mov32(R6, R1), [0xbc, 0x16, 0, 0, 0, 0, 0, 0]),
            (|a| a.add(R2, R6), [0x0f, 0x62, 0, 0, 0, 0, 0, 0]),
            (|a| a.add32(R2, 7), [0x04, 2, 0, 0, 7, 0, 0, 0]),
            (|a| a.sub(R2, R6), [0x1f, 0x62, 0, 0, 0, 0, 0, 0]),
            (|a| a.mul(R2, 3), [0x27, 2, 0, 0, 3, 0, 0, 0]),
            (|a| a.div(R2, 3), [0x37, 2, 0, 0, 3, 0, 0, 0]),
            (|a| a.mod_(R2, 3), [0x97, 2, 0, 0, 3, 0, 0, 0]),
            (|a| a.or(R2, R6), [0x4f, 0x62, 0, 0, 0, 0, 0, 0]),
            (|a| a.and(R2, 0xff), [0x57, 2, 0, 0, 0xff, 0, 0, 0]),
            (|a| a.xor(R2, R6), [0xaf, 0x62, 0, 0, 0, 0, 0, 0]),
            (|a| a.lsh(R2, 32), [0x67, 2, 0, 0, 32, 0, 0, 0]),
            (|a| a.rsh(R2, 32), [0x77, 2, 0, 0, 32, 0, 0, 0]),
            (|a| a.arsh(R2, 32), [0xc7, 2, 0, 0, 32, 0, 0, 0]),
            (|a| a.neg(R2), [0x87, 2, 0, 0, 0, 0, 0, 0]),
            (|a| a.neg32(R2), [0x84, 2, 0, 0, 0, 0, 0, 0]),
            (|a| a.be(R2, 16), [0xdc, 2, 0, 0, 16, 0, 0, 0]),
            (|a| a.ldx(Size::Dw, R2, R1, 8), [0x79, 0x12, 8, 0, 0, 0, 0, 0]),
            (|a| a.ldx(Size::W, R2, R1, -4), [0x61, 0x12, 0xfc, 0xff, 0, 0, 0, 0]),
            (|a| a.ldx(Size::H, R2, R1, 0), [0x69, 0x12, 0, 0, 0, 0, 0, 0]),
            (|a| a.ldx(Size::B, R2, R1, 0), [0x71, 0x12, 0, 0, 0, 0, 0, 0]),
            (|a| a.ldxs(Size::W, R2, R1, 0), [0x81, 0x12, 0, 0, 0, 0, 0, 0]),
            (|a| a.stx(Size::Dw, R10, -8, R2), [0x7b, 0x2a, 0xf8, 0xff, 0, 0, 0, 0]),
            (|a| a.stx(Size::B, R10, -1, R2), [0x73, 0x2a, 0xff, 0xff, 0, 0, 0, 0]),
            (|a| a.st(Size::W, R10, -4, 9), [0x62, 0x0a, 0xfc, 0xff, 9, 0, 0, 0]),
            (|a| a.atomic(Atomic::FetchAdd, Size::Dw, R10, -8, R2), [0xdb, 0x2a, 0xf8, 0xff, 1, 0, 0, 0]),
            (|a| a.atomic(Atomic::Cmpxchg, Size::W, R10, -8, R2), [0xc3, 0x2a, 0xf8, 0xff, 0xf1, 0, 0, 0]),
            (|a| a.call(127), [0x85, 0, 0, 0, 127, 0, 0, 0]),
            (|a| a.call_kfunc(259), [0x85, 0x20, 0, 0, 3, 1, 0, 0]),
            (|a| a.exit(), [0x95, 0, 0, 0, 0, 0, 0, 0]),
        ];
        for (position, (write, expected)) in cases.iter().enumerate() {
            assert_eq!(assemble(write), [*expected], "case {position}");
        }
        assert_eq!(size_of::<Insn>(), 8);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn wide_loads_take_two_instructions() {
        let second = |high: u8| [0, 0, 0, 0, high, 0, 0, 0];
        assert_eq!(assemble(|a| a.lddw(R2, 0x0000_0007_0000_0005)), [[0x18, 2, 0, 0, 5, 0, 0, 0], second(7)]);
        assert_eq!(assemble(|a| a.lddw_map(R2, 5)), [[0x18, 0x12, 0, 0, 5, 0, 0, 0], second(0)]);
        assert_eq!(assemble(|a| a.lddw_map_value(R2, 5, 8)), [[0x18, 0x22, 0, 0, 5, 0, 0, 0], second(8)]);
        assert_eq!(assemble(|a| a.lddw_btf_id(R2, 5)), [[0x18, 0x32, 0, 0, 5, 0, 0, 0], second(0)]);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn jumps_count_from_the_next_instruction_forward_and_backward() {
        let jumps = assemble(|a| {
            let top = a.here();
            let end = a.label();
            a.jne(R2, 0xc000, end);
            a.jge(R2, R6, end);
            a.jset32(R2, 1, end);
            a.may_goto(end);
            a.ja(top);
            a.bind(end);
            a.exit();
        });
        assert_eq!(
            jumps,
            [
                [0x55, 2, 4, 0, 0, 0xc0, 0, 0],
                [0x3d, 0x62, 3, 0, 0, 0, 0, 0],
                [0x46, 2, 2, 0, 1, 0, 0, 0],
                [0xe5, 0, 1, 0, 0, 0, 0, 0],
                [0x05, 0, 0xfb, 0xff, 0, 0, 0, 0],
                [0x95, 0, 0, 0, 0, 0, 0, 0],
            ]
        );
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn calls_and_addresses_of_subprograms_make_functions() {
        let mut a = Assembler::new();
        let (called, called_back) = (a.label(), a.label());
        a.call_subprogram(called);
        a.lddw_func(R2, called_back);
        a.lddw_func(R3, called_back);
        a.exit();
        a.bind(called_back);
        a.exit();
        a.bind(called);
        a.exit();
        let program = a.finish().unwrap();
        assert_eq!(program.functions, [0, 6, 7]);
        let insns: Vec<_> = program.insns.into_iter().map(bytes).collect();
        assert_eq!(insns[0], [0x85, 0x10, 0, 0, 6, 0, 0, 0]);
        assert_eq!(insns[1], [0x18, 0x42, 0, 0, 4, 0, 0, 0]);
        assert_eq!(insns[3], [0x18, 0x43, 0, 0, 2, 0, 0, 0]);
    }

    #[test]
    fn a_label_must_be_bound_once_and_before_the_end() {
        let mut a = Assembler::new();
        let nowhere = a.label();
        a.ja(nowhere);
        assert_eq!(a.clone().finish(), Err(AssembleError::UnboundLabel(0)));
        a.bind(nowhere);
        assert_eq!(a.clone().finish(), Err(AssembleError::PastEnd(0)));
        a.exit();
        assert!(a.clone().finish().is_ok());
        a.bind(nowhere);
        assert_eq!(a.finish(), Err(AssembleError::Rebound));
        let mut other = Assembler::new();
        other.bind(nowhere);
        assert_eq!(other.finish(), Err(AssembleError::Rebound));
    }

    #[test]
    fn a_jump_over_more_than_its_field_holds_is_an_error() {
        let far = |skipped| {
            let mut a = Assembler::new();
            let end = a.label();
            a.ja(end);
            (0..skipped).for_each(|_| a.mov(R0, 0));
            a.bind(end);
            a.exit();
            a.finish().map(|program| program.insns.len())
        };
        assert_eq!(far(32_767), Ok(32_769));
        assert_eq!(far(32_768), Err(AssembleError::TooFar(0)));
    }
}
