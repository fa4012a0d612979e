//! What stands in the columns that may be chosen, as text that is not yet made safe.

use super::json_records::{family_word, protocol_word};
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Pid, Socket};
use crate::output::escape::{escape_item, escape_name};
use crate::output::time::rfc3339;
use crate::reports::rows::{Row, range_of};
use crate::request::column::Column;
use std::borrow::Cow;
use std::net::IpAddr;

/// The text of a cell and whether it may hold what strangers wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// Numbers, addresses and fixed words.
    Known(Cow<'a, str>),
    /// Text from outside.
    Outside(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    fn word(word: Option<&'static str>) -> Self {
        Self::Known(word.unwrap_or_default().into())
    }

    fn number(number: impl ToString) -> Self {
        Self::Known(number.to_string().into())
    }

    fn outside(text: Option<&'a str>) -> Self {
        Self::Outside(text.unwrap_or_default().into())
    }
}

/// What stands in one column of a row; nothing where nothing is known.
pub(super) fn cell(row: Row<'_>, column: Column) -> Cell<'_> {
    let socket = row.socket;
    match column {
        Column::Protocol => Cell::Known(protocol_word(socket.protocol).into()),
        Column::Family => Cell::Known(family_word(socket).into()),
        Column::Local => Cell::Known(endpoint(socket, &socket.local).into()),
        Column::LocalAddress => Cell::Known(address(socket, socket.local.address).into()),
        Column::LocalPort => Cell::number(socket.local.port),
        Column::Remote => match (socket.peer(), row.remote_host()) {
            (Some(remote), Some(host)) => Cell::Outside(format!("{host}:{}", remote.port).into()),
            (Some(remote), None) => Cell::Known(endpoint(socket, remote).into()),
            (None, _) => Cell::word(None),
        },
        Column::RemoteAddress => Cell::Known(socket.peer().map_or(String::new(), |end| address(socket, end.address)).into()),
        Column::RemotePort => Cell::Known(socket.peer().map_or(String::new(), |end| end.port.to_string()).into()),
        Column::Interface => match row.interface() {
            None if socket.interface != 0 => Cell::number(socket.interface),
            name => Cell::outside(name),
        },
        Column::State => Cell::word(socket.state.map(|state| state.word())),
        Column::ReceiveQueue => Cell::number(socket.receive_queue),
        Column::SendQueue => Cell::number(socket.send_queue),
        Column::Timer => Cell::word(socket.timer.word()),
        Column::TimerMs => match socket.timer.word() {
            Some(_) => Cell::number(socket.expires_ms),
            None => Cell::word(None),
        },
        Column::Uid => Cell::Known(socket.owner_uid().map_or(String::new(), |uid| uid.to_string()).into()),
        Column::User => Cell::outside(row.user()),
        Column::Inode if socket.inode == 0 => Cell::word(None),
        Column::Inode => Cell::number(socket.inode),
        Column::OwnerStatus => Cell::word(Some(row.owners().status.word())),
        Column::Pid => Cell::Known(joined(" ", row.owners().pids().map(|pid| pid.to_string())).into()),
        Column::Process => Cell::Outside(each(row, |process| Some(process_name(process))).into()),
        Column::Executable => Cell::Outside(
            each(row, |process| Some(escape_item(&process.executable.as_ref()?.to_string_lossy()).into_owned())).into(),
        ),
        Column::CommandLine => Cell::Outside(each(row, |process| Some(command_line(process))).into()),
        Column::Started => Cell::Known(each(row, |process| process.started.and_then(rfc3339)).into()),
        Column::Service => Cell::outside(row.service()),
        Column::Range => Cell::word(Some(range_of(socket.local.port))),
        Column::Peer => Cell::Outside(peer(row).into()),
    }
}

/// The name of a process, quoted if it could be taken for something else.
pub(super) fn process_name(process: &Process) -> String {
    escape_name(&process.name.to_string_lossy()).into_owned()
}

/// `nginx (900)`; `(900)` for a process whose name is not known.
pub(super) fn name_and_pid(pid: Pid, process: Option<&Process>) -> String {
    match process {
        Some(process) => format!("{} ({pid})", process_name(process)),
        None => format!("({pid})"),
    }
}

/// The words of a command line as one text.
pub(super) fn command_line(process: &Process) -> String {
    joined(" ", process.command_line.iter().map(|word| word.to_string_lossy().into_owned()))
}

/// What each owner tells, each thing once, apart by a semicolon.
fn each(row: Row<'_>, tell: impl Fn(&Process) -> Option<String>) -> String {
    let mut told: Vec<String> = Vec::new();
    for text in row.processes().filter_map(|(_, process)| tell(process?)).filter(|text| !text.is_empty()) {
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told.join("; ")
}

fn joined(between: &str, texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(between)
}

/// The process at the other end, where that is on this host; else the service of a peer that is near.
fn peer(row: Row<'_>) -> String {
    let named = row.peers().iter().map(|&pid| name_and_pid(pid, row.process(pid)));
    let named = joined("; ", named);
    if !named.is_empty() {
        return named;
    }
    let near = row.socket.peer().filter(|remote| is_near(remote.address));
    near.and_then(|remote| row.service_of(remote)).unwrap_or_default().to_owned()
}

/// Whether an address is this host's or of a private network.
const fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// `192.0.2.7:443`, `[fe80::1%12]:546`.
pub(super) fn endpoint(socket: &Socket, end: &Endpoint) -> String {
    match end.address {
        IpAddr::V4(address) => format!("{address}:{}", end.port),
        IpAddr::V6(_) => format!("[{}]:{}", address(socket, end.address), end.port),
    }
}

/// `192.0.2.7`, `fe80::1%12`.
fn address(socket: &Socket, address: IpAddr) -> String {
    match socket.scope(address) {
        0 => address.to_string(),
        scope => format!("{address}%{scope}"),
    }
}
