//! A table made to be looked at: as wide as the terminal, in colour, with every owner.

use super::cells::{Cell, cell};
use super::table_style::{TableStyle, new_table};
use crate::model::owners::OwnerStatus;
use crate::model::socket::State;
use crate::output::escape::escape;
use crate::reports::rows::{Listing, Row};
use crate::request::column::Column;
use comfy_table::{Attribute, Cell as TableCell, ColumnConstraint, Table, Width};
use std::io::{self, Write};

/// The least room for a column whose text may be broken into lines.
const NARROWEST: u16 = 8;

/// The blanks beside a column and between it and the next.
const AROUND: u16 = 3;

/// Writes the rows. Addresses are never cut nor broken. Where `columns` are not the user's own choice (`chosen`) and
/// do not fit, the last ones are left out, and a line below says so.
pub fn write(out: &mut impl Write, listing: &Listing<'_>, columns: &[Column], chosen: bool, look: TableStyle) -> io::Result<()> {
    let cells: Vec<Vec<TableCell>> =
        listing.iter().map(|row| columns.iter().map(|&column| table_cell(row, column, look.color)).collect()).collect();
    let mut table = new_table(look);
    if !look.no_header {
        table.set_header(columns.iter().map(|&column| heading(column, look.color)));
    }
    table.add_rows(cells);
    table.discover_columns();
    let hidden = arrange(&mut table, columns, chosen, look);
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
fn arrange(table: &mut Table, columns: &[Column], chosen: bool, look: TableStyle) -> usize {
    let widths = table.column_max_content_widths();
    let least: Vec<u16> = columns
        .iter()
        .zip(&widths)
        .map(|(column, &width)| if may_break(*column) { width.min(NARROWEST) } else { width })
        .map(|width| width.saturating_add(AROUND))
        .collect();
    let mut shown = columns.len();
    if let Some(width) = look.width.filter(|_| !chosen) {
        let fits = |count: usize| least[..count].iter().map(|&width| u32::from(width)).sum::<u32>() <= u32::from(width);
        while shown > Column::ESSENTIAL && !fits(shown) {
            shown -= 1;
        }
    }
    for (position, &column) in columns.iter().enumerate() {
        let constraint = if position >= shown {
            ColumnConstraint::Hidden
        } else if may_break(column) {
            ColumnConstraint::LowerBoundary(Width::Fixed(least[position] - 1))
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

fn heading(column: Column, color: bool) -> TableCell {
    let words = match column {
        Column::Protocol => "Proto",
        Column::Family => "Family",
        Column::Local => "Local Address",
        Column::LocalAddress => "Local IP",
        Column::LocalPort => "Local Port",
        Column::Remote => "Foreign Address",
        Column::RemoteAddress => "Foreign IP",
        Column::RemotePort => "Foreign Port",
        Column::Interface => "Interface",
        Column::State => "State",
        Column::ReceiveQueue => "Recv-Q",
        Column::SendQueue => "Send-Q",
        Column::Timer => "Timer",
        Column::TimerMs => "Timer ms",
        Column::Uid => "UID",
        Column::User => "User",
        Column::Inode => "Inode",
        Column::OwnerStatus => "Owner",
        Column::Pid => "PID",
        Column::Process => "Process",
        Column::Executable => "Executable",
        Column::CommandLine => "Command Line",
        Column::Started => "Started",
        Column::Service => "Service",
        Column::Range => "Range",
        Column::Peer => "Peer",
    };
    let cell = TableCell::new(words);
    if color { cell.add_attribute(Attribute::Bold) } else { cell }
}

fn table_cell(row: Row<'_>, column: Column, color: bool) -> TableCell {
    let text = match (column, cell(row, column)) {
        (Column::Protocol, _) => row.socket.protocol.word().to_owned(),
        (Column::Remote, Cell::Known(text)) if text.is_empty() => "*".to_owned(),
        (Column::Process, Cell::Outside(text)) if text.is_empty() => missing_owner(row).to_owned(),
        (_, Cell::Known(text)) => text.into_owned(),
        (_, Cell::Outside(text)) => escape(&text).into_owned(),
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
        OwnerStatus::Owned | OwnerStatus::Gone => "(gone)",
        OwnerStatus::None => "(kernel)",
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
