//! The instructions of eBPF and their encoding (`linux/bpf.h`, RFC 9669).

use Register::{R0, R1, R2};

/// A register. `R10` is the frame pointer; calls take their arguments in `R1` to `R5`, clobber those, and return in `R0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Register {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// The size of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Size {
    /// 4 bytes (`BPF_W`)
    W = 0x00,
    /// 2 bytes (`BPF_H`)
    H = 0x08,
    /// 1 byte (`BPF_B`)
    B = 0x10,
    /// 8 bytes (`BPF_DW`)
    Dw = 0x18,
}

/// The second operand of an arithmetic instruction or a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The value of a register (`BPF_X`).
    Register(Register),
    /// A number, sign-extended to 64 bits (`BPF_K`).
    Immediate(i32),
}

impl From<Register> for Operand {
    fn from(register: Register) -> Self {
        Self::Register(register)
    }
}

impl From<i32> for Operand {
    fn from(number: i32) -> Self {
        Self::Immediate(number)
    }
}

/// One instruction (`struct bpf_insn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Insn {
    pub(super) code: u8,
    /// Destination and source register: two bit fields, whose order in the byte follows the byte order.
    pub(super) registers: u8,
    pub(super) offset: i16,
    pub(super) immediate: i32,
}

impl Insn {
    pub(super) const fn new(code: u8, dst: Register, src: Register, offset: i16, immediate: i32) -> Self {
        let (dst, src) = (dst as u8, src as u8);
        let registers = if cfg!(target_endian = "little") { src << 4 | dst } else { dst << 4 | src };
        Self { code, registers, offset, immediate }
    }

    /// An instruction with a register or an immediate as its second operand.
    pub(super) const fn with_operand(code: u8, dst: Register, operand: Operand, offset: i16) -> Self {
        match operand {
            Operand::Register(src) => Self::new(code | BPF_X, dst, src, offset, 0),
            Operand::Immediate(number) => Self::new(code, dst, R0, offset, number),
        }
    }
}

/// Instruction classes.
pub(super) const BPF_LDX: u8 = 0x01;
pub(super) const BPF_ST: u8 = 0x02;
pub(super) const BPF_STX: u8 = 0x03;
pub(super) const BPF_ALU: u8 = 0x04;
pub(super) const BPF_JMP: u8 = 0x05;
pub(super) const BPF_JMP32: u8 = 0x06;
pub(super) const BPF_ALU64: u8 = 0x07;
/// The second operand is a register.
pub(super) const BPF_X: u8 = 0x08;
/// Modes of loads and stores.
pub(super) const BPF_MEM: u8 = 0x60;
pub(super) const BPF_MEMSX: u8 = 0x80;
pub(super) const BPF_ATOMIC: u8 = 0xc0;
/// `BPF_LD | BPF_IMM | BPF_DW`
pub(super) const LD_IMM64: u8 = 0x18;
/// What the source register of `ld_imm64` and `call` says of the immediate.
pub(super) const BPF_PSEUDO_MAP_FD: Register = Register::R1;
pub(super) const BPF_PSEUDO_MAP_VALUE: Register = Register::R2;
pub(super) const BPF_PSEUDO_BTF_ID: Register = Register::R3;
pub(super) const BPF_PSEUDO_FUNC: Register = Register::R4;
pub(super) const BPF_PSEUDO_CALL: Register = R1;
pub(super) const BPF_PSEUDO_KFUNC_CALL: Register = R2;

/// An operation of `atomic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Atomic {
    Add = 0x00,
    Or = 0x40,
    And = 0x50,
    Xor = 0xa0,
    FetchAdd = 0x01,
    FetchOr = 0x41,
    FetchAnd = 0x51,
    FetchXor = 0xa1,
    Xchg = 0xe1,
    Cmpxchg = 0xf1,
}
