//! What the rows of a moment add up to, by the labels of the metrics.

use crate::model::exposure::Exposure;
use crate::model::namespace::{NameSource, Namespace};
use crate::model::owners::OwnerStatus;
use crate::model::port_policy::PortPolicy;
use crate::model::socket::{Family, Pid, Protocol, State};
use crate::model::tcp_info::TcpField;
use crate::moment::row::{Row, Rows};
use crate::output::escape::escape;
use crate::reports::sockets::cells::process_name;
use crate::reports::sockets::wide::missing_owner;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// The process that the system starts first. It holds the sockets of others for them.
const INIT: Pid = 1;

/// Texts that are there once, by number: a million rows have few of them.
#[derive(Debug, Default)]
pub(super) struct Texts {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Texts {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &str) -> usize {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// The text of a number.
    pub(super) fn get(&self, number: usize) -> &str {
        self.texts.get(number).map_or("", String::as_str)
    }
}

/// A socket, by its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SocketLabels {
    pub(super) protocol: Protocol,
    pub(super) family: Family,
    pub(super) state: Option<State>,
    pub(super) owner: OwnerLabels,
}

/// A process and a network namespace, as numbers of [`Counts::texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct OwnerLabels {
    pub(super) process: usize,
    pub(super) namespace: Option<usize>,
}

/// A listener, by its labels. Those that stand first are kept if there are too many: a UDP socket on an ephemeral port is
/// rather a client than a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListenerLabels {
    is_ephemeral: bool,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    pub(super) address: IpAddr,
    pub(super) owner: OwnerLabels,
}

/// The listeners with the same labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listeners {
    /// Their units, empty for none.
    pub(super) units: BTreeSet<String>,
    pub(super) exposure: Option<Exposure>,
    /// The connections that wait to be accepted, and how many may; `None` for UDP and if the system does not say.
    pub(super) queue: Option<(u64, u64)>,
    /// What was dropped; `None` if the system does not say.
    pub(super) dropped: Option<u64>,
}

/// The bytes that wait in the queues of sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queues {
    pub(super) receive: u64,
    pub(super) send: u64,
}

impl Queues {
    /// Adds the bytes of other sockets.
    pub(super) fn add(&mut self, other: Self) {
        self.receive = self.receive.saturating_add(other.receive);
        self.send = self.send.saturating_add(other.send);
    }
}

/// What rows add up to.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The names of processes and of network namespaces, safe to print.
    pub(super) texts: Texts,
    pub(super) sockets: HashMap<SocketLabels, u64>,
    pub(super) queues: HashMap<OwnerLabels, Queues>,
    pub(super) listeners: BTreeMap<ListenerLabels, Listeners>,
    /// The sockets whose owners may not be seen.
    pub(super) hidden: u64,
}

impl Counts {
    /// Counts rows; `has_queues` if the system fills their queues.
    pub(super) fn of(rows: Rows<'_>, has_queues: bool) -> Self {
        let mut counts = Self::default();
        let policy = &rows.lookups().port_policy;
        let mut processes = HashMap::new();
        for row in rows.iter() {
            let owner = counts.owner_of(row, &mut processes);
            counts.add(row, owner, has_queues);
            counts.add_listener(row, owner, has_queues, policy);
        }
        counts
    }

    fn owner_of(&mut self, row: Row<'_>, processes: &mut HashMap<Pid, usize>) -> OwnerLabels {
        let process = holder(row).and_then(|pid| Some((pid, row.process(pid)?)));
        let process = match process {
            Some((pid, process)) => *processes.entry(pid).or_insert_with(|| self.texts.number(&process_name(process))),
            None => self.texts.number(missing_owner(row)),
        };
        let namespace = row.namespace().map(|namespace| self.texts.number(&namespace_name(namespace)));
        OwnerLabels { process, namespace }
    }

    fn add(&mut self, row: Row<'_>, owner: OwnerLabels, has_queues: bool) {
        let socket = row.socket;
        let labels = SocketLabels { protocol: socket.protocol, family: socket.table().family(), state: socket.state, owner };
        *self.sockets.entry(labels).or_default() += 1;
        self.hidden += u64::from(row.owners().status == OwnerStatus::Denied);
        // The queues of a TCP listener hold connections, not bytes.
        if has_queues && socket.state != Some(State::Listening) {
            let bytes = Queues { receive: socket.receive_queue.into(), send: socket.send_queue.into() };
            self.queues.entry(owner).or_default().add(bytes);
        }
    }

    fn add_listener(&mut self, row: Row<'_>, owner: OwnerLabels, has_queues: bool, policy: &PortPolicy) {
        let socket = row.socket;
        let Some(exposure) = socket.exposure() else { return };
        let labels = ListenerLabels {
            is_ephemeral: socket.protocol == Protocol::Udp && policy.is_ephemeral(socket.local.port),
            protocol: socket.protocol,
            port: socket.local.port,
            address: socket.local.address,
            owner,
        };
        let listeners = self.listeners.entry(labels).or_default();
        listeners.exposure = Some(exposure);
        listeners.units.insert(escape(holder(row).and_then(|pid| row.unit(pid)).unwrap_or_default()).into_owned());
        if has_queues && socket.state == Some(State::Listening) {
            let (waiting, limit) = listeners.queue.unwrap_or_default();
            listeners.queue = Some((waiting + u64::from(socket.receive_queue), limit + u64::from(socket.send_queue)));
        }
        if let Some(dropped) = row.tcp_info(TcpField::Drops) {
            listeners.dropped = Some(listeners.dropped.unwrap_or_default().saturating_add(dropped));
        }
    }
}

/// What a network namespace is called that has no name of its own: its number is another one after each start.
const UNNAMED: &str = "(unnamed)";

/// The name of a network namespace, safe to print and without the PID of the process that it may be called after.
fn namespace_name(namespace: &Namespace) -> String {
    let label = namespace.label();
    let name = match namespace.source {
        _ if namespace.initial => label.as_ref(),
        NameSource::Process => label.rsplit_once(" (").map_or(label.as_ref(), |(name, _)| name),
        NameSource::None => UNNAMED,
        NameSource::Container | NameSource::Netns | NameSource::Hostname => label.as_ref(),
    };
    escape(name).into_owned()
}

/// The process that a socket counts for, so that each socket counts once: the lowest PID but that of the first process, which
/// holds the sockets that it opens for services.
fn holder(row: Row<'_>) -> Option<Pid> {
    let owners = row.owners();
    owners.pids().find(|&pid| pid != INIT).or_else(|| owners.lowest())
}
