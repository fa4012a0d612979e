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
#[command(next_help_heading = super::headings::ACT)]
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
        let ports: Vec<&String> = self.repetition.words.iter().filter(|word| word.starts_with(':')).collect();
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

#[cfg(test)]
mod tests {
    use crate::cli::parse;
    use crate::model::action::{Action, Ending};
    use crate::model::socket::{State, StateSet};
    use crate::reports::tests::request;
    use crate::request::{Act, Consent, Task, UdpRows};
    use std::ffi::OsString;
    use std::time::Duration;

    #[test]
    fn a_line_says_what_is_done_and_whether_it_is_asked() {
        let act = |line| match request(line).task {
            Task::Act(act) => act,
            other => panic!("{line}: {other:?}"),
        };
        let ending = Ending { grace: Duration::from_secs(5), force: false };
        let expected = Act { action: Action::End, ending, consent: Consent::Asked };
        assert_eq!(act("--end :8080"), expected);
        let killing = Ending { grace: Duration::from_secs(0), force: true };
        assert_eq!(act("--end --yes --force --grace 0 --pid 7"), Act { ending: killing, consent: Consent::Given, ..expected });
        let close = Act { action: Action::Close, consent: Consent::Withheld, ..expected };
        assert_eq!(act("--close --dry-run --remote 192.0.2.0/24"), close);
    }

    #[test]
    fn only_listeners_are_ended_by_port_and_every_socket_of_a_pid_counts() {
        let listening = StateSet::NONE.with(State::Listening);
        for line in ["--end :8080", "--end --process nginx", "--end --any-port 80", "--end --port 80 --pid !7"] {
            let query = request(line).query;
            assert!(query.filter.listening && query.states == listening && query.udp == UdpRows::Listening, "{line}");
        }
        for line in ["--end --pid 7", "--end :8080 --pid 7,8", "--close :8080"] {
            let query = request(line).query;
            assert!(query.states.contains(State::Established) && query.udp == UdpRows::All, "{line}");
        }
        assert!(request("--close :8080").query.states.contains(State::Bound));
    }

    #[test]
    fn whoever_acts_says_on_what_and_what_does_not_apply_is_refused() {
        for (line, sentence) in [
            ("--end", "--end needs a filter by port, address, PID, process or namespace"),
            ("--close --state established", "--close needs a filter"),
            ("--close --user root", "--close needs a filter"),
            ("--close --port !22", "--close needs a filter"),
            ("--close :!22", "--close needs a filter"),
            ("--close --listening --ipv4", "--close needs a filter"),
            ("--end :80 --remote 192.0.2.1", "--end without --pid ends the owners of listeners, which have no foreign end"),
            ("--end --remote-port 80", "--end without --pid ends the owners of listeners"),
            ("--end :80 --state established", "--end without --pid ends the owners of listeners, which are in no such state"),
            ("--end --close :80", "--end and --close are mutually exclusive"),
            ("--end :80 --yes --dry-run", "--yes and --dry-run are mutually exclusive"),
            ("-an --yes", "--yes goes with --end and --close"),
            ("-an --dry-run", "--dry-run goes with --end and --close"),
            ("-an --force", "--force goes with --end and --close"),
            ("-an --grace 5", "--grace goes with --end and --close"),
            ("--close :80 --grace 5", "--grace goes with --end"),
            ("--end :80 --grace soon", "invalid value 'soon' for --grace"),
            ("--end :80 --grace 3601", "invalid value '3601' for --grace"),
            ("--end :80 5", "--end has no interval"),
            ("--end :80 --format csv", "--end answers as text, json or ndjson"),
            ("--close :80 --wide", "--close answers as text, json or ndjson"),
            ("--end :80 --count", "--end has no --count"),
            ("--end :80 --columns pid --json", "--columns, --sort, --no-header and -b do not go with --end"),
            ("--end :80 -b", "--columns, --sort, --no-header and -b do not go with --end"),
            ("--end :80 -s", "filters and --sort are for the table"),
            ("--end :80 --wait 80", "--end goes with none of --wait, --diff and --events"),
        ] {
            let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
            assert!(error.sentence.starts_with(sentence), "{line}: {error}");
        }
    }
}
