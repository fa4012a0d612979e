//! The limits of the network namespace in `/proc/sys/net`, and those of a process (`/proc/PID/limits`, `/proc/PID/fd`).

use crate::model::pressure::{Limits, Usage};
use crate::model::socket::Pid;

/// Reads the limits of the network namespace of this process.
pub fn read() -> Limits {
    let usage = |used: Option<u64>, limit: Option<u64>| Some(Usage { used: used?, limit: limit? });
    Limits {
        accept_queue: number("core/somaxconn"),
        time_wait: number("ipv4/tcp_max_tw_buckets"),
        // The files are there once the firewall tracks connections.
        tracked_connections: usage(number("netfilter/nf_conntrack_count"), number("netfilter/nf_conntrack_max")),
    }
}

fn number(name: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?.trim().parse().ok()
}

/// How many descriptors a process has open, and how many it may have. Before Linux 6.2 the number of open ones is 0: unknown.
pub fn descriptors(pid: Pid) -> Option<Usage> {
    let limit = open_files_limit(&std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?)?;
    let used = std::fs::metadata(format!("/proc/{pid}/fd")).map_or(0, |folder| folder.len());
    Some(Usage { used, limit })
}

/// The soft limit in the line `Max open files` of `/proc/PID/limits`; `None` if it is unlimited.
pub fn open_files_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_soft_limit_of_open_files_is_the_first_number_of_its_line() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             96000                96000                processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(open_files_limit(limits), Some(1024));
        assert_eq!(open_files_limit("Max open files            unlimited            unlimited            files\n"), None);
        assert_eq!([open_files_limit(""), open_files_limit("Max open files\n")], [None, None]);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "(Max open files)?.{0,60}") {
            let _ = open_files_limit(&text);
        }
    }
}
