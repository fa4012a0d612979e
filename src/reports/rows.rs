//! The rows that will be shown, and all that was looked up for them.

use crate::lookup::hosts::HostNames;
use crate::lookup::processes::Processes;
use crate::lookup::services::Services;
use crate::model::owners::Ownership;
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use crate::platform;
use crate::request::column::Needs;
use std::collections::HashMap;

/// Names that stand for the numbers of a snapshot.
#[derive(Debug, Default)]
pub struct Lookups {
    /// The processes that own sockets.
    pub processes: Processes,
    /// The names of user ids.
    pub users: HashMap<u32, Option<String>>,
    /// The names of interface indices.
    pub interfaces: HashMap<u32, Option<String>>,
}

impl Lookups {
    /// Looks up what is needed for these rows, each thing once. Processes are looked at anew, names are kept.
    pub fn look_up(&mut self, snapshot: &Snapshot, rows: &[u32], needs: Needs) {
        let sockets = || rows.iter().map(|&row| (row as usize, &snapshot.sockets[row as usize]));
        if let Some(facts) = needs.processes {
            let mut pids: Vec<Pid> = sockets().flat_map(|(row, socket)| snapshot.owners.of(row, socket).pids()).collect();
            pids.sort_unstable();
            pids.dedup();
            self.processes.look_up(pids, facts);
        }
        if needs.users {
            for uid in sockets().filter_map(|(_, socket)| socket.owner_uid()) {
                self.users.entry(uid).or_insert_with(|| platform::user_name(uid));
            }
        }
        if needs.interfaces {
            for index in sockets().map(|(_, socket)| socket.interface).filter(|&index| index != 0) {
                self.interfaces.entry(index).or_insert_with(|| platform::interface_name(index));
            }
        }
    }
}

/// The rows to be shown, in their order, with all that is known of them.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Where the rows stand.
    pub snapshot: &'a Snapshot,
    /// Their positions.
    pub rows: &'a [u32],
    /// What was looked up for them.
    pub directory: &'a Lookups,
    /// The names of ports.
    pub services: &'a Services,
    /// The names of addresses, where they were asked for.
    pub hosts: Option<&'a HostNames>,
    /// The processes at the other end of connections within this host, where they were asked for.
    pub peers: Option<&'a Peers>,
}

impl<'a> Listing<'a> {
    /// The rows, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'a>> {
        let listing = *self;
        self.rows.iter().map(move |&row| Row { listing, row: row as usize, socket: &listing.snapshot.sockets[row as usize] })
    }
}

/// One row to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    listing: Listing<'a>,
    row: usize,
    /// The socket itself.
    pub socket: &'a Socket,
}

impl<'a> Row<'a> {
    /// Who holds the socket.
    pub fn owners(self) -> Ownership<'a> {
        self.listing.snapshot.owners.of(self.row, self.socket)
    }

    /// Every process that holds the socket, lowest PID first; without its facts where it has exited meanwhile.
    pub fn processes(self) -> impl Iterator<Item = (Pid, Option<&'a Process>)> {
        let processes = &self.listing.directory.processes;
        self.owners().pids().map(|pid| (pid, processes.get(pid)))
    }

    /// The name of the user who made the socket; where the system does not tell, of the one whose process holds it.
    pub fn user(self) -> Option<&'a str> {
        match self.socket.owner_uid() {
            Some(uid) => self.listing.directory.users.get(&uid)?.as_deref(),
            None => self.processes().find_map(|(_, process)| process?.user.as_ref()?.name.as_deref()),
        }
    }

    /// The name of the interface that the socket is bound to.
    pub fn interface(self) -> Option<&'a str> {
        self.listing.directory.interfaces.get(&self.socket.interface)?.as_deref()
    }

    /// The name of the service of one end's port.
    pub fn service_of(self, end: &Endpoint) -> Option<&'a str> {
        self.listing.services.name(end.port, self.socket.protocol)
    }

    /// The service that the socket speaks: the name of its lower port that has one.
    pub fn service(self) -> Option<&'a str> {
        let (local, remote) = (&self.socket.local, &self.socket.remote);
        let (first, second) = if remote.port != 0 && remote.port < local.port { (remote, local) } else { (local, remote) };
        self.service_of(first).or_else(|| self.service_of(second))
    }

    /// The name of the remote address, where names were asked for and it has one.
    pub fn remote_host(self) -> Option<&'a str> {
        self.listing.hosts?.name(self.socket.remote.address)
    }

    /// The processes at the other end, where that is on this host.
    pub fn peers(self) -> &'a [Pid] {
        self.listing.peers.map_or(&[], |peers| peers.of(self.socket))
    }

    /// A process that was looked up.
    pub fn process(self, pid: Pid) -> Option<&'a Process> {
        self.listing.directory.processes.get(pid)
    }
}

/// Which processes hold the other end of the connections within this host: found by the turned pair of endpoints.
#[derive(Debug, Default)]
pub struct Peers {
    owners: HashMap<(Protocol, Endpoint, Endpoint), Vec<Pid>>,
}

impl Peers {
    /// Takes note of who holds each connected socket of a snapshot.
    pub fn of_snapshot(snapshot: &Snapshot) -> Self {
        let connected = snapshot.sockets.iter().enumerate().filter(|(_, socket)| socket.peer().is_some());
        let held = connected.map(|(row, socket)| {
            let pids: Vec<Pid> = snapshot.owners.of(row, socket).pids().collect();
            ((socket.protocol, socket.local, socket.remote), pids)
        });
        Self { owners: held.filter(|(_, pids)| !pids.is_empty()).collect() }
    }

    /// Who holds the other end of a socket; nobody where that is not on this host.
    pub fn of(&self, socket: &Socket) -> &[Pid] {
        self.owners.get(&(socket.protocol, socket.remote, socket.local)).map_or(&[], Vec::as_slice)
    }

    /// Every process at the other end of these rows.
    pub fn pids<'a>(&'a self, snapshot: &'a Snapshot, rows: &'a [u32]) -> impl Iterator<Item = Pid> + 'a {
        rows.iter().flat_map(|&row| self.of(&snapshot.sockets[row as usize])).copied()
    }
}

/// The range of ports that a port belongs to (RFC 6335, 6).
pub const fn range_of(port: u16) -> &'static str {
    match port {
        0..=1023 => "well-known",
        1024..=49151 => "registered",
        49152.. => "dynamic",
    }
}
