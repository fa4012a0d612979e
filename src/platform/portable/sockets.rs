//! Sockets by the crate netstat2: the source of Android, and an oracle for tests on Linux.
//!
//! It has no queues, timers and scopes, gives a UDP socket no peer, and ends a list at an error of the kernel without saying so.

use crate::model::owners::{OwnerSearch, Owners, RowOwners};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, TableSet, Timer};
use crate::model::tcp_info::TcpFields;
use crate::request::Query;
use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, SocketInfo, TcpState, iterate_sockets_info};
use std::net::IpAddr;

/// Reads the sockets with their owners.
pub(crate) fn snapshot(query: &Query, search: OwnerSearch) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let sources = query.tables.sources().collect();
    let found = match iterate_sockets_info(families(sources), protocols(sources)) {
        Ok(found) => found,
        Err(error) => {
            let message = format!("the tables of sockets cannot be read: {error}");
            snapshot.problems.push(Problem::new(ProblemKind::TableUnreadable, message));
            return snapshot;
        }
    };
    let mut owners = RowOwners::default();
    let mut unreadable = 0;
    for found in found {
        let Ok(found) = found else {
            unreadable += 1;
            continue;
        };
        let socket = socket(&found);
        // A socket without a port is not bound to anything yet.
        if socket.local.port == 0 || !query.matches(&socket) {
            continue;
        }
        snapshot.sockets.push(socket);
        if found.associated_pids.is_empty() {
            owners.push_hidden();
        } else {
            owners.push_owned(found.associated_pids.iter().copied());
        }
    }
    if search != OwnerSearch::Skip {
        snapshot.owners = Owners::ByRow(owners);
    }
    snapshot.problems = problems(query, unreadable);
    snapshot
}

/// What this source does not give.
fn problems(query: &Query, unreadable: usize) -> Vec<Problem> {
    let mut problems = query.details.unavailable(TcpFields::NONE);
    if unreadable > 0 {
        let message = format!("{unreadable} sockets could not be read: rows are missing");
        problems.push(Problem::new(ProblemKind::TableIncomplete, message));
    }
    if query.tables.iter().any(|table| table.protocol() == Protocol::Udp) {
        let message = "the peers of UDP sockets cannot be read on this system";
        problems.push(Problem::new(ProblemKind::FactUnavailable, message));
    }
    if query.states.contains(State::Bound) {
        let message = "ports that are bound without listening cannot be read on this system: rows in the state BOUND are missing";
        problems.push(Problem::new(ProblemKind::FactUnavailable, message));
    }
    problems
}

fn families(tables: TableSet) -> AddressFamilyFlags {
    let mut flags = AddressFamilyFlags::empty();
    flags.set(AddressFamilyFlags::IPV4, tables.iter().any(|table| table.family() == Family::V4));
    flags.set(AddressFamilyFlags::IPV6, tables.iter().any(|table| table.family() == Family::V6));
    flags
}

fn protocols(tables: TableSet) -> ProtocolFlags {
    let mut flags = ProtocolFlags::empty();
    flags.set(ProtocolFlags::TCP, tables.iter().any(|table| table.protocol() == Protocol::Tcp));
    flags.set(ProtocolFlags::UDP, tables.iter().any(|table| table.protocol() == Protocol::Udp));
    flags
}

fn socket(found: &SocketInfo) -> Socket {
    let family = match found.local_addr() {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    };
    let (protocol, state, remote) = match &found.protocol_socket_info {
        ProtocolSocketInfo::Tcp(tcp) => (Protocol::Tcp, Some(state(tcp.state)), Endpoint::new(tcp.remote_addr, tcp.remote_port)),
        ProtocolSocketInfo::Udp(_) => (Protocol::Udp, None, Endpoint::unspecified(family)),
    };
    let local = Endpoint::new(found.local_addr(), found.local_port());
    let mut socket = Socket {
        protocol,
        family,
        state,
        timer: Timer::Off,
        local,
        remote,
        interface: 0,
        inode: 0,
        uid: 0,
        receive_queue: 0,
        send_queue: 0,
        expires_ms: 0,
    };
    socket.remote = remote.opposite(&local);
    socket
}

const fn state(state: TcpState) -> State {
    match state {
        TcpState::Closed => State::Closed,
        TcpState::Listen => State::Listening,
        TcpState::SynSent => State::SynSent,
        TcpState::SynReceived => State::SynReceived,
        TcpState::Established => State::Established,
        TcpState::FinWait1 => State::FinWait1,
        TcpState::FinWait2 => State::FinWait2,
        TcpState::CloseWait => State::CloseWait,
        TcpState::Closing => State::Closing,
        TcpState::LastAck => State::LastAck,
        TcpState::TimeWait => State::TimeWait,
        TcpState::DeleteTcb => State::DeleteTcb,
        TcpState::Unknown => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::{Pid, Table};
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    /// What both sources give of a row.
    type Fields = (Table, Endpoint, Endpoint, Option<State>, Option<Pid>);

    fn described(snapshot: &Snapshot, ports: &BTreeSet<u16>) -> Vec<Fields> {
        let mut rows: Vec<_> = snapshot
            .sockets
            .iter()
            .enumerate()
            .filter(|(_, socket)| ports.contains(&socket.local.port))
            .map(|(row, socket)| {
                let owner = snapshot.owners.of(row, socket).lowest();
                (socket.table(), socket.local, socket.remote, socket.state, owner)
            })
            .collect();
        rows.sort_by_key(|&(table, local, remote, _, _)| (table, local, remote));
        rows
    }

    #[test]
    fn it_gives_the_same_rows_of_this_process_as_the_backend_of_linux() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut ports: BTreeSet<u16> = [
            listener.local_addr().unwrap().port(),
            client.local_addr().unwrap().port(),
            server.local_addr().unwrap().port(),
            datagrams.local_addr().unwrap().port(),
        ]
        .into();
        let ipv6 = TcpListener::bind("[::1]:0").and_then(|tcp| Ok((UdpSocket::bind("[::1]:0")?, tcp)));
        match &ipv6 {
            Ok((udp, tcp)) => ports.extend([udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port()]),
            Err(error) => eprintln!("SKIPPED: the IPv6 half: {error}"),
        }
        let everything = Query::everything();
        let portable = described(&snapshot(&everything, OwnerSearch::All), &ports);
        let native = described(&crate::platform::snapshot(&everything, OwnerSearch::All), &ports);
        assert_eq!(portable, native);
        assert_eq!(portable.len(), if ipv6.is_ok() { 6 } else { 4 });
        assert!(portable.iter().all(|row| row.4 == Some(std::process::id())));
    }
}
