//! JSON: one document a moment, everything that is known, by a schema with a version.
//!
//! `schema.json` beside this file describes it; a field that is added leaves the version as it is, one that changes
//! or goes raises it. Every text from outside is there in full: where it is not Unicode, its bytes stand beside it.

use super::consumers::Consumer;
use super::counters_json::{InterfacesRecord, StatisticsRecord};
use super::routes_json::RoutesRecord;
use super::{explain, summary};
use crate::interfaces::InterfaceTotals;
use crate::listing::{Listing, Row};
use crate::names::hosts;
use crate::output::json::{bytes_unless_text, hexadecimal, lossy, write_document};
use crate::output::time::{now, rfc3339};
use crate::process::{Process, Processes};
use crate::rdma::RdmaEndpoint;
use crate::routes::Routing;
use crate::problem::Problem;
use crate::socket::{Endpoint, Family, Pid, Protocol, Socket};
use crate::statistics::{self, Statistics};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::net::IpAddr;
use sysinfo::System;

/// The version of the schema.
pub const SCHEMA_VERSION: u32 = 1;

/// The schema itself (JSON Schema, draft 2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// What was looked at, when, and whether all of it could be seen.
#[derive(Clone, Debug, Serialize)]
pub struct Head<'a> {
    schema_version: u32,
    program: &'static str,
    version: &'static str,
    host: Option<String>,
    os: OperatingSystem,
    time: Option<String>,
    complete: bool,
    problems: Vec<ProblemRecord<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct OperatingSystem {
    name: Option<String>,
    version: Option<String>,
    kernel: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct ProblemRecord<'a> {
    code: &'static str,
    message: &'a str,
}

impl<'a> Head<'a> {
    /// The head of what this machine tells now.
    pub fn now(problems: impl IntoIterator<Item = &'a Problem>) -> Self {
        let mut complete = true;
        let problems = problems
            .into_iter()
            .inspect(|problem| complete &= !problem.kind.is_incomplete())
            .map(|problem| ProblemRecord { code: problem.kind.word(), message: &problem.message })
            .collect();
        Self {
            schema_version: SCHEMA_VERSION,
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            host: hosts::own_name(),
            os: OperatingSystem {
                name: System::name().ok(),
                version: System::os_version().ok(),
                kernel: System::kernel_version().ok(),
            },
            time: rfc3339(now()),
            complete,
            problems,
        }
    }
}

/// One part of a document.
#[derive(Clone, Copy, Debug)]
pub enum Section<'a> {
    /// The table of sockets.
    Sockets(Listing<'a>),
    /// Their summary.
    Summary(summary::Named<'a>),
    /// Why a port is taken.
    Explanation(explain::Explanation<'a>),
    /// The counters of the interfaces.
    Interfaces(&'a InterfaceTotals),
    /// The counters of these protocols.
    Statistics(&'a Statistics, &'a [statistics::Section]),
    /// The interfaces and routes.
    Routes(&'a Routing),
    /// The processes that hold the most ports.
    Consumers(&'a [Consumer], &'a Processes),
    /// The RDMA connections.
    Rdma(&'a [RdmaEndpoint]),
}

impl Section<'_> {
    /// Its field in the document; the type of its line in NDJSON, where sockets have a line each.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Sockets(_) => "sockets",
            Self::Summary(_) => "summary",
            Self::Explanation(_) => "explanation",
            Self::Interfaces(_) => "interfaces",
            Self::Statistics(..) => "statistics",
            Self::Routes(_) => "routes",
            Self::Consumers(..) => "consumers",
            Self::Rdma(_) => "rdma",
        }
    }
}

impl Serialize for Section<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sockets(listing) => serializer.collect_seq(listing.iter().map(SocketRecord::new)),
            Self::Summary(summary) => summary.record().serialize(serializer),
            Self::Explanation(explanation) => explanation.record().serialize(serializer),
            Self::Interfaces(totals) => InterfacesRecord::new(totals).serialize(serializer),
            Self::Statistics(statistics, sections) => StatisticsRecord { statistics, sections }.serialize(serializer),
            Self::Routes(routing) => RoutesRecord::new(routing).serialize(serializer),
            Self::Consumers(consumers, processes) => {
                serializer.collect_seq(consumers.iter().map(|consumer| ConsumerRecord::new(consumer, processes)))
            }
            Self::Rdma(endpoints) => serializer.collect_seq(endpoints.iter().map(RdmaRecord::new)),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    #[serde(flatten)]
    sections: Sections<'a>,
}

struct Sections<'a>(&'a [Section<'a>]);

impl Serialize for Sections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for section in self.0 {
            map.serialize_entry(section.name(), section)?;
        }
        map.end()
    }
}

/// Writes one document; nothing of it is held in memory.
pub fn write(out: &mut impl Write, head: &Head<'_>, sections: &[Section<'_>]) -> io::Result<()> {
    write_document(out, &Document { head, sections: Sections(sections) })
}

/// A socket with all that is known of it.
#[derive(Serialize)]
pub(super) struct SocketRecord<'a> {
    /// Only in NDJSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    protocol: &'static str,
    family: &'static str,
    ipv4_on_ipv6: bool,
    local: EndpointRecord<'a>,
    remote: Option<EndpointRecord<'a>>,
    state: Option<&'static str>,
    interface: Option<InterfaceRecord<'a>>,
    receive_queue: u32,
    send_queue: u32,
    timer: Option<TimerRecord>,
    uid: Option<u32>,
    user: Option<&'a str>,
    inode: Option<u32>,
    owner_status: &'static str,
    owners: Vec<OwnerRecord<'a>>,
}

#[derive(Serialize)]
struct EndpointRecord<'a> {
    address: IpAddr,
    port: u16,
    scope: Option<u32>,
    interface: Option<&'a str>,
    service: Option<&'a str>,
    host: Option<&'a str>,
}

#[derive(Serialize)]
struct InterfaceRecord<'a> {
    index: u32,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct TimerRecord {
    kind: &'static str,
    remaining_ms: u32,
}

impl<'a> SocketRecord<'a> {
    pub(super) fn new(row: Row<'a>) -> Self {
        let socket = row.socket;
        let owners = row.owners();
        Self {
            r#type: None,
            protocol: protocol_word(socket),
            family: family_word(socket),
            ipv4_on_ipv6: socket.family == Family::V6 && socket.local.address.is_ipv4(),
            local: endpoint(row, &socket.local, None),
            remote: socket.peer().map(|remote| endpoint(row, remote, row.remote_host())),
            state: socket.state.map(|state| state.word()),
            interface: (socket.interface != 0).then(|| InterfaceRecord { index: socket.interface, name: row.interface() }),
            receive_queue: socket.receive_queue,
            send_queue: socket.send_queue,
            timer: socket.timer.word().map(|kind| TimerRecord { kind, remaining_ms: socket.expires_ms }),
            uid: socket.creator(),
            user: row.user(),
            inode: Some(socket.inode).filter(|&inode| inode != 0),
            owner_status: owners.status.word(),
            owners: row.processes().map(|(pid, process)| OwnerRecord::new(pid, process)).collect(),
        }
    }
}

impl SocketRecord<'_> {
    /// The record as a line that tells what it is.
    pub(super) const fn of_type(mut self, name: &'static str) -> Self {
        self.r#type = Some(name);
        self
    }
}

/// The word for a socket's protocol in the machine-readable formats.
pub(super) const fn protocol_word(socket: &Socket) -> &'static str {
    match socket.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

/// The word for the family of a socket's addresses in the machine-readable formats.
pub(super) const fn family_word(socket: &Socket) -> &'static str {
    match socket.table().family() {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

fn endpoint<'a>(row: Row<'a>, end: &Endpoint, host: Option<&'a str>) -> EndpointRecord<'a> {
    let scope = Some(row.socket.scope(end.address)).filter(|&scope| scope != 0);
    EndpointRecord {
        address: end.address,
        port: end.port,
        scope,
        interface: scope.and_then(|_| row.interface()),
        service: row.service_of(end),
        host,
    }
}

/// A process, as it owns a socket or is the parent of one that does.
#[derive(Serialize)]
pub(super) struct OwnerRecord<'a> {
    pid: Pid,
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    executable: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_hex: Option<String>,
    command_line: Option<Vec<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line_hex: Option<Vec<String>>,
    user_id: Option<&'a str>,
    user: Option<&'a str>,
    start_time: Option<String>,
    parent: Option<Pid>,
}

impl<'a> OwnerRecord<'a> {
    pub(super) fn new(pid: Pid, process: Option<&'a Process>) -> Self {
        let name = process.map(|process| process.name.as_os_str());
        let executable = process.and_then(|process| process.executable.as_deref()).map(|path| path.as_os_str());
        let command_line = process.map(|process| process.command_line.as_slice()).filter(|words| !words.is_empty());
        let user = process.and_then(|process| process.user.as_ref());
        Self {
            pid,
            name: name.map(lossy),
            name_hex: name.and_then(bytes_unless_text),
            executable: executable.map(lossy),
            executable_hex: executable.and_then(bytes_unless_text),
            command_line: command_line.map(|words| words.iter().map(|word| lossy(word)).collect()),
            command_line_hex: command_line
                .filter(|words| words.iter().any(|word| word.to_str().is_none()))
                .map(|words| words.iter().map(AsRef::<OsStr>::as_ref).map(hexadecimal).collect()),
            user_id: user.map(|user| user.id.as_str()),
            user: user.and_then(|user| user.name.as_deref()),
            start_time: process.and_then(|process| process.started).and_then(rfc3339),
            parent: process.and_then(|process| process.parent),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ConsumerRecord<'a> {
    pid: Option<Pid>,
    name: Option<Cow<'a, str>>,
    tcp: usize,
    udp: usize,
}

impl<'a> ConsumerRecord<'a> {
    pub(super) fn new(consumer: &Consumer, processes: &'a Processes) -> Self {
        let process = consumer.pid.and_then(|pid| processes.get(pid));
        Self { pid: consumer.pid, name: process.map(|process| lossy(&process.name)), tcp: consumer.tcp, udp: consumer.udp }
    }
}

#[derive(Serialize)]
pub(super) struct RdmaRecord {
    pid: Option<Pid>,
    interface: u32,
    listener: bool,
    local: PlainEndpoint,
    remote: Option<PlainEndpoint>,
}

#[derive(Serialize)]
struct PlainEndpoint {
    address: IpAddr,
    port: u16,
}

impl RdmaRecord {
    pub(super) fn new(endpoint: &RdmaEndpoint) -> Self {
        let plain = |end: &Endpoint| PlainEndpoint { address: end.address, port: end.port };
        Self {
            pid: endpoint.pid,
            interface: endpoint.interface,
            listener: endpoint.is_listener,
            local: plain(&endpoint.local),
            remote: Some(&endpoint.remote).filter(|remote| !remote.is_unspecified()).map(plain),
        }
    }
}
