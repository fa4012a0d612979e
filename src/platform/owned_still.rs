//! Whether a process still owns one of the sockets for which it was chosen, by the tables.

use crate::model::action::ProcessTarget;
use crate::model::owners::{OwnerSearch, OwnerStatus};
use crate::model::socket::{Socket, State};
use crate::request::Query;

/// Whether a process owns a socket with the ends of one of these; `None` if owners cannot be seen any more.
pub(crate) fn owned_still(target: &ProcessTarget) -> Option<bool> {
    let ports = target.sockets.iter().map(|socket| socket.local.port..=socket.local.port);
    let mut query = Query::everything();
    query.filter.local_port = Some(ports.collect());
    if !target.sockets.iter().any(|socket| matches!(socket.state, Some(State::Bound | State::Closed))) {
        query.states = query.states.without(State::Bound);
    }
    let snapshot = super::snapshot(&query, OwnerSearch::All);
    let is_one = |socket: &Socket| target.sockets.iter().any(|known| has_same_ends(known, socket));

    let mut is_hidden = !snapshot.problems.is_empty();
    for entry in snapshot.iter().filter(|entry| is_one(entry.socket)) {
        if entry.owners.pids().any(|pid| pid == target.pid) {
            return Some(true);
        }
        is_hidden |= entry.owners.status == OwnerStatus::Denied;
    }
    (!is_hidden).then_some(false)
}

/// Whether both are one socket as far as the tables of systems without inodes say. Its state may have changed.
fn has_same_ends(one: &Socket, other: &Socket) -> bool {
    (one.protocol, one.family, one.local, one.remote) == (other.protocol, other.family, other.local, other.remote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_owner_of_a_listener_owns_it_until_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let query = Query::everything().listening().on_local_port(port);
        let sockets = super::super::snapshot(&query, OwnerSearch::Skip).sockets;
        let of = |pid| ProcessTarget { pid, start: 0, executable: None, sockets: sockets.clone(), is_asked: true };
        assert_eq!((sockets.len(), owned_still(&of(std::process::id()))), (1, Some(true)));
        // Without rights it may be hidden whether another process shares it.
        assert_ne!(owned_still(&of(u32::MAX)), Some(true));
        drop(listener);
        assert_ne!(owned_still(&of(std::process::id())), Some(true));
    }
}
