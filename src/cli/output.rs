//! The switches that say how the answer is written.

use super::UsageError;
use crate::platform;
use crate::request::column::Column;
use crate::request::{Amount, Color, Format, LineEnding, Output};
use clap::Args;

/// Formats, headings, colours, line ends.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// The form: table, wide, json, ndjson or csv.
    #[arg(long, value_name = "FORM", overrides_with_all = ["format", "json"], hide_possible_values = true)]
    pub format: Option<Format>,

    /// Short for --format json.
    #[arg(long, overrides_with_all = ["format", "json"])]
    pub json: bool,

    /// The columns of wide or csv, in order: --columns pid,process,local.
    #[arg(long, value_name = "NAMES", overrides_with = "columns")]
    pub columns: Option<String>,

    /// Rows without headings.
    #[arg(long, overrides_with = "no_header")]
    pub no_header: bool,

    /// Only the number of rows.
    #[arg(long, overrides_with = "count")]
    pub count: bool,

    /// Nothing: the exit status is the answer.
    #[arg(long, overrides_with = "quiet")]
    pub quiet: bool,

    /// Colour: auto, always or never.
    #[arg(
        long,
        value_name = "WHEN",
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
    /// How the answer is to be written.
    pub(super) fn output(&self) -> Result<Output, UsageError> {
        let columns = self.columns.as_deref().map(columns).transpose()?;
        let format = match (self.format, self.json, &columns) {
            (Some(format), ..) => format,
            (None, true, _) => Format::Json,
            (None, false, Some(_)) => Format::Wide,
            (None, false, None) => Format::Table,
        };
        if columns.is_some() && !matches!(format, Format::Wide | Format::Csv) {
            return Err(UsageError::new(
                "--columns goes with --format wide or csv",
                "The classic table and JSON have fixed fields; without --format, --columns means wide.",
            ));
        }
        let amount = match (self.count, self.quiet) {
            (true, true) => {
                return Err(UsageError::new("--count and --quiet exclude each other", "One prints a number, the other nothing."));
            }
            (true, false) => Amount::Count,
            (false, true) => Amount::Nothing,
            (false, false) => Amount::Rows,
        };
        if amount == Amount::Count && self.format.is_some() | self.json {
            return Err(UsageError::new("--count prints a number and has no other form", "Leave out --format, or --count."));
        }
        Ok(Output {
            format,
            amount,
            no_header: self.no_header,
            columns,
            color: self.color,
            line_end: if self.crlf { LineEnding::CrLf } else { platform::LINE_END },
        })
    }
}

fn columns(words: &str) -> Result<Vec<Column>, UsageError> {
    let known = || Column::ALL.map(|(_, word)| word).join(", ");
    words
        .split(',')
        .map(|word| {
            Column::parse(word.trim()).ok_or_else(|| {
                UsageError::new(format!("unknown column '{}'", word.escape_debug()), format!("The columns are {}.", known()))
            })
        })
        .collect()
}
