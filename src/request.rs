//! What was asked, typed and validated.

use crate::column::Column;
use crate::filter::Filter;
use crate::socket::{Socket, StateSet, TableSet};
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
    /// How foreign addresses are named.
    pub names: Names,
    /// The pause between two displays; `None` for one display.
    pub interval: Option<Duration>,
    /// How the answer is written.
    pub output: Output,
}

/// How the answer is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// How much of it.
    pub amount: Amount,
    /// Whether headings are left out.
    pub headless: bool,
    /// The columns of the forms that let them be chosen; `None` for the usual ones of the form.
    pub columns: Option<Vec<Column>>,
    /// When to use colour.
    pub color: Color,
    /// What ends a line.
    pub line_end: LineEnd,
}

/// A form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The classic table, the same bytes on every system.
    #[default]
    Table,
    /// A table made to be looked at: more columns, colour, as wide as the terminal.
    Wide,
    /// One JSON document.
    Json,
    /// JSON, a socket a line.
    Ndjson,
    /// Comma-separated values, a socket a line.
    Csv,
}

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amount {
    /// Every row.
    #[default]
    Rows,
    /// The number of rows alone (`--count`).
    Count,
    /// Nothing: the exit status is the answer (`--quiet`).
    Nothing,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What ends a line of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed.
    #[default]
    Lf,
    /// A carriage return and a line feed.
    CrLf,
}

/// One block of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The table of sockets.
    Connections,
}

/// Which sockets are wanted, before anything else is known of them.
#[derive(Clone, Debug)]
pub struct SocketRequest {
    /// The tables to read. A row belongs to the table in which it is shown: IPv4 flows of IPv6 sockets are IPv4 rows.
    pub tables: TableSet,
    /// The TCP states wanted; UDP has none and is not touched by it.
    pub states: StateSet,
    /// Which of these rows are wanted.
    pub filter: Filter,
}

impl SocketRequest {
    /// Every socket there is.
    pub fn everything() -> Self {
        Self { tables: TableSet::ALL, states: StateSet::ALL, filter: Filter::default() }
    }

    /// Whether a row is wanted, as far as the row itself tells.
    pub fn admits(&self, socket: &Socket) -> bool {
        self.tables.contains(socket.table())
            && socket.state.is_none_or(|state| self.states.contains(state))
            && self.filter.admits(socket)
    }
}

/// How far to look for owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnerSearch {
    /// Not at all.
    Skip,
    /// The lowest PID of each socket is enough.
    Lowest,
    /// Every process of each socket.
    All,
}

/// The optional columns of the connection table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The owning PID (`-o`).
    pub owner: bool,
}

impl Columns {
    /// How far owners have to be looked for to fill the columns.
    pub const fn owner_search(&self) -> OwnerSearch {
        if self.owner { OwnerSearch::Lowest } else { OwnerSearch::Skip }
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
