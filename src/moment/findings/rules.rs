//! The rules by which findings are found.

use super::{Fact, Finding, port_of};
use crate::model::port_policy::PortPolicy;
use crate::model::pressure::Usage;
use crate::model::socket::{Endpoint, Pid, Protocol, State, Timer};
use crate::moment::row::{Row, Rows};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How much of the ephemeral ports may be in use.
const PORTS_PERCENT: u64 = 80;
/// From so many connections in CLOSE_WAIT on it is a finding in any case.
const CLOSE_WAIT_MANY: u64 = 50;
/// From so many on it is, if they are at least 10 % of the connections of the process.
const CLOSE_WAIT_SOME: u64 = 10;
/// For how many seconds nothing may be acknowledged.
const UNACKNOWLEDGED_SECONDS: u64 = 30;
/// How much of a receive buffer, of the firewall's table or of the descriptors may be used.
const NEARLY_ALL_PERCENT: u64 = 90;
/// How much of the sockets that may be in TIME_WAIT may be.
const TIME_WAIT_PERCENT: u64 = 50;

/// What sockets are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The rows are those of the host: processes are counted with all their sockets.
    Host,
    /// The rows are those of some local ports: each port is counted by itself, and nothing is concluded about the host.
    EachPort,
}

/// A process in a network namespace; with a port, what it does on this port.
type Holder = (Option<u32>, Option<Pid>, Option<(Protocol, u16)>);

impl Scope {
    /// The process that a row counts for, which is the one that shows where an owner is shown alone.
    fn holder(self, row: Row<'_>) -> Holder {
        let port = match self {
            Self::Host => None,
            Self::EachPort => Some(port_of(row.socket)),
        };
        (namespace_of(row), row.owners().lowest(), port)
    }
}

impl Finding {
    /// What is worth a look about these rows: what matters most first, then in the order of the codes.
    pub fn all(rows: Rows<'_>, scope: Scope) -> Vec<Self> {
        let lookups = rows.lookups();
        let mut findings = full_backlogs(rows);
        findings.extend(close_waits(rows, scope));
        findings.extend(stuck_queues(rows, scope));
        findings.extend(used_descriptors(rows));
        if scope == Scope::Host {
            findings.extend(used_ports(rows, &lookups.port_policy));
            findings.extend(many_in_time_wait(rows));
            findings.extend(full_conntrack(lookups.limits.tracked_connections));
        }
        findings.sort_by_key(|finding| {
            (finding.fact.severity(), finding.fact.code(), Reverse(finding.value), finding.port, finding.pid)
        });
        findings
    }

    /// How the ephemeral ports are used from that local address to that remote end that uses the most of them; `None` if the
    /// system does not say which ports are ephemeral.
    pub fn most_used_ports(rows: Rows<'_>) -> Option<Usage> {
        let UsedPorts { limit, pairs } = UsedPorts::of(rows, &rows.lookups().port_policy)?;
        let used = pairs.into_iter().map(|(_, usage)| usage).max();
        Some(used.unwrap_or(Usage { used: 0, limit }))
    }
}

fn namespace_of(row: Row<'_>) -> Option<u32> {
    row.namespace().and_then(|namespace| namespace.inode)
}

/// Whether a row is of the network namespace whose settings are known.
fn is_own(row: &Row<'_>) -> bool {
    row.namespace().is_none_or(|namespace| namespace.own)
}

/// What the listeners of one process on one port are like together: there is one for each address, or for each worker.
#[derive(Default)]
struct Backlog {
    drops: u64,
    limit: u64,
    /// The fullest queue that takes no more.
    full: Option<Usage>,
    most: Option<u64>,
}

fn full_backlogs(rows: Rows<'_>) -> Vec<Finding> {
    let mut backlogs: HashMap<Holder, Backlog> = HashMap::new();
    for row in rows.iter().filter(|row| row.socket.state == Some(State::Listening)) {
        let socket = row.socket;
        let queue = Usage { used: socket.receive_queue.into(), limit: socket.send_queue.into() };
        let pressure = row.pressure();
        let drops = u64::from(pressure.and_then(|pressure| pressure.drops).unwrap_or(0));
        // A limit of 0 is one only if the source is known to tell limits.
        let is_full = queue.used > queue.limit && (queue.limit > 0 || pressure.is_some());
        if !is_full && drops == 0 {
            continue;
        }
        let backlog = backlogs.entry(Scope::EachPort.holder(row)).or_default();
        backlog.drops += drops;
        backlog.limit = backlog.limit.max(queue.limit);
        backlog.full = backlog.full.max(is_full.then_some(queue));
        backlog.most = rows.lookups().limits.accept_queue.filter(|_| is_own(&row));
    }
    let finding = |((_, pid, port), Backlog { drops, limit, full, most }): (Holder, Backlog)| {
        let (fact, value, limit) = match full {
            Some(queue) => (Fact::BacklogIsFull { drops, most }, queue.used, queue.limit),
            None => (Fact::BacklogWasFull { most }, drops, limit),
        };
        Finding { fact, pid, port, value, limit }
    };
    backlogs.into_iter().map(finding).collect()
}

/// How the ephemeral ports are used by each pair of a local address and a remote endpoint, which is what limits connections: a port
/// may be used for each remote endpoint again. A port that is only bound is lost for all of them.
struct UsedPorts {
    /// How many ephemeral ports there are.
    limit: u64,
    pairs: Vec<((IpAddr, Endpoint), Usage)>,
}

impl UsedPorts {
    fn of(rows: Rows<'_>, policy: &PortPolicy) -> Option<Self> {
        let range = policy.ephemeral.as_ref()?;
        let limit = range.clone().filter(|&port| !policy.is_reserved(port)).count() as u64;
        let mut used: HashMap<(IpAddr, Endpoint), u64> = HashMap::new();
        let mut bound: HashMap<IpAddr, u64> = HashMap::new();
        for row in rows.iter().filter(|row| is_of_ephemeral_port(row, policy)) {
            let local = row.socket.local.address;
            match (row.socket.peer(), row.socket.state) {
                (Some(&remote), _) => *used.entry((local, remote)).or_default() += 1,
                (None, Some(State::Bound)) => *bound.entry(local).or_default() += 1,
                (None, _) => {}
            }
        }
        let bound_for = |address: IpAddr| {
            let every = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            bound.get(&address).unwrap_or(&0) + bound.get(&every).unwrap_or(&0)
        };
        let usage = |((local, remote), used)| ((local, remote), Usage { used: used + bound_for(local), limit });
        Some(Self { limit, pairs: used.into_iter().map(usage).collect() })
    }
}

fn is_of_ephemeral_port(row: &Row<'_>, policy: &PortPolicy) -> bool {
    row.socket.protocol == Protocol::Tcp && is_own(row) && policy.is_ephemeral(row.socket.local.port)
}

fn used_ports(rows: Rows<'_>, policy: &PortPolicy) -> Vec<Finding> {
    let Some(UsedPorts { pairs, .. }) = UsedPorts::of(rows, policy) else { return Vec::new() };
    let nearly = pairs.into_iter().filter(|(_, usage)| usage.exceeds(PORTS_PERCENT));
    let finding = |((local, remote), Usage { used, limit }): ((IpAddr, Endpoint), Usage)| {
        let mut holders: HashMap<Pid, usize> = HashMap::new();
        let ends = rows.iter().filter(|row| row.socket.local.address == local && row.socket.remote == remote);
        let ends = ends.filter(|row| is_of_ephemeral_port(row, policy));
        ends.filter_map(|row| row.owners().lowest()).for_each(|pid| *holders.entry(pid).or_default() += 1);
        let pid = holders.into_iter().max_by_key(|&(pid, count)| (count, Reverse(pid))).map(|(pid, _)| pid);
        Finding { fact: Fact::PortsNearlyUsed { local, remote }, pid, port: None, value: used, limit }
    };
    nearly.map(finding).collect()
}

fn close_waits(rows: Rows<'_>, scope: Scope) -> Vec<Finding> {
    /// How many connections a process has in CLOSE_WAIT, and how many at all; with a port, on this port.
    type Counts = HashMap<(Pid, Option<(Protocol, u16)>), Usage>;
    let mut counts = Counts::new();
    for row in rows.iter().filter(|row| row.socket.protocol == Protocol::Tcp && row.socket.peer().is_some()) {
        let (_, _, port) = scope.holder(row);
        for pid in row.owners().pids() {
            let count = counts.entry((pid, port)).or_default();
            count.used += u64::from(row.socket.state == Some(State::CloseWait));
            count.limit += 1;
        }
    }
    let finding = |((pid, port), count): (_, Usage)| {
        let limit = CLOSE_WAIT_MANY.min(CLOSE_WAIT_SOME.max(count.limit.div_ceil(10)));
        let finding = Finding { fact: Fact::CloseWait, pid: Some(pid), port, value: count.used, limit };
        (count.used >= limit).then_some(finding)
    };
    counts.into_iter().filter_map(finding).collect()
}

/// What the queues of one process are like that do not move.
struct Stuck {
    sockets: usize,
    worst: Usage,
    /// The port, if it is that of all of them.
    port: Option<(Protocol, u16)>,
    /// The bytes and the remote end, if they wait to be sent.
    sends: Option<(u32, Endpoint)>,
}

/// Queues that do not move, one finding for each process and direction.
fn stuck_queues(rows: Rows<'_>, scope: Scope) -> Vec<Finding> {
    let mut found: HashMap<(bool, Holder), Stuck> = HashMap::new();
    let mut add = |row: Row<'_>, worst: Usage, sends: Option<(u32, Endpoint)>| {
        let port = Some(port_of(row.socket));
        let stuck = found.entry((sends.is_some(), scope.holder(row))).or_insert(Stuck { sockets: 0, worst, port, sends });
        stuck.sockets += 1;
        stuck.port = stuck.port.filter(|_| stuck.port == port);
        if worst.used.saturating_mul(stuck.worst.limit) > stuck.worst.used.saturating_mul(worst.limit) {
            (stuck.worst, stuck.sends) = (worst, sends);
        }
    };
    for row in rows.iter() {
        let socket = row.socket;
        let Some(pressure) = row.pressure() else { continue };
        if let Some(&remote) = socket.peer()
            && let Some(waited) = pressure.unacknowledged_ms.map(|waited| u64::from(waited) / 1000)
            && waited >= UNACKNOWLEDGED_SECONDS
        {
            add(row, Usage { used: waited, limit: UNACKNOWLEDGED_SECONDS }, Some((socket.send_queue, remote)));
        }
        if let Some(buffer) = pressure.receive_buffer.filter(|buffer| buffer.exceeds(NEARLY_ALL_PERCENT))
            && socket.receive_queue > 0
            && socket.state != Some(State::Listening)
        {
            add(row, buffer, None);
        }
    }
    let finding = |((_, (_, pid, _)), stuck): ((bool, Holder), Stuck)| {
        let fact = match stuck.sends {
            Some((bytes, remote)) => Fact::SendQueueStuck { connections: stuck.sockets, bytes, remote },
            None => Fact::ReceiveQueueStuck { sockets: stuck.sockets },
        };
        Finding { fact, pid, port: stuck.port, value: stuck.worst.used, limit: stuck.worst.limit }
    };
    found.into_iter().map(finding).collect()
}

fn many_in_time_wait(rows: Rows<'_>) -> Option<Finding> {
    let waits = |row: &Row<'_>| row.socket.state == Some(State::TimeWait) || row.socket.timer == Timer::TimeWait;
    let used = rows.iter().filter(is_own).filter(waits).count() as u64;
    let usage = Usage { used, limit: rows.lookups().limits.time_wait? };
    usage.exceeds(TIME_WAIT_PERCENT).then_some(of_host(Fact::TimeWaitMany, usage))
}

fn full_conntrack(usage: Option<Usage>) -> Option<Finding> {
    usage.filter(|usage| usage.exceeds(NEARLY_ALL_PERCENT)).map(|usage| of_host(Fact::ConntrackFull, usage))
}

const fn of_host(fact: Fact, Usage { used, limit }: Usage) -> Finding {
    Finding { fact, pid: None, port: None, value: used, limit }
}

/// Processes that use up their descriptors, as the system counts them or at least with the sockets among these rows.
fn used_descriptors(rows: Rows<'_>) -> Vec<Finding> {
    let known = &rows.lookups().descriptors;
    let mut sockets: HashMap<Pid, u64> = HashMap::new();
    let owners = rows.iter().flat_map(|row| row.owners().pids());
    owners.filter(|pid| known.contains_key(pid)).for_each(|pid| *sockets.entry(pid).or_default() += 1);
    let finding = |(pid, sockets): (Pid, u64)| {
        let usage = known.get(&pid).map(|usage| Usage { used: usage.used.max(sockets), ..*usage })?;
        let fact = Fact::DescriptorsNearlyUsed;
        let finding = Finding { fact, pid: Some(pid), port: None, value: usage.used, limit: usage.limit };
        usage.exceeds(NEARLY_ALL_PERCENT).then_some(finding)
    };
    sockets.into_iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests;
