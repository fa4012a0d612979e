//! What trying to bind a port gave.

use super::socket::Protocol;
use std::net::IpAddr;

/// One try to bind a port on every address of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindAttempt {
    /// The protocol.
    pub protocol: Protocol,
    /// 0.0.0.0 or ::, which is bound for IPv6 alone.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// How it ended.
    pub outcome: BindOutcome,
}

/// How a try to bind a port ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindOutcome {
    /// The port was bound, and closed again.
    Bound,
    /// Another socket has it.
    InUse,
    /// The caller may not bind it, so that the try says nothing about other sockets.
    Denied,
    /// The system has no addresses of the family.
    NoFamily,
    /// It failed for another reason, which says nothing about other sockets.
    Failed(String),
}

impl BindOutcome {
    /// The fixed word of the machine-readable formats.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::InUse => "in-use",
            Self::Denied => "denied",
            Self::NoFamily => "no-family",
            Self::Failed(_) => "failed",
        }
    }
}
