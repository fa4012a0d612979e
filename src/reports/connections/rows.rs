//! The rows of the table.

use super::{AT_EXTRAS, AT_STATE, Extra, Naming, RowContext};
use crate::lookup::hosts::first_label;
use crate::lookup::processes::Processes;
use crate::lookup::state_times::TimeInState;
use crate::model::details::Details;
use crate::model::owners::{OwnerStatus, Ownership};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Protocol, Socket};
use crate::output::escape::escape;
use crate::output::width::width;
use crate::output::{addresses, ordered_chunks};
use crate::request::Columns;
use std::io::{self, Write};
use std::net::IpAddr;

/// The width of an address column. Nothing is ever cut: a longer address moves the rest of its row to the right.
const ADDRESS: usize = addresses::IPV4_ENDPOINT;
/// The width of the offload column, also where it is the last.
const OFFLOAD: usize = 12;
/// Neighbours in the order are far apart in memory: so many are fetched at a time, for which the processor waits only once.
const FETCHED: usize = 64;
/// The gap between two columns, whatever stands in them.
const GAP: usize = 2;

/// Writes the rows, in the order given, and hands pieces of the text to `flush`.
pub fn write_rows(
    out: &mut Vec<u8>,
    snapshot: &Snapshot,
    rows: &[u32],
    columns: &Columns,
    known: RowContext<'_>,
    flush: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let extras = Extra::of(columns);
    let write = |out: &mut Vec<u8>, rows: &[u32]| {
        let mut fetched = Vec::with_capacity(FETCHED);
        for rows in rows.chunks(FETCHED) {
            fetched.clear();
            fetched.extend(rows.iter().map(|&row| snapshot.sockets[row as usize]));
            for (&row, socket) in rows.iter().zip(&fetched) {
                let owner = || snapshot.owners.of(row as usize, socket);
                write_row(out, socket, known.naming);
                if !extras.is_empty() {
                    let start = out.len() - socket.state.map_or(0, |state| state.word().len());
                    pad(out, start, AT_EXTRAS - AT_STATE);
                    let details = snapshot.details.get(row as usize).copied().unwrap_or_default();
                    write_extras(out, &Row { socket, details, owner: owner() }, &extras, known);
                }
                out.push(b'\n');
                if columns.executable {
                    let service = snapshot.services.get(&row).map(AsRef::as_ref);
                    write_executables(out, owner(), service, known);
                }
            }
        }
    };
    ordered_chunks::write_in_order(out, rows, write, flush)
}

/// Writes the fixed columns, the state without its padding.
fn write_row(out: &mut Vec<u8>, socket: &Socket, naming: Option<&Naming<'_>>) {
    out.extend_from_slice(b"  ");
    out.extend_from_slice(socket.protocol.word().as_bytes());
    out.extend_from_slice(b"    ");

    write_endpoint(out, socket, &socket.local);
    match naming {
        _ if socket.protocol == Protocol::Udp && socket.remote.is_unspecified() => {
            out.extend_from_slice(b"*:*                    ");
        }
        None => write_endpoint(out, socket, &socket.remote),
        Some(naming) => {
            let start = out.len();
            write_named(out, socket, naming);
            pad_text(out, start, ADDRESS);
            out.extend_from_slice(b"  ");
        }
    }

    out.extend_from_slice(socket.state.map_or("", |state| state.word()).as_bytes());
}

/// What the columns behind the state are filled from.
struct Row<'a> {
    socket: &'a Socket,
    details: Details,
    owner: Ownership<'a>,
}

fn write_extras(out: &mut Vec<u8>, row: &Row<'_>, extras: &[Extra], known: RowContext<'_>) {
    for (place, extra) in extras.iter().enumerate() {
        let start = out.len();
        write_extra(out, row, *extra, known);
        match extras.get(place + 1) {
            // As Windows has it.
            Some(Extra::Offload) if *extra == Extra::Pid => out.push(b'\t'),
            Some(_) => {
                pad_text(out, start, extra.width().saturating_sub(GAP));
                out.resize(out.len() + GAP, b' ');
            }
            None => {}
        }
    }
}

fn write_extra(out: &mut Vec<u8>, row: &Row<'_>, extra: Extra, known: RowContext<'_>) {
    let is_tcp = row.socket.protocol == Protocol::Tcp;
    match extra {
        Extra::Pid => write_owner(out, row.owner),
        Extra::Program => write_program(out, row.owner, known.processes),
        Extra::Offload => {
            // No system that is read here hands whole connections to its network cards.
            let start = out.len();
            out.extend_from_slice(if is_tcp { b"InHost" } else { b"" });
            pad(out, start, OFFLOAD);
        }
        Extra::Dscp => match row.details.dscp() {
            Some(dscp) => write_number(out, dscp.into()),
            None => out.push(b'-'),
        },
        Extra::TimeInState => {
            let (times, now) = known.times;
            let _ = match times.of(row.socket, row.details.age, now) {
                Some(TimeInState::Exactly(time)) => write!(out, "{:.1}s", time.as_secs_f64()),
                Some(TimeInState::AtLeast(time)) => write!(out, "{:.1}s+", time.as_secs_f64()),
                None => write!(out, "-"),
            };
        }
        Extra::Template => match row.details.congestion {
            Some(congestion) if is_tcp => out.extend_from_slice(escape(congestion.name()).as_bytes()),
            _ => out.push(b'-'),
        },
    }
}

/// The lines of `-b`: for each owner its component, where it has one, and its executable. The service that made the socket
/// goes before the component that the whole process belongs to. Nothing where the system keeps the socket for itself.
fn write_executables(out: &mut Vec<u8>, owner: Ownership<'_>, service: Option<&str>, known: RowContext<'_>) {
    const UNKNOWN: &[u8] = b" Can not obtain ownership information\n";
    match owner.status {
        OwnerStatus::None | OwnerStatus::Gone => {}
        OwnerStatus::Denied | OwnerStatus::Unsupported => out.extend_from_slice(UNKNOWN),
        OwnerStatus::Owned => {
            for pid in owner.pids() {
                let Some(name) = known.processes.get(pid).and_then(|process| process.program()) else {
                    out.extend_from_slice(UNKNOWN);
                    continue;
                };
                if let Some(component) = service.or(known.components.get(&pid).map(String::as_str)) {
                    let _ = writeln!(out, "  {}", escape(component));
                }
                let _ = writeln!(out, " [{}]", escape(&name.to_string_lossy()));
            }
        }
    }
}

/// The lowest PID; `0` where no process holds the socket; `-` where nobody may tell.
fn write_owner(out: &mut Vec<u8>, owner: Ownership<'_>) {
    match (owner.lowest(), owner.status) {
        (Some(pid), _) => write_number(out, pid),
        (None, OwnerStatus::Denied | OwnerStatus::Unsupported) => out.push(b'-'),
        (None, OwnerStatus::Owned | OwnerStatus::None | OwnerStatus::Gone) => out.push(b'0'),
    }
}

/// The name of the process with the lowest PID; `-` where it is not known.
fn write_program(out: &mut Vec<u8>, owner: Ownership<'_>, processes: &Processes) {
    match owner.lowest().and_then(|pid| processes.get(pid)) {
        Some(process) => out.extend_from_slice(escape(&process.name.to_string_lossy()).as_bytes()),
        None => out.push(b'-'),
    }
}

/// An address column: `192.0.2.7:443`, `[2001:db8::7]:443`, `[fe80::1%12]:546`, and two blanks behind it.
fn write_endpoint(out: &mut Vec<u8>, socket: &Socket, endpoint: &Endpoint) {
    if let IpAddr::V4(address) = endpoint.address {
        let text: &[u8; ADDRESS + 2] = &addresses::ipv4_endpoint(address, endpoint.port);
        return out.extend_from_slice(text);
    }
    let start = out.len();
    write_address(out, endpoint.address, socket.scope(endpoint.address));
    out.push(b':');
    write_number(out, u32::from(endpoint.port));
    pad(out, start, ADDRESS);
    out.extend_from_slice(b"  ");
}

fn write_address(out: &mut Vec<u8>, address: IpAddr, scope: u32) {
    match address {
        // Writing to a Vec cannot fail.
        IpAddr::V4(address) => write!(out, "{address}").unwrap_or_default(),
        IpAddr::V6(address) => {
            out.push(b'[');
            addresses::write_ipv6(out, address);
            if scope != 0 {
                out.push(b'%');
                write_number(out, scope);
            }
            out.push(b']');
        }
    }
}

fn write_named(out: &mut Vec<u8>, socket: &Socket, naming: &Naming<'_>) {
    let Endpoint { address, port } = socket.remote;
    let own = address.is_unspecified() || address.is_loopback();
    let name = if own { naming.own_name } else { naming.hosts.name(address) };
    match name.map(|name| if naming.qualified { name } else { first_label(name) }) {
        Some(name) if !name.is_empty() => out.extend_from_slice(escape(name).as_bytes()),
        _ => write_address(out, address, socket.scope(address)),
    }
    out.push(b':');
    match naming.services.name(port, socket.protocol) {
        Some(service) => out.extend_from_slice(escape(service).as_bytes()),
        None => write_number(out, u32::from(port)),
    }
}

fn write_number(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Fills up with blanks the text from outside that was written since `start`, as wide as a terminal shows it.
fn pad_text(out: &mut Vec<u8>, start: usize, cells: usize) {
    let text = out.get(start..).unwrap_or_default();
    let taken = if text.is_ascii() { text.len() } else { width(&String::from_utf8_lossy(text)) };
    out.resize(out.len() + cells.saturating_sub(taken), b' ');
}

/// Fills up with blanks the ASCII text that was written since `start`.
fn pad(out: &mut Vec<u8>, start: usize, width: usize) {
    out.resize(out.len().max(start + width), b' ');
}
