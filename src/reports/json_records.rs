//! Sockets and processes as the machine-readable formats tell them.

use crate::model::process::Process;
use crate::model::socket::{Endpoint, Family, Pid, Protocol, Socket};
use crate::output::json::{bytes_unless_text, hexadecimal, lossy};
use crate::output::time::rfc3339;
use crate::reports::rows::Row;
use serde::Serialize;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::net::IpAddr;

/// A socket with all that is known of it.
#[derive(Serialize)]
pub(super) struct SocketRecord<'a> {
    /// Only in NDJSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    protocol: &'static str,
    family: &'static str,
    ipv4_on_ipv6: bool,
    local: EndpointRecord<'a>,
    remote: Option<EndpointRecord<'a>>,
    state: Option<&'static str>,
    interface: Option<InterfaceRecord<'a>>,
    receive_queue: u32,
    send_queue: u32,
    timer: Option<TimerRecord>,
    uid: Option<u32>,
    user: Option<&'a str>,
    inode: Option<u32>,
    owner_status: &'static str,
    owners: Vec<OwnerRecord<'a>>,
}

#[derive(Serialize)]
struct EndpointRecord<'a> {
    address: IpAddr,
    port: u16,
    scope: Option<u32>,
    interface: Option<&'a str>,
    service: Option<&'a str>,
    host: Option<&'a str>,
}

#[derive(Serialize)]
struct InterfaceRecord<'a> {
    index: u32,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct TimerRecord {
    kind: &'static str,
    remaining_ms: u32,
}

impl<'a> SocketRecord<'a> {
    pub(super) fn new(row: Row<'a>) -> Self {
        let socket = row.socket;
        let owners = row.owners();
        Self {
            r#type: None,
            protocol: protocol_word(socket.protocol),
            family: family_word(socket),
            ipv4_on_ipv6: socket.family == Family::V6 && socket.local.address.is_ipv4(),
            local: endpoint(row, &socket.local, None),
            remote: socket.peer().map(|remote| endpoint(row, remote, row.remote_host())),
            state: socket.state.map(|state| state.word()),
            interface: (socket.interface != 0).then(|| InterfaceRecord { index: socket.interface, name: row.interface() }),
            receive_queue: socket.receive_queue,
            send_queue: socket.send_queue,
            timer: socket.timer.word().map(|kind| TimerRecord { kind, remaining_ms: socket.expires_ms }),
            uid: socket.owner_uid(),
            user: row.user(),
            inode: Some(socket.inode).filter(|&inode| inode != 0),
            owner_status: owners.status.word(),
            owners: row.processes().map(|(pid, process)| OwnerRecord::new(pid, process)).collect(),
        }
    }
}

impl SocketRecord<'_> {
    /// The record as a line that tells what it is.
    pub(super) const fn of_type(mut self, name: &'static str) -> Self {
        self.r#type = Some(name);
        self
    }
}

/// The word for a protocol in the machine-readable formats.
pub(super) const fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

/// The word for the family of a socket's addresses in the machine-readable formats.
pub(super) const fn family_word(socket: &Socket) -> &'static str {
    match socket.table().family() {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

fn endpoint<'a>(row: Row<'a>, end: &Endpoint, host: Option<&'a str>) -> EndpointRecord<'a> {
    let scope = Some(row.socket.scope(end.address)).filter(|&scope| scope != 0);
    EndpointRecord {
        address: end.address,
        port: end.port,
        scope,
        interface: scope.and_then(|_| row.interface()),
        service: row.service_of(end),
        host,
    }
}

/// A process, as it owns a socket or is the parent of one that does.
#[derive(Serialize)]
pub(super) struct OwnerRecord<'a> {
    pid: Pid,
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    executable: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_deleted: Option<bool>,
    command_line: Option<Vec<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line_hex: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line_truncated: Option<bool>,
    user_id: Option<&'a str>,
    user: Option<&'a str>,
    start_time: Option<String>,
    parent: Option<Pid>,
}

impl<'a> OwnerRecord<'a> {
    pub(super) fn new(pid: Pid, process: Option<&'a Process>) -> Self {
        let name = process.map(|process| process.name.as_os_str());
        let executable = process.and_then(|process| process.executable.as_deref()).map(|path| path.as_os_str());
        let command_line = process.map(|process| process.command_line.as_slice()).filter(|words| !words.is_empty());
        let user = process.and_then(|process| process.user.as_ref());
        Self {
            pid,
            name: name.map(lossy),
            name_hex: name.and_then(bytes_unless_text),
            executable: executable.map(lossy),
            executable_hex: executable.and_then(bytes_unless_text),
            executable_deleted: executable.and(process).map(|process| process.executable_deleted),
            command_line_truncated: command_line.and(process).map(|process| process.command_line_truncated),
            command_line: command_line.map(|words| words.iter().map(|word| lossy(word)).collect()),
            command_line_hex: command_line
                .filter(|words| words.iter().any(|word| word.to_str().is_none()))
                .map(|words| words.iter().map(AsRef::<OsStr>::as_ref).map(hexadecimal).collect()),
            user_id: user.map(|user| user.id.as_str()),
            user: user.and_then(|user| user.name.as_deref()),
            start_time: process.and_then(|process| process.started).and_then(rfc3339),
            parent: process.and_then(|process| process.parent),
        }
    }
}
