//! A moment as a page of metrics (OpenMetrics, which Prometheus reads): what the sockets add up to, without an address of a peer
//! and without a PID, so that the number of series is bounded and none of them changes with every connection.
//!
//! Each metric is a gauge: of all types it alone means the same to the parsers of OpenMetrics and to those of the older text
//! format of Prometheus, with which node_exporter reads files.

mod compute;
mod counts;
#[cfg(test)]
mod tests;

use crate::moment::Moment;
use std::fmt::{self, Display};
use std::io::{self, Write};

/// A metric with its series.
#[derive(Debug)]
struct Metric {
    /// Its name, with its base unit at the end.
    name: &'static str,
    /// What it counts, in a sentence without characters that the format escapes.
    help: &'static str,
    series: Vec<Series>,
}

/// A value with its labels.
#[derive(Clone, Debug, PartialEq)]
struct Series {
    /// Names and values; the values are safe to print, and the characters of the format are not escaped yet.
    labels: Vec<(&'static str, String)>,
    value: Number,
}

/// The value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Count(u64),
    Real(f64),
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Real(real) => real.fmt(f),
        }
    }
}

/// Writes the page.
pub fn write(out: &mut impl Write, moment: &Moment) -> io::Result<()> {
    for Metric { name, help, series } in compute::metrics(moment) {
        if series.is_empty() {
            continue;
        }
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")?;
        for Series { labels, value } in series {
            out.write_all(name.as_bytes())?;
            for (place, (label, text)) in labels.iter().enumerate() {
                write!(out, "{}{label}=\"{}\"", if place == 0 { '{' } else { ',' }, Escaped(text))?;
            }
            writeln!(out, "{}{value}", if labels.is_empty() { " " } else { "} " })?;
        }
    }
    writeln!(out, "# EOF")
}

/// The value of a label with the escapes of the format.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
