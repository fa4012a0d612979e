//! Which open files are looked for, told by the addresses of their `struct file`: what is no such file needs not be read.
//!
//! Addresses do not leave the kernel. The program of the pass writes a hash of 16 bits of the file of each socket, and the program
//! that reads the tables of open files compares the hash of each file with the set of these. Other files may have the same hash.

use super::assembler::{Assembler, Label, Register, Size};

/// The bits of a hash.
const BITS: u32 = 16;
/// The size of a set in bytes, one bit for each hash.
pub const SIZE: usize = 1 << (BITS - 3);
/// Multiplied with the address; the upper bits are the hash (Fibonacci hashing).
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// A set of hashes.
#[derive(Clone, Debug)]
pub struct FileFilter(Vec<u8>);

impl Default for FileFilter {
    fn default() -> Self {
        Self(vec![0; SIZE])
    }
}

impl FileFilter {
    /// Adds a hash.
    pub fn insert(&mut self, hash: u16) {
        if let Some(byte) = self.0.get_mut(usize::from(hash >> 3)) {
            *byte |= 1 << (hash & 7);
        }
    }

    /// Adds those of another set.
    pub fn absorb(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(byte, other)| *byte |= other);
    }

    /// The bits, as the program reads them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `hash =` the hash of the address in it; uses `other`.
pub fn emit_hash(a: &mut Assembler, hash: Register, other: Register) {
    // The kernel's verifier takes what is negated for a number, also if it was a pointer.
    a.neg(hash);
    a.lddw(other, FACTOR);
    a.mul(hash, other);
    a.rsh(hash, 64 - BITS.cast_signed());
}

/// Jumps if the file at the address in `hash`, which is overwritten, is not in the set that the array `filter` has; uses the others.
pub fn emit_test(a: &mut Assembler, filter: i32, [hash, place, bits]: [Register; 3], absent: Label) {
    emit_hash(a, hash, place);
    a.mov(bits, hash);
    a.rsh(bits, 3);
    a.lddw_map_value(place, filter, 0);
    a.add(place, bits);
    a.ldx(Size::B, bits, place, 0);
    a.and(hash, 7);
    a.rsh(bits, hash);
    a.and(bits, 1);
    a.jeq(bits, 0, absent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hash_is_one_bit() {
        let mut filter = FileFilter::default();
        [0, 9, u16::MAX].into_iter().for_each(|hash| filter.insert(hash));
        let mut other = FileFilter::default();
        other.insert(8);
        filter.absorb(&other);
        let bytes = filter.bytes();
        assert_eq!((bytes.len(), bytes[0], bytes[1], bytes[SIZE - 1]), (SIZE, 1, 3, 0x80));
        assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 4);
    }
}
