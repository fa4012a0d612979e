//! Explanations in JSON.

use super::commands::Suggestion;
use super::compute::{Explanation, Role, longest_wait};
use crate::model::bind::{BindAttempt, BindOutcome};
use crate::model::cgroup::Container;
use crate::model::socket::Protocol;
use crate::moment::row::{Row, protocol_name, range_of};
use crate::reports::findings::FindingRecord;
use crate::reports::sockets::json::{Fields, OwnerFields, OwnerRecord, SocketRecord};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::RangeInclusive;

impl Serialize for Explanation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = Fields::usual();
        let (port, policy, lookups) = (self.question.port, &self.policy, self.lookups);
        let bounds = |range: &RangeInclusive<u16>| [*range.start(), *range.end()];
        let socket = |&row: &_| SocketRecord { row, fields: &fields, before: Some(("role", Role::of(row).word())) };
        let record = |pid, fields| OwnerRecord::new(pid, lookups.processes.get(pid), fields);
        let holder = |(&pid, ancestors): (&_, &Vec<_>)| {
            let cgroup = lookups.cgroups.get(&pid);
            let container = cgroup.and_then(|cgroup| cgroup.container.as_ref());
            HolderRecord {
                process: record(pid, OwnerFields::ALL),
                unit: cgroup.and_then(|cgroup| cgroup.unit.as_deref()),
                container: container.map(|Container { runtime, id }| ContainerRecord { runtime, id }),
                published_for: self.published_by(pid).map(|(published, namespace)| PublishedRecord {
                    address: published.address,
                    port: published.port,
                    namespace: self.namespace.map(|_| namespace.and_then(|namespace| namespace.inode)),
                }),
                parents: ancestors.iter().map(|&pid| record(pid, OwnerFields::ANCESTOR)).collect(),
            }
        };
        let is_holder = |pid| self.rows.iter().any(|row| row.owners().pids().any(|owner| owner == pid));
        let record = Record {
            port,
            protocol: self.question.protocol.map(protocol_name),
            namespace: self.namespace.map(|namespace| namespace.inode),
            taken: self.taken.to_option(),
            taken_by: taken_by(&self.rows),
            bound_ports_listed: self.bound_ports_listed,
            service_tcp: self.service(Protocol::Tcp),
            service_udp: self.service(Protocol::Udp),
            range: range_of(port),
            privileged: policy.unprivileged_from.map(|_| policy.is_privileged(port)),
            unprivileged_from: policy.unprivileged_from,
            ephemeral: policy.ephemeral.as_ref().map(|_| policy.is_ephemeral(port)),
            ephemeral_range: policy.ephemeral.as_ref().map(bounds),
            reserved: self.knows_policy().then(|| policy.is_reserved(port)),
            longest_wait_ms: longest_wait(self.rows.iter().copied()),
            findings: self.findings.iter().map(|finding| FindingRecord::new(finding, &lookups.processes)).collect(),
            advice: self.advice(),
            bind_attempts: (!self.attempts.is_empty())
                .then(|| self.attempts.iter().map(|attempt| AttemptRecord::of(attempt)).collect()),
            commands: self.suggestions().into_iter().map(CommandRecord::from).collect(),
            free_port_nearby: self.free_port_nearby(),
            sockets: self.rows.iter().map(socket).collect(),
            holders: lookups.ancestors.iter().filter(|&(&pid, _)| is_holder(pid)).map(holder).collect(),
        };
        record.serialize(serializer)
    }
}

/// Each address that is taken, once.
fn taken_by<'a>(rows: &[Row<'a>]) -> Vec<TakenBy<'a>> {
    let mut taken = Vec::new();
    for row in rows {
        let socket = row.socket;
        let name = || row.interface().map_or_else(|| socket.interface.to_string().into(), Cow::Borrowed);
        let by = TakenBy {
            protocol: protocol_name(socket.protocol),
            address: socket.local.address,
            port: socket.local.port,
            device: (socket.interface != 0).then(name),
        };
        if !taken.contains(&by) {
            taken.push(by);
        }
    }
    taken
}

#[derive(Serialize)]
struct Record<'a> {
    port: u16,
    protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<Option<u32>>,
    taken: Option<bool>,
    taken_by: Vec<TakenBy<'a>>,
    bound_ports_listed: bool,
    service_tcp: Option<&'a str>,
    service_udp: Option<&'a str>,
    range: &'static str,
    privileged: Option<bool>,
    unprivileged_from: Option<u16>,
    ephemeral: Option<bool>,
    ephemeral_range: Option<[u16; 2]>,
    reserved: Option<bool>,
    longest_wait_ms: Option<u32>,
    findings: Vec<FindingRecord>,
    advice: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bind_attempts: Option<Vec<AttemptRecord<'a>>>,
    commands: Vec<CommandRecord>,
    free_port_nearby: Option<u16>,
    sockets: Vec<SocketRecord<'a>>,
    holders: Vec<HolderRecord<'a>>,
}

/// A try to bind the port.
#[derive(Serialize)]
struct AttemptRecord<'a> {
    protocol: &'static str,
    address: IpAddr,
    port: u16,
    outcome: &'static str,
    error: Option<&'a str>,
}

impl<'a> AttemptRecord<'a> {
    fn of(attempt: &'a BindAttempt) -> Self {
        let error = match &attempt.outcome {
            BindOutcome::Failed(error) => Some(error.as_str()),
            BindOutcome::Bound | BindOutcome::InUse | BindOutcome::Denied | BindOutcome::NoFamily => None,
        };
        Self {
            protocol: protocol_name(attempt.protocol),
            address: attempt.address,
            port: attempt.port,
            outcome: attempt.outcome.word(),
            error,
        }
    }
}

/// A command to copy.
#[derive(Serialize)]
struct CommandRecord {
    purpose: &'static str,
    command: String,
}

impl From<Suggestion> for CommandRecord {
    fn from(suggestion: Suggestion) -> Self {
        Self { purpose: suggestion.purpose.word(), command: suggestion.command }
    }
}

/// An address and a port that a socket takes.
#[derive(Serialize, PartialEq)]
struct TakenBy<'a> {
    protocol: &'static str,
    address: IpAddr,
    port: u16,
    device: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct HolderRecord<'a> {
    #[serde(flatten)]
    process: OwnerRecord<'a>,
    unit: Option<&'a str>,
    container: Option<ContainerRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_for: Option<PublishedRecord>,
    parents: Vec<OwnerRecord<'a>>,
}

/// Where a proxy for a container passes on what it receives.
#[derive(Serialize)]
struct PublishedRecord {
    address: IpAddr,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<Option<u32>>,
}

#[derive(Serialize)]
struct ContainerRecord<'a> {
    runtime: &'static str,
    id: &'a str,
}
