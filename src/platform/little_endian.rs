//! Numbers at offsets of what Windows and macOS answer; `None` beyond the end. Both systems are little-endian wherever they run.

/// A number of 16 bits.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// A number of 32 bits.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// A number of 64 bits.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_lies_within_the_bytes_or_is_none() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!((u16_at(&bytes, 6), u16_at(&bytes, 7)), (Some(0x0807), None));
        assert_eq!((u32_at(&bytes, 0), u32_at(&bytes, 5)), (Some(0x0403_0201), None));
        assert_eq!((u64_at(&bytes, 0), u64_at(&bytes, 1)), (Some(0x0807_0605_0403_0201), None));
        assert_eq!(u16_at(&bytes, usize::MAX), None);
    }
}
