//! A moment as JSON or NDJSON, by a schema with a version.
//!
//! `schema.json` beside this file describes it. The schema is open: fields are added without a new version, and never changed
//! or taken away. A fact that was not asked for is absent; `null` is one that was asked for and is unknown. Every text from
//! outside is there in full: if it is not Unicode, its bytes stand beside it.

use super::actions::json::ActionRecords;
use super::consumers::json::ConsumerRecord;
use super::diff::compare::Selected;
use super::explain::compute::Explanation;
use super::interfaces::json::InterfacesRecord;
use super::known;
use super::rdma::json::RdmaRecord;
use super::routes::json::RoutesRecord;
use super::sockets::json::{Fields, SocketRecord, SocketRecords};
use super::statistics::json::StatisticsRecord;
use super::summary::text::Named;
use crate::actions::Plan;
use crate::filter::namespaces::NamespaceSelection;
use crate::lookup::processes::Processes;
use crate::model::action::Report;
use crate::model::interface::InterfaceTotals;
use crate::model::namespace::{Namespace, NamespaceContainer};
use crate::model::problem::Problem;
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::socket::{State, TableSet};
use crate::model::statistics::{self, Statistics};
use crate::model::time::rfc3339;
use crate::moment::Moment;
use crate::moment::consumers::Consumer;
use crate::moment::row::Rows;
use crate::output::json::{write_compact, write_document};
use crate::request::{Format, Request, View};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// The version of the schema.
pub const SCHEMA_VERSION: u32 = 2;

/// The schema itself (JSON Schema, draft 2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// What was read, when, and whether all of it could be read.
#[derive(Debug, Serialize)]
struct Head<'a> {
    schema_version: u32,
    program: &'static str,
    version: &'static str,
    host: Option<&'a str>,
    os: OperatingSystem<'a>,
    time: Option<String>,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    owners_complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_ports_listed: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<NamespaceRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<SelectionRecord<'a>>,
}

/// Which sockets the document lists.
#[derive(Debug, Serialize)]
struct SelectionRecord<'a> {
    #[serde(flatten)]
    selected: Selected,
    namespaces: &'static str,
    filters: &'a [String],
    sockets: usize,
}

/// A network namespace, if all or some were asked for.
#[derive(Debug, Serialize)]
struct NamespaceRecord<'a> {
    inode: Option<u32>,
    own: bool,
    name: Option<&'a str>,
    source: &'static str,
    container: Option<ContainerRecord<'a>>,
    processes: Option<u32>,
    /// `None` if they could not be read.
    sockets: Option<usize>,
}

#[derive(Debug, Serialize)]
struct ContainerRecord<'a> {
    runtime: &'a str,
    id: &'a str,
    name: Option<&'a str>,
    pod: Option<&'a str>,
    pod_namespace: Option<&'a str>,
    image: Option<&'a str>,
}

impl<'a> NamespaceRecord<'a> {
    fn of(namespace: &'a Namespace) -> Self {
        let container = |container: &'a NamespaceContainer| ContainerRecord {
            runtime: &container.runtime,
            id: &container.id,
            name: container.name.as_deref(),
            pod: container.pod.as_deref(),
            pod_namespace: container.pod_namespace.as_deref(),
            image: container.image.as_deref(),
        };
        Self {
            inode: namespace.inode,
            own: namespace.own,
            name: namespace.name.as_deref(),
            source: namespace.source.word(),
            container: namespace.container.as_ref().map(container),
            processes: namespace.processes,
            sockets: (!namespace.is_unread).then_some(namespace.rows.len()),
        }
    }
}

#[derive(Debug, Serialize)]
struct OperatingSystem<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
    kernel: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ProblemRecord<'a> {
    code: &'static str,
    message: &'a str,
    /// Absent if it is about all tables, or about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    tables: Option<Vec<String>>,
}

impl<'a> ProblemRecord<'a> {
    fn of(problem: &'a Problem) -> Self {
        let is_about_some = problem.kind.hides_sockets() && problem.tables != TableSet::ALL;
        let tables = is_about_some.then(|| problem.tables.iter().map(|table| table.to_string()).collect());
        Self { code: problem.kind.word(), message: &problem.message, tables }
    }
}

impl<'a> Head<'a> {
    fn of(moment: &'a Moment, request: &'a Request) -> Self {
        let selection = SelectionRecord {
            selected: Selected::by(&request.query),
            namespaces: match request.query.namespaces {
                NamespaceSelection::Own => "own",
                NamespaceSelection::All => "all",
                NamespaceSelection::Matching(_) => "matching",
            },
            filters: &request.filters,
            sockets: moment.rows(View::Sockets).len(),
        };
        let asks_for_bound = request.sockets_to_read(moment.host.system).is_some_and(|query| query.states.contains(State::Bound));
        Self {
            schema_version: SCHEMA_VERSION,
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            host: moment.host.name.as_deref(),
            os: OperatingSystem {
                name: moment.host.os_name.as_deref(),
                version: moment.host.os_version.as_deref(),
                kernel: moment.host.kernel.as_deref(),
            },
            time: rfc3339(moment.time),
            complete: moment.problems.is_complete(),
            owners_complete: moment.owners_complete(),
            bound_ports_listed: moment.snapshot().filter(|_| asks_for_bound).map(|snapshot| snapshot.bound_ports_listed),
            namespaces: moment.namespaces().iter().map(NamespaceRecord::of).collect(),
            problems: moment.problems.iter().map(ProblemRecord::of).collect(),
            selection: request.views.contains(&View::Sockets).then_some(selection),
        }
    }
}

/// One part of a document. A part of which nothing could be read is `None`.
enum Section<'a> {
    Sockets(Rows<'a>, Fields),
    Summary(Named<'a>),
    Explanations(Vec<Explanation<'a>>),
    Interfaces(Option<&'a InterfaceTotals>),
    Statistics(Option<&'a Statistics>, Vec<statistics::Section>),
    Routes(Option<&'a Routing>),
    Consumers(&'a [Consumer], &'a Processes, &'a [Namespace]),
    Rdma(Option<&'a [RdmaEndpoint]>),
}

impl<'a> Section<'a> {
    /// The parts of a document, in the order of the views. The sections of the statistics stand in one part.
    fn all(moment: &'a Moment, request: &Request) -> Vec<Self> {
        let mut sections = Vec::new();
        let mut has_statistics = false;
        for &view in &request.views {
            match view {
                View::Statistics(_) if has_statistics => {}
                View::Statistics(_) => {
                    has_statistics = true;
                    sections.push(Self::Statistics(known(moment.statistics.as_ref()).map(AsRef::as_ref), request.sections()));
                }
                View::Sockets => {
                    let fields = Fields::of(&request.columns, request.columns_are_chosen);
                    sections.push(Self::Sockets(moment.rows(view), fields));
                }
                View::Summary => sections.extend(Named::of(moment).map(Self::Summary)),
                View::Explanations => sections.push(Self::Explanations(Explanation::of_request(moment, request))),
                View::Interfaces => sections.push(Self::Interfaces(known(moment.interfaces.as_ref()))),
                View::Routes => sections.push(Self::Routes(known(moment.routing.as_ref()))),
                View::Consumers => {
                    let consumers = moment.consumers.as_deref().unwrap_or_default();
                    sections.push(Self::Consumers(consumers, &moment.lookups.processes, moment.namespaces()));
                }
                View::Rdma => sections.push(Self::Rdma(known(moment.rdma.as_ref()).map(Vec::as_slice))),
            }
        }
        sections
    }

    /// Its field in the document; the type of its line in NDJSON, if it has one line.
    const fn name(&self) -> &'static str {
        match self {
            Self::Sockets(..) => "sockets",
            Self::Summary(_) => "summary",
            Self::Explanations(_) => "explanations",
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
            Self::Sockets(rows, fields) => SocketRecords { rows: *rows, fields }.serialize(serializer),
            Self::Summary(summary) => summary.serialize(serializer),
            Self::Explanations(explanations) => explanations.serialize(serializer),
            Self::Interfaces(totals) => totals.map(InterfacesRecord::new).serialize(serializer),
            Self::Statistics(statistics, sections) => {
                statistics.map(|statistics| StatisticsRecord { statistics, sections }).serialize(serializer)
            }
            Self::Routes(routing) => routing.map(RoutesRecord::new).serialize(serializer),
            Self::Consumers(consumers, processes, namespaces) => {
                let record = |consumer| ConsumerRecord::new(consumer, processes, namespaces);
                serializer.collect_seq(consumers.iter().map(record))
            }
            Self::Rdma(None) => serializer.serialize_none(),
            Self::Rdma(Some(endpoints)) => serializer.collect_seq(endpoints.iter().map(RdmaRecord::new)),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    sections: Sections<'a>,
}

struct Sections<'a>(Vec<Section<'a>>);

impl Serialize for Sections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for section in &self.0 {
            map.serialize_entry(section.name(), section)?;
        }
        map.end()
    }
}

/// Writes a moment as one JSON document.
pub fn write_json(out: &mut impl Write, moment: &Moment, request: &Request) -> io::Result<()> {
    write_document(out, &Document { head: Head::of(moment, request), sections: Sections(Section::all(moment, request)) })
}

/// Writes the line of NDJSON that says what was read, when, and whether all of it could be read.
pub fn write_head(out: &mut impl Write, moment: &Moment, request: &Request) -> io::Result<()> {
    line(out, "snapshot", Head::of(moment, request))
}

#[derive(Serialize)]
struct Line<T> {
    r#type: &'static str,
    #[serde(flatten)]
    value: T,
}

/// Writes a moment as lines of JSON, the head first unless it is not wanted: what is incomplete is known before the first row
/// is read.
pub fn write_ndjson(out: &mut impl Write, moment: &Moment, request: &Request) -> io::Result<()> {
    if !request.output.no_header {
        write_head(out, moment, request)?;
    }
    for section in Section::all(moment, request) {
        match &section {
            Section::Sockets(rows, fields) => {
                let before = Some(("type", "socket"));
                for row in rows.iter_ahead() {
                    write_compact(out, &SocketRecord { row, fields, before })?;
                    out.write_all(b"\n")?;
                }
            }
            Section::Consumers(consumers, processes, namespaces) => {
                let record = |consumer| ConsumerRecord::new(consumer, processes, namespaces);
                consumers.iter().try_for_each(|consumer| line(out, "consumer", record(consumer)))?;
            }
            Section::Explanations(explanations) => {
                explanations.iter().try_for_each(|explanation| line(out, "explanation", explanation))?;
            }
            Section::Rdma(endpoints) => {
                endpoints
                    .iter()
                    .flat_map(|endpoints| endpoints.iter())
                    .try_for_each(|end| line(out, "rdma", RdmaRecord::new(end)))?;
            }
            Section::Interfaces(None) | Section::Statistics(None, _) | Section::Routes(None) => {}
            Section::Summary(_) | Section::Interfaces(_) | Section::Statistics(..) | Section::Routes(_) => {
                line(out, section.name(), &section)?;
            }
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct ActionDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    actions: &'a ActionRecords<'a>,
}

/// Writes what was done with the rows of a moment, or is planned, as JSON or as NDJSON.
pub fn write_actions(
    out: &mut impl Write,
    moment: &Moment,
    request: &Request,
    plan: &Plan,
    reports: &[Report],
) -> io::Result<()> {
    let actions = ActionRecords::new(plan, reports, moment.rows(View::Sockets), &request.columns);
    let head = Head::of(moment, request);
    if request.output.format == Format::Json {
        return write_document(out, &ActionDocument { head, actions: &actions });
    }
    if !request.output.no_header {
        line(out, "snapshot", head)?;
    }
    actions.iter().try_for_each(|action| line(out, "action", action))
}

fn line(out: &mut impl Write, kind: &'static str, value: impl Serialize) -> io::Result<()> {
    write_compact(out, &Line { r#type: kind, value })?;
    out.write_all(b"\n")
}
