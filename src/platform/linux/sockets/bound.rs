//! Whether this kernel lists the ports that are bound without listening.

use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::{Protocol, State};
use crate::request::Query;

/// Which Linux this is.
const RELEASE_FILE: &str = "/proc/sys/kernel/osrelease";

/// What to say where bound sockets were asked for and nothing here can tell them. `from_files` is whether a TCP table had
/// to be read from its file.
pub(crate) fn untold(request: &Query, from_files: bool) -> Option<Problem> {
    let tcp = || request.tables.iter().any(|table| table.protocol() == Protocol::Tcp);
    if !(request.states.contains(State::Bound) && tcp()) {
        return None;
    }
    let reason = if from_files {
        "sock_diag is refused, and /proc/net does not list them"
    } else if knows_no_bound_sockets(&std::fs::read_to_string(RELEASE_FILE).unwrap_or_default()) {
        "Linux lists them from 6.8 on"
    } else {
        return None;
    };
    Some(Problem::new(ProblemKind::FactUnavailable, format!("BOUND ports cannot be shown: {reason}")))
}

/// Whether a release (`6.1.0-18-amd64`) is older than 6.8, the first that lists bound sockets. One that cannot be read is not.
fn knows_no_bound_sockets(release: &str) -> bool {
    let mut numbers = release.split(['.', '-']).map_while(|number| number.trim().parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) < (6, 8),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::knows_no_bound_sockets;

    #[test]
    fn kernels_before_6_8_do_not_list_bound_sockets() {
        for old in ["6.1.0-18-amd64\n", "5.15.0", "4.4.0-19041-Microsoft", "6.7.12"] {
            assert!(knows_no_bound_sockets(old), "{old}");
        }
        for new in ["6.8.0-31-generic\n", "6.18.44", "7.0-rc1", "10.0", "", "unknown"] {
            assert!(!knows_no_bound_sockets(new), "{new}");
        }
    }
}
