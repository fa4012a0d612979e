//! Comma-separated values: a heading of column names, then a line for each socket.

use super::cells::{Origin, push_text};
use crate::moment::row::Rows;
use crate::output::csv;
use crate::request::column::Column;
use ::csv::{ErrorKind, Writer};
use std::io::{self, Write};

/// What a line has.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The columns.
    pub columns: &'a [Column],
    /// When the rows were read, which is a last column under an interval.
    pub time: Option<&'a str>,
    /// Whether the heading is left out.
    pub no_header: bool,
}

/// The name of the column with the time.
const TIME: &str = "time";

/// Writes the heading, if it is wanted, and the rows.
pub fn write(out: &mut impl Write, rows: Rows<'_>, layout: Layout<'_>) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    write_records(&mut writer, rows, layout).map_err(|error| {
        let message = error.to_string();
        // A closed pipe must stay one.
        if let ErrorKind::Io(error) = error.into_kind() { error } else { io::Error::other(message) }
    })?;
    writer.flush()
}

fn write_records<W: Write>(writer: &mut Writer<W>, rows: Rows<'_>, layout: Layout<'_>) -> Result<(), ::csv::Error> {
    let Layout { columns, time, no_header } = layout;
    if !no_header {
        writer.write_record(columns.iter().map(|column| column.name()).chain(time.map(|_| TIME)))?;
    }
    let mut text = String::new();
    for row in rows.iter() {
        for &column in columns {
            text.clear();
            match push_text(&mut text, &row.value(column)) {
                Origin::Known => writer.write_field(text.as_bytes())?,
                Origin::Outside => writer.write_field(csv::cell(&text).as_bytes())?,
            }
        }
        writer.write_record(time)?;
    }
    Ok(())
}
