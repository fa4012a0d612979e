//! Whether this kernel lists the ports that are bound without listening.

use super::reader::FileReason;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::{Protocol, State};
use crate::request::{Query, SocketSource};

/// The release of the running kernel.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// Why bound ports, if they were asked for, are not among the rows. `from_file` is why a TCP table was read from its file.
pub(crate) fn why_unlisted(request: &Query, from_file: Option<FileReason>) -> Option<&'static str> {
    let asks_for_tcp = || request.tables.iter().any(|table| table.protocol() == Protocol::Tcp);
    if !(request.states.contains(State::Bound) && asks_for_tcp()) {
        return None;
    }
    match from_file {
        Some(_) if request.sources.sockets == SocketSource::Proc => Some("/proc does not list them"),
        Some(FileReason::NoSockDiag) => {
            Some("this kernel has no sock_diag for TCP (module tcp_diag), and /proc does not list them")
        }
        Some(FileReason::Refused) => Some("sock_diag is refused, and /proc does not list them"),
        // Not uname(2): rustix takes for granted that it is not refused, and a seccomp filter may.
        None if is_before_6_8(&std::fs::read_to_string(RELEASE).unwrap_or_default()) => Some("Linux lists them from 6.8 on"),
        None => None,
    }
}

/// The problem that bound ports are not listed.
pub(crate) fn unlisted(reason: &str) -> Problem {
    Problem::new(ProblemKind::BoundPortsUnlisted, format!("BOUND ports cannot be shown: {reason}"))
}

/// Whether a release (`6.1.0-18-amd64`) is older than 6.8, the first that lists bound sockets. One that is not understood is not.
fn is_before_6_8(release: &str) -> bool {
    let mut numbers = release.split(['.', '-']).map_while(|number| number.trim().parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) < (6, 8),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::{StateSet, Table, TableSet};

    #[test]
    fn kernels_before_6_8_do_not_list_bound_sockets() {
        for old in ["6.1.0-18-amd64\n", "5.15.0", "4.4.0-19041-Microsoft", "6.7.12"] {
            assert!(is_before_6_8(old), "{old}");
        }
        for new in ["6.8.0-31-generic\n", "6.18.44", "7.0-rc1", "10.0", "", "unknown"] {
            assert!(!is_before_6_8(new), "{new}");
        }
    }

    #[test]
    fn only_a_query_for_bound_tcp_ports_misses_them() {
        let everything = Query::everything();
        let reason = |query: &Query, from_file| why_unlisted(query, from_file).map(|reason| reason.contains("is refused"));
        assert_eq!(reason(&everything, Some(FileReason::Refused)), Some(true));
        assert_eq!(reason(&everything, Some(FileReason::NoSockDiag)), Some(false));
        let without = Query { states: StateSet::ALL.without(State::Bound), ..everything.clone() };
        assert_eq!(reason(&without, Some(FileReason::Refused)), None);
        let udp = Query { tables: TableSet::NONE.with(Table::Udp4), ..everything };
        assert_eq!(reason(&udp, Some(FileReason::Refused)), None);
    }
}
