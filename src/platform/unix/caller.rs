//! Who runs this program.

use crate::model::port_policy::PortPolicy;
use nix::unistd::geteuid;

/// Who the caller is; of the settings of ports nothing is known.
pub(crate) fn port_policy() -> PortPolicy {
    // Not rustix, which takes for granted that no seccomp filter refuses the call.
    let caller = geteuid();
    PortPolicy { caller_is_root: caller.is_root(), caller_uid: Some(caller.as_raw()), ..PortPolicy::default() }
}
