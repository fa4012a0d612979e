//! Closing connections over IPv4 by `SetTcpEntry`; Windows has no such call for IPv6.
#![allow(unsafe_code)] // The function reads a row from the caller's memory.

use super::ip_helper::TableBuffer;
use super::tables::{self, Class};
use crate::model::action::{Outcome, Report, SocketIdentity, SocketTarget};
use crate::model::socket::{Family, Protocol, Socket, State, Table};
use std::net::IpAddr;
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_MR_MID_NOT_FOUND, ERROR_SUCCESS};
use windows_sys::Win32::NetworkManagement::IpHelper::{MIB_TCP_STATE_DELETE_TCB, MIB_TCPROW_LH, MIB_TCPROW_LH_0, SetTcpEntry};

/// When each socket was made, which tells it from a later one with the same ends.
pub(crate) fn identify_sockets(targets: &[SocketTarget]) -> Vec<Result<SocketIdentity, Report>> {
    let read = read();
    let identity = |target: &SocketTarget| {
        if let Some(reason) = refusal(&target.socket) {
            return Err(Report::because(Outcome::Refused, reason));
        }
        let rows = read.as_ref().map_err(|reason| Report::because(Outcome::Failed, reason))?;
        let row = rows.iter().find(|(socket, _)| socket.id() == target.socket.id());
        match row {
            Some(&(_, cookie)) => Ok(SocketIdentity { cookie, mptcp: None }),
            None => Err(Report::because(Outcome::Gone, GONE)),
        }
    };
    targets.iter().map(identity).collect()
}

/// Closes each connection that is still the one that was identified.
pub(crate) fn close_sockets(targets: &[(SocketTarget, SocketIdentity)]) -> Vec<Report> {
    let is_there = |rows: &[(Socket, u64)], target: &SocketTarget, identity: &SocketIdentity| {
        rows.iter().any(|(socket, made)| socket.id() == target.socket.id() && *made == identity.cookie)
    };
    let before = read();
    let close = |(target, identity): &(SocketTarget, SocketIdentity)| match &before {
        Err(reason) => Report::because(Outcome::Failed, reason),
        Ok(rows) if !is_there(rows, target, identity) => Report::because(Outcome::Gone, GONE),
        Ok(_) => delete(&target.socket),
    };
    let mut reports: Vec<Report> = targets.iter().map(close).collect();
    // That the call succeeds does not mean that it did something: Wine has it in name alone.
    let after = read().unwrap_or_default();
    for (report, (target, identity)) in reports.iter_mut().zip(targets).filter(|(report, _)| report.outcome == Outcome::Closed) {
        if is_there(&after, target, identity) {
            *report = Report::because(Outcome::Failed, "Windows says that it is closed, and lists it still");
        }
    }
    reports
}

const GONE: &str = "it was closed meanwhile";

/// Why a socket cannot be closed on Windows.
fn refusal(socket: &Socket) -> Option<&'static str> {
    match (socket.family, socket.state) {
        (Family::V6, _) => Some("Windows closes connections over IPv4 alone: --end ends the process"),
        (Family::V4, Some(State::Listening)) => Some("Windows closes no listener: --end ends the process"),
        (Family::V4, _) => None,
    }
}

/// The TCP sockets of IPv4 and when they were made, 0 if the table does not have it.
fn read() -> Result<Vec<(Socket, u64)>, String> {
    let mut buffer = TableBuffer::default();
    let bytes = buffer.read(Table::Tcp4).map_err(|error| format!("the table cannot be read: {error}"))?;
    let mut rows = Vec::new();
    if !bytes.is_empty() {
        tables::parse(bytes, Table::Tcp4, Class::OwnerModule, |row| rows.push((row.socket, row.created.unwrap_or(0))))
            .map_err(|error| format!("the table is damaged: {error}"))?;
    }
    Ok(rows)
}

fn delete(socket: &Socket) -> Report {
    let (IpAddr::V4(local), IpAddr::V4(remote), Protocol::Tcp) = (socket.local.address, socket.remote.address, socket.protocol)
    else {
        return Report::because(Outcome::Refused, "Windows closes connections over IPv4 alone");
    };
    let row = MIB_TCPROW_LH {
        Anonymous: MIB_TCPROW_LH_0 { dwState: MIB_TCP_STATE_DELETE_TCB.cast_unsigned() },
        dwLocalAddr: u32::from_ne_bytes(local.octets()),
        dwLocalPort: socket.local.port.to_be().into(),
        dwRemoteAddr: u32::from_ne_bytes(remote.octets()),
        dwRemotePort: socket.remote.port.to_be().into(),
    };
    // SAFETY: the row outlives the call that reads it.
    match unsafe { SetTcpEntry(&raw const row) } {
        ERROR_SUCCESS => Report::of(Outcome::Closed),
        // The latter has no text: it is the answer to a program that is not elevated.
        ERROR_ACCESS_DENIED | ERROR_MR_MID_NOT_FOUND => {
            Report::because(Outcome::Failed, format!("Windows refuses it: {}", crate::platform::MORE_RIGHTS))
        }
        code => {
            let error = std::io::Error::from_raw_os_error(code.cast_signed());
            Report::because(Outcome::Failed, format!("Windows does not close it: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Endpoint;
    use crate::model::socket::tests::socket;

    #[test]
    fn ipv6_and_listeners_are_refused_and_what_is_not_there_is_gone() {
        let of = |socket| identify_sockets(&[SocketTarget { socket, namespace: None }]).remove(0).unwrap_err();
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        let connection = Socket { remote, state: Some(State::Established), inode: 0, ..socket("192.0.2.1", 50_000) };
        assert_eq!(of(connection), Report::because(Outcome::Gone, GONE));
        assert_eq!(of(Socket { family: Family::V6, ..connection }).outcome, Outcome::Refused);
        assert_eq!(of(socket("127.0.0.1", 80)).outcome, Outcome::Refused);
        let identity = SocketIdentity { cookie: 1, mptcp: None };
        assert_eq!(close_sockets(&[(SocketTarget { socket: connection, namespace: None }, identity)])[0].outcome, Outcome::Gone);
    }
}
