//! What a host's settings say about ports.

use std::ops::RangeInclusive;

/// What a host's settings say about ports; a setting that the system does not have is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortPolicy {
    /// The ephemeral ports, which the system gives to clients.
    pub ephemeral: Option<RangeInclusive<u16>>,
    /// The reserved ports, which it gives to no client.
    pub reserved: Vec<RangeInclusive<u16>>,
    /// The lowest port that anybody may bind; below it a privilege is needed.
    pub unprivileged_from: Option<u16>,
    /// Whether the caller is root, to whom privileged ports are open.
    pub caller_is_root: bool,
    /// The user id of the caller, on systems that have them.
    pub caller_uid: Option<u32>,
}

impl PortPolicy {
    /// What is known of the settings of another network namespace: who the caller is.
    #[must_use]
    pub fn of_another_namespace(&self) -> Self {
        Self { ephemeral: None, reserved: Vec::new(), unprivileged_from: None, ..*self }
    }

    /// Whether the port is ephemeral: the system may give it to a client.
    pub fn is_ephemeral(&self, port: u16) -> bool {
        self.ephemeral.as_ref().is_some_and(|range| range.contains(&port)) && !self.is_reserved(port)
    }

    /// Whether the port is kept from clients.
    pub fn is_reserved(&self, port: u16) -> bool {
        self.reserved.iter().any(|range| range.contains(&port))
    }

    /// Whether a privilege is needed to bind the port.
    pub fn is_privileged(&self, port: u16) -> bool {
        self.unprivileged_from.is_some_and(|from| port < from)
    }
}
