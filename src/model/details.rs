//! Facts about rows that cost something to read: they are stored beside the rows, and only if they were asked for.

use crate::model::problem::{Problem, ProblemKind};
use crate::model::tcp_info::TcpFields;
use std::num::NonZeroU64;
use std::time::Duration;

/// Which details are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WantedDetails {
    /// The type of service (IPv4) or traffic class (IPv6).
    pub traffic_class: bool,
    /// The name of the congestion control.
    pub congestion: bool,
    /// The time since the socket was made, if the system gives it with the row (Windows).
    pub age: bool,
    /// The service inside the process that made the socket, if the system gives it with the row (Windows).
    pub service: bool,
    /// The name of the protocol that is attached to a TCP connection (TLS, MPTCP).
    pub upper_layer: bool,
    /// What identifies the socket as long as the system runs (Linux).
    pub cookie: bool,
    /// The internals of TCP connections.
    pub tcp_info: TcpFields,
    /// How full the buffers of listeners and of sockets with something in a queue are.
    pub pressure: bool,
}

impl WantedDetails {
    /// Nothing.
    pub const NONE: Self = Self {
        traffic_class: false,
        congestion: false,
        age: false,
        service: false,
        upper_layer: false,
        cookie: false,
        tcp_info: TcpFields::NONE,
        pressure: false,
    };

    /// What both want.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            traffic_class: self.traffic_class || other.traffic_class,
            congestion: self.congestion || other.congestion,
            age: self.age || other.age,
            service: self.service || other.service,
            upper_layer: self.upper_layer || other.upper_layer,
            cookie: self.cookie || other.cookie,
            tcp_info: self.tcp_info.or(other.tcp_info),
            pressure: self.pressure || other.pressure,
        }
    }

    /// Whether an attribute of a dump is wanted (Linux).
    pub const fn any(self) -> bool {
        self.any_of_row() || !self.tcp_info.is_empty()
    }

    /// Whether anything is wanted that stands in [`Details`] and has to be asked of the kernel of Linux.
    pub const fn any_of_row(self) -> bool {
        self.traffic_class || self.congestion || self.upper_layer || self.cookie
    }

    /// The problems that the details are which a system does not give; `given` are the internals of TCP that it has.
    pub fn unavailable(self, given: TcpFields) -> Vec<Problem> {
        let columns = [
            (self.traffic_class, "the DSCP value (-d)"),
            (self.congestion, "the template (-y)"),
            (self.upper_layer || !self.tcp_info.without(given).is_empty(), "what is internal to TCP (--tcp-info)"),
        ];
        let asked = columns.into_iter().filter(|(asked, _)| *asked);
        let sentence = |what| format!("{what} of a connection cannot be read on this system: its column shows '-'");
        asked.map(|(_, what)| Problem::new(ProblemKind::FactUnavailable, sentence(what))).collect()
    }
}

/// The details of one row: those that were wanted and that the system knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// The byte of the IP header that says how packets of this socket are to be treated.
    pub traffic_class: Option<u8>,
    /// The algorithm that paces this connection.
    pub congestion: Option<KernelName>,
    /// The protocol that is attached to this connection.
    pub upper_layer: Option<KernelName>,
    /// The time since the socket was made, which for a listener is the time since it was bound.
    pub age: Option<Duration>,
    /// What identifies the socket as long as the system runs.
    pub cookie: Option<NonZeroU64>,
    /// Whether the row is from a source that has no details.
    pub is_unread: bool,
}

impl Details {
    /// The differentiated services code point: the upper six bits of the traffic class (RFC 2474).
    pub fn dscp(&self) -> Option<u8> {
        self.traffic_class.map(|class| class >> 2)
    }
}

/// A short name that the kernel gives, kept in its row so that a million of them need no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KernelName {
    /// Filled up with zeros. The kernel's names have at most 15 bytes (`TCP_CA_NAME_MAX`, `TCP_ULP_NAME_MAX`).
    name: [u8; 16],
}

impl KernelName {
    /// Takes the name that the kernel gives, which ends at the first zero; `None` where there is none or it is longer than
    /// any that the kernel gives.
    pub fn new(name: &[u8]) -> Option<Self> {
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        let mut padded = [0; 16];
        padded.get_mut(..name.len()).filter(|_| !name.is_empty())?.copy_from_slice(name);
        std::str::from_utf8(name).ok()?;
        Some(Self { name: padded })
    }

    /// The name. It is whatever a kernel module calls itself.
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|&byte| byte == 0).unwrap_or(self.name.len());
        self.name.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl std::fmt::Debug for KernelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_point_is_the_upper_six_bits() {
        let dscp = |traffic_class| Details { traffic_class, ..Details::default() }.dscp();
        assert_eq!([dscp(Some(0xb8)), dscp(Some(0xbb)), dscp(Some(3)), dscp(None)], [Some(46), Some(46), Some(0), None]);
    }

    #[test]
    fn a_name_ends_at_its_zero_and_fits_or_is_none() {
        let name = |bytes: &[u8]| KernelName::new(bytes).map(|name| name.name().to_owned());
        assert_eq!(name(b"cubic\0"), Some("cubic".to_owned()));
        assert_eq!(name(b"bbr\0rest"), Some("bbr".to_owned()));
        assert_eq!(name(b"sixteen_letters_"), Some("sixteen_letters_".to_owned()));
        assert_eq!([name(b""), name(b"\0cubic"), name(b"seventeen_letters"), name(b"\xff\0")], [None, None, None, None]);
    }
}
