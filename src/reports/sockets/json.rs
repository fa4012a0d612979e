//! A socket in JSON: the fields that were asked for, derived from the column registry.

use crate::lookup::state_times::TimeInState;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Family, Pid};
use crate::model::time::rfc3339;
use crate::moment::row::{Row, Rows};
use crate::moment::value::Value;
use crate::output::json::{bytes_unless_text, hexadecimal, lossy};
use crate::request::column::{Column, tcp};
use crate::request::unit::Quantity;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::Path;

/// The fields of a socket that were asked for.
#[derive(Clone, Debug)]
pub(in crate::reports) struct Fields {
    parts: Vec<Part>,
    /// The fields of the object with the internals of a TCP connection.
    tcp_info: Vec<(&'static str, Column)>,
}

/// A field of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The value of one column.
    Scalar(Column),
    /// The family, and whether an IPv4 flow comes through an IPv6 socket.
    Family,
    Local(EndpointFields),
    Remote(EndpointFields),
    Interface,
    Timer {
        kind: bool,
        remaining_ms: bool,
    },
    TimeInState,
    Namespace,
    Owners(OwnerFields),
    Peers,
    TcpInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EndpointFields {
    address: bool,
    port: bool,
}

/// Which facts of an owner are shown beside its PID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reports) struct OwnerFields {
    name: bool,
    executable: bool,
    command_line: bool,
    start_time: bool,
    /// The user and the parent, which no column has.
    user_and_parent: bool,
}

impl OwnerFields {
    /// Everything that is known of a process.
    pub(in crate::reports) const ALL: Self =
        Self { name: true, executable: true, command_line: true, start_time: true, user_and_parent: true };

    /// What is looked up of an ancestor.
    pub(in crate::reports) const ANCESTOR: Self =
        Self { executable: false, command_line: false, user_and_parent: false, ..Self::ALL };
}

impl Fields {
    /// The fields of these columns; `are_chosen` if the user named them.
    pub(in crate::reports) fn of(columns: &[Column], are_chosen: bool) -> Self {
        let mut parts = Vec::new();
        let mut tcp_info = Vec::new();
        for column in Column::ALL.into_iter().filter(|column| columns.contains(column)) {
            let part = Part::of(column, columns, are_chosen);
            // Several columns may be of one field.
            if !parts.contains(&part) {
                parts.push(part);
            }
            tcp_info.extend(column.definition().json.strip_prefix(tcp::JSON_OBJECT).map(|name| (name, column)));
        }
        Self { parts, tcp_info }
    }

    /// Every field that a socket has if none are chosen.
    pub(in crate::reports) fn usual() -> Self {
        Self::of(Column::JSON, false)
    }
}

impl Part {
    fn of(column: Column, asked: &[Column], are_chosen: bool) -> Self {
        let endpoint = |whole, address, port| EndpointFields {
            address: asked.contains(&whole) || asked.contains(&address),
            port: asked.contains(&whole) || asked.contains(&port),
        };
        match column {
            Column::Protocol
            | Column::State
            | Column::ReceiveQueue
            | Column::SendQueue
            | Column::Uid
            | Column::OwnerStatus
            | Column::Offload
            | Column::Dscp
            | Column::Congestion
            | Column::User
            | Column::Inode
            | Column::Service
            | Column::Range
            | Column::Exposure => Self::Scalar(column),
            Column::Family => Self::Family,
            Column::Local | Column::LocalAddress | Column::LocalPort => {
                Self::Local(endpoint(Column::Local, Column::LocalAddress, Column::LocalPort))
            }
            Column::Remote | Column::RemoteAddress | Column::RemotePort => {
                Self::Remote(endpoint(Column::Remote, Column::RemoteAddress, Column::RemotePort))
            }
            Column::Interface => Self::Interface,
            Column::Timer | Column::TimerMs => {
                Self::Timer { kind: asked.contains(&Column::Timer), remaining_ms: asked.contains(&Column::TimerMs) }
            }
            Column::TimeInState => Self::TimeInState,
            Column::Namespace => Self::Namespace,
            Column::Pid | Column::Process | Column::Executable | Column::CommandLine | Column::Started => {
                Self::Owners(OwnerFields {
                    name: asked.contains(&Column::Process),
                    executable: asked.contains(&Column::Executable),
                    command_line: asked.contains(&Column::CommandLine),
                    start_time: asked.contains(&Column::Started),
                    user_and_parent: !are_chosen,
                })
            }
            Column::Peer => Self::Peers,
            Column::UpperLayer | Column::Tcp(_) | Column::Rate(_) => {
                if column.definition().json.starts_with(tcp::JSON_OBJECT) {
                    Self::TcpInfo
                } else {
                    Self::Scalar(column)
                }
            }
        }
    }
}

/// A socket with the fields that were asked for.
pub(in crate::reports) struct SocketRecord<'a> {
    pub(in crate::reports) row: Row<'a>,
    pub(in crate::reports) fields: &'a Fields,
    /// What stands before the fields of the socket: the type of an NDJSON line, the role in an explanation.
    pub(in crate::reports) before: Option<(&'static str, &'static str)>,
}

impl Serialize for SocketRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.row;
        let socket = row.socket;
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, value)) = self.before {
            map.serialize_entry(name, value)?;
        }
        for part in &self.fields.parts {
            match *part {
                Part::TcpInfo => {
                    let fields = TcpInfoRecord { row, fields: &self.fields.tcp_info };
                    map.serialize_entry("tcp_info", &socket.is_connection().then_some(fields))?;
                }
                Part::Scalar(column) => map.serialize_entry(column.definition().json, &Scalar(row.value(column)))?,
                Part::Family => {
                    map.serialize_entry("family", &Scalar(row.value(Column::Family)))?;
                    let ipv4_on_ipv6 = socket.family == Family::V6 && socket.local.address.is_ipv4();
                    map.serialize_entry("ipv4_on_ipv6", &ipv4_on_ipv6)?;
                }
                Part::Local(fields) => map.serialize_entry("local", &endpoint(row, &socket.local, fields, None))?,
                Part::Remote(fields) => {
                    let host = row.names_are_known().then(|| row.remote_host());
                    let remote = socket.peer().map(|remote| endpoint(row, remote, fields, host));
                    map.serialize_entry("remote", &remote)?;
                }
                Part::Interface => {
                    let index = Some(socket.interface).filter(|&index| index != 0);
                    map.serialize_entry("interface", &index.map(|index| InterfaceRecord { index, name: row.interface() }))?;
                }
                Part::Timer { kind, remaining_ms } => {
                    let scalar = |asked: bool, column| asked.then(|| Scalar(row.value(column)));
                    let timer =
                        TimerRecord { kind: scalar(kind, Column::Timer), remaining_ms: scalar(remaining_ms, Column::TimerMs) };
                    map.serialize_entry("timer", &socket.timer.word().map(|_| timer))?;
                }
                Part::TimeInState => {
                    let time = row.time_in_state();
                    map.serialize_entry("time_in_state_ms", &Scalar(row.value(Column::TimeInState)))?;
                    let is_least = time.map(|time| matches!(time, TimeInState::AtLeast(_)));
                    map.serialize_entry("time_in_state_at_least", &is_least)?;
                }
                Part::Namespace => {
                    map.serialize_entry("namespace", &row.namespace().and_then(|namespace| namespace.inode))?;
                }
                Part::Owners(fields) => {
                    let owners: Vec<_> = row.processes().map(|(pid, process)| OwnerRecord::new(pid, process, fields)).collect();
                    map.serialize_entry("owners", &owners)?;
                }
                Part::Peers => {
                    let name = |pid| row.process(pid).map(|process| lossy(&process.name));
                    let peers: Vec<_> = row.peers().iter().map(|&pid| PeerRecord { pid, name: name(pid) }).collect();
                    map.serialize_entry("peers", &peers)?;
                }
            }
        }
        map.end()
    }
}

/// One socket as a JSON text, with the fields of these columns and everything that is known of its owners.
#[cfg(feature = "watch")]
pub(crate) fn record(row: Row<'_>, columns: &[Column]) -> serde_json::Result<String> {
    serde_json::to_string(&SocketRecord { row, fields: &Fields::of(columns, false), before: None })
}

/// Several sockets with the same fields.
pub(in crate::reports) struct SocketRecords<'a> {
    pub(in crate::reports) rows: Rows<'a>,
    pub(in crate::reports) fields: &'a Fields,
}

impl Serialize for SocketRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter_ahead().map(|row| SocketRecord { row, fields: self.fields, before: None }))
    }
}

/// The value of a column.
struct Scalar<'a>(Value<'a>);

impl Serialize for Scalar<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Null => serializer.serialize_none(),
            Value::Word(word) | Value::Ranked(_, word) => serializer.serialize_str(word),
            Value::Number(number) | Value::Quantity(Quantity(number, _)) => serializer.serialize_u64(*number),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Address(address, _) => address.serialize(serializer),
            Value::Endpoint(end, _) | Value::NamedEndpoint(_, end) => end.address.serialize(serializer),
            Value::Elapsed(time) => serializer.serialize_u64(u64::try_from(time.duration().as_millis()).unwrap_or(u64::MAX)),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Numbers(numbers) => numbers.serialize(serializer),
            Value::Texts(texts) | Value::Names(texts) => texts.serialize(serializer),
            Value::Processes(processes) => serializer.collect_seq(processes.iter().map(|(pid, _)| pid)),
            Value::Times(times) => serializer.collect_seq(times.iter().map(|&time| rfc3339(time))),
        }
    }
}

/// The internals of a TCP connection that were asked for.
struct TcpInfoRecord<'a> {
    row: Row<'a>,
    fields: &'a [(&'static str, Column)],
}

impl Serialize for TcpInfoRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|&(name, column)| (name, Scalar(self.row.value(column)))))
    }
}

#[derive(Serialize)]
struct EndpointRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Option<&'a str>>,
}

/// `host` is `None` if names were not asked for.
fn endpoint<'a>(row: Row<'a>, end: &Endpoint, fields: EndpointFields, host: Option<Option<&'a str>>) -> EndpointRecord<'a> {
    let scope = Some(row.socket.scope(end.address)).filter(|&scope| scope != 0);
    let EndpointFields { address, port } = fields;
    EndpointRecord {
        address: address.then_some(end.address),
        port: port.then_some(end.port),
        scope: address.then_some(scope),
        interface: address.then(|| scope.and_then(|_| row.interface())),
        service: port.then(|| row.service_of(end)),
        host: host.filter(|_| address),
    }
}

#[derive(Serialize)]
struct InterfaceRecord<'a> {
    index: u32,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct TimerRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Scalar<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_ms: Option<Scalar<'a>>,
}

#[derive(Serialize)]
struct PeerRecord<'a> {
    pid: Pid,
    name: Option<Cow<'a, str>>,
}

/// A process, as it owns a socket or is the ancestor of one that does. A fact that was not asked for is absent, one that is
/// unknown is null.
#[derive(Serialize)]
pub(in crate::reports) struct OwnerRecord<'a> {
    pid: Pid,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Option<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable: Option<Option<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_deleted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line: Option<Option<Vec<Cow<'a, str>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line_hex: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line_truncated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Option<Pid>>,
}

impl<'a> OwnerRecord<'a> {
    pub(in crate::reports) fn new(pid: Pid, process: Option<&'a Process>, fields: OwnerFields) -> Self {
        let name = process.map(|process| process.name.as_os_str()).filter(|_| fields.name);
        let executable = process.filter(|_| fields.executable).and_then(|process| process.executable.as_deref());
        let executable = executable.map(Path::as_os_str);
        let command_line = process.filter(|_| fields.command_line).map(|process| process.command_line.as_slice());
        let command_line = command_line.filter(|words| !words.is_empty());
        let user = process.and_then(|process| process.user.as_ref());
        Self {
            pid,
            name: fields.name.then(|| name.map(lossy)),
            name_hex: name.and_then(bytes_unless_text),
            executable: fields.executable.then(|| executable.map(lossy)),
            executable_hex: executable.and_then(bytes_unless_text),
            executable_deleted: executable.and(process).map(|process| process.executable_deleted),
            command_line: fields.command_line.then(|| Some(command_line?.iter().map(|word| lossy(word)).collect())),
            command_line_hex: command_line
                .filter(|words| words.iter().any(|word| word.to_str().is_none()))
                .map(|words| words.iter().map(AsRef::<OsStr>::as_ref).map(hexadecimal).collect()),
            command_line_truncated: command_line.and(process).map(|process| process.command_line_truncated),
            user_id: fields.user_and_parent.then(|| user.map(|user| user.id.as_str())),
            user: fields.user_and_parent.then(|| user.and_then(|user| user.name.as_deref())),
            start_time: fields.start_time.then(|| process.and_then(|process| process.started).and_then(rfc3339)),
            parent: fields.user_and_parent.then(|| process.and_then(|process| process.parent)),
        }
    }
}
