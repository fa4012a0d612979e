//! The links under `/proc/PID/fd`, and the sockets that `/proc/PID/fdinfo` names.

/// What a descriptor is, as far as it can hold sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdLink {
    /// A socket, by its inode.
    Socket(u32),
    /// An io_uring, which holds the files that are registered with it.
    IoUring,
    /// Anything else.
    Other,
}

/// Parses the target of a link: `socket:[4711]`.
pub fn parse(target: &[u8]) -> FdLink {
    if target == b"anon_inode:[io_uring]" {
        return FdLink::IoUring;
    }
    socket_inode(target).map_or(FdLink::Other, FdLink::Socket)
}

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

/// The inodes of the sockets that are registered with an io_uring, from its `fdinfo`: lines such as `    0: socket:[4711]`.
pub fn registered_sockets(fdinfo: &[u8]) -> impl Iterator<Item = u32> {
    fdinfo.split(|&byte| byte == b'\n').filter_map(|line| {
        let (index, target) = line.trim_ascii().split_at_checked(line.trim_ascii().iter().position(|&byte| byte == b':')?)?;
        let is_index = !index.is_empty() && index.iter().all(u8::is_ascii_digit);
        socket_inode(target.strip_prefix(b": ")?).filter(|_| is_index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_of_sockets_have_an_inode_and_others_have_none() {
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
            assert_eq!(parse(other), FdLink::Other);
        }
        assert_eq!(parse(b"socket:[7]"), FdLink::Socket(7));
        assert_eq!(parse(b"anon_inode:[io_uring]"), FdLink::IoUring);
        assert_eq!(parse(b"/anon_inode:[io_uring]"), FdLink::Other);
    }

    #[test]
    fn registered_sockets_are_read_from_the_list_of_files() {
        let text = b"pos:\t0\nflags:\t02000002\nSqThread:\t-1\nUserFiles:\t4\n    0: socket:[4711]\n    1: /tmp/socket:[5]\n  1024: socket:[6]\nUserBufs:\t0\nPollList:\nx: socket:[9]\n: socket:[8]\n";
        assert_eq!(registered_sockets(text).collect::<Vec<_>>(), [4711, 6]);
        assert_eq!(registered_sockets(b"").count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_of_files_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(registered_sockets(&bytes).count() <= bytes.len());
            let _ = parse(&bytes);
        }
    }
}
