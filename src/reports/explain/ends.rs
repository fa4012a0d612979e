//! Sockets of an explanation, as a card names them.

use super::compute::Role;
use crate::model::owners::OwnerStatus;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Socket};
use crate::moment::row::Row;
use crate::reports::sockets::cells;
use crate::reports::sockets::wide::local_endpoint;

/// `TCP 0.0.0.0:443`.
pub(super) fn bound_to(row: Row<'_>) -> String {
    let bound = if Role::of(row) == Role::Bound { " (bound, not listening)" } else { "" };
    format!("{} {}{bound}", row.socket.protocol.word(), local_endpoint(row))
}

/// `TCP 192.0.2.1:443 to 198.51.100.7:50000`.
pub(super) fn between(row: Row<'_>) -> String {
    let to = row.socket.peer().map_or_else(String::new, |remote| format!(" to {}", endpoint(row.socket, remote)));
    format!("{} {}{to}", row.socket.protocol.word(), local_endpoint(row))
}

/// The processes that hold a socket, or why none is named.
pub(super) fn held_by(row: Row<'_>) -> String {
    let name = |process: &Process| process.name.to_string_lossy().into_owned();
    let names: Vec<String> =
        row.processes().map(|(pid, process)| cells::name_and_pid(pid, process.map(name).as_deref())).collect();
    match row.owners().status {
        OwnerStatus::Owned => match names.as_slice() {
            [first, second, third, rest @ ..] if rest.len() > 1 => format!("{first}, {second}, {third} and {} more", rest.len()),
            names => names.join(", "),
        },
        OwnerStatus::None => "no process".to_owned(),
        OwnerStatus::Denied => "a process that is hidden from you".to_owned(),
        OwnerStatus::Gone => "no process any more".to_owned(),
        OwnerStatus::Unsupported => "a process that this system does not tell".to_owned(),
    }
}

/// An end with the scope of its address.
pub(super) fn endpoint(socket: &Socket, end: &Endpoint) -> String {
    cells::endpoint(end, socket.scope(end.address))
}
