//! One run: understand, read, order, name, print.

use crate::cli::{self, Command};
use crate::exit::Exit;
use crate::listing::{Directory, Listing, Peers};
use crate::names::hosts::{self, HostNames};
use crate::names::services::Services;
use crate::output::lines::Lines;
use crate::output::terminal;
use crate::process::Facts;
use crate::request::{Amount, Format, Names, OwnerSearch, Request, SocketRequest, View};
use crate::snapshot::{ProblemKind, Snapshot};
use crate::socket::{State, StateSet, TableSet};
use crate::views::connections::{self, Knowledge, Naming};
use crate::views::json::{Head, Section};
use crate::views::{csv, json, ndjson, wide};
use crate::{order, platform};
use anyhow::Context;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};

/// Does what the command line asks for, and says with the exit status how it went.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Exit {
    let outcome = match cli::parse(words) {
        Ok(Command::Run(request)) => Run::new(*request).repeat(),
        Ok(Command::Print(text)) => print(text.as_bytes()).map(|()| Exit::Done),
        Err(error) => {
            complain(&error.to_string());
            return Exit::Failed;
        }
    };
    match outcome {
        Ok(exit) => exit,
        // The reader has what it wanted (`| head`).
        Err(error) if is_closed_pipe(&error) => Exit::Done,
        Err(error) => {
            complain(&format!("{error:#}"));
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
    directory: Directory,
    buffer: Vec<u8>,
}

impl Run {
    fn new(request: Request) -> Self {
        let named = request.names != Names::Numeric;
        let with_services = named || request.output.format != Format::Table;
        Self {
            services: if with_services { Services::load(platform::services_file()) } else { Services::default() },
            own_name: named.then(hosts::own_name).flatten(),
            request,
            hosts: HostNames::default(),
            directory: Directory::default(),
            buffer: Vec::new(),
        }
    }

    fn repeat(mut self) -> anyhow::Result<Exit> {
        loop {
            let exit = self.display()?;
            let Some(pause) = self.request.interval else { return Ok(exit) };
            std::thread::sleep(pause);
        }
    }

    fn display(&mut self) -> anyhow::Result<Exit> {
        let mut exit = Exit::Done;
        for view in self.request.views.clone() {
            match view {
                View::Connections => exit = self.connections()?,
            }
        }
        Ok(exit)
    }

    fn connections(&mut self) -> anyhow::Result<Exit> {
        let mut snapshot = platform::snapshot(&self.request.sockets, self.request.owner_search());
        snapshot.problems.extend_from_slice(&self.request.unmet);
        let mut rows = order::windows_order(&snapshot.sockets);
        self.request.sockets.filter.retain_owned(&mut rows, &snapshot);
        order::sort(&mut rows, &self.request.sort, &snapshot);
        let mut out = Lines::new(BufWriter::with_capacity(BUFFER, io::stdout().lock()), self.request.output.line_end);
        match self.request.output.amount {
            Amount::Rows => {
                self.look_up_hosts(&snapshot, &rows);
                match self.request.output.format {
                    Format::Table => self.write_table(&mut out, &snapshot, &rows),
                    _ => self.write_listing(&mut out, &snapshot, &rows),
                }
            }
            Amount::Count => writeln!(out, "{}", rows.len()),
            Amount::Nothing => Ok(()),
        }
        .and_then(|()| out.flush())
        .context(WRITING)?;
        let filter = &self.request.sockets.filter;
        match report(&snapshot, !filter.owners.is_empty()) {
            Exit::Done if rows.is_empty() && !filter.is_empty() => Ok(Exit::NothingMatched),
            exit => Ok(exit),
        }
    }

    fn look_up_hosts(&mut self, snapshot: &Snapshot, rows: &[u32]) {
        if let Names::Resolved { limit, .. } = self.request.names {
            let remotes = rows.iter().map(|&row| snapshot.sockets[row as usize].remote.address);
            self.hosts.look_up(remotes.filter(|address| !address.is_unspecified() && !address.is_loopback()), limit);
        }
    }

    fn write_table(&mut self, out: &mut impl Write, snapshot: &Snapshot, rows: &[u32]) -> io::Result<()> {
        let columns = &self.request.columns;
        if columns.program {
            let owners = rows.iter().map(|&row| snapshot.owners.of(row as usize, &snapshot.sockets[row as usize]));
            self.directory.processes.look_up(owners.filter_map(|owner| owner.lowest()), Facts::default());
        }
        let naming = match self.request.names {
            Names::Resolved { qualified, .. } => {
                Some(Naming { hosts: &self.hosts, services: &self.services, own_name: self.own_name.as_deref(), qualified })
            }
            Names::Numeric => None,
        };
        let known = Knowledge { processes: &self.directory.processes, naming: naming.as_ref() };
        if !self.request.output.headless {
            connections::write_heading(&mut self.buffer, columns);
        }
        connections::write_rows(&mut self.buffer, snapshot, rows, columns, known, |buffer| {
            out.write_all(buffer)?;
            buffer.clear();
            Ok(())
        })
    }

    /// Writes the rows in one of the forms that tell more than the classic table.
    fn write_listing(&mut self, out: &mut impl Write, snapshot: &Snapshot, rows: &[u32]) -> io::Result<()> {
        let needs = self.request.needs();
        self.directory.look_up(snapshot, rows, needs);
        let peers = needs.peers.then(|| self.peers(snapshot));
        if let (Some(peers), Some(facts)) = (&peers, needs.processes) {
            self.directory.processes.look_up_more(peers.pids(snapshot, rows), facts);
        }
        let listing = Listing {
            snapshot,
            rows,
            directory: &self.directory,
            services: &self.services,
            hosts: (self.request.names != Names::Numeric).then_some(&self.hosts),
            peers: peers.as_ref(),
        };
        let output = &self.request.output;
        match output.format {
            Format::Json => json::write(out, &Head::now(&snapshot.problems), &[Section::Sockets(listing)]),
            Format::Ndjson => ndjson::write(out, &Head::now(&snapshot.problems), &[Section::Sockets(listing)]),
            Format::Csv => csv::write(out, &listing, output.columns(), output.headless),
            Format::Table | Format::Wide => {
                let look = wide::Look {
                    width: terminal::width(),
                    color: terminal::wants_color(output.color),
                    headless: output.headless,
                };
                wide::write(out, &listing, output.columns(), output.columns.is_some(), look)
            }
        }
    }

    /// Who is at the other end of connections within this host. A filter hides other ends, so that they are asked for
    /// without it.
    fn peers(&self, snapshot: &Snapshot) -> Peers {
        if self.request.sockets.filter.is_empty() && self.request.sockets.tables == TableSet::ALL {
            return Peers::of_snapshot(snapshot);
        }
        let connected = SocketRequest { states: StateSet::ALL.without(State::Listening), ..SocketRequest::everything() };
        Peers::of_snapshot(&platform::snapshot(&connected, OwnerSearch::All))
    }
}

/// Large enough that the system calls do not count.
const BUFFER: usize = 128 * 1024;

const WRITING: &str = "the output cannot be written";

/// Tells what is missing. Rows that may be missing are told in any case; hidden owners only to somebody who is looking,
/// unless rows were chosen by their owners.
fn report(snapshot: &Snapshot, chosen_by_owner: bool) -> Exit {
    let watched = io::stderr().is_terminal();
    for problem in &snapshot.problems {
        let hides_rows = chosen_by_owner && matches!(problem.kind, ProblemKind::OwnersHidden | ProblemKind::OwnersUnreadable);
        if watched || problem.kind.is_incomplete() || hides_rows {
            complain(&problem.message);
        }
    }
    let unread = snapshot.problems.iter().any(|problem| problem.kind == ProblemKind::TableUnreadable);
    if unread && snapshot.sockets.is_empty() { Exit::Failed } else { Exit::Done }
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).context(WRITING)
}

/// Says something on stderr. Nobody is left to be told if that fails.
fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "rnetstat: {sentence}");
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
