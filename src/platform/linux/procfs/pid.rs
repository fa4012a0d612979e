//! Files under `/proc/PID`: `stat`, `status` and `cmdline` (proc(5)).

/// The fields of `stat` that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat<'a> {
    /// The name that the first thread has, at most 15 bytes, of any kind.
    pub name: &'a [u8],
    /// The state of the first thread: `R`, `S`, `D`, `Z`, …
    pub state: u8,
    /// The process that started it; 0 if that is outside of the PID namespace.
    pub parent: u32,
    /// How many threads it has.
    pub threads: u32,
    /// When it was started, in clock ticks since the boot.
    pub start: u64,
    /// Whether it is a thread of the kernel's.
    pub is_of_kernel: bool,
    /// Whether its first thread is about to end.
    pub is_ending: bool,
}

/// `PF_EXITING`
const EXITING: u32 = 0x4;
/// `PF_KTHREAD`
const KERNEL_THREAD: u32 = 0x0020_0000;

impl<'a> Stat<'a> {
    /// Parses the file. The name stands in parentheses and may itself contain some.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let begin = text.iter().position(|&byte| byte == b'(')? + 1;
        let end = text.iter().rposition(|&byte| byte == b')')?;
        let name = text.get(begin..end)?;
        let fields = std::str::from_utf8(text.get(end + 1..)?).ok()?;
        let mut fields = fields.split_ascii_whitespace();
        // The fields are counted from 1, and the first behind the name is the third.
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        let flags: u32 = fields.nth(9 - 5)?.parse().ok()?;
        let threads = fields.nth(20 - 10)?.parse().ok()?;
        let start = fields.nth(22 - 21)?.parse().ok()?;
        Some(Self {
            name,
            state,
            parent,
            threads,
            start,
            is_of_kernel: flags & KERNEL_THREAD != 0,
            is_ending: flags & EXITING != 0,
        })
    }

    /// Whether the first thread has ended while others go on: its own links and arguments are gone, theirs are not.
    pub const fn has_lost_its_first_thread(&self) -> bool {
        matches!(self.state, b'Z' | b'X') && self.threads > 1
    }
}

/// The real user id that `status` has.
pub fn real_uid(status: &[u8]) -> Option<u32> {
    let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// The arguments in `cmdline`: each ends in a NUL, but for the last one if the process has overwritten them or if they were
/// cut. Arguments may be empty.
pub fn arguments(command_line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = command_line.strip_suffix(b"\0").unwrap_or(command_line);
    let arguments = whole.split(|&byte| byte == 0);
    arguments.take(if command_line.is_empty() { 0 } else { usize::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAT: &[u8] =
        b"4711 (a) S (b\n)) S 1 4711 4711 0 -1 4194560 119 0 0 0 0 1 0 0 20 0 3 0 12345 3063808 400 18446744073709551615 1 1\n";

    #[test]
    fn a_name_may_contain_parentheses_and_line_feeds() {
        let stat = Stat::parse(STAT).unwrap();
        assert_eq!(
            stat,
            Stat { name: b"a) S (b\n)", state: b'S', parent: 1, threads: 3, start: 12345, is_of_kernel: false, is_ending: false }
        );
        assert_eq!(Stat::parse(b"1 (init) S 0"), None);
        assert_eq!(Stat::parse(b"1 )( S 0 0 0"), None);
    }

    #[test]
    fn a_thread_of_the_kernel_and_a_process_that_ends_have_their_flags() {
        let with = |flags: u32| {
            let text = String::from_utf8_lossy(STAT).replace("4194560", &flags.to_string());
            Stat::parse(text.as_bytes()).map(|stat| (stat.is_of_kernel, stat.is_ending))
        };
        assert_eq!(
            [with(69_238_880), with(4_194_564), with(4_194_560)],
            [(true, false), (false, true), (false, false)].map(Some)
        );
    }

    #[test]
    fn a_process_goes_on_without_its_first_thread_only_if_it_has_others() {
        let with = |state, threads| Stat { state, threads, ..Stat::parse(STAT).unwrap() }.has_lost_its_first_thread();
        assert_eq!([with(b'Z', 2), with(b'Z', 1), with(b'S', 2)], [true, false, false]);
    }

    #[test]
    fn the_real_user_is_the_first_of_four() {
        assert_eq!(real_uid(b"Name:\tx\nUid:\t33\t0\t0\t0\nGid:\t1\t1\t1\t1\n"), Some(33));
        assert_eq!([real_uid(b"Name:\tUid:\n"), real_uid(b""), real_uid(b"Uid:\t-1\n")], [None, None, None]);
    }

    #[test]
    fn arguments_may_be_empty_and_the_last_one_may_lack_its_end() {
        let arguments = |text: &'static [u8]| arguments(text).collect::<Vec<_>>();
        assert_eq!(arguments(b"a\0\0b c\0\0"), [&b"a"[..], b"", b"b c", b""]);
        assert_eq!(arguments(b"nginx: master"), [b"nginx: master"]);
        assert_eq!(arguments(b"\0"), [b""]);
        assert!(arguments(b"").is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_understood_or_not(bytes in any::<Vec<u8>>()) {
            let _ = (Stat::parse(&bytes), real_uid(&bytes));
            let joined = arguments(&bytes).collect::<Vec<_>>().join(&0);
            prop_assert_eq!(bytes.strip_suffix(b"\0").unwrap_or(&bytes), joined);
        }
    }
}
