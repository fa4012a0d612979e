//! Facts about processes: only those asked for, each process once.

use crate::model::process::{Facts, Process, User};
use crate::model::socket::Pid;
use crate::platform;
use std::collections::HashMap;
use std::ffi::OsString;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// The processes that were looked at. It is kept between two displays, but what it says is always of the last one:
/// a PID may have gone to another process meanwhile.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<Pid, Process>,
}

impl Processes {
    /// Forgets every process and looks at these. A process that has exited is simply not there.
    pub fn look_up(&mut self, pids: impl IntoIterator<Item = Pid>, facts: Facts) {
        self.known.clear();
        self.look_up_more(pids, facts);
    }

    /// Looks at these processes too, unless they are known already.
    pub fn look_up_more(&mut self, pids: impl IntoIterator<Item = Pid>, facts: Facts) {
        let mut pids: Vec<Pid> = pids.into_iter().filter(|pid| !self.known.contains_key(pid)).collect();
        pids.sort_unstable();
        pids.dedup();
        if pids.is_empty() {
            return;
        }
        let Ok(mut system) = System::new() else { return };
        let numbers: Vec<sysinfo::Pid> = pids.iter().map(|&pid| sysinfo::Pid::from_u32(pid)).collect();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&numbers), false, refresh_kind(facts));
        let mut users = HashMap::new();
        for (number, process) in pids.iter().zip(&numbers) {
            if let Some(process) = system.process(*process) {
                self.known.insert(*number, describe(process, *number, facts, &mut users));
            }
        }
    }

    /// A process that was looked up and was there.
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        self.known.get(&pid)
    }

    /// The processes of which `pid` is a child, grandchild and so on, the nearest first. They are looked up as needed;
    /// the chain ends where it would turn in a circle.
    pub fn ancestors(&mut self, pid: Pid, facts: Facts) -> Vec<Process> {
        let mut chain: Vec<Process> = Vec::new();
        let mut child = pid;
        loop {
            self.look_up_more([child], facts);
            let Some(parent) = self.get(child).and_then(|process| process.parent).filter(|&parent| parent != 0) else { break };
            self.look_up_more([parent], facts);
            if parent == pid || chain.iter().any(|process| process.pid == parent) {
                break;
            }
            let Some(process) = self.get(parent) else { break };
            chain.push(process.clone());
            child = parent;
        }
        chain
    }
}

impl FromIterator<Process> for Processes {
    fn from_iter<I: IntoIterator<Item = Process>>(processes: I) -> Self {
        Self { known: processes.into_iter().map(|process| (process.pid, process)).collect() }
    }
}

fn refresh_kind(facts: Facts) -> ProcessRefreshKind {
    let when = |wanted| if wanted { UpdateKind::Always } else { UpdateKind::Never };
    ProcessRefreshKind::nothing()
        .without_tasks()
        .with_exe(when(facts.executable))
        .with_cmd(when(facts.command_line))
        .with_user(when(facts.user))
}

fn describe(process: &sysinfo::Process, pid: Pid, facts: Facts, users: &mut HashMap<sysinfo::Uid, User>) -> Process {
    let user = process.user_id().map(|id| users.entry(id.clone()).or_insert_with(|| platform::user_of_process(id)).clone());
    Process {
        pid,
        image_name: platform::image_name(pid, process.name()),
        name: platform::fixed_name(pid).map_or_else(|| process.name().to_owned(), OsString::from),
        executable: if facts.executable { platform::executable(process) } else { None },
        command_line: process.cmd().to_vec(),
        user,
        started: Some(process.start_time()).filter(|&seconds| seconds > 0),
        parent: process.parent().map(sysinfo::Pid::as_u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: Facts = Facts { executable: true, command_line: true, user: true };

    #[test]
    fn this_process_knows_itself() {
        let mut processes = Processes::default();
        let own = std::process::id();
        processes.look_up([own, own], EVERYTHING);
        let process = processes.get(own).unwrap();
        assert_eq!(process.executable.as_deref(), Some(std::env::current_exe().unwrap().as_path()));
        assert!(process.started.is_some());
        // The first program of a Windows has no parent, and under Wine every program is started as the first.
        assert!(process.parent.is_some() || std::env::consts::OS == "windows");
        assert!(process.user.is_some());
    }

    #[test]
    fn nothing_is_told_that_was_not_asked_for() {
        let mut processes = Processes::default();
        processes.look_up([std::process::id()], Facts::default());
        let process = processes.get(std::process::id()).unwrap();
        assert_eq!((&process.executable, process.command_line.len(), &process.user), (&None, 0, &None));
        assert!(!process.name.is_empty());
    }

    #[test]
    fn a_process_that_is_gone_is_not_there() {
        let mut processes = Processes::default();
        processes.look_up([u32::MAX - 1], EVERYTHING);
        assert!(processes.get(u32::MAX - 1).is_none());
    }

    #[test]
    fn the_chain_of_parents_begins_with_the_parent_and_ends() {
        let mut processes = Processes::default();
        let chain = processes.ancestors(std::process::id(), Facts::default());
        processes.look_up([std::process::id()], Facts::default());
        assert_eq!(chain.first().map(|process| process.pid), processes.get(std::process::id()).unwrap().parent);
    }
}
