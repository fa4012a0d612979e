//! JSON: one document a moment, everything that is known, by a schema with a version.
//!
//! `schema.json` beside this file describes it; a field that is added leaves the version as it is, one that changes
//! or goes raises it. Every text from outside is there in full: where it is not Unicode, its bytes stand beside it.

use super::consumers::Consumer;
use super::counters_json::{InterfacesRecord, StatisticsRecord};
use super::json_records::SocketRecord;
use super::routes_json::RoutesRecord;
use super::{explain, summary};
use crate::lookup::hosts;
use crate::lookup::processes::Processes;
use crate::model::interface::InterfaceTotals;
use crate::model::problem::Problem;
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::socket::{Endpoint, Pid};
use crate::model::statistics::{self, Statistics};
use crate::output::json::{lossy, write_document};
use crate::output::time::{now, rfc3339};
use crate::reports::rows::Listing;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
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
