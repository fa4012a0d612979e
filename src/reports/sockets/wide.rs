//! A table for people: as wide as the terminal and no wider, in colour, with every owner; listeners first.

use super::cells::{cell_text, name_and_pid};
use super::fit::{Fit, Wish, cut_end, cut_endpoint, cut_list, fit};
use crate::model::owners::OwnerStatus;
use crate::model::socket::{Endpoint, State};
use crate::moment::row::{Row, Rows};
use crate::moment::value::Value;
use crate::output::escape::{escape, escape_item, escape_name};
use crate::output::width::width;
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
    let essential = if are_chosen { columns.len() } else { Column::ESSENTIAL };
    let fit = fit(&wishes(rows, layout), essential, style.width.map(usize::from));
    let shown: Vec<Column> = columns.iter().copied().take(fit.widths.len()).collect();
    let rule = "─".repeat(fit.widths.iter().sum::<usize>() + fit.gutter * shown.len().saturating_sub(1));
    if !style.no_header {
        let headings = shown.iter().map(|column| (cut_heading(*column, language), Some(Paint::Strong)));
        write_line(out, headings, &shown, &fit, style.color)?;
        writeln!(out, "{}", Paint::Dim.on(style.color, &rule))?;
    }
    let first = |row: &Row<'_>| !layout.is_grouped || is_in_first_group(*row);
    let mut has_first = false;
    for row in rows.iter().filter(first) {
        has_first = true;
        write_row(out, row, &shown, &fit, style.color)?;
    }
    for row in rows.iter().filter(|row| !first(row)) {
        if std::mem::take(&mut has_first) && !style.no_header {
            writeln!(out, "{}", Paint::Dim.on(style.color, &rule))?;
        }
        write_row(out, row, &shown, &fit, style.color)?;
    }
    if style.no_header {
        return Ok(());
    }
    writeln!(out)?;
    write_note(out, &footer(rows), style)?;
    match columns.len() - shown.len() {
        0 => Ok(()),
        hidden => write_note(out, &format!("{hidden} more with a wider terminal, or --columns"), style),
    }
}

fn write_note(out: &mut impl Write, note: &str, style: TableStyle) -> io::Result<()> {
    let note = style.width.map_or_else(|| note.to_owned(), |cells| cut_end(note, cells.into()));
    writeln!(out, "{}", Paint::Dim.on(style.color, &note))
}

/// What waits to be called or is only bound, and not what talks to somebody.
fn is_in_first_group(row: Row<'_>) -> bool {
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

fn cut_heading(column: Column, language: Language) -> Cell {
    Cell::Text(column.definition().heading(language).to_owned())
}

fn wishes(rows: Rows<'_>, layout: Layout<'_>) -> Vec<Wish> {
    let heading = |&column: &Column| match layout.style.no_header {
        true => 0,
        false => width(column.definition().heading(layout.language)),
    };
    let mut wholes: Vec<usize> = layout.columns.iter().map(heading).collect();
    for row in rows.iter() {
        for (whole, &column) in wholes.iter_mut().zip(layout.columns) {
            *whole = (*whole).max(width(&cell(row, column).whole()));
        }
    }
    let wish = |(&column, whole): (&Column, usize)| {
        let (readable, least) = shortest(column);
        Wish { whole, readable: whole.min(readable), least: whole.min(least) }
    };
    layout.columns.iter().zip(wholes).map(wish).collect()
}

/// The cells of a column after which cuts make it hard to read, and those that it has at least.
fn shortest(column: Column) -> (usize, usize) {
    // Words and numbers are whole or not there.
    const WHOLE: [Column; 5] = [Column::Protocol, Column::Family, Column::State, Column::OwnerStatus, Column::Offload];
    const SHORT: [(&[Column], (usize, usize)); 4] = [
        (&[Column::Local, Column::Remote], (21, 12)),
        (&[Column::LocalAddress, Column::RemoteAddress], (15, 8)),
        (&[Column::Pid], (9, 9)),
        (&[Column::Process], (12, 6)),
    ];
    if let Some((_, cells)) = SHORT.iter().find(|(columns, _)| columns.contains(&column)) {
        return *cells;
    }
    let is_whole = WHOLE.contains(&column) || column.definition().is_number();
    if is_whole { (usize::MAX, usize::MAX) } else { (8, 4) }
}

/// The content of a cell, as it can be cut.
enum Cell {
    Text(String),
    Endpoint(String),
    List(Vec<String>, &'static str),
}

impl Cell {
    fn whole(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Endpoint(text) => text.into(),
            Self::List(texts, separator) => texts.join(separator).into(),
        }
    }

    fn cut(&self, cells: usize) -> String {
        match self {
            Self::Text(text) => cut_end(text, cells),
            Self::Endpoint(text) => cut_endpoint(text, cells),
            Self::List(texts, separator) => cut_list(texts, separator, cells),
        }
    }
}

fn cell(row: Row<'_>, column: Column) -> Cell {
    match (column, row.value(column)) {
        (Column::Protocol, _) => Cell::Text(row.socket.protocol.word().to_owned()),
        (Column::Local, _) => Cell::Endpoint(local_endpoint(row)),
        (Column::Remote, Value::Null) => Cell::Text("*".to_owned()),
        (Column::Tcp(_) | Column::Rate(_), Value::Null) => Cell::Text("-".to_owned()),
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

fn write_row(out: &mut impl Write, row: Row<'_>, columns: &[Column], fit: &Fit, color: bool) -> io::Result<()> {
    write_line(out, columns.iter().map(|&column| (cell(row, column), paint_of(row, column))), columns, fit, color)
}

/// A line without blanks at its end.
fn write_line(
    out: &mut impl Write,
    cells: impl Iterator<Item = (Cell, Option<Paint>)>,
    columns: &[Column],
    fit: &Fit,
    color: bool,
) -> io::Result<()> {
    let mut blanks = 0;
    for ((position, (cell, paint)), (column, &cells)) in cells.enumerate().zip(columns.iter().zip(&fit.widths)) {
        let text = cell.cut(cells);
        let fill = cells.saturating_sub(width(&text));
        blanks += if position > 0 { fit.gutter } else { 0 };
        // A list of PIDs reads from its beginning.
        let is_right = column.definition().is_number() && *column != Column::Pid;
        if text.is_empty() {
            blanks += fill;
            continue;
        }
        let before = blanks + if is_right { fill } else { 0 };
        let painted = paint.map_or(Cow::Borrowed(text.as_str()), |paint| paint.on(color, &text));
        write!(out, "{:before$}{painted}", "")?;
        blanks = if is_right { 0 } else { fill };
    }
    writeln!(out)
}

fn paint_of(row: Row<'_>, column: Column) -> Option<Paint> {
    row.socket.state.filter(|_| column == Column::State).map(Paint::of_state)
}
