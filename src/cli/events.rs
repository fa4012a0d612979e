//! What goes with `--events`.

use super::linux::LinuxArguments;
use super::netstat::NetstatArguments;
use super::{Arguments, UsageError};
use crate::request::{Amount, Format, Output, View};

impl Arguments {
    /// Refuses what has no effect on events.
    pub(super) fn check_events(&self, views: &[View], output: &Output) -> Result<(), UsageError> {
        let error = |sentence: &str, hint: &str| Err(UsageError::new(sentence, hint));
        match output.format {
            Format::Json => {
                return error("--events has no end that a JSON document could have", "Use --format ndjson: an event a line.");
            }
            Format::Wide | Format::Csv | Format::OpenMetrics => {
                return error(
                    "--events is written as text or ndjson",
                    "Leave --format, --wide and --columns out, or use ndjson.",
                );
            }
            Format::Table if output.no_header => {
                return error("--events has a head in ndjson alone", "Leave --no-header out.");
            }
            Format::Table | Format::Ndjson => {}
        }
        if output.amount != Amount::Rows {
            return error("--events goes on until CTRL+C", "--count and --quiet answer once; --diff compares two moments.");
        }
        if views != [View::Sockets] {
            return error("--events is about the table of sockets alone", "Leave the other views out.");
        }
        if self.sources.all_namespaces || !self.sources.namespace.is_empty() {
            return error(
                "--events is about one network namespace",
                "Enter another one: nsenter --net=FILE rnetstat --events, or ip netns exec NAME rnetstat --events.",
            );
        }
        if self.adds_columns() || !self.sort.sort.is_empty() {
            return error(
                "events have fixed fields: --columns, --sort, --tcp-info, --timers, -b, -d, -e, -f, -i, -t and -y do not go with them",
                "They name owner, state and backlog, and the last bytes and round-trip time of closed connections.",
            );
        }
        Ok(())
    }

    /// Whether a switch adds to rows what events do not have. The owner is there without being asked for.
    const fn adds_columns(&self) -> bool {
        let NetstatArguments { offload, dscp, time_in_state, template, executable, fqdn, .. } = self.netstat;
        let LinuxArguments { extend, timers, .. } = self.linux;
        offload
            || dscp
            || time_in_state
            || template
            || executable
            || fqdn
            || extend
            || timers
            || self.internals.tcp_info
            || self.output.columns.is_some()
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::parse;
    use crate::model::socket::{State, Table, TableSet};
    use crate::model::system::System;
    use crate::platform::SYSTEM;
    use crate::reports::tests::request;
    use crate::request::{Format, Task, UdpRows};
    use std::ffi::OsString;
    use std::time::Duration;

    #[test]
    fn events_are_about_every_socket_and_take_their_seconds_from_the_interval() {
        let events = request("--events");
        assert_eq!((&events.task, events.interval, events.output.format), (&Task::Events, None, Format::Table));
        assert_eq!((events.query.tables, events.query.udp), (TableSet::ALL, UdpRows::All));
        assert!(events.query.states.contains(State::Listening) && !events.query.states.contains(State::Bound));
        assert_eq!(request("--events 5").interval, Some(Duration::from_secs(5)));
        assert!(request("--events 3600").notes.is_empty(), "nobody means a port");
        assert_eq!(request("--events -ano --format ndjson --no-header :443").output.format, Format::Ndjson);
        assert!(request("-q --events").query.states.contains(State::Bound));
        assert!(!request("--events -p udp").query.tables.contains(Table::Tcp4));
    }

    #[test]
    fn what_does_not_go_with_events_is_refused_with_what_to_do() {
        for (line, hint) in [
            ("--events --json", "Use --format ndjson"),
            ("--events --wide", "use ndjson"),
            ("--events --format csv", "use ndjson"),
            ("--events --no-header", "Leave --no-header out"),
            ("--events --count", "--count and --quiet answer once"),
            ("--events --quiet", "--count and --quiet answer once"),
            ("--events -s", "Leave the other views out"),
            ("--events -r", "Leave the other views out"),
            ("--events --summary", "Leave the other views out"),
            ("--events --explain 80", "Leave the other views out"),
            ("--events --wait 80", "Ask one after the other"),
            ("--events --diff a.json", "Ask one after the other"),
            ("--events --columns pid", "ndjson"),
            ("--events --sort pid", "They name owner, state and backlog"),
            ("--events --format ndjson --tcp-info", "They name owner, state and backlog"),
            ("--events -b", "They name owner, state and backlog"),
            ("--events 1 2", ""),
        ] {
            let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
            assert!(error.hint.contains(hint), "{line}: {error}");
        }
    }

    #[test]
    fn other_namespaces_are_refused_with_how_to_enter_them() {
        if SYSTEM != System::Linux {
            return;
        }
        for line in ["--events --all-namespaces", "--events --namespace web"] {
            let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
            assert!(error.hint.contains("nsenter"), "{line}: {error}");
        }
    }
}
