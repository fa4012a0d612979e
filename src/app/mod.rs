//! One run: understand, read, order, name, print.

mod document;
pub mod exit_code;
mod explain;
pub mod repeat;
mod rows;
mod summary;

use crate::app::exit_code::Exit;
use crate::cli::{self, Command};
use crate::lookup::hosts::{self, HostNames};
use crate::lookup::services::Services;
use crate::lookup::state_times::StateTimes;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::process::Facts;
use crate::model::route::Routing;
use crate::model::snapshot::Snapshot;
use crate::model::socket::Pid;
use crate::model::statistics::Section;
use crate::output::progress::Progress;
use crate::output::stdout::stdout;
use crate::reports::connections::{self, Naming, RowContext};
use crate::reports::rows::Lookups;
use crate::request::LineEnding;
use crate::request::{Amount, Format, Names, Request, View};
use crate::{order, platform, reports};
use anyhow::Context;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

/// Does what the command line asks for, and says with the exit status how it went.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Exit {
    platform::begin();
    let outcome = match cli::parse(words) {
        Ok(Command::Run(request)) => Run::new(*request).repeat(),
        Ok(Command::Print(text)) => print(text.as_bytes()).map(|()| Exit::Done),
        Err(error) => {
            print_error(&error.to_string());
            return Exit::Failed;
        }
    };
    match outcome {
        Ok(exit) => exit,
        // The reader has what it wanted (`| head`).
        Err(error) if is_closed_pipe(&error) => Exit::Done,
        Err(error) => {
            print_error(&format!("{error:#}"));
            Exit::Failed
        }
    }
}

/// What is kept between two displays.
struct Run {
    request: Request,
    hosts: HostNames,
    services: Services,
    own_name: Option<String>,
    directory: Lookups,
    components: HashMap<Pid, String>,
    times: StateTimes,
    buffer: Vec<u8>,
}

impl Run {
    fn new(request: Request) -> Self {
        let named = request.names != Names::Numeric;
        let with_services = named || request.output.format != Format::Table || request.views != [View::Connections];
        Self {
            services: if with_services { Services::load(&platform::services_file()) } else { Services::default() },
            own_name: named.then(hosts::own_name).flatten(),
            request,
            hosts: HostNames::default(),
            directory: Lookups::default(),
            components: HashMap::new(),
            times: StateTimes::default(),
            buffer: Vec::new(),
        }
    }

    fn repeat(mut self) -> anyhow::Result<Exit> {
        repeat::repeat(self.request.interval, || self.display())
    }

    fn display(&mut self) -> anyhow::Result<Exit> {
        if self.request.output.is_document() {
            return self.document();
        }
        let mut exit = Exit::Done;
        for (position, view) in self.request.views.clone().into_iter().enumerate() {
            exit = exit.max(match view {
                View::Connections => self.connections()?,
                View::Interfaces => self.interfaces()?,
                View::Statistics(section) => self.statistics(section)?,
                View::Routes => self.routes(position > 0)?,
                View::Consumers => self.consumers()?,
                View::Rdma => self.rdma()?,
                View::Summary => self.summary()?,
                View::Explanation(port) => self.explain(port)?,
            });
        }
        Ok(exit)
    }

    fn connections(&mut self) -> anyhow::Result<Exit> {
        let (snapshot, rows) = self.read();
        match (self.request.output.amount, self.request.output.format) {
            (Amount::Rows, Format::Table) => self.write_table(&snapshot, &rows),
            (Amount::Rows, _) => self.write_listing(&snapshot, &rows),
            (Amount::Count, _) => writeln!(self.buffer, "{}", rows.len()),
            (Amount::Nothing, _) => Ok(()),
        }
        .context(WRITING)?;
        self.flush_buffer()?;
        Ok(self.outcome(&snapshot, &rows))
    }

    /// The sockets, and which of them are wanted, in the order wanted.
    fn read(&mut self) -> (Snapshot, Vec<u32>) {
        let _progress = Progress::of("reading the sockets");
        let mut snapshot = platform::snapshot(&self.request.sockets, self.request.owner_search());
        self.directory.processes.begin_refresh();
        snapshot.problems.extend_from_slice(&self.request.unmet);
        let mut rows = order::windows_order(&snapshot.sockets);
        self.request.sockets.filter.retain_owned(&mut rows, &snapshot);
        order::sort(&mut rows, &self.request.sort, &snapshot);
        (snapshot, rows)
    }

    /// Tells what is missing, and whether anything was found.
    fn outcome(&self, snapshot: &Snapshot, rows: &[u32]) -> Exit {
        let filter = &self.request.sockets.filter;
        match report(snapshot, !filter.owners.is_empty()) {
            Exit::Done if rows.is_empty() && !filter.is_empty() => Exit::NothingMatched,
            exit => exit,
        }
    }

    fn look_up_hosts(&mut self, snapshot: &Snapshot, rows: &[u32]) {
        if let Names::Resolved { limit, .. } = self.request.names {
            let _progress = Progress::of("looking up names; -n does without");
            let remotes = rows.iter().map(|&row| snapshot.sockets[row as usize].remote.address);
            self.hosts.look_up(remotes.filter(|address| !address.is_unspecified() && !address.is_loopback()), limit);
        }
    }

    fn write_table(&mut self, snapshot: &Snapshot, rows: &[u32]) -> io::Result<()> {
        let columns = self.request.columns;
        if let Some(facts) = columns.process_facts() {
            let pids = owners_of(snapshot, rows);
            self.components.clear();
            if columns.executable {
                let components = pids.iter().filter_map(|&pid| Some((pid, platform::membership(pid).unit?)));
                self.components.extend(components);
            }
            self.directory.processes.look_up(pids, facts);
            self.directory.processes.look_up_user_names();
        }
        self.look_up_hosts(snapshot, rows);
        let now = Instant::now();
        if columns.time_in_state && self.request.interval.is_some() {
            self.times.observe(rows.iter().map(|&row| &snapshot.sockets[row as usize]), now);
        }
        let naming = match self.request.names {
            Names::Resolved { qualified, .. } => {
                Some(Naming { hosts: &self.hosts, services: &self.services, own_name: self.own_name.as_deref(), qualified })
            }
            Names::Numeric => None,
        };
        let known = RowContext {
            processes: &self.directory.processes,
            components: &self.components,
            times: (&self.times, now),
            naming: naming.as_ref(),
        };
        let _progress = Progress::of_writing();
        if !self.request.output.no_header {
            connections::write_heading(&mut self.buffer, &columns, self.request.language.connections());
        }
        let line_end = self.request.output.line_end;
        let flush = |buffer: &mut Vec<u8>| write_out(buffer, line_end);
        connections::write_rows(&mut self.buffer, snapshot, rows, &columns, known, flush)
    }
}

impl Run {
    fn interfaces(&mut self) -> anyhow::Result<Exit> {
        let (totals, problems) = platform::interface_totals();
        let nothing = is_unread(&problems);
        if !nothing {
            reports::interfaces::write(&mut self.buffer, &totals, self.request.language.interfaces());
        }
        self.flush_buffer()?;
        Ok(tell(&problems, nothing))
    }

    fn statistics(&mut self, section: Option<Section>) -> anyhow::Result<Exit> {
        let sections = section.as_ref().map_or(&Section::ALL[..], std::slice::from_ref);
        let (statistics, problems) = platform::statistics(sections);
        let nothing = statistics.has_counted_nothing();
        if !(nothing && is_unread(&problems)) {
            reports::statistics::write(&mut self.buffer, &statistics, sections, self.request.language.statistics());
        }
        self.flush_buffer()?;
        Ok(tell(&problems, nothing))
    }

    /// The routes begin with a rule, not with an empty line: what stands before them is divided from them here.
    fn routes(&mut self, follows: bool) -> anyhow::Result<Exit> {
        let (routing, problems) = platform::routing();
        let nothing = routing == Routing::default();
        if !(nothing && is_unread(&problems)) {
            if follows {
                self.buffer.push(b'\n');
            }
            let line_end = self.request.output.line_end;
            let flush = |buffer: &mut Vec<u8>| write_out(buffer, line_end);
            reports::routes::write(&mut self.buffer, &routing, self.request.language.routes(), flush).context(WRITING)?;
        }
        self.flush_buffer()?;
        Ok(tell(&problems, nothing))
    }

    fn consumers(&mut self) -> anyhow::Result<Exit> {
        let (snapshot, rows) = self.read();
        let consumers = reports::consumers::count(&snapshot, &rows);
        self.directory.processes.look_up(consumers.iter().filter_map(|consumer| consumer.pid), Facts::default());
        reports::consumers::write(&mut self.buffer, &consumers, &self.directory.processes, self.request.language.consumers());
        self.flush_buffer()?;
        Ok(self.outcome(&snapshot, &rows))
    }

    fn rdma(&mut self) -> anyhow::Result<Exit> {
        let (endpoints, problems) = platform::rdma();
        let nothing = endpoints.is_empty();
        if !(nothing && is_unread(&problems)) {
            reports::rdma::write(&mut self.buffer, &endpoints, self.request.language.rdma());
        }
        self.flush_buffer()?;
        Ok(tell(&problems, nothing))
    }

    fn flush_buffer(&mut self) -> anyhow::Result<()> {
        write_out(&mut self.buffer, self.request.output.line_end).and_then(|()| stdout().flush()).context(WRITING)
    }
}

/// The processes that hold any of these rows, each once.
fn owners_of(snapshot: &Snapshot, rows: &[u32]) -> Vec<Pid> {
    let owners = rows.iter().map(|&row| snapshot.owners.of(row as usize, &snapshot.sockets[row as usize]));
    let mut pids: Vec<Pid> = owners.flat_map(|owner| owner.pids()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Writes what is in the buffer, with these line ends, and empties it.
fn write_out(buffer: &mut Vec<u8>, line_end: LineEnding) -> io::Result<()> {
    line_end.write(&mut stdout(), buffer)?;
    buffer.clear();
    Ok(())
}

const WRITING: &str = "the output cannot be written";

/// Tells what is missing of the sockets. Hidden owners hide rows where rows are chosen by their owners.
fn report(snapshot: &Snapshot, chosen_by_owner: bool) -> Exit {
    if chosen_by_owner {
        let hides_rows = |kind| matches!(kind, ProblemKind::OwnersHidden | ProblemKind::OwnersUnreadable);
        tell_where(&snapshot.problems, |problem| problem.kind.is_incomplete() || hides_rows(problem.kind));
        return outcome(&snapshot.problems, snapshot.sockets.is_empty());
    }
    tell(&snapshot.problems, snapshot.sockets.is_empty())
}

/// Tells what is missing. Rows that may be missing are told in any case; the rest only to somebody who is looking.
/// Where `nothing` was read and something should have been, the view has failed.
fn tell(problems: &[Problem], nothing: bool) -> Exit {
    tell_where(problems, |problem| problem.kind.is_incomplete());
    outcome(problems, nothing)
}

fn tell_where(problems: &[Problem], in_any_case: impl Fn(&Problem) -> bool) {
    let watched = io::stderr().is_terminal();
    for problem in problems {
        if watched || in_any_case(problem) {
            print_error(&problem.message);
        }
    }
}

fn outcome(problems: &[Problem], nothing: bool) -> Exit {
    if nothing && is_unread(problems) { Exit::Failed } else { Exit::Done }
}

fn is_unread(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.kind == ProblemKind::TableUnreadable)
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = stdout();
    platform::LINE_END.write(&mut out, text).and_then(|()| out.flush()).context(WRITING)
}

/// Says something on stderr. Nobody is left to be told if that fails.
fn print_error(sentence: &str) {
    let _ = writeln!(io::stderr(), "rnetstat: {sentence}");
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(platform::is_closed_pipe)
}
