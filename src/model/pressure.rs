//! How full the buffers of a socket are, beyond the lengths of its queues that every row has: what findings rest on.

/// What the system says of a listener, or of a socket with something in a queue. What it does not say is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// The connections (of a listener) or packets that were dropped since the socket was made.
    pub drops: Option<u32>,
    /// How the receive buffer is used.
    pub receive_buffer: Option<Usage>,
    /// For how many milliseconds the other end has acknowledged nothing while data waited to be sent or acknowledged.
    pub unacknowledged_ms: Option<u32>,
}

/// How much of something is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage {
    /// What is used.
    pub used: u64,
    /// What there is.
    pub limit: u64,
}

impl Usage {
    /// Whether more than this many percent are used.
    pub const fn exceeds(self, percent: u64) -> bool {
        self.limit > 0 && self.used.saturating_mul(100) > self.limit.saturating_mul(percent)
    }
}

/// The limits that the system sets for all its sockets together, and what is used of them. What it does not have is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most connections that the queue of any listener takes (`somaxconn`).
    pub accept_queue: Option<u64>,
    /// The most sockets that may be in TIME_WAIT.
    pub time_wait: Option<u64>,
    /// The connections that the firewall tracks.
    pub tracked_connections: Option<Usage>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_exceeds_a_part_of_its_limit_if_it_is_more() {
        let usage = |used, limit| Usage { used, limit }.exceeds(90);
        assert_eq!([usage(90, 100), usage(91, 100), usage(1, 0), usage(u64::MAX, u64::MAX)], [false, true, false, false]);
    }
}
