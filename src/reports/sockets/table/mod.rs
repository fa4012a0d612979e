//! The classic table of sockets, byte for byte as Windows' netstat prints it.

mod rows;

use crate::moment::row::Rows;
use crate::output::width::line_of;
use crate::request::column::{Classic, Column};
use crate::request::language::Language;
use crate::request::{Names, Request};
use std::io::{self, Write};

/// Where each fixed column begins.
const AT_PROTOCOL: usize = 2;
const AT_LOCAL: usize = 9;
const AT_FOREIGN: usize = 32;
const AT_STATE: usize = 55;
const AT_EXTRAS: usize = 71;

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// The heading of the protocol.
    pub protocol: &'static str,
    /// The heading of this host's end.
    pub local: &'static str,
    /// The heading of the other end.
    pub foreign: &'static str,
    /// The heading of the TCP state.
    pub state: &'static str,
}

/// The words as Windows has them in English.
pub const ENGLISH: Words =
    Words { title: "Active Connections", protocol: "Proto", local: "Local Address", foreign: "Foreign Address", state: "State" };

/// The words as Windows has them in Korean.
pub const KOREAN: Words =
    Words { title: "활성 연결", protocol: "프로토콜", local: "로컬 주소", foreign: "외부 주소", state: "상태" };

/// A column behind the state, with what the registry says of it.
#[derive(Clone, Copy, Debug)]
struct Extra {
    column: Column,
    classic: Classic,
}

/// What the table shows and how.
#[derive(Debug)]
pub struct Layout<'a> {
    extras: Vec<Extra>,
    /// Whether the executables that own a row stand under it.
    executables: bool,
    /// How foreign endpoints are named; `None` for numbers.
    naming: Option<Naming<'a>>,
    language: Language,
}

/// How foreign endpoints are named.
#[derive(Debug)]
struct Naming<'a> {
    /// This host's own name, which stands for the wildcard and for loopback addresses.
    own_name: Option<&'a str>,
    /// Whole names rather than their first labels.
    qualified: bool,
}

impl<'a> Layout<'a> {
    /// What a request asks for; `own_name` is the name of the host.
    pub fn of(request: &Request, own_name: Option<&'a str>) -> Self {
        let extra = |&column: &Column| Some(Extra { column, classic: column.definition().classic? });
        Self {
            extras: request.columns.iter().filter_map(extra).collect(),
            executables: request.executables,
            naming: match request.names {
                Names::Numeric => None,
                Names::Resolved { qualified } => Some(Naming { own_name, qualified }),
            },
            language: request.language,
        }
    }

    fn has(&self, column: Column) -> bool {
        self.extras.iter().any(|extra| extra.column == column)
    }
}

/// Writes the heading, if it is wanted, and the rows.
pub fn write(out: &mut impl Write, rows: Rows<'_>, layout: &Layout<'_>, no_header: bool) -> io::Result<()> {
    if !no_header {
        write_heading(out, layout)?;
    }
    rows::write(out, rows, layout)
}

/// Writes the frame and the heading.
fn write_heading(out: &mut impl Write, layout: &Layout<'_>) -> io::Result<()> {
    let words = layout.language.sockets();
    let fixed = [(AT_PROTOCOL, words.protocol), (AT_LOCAL, words.local), (AT_FOREIGN, words.foreign), (AT_STATE, words.state)];
    let mut at = AT_EXTRAS;
    let extras = layout.extras.iter().map(|extra| {
        let begin = at;
        at += extra.classic.width;
        (begin, extra.classic.heading(layout.language))
    });
    let heading = line_of(fixed.into_iter().chain(extras));
    // Windows has an empty line under the heading of -t.
    let end = if layout.has(Column::Offload) { "\n" } else { "" };
    writeln!(out, "\n{}\n\n{heading}{end}", words.title)
}

#[cfg(test)]
mod tests;
