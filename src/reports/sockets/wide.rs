//! A table for people: as wide as the terminal and no wider, in colour, with every owner; listeners first.

use super::cells::{cell_text, name_and_pid};
use super::fit::{cut_end, cut_endpoint, cut_list};
use super::grid::{Put, Widths};
use crate::model::owners::OwnerStatus;
use crate::model::socket::{Endpoint, State};
use crate::moment::row::{Row, Rows};
use crate::moment::value::Value;
use crate::output::escape::{escape, escape_item, escape_name};
use crate::reports::paint::Paint;
use crate::reports::table_style::TableStyle;
use crate::request::column::Column;
use crate::request::language::Language;
use std::borrow::Cow;
use std::io::{self, Write};

/// Which columns are shown and how.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The columns.
    pub columns: &'a [Column],
    /// Whether the user named them: then none is left out as long as any of each fits.
    pub are_chosen: bool,
    /// Whether listeners come first, apart from connections: not if the user has named another order.
    pub is_grouped: bool,
    /// The language of the headings.
    pub language: Language,
    /// Width, colour and heading.
    pub style: TableStyle,
}

/// Writes the rows. They are read twice, to measure and to write them, and no cell is kept: a row costs no memory.
pub fn write(out: &mut impl Write, rows: Rows<'_>, layout: Layout<'_>) -> io::Result<()> {
    let Layout { columns, are_chosen, language, style, .. } = layout;
    if rows.is_empty() && style.no_header {
        return Ok(());
    }
    let mut widths = Widths::of_headings(columns, (!style.no_header).then_some(language));
    rows.iter().for_each(|row| widths.add(row));
    let grid = widths.fit(are_chosen, style.width.map(usize::from));
    let rule = "─".repeat(grid.width());
    if !style.no_header {
        write_line(out, style.color, |put| grid.heading(language, put))?;
        writeln!(out, "{}", Paint::Dim.on(style.color, &rule))?;
    }
    let first = |row: &Row<'_>| !layout.is_grouped || is_in_first_group(*row);
    let mut has_first = false;
    for row in rows.iter().filter(first) {
        has_first = true;
        write_line(out, style.color, |put| grid.row(row, put))?;
    }
    for row in rows.iter().filter(|row| !first(row)) {
        if std::mem::take(&mut has_first) && !style.no_header {
            writeln!(out, "{}", Paint::Dim.on(style.color, &rule))?;
        }
        write_line(out, style.color, |put| grid.row(row, put))?;
    }
    if style.no_header {
        return Ok(());
    }
    writeln!(out)?;
    write_note(out, &footer(rows), style)?;
    match columns.len() - grid.columns().len() {
        0 => Ok(()),
        1 => write_note(out, "1 more column with a wider terminal, or --columns", style),
        hidden => write_note(out, &format!("{hidden} more columns with a wider terminal, or --columns"), style),
    }
}

fn write_note(out: &mut impl Write, note: &str, style: TableStyle) -> io::Result<()> {
    let note = style.width.map_or_else(|| note.to_owned(), |cells| cut_end(note, cells.into()));
    writeln!(out, "{}", Paint::Dim.on(style.color, &note))
}

/// What waits to be called or is only bound, and not what talks to somebody.
pub(crate) fn is_in_first_group(row: Row<'_>) -> bool {
    match row.socket.state {
        Some(state) => matches!(state, State::Listening | State::Bound),
        None => row.socket.peer().is_none(),
    }
}

/// `37 sockets · 9 listening · 2 CLOSE_WAIT`.
fn footer(rows: Rows<'_>) -> String {
    let count = |is_counted: fn(Row<'_>) -> bool| rows.iter().filter(|&row| is_counted(row)).count();
    let sockets = if rows.len() == 1 { "socket" } else { "sockets" };
    let rest = [
        (count(|row| is_in_first_group(row) && row.socket.state != Some(State::Bound)), "listening"),
        (count(|row| row.socket.state == Some(State::CloseWait)), "CLOSE_WAIT"),
        (count(|row| row.owners().status == OwnerStatus::Denied), "with a hidden owner"),
    ];
    let rest = rest.into_iter().filter(|&(count, _)| count > 0).map(|(count, what)| format!("{count} {what}"));
    std::iter::once(format!("{} {sockets}", rows.len())).chain(rest).collect::<Vec<_>>().join(" · ")
}

/// The content of a cell, as it can be cut.
pub(super) enum Cell {
    Text(String),
    Endpoint(String),
    List(Vec<String>, &'static str),
}

impl Cell {
    pub(super) fn whole(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Endpoint(text) => text.into(),
            Self::List(texts, separator) => texts.join(separator).into(),
        }
    }

    pub(super) fn cut(&self, cells: usize) -> String {
        match self {
            Self::Text(text) => cut_end(text, cells),
            Self::Endpoint(text) => cut_endpoint(text, cells),
            Self::List(texts, separator) => cut_list(texts, separator, cells),
        }
    }
}

pub(super) fn cell(row: Row<'_>, column: Column) -> Cell {
    match (column, row.value(column)) {
        (Column::Protocol, _) => Cell::Text(row.socket.protocol.word().to_owned()),
        (Column::Local, _) => Cell::Endpoint(local_endpoint(row)),
        (Column::Remote, Value::Null) => Cell::Text("*".to_owned()),
        (Column::Tcp(_) | Column::Rate(_), Value::Null) => Cell::Text("-".to_owned()),
        (Column::User, Value::Null) => Cell::Text(row.nameless_user().map_or_else(String::new, |uid| uid.to_string())),
        (Column::Process, Value::Null) => Cell::Text(missing_owner(row).to_owned()),
        (_, value @ (Value::Endpoint(..) | Value::NamedEndpoint(..))) => Cell::Endpoint(cell_text(&value)),
        (_, Value::Numbers(numbers)) => Cell::List(numbers.iter().map(u64::to_string).collect(), " "),
        (_, Value::Names(names)) => Cell::List(names.iter().map(|name| escape_name(name).into_owned()).collect(), "; "),
        (_, Value::Texts(texts)) => Cell::List(texts.iter().map(|text| escape_item(text).into_owned()).collect(), "; "),
        (_, Value::Processes(processes)) => {
            Cell::List(processes.iter().map(|(pid, name)| name_and_pid(*pid, name.as_deref())).collect(), "; ")
        }
        (_, value) => Cell::Text(cell_text(&value)),
    }
}

/// The local end, with the device that the socket is bound to: `0.0.0.0%eth0:80`. Two listeners of one port on two devices
/// are told apart by it alone.
pub(in crate::reports) fn local_endpoint(row: Row<'_>) -> String {
    let Endpoint { address, port } = row.socket.local;
    let device = match (row.socket.interface, row.interface()) {
        (0, _) => String::new(),
        (_, Some(name)) => format!("%{}", escape(name)),
        (index, None) => format!("%{index}"),
    };
    if address.is_ipv4() { format!("{address}{device}:{port}") } else { format!("[{address}{device}]:{port}") }
}

/// Why no process is named, in brackets, which tell it from a process of that name.
pub(in crate::reports) fn missing_owner(row: Row<'_>) -> &'static str {
    match row.owners().status {
        // Of an owner that could not be read nothing is known but its PID.
        OwnerStatus::Owned if row.owners().pids().any(|pid| row.is_owner_unread(pid)) => "",
        OwnerStatus::Owned | OwnerStatus::Gone => "(ended)",
        OwnerStatus::None => "(no process)",
        OwnerStatus::Denied => "(hidden)",
        OwnerStatus::Unsupported => "",
    }
}

/// Writes a line as a grid gives its texts.
fn write_line<W: Write>(out: &mut W, color: bool, line: impl FnOnce(Put<'_, io::Error>) -> io::Result<()>) -> io::Result<()> {
    line(&mut |blanks, text, paint| {
        let painted = paint.map_or(Cow::Borrowed(text), |paint| paint.on(color, text));
        write!(out, "{:blanks$}{painted}", "")
    })?;
    writeln!(out)
}

pub(super) fn paint_of(row: Row<'_>, column: Column) -> Option<Paint> {
    row.socket.state.filter(|_| column == Column::State).map(Paint::of_state)
}
