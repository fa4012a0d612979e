//! Connections and listeners of remote direct memory access, which Windows calls NetworkDirect.

use crate::model::socket::{Endpoint, Pid};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RdmaEndpoint {
    /// The process that made it; `None` where the kernel did, for itself.
    pub pid: Option<Pid>,
    /// The index of the network interface that its device sits on; 0 where there is none.
    pub interface: u32,
    /// Whether it waits for connections.
    pub is_listener: bool,
    /// This host's end.
    pub local: Endpoint,
    /// The other end; unspecified where there is none.
    pub remote: Endpoint,
}
