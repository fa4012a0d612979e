//! What Linux alone tells, and what the other systems say instead.

/// Waiting between two displays.
pub(crate) mod pause {
    use crate::platform::Pause;
    use std::time::Duration;

    /// Waits. Whether somebody still reads the output shows when the next display is written.
    pub(crate) fn pause(duration: Duration) -> Pause {
        std::thread::sleep(duration);
        Pause::Over
    }
}

/// What the settings of the host say about ports.
pub(crate) mod port_rules {
    use crate::model::port_policy::PortRules;

    /// Nothing is told.
    pub(crate) fn read() -> PortRules {
        PortRules::default()
    }
}

/// Connections of remote direct memory access.
pub(crate) mod rdma_dump {
    use crate::model::problem::{Problem, ProblemKind};
    use crate::model::rdma::RdmaEndpoint;

    /// None, and the reason.
    pub(crate) fn read() -> (Vec<RdmaEndpoint>, Vec<Problem>) {
        let message = "RDMA connections cannot be read on this system: it has no documented way to list them";
        (Vec::new(), vec![Problem::new(ProblemKind::FactUnavailable, message)])
    }
}

/// The parts of the system that processes belong to.
pub(crate) mod memberships {
    use crate::model::cgroup::Membership;
    use crate::model::socket::Pid;

    /// No process says so here; where single sockets do (Windows), they are told with their rows.
    pub(crate) fn membership(_pid: Pid) -> Membership {
        Membership::default()
    }
}
