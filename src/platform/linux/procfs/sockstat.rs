//! `/proc/self/net/sockstat` and `/proc/sys/fs/file-nr`: how many sockets and files there are.

/// The file that counts sockets.
pub const SOCKETS: &str = "/proc/self/net/sockstat";
/// The file that counts open files.
pub const FILES: &str = "/proc/sys/fs/file-nr";

/// The sockets that processes hold and the connections in TIME_WAIT, of this network namespace; 0 if unknown.
pub fn sockets(text: &str) -> u64 {
    number(text, "sockets:", "used").saturating_add(number(text, "TCP:", "tw"))
}

/// The TCP sockets of the whole machine, and the connections in TIME_WAIT of this network namespace; 0 if nothing is reported.
pub fn tcp_of_machine(text: &str) -> u64 {
    number(text, "TCP:", "alloc").saturating_add(number(text, "TCP:", "tw"))
}

/// Which protocols a network namespace uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolsInUse {
    #[allow(missing_docs)]
    pub tcp: bool,
    #[allow(missing_docs)]
    pub udp: bool,
}

/// Which protocols the namespace of `sockstat` and `sockstat6` uses; all if the first reports nothing.
pub fn protocols_in_use(text: &str, text6: &str) -> ProtocolsInUse {
    let used = |name: &str, name6: &str| number(text, name, "inuse") > 0 || number(text6, name6, "inuse") > 0;
    let is_unknown = !text.contains("TCP:");
    ProtocolsInUse {
        tcp: is_unknown || used("TCP:", "TCP6:") || number(text, "TCP:", "tw") > 0,
        udp: is_unknown || used("UDP:", "UDP6:"),
    }
}

fn number(text: &str, line: &str, name: &str) -> u64 {
    let fields = text.lines().find_map(|text| text.strip_prefix(line));
    let mut words = fields.unwrap_or_default().split_ascii_whitespace().skip_while(|&word| word != name);
    words.nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The open files of the machine; 0 if unknown.
pub fn files(text: &str) -> u64 {
    text.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_in_use_and_those_in_time_wait_are_added() {
        let text = "sockets: used 290\nTCP: inuse 5 orphan 0 tw 31 alloc 7 mem 1\nUDP: inuse 2 mem 0\nUDPLITE: inuse 0\n";
        assert_eq!(sockets(text), 321);
        assert_eq!(tcp_of_machine(text), 38);
        assert_eq!(sockets("sockets: used many\nTCP: tw"), 0);
        assert_eq!(sockets("TCP: tw 4"), 4);
        assert_eq!(sockets(""), 0);
    }

    #[test]
    fn a_protocol_is_in_use_if_either_family_is() {
        let text = "TCP: inuse 0 orphan 0 tw 0 alloc 7 mem 1\nUDP: inuse 0 mem 0\n";
        let uses = |text, text6| protocols_in_use(text, text6);
        assert_eq!(uses(text, ""), ProtocolsInUse { tcp: false, udp: false });
        assert_eq!(uses(text, "TCP6: inuse 1\nUDP6: inuse 0\n"), ProtocolsInUse { tcp: true, udp: false });
        assert_eq!(uses("TCP: inuse 0 orphan 0 tw 2\nUDP: inuse 1\n", ""), ProtocolsInUse { tcp: true, udp: true });
        assert_eq!(uses("", ""), ProtocolsInUse { tcp: true, udp: true });
    }

    #[test]
    fn open_files_are_the_first_number() {
        assert_eq!(files("3104\t0\t9223372036854775807\n"), 3104);
        assert_eq!(files(""), 0);
    }
}
