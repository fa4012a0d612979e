//! What is worth a look: conclusions from the rows of one moment by fixed rules.

use super::row::{Row, Rows};
use crate::model::port_policy::PortPolicy;
use crate::model::socket::{Endpoint, Pid, Protocol, State};
use std::collections::HashMap;
use std::net::IpAddr;

/// One conclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that it is by.
    pub rule: Rule,
    /// The process that it is about.
    pub pid: Option<Pid>,
    /// The port that it is about.
    pub port: Option<u16>,
    /// What was counted.
    pub value: usize,
    /// What it is compared with.
    pub limit: usize,
    /// The remote end that it is about.
    pub remote: Option<Endpoint>,
}

/// A rule with its fixed threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// More connections wait to be accepted than the listener's queue allows: further ones are dropped.
    BacklogFull,
    /// More than 80 % of the ephemeral ports are in use from one local address to one remote endpoint.
    PortsNearlyUsed,
    /// A process has 50 or more connections in CLOSE_WAIT, or 10 or more that are 10 % or more of its connections.
    CloseWait,
}

impl Rule {
    /// The fixed word of the machine-readable formats.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BacklogFull => "backlog-full",
            Self::PortsNearlyUsed => "ports-nearly-used",
            Self::CloseWait => "close-wait",
        }
    }
}

impl Finding {
    /// What is known about these rows, in the order of the rules.
    pub fn all(rows: Rows<'_>) -> Vec<Self> {
        let mut findings: Vec<Self> = rows.iter().filter_map(full_backlog).collect();
        findings.extend(used_ports(rows, &rows.lookups().port_policy));
        findings.extend(close_waits(rows));
        findings.sort_by_key(|finding| (finding.rule, std::cmp::Reverse(finding.value), finding.port, finding.pid));
        findings
    }

    /// The conclusion in a sentence. `holder` names the process.
    pub fn message(&self, holder: &str) -> String {
        let Self { value, limit, .. } = self;
        let port = self.port.unwrap_or_default();
        match self.rule {
            Rule::BacklogFull => format!(
                "{value} connections wait to be accepted on port {port} by {holder}; its limit is {limit}, further ones are dropped"
            ),
            Rule::PortsNearlyUsed => {
                let remote = self.remote.map_or_else(String::new, |end| format!(" to {} port {}", end.address, end.port));
                format!("{value} of {limit} ephemeral ports are in use for connections{remote}")
            }
            Rule::CloseWait => {
                format!("{holder} has {value} connections in CLOSE_WAIT: it does not close what its peers closed")
            }
        }
    }
}

fn full_backlog(row: Row<'_>) -> Option<Finding> {
    let socket = row.socket;
    let is_full = socket.state == Some(State::Listening) && socket.receive_queue > socket.send_queue && socket.send_queue > 0;
    is_full.then(|| Finding {
        rule: Rule::BacklogFull,
        pid: row.owners().lowest(),
        port: Some(socket.local.port),
        value: socket.receive_queue as usize,
        limit: socket.send_queue as usize,
        remote: None,
    })
}

/// Each remote endpoint that uses up the ephemeral ports of a local address, which is what limits connections: a port may be used
/// for each remote endpoint again.
fn used_ports(rows: Rows<'_>, policy: &PortPolicy) -> Vec<Finding> {
    let Some(range) = &policy.ephemeral else { return Vec::new() };
    let limit = range.clone().filter(|&port| !policy.is_reserved(port)).count();
    let mut used: HashMap<(Option<u32>, IpAddr, Endpoint), usize> = HashMap::new();
    for row in rows.iter() {
        let socket = row.socket;
        let Some(&remote) = socket.peer().filter(|_| socket.protocol == Protocol::Tcp && range.contains(&socket.local.port))
        else {
            continue;
        };
        let namespace = row.namespace().and_then(|namespace| namespace.inode);
        *used.entry((namespace, socket.local.address, remote)).or_default() += 1;
    }
    let nearly = used.into_iter().filter(|&(_, used)| used * 5 > limit * 4);
    let finding = |((_, _, remote), value)| Finding {
        rule: Rule::PortsNearlyUsed,
        pid: None,
        port: None,
        value,
        limit,
        remote: Some(remote),
    };
    nearly.map(finding).collect()
}

fn close_waits(rows: Rows<'_>) -> Vec<Finding> {
    const MANY: usize = 50;
    const SOME: usize = 10;
    let mut counts: HashMap<Pid, (usize, usize)> = HashMap::new();
    for row in rows.iter().filter(|row| row.socket.protocol == Protocol::Tcp && row.socket.peer().is_some()) {
        for pid in row.owners().pids() {
            let (waiting, all) = counts.entry(pid).or_default();
            *waiting += usize::from(row.socket.state == Some(State::CloseWait));
            *all += 1;
        }
    }
    let leaks = |&(_, (waiting, all)): &(Pid, (usize, usize))| waiting >= MANY || waiting >= SOME && waiting * 10 >= all;
    let finding = |(pid, (value, all)): (Pid, (usize, usize))| Finding {
        rule: Rule::CloseWait,
        pid: Some(pid),
        port: None,
        value,
        limit: MANY.min(SOME.max(all.div_ceil(10))),
        remote: None,
    };
    counts.into_iter().filter(leaks).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::Owners;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::Socket;
    use crate::model::socket::tests::socket;
    use crate::model::system::System;
    use crate::moment::lookups::Lookups;

    fn findings(sockets: Vec<Socket>) -> Vec<(&'static str, usize, usize)> {
        let owners = Owners::ByRow(sockets.iter().map(|_| Some(7)).collect());
        let positions: Vec<u32> = (0..sockets.len() as u32).collect();
        let snapshot = Snapshot { sockets, owners, ..Snapshot::default() };
        let port_policy = PortPolicy { ephemeral: Some(40000..=40099), reserved: vec![40090..=40099], ..PortPolicy::default() };
        let lookups = Lookups { port_policy, ..Lookups::default() };
        let rows = Rows::of_parts(&snapshot, &lookups, System::Linux, &positions);
        Finding::all(rows).iter().map(|finding| (finding.rule.code(), finding.value, finding.limit)).collect()
    }

    fn connections(number: u16, state: State) -> Vec<Socket> {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        (0..number).map(|port| Socket { state: Some(state), remote, ..socket("10.0.0.1", 40000 + port) }).collect()
    }

    #[test]
    fn a_full_backlog_is_a_finding_and_a_used_one_is_not() {
        let listener = Socket { send_queue: 5, ..socket("0.0.0.0", 80) };
        assert_eq!(findings(vec![Socket { receive_queue: 6, ..listener }]), [("backlog-full", 6, 5)]);
        assert_eq!(findings(vec![Socket { receive_queue: 5, ..listener }]), []);
    }

    #[test]
    fn ports_count_by_remote_endpoint_and_without_the_reserved_ones() {
        assert_eq!(findings(connections(73, State::TimeWait)), [("ports-nearly-used", 73, 90)]);
        assert_eq!(findings(connections(72, State::TimeWait)), []);
    }

    #[test]
    fn close_wait_is_a_finding_if_it_is_much_or_a_large_part() {
        assert_eq!(findings(connections(10, State::CloseWait)), [("close-wait", 10, 10)]);
        assert_eq!(findings(connections(9, State::CloseWait)), []);
        let elsewhere = Endpoint::new("192.0.2.10".parse().unwrap(), 80);
        let busy = |waiting: u16| {
            let others =
                (0..600).map(|port| Socket { state: Some(State::Established), remote: elsewhere, ..socket("10.0.0.1", port) });
            findings(connections(waiting, State::CloseWait).into_iter().chain(others).collect())
        };
        assert_eq!(busy(49), []);
        assert_eq!(busy(50), [("close-wait", 50, 50)]);
    }
}
