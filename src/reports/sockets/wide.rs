//! A table made to be looked at: as wide as the terminal, in colour, with every owner.

use super::cells::cell_text;
use crate::model::owners::OwnerStatus;
use crate::model::socket::State;
use crate::moment::row::{Row, Rows};
use crate::moment::value::Value;
use crate::reports::table_style::{TableStyle, new_table};
use crate::request::column::Column;
use crate::request::language::Language;
use comfy_table::{Attribute, Cell as TableCell, ColumnConstraint, Table, Width};
use std::io::{self, Write};

/// The least room for a column whose text may be broken into lines.
const NARROWEST: u16 = 8;

/// The blanks beside a column and between it and the next.
const AROUND: u16 = 3;

/// Which columns are shown and how.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The columns.
    pub columns: &'a [Column],
    /// Whether the user named them: then none is left out.
    pub are_chosen: bool,
    /// The language of the headings.
    pub language: Language,
    /// Width, colour and heading.
    pub style: TableStyle,
}

/// Writes the rows. Addresses are never cut nor broken. If the columns are not the user's own choice and do not fit, the last
/// ones are left out, and a line below says so.
pub fn write(out: &mut impl Write, rows: Rows<'_>, layout: Layout<'_>) -> io::Result<()> {
    let Layout { columns, are_chosen, language, style } = layout;
    let mut table = new_table(style);
    if !style.no_header {
        table.set_header(columns.iter().map(|&column| heading(column, language, style.color)));
    } else if rows.is_empty() {
        return Ok(());
    }
    table.add_rows(rows.iter().map(|row| columns.iter().map(move |&column| table_cell(row, column, style.color))));
    table.discover_columns();
    let hidden = arrange(&mut table, columns, are_chosen, style);
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    if hidden > 0 {
        let columns = if hidden == 1 { "column does" } else { "columns do" };
        writeln!(out, "({hidden} more {columns} not fit in this terminal; --columns chooses)")?;
    }
    Ok(())
}

/// Lets columns be broken or hides them until the table fits, and says how many are hidden.
fn arrange(table: &mut Table, columns: &[Column], chosen: bool, style: TableStyle) -> usize {
    let widths = table.column_max_content_widths();
    let least: Vec<u16> = columns
        .iter()
        .zip(&widths)
        .map(|(column, &width)| if may_break(*column) { width.min(NARROWEST) } else { width })
        .map(|width| width.saturating_add(AROUND))
        .collect();
    let mut shown = columns.len();
    if let Some(width) = style.width.filter(|_| !chosen) {
        let fits = |count: usize| least.iter().take(count).map(|&width| u32::from(width)).sum::<u32>() <= u32::from(width);
        while shown > Column::ESSENTIAL && !fits(shown) {
            shown -= 1;
        }
    }
    for (position, (&column, least)) in columns.iter().zip(&least).enumerate() {
        let constraint = if position >= shown {
            ColumnConstraint::Hidden
        } else if may_break(column) {
            ColumnConstraint::LowerBoundary(Width::Fixed(least.saturating_sub(1)))
        } else {
            ColumnConstraint::ContentWidth
        };
        if let Some(column) = table.column_mut(position) {
            column.set_constraint(constraint);
        }
    }
    columns.len() - shown
}

/// Whether the text of a column may go on in the next line.
const fn may_break(column: Column) -> bool {
    matches!(
        column,
        Column::Pid | Column::Process | Column::User | Column::Service | Column::Peer | Column::Executable | Column::CommandLine
    )
}

fn heading(column: Column, language: Language, color: bool) -> TableCell {
    let cell = TableCell::new(column.definition().heading(language));
    if color { cell.add_attribute(Attribute::Bold) } else { cell }
}

fn table_cell(row: Row<'_>, column: Column, color: bool) -> TableCell {
    let text = match (column, row.value(column)) {
        (Column::Protocol, _) => row.socket.protocol.word().to_owned(),
        (Column::Remote, Value::Null) => "*".to_owned(),
        (Column::Tcp(_) | Column::Rate(_), Value::Null) => "-".to_owned(),
        (Column::Process, Value::Null) => missing_owner(row).to_owned(),
        (_, value) => cell_text(&value),
    };
    let cell = TableCell::new_owned(text);
    match color_of(row, column).filter(|_| color) {
        Some(color) => cell.fg(color),
        None => cell,
    }
}

/// Why no process is named, in brackets, which tell it from a process of that name.
fn missing_owner(row: Row<'_>) -> &'static str {
    match row.owners().status {
        // Of an owner that could not be read nothing is known but its PID.
        OwnerStatus::Owned if row.owners().pids().any(|pid| row.is_owner_unread(pid)) => "",
        OwnerStatus::Owned | OwnerStatus::Gone => "(ended)",
        OwnerStatus::None => "(no process)",
        OwnerStatus::Denied => "(hidden)",
        OwnerStatus::Unsupported => "",
    }
}

fn color_of(row: Row<'_>, column: Column) -> Option<comfy_table::Color> {
    use comfy_table::Color;
    match (column, row.socket.state?) {
        (Column::State, State::Listening) => Some(Color::Cyan),
        (Column::State, State::Established) => Some(Color::Green),
        (Column::State, State::SynSent | State::SynReceived | State::Bound) => Some(Color::Yellow),
        (Column::State, State::CloseWait | State::Unknown) => Some(Color::Red),
        (Column::State, _) => Some(Color::DarkGrey),
        _ => None,
    }
}
