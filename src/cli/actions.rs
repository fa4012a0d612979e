//! The switches that act: `--end` and `--close`.

use super::{Arguments, UsageError, invalid_value};
use crate::filter::Scope;
use crate::model::action::{Action, Ending};
use crate::request::{Act, Amount, Consent, Format, Output, Query, View};
use clap::Args;
use std::time::Duration;

/// How long processes may take to end, unless something else is said.
const GRACE: Duration = Duration::from_secs(5);

/// Acting on the rows.
#[derive(Args, Debug)]
#[command(next_help_heading = "Acting on the rows (a question is asked first)")]
pub(super) struct ActionArguments {
    /// End the processes that own the listeners which the filters leave, or with --pid those processes: SIGTERM, and with --force
    /// SIGKILL after that. What a service manager or a container engine would start again is named with the command that stops
    /// it. Exit status: 0 all ended, 1 nothing matched or the answer was no, 2 a process was refused or did not end. rnetstat
    /// --end :8080
    #[arg(long, overrides_with = "end")]
    pub end: bool,

    /// Close the sockets that the filters leave; their processes see an error (Linux, as root; Windows: IPv4). Listeners only
    /// with --force, because their processes live on without them. Exit status as of --end. rnetstat --close --remote 192.0.2.9
    #[arg(long, overrides_with = "close")]
    pub close: bool,

    /// With --end or --close: do not ask.
    #[arg(long, overrides_with = "yes")]
    pub yes: bool,

    /// With --end or --close: show what would be done, and do nothing.
    #[arg(long, overrides_with = "dry_run")]
    pub dry_run: bool,

    /// With --end: kill processes that do not end. With --close: close listeners too.
    #[arg(long, overrides_with = "force")]
    pub force: bool,

    /// With --end: the seconds that processes have to end; 5 without it.
    #[arg(long, value_name = "SECONDS", overrides_with = "grace")]
    pub grace: Option<String>,
}

impl ActionArguments {
    /// What is done, if anything.
    pub(super) fn act(&self) -> Result<Option<Act>, UsageError> {
        let action = match (self.end, self.close) {
            (true, true) => {
                return Err(UsageError::new("--end and --close are mutually exclusive", "--end closes the sockets too."));
            }
            (true, false) => Action::End,
            (false, true) => Action::Close,
            (false, false) => {
                let asked = [
                    (self.yes, "--yes"),
                    (self.dry_run, "--dry-run"),
                    (self.force, "--force"),
                    (self.grace.is_some(), "--grace"),
                ];
                return match asked.into_iter().find(|(is_asked, _)| *is_asked) {
                    Some((_, switch)) => Err(UsageError::see_help(format!("{switch} goes with --end and --close"))),
                    None => Ok(None),
                };
            }
        };
        let consent = match (self.yes, self.dry_run) {
            (true, true) => {
                return Err(UsageError::new(
                    "--yes and --dry-run are mutually exclusive",
                    "--dry-run does nothing, and asks nothing.",
                ));
            }
            (true, false) => Consent::Given,
            (false, true) => Consent::Withheld,
            (false, false) => Consent::Asked,
        };
        if action == Action::Close && self.grace.is_some() {
            return Err(UsageError::new("--grace goes with --end", "A socket is closed at once."));
        }
        let grace = self.grace()?.unwrap_or(GRACE);
        Ok(Some(Act { action, ending: Ending { grace, force: self.force }, consent }))
    }

    fn grace(&self) -> Result<Option<Duration>, UsageError> {
        const MOST: u64 = 3600;
        let Some(value) = &self.grace else { return Ok(None) };
        match value.parse::<u64>() {
            Ok(seconds @ 0..=MOST) => Ok(Some(Duration::from_secs(seconds))),
            _ => {
                let reason = format!("expected a number of seconds from 0 to {MOST}");
                Err(UsageError::see_help(invalid_value(value, "--grace", &reason)))
            }
        }
    }
}

impl Arguments {
    /// What goes with an action. Whoever acts says on what.
    pub(super) fn check_act(&self, act: &Act, views: &[View], output: &Output, has_interval: bool) -> Result<(), UsageError> {
        let switch = format!("--{}", act.action.word());
        let error = |sentence: String, hint: &str| Err(UsageError::new(sentence, hint));
        match (output.format, output.amount) {
            (Format::Wide | Format::Csv | Format::OpenMetrics, _) => {
                return error(
                    format!("{switch} answers as text, json or ndjson"),
                    "Leave --format, --wide and --columns out, or use --json.",
                );
            }
            (_, Amount::Count) => return error(format!("{switch} has no --count"), "--dry-run shows what would be done."),
            (Format::Table | Format::Json | Format::Ndjson, Amount::Rows | Amount::Nothing) => {}
        }
        if views != [View::Sockets] {
            return error(format!("{switch} acts on the table of sockets alone"), "Leave the other views out.");
        }
        if has_interval {
            return error(format!("{switch} has no interval"), "It acts once.");
        }
        if self.output.columns.is_some() || !self.sort.sort.is_empty() || self.netstat.executable || self.output.no_header {
            return error(
                format!("--columns, --sort, --no-header and -b do not go with {switch}"),
                "It prints a line for each action.",
            );
        }
        let ports: Vec<&String> = self.netstat.words.iter().filter(|word| word.starts_with(':')).collect();
        if !self.filters.narrows(&ports) && !self.sources.namespace.iter().any(|name| !name.starts_with('!')) {
            return error(
                format!("{switch} needs a filter by port, address, PID, process or namespace"),
                "As ':8080' or '--pid 4711'; what a filter excludes with '!' is not enough, nor are states and users.",
            );
        }
        if act.action == Action::End && !self.filters.names_pids() {
            let has_remote = !self.filters.remote.is_empty() || !self.filters.remote_port.is_empty();
            return match has_remote {
                true => error(
                    "--end without --pid ends the owners of listeners, which have no foreign end".to_owned(),
                    "A client is not ended for talking to a port: --pid names it, --close closes its connection.",
                ),
                false => Ok(()),
            };
        }
        Ok(())
    }

    /// The rows that an action may be about: for [`Action::End`] those of listeners, unless processes are named.
    pub(super) fn rows_of_act(&self, act: &Act, query: Query) -> Result<Query, UsageError> {
        if act.action == Action::Close || self.filters.names_pids() {
            return Ok(query);
        }
        let query = query.listening();
        if query.states.is_empty() {
            return Err(UsageError::new(
                "--end without --pid ends the owners of listeners, which are in no such state",
                "--pid names a process, --close closes connections.",
            ));
        }
        Ok(query)
    }
}

/// The scope of the rows of an action: also those that are refused with the reason.
pub(super) const fn scope(act: &Act) -> Scope {
    match act.action {
        Action::End => Scope::All,
        Action::Close => Scope::WithBound,
    }
}
