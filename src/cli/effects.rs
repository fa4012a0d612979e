//! Switches that have nothing to act on in a line are refused: none is silently ignored.

use super::{Arguments, UsageError};
use crate::model::owners::OwnerSearch;
use crate::platform::SYSTEM;
use crate::request::language::Language;
use crate::request::{Amount, Diff, Format, Names, OwnerSource, Request, SocketSource, Task, View};

impl Arguments {
    /// Refuses what has no effect on a request; notes what Windows' netstat takes without effect.
    pub(super) fn check_effects(&self, request: &mut Request) -> Result<(), UsageError> {
        let error = |sentence: &str, hint: &str| Err(UsageError::new(sentence, hint));
        let (reads_sockets, reads_owners) = what_is_read(request);
        if request.query.sources.sockets != SocketSource::Auto && !reads_sockets {
            return error("--sockets-from says where sockets are read from, and this line reads none", "Leave it out.");
        }
        if request.query.sources.owners != OwnerSource::Auto && !reads_owners {
            return error(
                "--owners-from says where owners are searched, and this line asks for none",
                "Add -o, another column or a filter of processes, or leave it out.",
            );
        }
        let names_users = request.needs(SYSTEM).users || request.needs(SYSTEM).processes.is_some_and(|facts| facts.user);
        let names_hosts = request.names != Names::Numeric && request.output.amount == Amount::Rows;
        let waits_for_names = !matches!(request.task, Task::Watch | Task::Events) && (names_hosts || names_users);
        if self.repetition.name_timeout.is_some() && !waits_for_names {
            return error(
                "--name-timeout limits the time for names, and this line looks up none",
                "Hosts have no names with -n and without rows, and in other formats than the table only with -f.",
            );
        }
        if request.output.amount != Amount::Rows && !request.sort.is_empty() {
            return error("--sort orders rows, and none are written", "Leave it out, or --count and --quiet.");
        }
        let is_text = match request.task {
            Task::Report | Task::Wait(_) | Task::Watch => request.output.amount == Amount::Rows,
            Task::Diff(_) | Task::Act(_) | Task::Events => false,
        };
        if request.language != Language::default() && !is_text {
            return error("--lang is for the headings of tables, and this line prints none", "Leave it out.");
        }
        if matches!(request.task, Task::Diff(_)) && request.output.no_header && request.output.format != Format::Ndjson {
            return error("--no-header leaves out headings, and differences have none", "It goes with --format ndjson.");
        }
        self.check_columns_without_table(request)
    }

    /// Columns and rows of a table that is not shown: refused for a question, noted for the letters that Windows' netstat takes
    /// beside its other views.
    fn check_columns_without_table(&self, request: &mut Request) -> Result<(), UsageError> {
        let Self { netstat, linux, .. } = self;
        let shows_table =
            request.views.contains(&View::Sockets) && matches!(request.task, Task::Report | Task::Watch | Task::Events);
        let of_columns = [
            (netstat.owner, "-o"),
            (netstat.fqdn, "-f"),
            (netstat.executable, "-b"),
            (netstat.offload, "-t"),
            (netstat.dscp, "-d"),
            (netstat.time_in_state, "-i"),
            (netstat.template, "-y"),
            (linux.programs, "--programs"),
            (linux.extend, "--extend"),
            (linux.timers, "--timers"),
        ];
        let added: Vec<&str> = of_columns.into_iter().filter_map(|(is_given, switch)| is_given.then_some(switch)).collect();
        let Some(first) = added.first().filter(|_| !shows_table) else { return Ok(()) };
        let is_windows_view = |view: &View| match view {
            View::Interfaces | View::Statistics(_) | View::Routes | View::Consumers | View::Rdma => true,
            View::Sockets | View::Summary | View::Explanations => false,
        };
        if request.views.iter().any(is_windows_view) {
            let is = if added.len() == 1 { "is" } else { "are" };
            request.notes.push(format!("{} {is} for the table of sockets, which this line does not show", added.join(" ")));
            return Ok(());
        }
        let sentence = format!("{first} is for the table of sockets, which this line does not show");
        Err(UsageError::new(
            sentence,
            "Leave it out: --summary, --explain, --wait, --diff, --end and --close have answers of their own.",
        ))
    }
}

/// Whether sockets and owners are read.
fn what_is_read(request: &Request) -> (bool, bool) {
    match &request.task {
        Task::Diff(Diff { later: Some(_), .. }) => (false, false),
        Task::Diff(Diff { later: None, .. }) | Task::Act(_) | Task::Watch | Task::Events => (true, true),
        Task::Report | Task::Wait(_) => {
            let sockets = request.sockets_to_read(SYSTEM).is_some();
            (sockets, sockets && request.owner_search(SYSTEM) != OwnerSearch::Skip)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::{Command, parse};
    use crate::model::system::System;
    use crate::platform::SYSTEM;
    use std::ffi::OsString;

    fn refusal(line: &str) -> Option<String> {
        parse(line.split(' ').map(OsString::from)).err().map(|error| error.sentence)
    }

    fn notes(line: &str) -> Vec<String> {
        match parse(line.split(' ').map(OsString::from)) {
            Ok(Command::Run(request)) => request.notes,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_source_is_refused_where_nothing_comes_from_it() {
        if SYSTEM != System::Linux {
            return;
        }
        for line in
            ["-an --owners-from proc", "-s --owners-from bpf", "-ano --count --owners-from bpf", "--diff a b --owners-from proc"]
        {
            assert!(refusal(line).unwrap().starts_with("--owners-from says"), "{line}");
        }
        for line in ["-s --sockets-from proc", "-r --sockets-from netlink", "--diff a b --sockets-from proc"] {
            assert!(refusal(line).unwrap().starts_with("--sockets-from says"), "{line}");
        }
        let taken =
            ["-ano", "-an --pid 1", "-an --count --process x", "--summary", "--explain 80", "--diff a", "--end --port 80", "-c"];
        for line in taken {
            assert_eq!(refusal(&format!("{line} --owners-from proc --sockets-from proc")), None, "{line}");
        }
    }

    #[test]
    fn a_time_for_names_is_refused_where_none_are_looked_up() {
        for line in ["-an", "--summary", "-a --format csv --columns local", "-s", "-a --count"] {
            assert!(refusal(&format!("{line} --name-timeout 1")).unwrap().starts_with("--name-timeout limits"), "{line}");
        }
        for line in ["-a", "-af --json", "-a --json", "--explain 80", "-tulpen"] {
            assert_eq!(refusal(&format!("{line} --name-timeout 1")), None, "{line}");
        }
    }

    #[test]
    fn what_changes_only_rows_is_refused_where_none_are_written() {
        for line in ["-an --count --sort pid", "-an --quiet --sort pid", "-an --count --lang ko", "--end --port 80 --lang ko"] {
            assert!(refusal(line).is_some(), "{line}");
        }
        for line in ["--summary -o", "--explain 80 --timers", "--diff a --extend", "--diff a --no-header", "--wait 80 -i"] {
            assert!(refusal(line).is_some(), "{line}");
        }
        assert_eq!(notes("-s -o -t"), ["-o -t are for the table of sockets, which this line does not show"]);
        assert_eq!([notes("-s -p tcp -o"), notes("-ano")], [[""; 0], [""; 0]]);
    }
}
