//! Writing what is seen to a file, in the format that its suffix names.

use super::listing::Line;
use super::model::Model;
use super::press::Mode;
use crate::app::Reader;
use crate::app::moment::host;
use crate::moment::{Moment, Selection};
use crate::output::escape::escape;
use crate::output::line_ending::Lines;
use crate::platform;
use crate::reports::table_style::TableStyle;
use crate::request::column::Column;
use crate::request::{Amount, Color, Format, Output, Request, View};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

/// Writes the rows of the list. A file that exists is replaced only if that was agreed to, which is asked for otherwise.
pub fn write(model: &mut Model, reader: &mut Reader, path: &Path, replaces: bool) {
    model.message = Some(match try_write(model, reader, path, replaces) {
        Ok(rows) => format!("{rows} rows were written to {}", path.display()),
        Err(Refusal::Exists) => {
            model.mode = Mode::Replace(path.to_owned());
            return;
        }
        Err(Refusal::Because(reason)) => reason,
    });
}

/// Why nothing was written.
enum Refusal {
    /// The file exists.
    Exists,
    /// A sentence.
    Because(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::AlreadyExists { Self::Exists } else { Self::Because(format!("not written: {error}")) }
    }
}

fn try_write(model: &mut Model, reader: &mut Reader, path: &Path, replaces: bool) -> Result<usize, Refusal> {
    let because = |sentence: &str| Err(Refusal::Because(sentence.to_owned()));
    if platform::has_more_rights_than_its_caller() {
        return because("no file is written with the capabilities of this program: run it without them, or as root (sudo)");
    }
    let Some(format) = format_of(path) else { return because("the suffix names the format: .json, .ndjson, .csv or .txt") };
    let request = request(model, format);
    let rows = rows(model);
    let Some(moment) = &mut model.moment else { return because("nothing has been read yet") };
    reader.look_up_rows(moment, &rows, request.needs(platform::SYSTEM), model.names);
    moment.host = host(&request);
    let count = rows.len();
    with_rows(moment, rows, |moment| {
        let file = open(path, replaces)?;
        let mut out = Lines::new(BufWriter::new(file), request.output.line_end);
        let style = TableStyle { width: None, color: false, no_header: false };
        crate::reports::write(&mut out, moment, &request, style).and_then(|()| out.flush())
    })?;
    Ok(count)
}

fn open(path: &Path, replaces: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if replaces { options.create(true).truncate(true) } else { options.create_new(true) }.open(path)
}

fn format_of(path: &Path) -> Option<Format> {
    let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
    match suffix.as_str() {
        "json" => Some(Format::Json),
        "ndjson" => Some(Format::Ndjson),
        "csv" => Some(Format::Csv),
        "txt" => Some(Format::Wide),
        _ => None,
    }
}

/// What a command line would ask for to print this.
fn request(model: &Model, format: Format) -> Request {
    let asked = &model.request;
    let usual = match format {
        Format::Csv => Column::CSV,
        Format::Json | Format::Ndjson => Column::JSON,
        Format::Wide | Format::Table | Format::OpenMetrics => &[],
    };
    let added = asked.columns.iter().copied().filter(|column| !usual.contains(column) && *column != Column::Peer);
    let columns = if asked.columns_are_chosen || format == Format::Wide {
        asked.columns.clone()
    } else {
        usual.iter().copied().chain(added.filter(|column| !Column::WIDE.contains(column))).collect()
    };
    let filters =
        asked.filters.iter().cloned().chain(model.choice.description().into_iter().map(|text| escape(&text).into_owned()));
    Request {
        columns,
        filters: filters.collect(),
        output: Output { format, amount: Amount::Rows, no_header: false, color: Color::Never, line_end: platform::LINE_END },
        names: model.names,
        interval: None,
        ..asked.clone()
    }
}

/// The rows of the list, with those of groups that are closed and without those that are gone.
fn rows(model: &Model) -> Vec<u32> {
    let row = |line: &Line| match line {
        Line::Row(position) => Some(*position),
        Line::Gone(_) | Line::Group(_) => None,
    };
    match model.listing.groups.as_slice() {
        [] => model.listing.lines.iter().filter_map(row).collect(),
        groups => groups.iter().flat_map(|group| &group.rows).copied().collect(),
    }
}

/// Does something with a moment that shows these rows.
fn with_rows<T>(moment: &mut Moment, rows: Vec<u32>, with: impl FnOnce(&Moment) -> T) -> T {
    let mut shown = Selection { rows, undecided: 0 };
    let mut swap = |moment: &mut Moment| {
        let selections = moment.sockets.iter_mut().flat_map(|sockets| &mut sockets.selections);
        for (_, selection) in selections.filter(|(view, _)| *view == View::Sockets) {
            std::mem::swap(selection, &mut shown);
        }
    };
    swap(moment);
    let result = with(moment);
    swap(moment);
    result
}
