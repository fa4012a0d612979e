//! Comparing what an earlier run recorded with now, or with another recording (`--diff`).

use super::{Exit, Reader, WRITING, print_error};
use crate::output::color;
use crate::output::escape::escape;
use crate::output::line_ending::Lines;
use crate::output::stdout::stdout;
use crate::platform;
use crate::reports::diff::compare::compare;
use crate::reports::diff::recorded::Recorded;
use crate::reports::diff::{json, text};
use crate::reports::table_style::TableStyle;
use crate::request::column::Column;
use crate::request::{Amount, Diff, Document, Format, Output, Request};
use anyhow::Context;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};

/// Longer documents are refused.
const MOST_BYTES: u64 = 1 << 30;

/// The fields that are compared.
const COLUMNS: [Column; 11] = [
    Column::Protocol,
    Column::Local,
    Column::Remote,
    Column::State,
    Column::Interface,
    Column::SendQueue,
    Column::Inode,
    Column::OwnerStatus,
    Column::Pid,
    Column::Process,
    Column::Started,
];

/// Writes the differences. Status 0 if there is none, 1 if there are, 2 if sockets may be missing that are compared.
pub(super) fn diff(request: &Request, diff: &Diff) -> anyhow::Result<Exit> {
    // With the capabilities of its file this program could open what its caller may not.
    let opens_first = !platform::has_more_rights_than_its_caller();
    let opened = opens_first.then(|| open(&diff.earlier)).transpose()?;
    let now = diff.later.is_none().then(|| now(request)).transpose()?;
    if !opens_first && !platform::drop_capabilities() {
        anyhow::bail!("--diff opens no file with the capabilities of this program: run it without them, or as root (sudo)");
    }
    let earlier = read(&diff.earlier, opened)?;
    let later = match (now, &diff.later) {
        (Some(now), _) => now,
        (None, Some(document)) => read(document, None)?,
        (None, None) => anyhow::bail!("--diff needs a file"),
    };
    let comparison = compare(&earlier, &later, &request.query, diff.other_host)?;
    let mut out = Lines::new(stdout(), request.output.line_end);
    let written = match (request.output.amount, request.output.format) {
        (Amount::Nothing, _) => Ok(()),
        (Amount::Rows | Amount::Count, Format::Json | Format::Ndjson) => {
            json::write(&mut out, [&earlier, &later], &comparison, &request.output)
        }
        (Amount::Rows | Amount::Count, Format::Table | Format::Wide | Format::Csv | Format::OpenMetrics) => {
            text::write(&mut out, &comparison, color::is_wanted(request.output.color))
        }
    };
    written.and_then(|()| out.flush()).context(WRITING)?;
    comparison.missing.iter().for_each(|problem| print_error(&escape(problem)));
    Ok(match (comparison.missing.is_empty(), comparison.differences.is_empty()) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Done,
        (true, false) => Exit::No,
    })
}

fn open(document: &Document) -> anyhow::Result<Box<dyn Read>> {
    Ok(match document {
        Document::Stdin => Box::new(io::stdin()),
        Document::File(path) => {
            Box::new(File::open(path).with_context(|| format!("{} cannot be opened", escape(&document.name())))?)
        }
    })
}

fn read(document: &Document, opened: Option<Box<dyn Read>>) -> anyhow::Result<Recorded> {
    let opened = opened.map_or_else(|| open(document), Ok)?;
    let mut text = opened.take(MOST_BYTES);
    let recorded = Recorded::read(&document.name(), BufReader::new(&mut text));
    if text.limit() == 0 {
        anyhow::bail!("{} is longer than {} MiB", escape(&document.name()), MOST_BYTES >> 20);
    }
    Ok(recorded?)
}

/// What there is now, by the same way through the document as what was recorded.
fn now(request: &Request) -> anyhow::Result<Recorded> {
    let output = Output { format: Format::Ndjson, amount: Amount::Rows, no_header: false, ..request.output.clone() };
    let mut columns = COLUMNS.to_vec();
    columns.extend((!request.query.namespaces.is_own()).then_some(Column::Namespace));
    let request = Request { output, columns, columns_are_chosen: true, ..request.clone() };
    let moment = Reader::of_process(&request).read(&request);
    let mut document = Vec::new();
    let style = TableStyle { width: None, color: false, no_header: false };
    crate::reports::write(&mut document, &moment, &request, style)?;
    Ok(Recorded::read("this moment", document.as_slice())?)
}
