//! Closing sockets by `SOCK_DESTROY`, each by its cookie and in its own network namespace.

use crate::model::action::{MptcpConnection, Outcome, Report, SocketIdentity, SocketTarget};
use crate::model::details::WantedDetails;
use crate::model::socket::{Protocol, Socket, SocketId, State, StateSet, Table};
use crate::platform::linux::namespaces::enter;
use crate::platform::linux::netlink::socket::{Consistency, DumpError, Netlink, RETRIES};
use crate::platform::linux::sockets::sock_diag::{self, DumpRequest};
use std::collections::{BTreeMap, HashMap};

/// How many foreign ports are tried to find one of several listeners that share a port: the kernel chooses among them by a hash
/// of both ends.
const TRIES: u16 = 512;

/// The cookie of each socket and its MPTCP connection, by a dump of the tables.
pub(crate) fn identify_sockets(targets: &[SocketTarget]) -> Vec<Result<SocketIdentity, Report>> {
    let identify = |targets: &[SocketTarget]| match Dumped::read() {
        Ok(dumped) => targets.iter().map(|target| dumped.identity(&target.socket)).collect(),
        Err(error) => {
            let report = Report::because(Outcome::Failed, format!("the kernel does not say which socket it is: {error}"));
            vec![Err(report); targets.len()]
        }
    };
    let answers = in_each_namespace(targets, |target| target.namespace, identify);
    answers.into_iter().map(|answer| answer.unwrap_or_else(Err)).collect()
}

/// Closes each socket that is still the one with its cookie.
pub(crate) fn close_sockets(targets: &[(SocketTarget, SocketIdentity)]) -> Vec<Report> {
    let close = |targets: &[(SocketTarget, SocketIdentity)]| {
        let sockets: Vec<(Socket, u64)> = targets.iter().map(|(target, identity)| (target.socket, identity.cookie)).collect();
        match Netlink::open(rustix::net::netlink::SOCK_DIAG) {
            Ok(netlink) => close_all(netlink, &sockets),
            Err(error) => {
                vec![Report::because(Outcome::Failed, format!("the kernel cannot be asked to close it: {error}")); sockets.len()]
            }
        }
    };
    let answers = in_each_namespace(targets, |(target, _)| target.namespace, close);
    answers.into_iter().map(|answer| answer.unwrap_or_else(|report| report)).collect()
}

/// Calls `work` once for each namespace, in it, with its targets. `Err` for those whose namespace cannot be entered.
fn in_each_namespace<S: Copy + Sync, T: Send>(
    targets: &[S],
    namespace: impl Fn(&S) -> Option<u32>,
    work: impl Fn(&[S]) -> Vec<T> + Sync,
) -> Vec<Result<T, Report>> {
    let mut places: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
    for (place, target) in targets.iter().enumerate() {
        places.entry(namespace(target)).or_default().push(place);
    }
    let mut answers: Vec<Option<T>> = targets.iter().map(|_| None).collect();
    for (namespace, places) in places {
        let within: Vec<S> = places.iter().filter_map(|&place| targets.get(place)).copied().collect();
        let found = match namespace {
            None => Some(work(&within)),
            Some(inode) => enter::run_in(inode, || work(&within)),
        };
        for (place, answer) in places.into_iter().zip(found.into_iter().flatten()) {
            if let Some(slot) = answers.get_mut(place) {
                *slot = Some(answer);
            }
        }
    }
    let unentered = || {
        let reason = format!("its network namespace cannot be entered: {}", crate::platform::MORE_RIGHTS);
        Report::because(Outcome::Failed, reason)
    };
    answers.into_iter().map(|answer| answer.ok_or_else(unentered)).collect()
}

/// The TCP sockets of a namespace, by what tells them from each other.
struct Dumped {
    cookies: HashMap<SocketId, (u64, Option<u32>)>,
    /// How many subflows each MPTCP connection has.
    subflows: HashMap<u32, usize>,
}

impl Dumped {
    fn read() -> Result<Self, DumpError> {
        let mut netlink = Netlink::open(rustix::net::netlink::SOCK_DIAG)?;
        let details = WantedDetails { upper_layer: true, ..WantedDetails::NONE };
        let states = StateSet::ALL.without(State::Bound);
        let request = DumpRequest { table: Table::Tcp6, states, details, bytecode: &[] };
        let mut left = RETRIES;
        loop {
            let mut dumped = Self { cookies: HashMap::new(), subflows: HashMap::new() };
            let take = |kind, payload: &[u8]| dumped.take(kind, payload);
            let consistency = netlink.dump(|sequence| request.encode_for_both_families(sequence), take)?;
            if consistency == Consistency::Whole || left == 0 {
                return Ok(dumped);
            }
            left -= 1;
        }
    }

    fn take(&mut self, kind: u16, payload: &[u8]) {
        let parsed = sock_diag::parse(payload, Protocol::Tcp).zip(sock_diag::cookie(payload));
        let Some((socket, cookie)) = parsed.filter(|_| kind == sock_diag::OF_BOTH_FAMILIES) else { return };
        let token = sock_diag::mptcp_token(payload);
        if let Some(token) = token {
            *self.subflows.entry(token).or_default() += 1;
        }
        if let Some(id) = socket.id() {
            self.cookies.insert(id, (cookie, token));
        }
    }

    fn identity(&self, socket: &Socket) -> Result<SocketIdentity, Report> {
        let Some(id) = socket.id() else {
            return Err(Report::because(Outcome::Refused, "it cannot be told from others: it has no inode and no peer"));
        };
        match self.cookies.get(&id) {
            None => Err(Report::because(Outcome::Gone, GONE)),
            Some(&(cookie, token)) => {
                let subflows = |token| self.subflows.get(&token).copied().unwrap_or(1);
                let mptcp = token.map(|token| MptcpConnection { token, subflows: subflows(token) });
                Ok(SocketIdentity { cookie, mptcp })
            }
        }
    }
}

const GONE: &str = "it was closed meanwhile";

/// Closes sockets of the namespace that the calling thread is in.
fn close_all(mut netlink: Netlink, sockets: &[(Socket, u64)]) -> Vec<Report> {
    let mut reports: Vec<Option<Report>> = vec![None; sockets.len()];
    // Of listeners that share a port the kernel finds one: when it is closed, it finds another.
    let mut is_progress = true;
    while std::mem::take(&mut is_progress) {
        for (report, (socket, cookie)) in reports.iter_mut().zip(sockets).filter(|(report, _)| report.is_none()) {
            *report = match destroy(&mut netlink, socket, *cookie) {
                Ok(true) => Some(Report::of(Outcome::Closed)),
                Ok(false) => None,
                Err(error) => Some(refused(&error)),
            };
            is_progress |= report.is_some();
        }
    }
    // What the kernel did not find is gone, or hidden behind another socket.
    let left = if reports.contains(&None) { Dumped::read().ok() } else { None };
    let unfound = |(socket, cookie): &(Socket, u64)| match &left {
        Some(left) if socket.id().is_none_or(|id| left.cookies.get(&id).is_none_or(|(other, _)| other != cookie)) => {
            Report::because(Outcome::Gone, GONE)
        }
        Some(_) => Report::because(Outcome::Failed, "the kernel does not find it by its ends: another socket shares them"),
        None => Report::because(Outcome::Failed, "the kernel does not find it"),
    };
    reports.into_iter().zip(sockets).map(|(report, socket)| report.unwrap_or_else(|| unfound(socket))).collect()
}

/// Closes a socket; `false` if the kernel does not find it.
fn destroy(netlink: &mut Netlink, socket: &Socket, cookie: u64) -> Result<bool, DumpError> {
    let tries = if socket.state == Some(State::Listening) { TRIES } else { 0 };
    for port in 0..=tries {
        let mut sought = *socket;
        if socket.state == Some(State::Listening) {
            sought.remote.port = port;
        }
        match netlink.acknowledge(|sequence| sock_diag::destroy_request(&sought, cookie, sequence)) {
            Ok(()) => return Ok(true),
            Err(error) if error.is_missing_entry() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn refused(error: &DumpError) -> Report {
    let reason = match error {
        DumpError::Refused(error) if error.raw_os_error() == Some(libc::EPERM) => {
            format!("closing it takes CAP_NET_ADMIN: {}", crate::platform::MORE_RIGHTS)
        }
        DumpError::Refused(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            "this kernel closes no sockets (it is built without INET_DIAG_DESTROY)".to_owned()
        }
        error => format!("the kernel does not close it: {error}"),
    };
    Report::because(Outcome::Failed, reason)
}
