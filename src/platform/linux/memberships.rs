//! The systemd unit and the container of a process.

use super::cgroup;
use crate::model::cgroup::Membership;
use crate::model::socket::Pid;

/// What the process's control group says; nothing where it may not be seen.
pub(crate) fn membership(pid: Pid) -> Membership {
    std::fs::read_to_string(format!("/proc/{pid}/cgroup")).map_or_else(|_| Membership::default(), |text| cgroup::parse(&text))
}
