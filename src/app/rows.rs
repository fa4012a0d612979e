//! The forms of the connection table that tell more than the classic one.

use super::Run;
use crate::model::owners::OwnerSearch;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{State, StateSet, TableSet};
use crate::output::line_ending::Lines;
use crate::output::progress::Progress;
use crate::output::stdout::stdout;
use crate::output::{color, terminal};
use crate::platform;
use crate::reports::rows::{Listing, Peers};
use crate::reports::table_style::TableStyle;
use crate::reports::{csv, wide};
use crate::request::{Format, Names, Query};
use std::io::{self, Write};

impl Run {
    /// Looks up what the form needs for the rows, and writes them.
    pub(super) fn write_listing(&mut self, snapshot: &Snapshot, rows: &[u32]) -> io::Result<()> {
        let peers = self.look_up(snapshot, rows);
        let listing = self.listing(snapshot, rows, peers.as_ref());
        let output = &self.request.output;
        let _progress = Progress::of_writing();
        let mut out = Lines::new(stdout(), output.line_end);
        match output.format {
            Format::Csv => csv::write(&mut out, &listing, output.columns(), output.no_header)?,
            _ => wide::write(&mut out, &listing, output.columns(), output.columns.is_some(), self.look())?,
        }
        out.flush()
    }

    /// How tables made to be looked at are to look.
    pub(super) fn look(&self) -> TableStyle {
        let output = &self.request.output;
        TableStyle { width: terminal::width(), color: color::is_wanted(output.color), no_header: output.no_header }
    }

    /// Looks up what is needed to write the rows.
    pub(super) fn look_up(&mut self, snapshot: &Snapshot, rows: &[u32]) -> Option<Peers> {
        let needs = self.request.needs();
        self.directory.look_up(snapshot, rows, needs);
        let peers = needs.peers.then(|| self.peers(snapshot));
        if let (Some(peers), Some(facts)) = (&peers, needs.processes) {
            self.directory.processes.look_up(peers.pids(snapshot, rows), facts);
        }
        self.directory.processes.look_up_user_names();
        self.look_up_hosts(snapshot, rows);
        peers
    }

    /// The rows with what was looked up for them.
    pub(super) fn listing<'a>(&'a self, snapshot: &'a Snapshot, rows: &'a [u32], peers: Option<&'a Peers>) -> Listing<'a> {
        Listing {
            snapshot,
            rows,
            directory: &self.directory,
            services: &self.services,
            hosts: (self.request.names != Names::Numeric).then_some(&self.hosts),
            peers,
        }
    }

    /// Who is at the other end of connections within this host. A filter hides other ends, so that they are asked for
    /// without it.
    fn peers(&self, snapshot: &Snapshot) -> Peers {
        let sockets = &self.request.sockets;
        if sockets.filter.is_empty() && sockets.tables == TableSet::ALL && sockets.states.contains(State::Established) {
            return Peers::of_snapshot(snapshot);
        }
        let connected = Query { states: StateSet::ALL.without(State::Listening), ..Query::everything() };
        Peers::of_snapshot(&platform::snapshot(&connected, OwnerSearch::All))
    }
}
