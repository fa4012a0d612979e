//! From arguments that clap accepted to a [`Request`] that makes sense.

use super::linux::LinuxArguments;
use super::netstat::NetstatArguments;
use super::views::{check, choose_sections, protocol, question, table, views};
use super::{Arguments, UsageError};
use crate::filter::{Filter, Scope};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::{Protocol, State, StateSet, Table, TableSet};
use crate::order::keys::SortKey;
use crate::request::{Columns, Format, Names, Query, Request, UdpRows, View};
use std::time::Duration;

/// The longest interval that is taken for meant.
const DAY: u64 = 24 * 60 * 60;

/// The interval of net-tools' `-c`, which names none.
const EVERY_SECOND: Duration = Duration::from_secs(1);

impl Arguments {
    pub(super) fn into_request(self) -> Result<Request, UsageError> {
        let Self { netstat, linux, .. } = &self;
        let output = self.output.output()?;
        let (ports, words) = netstat.words.iter().cloned().partition::<Vec<_>, _>(|word| word.starts_with(':'));
        let filter = self.filters.filter(&ports)?;
        let question = question(&self.questions, netstat)?;
        let (views, least) = match question {
            Some(view) => (vec![view], Scope::WithBound),
            None => (choose_sections(views(netstat)?, linux, filter.family), Scope::Unchanged),
        };
        check(&views, &output)?;
        let sort = self.sort.keys()?;
        refuse_choice_without_table(&views, &filter, &sort)?;
        let filter = match question {
            Some(View::Explanation(port)) => Filter { local_port: Some([port..=port].into_iter().collect()), ..filter },
            _ => filter,
        };
        let columns = Columns {
            owner: netstat.owner || linux.programs,
            program: linux.programs,
            offload: netstat.offload,
            dscp: netstat.dscp,
            time_in_state: netstat.time_in_state,
            template: netstat.template,
            executable: netstat.executable,
        };
        refuse_columns_without_table(&columns, output.format)?;
        let mut request = Request {
            views,
            sockets: Query { details: columns.details(), ..sockets(netstat, linux, filter, least)? },
            columns,
            sort,
            names: names(netstat, output.format),
            language: netstat.lang,
            interval: interval(&words)?.or(linux.continuous.then_some(EVERY_SECOND)),
            unmet: unmet(linux)?,
            output,
        };
        request.sockets.facts = request.row_facts();
        request.sockets.source = self.sources.sockets_from;
        Ok(request)
    }
}

/// A column that another form has not would pass for one that is empty.
fn refuse_columns_without_table(columns: &Columns, format: Format) -> Result<(), UsageError> {
    let switches = [(columns.dscp, 'd'), (columns.time_in_state, 'i'), (columns.offload, 't'), (columns.template, 'y')];
    match switches.iter().find(|(asked, _)| *asked) {
        Some((_, letter)) if format != Format::Table => Err(UsageError::new(
            format!("-{letter} adds a column to the classic table, and no other form has it"),
            "Leave out --format and --json, or the switch.",
        )),
        _ => Ok(()),
    }
}

/// A filter that nothing is tried by would pass for one that everything has passed.
fn refuse_choice_without_table(views: &[View], filter: &Filter, sort: &[SortKey]) -> Result<(), UsageError> {
    let shows = |view| views.contains(&view);
    let counts = views.iter().any(|view| matches!(view, View::Statistics(_)));
    let chosen = if counts { &Filter { family: None, ..filter.clone() } } else { filter };
    let filtered = shows(View::Connections) || shows(View::Consumers) || shows(View::Summary) || chosen.is_empty();
    let sorted = shows(View::Connections) || sort.is_empty();
    if filtered && sorted {
        return Ok(());
    }
    Err(UsageError::new(
        "filters and --sort are for the table of connections, which this line does not ask for",
        "-s with -p TCP, UDP, TCPv6 or UDPv6 shows the table too; -e, -r, --explain and -s alone do not.",
    ))
}

/// Raw sockets are none of the four tables. Next to tables that can be shown they are a problem that is told.
fn unmet(linux: &LinuxArguments) -> Result<Vec<Problem>, UsageError> {
    const SENTENCE: &str = "raw sockets (-w) cannot be shown by this version";
    match (linux.raw, linux.tcp || linux.udp) {
        (false, _) => Ok(Vec::new()),
        (true, true) => Ok(vec![Problem::new(ProblemKind::FactUnavailable, SENTENCE)]),
        (true, false) => Err(UsageError::new(SENTENCE, "-t chooses TCP and -u UDP.")),
    }
}

/// What the switches show, or more where a filter asks for more.
fn sockets(netstat: &NetstatArguments, linux: &LinuxArguments, filter: Filter, least: Scope) -> Result<Query, UsageError> {
    let asked = match (netstat.bound || netstat.consumers, netstat.all) {
        // Whoever holds a port holds it, bound or connected: -c counts them all.
        (true, _) => Scope::WithBound,
        (false, true) => Scope::All,
        (false, false) => least,
    };
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
    Ok(match protocol(netstat)? {
        Some(section) => shown.and(table(section).map_or(TableSet::NONE, |table| TableSet::NONE.with(table))),
        None => shown,
    })
}

fn states(scope: Scope) -> StateSet {
    match scope {
        Scope::WithBound => StateSet::ALL,
        Scope::All => StateSet::ALL.without(State::Bound),
        Scope::Unchanged => StateSet::ALL.without(State::Bound).without(State::Listening),
    }
}

/// The classic table names foreign addresses unless it is told not to; the other forms only if they are told to (`-f`).
fn names(netstat: &NetstatArguments, format: Format) -> Names {
    if netstat.numeric || (format != Format::Table && !netstat.fqdn) {
        return Names::Numeric;
    }
    Names::Resolved { qualified: netstat.fqdn, limit: netstat.name_timeout }
}

fn interval(words: &[String]) -> Result<Option<Duration>, UsageError> {
    let word = match words {
        [] => return Ok(None),
        [word] => word,
        [_, second, ..] => {
            return Err(UsageError::see_help(format!("one interval is enough: what is '{}'?", second.escape_debug())));
        }
    };
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UsageError::see_help(format!("the word '{}' is no switch and no interval", word.escape_debug())));
    }
    match word.parse::<u64>() {
        Ok(seconds @ 1..=DAY) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(UsageError::new(
            format!("the interval '{word}' is out of range"),
            format!("It is a number of seconds from 1 to {DAY}, a day."),
        )),
    }
}
