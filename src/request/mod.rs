//! What was asked, typed and validated.
#![warn(clippy::wildcard_enum_match_arm)]

mod act;
pub mod column;
mod diff;
pub mod language;
pub mod needs;
mod output;
pub mod query;
mod sources;
mod task;
pub mod unit;
mod wait;

pub use act::{Act, Consent};
pub use diff::{Diff, Document};
pub use output::{Amount, Color, Format, LineEnding, Output};
pub use query::{Query, RowFacts, UdpRows};
pub use sources::{OwnerSource, SocketSource, Sources};
pub use task::Task;
pub use wait::{PortWait, Until};

use crate::model::owners::OwnerSearch;
use crate::model::process::Facts;
use crate::model::socket::Protocol;
use crate::model::statistics::Section;
use crate::model::system::System;
use crate::order::keys::SortKey;
use column::Column;
use language::Language;
use needs::Needs;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Everything that one run is to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the run does.
    pub task: Task,
    /// The views to print, in printing order.
    pub views: Vec<View>,
    /// Which sockets the table, the summary and the explanations are made of.
    pub query: Query,
    /// Which sockets are counted for the processes that own the most ports (`-c`).
    pub consumers: Query,
    /// The ports to explain, in the order asked.
    pub ports: Vec<PortQuestion>,
    /// Whether to try to bind these ports (`--try-bind`).
    pub try_bind: bool,
    /// The filters as switches, as documents have them.
    pub filters: Vec<String>,
    /// The columns: of the classic table those behind the state, of the other formats all.
    pub columns: Vec<Column>,
    /// Whether `columns` were named by the user, rather than being those that the format usually has.
    pub columns_are_chosen: bool,
    /// Whether the internals of TCP were asked for (`--tcp-info`), which the summary adds up.
    pub tcp_info: bool,
    /// Whether the executables that own a row stand under it in the classic table (`-b`).
    pub executables: bool,
    /// What rows are sorted by, instead of Windows' order; empty for that.
    pub sort: Vec<SortKey>,
    /// How foreign addresses are named.
    pub names: Names,
    /// How long the names of hosts may take together, and as long those of users.
    pub name_limit: Duration,
    /// The language of titles and headings.
    pub language: Language,
    /// The pause between two refreshes; `None` for a single one.
    pub interval: Option<Duration>,
    /// What a person should know about the command line, though it runs: it is printed at a terminal.
    pub notes: Vec<String>,
    /// How the answer is written.
    pub output: Output,
}

impl Request {
    /// Which sockets a view shows; `None` for a view without sockets.
    pub const fn query_of(&self, view: View) -> Option<&Query> {
        match view {
            View::Sockets | View::Summary | View::Explanations => Some(&self.query),
            View::Consumers => Some(&self.consumers),
            View::Interfaces | View::Statistics(_) | View::Routes | View::Rdma => None,
        }
    }

    /// The sockets that have to be read for all views together; `None` if no view shows any.
    pub fn sockets_to_read(&self, system: System) -> Option<Query> {
        let queries = self.views.iter().filter_map(|&view| self.query_of(view)).cloned();
        let mut query = queries.reduce(|all, more| all.or(&more))?;
        let needs = self.needs_with_filters(system);
        query.details = needs.details;
        query.details.cookie = self.follows_connections();
        query.facts = self.row_facts(&query);
        if self.views == [View::Explanations] && self.task == Task::Report {
            // A free port nearby is proposed.
            let nearby = self.ports.iter().flat_map(|&question| question.nearby());
            query.filter.local_port = query.filter.local_port.map(|ports| ports.ranges().chain(nearby).collect());
        }
        Some(if needs.peers { query.with_every_connection() } else { query })
    }

    /// Which facts about the rows fill the answer: the classic table has neither timers nor queues nor users.
    fn row_facts(&self, query: &Query) -> RowFacts {
        let is_classic = self.output.format == Format::Table || self.output.amount != Amount::Rows;
        if self.views != [View::Sockets] || !is_classic {
            return RowFacts::ALL;
        }
        let filters = |column| query.filter.conditions.iter().any(|condition| condition.column == column);
        let shows =
            |column| self.columns.contains(&column) || self.sort.iter().any(|key| key.column == column) || filters(column);
        RowFacts {
            timers: shows(Column::TimeInState) || shows(Column::Timer) || shows(Column::TimerMs),
            queues: shows(Column::ReceiveQueue) || shows(Column::SendQueue),
            users: shows(Column::User) || shows(Column::Uid) || !query.filter.users.is_empty(),
        }
    }

    /// The sections of the statistics that the views show, each once, in printing order.
    pub fn sections(&self) -> Vec<Section> {
        let shows = |section| {
            let shows = |view: &View| matches!(view, View::Statistics(chosen) if chosen.is_none_or(|chosen| chosen == section));
            self.views.iter().any(shows)
        };
        Section::ALL.into_iter().filter(|&section| shows(section)).collect()
    }

    /// How far owners have to be searched for: for what is shown and for the filters.
    pub fn owner_search(&self, system: System) -> OwnerSearch {
        let filters = self.views.iter().filter_map(|&view| self.query_of(view)).map(|query| query.filter.owner_search());
        filters.fold(self.needs(system).owners, OwnerSearch::max)
    }

    /// What has to be read and looked up beside the rows for what is shown.
    pub fn needs(&self, system: System) -> Needs {
        self.views.iter().map(|&view| self.needs_of(view).on(system)).collect()
    }

    /// What has to be read and looked up for what is shown and for the conditions.
    pub fn needs_with_filters(&self, system: System) -> Needs {
        let queries = self.views.iter().filter_map(|&view| self.query_of(view));
        let conditions: Needs = queries.map(|query| query.filter.needs_of_conditions()).collect();
        self.needs(system).and(conditions.on(system))
    }

    fn needs_of(&self, view: View) -> Needs {
        if self.output.amount != Amount::Rows {
            return Needs::NOTHING;
        }
        match view {
            View::Sockets => {
                let sort: Needs = self.sort.iter().map(|key| key.needs()).collect();
                self.needs_of_table().and(sort)
            }
            // Names are looked up for those few that are shown.
            View::Summary if self.tcp_info => {
                let rates = if self.interval.is_some() { column::tcp::RATES } else { &[] };
                Column::needs_of(column::tcp::TRAFFIC).and(Column::needs_of(rates)).and(Needs::FINDINGS)
            }
            View::Summary => Needs::FINDINGS,
            View::Consumers => Needs::OWNERS,
            View::Explanations => Needs {
                processes: Some(Facts::ALL),
                users: true,
                interfaces: true,
                cgroups: true,
                ancestors: true,
                ..Needs::FINDINGS
            },
            View::Interfaces | View::Statistics(_) | View::Routes | View::Rdma => Needs::NOTHING,
        }
    }

    fn needs_of_table(&self) -> Needs {
        let columns = Column::needs_of(&self.columns);
        match self.output.format {
            Format::Table if self.executables => {
                let mut needs = Needs { processes: Some(Facts { executable: true, ..Facts::NAME }), ..Needs::OWNERS };
                needs.details.service = true;
                columns.and(Needs { cgroups: true, ..needs })
            }
            Format::Table => columns.of_lowest_owner(),
            // If no fields are chosen, each owner is there with everything that is known of it.
            Format::Json | Format::Ndjson if !self.columns_are_chosen => {
                columns.and(Needs { processes: Some(Facts::ALL), ..Needs::OWNERS })
            }
            // Listeners have their units.
            Format::OpenMetrics => columns.and(Needs { cgroups: true, ..Needs::FINDINGS }),
            Format::Wide | Format::Json | Format::Ndjson | Format::Csv => columns,
        }
    }

    /// Whether the system is read more than once.
    pub const fn is_repeated(&self) -> bool {
        match self.task {
            Task::Report => self.interval.is_some(),
            Task::Wait(_) | Task::Watch | Task::Events => true,
            Task::Diff(_) | Task::Act(_) => false,
        }
    }

    /// Whether connections are followed until the system says that they are closed, which takes what identifies them in its dumps.
    pub fn follows_connections(&self) -> bool {
        let has_dumps = match self.query.sources.sockets {
            SocketSource::Auto | SocketSource::Netlink => true,
            SocketSource::Bpf | SocketSource::Proc => false,
        };
        has_dumps && (matches!(self.task, Task::Events) || self.counts_closed_connections())
    }

    /// Whether the traffic of connections is counted until they are closed.
    pub fn counts_closed_connections(&self) -> bool {
        let is_repeated = self.task == Task::Report && self.interval.is_some();
        is_repeated && self.tcp_info && self.views.contains(&View::Summary) && self.query.namespaces.is_own()
    }

    /// Whether all views together make one document.
    pub fn is_document(&self) -> bool {
        self.output.amount == Amount::Rows && self.output.format.is_document()
    }
}

/// One block of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The table of sockets.
    Sockets,
    /// The counters of the interfaces (`-e`).
    Interfaces,
    /// The counters of the protocols (`-s`), or of the one chosen by `-p`.
    Statistics(Option<Section>),
    /// The interfaces and routes (`-r`).
    Routes,
    /// The sockets in a few numbers (`--summary`).
    Summary,
    /// Why ports are taken (`--explain`).
    Explanations,
    /// The processes that own the most ports (`-c`).
    Consumers,
    /// The RDMA connections (`-x`).
    Rdma,
}

/// A port to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortQuestion {
    /// The port.
    pub port: u16,
    /// The protocol; `None` for both.
    pub protocol: Option<Protocol>,
}

impl PortQuestion {
    /// The protocols that are asked for.
    pub fn protocols(self) -> impl Iterator<Item = Protocol> {
        [Protocol::Tcp, Protocol::Udp].into_iter().filter(move |&protocol| self.protocol.is_none_or(|asked| asked == protocol))
    }

    /// The ports from which another one is proposed, the nearest first: for a well-known port first of all those that stand for
    /// it in tests (8080 for 80, 8443 for 443), then those above it.
    pub fn nearby(self) -> impl Iterator<Item = RangeInclusive<u16>> {
        const MANY: u16 = 16;
        const WELL_KNOWN: u16 = 1024;
        const ALTERNATIVES: u16 = 8000;
        let above = |first: u16| first..=first.saturating_add(MANY - 1);
        let alternatives = (self.port < WELL_KNOWN).then(|| above(self.port + ALTERNATIVES));
        alternatives.into_iter().chain(self.port.checked_add(1).map(above))
    }
}

impl std::fmt::Display for PortQuestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.protocol {
            Some(protocol) => write!(f, "{}/{}", protocol.word().to_ascii_lowercase(), self.port),
            None => write!(f, "{}", self.port),
        }
    }
}

/// How foreign addresses and ports are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As numbers (`-n`).
    Numeric,
    /// By name, if a name came in time.
    Resolved {
        /// The whole name (`-f`) rather than its first label.
        qualified: bool,
    },
}
