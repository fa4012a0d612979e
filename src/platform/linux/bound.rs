//! Bound sockets, neither listening nor connected: where they cannot be listed, and what to say then.

use crate::request::SocketRequest;
use crate::snapshot::{Problem, ProblemKind};
use crate::socket::{Protocol, State, Table};

/// Which Linux this is.
pub const RELEASE_FILE: &str = "/proc/sys/kernel/osrelease";

/// What to say where bound sockets were asked for and this release of Linux (`6.1.0-18-amd64`) does not list them.
pub fn untold_by_release(request: &SocketRequest, release: impl FnOnce() -> String) -> Option<Problem> {
    let asked = request.tables.iter().any(|table| is_asked(request, table));
    (asked && is_before_6_8(&release())).then(|| untold("Linux lists them from 6.8 on"))
}

/// What to say where bound sockets were asked for and a table had to be read from its file.
pub fn untold_by_file(request: &SocketRequest, table: Table) -> Option<Problem> {
    is_asked(request, table).then(|| untold("sock_diag is refused, and /proc/net does not list them"))
}

fn is_asked(request: &SocketRequest, table: Table) -> bool {
    table.protocol() == Protocol::Tcp && request.states.contains(State::Bound)
}

fn untold(reason: &str) -> Problem {
    Problem::new(ProblemKind::FactUnavailable, format!("BOUND ports cannot be shown: {reason}"))
}

/// A release that cannot be read is taken for a new one.
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

    #[test]
    fn kernels_before_6_8_do_not_list_bound_sockets() {
        let everything = SocketRequest::everything();
        for old in ["6.1.0-18-amd64\n", "5.15.0", "4.4.0-19041-Microsoft", "6.7.12"] {
            assert!(untold_by_release(&everything, || old.to_owned()).is_some(), "{old}");
        }
        for new in ["6.8.0-31-generic\n", "6.18.44", "7.0-rc1", "10.0", "", "unknown"] {
            assert_eq!(untold_by_release(&everything, || new.to_owned()), None, "{new}");
        }
    }

    #[test]
    fn who_does_not_ask_for_them_is_not_told() {
        let mut request = SocketRequest::everything();
        assert!(untold_by_file(&request, Table::Tcp6).is_some());
        assert_eq!(untold_by_file(&request, Table::Udp4), None);
        request.states = request.states.without(State::Bound);
        assert_eq!(untold_by_file(&request, Table::Tcp6), None);
        assert_eq!(untold_by_release(&request, || unreachable!("the release is not looked for")), None);
    }
}
