//! What was asked, typed and validated.

pub mod column;
pub mod language;
mod output;
pub mod query;

pub use output::{Amount, Color, Format, LineEnding, Output};
pub use query::{Query, RowFacts, SocketSource, UdpRows};

use crate::model::details::WantedDetails;
use crate::model::owners::OwnerSearch;
use crate::model::problem::Problem;
use crate::model::process::Facts;
use crate::model::statistics::Section;
use crate::order::keys::{Key, SortKey};
use crate::request::column::Needs;
use crate::request::language::Language;
use std::time::Duration;

/// Everything that one run is to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// The views to print, in printing order.
    pub views: Vec<View>,
    /// Which sockets the connection table is made of.
    pub sockets: Query,
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

    /// Which facts about the rows fill the answer: the classic table has neither timers nor queues nor users.
    pub fn row_facts(&self) -> RowFacts {
        if self.views != [View::Connections] || self.output.format != Format::Table && self.output.amount == Amount::Rows {
            return RowFacts::ALL;
        }
        let sorts_by = |key| self.sort.iter().any(|by| by.key == key);
        RowFacts {
            timers: self.columns.time_in_state,
            queues: sorts_by(Key::ReceiveQueue) || sorts_by(Key::SendQueue),
            users: sorts_by(Key::User) || !self.sockets.filter.users.is_empty(),
        }
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
