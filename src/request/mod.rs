//! What was asked, typed and validated.

pub mod column;
pub mod language;
mod output;

pub use output::{Amount, Color, Format, Output};

use crate::filter::Filter;
use crate::model::details::WantedDetails;
use crate::model::owners::OwnerSearch;
use crate::model::problem::Problem;
use crate::model::process::Facts;
use crate::model::socket::{Protocol, Socket, StateSet, TableSet};
use crate::model::statistics::Section;
use crate::order::keys::SortKey;
use crate::request::column::Needs;
use crate::request::language::Language;
use std::time::Duration;

/// Everything that one run is to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// The views to print, in printing order.
    pub views: Vec<View>,
    /// Which sockets the connection table is made of.
    pub sockets: SocketRequest,
    /// Which columns the connection table has besides the fixed ones.
    pub columns: Columns,
    /// What rows are sorted by, instead of Windows' order; empty for that.
    pub sort: Vec<SortKey>,
    /// How foreign addresses are named.
    pub names: Names,
    /// The language of titles and headings.
    pub language: Language,
    /// The pause between two displays; `None` for one display.
    pub interval: Option<Duration>,
    /// What was asked for and cannot be given: it is told with what the system would not tell.
    pub unmet: Vec<Problem>,
    /// How the answer is written.
    pub output: Output,
}

impl Request {
    /// How far owners have to be looked for: for the columns, for the filter, for the order.
    pub fn owner_search(&self) -> OwnerSearch {
        let sort = self.sort.iter().map(|by| by.key.owner_search()).max().unwrap_or(OwnerSearch::Skip);
        self.needs().owners.max(self.sockets.filter.owner_search()).max(sort)
    }

    /// What has to be looked up to write the answer.
    pub fn needs(&self) -> Needs {
        match self.views[..] {
            [View::Explanation(_)] if self.output.amount == Amount::Rows => return Needs::EVERYTHING,
            [View::Summary | View::Consumers] => return Needs { owners: OwnerSearch::All, ..Needs::NOTHING },
            _ => {}
        }
        match (self.output.amount, self.output.format) {
            (Amount::Count | Amount::Nothing, _) => Needs::NOTHING,
            (Amount::Rows, Format::Table) => Needs { owners: self.columns.owner_search(), ..Needs::NOTHING },
            (Amount::Rows, Format::Json | Format::Ndjson) => Needs::EVERYTHING,
            (Amount::Rows, Format::Wide | Format::Csv) => Needs::of(self.output.columns()),
        }
    }
}

/// One block of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The table of sockets.
    Connections,
    /// The counters of the interfaces (`-e`).
    Interfaces,
    /// The counters of the protocols (`-s`), or of the one chosen by `-p`.
    Statistics(Option<Section>),
    /// The interfaces and routes (`-r`).
    Routes,
    /// The sockets in a few numbers (`--summary`).
    Summary,
    /// Why this port is taken (`--explain`).
    Explanation(u16),
    /// The processes that hold the most ports (`-c`).
    Consumers,
    /// The RDMA connections (`-x`).
    Rdma,
}

/// Which sockets are wanted, before anything else is known of them.
#[derive(Clone, Debug)]
pub struct SocketRequest {
    /// The tables to read. A row belongs to the table in which it is shown: IPv4 flows of IPv6 sockets are IPv4 rows.
    pub tables: TableSet,
    /// The TCP states wanted; UDP has none and is not touched by it.
    pub states: StateSet,
    /// The UDP sockets wanted; TCP is not touched by it.
    pub udp: UdpRows,
    /// What more is wanted of each row.
    pub details: WantedDetails,
    /// Which of these rows are wanted.
    pub filter: Filter,
}

impl SocketRequest {
    /// Every socket there is.
    pub fn everything() -> Self {
        Self {
            tables: TableSet::ALL,
            states: StateSet::ALL,
            udp: UdpRows::All,
            details: WantedDetails::default(),
            filter: Filter::default(),
        }
    }

    /// The rows that a filter wants, out of these tables and states.
    pub fn new(tables: TableSet, states: StateSet, udp: UdpRows, filter: Filter) -> Self {
        Self {
            tables: tables.and(filter.tables()),
            states: states.and(filter.tcp_states()),
            udp,
            details: WantedDetails::default(),
            filter,
        }
    }

    /// Whether a row is wanted, as far as the row itself tells.
    pub fn matches(&self, socket: &Socket) -> bool {
        self.tables.contains(socket.table())
            && socket.state.is_none_or(|state| self.states.contains(state))
            && (socket.protocol != Protocol::Udp || self.udp.matches(socket))
            && self.filter.matches(socket)
    }
}

/// Which UDP sockets are wanted. UDP has no states, but a socket that knows its peer is as good as connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpRows {
    /// All of them.
    All,
    /// Those without a peer, which anybody may call.
    Listening,
    /// Those with a peer.
    Connected,
}

impl UdpRows {
    fn matches(self, socket: &Socket) -> bool {
        match self {
            Self::All => true,
            Self::Listening => socket.remote.is_unspecified(),
            Self::Connected => !socket.remote.is_unspecified(),
        }
    }
}

/// The optional columns of the connection table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The owning PID (`-o`).
    pub owner: bool,
    /// The name of the owning process (`-p` of Linux' net-tools).
    pub program: bool,
    /// Whether the TCP work is done by the network card (`-t`).
    pub offload: bool,
    /// The differentiated services code point (`-d`).
    pub dscp: bool,
    /// The time in the current state (`-i`).
    pub time_in_state: bool,
    /// The congestion control (`-y`).
    pub template: bool,
    /// Under each row, the executables that own it (`-b`).
    pub executable: bool,
}

impl Columns {
    /// How far owners have to be looked for to fill the columns.
    pub const fn owner_search(&self) -> OwnerSearch {
        if self.executable {
            OwnerSearch::All
        } else if self.owner || self.program {
            OwnerSearch::Lowest
        } else {
            OwnerSearch::Skip
        }
    }

    /// What has to be asked about each row to fill the columns.
    pub const fn details(&self) -> WantedDetails {
        WantedDetails { traffic_class: self.dscp, congestion: self.template, age: self.time_in_state, service: self.executable }
    }

    /// Which facts about processes fill the columns; `None` where no column tells of processes.
    pub const fn process_facts(&self) -> Option<Facts> {
        if self.program || self.executable {
            Some(Facts { executable: self.executable, command_line: false, user: false })
        } else {
            None
        }
    }
}

/// How foreign addresses and ports are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As numbers (`-n`).
    Numeric,
    /// By name, where a name came in time.
    Resolved {
        /// The whole name (`-f`) rather than its first label.
        qualified: bool,
        /// How long all look-ups together may take.
        limit: Duration,
    },
}
