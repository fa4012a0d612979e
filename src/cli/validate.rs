//! From arguments that clap accepted to a [`Request`] that makes sense.

use super::internals::check_rates;
use super::interval;
use super::linux::LinuxArguments;
use super::netstat::NetstatArguments;
use super::views::{check, choose_sections, protocols, question, table, views};
use super::{Arguments, UsageError, actions};
use crate::filter::namespaces::NamespaceSelection;
use crate::filter::{Filter, Scope};
use crate::lookup::users;
use crate::model::socket::{Protocol, State, StateSet, Table, TableSet};
use crate::order::keys::SortKey;
use crate::platform;
use crate::request::column::Column;
use crate::request::{Amount, Diff, Format, Names, Output, Query, Request, Task, UdpRows, View};
use std::collections::HashSet;
use std::time::Duration;

impl Arguments {
    pub(super) fn into_request(self) -> Result<Request, UsageError> {
        let Self { netstat, linux, .. } = &self;
        let output =
            self.output.output(linux.timers || self.internals.tcp_info && !self.questions.summary || self.screen.watch)?;
        let (ports, words) = self.repetition.words.iter().cloned().partition::<Vec<_>, _>(|word| word.starts_with(':'));
        let filter = Filter { conditions: self.internals.conditions()?, ..self.filters.filter(&ports)? };
        let task = self.task()?;
        let filters_as_switches = self.filters_as_switches(&ports);
        let question = question(&self.questions, &task, netstat)?;
        let (views, least) = match question {
            Some(view) => (vec![view], Scope::WithBound),
            None => {
                let is_of_all = output.format == Format::OpenMetrics && !linux.listeners;
                let least = if is_of_all { Scope::All } else { least_scope(&task, linux.listeners) };
                (choose_sections(views(netstat)?, linux, filter.family), least)
            }
        };
        self.internals.check(&views, &output)?;
        check(&views, &output, self.repetition.lang)?;
        let sort = self.sort.keys()?;
        refuse_choice_without_table(&views, &filter, &sort)?;
        let ports = match task.wait() {
            Some(wait) => vec![wait.question],
            None => self.questions.ports()?,
        };
        let filter = match views[..] {
            [View::Explanations] => {
                let local_port = ports.iter().map(|question| question.port..=question.port).collect();
                Filter { local_port: Some(local_port), ..filter }
            }
            _ => filter,
        };
        let asked = if netstat.bound { Scope::WithBound } else { asked_scope(netstat) };
        let chosen = self.output.chosen_columns(output.format)?;
        if chosen.is_some() && views != [View::Sockets] {
            return Err(UsageError::new("--columns goes with the table of sockets alone", "Leave it out."));
        }
        let sources = self.sources.sources()?;
        let namespaces = self.sources.namespaces(&views, &task)?;
        self.questions.check_try_bind(&namespaces)?;
        let asked = if matches!(namespaces, NamespaceSelection::Matching(_)) { asked.max(Scope::All) } else { asked };
        let mut added = added_columns(netstat, linux);
        added.extend((!namespaces.is_own()).then_some(Column::Namespace));
        let interval = match task {
            Task::Watch => Some(interval::of_screen(&words)?),
            Task::Report | Task::Wait(_) | Task::Diff(_) | Task::Act(_) | Task::Events => {
                interval::of_reports(&words, linux.continuous)?
            }
        };
        self.check_task(&task, &views, &output, interval, !filters_as_switches.is_empty())?;
        if output.format == Format::OpenMetrics {
            self.check_metrics(&added, interval)?;
        }
        let internals = self.internals.columns(interval);
        let columns = columns(chosen.as_deref(), &internals, &added, output.format);
        let conditions = filter.conditions.iter().map(|condition| condition.column);
        check_rates(columns.iter().copied().chain(sort.iter().map(|key| key.column)).chain(conditions), interval)?;
        let query =
            Query { sources, namespaces: namespaces.clone(), ..sockets(netstat, linux, filter.clone(), asked.max(least))? };
        let reports = task == Task::Report;
        let names_rows = netstat.all || netstat.bound || filter.states.is_some();
        let mut request = Request {
            query: match task {
                // Connections differ always: they are compared only if rows are asked for.
                Task::Diff(_) if !names_rows => query.listening(),
                Task::Act(act) => self.rows_of_act(&act, query)?,
                Task::Diff(_) | Task::Events | Task::Report | Task::Wait(_) | Task::Watch => query,
            },
            // Whoever owns a port owns it, bound or connected: -c counts them all.
            consumers: Query { sources, namespaces, ..sockets(netstat, linux, filter, Scope::WithBound)? },
            ports,
            try_bind: self.questions.try_bind,
            task,
            filters: filters_as_switches,
            columns_are_chosen: chosen.is_some(),
            columns,
            tcp_info: self.internals.tcp_info,
            executables: netstat.executable,
            sort,
            names: names(netstat, &views, output.format),
            name_limit: self.repetition.name_timeout.unwrap_or(users::LIMIT),
            views,
            language: self.repetition.lang,
            interval,
            notes: interval::note(&words).filter(|_| reports).into_iter().collect(),
            output,
        };
        self.check_effects(&mut request)?;
        Ok(request)
    }
}

impl Arguments {
    /// The filters as switches, as documents have them.
    fn filters_as_switches(&self, ports: &[String]) -> Vec<String> {
        let mut switches = self.filters.written(ports);
        switches.extend(self.internals.conditions.iter().map(|condition| format!("--where={condition}")));
        let mut namespaces = self.sources.namespace.clone();
        namespaces.sort_unstable();
        switches.extend((!namespaces.is_empty()).then(|| format!("--namespace={}", namespaces.join(","))));
        switches
    }

    /// What the run does.
    fn task(&self) -> Result<Task, UsageError> {
        let task = match (self.answers.task()?, self.actions.act()?) {
            (task, None) => task,
            (Task::Report, Some(act)) => Task::Act(act),
            (Task::Wait(_) | Task::Diff(_) | Task::Act(_) | Task::Watch | Task::Events, Some(act)) => {
                let sentence = format!("--{} goes with none of --wait, --diff and --events", act.action.word());
                return Err(UsageError::new(sentence, "Do one after the other."));
            }
        };
        match (task, self.screen.task()?) {
            (task, None) => Ok(task),
            (Task::Report, Some(watch)) => Ok(watch),
            (Task::Wait(_) | Task::Diff(_) | Task::Act(_) | Task::Watch | Task::Events, Some(_)) => Err(UsageError::new(
                "--watch goes with none of --wait, --diff, --events, --end and --close",
                "Do one after the other.",
            )),
        }
    }

    /// What goes with a task.
    fn check_task(
        &self,
        task: &Task,
        views: &[View],
        output: &Output,
        interval: Option<Duration>,
        has_filters: bool,
    ) -> Result<(), UsageError> {
        match task {
            Task::Wait(_) if interval.is_some() => {
                Err(UsageError::new("--wait has no interval", "It looks ten times a second; --timeout limits it."))
            }
            Task::Diff(diff) => self.check_diff(diff, views, output, interval, has_filters),
            Task::Act(act) => self.check_act(act, views, output, interval.is_some()),
            Task::Watch => self.check_screen(views, output),
            Task::Events => self.check_events(views, output),
            Task::Report | Task::Wait(_) => Ok(()),
        }
    }

    /// What goes with `--watch`.
    fn check_screen(&self, views: &[View], output: &Output) -> Result<(), UsageError> {
        let error = |sentence: &str, hint: &str| Err(UsageError::new(sentence, hint));
        match (output.format, output.amount) {
            _ if views != [View::Sockets] => error(
                "--watch shows the table of sockets alone",
                "Leave the other views out; a number of seconds repeats each of them: rnetstat -s 2.",
            ),
            (_, Amount::Count | Amount::Nothing) => {
                error("--watch has no --count and no --quiet", "Its first line counts the rows.")
            }
            (Format::Table | Format::Json | Format::Ndjson | Format::Csv | Format::OpenMetrics, Amount::Rows) => error(
                "--watch has no --format and no --json",
                "Its key w writes what is seen to a file; a number of seconds prints again: rnetstat -a --json 2.",
            ),
            (Format::Wide, Amount::Rows) if output.no_header || self.output.crlf => {
                error("--watch has no --no-header and no --crlf", "They are for what is printed.")
            }
            (Format::Wide, Amount::Rows) if self.netstat.executable => {
                error("-b does not go with --watch", "Use --columns with executable, or the key Enter.")
            }
            (Format::Wide, Amount::Rows) => Ok(()),
        }
    }

    /// What goes with `--diff`.
    fn check_diff(
        &self,
        diff: &Diff,
        views: &[View],
        output: &Output,
        interval: Option<Duration>,
        has_filters: bool,
    ) -> Result<(), UsageError> {
        let error = |sentence: &str, hint: &str| Err(UsageError::new(sentence, hint));
        match (output.format, output.amount) {
            (Format::Wide | Format::Csv | Format::OpenMetrics, _) => {
                return error(
                    "--diff is written as text, json or ndjson",
                    "Leave --format, --wide and --columns out, or use --json.",
                );
            }
            (_, Amount::Count) => return error("--diff has no --count", "--quiet answers with the exit status alone."),
            (Format::Table | Format::Json | Format::Ndjson, Amount::Rows | Amount::Nothing) => {}
        }
        if views != [View::Sockets] {
            return error("--diff compares the table of sockets alone", "Leave the other views out.");
        }
        if interval.is_some() {
            return error("--diff has no interval", "It compares once.");
        }
        if diff.later.is_some() && has_filters {
            return error("filters are for what is read now, and --diff reads two files", "Use them when the files are made.");
        }
        if self.output.columns.is_some() || !self.sort.sort.is_empty() || self.netstat.executable {
            return error("--columns, --sort and -b do not go with --diff", "It compares owner, state and backlog.");
        }
        Ok(())
    }
}

/// What a task shows at least.
const fn least_scope(task: &Task, listeners: bool) -> Scope {
    match task {
        Task::Watch | Task::Events if listeners => Scope::Unchanged,
        Task::Diff(_) | Task::Watch | Task::Events => Scope::All,
        Task::Act(act) => actions::scope(act),
        Task::Report | Task::Wait(_) => Scope::Unchanged,
    }
}

fn asked_scope(netstat: &NetstatArguments) -> Scope {
    if netstat.all { Scope::All } else { Scope::Unchanged }
}

/// The columns that switches add to any format.
fn added_columns(netstat: &NetstatArguments, linux: &LinuxArguments) -> Vec<Column> {
    let asked = [
        (netstat.owner || linux.programs, Column::Pid),
        (netstat.offload, Column::Offload),
        (netstat.dscp, Column::Dscp),
        (netstat.time_in_state, Column::TimeInState),
        (netstat.template, Column::Congestion),
        (linux.extend, Column::User),
        (linux.extend, Column::Inode),
        (linux.programs, Column::Process),
        (linux.timers, Column::Timer),
        (linux.timers, Column::TimerMs),
        (netstat.executable, Column::Executable),
    ];
    asked.into_iter().filter_map(|(asked, column)| asked.then_some(column)).collect()
}

/// The columns of a format: those chosen or its usual ones, and those that switches add. In the wide table the internals of
/// TCP come before the columns that are left out first.
fn columns(chosen: Option<&[Column]>, internals: &[Column], added: &[Column], format: Format) -> Vec<Column> {
    let mut columns = match (chosen, format) {
        (Some(chosen), _) => [chosen, internals].concat(),
        // The classic table shows executables under the row.
        (None, Format::Table) => {
            return added.iter().copied().filter(|column| column.definition().classic.is_some()).collect();
        }
        (None, Format::Wide) => {
            let (essential, rest) = Column::WIDE.split_at_checked(Column::ESSENTIAL).unwrap_or((Column::WIDE, &[]));
            [essential, internals, rest].concat()
        }
        (None, Format::Csv) => [Column::CSV, internals].concat(),
        (None, Format::OpenMetrics) => Column::METRICS.iter().copied().filter(|column| column.is_on(platform::SYSTEM)).collect(),
        (None, Format::Json | Format::Ndjson) => [Column::JSON, internals].concat(),
    };
    columns.extend(added);
    let mut seen = HashSet::new();
    columns.retain(|&column| seen.insert(column));
    columns
}

/// A filter that nothing is tried by would pass for one that everything has passed.
fn refuse_choice_without_table(views: &[View], filter: &Filter, sort: &[SortKey]) -> Result<(), UsageError> {
    let shows = |view| views.contains(&view);
    let has_families = views.iter().any(|view| matches!(view, View::Statistics(_) | View::Routes));
    let chosen = if has_families { &Filter { family: None, ..filter.clone() } } else { filter };
    let filtered = shows(View::Sockets) || shows(View::Consumers) || shows(View::Summary) || chosen.is_empty();
    let sorted = shows(View::Sockets) || sort.is_empty();
    if filtered && sorted {
        return Ok(());
    }
    Err(UsageError::new(
        "filters and --sort are for the table of connections, which this line does not ask for",
        "-s with -p TCP, UDP, TCPv6 or UDPv6 shows the table too; -e, -r, --explain and -s alone do not.",
    ))
}

/// What the switches show, or more where a filter asks for more.
fn sockets(netstat: &NetstatArguments, linux: &LinuxArguments, filter: Filter, asked: Scope) -> Result<Query, UsageError> {
    // `-a` and `-q` show the listeners among the rest, so that `-l` adds nothing to them, as with net-tools.
    let listeners_only = linux.listeners && asked == Scope::Unchanged;
    let scope = asked.max(filter.scope());
    let udp = match scope {
        _ if listeners_only => UdpRows::Listening,
        Scope::All | Scope::WithBound => UdpRows::All,
        Scope::Unchanged => UdpRows::Connected,
    };
    let states = if listeners_only { StateSet::NONE.with(State::Listening) } else { states(scope) };
    Ok(Query::new(tables(netstat, linux, scope)?, states, udp, filter))
}

fn tables(netstat: &NetstatArguments, linux: &LinuxArguments, scope: Scope) -> Result<TableSet, UsageError> {
    let either = !(linux.tcp || linux.udp);
    let is_shown = |table: &Table| match table.protocol() {
        Protocol::Tcp => linux.tcp || either,
        // Windows shows UDP, which has no connections, only under -a (and -q, which includes it).
        Protocol::Udp => linux.udp || either && (scope > Scope::Unchanged || linux.listeners),
    };
    let shown: TableSet = Table::ALL.into_iter().filter(is_shown).collect();
    let protocols = protocols(netstat)?;
    if protocols.is_empty() {
        return Ok(shown);
    }
    Ok(shown.and(protocols.into_iter().filter_map(table).collect()))
}

fn states(scope: Scope) -> StateSet {
    match scope {
        Scope::WithBound => StateSet::ALL,
        Scope::All => StateSet::ALL.without(State::Bound),
        Scope::Unchanged => StateSet::ALL.without(State::Bound).without(State::Listening),
    }
}

/// The classic table names foreign addresses unless it is told not to; the other forms only if they are told to (`-f`).
fn names(netstat: &NetstatArguments, views: &[View], format: Format) -> Names {
    let shows_rows = views.contains(&View::Sockets);
    if netstat.numeric || !shows_rows || (format != Format::Table && !netstat.fqdn) {
        return Names::Numeric;
    }
    Names::Resolved { qualified: netstat.fqdn }
}

#[cfg(test)]
mod tests {
    use crate::cli::parse;
    use crate::reports::tests::request;
    use crate::request::Format;
    use crate::request::column::Column;
    use std::ffi::OsString;

    #[test]
    fn a_number_that_may_be_meant_for_a_port_runs_with_a_note() {
        assert_eq!(request("-ano 59").notes, [""; 0]);
        let notes = request("8080").notes;
        assert_eq!(notes, ["printing again every 8080 seconds, until CTRL+C; ':8080' shows the sockets on port 8080"]);
        assert_eq!(request("-tulpni").notes, ["-i (interfaces): 'rnetstat -e' shows their counters"]);
    }

    #[test]
    fn a_number_behind_p_is_an_error_that_names_what_it_can_mean() {
        for line in ["-p 80", "-anp 80", "-tulpnp 80", "--dialect windows -p 80", "-P 80"] {
            let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
            assert_eq!(error.sentence, "'-p 80' can mean three things", "{line}");
            assert!(error.hint.contains("':80'") && error.hint.contains("'--pid 80'"), "{error}");
        }
    }

    #[test]
    fn a_format_may_be_named_in_any_letter_case_and_by_its_own_switch() {
        for (line, format) in [
            ("--format JSON", Format::Json),
            ("--wide", Format::Wide),
            ("--wide --format Wide", Format::Wide),
            ("--columns pid", Format::Wide),
            ("--timers", Format::Wide),
            ("-tulpen --wide", Format::Table),
            ("-an", Format::Table),
        ] {
            assert_eq!(request(line).output.format, format, "{line}");
        }
        for line in ["--wide --json", "--wide --format csv", "--json --format table"] {
            assert!(parse(line.split(' ').map(OsString::from)).is_err(), "{line}");
        }
        assert!(request("--timers --json").columns.contains(&Column::Timer));
    }
}
