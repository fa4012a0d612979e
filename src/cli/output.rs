//! The switches that say how the answer is written.

use super::UsageError;
use crate::platform;
use crate::request::column::Column;
use crate::request::{Amount, Color, Format, LineEnding, Output};
use clap::Args;

/// Formats, headings, colours, line ends.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::OUTPUT)]
pub(super) struct OutputArguments {
    /// Write in this format: table, wide, json, ndjson, csv, or openmetrics (sums of all sockets for Prometheus).
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = super::named(&Format::ALL),
        ignore_case = true,
        overrides_with = "format",
        hide_possible_values = true
    )]
    pub format: Option<Format>,

    /// Write a table for people, as wide as the terminal, in colour: short for --format wide.
    #[arg(long, overrides_with = "wide")]
    pub wide: bool,

    /// Write one JSON document: short for --format json.
    #[arg(long, overrides_with = "json")]
    pub json: bool,

    /// Write these columns of wide or csv in their order, or fields of json or ndjson: --columns pid,process,local.
    #[arg(long, value_name = "NAMES", overrides_with = "columns")]
    pub columns: Option<String>,

    /// Leave out headings.
    #[arg(long, overrides_with = "no_header")]
    pub no_header: bool,

    /// Print only the number of rows.
    #[arg(long, overrides_with = "count")]
    pub count: bool,

    /// Print nothing: the exit status is the answer.
    #[arg(long, overrides_with = "quiet")]
    pub quiet: bool,

    /// Use colour: auto, always or never. The classic table and data formats have none.
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = super::named(&Color::ALL),
        ignore_case = true,
        default_value = "auto",
        overrides_with = "color",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub color: Color,

    /// End lines with CR LF, as Windows does.
    #[arg(long, overrides_with = "crlf")]
    pub crlf: bool,

    /// Print the JSON Schema of the JSON form.
    #[arg(long, overrides_with = "schema")]
    pub schema: bool,
}

impl OutputArguments {
    /// How the answer is to be written; `adds_columns` if another switch adds columns that the classic table does not have.
    pub(super) fn output(&self, adds_columns: bool) -> Result<Output, UsageError> {
        let implied = if self.columns.is_some() || adds_columns { Format::Wide } else { Format::Table };
        let format = self.chosen_format()?.unwrap_or(implied);
        let amount = match (self.count, self.quiet) {
            (true, true) => {
                let sentence = "--count and --quiet are mutually exclusive";
                return Err(UsageError::new(sentence, "One prints a number, the other nothing."));
            }
            (true, false) => Amount::Count,
            (false, true) => Amount::Nothing,
            (false, false) => Amount::Rows,
        };
        if amount == Amount::Count && (self.format.is_some() || self.json || self.wide || self.columns.is_some()) {
            let hint = "Leave out --format, --json, --wide and --columns, or --count.";
            return Err(UsageError::new("--count prints a number and has no other format", hint));
        }
        let line_end = match format {
            _ if self.crlf => LineEnding::CrLf,
            Format::OpenMetrics => LineEnding::Lf,
            Format::Table | Format::Wide | Format::Json | Format::Ndjson | Format::Csv => platform::LINE_END,
        };
        Ok(Output { format, amount, no_header: self.no_header, color: self.color, line_end })
    }

    /// The format that is named, by one switch or by two that agree.
    fn chosen_format(&self) -> Result<Option<Format>, UsageError> {
        let short = [(self.json, Format::Json), (self.wide, Format::Wide)];
        let short = short.into_iter().filter_map(|(asked, format)| asked.then_some(format));
        let mut named = self.format.into_iter().chain(short);
        let first = named.next();
        if named.all(|other| Some(other) == first) {
            return Ok(first);
        }
        Err(UsageError::new("two formats are mutually exclusive", "Choose one of --format, --json and --wide."))
    }

    /// The columns that are named, if any are.
    pub(super) fn chosen_columns(&self, format: Format) -> Result<Option<Vec<Column>>, UsageError> {
        let Some(names) = &self.columns else { return Ok(None) };
        match format {
            Format::Table => Err(UsageError::new(
                "--columns goes with --format wide, csv, json or ndjson",
                "The classic table has fixed columns, to which -o, -p, -d, -i, -t and -y add; without --format, --columns means wide.",
            )),
            Format::Wide | Format::Csv | Format::Json | Format::Ndjson | Format::OpenMetrics => {
                names.split(',').map(column).collect::<Result<_, _>>().map(Some)
            }
        }
    }
}

fn column(name: &str) -> Result<Column, UsageError> {
    Column::parse(name.trim()).ok_or_else(|| {
        let known: Vec<_> = Column::ALL.into_iter().map(Column::name).collect();
        UsageError::new(
            super::invalid_value(name, "--columns", "there is no such column"),
            format!("The columns are {}.", known.join(", ")),
        )
    })
}
