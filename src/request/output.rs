//! How the answer is to be written.

/// How the answer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// In which format.
    pub format: Format,
    /// How much of it.
    pub amount: Amount,
    /// Whether headings are left out.
    pub no_header: bool,
    /// When to use colour.
    pub color: Color,
    /// What ends a line.
    pub line_end: LineEnding,
}

/// A format of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The classic table, the same bytes on every system.
    #[default]
    Table,
    /// A table for people: more columns, colour, as wide as the terminal.
    Wide,
    /// One JSON document.
    Json,
    /// JSON, a socket a line.
    Ndjson,
    /// Comma-separated values, a socket a line.
    Csv,
    /// Metrics in OpenMetrics' text format: what the sockets add up to.
    OpenMetrics,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: [(Self, &'static str); 6] = [
        named(Self::Table),
        named(Self::Wide),
        named(Self::Json),
        named(Self::Ndjson),
        named(Self::Csv),
        named(Self::OpenMetrics),
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::OpenMetrics => "openmetrics",
        }
    }

    /// Whether all views together make one document.
    pub const fn is_document(self) -> bool {
        match self {
            Self::Json | Self::Ndjson => true,
            Self::Table | Self::Wide | Self::Csv | Self::OpenMetrics => false,
        }
    }
}

const fn named(format: Format) -> (Format, &'static str) {
    (format, format.name())
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set; in a pipe too if CLICOLOR_FORCE is.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Every choice with its name on the command line.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Auto, "auto"), (Self::Always, "always"), (Self::Never, "never")];
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// A line feed: Unix.
    Lf,
    /// A carriage return and a line feed: Windows, console and pipe.
    CrLf,
}
