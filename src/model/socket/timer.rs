//! The timers that a system runs for a socket.

/// Which timer the system is running for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Timer {
    /// None, or not known.
    Off,
    /// Waiting to send again.
    Retransmit,
    /// Waiting to probe an idle peer; also the linger of an orphaned FIN_WAIT_2.
    KeepAlive,
    /// Waiting out TIME_WAIT or a FIN_WAIT_2 without a socket.
    TimeWait,
    /// Waiting to probe a closed window.
    WindowProbe,
}

impl Timer {
    /// The fixed word of the machine-readable formats; `None` where no timer runs.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Retransmit => Some("retransmit"),
            Self::KeepAlive => Some("keepalive"),
            Self::TimeWait => Some("time-wait"),
            Self::WindowProbe => Some("window-probe"),
        }
    }
}
