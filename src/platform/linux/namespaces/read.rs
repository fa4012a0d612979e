//! The sockets of every network namespace: by the pass over the kernel's tables, else by entering each namespace, else from the
//! text files of its processes.

use super::enter;
use super::list::{self, Listed};
use super::names::Names;
use super::text;
use crate::filter::namespaces::{NamespacePattern, NamespaceSelection};
use crate::model::details::Details;
use crate::model::namespace::Namespace;
use crate::model::owners::OwnerSearch;
use crate::model::pressure::Pressure;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::Socket;
use crate::model::tcp_info::TcpInfoTable;
use crate::platform::linux::bpf::{namespace_iter, pass_reader};
use crate::platform::linux::owners::inode_set::InodeSet;
use crate::platform::linux::owners::search;
use crate::platform::linux::sockets::bound;
use crate::platform::linux::sockets::pressure;
use crate::platform::linux::sockets::reader::TableRows;
use crate::request::{Query, SocketSource};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;

/// Reads the sockets of the namespaces that are wanted, then their owners.
pub(crate) fn snapshot(query: &Query, search: OwnerSearch) -> Snapshot {
    let passed = pass_reader::read(query, search);
    let processes = if passed.is_ok() { namespace_iter::processes().ok() } else { None };
    let mut listed = list::list(processes);
    let (mut found, eager) = match passed {
        Ok(passed) => {
            listed.add_inodes(&passed.namespaces);
            (passed.rows, passed.eager)
        }
        Err(declined) if query.sources.sockets == SocketSource::Bpf => {
            let message = format!("the kernel's socket tables cannot be read by an eBPF program: {declined}");
            let problems = vec![Problem::new(ProblemKind::TableUnreadable, message)];
            (TableRows { problems, ..TableRows::default() }, None)
        }
        Err(_) if query.sources.sockets != SocketSource::Proc && enter::is_allowed() => (enter::read(query, &mut listed), None),
        Err(_) => (text::read(query, &mut listed), None),
    };
    let Grouped { sockets, details, tcp_info, namespaces, hidden } = group(&mut found, query, &listed);
    let mut problems = found.problems;
    problems.extend((hidden > 0).then(|| hidden_problem(hidden)));
    let names_all = query.namespaces == NamespaceSelection::All || query.namespaces.may_match(&Namespace::default());
    problems.extend((listed.hides_processes && names_all).then(|| {
        let message = "processes are hidden (hidepid), and with them the network namespaces that only they are in; run rnetstat as \
                       root (sudo)";
        Problem::new(ProblemKind::NamespacesHidden, message)
    }));
    let unlisted = bound::why_unlisted(query, found.tcp_from_file);
    problems.extend(unlisted.map(bound::unlisted));
    // Whether a socket without an owner exists still is not asked of each namespace.
    let exists = |sockets: &[Socket]| InodeSet::of(sockets);
    let search::Search { owners, refused } =
        match search::find(&sockets, search, query.sources.owners, eager, exists, &mut problems) {
            Ok(found) => found,
            Err(problem) => return Snapshot { problems: vec![problem], ..Snapshot::default() },
        };
    let bound_ports_listed = unlisted.is_none();
    let pressure = if query.details.pressure { pressure_of_own(&sockets, &namespaces, query) } else { HashMap::new() };
    Snapshot {
        sockets,
        owners,
        details,
        tcp_info,
        pressure,
        namespaces,
        refused,
        bound_ports_listed,
        problems,
        ..Snapshot::default()
    }
}

/// How full the buffers are, of the sockets of the own namespace: no other one is entered for that.
fn pressure_of_own(sockets: &[Socket], namespaces: &[Namespace], query: &Query) -> HashMap<u32, Pressure> {
    let Some(own) = namespaces.iter().find(|namespace| namespace.own) else { return HashMap::new() };
    let rows = sockets.get(own.rows.start as usize..own.rows.end as usize).unwrap_or_default();
    pressure::read(rows, query.sources).into_iter().map(|(row, pressure)| (own.rows.start + row, pressure)).collect()
}

fn hidden_problem(count: usize) -> Problem {
    let namespaces = if count == 1 { "1 network namespace".to_owned() } else { format!("{count} network namespaces") };
    let message = format!(
        "{namespaces} could not be read; run rnetstat as root (sudo), or with CAP_BPF and CAP_PERFMON, or with CAP_SYS_ADMIN and \
         CAP_SYS_PTRACE"
    );
    Problem::new(ProblemKind::NamespacesHidden, message)
}

/// The namespaces that are wanted, with their rows.
struct Grouped {
    sockets: Vec<Socket>,
    details: Vec<Details>,
    tcp_info: TcpInfoTable,
    namespaces: Vec<Namespace>,
    /// How many that are wanted, or may be, could not be read.
    hidden: usize,
}

/// Names the namespaces, drops those that are not wanted, and puts the rows of each next to each other.
fn group(found: &mut TableRows, query: &Query, listed: &Listed) -> Grouped {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for &key in &found.namespaces {
        *counts.entry(key).or_default() += 1;
    }
    let names = Names::of_system();
    let keys = listed.keys().chain(counts.keys().copied().filter(|&key| !listed.contains(key)));
    let mut namespaces: Vec<(u32, Namespace)> = keys.map(|key| (key, names.namespace(key, listed))).collect();
    let inodes = |pattern: &NamespacePattern| {
        let path = match pattern {
            NamespacePattern::Path(path) => path.clone(),
            NamespacePattern::Pid(pid) => format!("/proc/{pid}/ns/net").into(),
            NamespacePattern::Name(_) | NamespacePattern::Inode(_) | NamespacePattern::Host => return None,
        };
        std::fs::metadata(path).ok().and_then(|metadata| u32::try_from(metadata.ino()).ok())
    };
    let mut hidden = 0;
    namespaces.retain(|(_, namespace)| {
        let is_wanted = query.namespaces.matches(namespace, inodes);
        hidden += usize::from(namespace.is_unread && (is_wanted || query.namespaces.may_match(namespace)));
        is_wanted
    });
    namespaces.sort_by(|(_, a), (_, b)| a.sort_key().cmp(&b.sort_key()));
    // Where the next row of each namespace goes.
    let mut places: HashMap<u32, u32> = HashMap::with_capacity(namespaces.len());
    let mut next = 0;
    for (key, namespace) in &mut namespaces {
        let count = counts.get(key).copied().unwrap_or(0);
        namespace.rows = next..next + count;
        places.insert(*key, next);
        next += count;
    }
    let mut order = vec![u32::MAX; next as usize];
    for (row, key) in (0u32..).zip(&found.namespaces) {
        if let Some(place) = places.get_mut(key) {
            if let Some(slot) = order.get_mut(*place as usize) {
                *slot = row;
            }
            *place += 1;
        }
    }
    let sockets = order.iter().filter_map(|&row| found.sockets.get(row as usize)).copied().collect();
    let details = order.iter().filter_map(|&row| found.details.get(row as usize)).copied().collect();
    let tcp_info = std::mem::take(&mut found.tcp_info).at(&order);
    (found.sockets, found.details, found.namespaces) = (Vec::new(), Vec::new(), Vec::new());
    let namespaces = namespaces.into_iter().map(|(_, namespace)| namespace).collect();
    Grouped { sockets, details, tcp_info, namespaces, hidden }
}
