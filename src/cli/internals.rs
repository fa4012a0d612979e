//! The switches for what is internal to TCP, and for conditions on any column.

use super::UsageError;
use crate::filter::conditions::{Condition, ConditionError};
use crate::lookup::users;
use crate::order::keys::SortKey;
use crate::platform;
use crate::request::column::{Column, tcp};
use crate::request::{Amount, Format, Output, View};
use clap::Args;
use std::time::Duration;

/// What TCP measures and counts.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ROWS)]
pub(super) struct InternalsArguments {
    /// Add round-trip times, congestion window, retransmits and bytes of each TCP connection; under an interval also how much
    /// it sends and receives. With --summary: bytes by process, on Linux also of connections that are closed between two
    /// displays. --columns takes each of these and many more. On Linux; macOS has mss, memory_receive and memory_send; on
    /// Windows, which collects them only after an administrator has switched that on, they are '-'.
    #[arg(long, help_heading = super::headings::SHOW, overrides_with = "tcp_info")]
    pub tcp_info: bool,

    /// Show only rows whose value in a column compares so: 'rtt>50ms', 'retransmits>0', 'process=nginx'. Operators: > >= < <=
    /// = !=; units: us ms s min h, B KiB MiB GiB TiB, B/s to TiB/s. Repeated: all must hold. A row without a value does not
    /// match.
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<String>,
}

impl InternalsArguments {
    /// The conditions, whose columns this system has.
    pub(super) fn conditions(&self) -> Result<Vec<Condition>, UsageError> {
        self.conditions.iter().map(|text| condition(text)).collect()
    }

    /// Refuses `--tcp-info` if there is nothing to add columns to.
    pub(super) fn check(&self, views: &[View], output: &Output) -> Result<(), UsageError> {
        let refuse = |sentence, hint| Err(UsageError::new(sentence, hint));
        match views {
            _ if !self.tcp_info => Ok(()),
            [View::Sockets] if output.amount != Amount::Rows => refuse(
                "--tcp-info adds columns, which --count and --quiet do not print",
                "Leave it out; --where needs no column.",
            ),
            [View::Sockets] if output.format == Format::Table => refuse(
                "--tcp-info goes with --format wide, csv, json or ndjson",
                "The classic table has fixed columns; without --format, --tcp-info means wide.",
            ),
            [View::Sockets | View::Summary] => Ok(()),
            _ => refuse("--tcp-info goes with the table of sockets and with --summary", "Leave it out."),
        }
    }

    /// The columns that `--tcp-info` adds.
    pub(super) fn columns(&self, interval: Option<Duration>) -> Vec<Column> {
        let rates = if interval.is_some() { tcp::RATES } else { &[] };
        if self.tcp_info { [tcp::TCP_INFO, rates].concat() } else { Vec::new() }
    }
}

pub(super) fn condition(text: &str) -> Result<Condition, UsageError> {
    let condition: Condition = text.parse().map_err(|error| {
        let hint = match error {
            ConditionError::UnknownColumn(_) => {
                let known: Vec<_> = SortKey::names().collect();
                format!("The columns with an order are {}.", known.join(", "))
            }
            ConditionError::NoOperator
            | ConditionError::NotComparable(_)
            | ConditionError::NotANumber { .. }
            | ConditionError::UnknownUnit { .. }
            | ConditionError::NoUnit { .. }
            | ConditionError::UnknownValue { .. } => "An example: --where 'rtt>50ms'.".to_owned(),
        };
        UsageError::new(format!("--where cannot be '{text}': {error}"), hint)
    })?;
    if !condition.column.is_on(platform::SYSTEM) {
        let sentence = format!("--where cannot rest on {}: {} does not have it", condition.column.name(), platform::SYSTEM);
        return Err(UsageError::new(sentence, "Nothing would match."));
    }
    if condition.column == Column::User && platform::SOCKETS_HAVE_USERS {
        let by_id = condition.by_user_id(users::id_of);
        let by_id = by_id.map_err(|error| UsageError::see_help(format!("--where cannot be '{text}': {error}")))?;
        return Ok(by_id.unwrap_or(condition));
    }
    Ok(condition)
}

/// Refuses rates without an interval: they are known from the second moment on.
pub(super) fn check_rates(columns: impl IntoIterator<Item = Column>, interval: Option<Duration>) -> Result<(), UsageError> {
    let rate = columns.into_iter().find(|column| matches!(column, Column::Rate(_)));
    match rate.filter(|_| interval.is_none()) {
        Some(rate) => Err(UsageError::new(
            format!("the column {} needs an interval", rate.name()),
            "Add a number of seconds at the end of the line: rates are known from the second display on.",
        )),
        None => Ok(()),
    }
}
