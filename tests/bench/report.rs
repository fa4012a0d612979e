//! The one table that the bench prints.

use crate::cases::{Case, Measured, Target, Value};
use crate::competitors::{Competitor, Outcome};
use crate::support::baseline::Scanned;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

const HEADING: [&str; 12] = [
    "sockets",
    "processes",
    "descriptors",
    "what",
    "runs",
    "ms",
    "cpu ms",
    "MiB",
    "bytes/socket",
    "× baseline",
    "× -ano",
    "target",
];

/// The table.
#[derive(Debug)]
pub struct Report(Table);

impl Report {
    /// A table without rows.
    pub fn new() -> Self {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(HEADING);
        for column in (0..3).chain(4..HEADING.len() - 1) {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Adds what was measured in one farm.
    pub fn add(&mut self, case: &Case, scanned: Scanned, measured: &Measured<'_>) {
        let mut host = [measured.sockets, scanned.processes, scanned.descriptors].map(grouped);
        for (competitor, outcome) in measured.outcomes {
            let targets: Vec<String> = case
                .targets
                .iter()
                .filter(|target| target.competitor == *competitor)
                .map(|target| result(target, measured))
                .collect();
            // The host is shown in the first of its rows only.
            let mut cells = host.each_mut().map(std::mem::take).to_vec();
            cells.push(competitor.name());
            cells.extend(match outcome {
                Outcome::Absent(reason) => [String::new(), reason.clone(), String::new(), String::new()],
                Outcome::OutOfTime(limit) => ["1".to_owned(), format!("> {}", limit.as_millis()), String::new(), String::new()],
                Outcome::Median(sample, runs) => {
                    let peak = sample.peak.map(|bytes| format!("{:.1}", bytes as f64 / (1024.0 * 1024.0)));
                    [runs.to_string(), milliseconds(sample.wall), milliseconds(sample.cpu), peak.unwrap_or_default()]
                }
            });
            // On a small host this would be the size of the program.
            let bytes =
                measured.bytes_a_socket(*competitor).filter(|_| measured.sockets >= 100_000 && *competitor != Competitor::True);
            cells.push(bytes.map(|value| format!("{:.0}", value.number)).unwrap_or_default());
            cells.push(measured.times(*competitor, &[Competitor::Baseline]).map(number).unwrap_or_default());
            cells.push(measured.times(*competitor, &[Competitor::Ano]).map(number).unwrap_or_default());
            cells.push(targets.join("; "));
            self.0.add_row(cells);
        }
    }

    /// The table as text, in Markdown.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

fn result(target: &Target, measured: &Measured<'_>) -> String {
    let Some(value) = (target.value)(measured) else { return format!("{}: not measured", target.text) };
    let result = match target.limit.is_met(value) {
        Some(true) => "met",
        Some(false) => "NOT met",
        None => "undecided",
    };
    format!("{}: {result} ({} {})", target.text, number(value), target.unit)
}

fn milliseconds(duration: std::time::Duration) -> String {
    number(Value { number: duration.as_secs_f64() * 1000.0, or_more: false })
}

/// About three digits.
fn number(value: Value) -> String {
    let sign = if value.or_more { "> " } else { "" };
    match value.number.abs() {
        size if size >= 100.0 => format!("{sign}{:.0}", value.number),
        size if size >= 10.0 => format!("{sign}{:.1}", value.number),
        _ => format!("{sign}{:.2}", value.number),
    }
}

/// `1,000,000`
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
