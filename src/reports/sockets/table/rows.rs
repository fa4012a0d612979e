//! The rows of the classic table.

use super::{AT_EXTRAS, AT_STATE, Extra, Layout, Naming};
use crate::lookup::hosts::first_label;
use crate::model::owners::{OwnerStatus, Ownership};
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Protocol, Socket};
use crate::moment::row::{Row, Rows};
use crate::moment::value::Value;
use crate::output::escape::escape;
use crate::output::width::width;
use crate::output::{addresses, ordered_chunks};
use crate::reports::sockets::cells::cell_text;
use crate::request::column::{ClassicCell, Column};
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

/// Writes the rows, in the order given.
pub(super) fn write(out: &mut impl Write, rows: Rows<'_>, layout: &Layout<'_>) -> io::Result<()> {
    let write = |out: &mut Vec<u8>, positions: &[u32]| {
        let mut fetched = Vec::with_capacity(FETCHED);
        for positions in positions.chunks(FETCHED) {
            fetched.clear();
            fetched.extend(rows.at(positions).iter().map(|row| (row, *row.socket)));
            fetched.iter().for_each(|(row, socket)| write_row(out, *row, socket, layout));
        }
    };
    ordered_chunks::write_in_order(&mut Vec::new(), rows.positions(), write, |chunk| {
        out.write_all(chunk)?;
        chunk.clear();
        Ok(())
    })
}

fn write_row(out: &mut Vec<u8>, row: Row<'_>, socket: &Socket, layout: &Layout<'_>) {
    write_fixed(out, row, socket, layout.naming.as_ref());
    if !layout.extras.is_empty() {
        let start = out.len() - socket.state.map_or(0, |state| state.word().len());
        pad(out, start, AT_EXTRAS - AT_STATE);
        write_extras(out, row, &layout.extras);
    }
    out.push(b'\n');
    if layout.executables {
        write_executables(out, row);
    }
}

/// Writes the fixed columns, the state without its padding.
fn write_fixed(out: &mut Vec<u8>, row: Row<'_>, socket: &Socket, naming: Option<&Naming<'_>>) {
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
            write_named(out, row, naming);
            pad(out, start, ADDRESS);
            out.extend_from_slice(b"  ");
        }
    }

    out.extend_from_slice(socket.state.map_or("", |state| state.word()).as_bytes());
}

fn write_extras(out: &mut Vec<u8>, row: Row<'_>, extras: &[Extra]) {
    for (place, extra) in extras.iter().enumerate() {
        let start = out.len();
        write_extra(out, row, *extra);
        match extras.get(place + 1) {
            // As Windows has it.
            Some(next) if next.column == Column::Offload && extra.column == Column::Pid => out.push(b'\t'),
            Some(_) => {
                out.extend_from_slice(&[b' '; GAP]);
                pad(out, start, extra.classic.width);
            }
            None => {}
        }
    }
}

fn write_extra(out: &mut Vec<u8>, row: Row<'_>, extra: Extra) {
    match extra.classic.cell {
        ClassicCell::LowestPid => write_lowest_pid(out, row.owners()),
        ClassicCell::LowestName => write_lowest_name(out, row),
        ClassicCell::Offload => {
            let start = out.len();
            if let Value::Word(word) = row.value(extra.column) {
                out.extend_from_slice(word.as_bytes());
            }
            pad(out, start, OFFLOAD);
        }
        ClassicCell::Value => {
            let value = row.value(extra.column);
            let text = match (value, extra.column, row.nameless_user()) {
                (Value::Null, Column::User, Some(uid)) => uid.to_string(),
                (Value::Null, ..) => "-".into(),
                (value, ..) => cell_text(&value),
            };
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The lines of `-b`: for each owner its component, where it has one, and its executable. The service that made the socket
/// goes before the component that the whole process belongs to. Nothing where the system keeps the socket for itself.
fn write_executables(out: &mut Vec<u8>, row: Row<'_>) {
    const UNKNOWN: &[u8] = b" Can not obtain ownership information\n";
    match row.owners().status {
        OwnerStatus::None | OwnerStatus::Gone => {}
        OwnerStatus::Denied | OwnerStatus::Unsupported => out.extend_from_slice(UNKNOWN),
        OwnerStatus::Owned => {
            for (pid, process) in row.processes() {
                let Some(name) = process.and_then(Process::program) else {
                    out.extend_from_slice(UNKNOWN);
                    continue;
                };
                // The unit of a container is made up by what runs it.
                match (row.component(), row.container(pid)) {
                    (None, Some(container)) => {
                        let _ = writeln!(out, "  (container {})", escape(&container));
                    }
                    (component, _) => {
                        if let Some(component) = component.or_else(|| row.unit(pid)) {
                            let _ = writeln!(out, "  {}", escape(component));
                        }
                    }
                }
                let _ = writeln!(out, " [{}]", escape(&name.to_string_lossy()));
            }
        }
    }
}

/// The lowest PID; `0` if no process owns the socket; `-` if that is unknown.
fn write_lowest_pid(out: &mut Vec<u8>, owner: Ownership<'_>) {
    match (owner.lowest(), owner.status) {
        (Some(pid), _) => write_number(out, pid),
        (None, OwnerStatus::Denied | OwnerStatus::Unsupported) => out.push(b'-'),
        (None, OwnerStatus::Owned | OwnerStatus::None | OwnerStatus::Gone) => out.push(b'0'),
    }
}

/// The name of the process with the lowest PID; `-` if it is not known.
fn write_lowest_name(out: &mut Vec<u8>, row: Row<'_>) {
    match row.owners().lowest().and_then(|pid| row.process(pid)) {
        Some(process) => out.extend_from_slice(escape(&process.name.to_string_lossy()).as_bytes()),
        None => out.push(b'-'),
    }
}

/// An address column: `192.0.2.7:443`, `[2001:db8::7]:443`, `[fe80::1%12]:546`, and two blanks behind it.
fn write_endpoint(out: &mut Vec<u8>, socket: &Socket, endpoint: &Endpoint) {
    if let IpAddr::V4(address) = endpoint.address {
        const { assert!(ADDRESS == addresses::IPV4_ENDPOINT) };
        return addresses::write_ipv4_endpoint(out, address, endpoint.port);
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

fn write_named(out: &mut Vec<u8>, row: Row<'_>, naming: &Naming<'_>) {
    let socket = row.socket;
    let Endpoint { address, port } = socket.remote;
    let own = address.is_unspecified() || address.is_loopback();
    let name = if own { naming.own_name } else { row.remote_host() };
    match name.map(|name| if naming.qualified { name } else { first_label(name) }) {
        Some(name) if !name.is_empty() => out.extend_from_slice(escape(name).as_bytes()),
        _ => write_address(out, address, socket.scope(address)),
    }
    out.push(b':');
    match row.service_of(&socket.remote) {
        Some(service) => out.extend_from_slice(escape(service).as_bytes()),
        None => write_number(out, u32::from(port)),
    }
}

fn write_number(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Fills up with blanks what was written since `start`, until it takes so many cells of a terminal.
fn pad(out: &mut Vec<u8>, start: usize, cells: usize) {
    let text = out.get(start..).unwrap_or_default();
    let missing = match std::str::from_utf8(text) {
        Ok(text) if !text.is_ascii() => cells.saturating_sub(width(text)),
        _ => cells.saturating_sub(text.len()),
    };
    out.resize(out.len() + missing, b' ');
}
