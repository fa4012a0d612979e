//! What the links under `/proc/PID/fd` say.

/// The inode in `socket:[4711]`; `None` for every other kind of descriptor.
pub fn socket_inode(target: &[u8]) -> Option<u32> {
    let digits = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    if digits.is_empty() || digits.len() > 10 {
        return None;
    }
    let number =
        digits.iter().try_fold(0u64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))?;
    u32::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::socket_inode;

    #[test]
    fn only_sockets_have_an_inode_here() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        assert_eq!(socket_inode(b"socket:[4294967295]"), Some(u32::MAX));
        let others: [&[u8]; 8] = [
            b"socket:[4294967296]",
            b"socket:[]",
            b"socket:[12",
            b"socket:[1a]",
            b"pipe:[12]",
            b"/tmp/socket:[12]",
            b"",
            b"socket:[99999999999]",
        ];
        for other in others {
            assert_eq!(socket_inode(other), None);
        }
    }
}
