//! What is worth a look: conclusions from one moment by fixed rules.
//!
//! A finding rests on facts of this moment alone, and its thresholds are fixed. [`Finding::all`] computes them; reports show
//! them, and count them by [`Code`].

mod rules;

pub use rules::Scope;

use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use std::net::IpAddr;

/// One conclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub fact: Fact,
    /// The process that it is about.
    pub pid: Option<Pid>,
    /// The local port that it is about.
    pub port: Option<(Protocol, u16)>,
    /// What was counted.
    pub value: u64,
    /// What it is compared with.
    pub limit: u64,
}

/// What was found, with what only its sentence needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A listener drops connections now: more wait to be accepted than its queue takes (the value).
    BacklogIsFull {
        /// How many it has dropped, if that is known.
        drops: u64,
        /// The most that the system allows for any listener.
        most: Option<u64>,
    },
    /// A listener has dropped connections (the value) at some time.
    BacklogWasFull {
        /// The most that the system allows for any listener.
        most: Option<u64>,
    },
    /// The ephemeral ports of a local address are used up for connections to a remote end.
    PortsNearlyUsed {
        /// The local address.
        local: IpAddr,
        /// The remote end.
        remote: Endpoint,
    },
    /// A process has connections in CLOSE_WAIT.
    CloseWait,
    /// Nothing was acknowledged for some seconds (the value) though data waits.
    SendQueueStuck {
        /// How many connections of the process are so.
        connections: usize,
        /// The bytes in the queue of the one that has waited longest.
        bytes: u32,
        /// Its remote end.
        remote: Endpoint,
    },
    /// Data fills a receive buffer: so many bytes of memory (the value).
    ReceiveQueueStuck {
        /// How many sockets of the process are so.
        sockets: usize,
    },
    /// Many sockets are in TIME_WAIT.
    TimeWaitMany,
    /// The firewall's table of connections is nearly full.
    ConntrackFull,
    /// A process has nearly as many descriptors as it may have.
    DescriptorsNearlyUsed,
}

/// A rule by its fixed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A listener's queue is full, or it has dropped connections.
    BacklogFull,
    /// More than 80 % of the ephemeral ports are used from one local address to one remote end.
    PortsNearlyUsed,
    /// A process has 50 or more connections in CLOSE_WAIT, or 10 or more that are 10 % or more of its connections.
    CloseWait,
    /// Data waits, and nothing was acknowledged for 30 s; or a receive buffer is used to more than 90 %.
    StuckQueue,
    /// More than half of the sockets that may be in TIME_WAIT are.
    TimeWaitMany,
    /// The firewall tracks more than 90 % of the connections that it can.
    ConntrackFull,
    /// A process has more than 90 % of the descriptors that it may have.
    DescriptorsNearlyUsed,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 7] = [
        Self::BacklogFull,
        Self::PortsNearlyUsed,
        Self::CloseWait,
        Self::StuckQueue,
        Self::TimeWaitMany,
        Self::ConntrackFull,
        Self::DescriptorsNearlyUsed,
    ];

    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BacklogFull => "backlog-full",
            Self::PortsNearlyUsed => "ports-nearly-used",
            Self::CloseWait => "close-wait",
            Self::StuckQueue => "stuck-queue",
            Self::TimeWaitMany => "time-wait-many",
            Self::ConntrackFull => "conntrack-full",
            Self::DescriptorsNearlyUsed => "descriptors-nearly-used",
        }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something fails, or is about to.
    Warning,
    /// Good to know: it is over, or ends by itself.
    Note,
}

impl Severity {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Fact {
    /// The rule that it is found by.
    pub const fn code(&self) -> Code {
        match self {
            Self::BacklogIsFull { .. } | Self::BacklogWasFull { .. } => Code::BacklogFull,
            Self::PortsNearlyUsed { .. } => Code::PortsNearlyUsed,
            Self::CloseWait => Code::CloseWait,
            Self::SendQueueStuck { .. } | Self::ReceiveQueueStuck { .. } => Code::StuckQueue,
            Self::TimeWaitMany => Code::TimeWaitMany,
            Self::ConntrackFull => Code::ConntrackFull,
            Self::DescriptorsNearlyUsed => Code::DescriptorsNearlyUsed,
        }
    }

    /// How much it matters.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::BacklogWasFull { .. } | Self::TimeWaitMany => Severity::Note,
            Self::BacklogIsFull { .. }
            | Self::PortsNearlyUsed { .. }
            | Self::CloseWait
            | Self::SendQueueStuck { .. }
            | Self::ReceiveQueueStuck { .. }
            | Self::ConntrackFull
            | Self::DescriptorsNearlyUsed => Severity::Warning,
        }
    }
}

impl Finding {
    /// The conclusion in a sentence without a full stop. `holder` names the process.
    pub fn message(&self, holder: &str) -> String {
        let Self { value, limit, .. } = *self;
        let on_port = self.port.map_or_else(String::new, |(protocol, port)| format!(" on {} port {port}", protocol.word()));
        match &self.fact {
            Fact::BacklogIsFull { drops, most } => {
                let dropped = match drops {
                    0 => "further ones are dropped".to_owned(),
                    drops => format!("{} dropped since it listens", was(*drops, "")),
                };
                let (waiting, wait) = (counted(value, "connection"), if value == 1 { "waits" } else { "wait" });
                format!("{waiting} {wait} to be accepted{on_port} by {holder}; its limit is {limit}{}, {dropped}", maximum(*most))
            }
            Fact::BacklogWasFull { most } => {
                let dropped = was(value, "connection");
                format!("{dropped} dropped{on_port} since {holder} listens; its limit is {limit}{}", maximum(*most))
            }
            Fact::PortsNearlyUsed { local, remote } => format!(
                "{value} of {limit} ephemeral ports of {local} are in use for connections to {} port {}, most of them by {holder}",
                remote.address, remote.port
            ),
            Fact::CloseWait => {
                let connections = counted(value, "connection");
                format!("{holder} has {connections} in CLOSE_WAIT{on_port}: it does not close what its peers closed")
            }
            Fact::SendQueueStuck { connections, bytes, remote } => {
                let more = match connections.saturating_sub(1) {
                    0 => String::new(),
                    more => format!("; nor was it on {more} more of its connections"),
                };
                let bytes = counted((*bytes).into(), "byte");
                format!(
                    "{holder} waits{on_port} with {bytes} to {} port {}: nothing was acknowledged for {value} s{more}",
                    remote.address, remote.port
                )
            }
            Fact::ReceiveQueueStuck { sockets } => {
                let more = match sockets.saturating_sub(1) {
                    0 => String::new(),
                    more => format!("; so are those of {more} more of its sockets"),
                };
                format!(
                    "{holder} does not read what arrives{on_port}: {value} of {limit} bytes of its receive buffer are used{more}"
                )
            }
            Fact::TimeWaitMany => format!(
                "{} in TIME_WAIT, of at most {limit} (tcp_max_tw_buckets): normal after many connections, it ends by itself",
                if value == 1 { "1 socket is".to_owned() } else { format!("{value} sockets are") }
            ),
            Fact::ConntrackFull => format!(
                "the firewall tracks {} of at most {limit} (nf_conntrack_max): beyond, new ones are dropped",
                counted(value, "connection")
            ),
            Fact::DescriptorsNearlyUsed => format!(
                "{holder} has {} open of at most {limit} (RLIMIT_NOFILE): beyond, it can open and accept nothing",
                counted(value, "descriptor")
            ),
        }
    }

    /// Whether it is about a port, or about a process that holds one of these sockets of the port.
    pub fn concerns(&self, port: (Option<Protocol>, u16), mut is_holder: impl FnMut(Pid) -> bool) -> bool {
        match (self.port, self.pid) {
            (Some((protocol, number)), _) => number == port.1 && port.0.is_none_or(|asked| asked == protocol),
            (None, Some(pid)) => is_holder(pid),
            (None, None) => false,
        }
    }
}

/// ` (somaxconn 4096)`
fn maximum(most: Option<u64>) -> String {
    most.map_or_else(String::new, |most| format!(" (somaxconn {most})"))
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `24 connections were`; `24 were` without a word.
fn was(count: u64, what: &str) -> String {
    let what = if what.is_empty() { count.to_string() } else { counted(count, what) };
    format!("{what} {}", if count == 1 { "was" } else { "were" })
}

/// The local port of a socket, with its protocol.
const fn port_of(socket: &Socket) -> (Protocol, u16) {
    (socket.protocol, socket.local.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_a_sentence_with_its_numbers() {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        let local = "10.0.0.1".parse().unwrap();
        let message = |fact, port: Option<u16>, value, limit| {
            let finding = Finding { fact, pid: Some(7), port: port.map(|port| (Protocol::Tcp, port)), value, limit };
            finding.message("nginx (7)")
        };
        assert_eq!(
            message(Fact::BacklogWasFull { most: Some(4096) }, Some(80), 24, 1),
            "24 connections were dropped on TCP port 80 since nginx (7) listens; its limit is 1 (somaxconn 4096)"
        );
        assert_eq!(
            message(Fact::BacklogIsFull { drops: 0, most: None }, Some(80), 6, 5),
            "6 connections wait to be accepted on TCP port 80 by nginx (7); its limit is 5, further ones are dropped"
        );
        assert_eq!(
            message(Fact::BacklogIsFull { drops: 1, most: Some(128) }, Some(80), 1, 0),
            "1 connection waits to be accepted on TCP port 80 by nginx (7); its limit is 0 (somaxconn 128), 1 was dropped since it \
             listens"
        );
        assert_eq!(
            message(Fact::PortsNearlyUsed { local, remote }, None, 81, 90),
            "81 of 90 ephemeral ports of 10.0.0.1 are in use for connections to 192.0.2.9 port 443, most of them by nginx (7)"
        );
        assert_eq!(
            message(Fact::CloseWait, None, 50, 50),
            "nginx (7) has 50 connections in CLOSE_WAIT: it does not close what its peers closed"
        );
        assert_eq!(
            message(Fact::SendQueueStuck { connections: 3, bytes: 1, remote }, Some(80), 95, 30),
            "nginx (7) waits on TCP port 80 with 1 byte to 192.0.2.9 port 443: nothing was acknowledged for 95 s; nor was it on 2 \
             more of its connections"
        );
        assert_eq!(
            message(Fact::ReceiveQueueStuck { sockets: 1 }, None, 95, 100),
            "nginx (7) does not read what arrives: 95 of 100 bytes of its receive buffer are used"
        );
        assert!(message(Fact::TimeWaitMany, None, 1, 1).starts_with("1 socket is in TIME_WAIT"));
        assert!(message(Fact::ConntrackFull, None, 10, 10).starts_with("the firewall tracks 10 connections of at most 10 "));
        assert!(
            message(Fact::DescriptorsNearlyUsed, None, 10, 10).starts_with("nginx (7) has 10 descriptors open of at most 10 ")
        );
    }

    #[test]
    fn a_finding_concerns_its_port_and_the_holders_of_one() {
        let finding = |port, pid| Finding { fact: Fact::CloseWait, pid, port, value: 1, limit: 1 };
        let of_port = finding(Some((Protocol::Tcp, 80)), Some(7));
        assert!(of_port.concerns((None, 80), |_| false) && of_port.concerns((Some(Protocol::Tcp), 80), |_| false));
        assert!(!of_port.concerns((Some(Protocol::Udp), 80), |_| true) && !of_port.concerns((None, 81), |_| true));
        let of_process = finding(None, Some(7));
        assert!(of_process.concerns((None, 80), |pid| pid == 7) && !of_process.concerns((None, 80), |pid| pid == 8));
        assert!(!finding(None, None).concerns((None, 80), |_| true));
    }
}
