//! Looking up what is known of processes beside their sockets.

use crate::model::process::Facts;
use crate::model::snapshot::Snapshot;
use crate::model::socket::Pid;
use crate::model::system::System;
use crate::moment::Selection;
use crate::moment::lookups::Lookups;
use crate::moment::published::Published;
use crate::moment::row::Rows;
use crate::platform;
use crate::request::View;
use crate::request::needs::Needs;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Looks up the facts that are needed of the processes that own the rows of a view.
pub(super) fn look_up_processes(snapshot: &Snapshot, rows: &[u32], lookups: &mut Lookups, needs: Needs) {
    if needs.processes.is_none() && !needs.cgroups && !needs.ancestors {
        return;
    }
    let pids = Rows::of_parts(snapshot, lookups, System::Other, rows).owner_pids();
    if let Some(facts) = needs.processes {
        lookups.processes.look_up(pids.iter().copied(), facts);
        if let Some(peers) = &lookups.peers {
            let sockets = rows.iter().filter_map(|&row| Some((row as usize, snapshot.sockets.get(row as usize)?)));
            let pids: Vec<_> = sockets.flat_map(|(row, socket)| peers.of(row, socket)).copied().collect();
            lookups.processes.look_up(pids, Facts::NAME);
        }
    }
    if needs.cgroups {
        // The PID of a process that has ended may have been given to another one.
        let running = pids.iter().filter(|&&pid| !lookups.processes.has_ended(pid));
        lookups.cgroups.extend(running.map(|&pid| (pid, platform::membership(pid))));
    }
    if needs.ancestors {
        lookups.processes.look_up_ancestors(pids.iter().copied(), Facts::NAME);
        for pid in pids {
            let ancestors = lookups.processes.ancestors(pid);
            lookups.ancestors.insert(pid, ancestors.iter().map(|process| process.pid).collect());
        }
    }
}

/// Looks up what these processes publish for containers, and in which network namespace each container is.
pub(super) fn look_up_published(snapshot: &Snapshot, lookups: &mut Lookups, owners: &[Pid]) {
    let processes = owners.iter().filter_map(|&pid| lookups.processes.get(pid));
    lookups.published = Published::all(processes).collect();
    if lookups.published.is_empty() {
        return;
    }
    for (position, namespace) in snapshot.namespaces.iter().enumerate().filter(|(_, namespace)| !namespace.own) {
        let Some(pid) = namespace.pid else { continue };
        let addresses = platform::namespace_addresses(pid);
        for published in lookups.published.values_mut().filter(|published| addresses.contains(&published.address)) {
            published.namespace.get_or_insert(position);
        }
    }
}

/// Looks up what findings rest on beside the rows.
pub(super) fn look_up_limits(snapshot: &Snapshot, selections: &[(View, Selection)], lookups: &mut Lookups) {
    /// Of the processes with the most sockets, so many are looked at, which takes some 25 µs each.
    const MOST: usize = 1000;
    lookups.limits = platform::limits();
    let mut sockets: HashMap<Pid, usize> = HashMap::new();
    for (_, selection) in selections {
        let rows = Rows::of_parts(snapshot, lookups, System::Other, &selection.rows);
        rows.iter().flat_map(|row| row.owners().pids()).for_each(|pid| *sockets.entry(pid).or_default() += 1);
    }
    let mut busiest: Vec<(Pid, usize)> = sockets.into_iter().collect();
    busiest.sort_unstable_by_key(|&(pid, sockets)| (Reverse(sockets), pid));
    let usage = |(pid, _)| Some((pid, platform::descriptors(pid)?));
    lookups.descriptors = busiest.into_iter().take(MOST).filter_map(usage).collect();
}
