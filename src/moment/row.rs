//! Rows with everything that is known about them.

use super::Moment;
use super::lookups::Lookups;
use super::value::Value;
use crate::lookup::rates::Rate;
use crate::lookup::state_times::TimeInState;
use crate::model::details::{Details, KernelName};
use crate::model::namespace::Namespace;
use crate::model::owners::{OwnerSearch, OwnerStatus, Ownership};
use crate::model::pressure::Pressure;
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use crate::model::system::System;
use crate::model::tcp_info::TcpField;
use crate::request::column::{Column, ValueKind};
use crate::request::unit::{Quantity, Unit};

/// Rows of a moment, in the order in which they are shown.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    snapshot: &'a Snapshot,
    lookups: &'a Lookups,
    system: System,
    positions: &'a [u32],
}

/// What a moment without sockets has of them.
static NO_SOCKETS: std::sync::LazyLock<Snapshot> = std::sync::LazyLock::new(Snapshot::default);

impl<'a> Rows<'a> {
    /// The rows at these positions of the moment's snapshot.
    pub(super) fn new(moment: &'a Moment, positions: &'a [u32]) -> Self {
        let snapshot = moment.snapshot().unwrap_or(&NO_SOCKETS);
        Self { snapshot, lookups: &moment.lookups, system: moment.host.system, positions }
    }

    /// Rows whose lookups may be incomplete yet.
    pub(crate) const fn of_parts(snapshot: &'a Snapshot, lookups: &'a Lookups, system: System, positions: &'a [u32]) -> Self {
        Self { snapshot, lookups, system, positions }
    }

    /// How many rows there are.
    pub const fn len(self) -> usize {
        self.positions.len()
    }

    /// Whether there is no row.
    pub const fn is_empty(self) -> bool {
        self.positions.is_empty()
    }

    /// Where the rows stand in the snapshot.
    pub const fn positions(self) -> &'a [u32] {
        self.positions
    }

    /// The snapshot that the rows are from.
    pub const fn snapshot(self) -> &'a Snapshot {
        self.snapshot
    }

    /// What was looked up.
    pub const fn lookups(self) -> &'a Lookups {
        self.lookups
    }

    /// These rows with other positions.
    #[must_use]
    pub const fn at(self, positions: &'a [u32]) -> Self {
        Self { positions, ..self }
    }

    /// The row at a position of the snapshot.
    pub fn get(self, position: u32) -> Option<Row<'a>> {
        let socket = self.snapshot.sockets.get(position as usize)?;
        Some(Row { rows: self, position: position as usize, socket })
    }

    /// The rows, in their order.
    pub fn iter(self) -> impl Iterator<Item = Row<'a>> + Clone {
        self.positions.iter().filter_map(move |&position| self.get(position))
    }

    /// The rows, in their order, for a report that reads each of them once. The order is not that of memory: what a row has is
    /// fetched while the rows before it are written, without which a third of the time of 100,000 rows with internals is spent
    /// on waiting for memory.
    pub fn iter_ahead(self) -> impl Iterator<Item = Row<'a>> + Clone {
        const AHEAD: usize = 4;
        let ahead = self.positions.iter().skip(AHEAD).map(Some).chain(std::iter::repeat(None));
        self.positions.iter().zip(ahead).filter_map(move |(&position, ahead)| {
            if let Some(&ahead) = ahead {
                self.fetch(ahead as usize);
            }
            self.get(position)
        })
    }

    /// Reads one word of each part of a row and forgets it.
    fn fetch(self, position: usize) {
        let Snapshot { sockets, details, tcp_info, .. } = self.snapshot;
        std::hint::black_box(sockets.get(position).map(|socket| socket.inode));
        std::hint::black_box(details.get(position).map(|details| details.is_unread));
        std::hint::black_box(tcp_info.is_unread(position));
    }

    /// The processes that own any of the rows, each once, ascending.
    pub fn owner_pids(self) -> Vec<Pid> {
        let mut pids: Vec<Pid> = self.iter().flat_map(|row| row.owners().pids()).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    rows: Rows<'a>,
    position: usize,
    /// The socket itself.
    pub socket: &'a Socket,
}

impl<'a> Row<'a> {
    /// The processes that own the socket.
    pub fn owners(self) -> Ownership<'a> {
        self.rows.snapshot.owners.of(self.position, self.socket)
    }

    /// Every process that owns the socket, lowest PID first; without its facts if it has exited meanwhile.
    pub fn processes(self) -> impl Iterator<Item = (Pid, Option<&'a Process>)> {
        let processes = &self.rows.lookups.processes;
        self.owners().pids().map(|pid| (pid, processes.get(pid)))
    }

    /// A process that was looked up.
    pub fn process(self, pid: Pid) -> Option<&'a Process> {
        self.rows.lookups.processes.get(pid)
    }

    /// Whether a process that was looked up could not be read, so that it may have ended or not.
    pub fn is_owner_unread(self, pid: Pid) -> bool {
        self.rows.lookups.processes.is_unread(pid)
    }

    /// The network namespace; `None` if only the own one was asked for.
    pub fn namespace(self) -> Option<&'a Namespace> {
        self.rows.snapshot.namespace_of(self.position)
    }

    /// The place of the network namespace among those of the snapshot; `None` if only the own one was asked for.
    pub fn namespace_position(self) -> Option<usize> {
        self.rows.snapshot.namespace_position(self.position)
    }

    /// The details that were asked for.
    pub fn details(self) -> Details {
        self.rows.snapshot.details.get(self.position).copied().unwrap_or_default()
    }

    /// How full its buffers are, if that was asked for and may be worth a look.
    pub fn pressure(self) -> Option<&'a Pressure> {
        self.rows.snapshot.pressure.get(&u32::try_from(self.position).ok()?)
    }

    /// The service inside the process that made the socket, as the system gives it with the row (Windows).
    pub fn component(self) -> Option<&'a str> {
        let position = u32::try_from(self.position).ok()?;
        self.rows.snapshot.services.get(&position).map(AsRef::as_ref)
    }

    /// The container of an owner: its name if the network namespace tells it, else its id.
    pub fn container(self, pid: Pid) -> Option<String> {
        let container = self.rows.lookups.cgroups.get(&pid)?.container.as_ref()?;
        let of_namespace = self.namespace().and_then(|namespace| namespace.container.as_ref());
        Some(match of_namespace.filter(|named| named.id == container.id) {
            Some(named) => format!("{} {}", container.runtime, named.label()),
            None => container.short_name(),
        })
    }

    /// The systemd unit of an owner.
    pub fn unit(self, pid: Pid) -> Option<&'a str> {
        self.rows.lookups.cgroups.get(&pid)?.unit.as_deref()
    }

    /// How long the connection has been in its state, if that was asked for and is known.
    pub fn time_in_state(self) -> Option<TimeInState> {
        self.rows.lookups.times_in_state.get(self.position).copied().flatten()
    }

    /// The name of the user who made the socket; if the system does not say, of the user whose process owns it.
    pub fn user(self) -> Option<&'a str> {
        match self.socket.owner_uid() {
            Some(uid) => self.rows.lookups.users.get(&uid)?.as_deref(),
            None => self.processes().find_map(|(_, process)| process?.user.as_ref()?.name.as_deref()),
        }
    }

    /// The number of the socket's user if it has no name, or if the name has not come in time.
    pub fn nameless_user(self) -> Option<u32> {
        self.socket.owner_uid().filter(|_| self.user().is_none())
    }

    /// The name of the interface that the socket is bound to.
    pub fn interface(self) -> Option<&'a str> {
        // The numbers of interfaces are those of one namespace.
        if self.namespace().is_some_and(|namespace| !namespace.own) {
            return None;
        }
        self.rows.lookups.interfaces.get(&self.socket.interface)?.as_deref()
    }

    /// The name of the service of one end's port.
    pub fn service_of(self, end: &Endpoint) -> Option<&'a str> {
        self.rows.lookups.services.name(end.port, self.socket.protocol)
    }

    /// The service that the socket speaks: the name of its lower port that has one.
    pub fn service(self) -> Option<&'a str> {
        let (local, remote) = (&self.socket.local, &self.socket.remote);
        let (first, second) = if remote.port != 0 && remote.port < local.port { (remote, local) } else { (local, remote) };
        self.service_of(first).or_else(|| self.service_of(second))
    }

    /// Whether the names of remote addresses were asked for.
    pub const fn names_are_known(self) -> bool {
        self.rows.lookups.hosts.is_some()
    }

    /// The name of the remote address, if names were asked for and it has one.
    pub fn remote_host(self) -> Option<&'a str> {
        self.rows.lookups.hosts.as_ref()?.get(&self.socket.remote.address).map(String::as_str)
    }

    /// The processes at the other end, if that is on this host and they were asked for.
    pub fn peers(self) -> &'a [Pid] {
        self.rows.lookups.peers.as_ref().map_or(&[], |peers| peers.of(self.position, self.socket))
    }

    /// The value of a column: the one accessor of each.
    pub fn value(self, column: Column) -> Value<'a> {
        if !column.is_on(self.rows.system) {
            return Value::Null;
        }
        let socket = self.socket;
        match column {
            Column::Protocol => Value::Ranked(socket.protocol as u8, protocol_name(socket.protocol)),
            Column::Family => Value::Word(socket.table().family().name()),
            Column::Local => Value::Endpoint(socket.local, socket.scope(socket.local.address)),
            Column::LocalAddress => Value::Address(socket.local.address, socket.scope(socket.local.address)),
            Column::LocalPort => Value::number(socket.local.port),
            Column::Remote => match (socket.peer(), self.remote_host()) {
                (Some(remote), Some(host)) => Value::NamedEndpoint(host, *remote),
                (Some(remote), None) => Value::Endpoint(*remote, socket.scope(remote.address)),
                (None, _) => Value::Null,
            },
            Column::RemoteAddress => Value::some(socket.peer(), |end| Value::Address(end.address, socket.scope(end.address))),
            Column::RemotePort => Value::some(socket.peer(), |end| Value::number(end.port)),
            Column::Interface => match (socket.interface, self.interface()) {
                (0, _) => Value::Null,
                (_, Some(name)) => Value::text(name),
                (index, None) => Value::number(index),
            },
            Column::State => Value::some(socket.state, |state| Value::Ranked(state as u8, state.word())),
            Column::ReceiveQueue => Value::number(socket.receive_queue),
            Column::SendQueue => Value::number(socket.send_queue),
            Column::Timer => Value::some(socket.timer.word(), Value::Word),
            Column::TimerMs => Value::some(socket.timer.word(), |_| Value::number(socket.expires_ms)),
            Column::Uid => Value::some(socket.owner_uid(), Value::number),
            Column::OwnerStatus => Value::Word(self.owners().status.word()),
            Column::Pid => Value::numbers(self.owners().pids()),
            Column::Offload => Value::some(Some(socket.protocol).filter(|&protocol| protocol == Protocol::Tcp), |_| {
                // No system that is read here hands whole connections to its network cards.
                Value::Word("InHost")
            }),
            Column::Dscp => Value::some(self.details().dscp(), Value::number),
            Column::TimeInState => Value::some(self.time_in_state(), Value::Elapsed),
            Column::Congestion => match socket.protocol {
                Protocol::Tcp => self.kernel_name(|details| details.congestion.as_ref()),
                Protocol::Udp => Value::Null,
            },
            Column::User => Value::some(self.user(), Value::text),
            Column::Inode => Value::some(Some(socket.inode).filter(|&inode| inode != 0), Value::number),
            Column::Process => Value::names(self.processes().filter_map(|(_, process)| Some(process?.name.to_string_lossy()))),
            Column::Namespace => Value::some(self.namespace(), |namespace| match namespace.label() {
                std::borrow::Cow::Borrowed(label) => Value::text(label),
                std::borrow::Cow::Owned(label) => Value::Text(label.into()),
            }),
            Column::Executable => self.texts(|process| Some(process.executable.as_ref()?.as_os_str().to_string_lossy())),
            Column::CommandLine => self.texts(|process| Some(process.command_line_text().into())),
            Column::Started => Value::times(self.processes().filter_map(|(_, process)| process?.started)),
            Column::Service => Value::some(self.service(), Value::text),
            Column::Range => Value::Word(range_of(socket.local.port)),
            Column::Exposure => Value::some(socket.exposure(), |exposure| Value::Ranked(exposure as u8, exposure.word())),
            Column::Peer => self.peer_value(),
            Column::UpperLayer => self.kernel_name(|details| details.upper_layer.as_ref()),
            Column::Tcp(field) => Value::some(self.tcp_info(field), |number| tcp_value(field, number)),
            Column::Rate(rate) => Value::some(self.rate(rate), |rate| Value::Quantity(Quantity(rate, Unit::BytesPerSecond))),
        }
    }

    /// A name among the details.
    fn kernel_name(self, name: impl FnOnce(&'a Details) -> Option<&'a KernelName>) -> Value<'a> {
        Value::some(self.rows.snapshot.details.get(self.position).and_then(name), |name| Value::text(name.name()))
    }

    /// A number that the kernel keeps for the socket, if it was asked for and is known.
    pub fn tcp_info(self, field: TcpField) -> Option<u64> {
        self.rows.snapshot.tcp_info.get(self.position, field)
    }

    /// How much the connection sends or receives, in bytes per second; known from the second moment of an interval on.
    pub fn rate(self, rate: Rate) -> Option<u64> {
        self.rows.lookups.rates.get(self.position)?.get(rate)
    }

    /// Whether a column of the row is unknown because it could not be read, rather than because there is nothing.
    pub fn is_unread(self, column: Column) -> bool {
        let needs = column.definition().needs.on(self.rows.system);
        let owners = needs.owners != OwnerSearch::Skip && self.owners().status == OwnerStatus::Denied;
        let details = needs.details.any_of_row() && self.details().is_unread;
        let internals = !needs.details.tcp_info.is_empty() && self.rows.snapshot.tcp_info.is_unread(self.position);
        let facts = needs.processes.is_some() && self.owners().pids().any(|pid| self.is_owner_unread(pid));
        owners || facts || details || internals
    }

    /// What the owners say, each thing once.
    fn texts(self, text: impl Fn(&'a Process) -> Option<std::borrow::Cow<'a, str>>) -> Value<'a> {
        Value::texts(self.processes().filter_map(|(_, process)| text(process?)))
    }

    fn peer_value(self) -> Value<'a> {
        let name = |pid| self.process(pid).map(|process| process.name.to_string_lossy());
        let peers: Vec<_> = self.peers().iter().map(|&pid| (pid, name(pid))).collect();
        if peers.is_empty() { Value::Null } else { Value::Processes(peers) }
    }
}

/// The value of a number that the kernel keeps.
fn tcp_value<'a>(field: TcpField, number: u64) -> Value<'a> {
    if field == TcpField::AppLimited {
        return Value::Flag(number != 0);
    }
    match Column::Tcp(field).definition().kind {
        ValueKind::Number(unit) => Value::Quantity(Quantity(number, unit)),
        ValueKind::Words(words) => {
            Value::some(words.iter().find(|(place, _)| u64::from(*place) == number), |&(place, word)| Value::Ranked(place, word))
        }
        ValueKind::Text | ValueKind::Address | ValueKind::Endpoint => Value::number(number),
    }
}

/// The name of a protocol in the machine-readable formats.
pub const fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

/// The range of ports that a port belongs to (RFC 6335, 6).
pub const fn range_of(port: u16) -> &'static str {
    match port {
        0..=1023 => "well-known",
        1024..=49151 => "registered",
        49152.. => "dynamic",
    }
}
