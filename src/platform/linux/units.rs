//! The systemd unit of a process.

use super::cgroup;
use crate::socket::Pid;

/// The unit, from the process's control group; `None` where it has none, or it may not be seen.
pub(crate) fn unit_of_process(pid: Pid) -> Option<String> {
    cgroup::parse(&std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?).unit
}
