//! What is known of the processes that own rows: read anew, because the rows may be some seconds old.

use super::end::{Candidate, FIRST, Kinship};
use crate::filter::owners::OwnerFilter;
use crate::lookup::processes::Processes;
use crate::model::cgroup::Cgroup;
use crate::model::process::{Facts, Process, ProcessRead};
use crate::model::socket::{Pid, Socket};
use crate::model::system::System;
use crate::moment::row::Rows;
use crate::platform;
use std::collections::{BTreeMap, BTreeSet};

/// The processes that own rows and that a filter names, ascending, with all that decides about them.
pub(super) fn candidates(rows: Rows<'_>, owners: &OwnerFilter) -> Vec<Candidate> {
    let mut held: BTreeMap<Pid, Vec<u32>> = BTreeMap::new();
    for (&position, row) in rows.positions().iter().filter_map(|position| Some((position, rows.get(*position)?))) {
        row.owners().pids().for_each(|pid| held.entry(pid).or_default().push(position));
    }
    held.retain(|&pid, _| owners.names_process(pid, rows.lookups().processes.get(pid)));
    // Before the facts: who is the owner by these was it when its start was read.
    let starts: BTreeMap<Pid, u64> = held.keys().filter_map(|&pid| Some((pid, platform::process_start(pid)?))).collect();
    let mut now = Processes::default();
    now.look_up(held.keys().copied(), Facts { executable: true, command_line: true, user: false });
    now.look_up_ancestors(held.keys().copied().chain([std::process::id()]), Facts::NAME);
    let own = platform::membership(std::process::id());
    let kin = ancestors_of(std::process::id());
    let sharers = Sharers::of(rows);
    let candidate = |(pid, positions): (Pid, Vec<u32>)| {
        let sockets: Vec<Socket> = positions.iter().filter_map(|&position| Some(*rows.get(position)?.socket)).collect();
        let seen = rows.lookups().processes.get(pid);
        // Whoever has the number now is the owner only if it was started when the owner was.
        let process = now.get(pid).filter(|process| seen.is_some_and(|seen| seen.start_order == process.start_order));
        let mut candidate = Candidate {
            pid,
            name: process.or(seen).map(|process| process.name.to_string_lossy().into_owned()).unwrap_or_default(),
            kinship: if pid == std::process::id() { Some(Kinship::Own) } else { kin.contains(&pid).then_some(Kinship::Ancestor) },
            is_of_kernel: platform::is_kernel_process(pid),
            is_activated: pid != FIRST && positions.iter().any(|&position| owns(rows, position, FIRST)),
            ..Candidate::default()
        };
        if pid == FIRST {
            candidate.socket_units = sockets.iter().flat_map(platform::socket_units).collect();
            candidate.socket_units.sort_unstable();
            candidate.socket_units.dedup();
        }
        if let Some(process) = process {
            candidate.start = starts.get(&pid).copied();
            candidate.executable.clone_from(&process.executable);
            candidate.master = master(pid, &now, &sharers);
            candidate.forwards_to = forwards_to(process);
            candidate.is_windows_service = platform::SYSTEM == System::Windows && is_service(pid, &now);
            let parent = process.parent.and_then(|parent| now.get(parent));
            candidate.is_main = process.parent == Some(FIRST) || parent.is_some_and(|parent| parent.name == "systemd");
            candidate.supervisor = parent.filter(|parent| is_supervisor(parent)).map(named);
            describe_unit(&mut candidate, &own);
        }
        Candidate { rows: positions, sockets, ..candidate }
    };
    held.into_iter().map(candidate).collect()
}

fn owns(rows: Rows<'_>, position: u32, pid: Pid) -> bool {
    rows.get(position).is_some_and(|row| row.owners().pids().any(|owner| owner == pid))
}

/// The unit and the container of a process, and what they mean for its end. What rnetstat is part of itself is no obstacle: the
/// caller is not outside of it.
fn describe_unit(candidate: &mut Candidate, own: &Cgroup) {
    let cgroup = platform::membership(candidate.pid);
    if cgroup.container.is_some() && cgroup.container != own.container {
        candidate.container_name = platform::container_name(candidate.pid);
        candidate.cgroup.container = cgroup.container;
    }
    if let Some(unit) = cgroup.unit.filter(|unit| own.unit.as_ref() != Some(unit)) {
        candidate.policy = platform::unit_policy(&unit, cgroup.manager_of);
        (candidate.cgroup.unit, candidate.cgroup.manager_of) = (Some(unit), cgroup.manager_of);
    }
}

/// The container that Docker's proxy forwards a port to: `None` if the process is no such proxy, `Some(None)` if the name of the
/// container is not known.
fn forwards_to(process: &Process) -> Option<Option<String>> {
    if process.program().unwrap_or(&process.name) != "docker-proxy" {
        return None;
    }
    let mut words = process.command_line.iter().skip_while(|word| *word != "-container-ip").skip(1);
    Some(words.next().and_then(|address| platform::container_at(address.to_str()?)))
}

/// Whether a process is one that starts its children again: of runit, s6, daemontools, supervisord or PM2.
fn is_supervisor(process: &Process) -> bool {
    let name = process.name.to_string_lossy();
    ["runsv", "s6-supervise", "supervise", "supervisord"].contains(&name.as_ref()) || name.starts_with("PM2 ")
}

fn named(process: &Process) -> (Pid, String) {
    (process.pid, process.name.to_string_lossy().into_owned())
}

/// Whether a process was started by the service manager of Windows.
fn is_service(pid: Pid, processes: &Processes) -> bool {
    processes.ancestors(pid).first().is_some_and(|parent| parent.name.eq_ignore_ascii_case("services.exe"))
}

/// The process that started rnetstat, the one that started that, and so on to the first.
fn ancestors_of(pid: Pid) -> BTreeSet<Pid> {
    let mut kin = BTreeSet::new();
    let mut next = Some(pid);
    while let Some(pid) = next {
        let (reads, _) = platform::process_facts(&[pid], Facts::NAME);
        next = reads.into_iter().find_map(|read| match read {
            ProcessRead::Known(process) => process.parent.filter(|&parent| parent != 0),
            ProcessRead::Ended | ProcessRead::Denied | ProcessRead::Failed => None,
        });
        // A circle ends here.
        next = next.filter(|&parent| kin.insert(parent));
    }
    kin
}

/// The processes that hold one listener together, for each listener that several hold.
struct Sharers(Vec<BTreeSet<Pid>>);

impl Sharers {
    fn of(rows: Rows<'_>) -> Self {
        let listeners = rows.snapshot().iter().filter(|entry| entry.socket.is_listener());
        let holders = listeners.map(|entry| entry.owners.pids().collect::<BTreeSet<Pid>>());
        let mut all: Vec<_> = holders.filter(|holders| holders.len() > 1).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// The processes that hold a listener together with this one.
    fn with(&self, pid: Pid) -> BTreeSet<Pid> {
        self.0.iter().filter(|holders| holders.contains(&pid)).flatten().copied().collect()
    }
}

/// The oldest process that holds a listener together with this one and has started it, directly or not, under the same name.
fn master(pid: Pid, processes: &Processes, sharers: &Sharers) -> Option<(Pid, String)> {
    let holders = sharers.with(pid);
    let name = &processes.get(pid)?.name;
    let mut ancestors = processes.ancestors(pid).into_iter().rev();
    ancestors.find(|ancestor| holders.contains(&ancestor.pid) && ancestor.name == *name).map(named)
}
