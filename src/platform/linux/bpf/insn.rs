//! A BPF program put together instruction by instruction (`linux/bpf.h`, RFC 9669).

/// A register. `R10` is the end of the stack; calls take their arguments in `R1` to `R5`, destroy those, and answer in `R0`.
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

/// How much of memory a load or store moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Width {
    /// 4 bytes (`BPF_W`)
    Word = 0x00,
    /// 2 bytes (`BPF_H`)
    Half = 0x08,
    /// 8 bytes (`BPF_DW`)
    Double = 0x18,
}

/// One instruction (`struct bpf_insn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    code: u8,
    /// The first register in the half of the byte that a bit field of this byte order begins with.
    registers: u8,
    offset: i16,
    immediate: i32,
}

impl Instruction {
    const fn new(code: u8, to: Register, from: Register, offset: i16, immediate: i32) -> Self {
        let (to, from) = (to as u8, from as u8);
        let registers = if cfg!(target_endian = "little") { from << 4 | to } else { to << 4 | from };
        Self { code, registers, offset, immediate }
    }

    /// The same jump, over so many instructions.
    #[must_use]
    pub const fn over(self, skipped: i16) -> Self {
        Self { offset: skipped, ..self }
    }

    /// `to = from`
    pub const fn copy(to: Register, from: Register) -> Self {
        Self::new(0xbf, to, from, 0, 0)
    }

    /// `to = number`
    pub const fn set(to: Register, number: i32) -> Self {
        Self::new(0xb7, to, Register::R0, 0, number)
    }

    /// `to += number`
    pub const fn add(to: Register, number: i32) -> Self {
        Self::new(0x07, to, Register::R0, 0, number)
    }

    /// `to += from`
    pub const fn add_register(to: Register, from: Register) -> Self {
        Self::new(0x0f, to, from, 0, 0)
    }

    /// `to &= mask`
    pub const fn mask(to: Register, mask: i32) -> Self {
        Self::new(0x57, to, Register::R0, 0, mask)
    }

    /// `to |= from`
    pub const fn merge(to: Register, from: Register) -> Self {
        Self::new(0x4f, to, from, 0, 0)
    }

    /// `to <<= bits`
    pub const fn shift_left(to: Register, bits: i32) -> Self {
        Self::new(0x67, to, Register::R0, 0, bits)
    }

    /// `to = *(width *)(from + offset)`, the bits above being 0
    pub const fn load(to: Register, width: Width, from: Register, offset: i16) -> Self {
        Self::new(0x61 | width as u8, to, from, offset, 0)
    }

    /// `*(u64 *)(to + offset) = from`
    pub const fn store(to: Register, offset: i16, from: Register) -> Self {
        Self::new(0x7b, to, from, offset, 0)
    }

    /// `*(u64 *)(to + offset) += from`, and `from = ` what stood there before: for every other processor at once, and neither
    /// what stands before it nor what stands behind it passes it.
    pub const fn fetch_add(to: Register, offset: i16, from: Register) -> Self {
        const FETCH: i32 = 0x01;
        Self::new(0xdb, to, from, offset, FETCH)
    }

    /// `to = ` the address of the value in an array of one, two instructions long; `map` is the array's descriptor.
    pub const fn map_value(to: Register, map: i32) -> [Self; 2] {
        const PSEUDO_MAP_VALUE: u8 = 2;
        let mut first = Self::new(0x18, to, Register::R0, 0, map);
        first.registers |= if cfg!(target_endian = "little") { PSEUDO_MAP_VALUE << 4 } else { PSEUDO_MAP_VALUE };
        [first, Self::new(0, Register::R0, Register::R0, 0, 0)]
    }

    /// The next `skipped` instructions are skipped; where the number is negative, the program goes back.
    pub const fn skip(skipped: i16) -> Self {
        Self::new(0x05, Register::R0, Register::R0, skipped, 0)
    }

    /// Permits a loop: nothing is skipped until the kernel finds that the program takes too long (6.9).
    pub const fn skip_if_exhausted(skipped: i16) -> Self {
        Self::new(0xe5, Register::R0, Register::R0, skipped, 0)
    }

    /// If `register >= other`, the next `skipped` instructions are skipped.
    pub const fn skip_if_at_least(register: Register, other: Register, skipped: i16) -> Self {
        Self::new(0x3d, register, other, skipped, 0)
    }

    /// If `register == other`, the next `skipped` instructions are skipped.
    pub const fn skip_if_same(register: Register, other: Register, skipped: i16) -> Self {
        Self::new(0x1d, register, other, skipped, 0)
    }

    /// If `register >= number`, the next `skipped` instructions are skipped.
    pub const fn skip_from(register: Register, number: i32, skipped: i16) -> Self {
        Self::new(0x35, register, Register::R0, skipped, number)
    }

    /// If `register == number`, the next `skipped` instructions are skipped.
    pub const fn skip_if_equal(register: Register, number: i32, skipped: i16) -> Self {
        Self::new(0x15, register, Register::R0, skipped, number)
    }

    /// If `register != number`, the next `skipped` instructions are skipped.
    pub const fn skip_unless_equal(register: Register, number: i32, skipped: i16) -> Self {
        Self::new(0x55, register, Register::R0, skipped, number)
    }

    /// Calls one of the kernel's helpers by its number (`BPF_FUNC_…`).
    pub const fn call(helper: i32) -> Self {
        Self::new(0x85, Register::R0, Register::R0, 0, helper)
    }

    /// Calls one of the kernel's functions that programs may call, by its type number.
    pub const fn call_function(number: u32) -> Self {
        const PSEUDO_FUNCTION: Register = Register::R2;
        Self::new(0x85, Register::R0, PSEUDO_FUNCTION, 0, number as i32)
    }

    /// Ends the program; `R0` is its answer.
    pub const fn exit() -> Self {
        Self::new(0x95, Register::R0, Register::R0, 0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encodings of the reference, written out.
    #[cfg(target_endian = "little")]
    #[test]
    fn instructions_are_encoded_as_the_kernel_reads_them() {
        use Register::{R1, R2, R6, R10};
        let bytes = |i: Instruction| {
            let [o0, o1] = i.offset.to_le_bytes();
            let [i0, i1, i2, i3] = i.immediate.to_le_bytes();
            [i.code, i.registers, o0, o1, i0, i1, i2, i3]
        };
        assert_eq!(size_of::<Instruction>(), 8);
        assert_eq!(bytes(Instruction::copy(R6, R1)), [0xbf, 0x16, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::load(R2, Width::Double, R1, 8)), [0x79, 0x12, 8, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::load(R2, Width::Word, R1, -4)), [0x61, 0x12, 0xfc, 0xff, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::load(R2, Width::Half, R1, 0)), [0x69, 0x12, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::store(R10, -8, R2)), [0x7b, 0x2a, 0xf8, 0xff, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::fetch_add(R10, -8, R2)), [0xdb, 0x2a, 0xf8, 0xff, 1, 0, 0, 0]);
        assert_eq!(bytes(Instruction::skip_unless_equal(R2, 0xc000, 3)), [0x55, 2, 3, 0, 0, 0xc0, 0, 0]);
        assert_eq!(bytes(Instruction::add_register(R2, R6)), [0x0f, 0x62, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::map_value(R2, 5)[0]), [0x18, 0x22, 0, 0, 5, 0, 0, 0]);
        assert_eq!(bytes(Instruction::map_value(R2, 5)[1]), [0; 8]);
        assert_eq!(bytes(Instruction::skip(-2)), [0x05, 0, 0xfe, 0xff, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::skip_if_exhausted(3)), [0xe5, 0, 3, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::skip_if_at_least(R2, R6, 3)), [0x3d, 0x62, 3, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::skip_if_same(R2, R6, 3)), [0x1d, 0x62, 3, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Instruction::skip_from(R2, 7, 3)), [0x35, 2, 3, 0, 7, 0, 0, 0]);
        assert_eq!(bytes(Instruction::call(127)), [0x85, 0, 0, 0, 127, 0, 0, 0]);
        assert_eq!(bytes(Instruction::call_function(259)), [0x85, 0x20, 0, 0, 3, 1, 0, 0]);
        assert_eq!(bytes(Instruction::exit()), [0x95, 0, 0, 0, 0, 0, 0, 0]);
    }
}
