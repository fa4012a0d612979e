//! What is on a port, and whether that means it is taken.

use crate::model::answer::Answer;
use crate::model::bind::{BindAttempt, BindOutcome};
use crate::model::namespace::Namespace;
use crate::model::port_policy::PortPolicy;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Pid, Protocol, State, Timer};
use crate::model::system::System;
use crate::moment::Moment;
use crate::moment::findings::Finding;
use crate::moment::lookups::Lookups;
use crate::moment::published::Published;
use crate::moment::row::Row;
use crate::reports::sockets::wide::local_endpoint;
use crate::request::{PortQuestion, Request, View};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A port, what is on it, and what the host says about it.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// What was asked.
    pub question: PortQuestion,
    /// The network namespace that the answer is for; `None` if only the own one was asked for.
    pub namespace: Option<&'a Namespace>,
    /// All network namespaces of the moment.
    namespaces: &'a [Namespace],
    /// Whether a socket is on the port.
    pub taken: Answer,
    /// Whether ports that are bound without listening would be among the sockets.
    pub bound_ports_listed: bool,
    /// The sockets on the port.
    pub rows: Vec<Row<'a>>,
    /// What is worth a look about the port.
    pub findings: Vec<&'a Finding>,
    /// What trying to bind the port gave; empty if that was not asked for.
    pub attempts: Vec<&'a BindAttempt>,
    /// What was looked up about them.
    pub lookups: &'a Lookups,
    /// What the settings of the network namespace say about ports; they are known of the own one alone.
    pub policy: Cow<'a, PortPolicy>,
    /// When the sockets were read, in seconds since 1970.
    pub time: u64,
    /// The system, on which the commands depend.
    pub system: System,
    /// Every socket that was read, also on the ports nearby; `None` if a table of them is incomplete.
    snapshot: Option<&'a Snapshot>,
}

/// A process that holds the port, and those of the same name that it started, which hold the port too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The process that started the others.
    pub master: Pid,
    /// The others, ascending.
    pub workers: Vec<Pid>,
}

impl<'a> Explanation<'a> {
    /// The answers to the questions of a request; none if it names network namespaces that there are not.
    pub fn of_request(moment: &'a Moment, request: &Request) -> Vec<Self> {
        if request.query.namespaces.is_own() || !moment.namespaces().is_empty() {
            Self::all(moment, &request.ports)
        } else {
            Vec::new()
        }
    }

    /// The answers to these questions, in their order: of each, one for each network namespace that was asked for.
    pub fn all(moment: &'a Moment, questions: &[PortQuestion]) -> Vec<Self> {
        let namespaces = moment.namespaces();
        let is_of = |row: &Row<'_>, namespace: &Namespace| row.namespace().is_some_and(|of| std::ptr::eq(of, namespace));
        let mut all = Vec::new();
        for &question in questions {
            let is_asked = |row: &Row<'_>| {
                question.protocols().any(|protocol| protocol == row.socket.protocol) && row.socket.local.port == question.port
            };
            // The rows of each namespace stand together, in the order of the namespaces.
            let mut rows = moment.rows(View::Explanations).iter().filter(is_asked).peekable();
            if namespaces.is_empty() {
                all.push(Self::of(moment, question, None, rows.collect()));
                continue;
            }
            all.extend(namespaces.iter().map(|namespace| {
                let rows = std::iter::from_fn(|| rows.next_if(|row| is_of(row, namespace))).collect();
                Self::of(moment, question, Some(namespace), rows)
            }));
        }
        all
    }

    fn of(moment: &'a Moment, question: PortQuestion, namespace: Option<&'a Namespace>, rows: Vec<Row<'a>>) -> Self {
        let is_of_others = |problem: &Problem| {
            problem.kind == ProblemKind::NamespacesHidden && namespace.is_some_and(|namespace| !namespace.is_unread)
        };
        let hides = |problem: &Problem| problem.kind.hides_sockets() && !is_of_others(problem);
        let is_incomplete = moment.problems.iter().any(hides);
        let is_asked = |attempt: &&BindAttempt| {
            attempt.port == question.port && question.protocols().any(|protocol| protocol == attempt.protocol)
        };
        let attempts: Vec<&BindAttempt> = moment.bind_attempts.iter().filter(is_asked).collect();
        let taken = match rows.is_empty() {
            false => Answer::Yes,
            true if attempts.iter().any(|attempt| attempt.outcome == BindOutcome::InUse) => Answer::Yes,
            true if could_be_bound(&attempts) => Answer::No,
            // That ports may be bound without being listed is part of the advice.
            true if is_incomplete => Answer::Unknown,
            true => Answer::No,
        };
        let is_holder = |pid| rows.iter().any(|row| row.owners().pids().any(|owner| owner == pid));
        let concerns = |finding: &&Finding| finding.concerns((question.protocol, question.port), is_holder);
        let findings = moment.findings.iter().flatten().filter(concerns).collect();
        let lookups = &moment.lookups;
        let policy = match namespace {
            Some(namespace) if !namespace.own => Cow::Owned(lookups.port_policy.of_another_namespace()),
            Some(_) | None => Cow::Borrowed(&lookups.port_policy),
        };
        Self {
            question,
            namespace,
            namespaces: moment.namespaces(),
            taken,
            bound_ports_listed: moment.snapshot().is_some_and(|snapshot| snapshot.bound_ports_listed),
            rows,
            findings,
            attempts,
            lookups,
            policy,
            time: moment.time,
            system: moment.host.system,
            snapshot: moment.snapshot().filter(|_| !is_incomplete),
        }
    }

    /// Whether the settings of the network namespace are known.
    pub fn knows_policy(&self) -> bool {
        self.namespace.is_none_or(|namespace| namespace.own)
    }

    /// What a process publishes for a container, and the network namespace of the container if it is known.
    pub fn published_by(&self, pid: Pid) -> Option<(&'a Published, Option<&'a Namespace>)> {
        let published = self.lookups.published.get(&pid)?;
        Some((published, published.namespace.and_then(|position| self.namespaces.get(position))))
    }

    /// The name of the service that the port is known for.
    pub fn service(&self, protocol: Protocol) -> Option<&'a str> {
        self.lookups.services.name(self.question.port, protocol)
    }

    /// In one sentence what is on the port: for each protocol that was asked for whether it is taken, and where.
    pub fn headline(&self) -> String {
        let port = self.question.port;
        let rows = |protocol| self.rows.iter().copied().filter(move |row: &Row<'_>| row.socket.protocol == protocol);
        let rest = match self.taken {
            Answer::Unknown => "may be free or taken",
            Answer::Yes => "",
            Answer::No => "is free",
        };
        if !rest.is_empty() {
            let protocol = self.question.protocol.map_or(String::new(), |protocol| format!("{} port", protocol.word()));
            let subject = if protocol.is_empty() { "Port" } else { protocol.as_str() };
            return format!("{subject} {port} {rest}.");
        }
        let mut parts: Vec<String> = Vec::new();
        for protocol in self.question.protocols() {
            let rows: Vec<Row<'_>> = rows(protocol).collect();
            let is_of_protocol = |attempt: &&&BindAttempt| attempt.protocol == protocol;
            let mut attempts = self.attempts.iter().filter(is_of_protocol);
            let is_unlisted = rows.is_empty() && attempts.any(|attempt| attempt.outcome == BindOutcome::InUse);
            let state = if is_unlisted { "is taken, and no socket on it is listed".to_owned() } else { state_of(&rows) };
            parts.push(format!("{} port {port} {state}", protocol.word()));
        }
        // What is taken comes first.
        parts.sort_by_key(|part| part.ends_with("is free"));
        let has_addresses = parts.iter().any(|part| part.contains(';'));
        format!("{}.", parts.join(if has_addresses { ". " } else { "; " }))
    }

    /// The processes that hold the port, each with its workers, by the lowest PID.
    pub fn services(&self) -> Vec<Service> {
        let holders = self.rows.iter().filter(|&&row| matches!(Role::of(row), Role::Listener | Role::Bound));
        let holders: BTreeSet<Pid> = holders.flat_map(|row| row.owners().pids()).collect();
        let name = |pid: Pid| self.lookups.processes.get(pid).map(|process| &process.name);
        let ancestors = |pid: Pid| self.lookups.ancestors.get(&pid).map_or(&[][..], Vec::as_slice);
        // The farthest ancestor that holds the port under the same name; the process itself if there is none.
        let is_master = |pid: Pid, ancestor: &&Pid| holders.contains(ancestor) && name(**ancestor) == name(pid);
        let master = |pid| ancestors(pid).iter().rfind(|ancestor| is_master(pid, ancestor)).copied().unwrap_or(pid);
        let mut services: Vec<Service> = Vec::new();
        for &pid in holders.iter().filter(|&&pid| master(pid) == pid) {
            let workers = holders.iter().copied().filter(|&worker| worker != pid && master(worker) == pid).collect();
            services.push(Service { master: pid, workers });
        }
        services
    }

    /// The nearest port that the caller can bind instead and that the system gives to no client, unless it gives this one too;
    /// `None` if there is none close by or if not every socket could be read.
    pub fn free_port_nearby(&self) -> Option<u16> {
        let (question, policy) = (self.question, &self.policy);
        let snapshot = self.snapshot.filter(|snapshot| snapshot.bound_ports_listed)?;
        let is_asked = |protocol| question.protocols().any(|asked| asked == protocol);
        let rows = self.namespace.map_or(0..snapshot.sockets.len(), Namespace::positions);
        let sockets = snapshot.sockets.get(rows).unwrap_or_default();
        let used = sockets.iter().filter(|socket| is_asked(socket.protocol)).map(|socket| socket.local.port);
        let used: BTreeSet<u16> = used.collect();
        // What is reserved is meant for a certain server.
        let is_open = |port: u16| !policy.is_reserved(port) && (policy.caller_is_root || !policy.is_privileged(port));
        let is_alike = |port: u16| policy.is_ephemeral(question.port) || !policy.is_ephemeral(port);
        question.nearby().flatten().find(|&port| !used.contains(&port) && is_open(port) && is_alike(port))
    }

    /// Whether the port could be bound: the caller may, and nobody is in the way.
    pub fn was_bound(&self) -> bool {
        could_be_bound(&self.attempts)
    }

    /// Whether another port is worth to be named: this one is taken, or the caller may not bind it.
    pub fn suggests_another_port(&self) -> bool {
        let (port, policy) = (self.question.port, &self.policy);
        match self.taken {
            Answer::Yes => true,
            Answer::No => policy.is_privileged(port) && !policy.caller_is_root && !self.was_bound(),
            Answer::Unknown => false,
        }
    }
}

/// What a port is published for: `web (172.17.0.2) port 80`.
pub fn published_for(published: &Published, namespace: Option<&Namespace>) -> String {
    let Published { address, port, .. } = published;
    match namespace {
        Some(namespace) => format!("{} ({address}) port {port}", namespace.label()),
        None => format!("{address} port {port}"),
    }
}

/// Whether the port could be bound on every address that there is.
fn could_be_bound(attempts: &[&BindAttempt]) -> bool {
    let is_there = |attempt: &&&BindAttempt| attempt.outcome != BindOutcome::NoFamily;
    let mut tried = attempts.iter().filter(is_there).peekable();
    tried.peek().is_some() && tried.all(|attempt| attempt.outcome == BindOutcome::Bound)
}

/// `is taken on 127.0.0.1 and ::1; other addresses are free`.
fn state_of(rows: &[Row<'_>]) -> String {
    let in_role = |role| rows.iter().filter(move |&&row| Role::of(row) == role);
    let mut addresses: Vec<String> = Vec::new();
    for row in in_role(Role::Listener).chain(in_role(Role::Bound)) {
        let local = local_endpoint(*row);
        let address = local.rsplit_once(':').map_or(local.as_str(), |(address, _)| address);
        let address = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address).to_owned();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let has = |address: &str| addresses.iter().any(|taken| taken == address);
    let connections = in_role(Role::Connection).count();
    // A socket that is bound to a device takes every address there.
    let is_of_device = |address: &String| address.starts_with("0.0.0.0%") || address.starts_with("::%");
    let others = if addresses.iter().all(is_of_device) { "other devices are free" } else { "other addresses are free" };
    match addresses.as_slice() {
        _ if has("::") || has("0.0.0.0") => "is taken".to_owned(),
        [] if rows.is_empty() => "is free".to_owned(),
        [] if connections > 0 => format!("is taken by {} only", counted(connections, "connection")),
        [] => format!("is kept back by {} only", counted(rows.len(), "connection in TIME_WAIT")),
        [only] => format!("is taken on {only}; {others}"),
        [rest @ .., last] => format!("is taken on {} and {last}; {others}", rest.join(", ")),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {}", what.replacen("connection", "connections", 1)) }
}

/// How a socket takes its local port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It waits for anybody: a TCP listener, a UDP socket without a peer.
    Listener,
    /// It has bound the port and does nothing with it yet.
    Bound,
    /// It is one end of a connection.
    Connection,
    /// The connection is over, and the system keeps the port back for late segments.
    Waiting,
}

impl Role {
    /// Every role, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Listener, Self::Bound, Self::Connection, Self::Waiting];

    /// The role of a socket.
    pub fn of(row: Row<'_>) -> Self {
        match (row.socket.state, row.socket.timer) {
            (Some(State::Listening), _) => Self::Listener,
            (Some(State::Bound), _) => Self::Bound,
            (Some(State::TimeWait), _) | (_, Timer::TimeWait) => Self::Waiting,
            (None, _) if row.socket.peer().is_none() => Self::Listener,
            _ => Self::Connection,
        }
    }

    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Bound => "bound",
            Self::Connection => "connection",
            Self::Waiting => "waiting",
        }
    }
}

/// The milliseconds until the last of these sockets is no longer kept back; `None` where none is.
pub fn longest_wait<'a>(rows: impl IntoIterator<Item = Row<'a>>) -> Option<u32> {
    rows.into_iter().filter(|&row| Role::of(row) == Role::Waiting).map(|row| row.socket.expires_ms).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::problem::{Problem, ProblemKind};
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Protocol, Socket};
    use crate::reports::tests::Machine;

    #[test]
    fn trying_to_bind_decides_where_no_socket_is_listed() {
        let explain = |outcomes: [BindOutcome; 2], sockets, is_incomplete| {
            let mut moment = Machine::new(sockets, &[], Vec::new()).moment(View::Explanations);
            if is_incomplete {
                moment.problems.add(Problem::new(ProblemKind::TableUnreadable, "half"));
            }
            let attempt = |(address, outcome): (&str, _)| BindAttempt {
                protocol: Protocol::Tcp,
                address: address.parse().unwrap(),
                port: 8080,
                outcome,
            };
            moment.bind_attempts = ["0.0.0.0", "::"].into_iter().zip(outcomes).map(attempt).collect();
            let question = PortQuestion { port: 8080, protocol: Some(Protocol::Tcp) };
            let explanation = Explanation::all(&moment, &[question]).remove(0);
            (explanation.taken, explanation.headline(), explanation.advice())
        };
        use BindOutcome::{Bound, Denied, InUse, NoFamily};
        for is_incomplete in [false, true] {
            let (taken, headline, advice) = explain([Bound, Bound], Vec::new(), is_incomplete);
            assert_eq!((taken, headline.as_str()), (Answer::No, "TCP port 8080 is free."));
            assert_eq!(advice, "Nothing stands in the way: it was bound and closed again.");
            assert_eq!(explain([Bound, NoFamily], Vec::new(), is_incomplete).0, Answer::No);
            let (taken, headline, _) = explain([InUse, Bound], Vec::new(), is_incomplete);
            assert_eq!((taken, headline.as_str()), (Answer::Yes, "TCP port 8080 is taken, and no socket on it is listed."));
        }
        assert_eq!(explain([Denied, Denied], Vec::new(), true).0, Answer::Unknown);
        assert_eq!(explain([Denied, Denied], Vec::new(), false).0, Answer::No);
        assert_eq!(explain([NoFamily, NoFamily], Vec::new(), true).0, Answer::Unknown);
        // A port that somebody shares may be bound beside him.
        assert_eq!(explain([Bound, Bound], vec![socket("127.0.0.1", 8080)], false).0, Answer::Yes);
    }

    #[test]
    fn a_udp_socket_without_a_peer_listens() {
        let udp = Socket { protocol: Protocol::Udp, state: None, ..socket("0.0.0.0", 53) };
        let connected = Socket { remote: Endpoint::new("192.0.2.9".parse().unwrap(), 53), ..udp };
        let moment = Machine::new(vec![udp, connected], &[], Vec::new()).moment(View::Explanations);
        let roles: Vec<Role> = moment.rows(View::Explanations).iter().map(Role::of).collect();
        assert_eq!(roles, [Role::Listener, Role::Connection]);
    }
}
