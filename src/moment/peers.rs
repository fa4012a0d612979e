//! Who is at the other end of the connections within this host.

use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use std::collections::HashMap;

/// Which processes own the other end of the connections within this host: found by the reversed pair of endpoints.
#[derive(Debug, Default)]
pub struct Peers {
    owners: HashMap<(Protocol, Endpoint, Endpoint), Vec<Pid>>,
}

impl Peers {
    /// Takes the owners of each connected socket of a snapshot.
    pub fn of_snapshot(snapshot: &Snapshot) -> Self {
        let connected = snapshot.sockets.iter().enumerate().filter(|(_, socket)| socket.peer().is_some());
        let owned = connected.map(|(row, socket)| {
            let pids: Vec<Pid> = snapshot.owners.of(row, socket).pids().collect();
            ((socket.protocol, socket.local, socket.remote), pids)
        });
        Self { owners: owned.filter(|(_, pids)| !pids.is_empty()).collect() }
    }

    /// The owners of the other end of a socket; none if that is not on this host.
    pub fn of(&self, socket: &Socket) -> &[Pid] {
        self.owners.get(&(socket.protocol, socket.remote, socket.local)).map_or(&[], Vec::as_slice)
    }
}
