//! How the answer is to be written.

use crate::request::column::Column;

/// How the answer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// How much of it.
    pub amount: Amount,
    /// Whether headings are left out.
    pub no_header: bool,
    /// The columns of the forms that let them be chosen; `None` for the usual ones of the form.
    pub columns: Option<Vec<Column>>,
    /// When to use colour.
    pub color: Color,
    /// What ends a line.
    pub line_end: LineEnding,
}

impl Output {
    /// Whether all views together make one document.
    pub fn is_document(&self) -> bool {
        self.amount == Amount::Rows && matches!(self.format, Format::Json | Format::Ndjson)
    }

    /// The columns that were chosen, or the usual ones of the format.
    pub fn columns(&self) -> &[Column] {
        let usual = if self.format == Format::Csv { Column::CSV } else { Column::WIDE };
        self.columns.as_deref().unwrap_or(usual)
    }
}

/// A form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The classic table, the same bytes on every system.
    #[default]
    Table,
    /// A table made to be looked at: more columns, colour, as wide as the terminal.
    Wide,
    /// One JSON document.
    Json,
    /// JSON, a socket a line.
    Ndjson,
    /// Comma-separated values, a socket a line.
    Csv,
}

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amount {
    /// Every row.
    #[default]
    Rows,
    /// The number of rows alone (`--count`).
    Count,
    /// Nothing: the exit status is the answer (`--quiet`).
    Nothing,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// A line feed: Unix.
    Lf,
    /// A carriage return and a line feed: Windows, console and pipe.
    CrLf,
}
