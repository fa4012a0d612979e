//! Facts about processes: only those asked for, each once in a refresh.

use crate::model::problem::{Problem, ProblemKind};
use crate::model::process::{Facts, Process, ProcessRead, User};
use crate::model::socket::Pid;
use crate::platform;
use std::collections::{HashMap, HashSet};

/// The processes that were looked up in the present refresh.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<Pid, Entry>,
    /// When the owners of the sockets had been read, on the clock of the processes' starts.
    owners_read: Option<u64>,
    /// The ids of users whose names may come later.
    late_users: HashSet<String>,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Entry {
    read: ProcessRead,
    /// The facts that were asked for.
    facts: Facts,
}

impl Processes {
    /// How many ancestors of a process are looked up.
    pub const MAX_ANCESTORS: usize = 32;

    /// Begins a refresh, directly after the owners of the sockets were read: forgets every process, because its PID may have
    /// been given to another one. A process that starts from now on is not the owner that was read, but its successor.
    pub fn begin_refresh(&mut self) {
        self.known.clear();
        self.problems.clear();
        self.owners_read = Some(platform::process_clock());
    }

    /// Looks up those facts of the processes that are not known yet.
    pub fn look_up(&mut self, pids: impl IntoIterator<Item = Pid>, facts: Facts) {
        let mut pids: Vec<Pid> = pids.into_iter().collect();
        pids.sort_unstable();
        pids.dedup();
        pids.retain(|pid| self.known.get(pid).is_none_or(|entry| entry.lacks(facts)));
        if pids.is_empty() {
            return;
        }
        let (reads, problems) = platform::process_facts(&pids, facts);
        let failed: Vec<Pid> =
            pids.iter().zip(&reads).filter(|(_, read)| **read == ProcessRead::Failed).map(|(&pid, _)| pid).collect();
        for (pid, read) in pids.into_iter().zip(reads) {
            let read = self.unless_successor(read);
            match self.known.get_mut(&pid) {
                Some(entry) => entry.merge(read, facts),
                None => {
                    self.known.insert(pid, Entry { read, facts });
                }
            }
        }
        for problem in problems.into_iter().chain(unread(&failed)) {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }

    /// A process that has started after the owners were read has the PID of an owner that has ended.
    fn unless_successor(&self, read: ProcessRead) -> ProcessRead {
        let is_successor =
            |process: &Process| process.start_order.is_some_and(|start| self.owners_read.is_some_and(|at| start > at));
        match read {
            ProcessRead::Known(process) if is_successor(&process) => ProcessRead::Ended,
            read => read,
        }
    }

    /// Looks up the processes that started these, those that started them, and so on, one generation of all at a time.
    pub fn look_up_ancestors(&mut self, pids: impl IntoIterator<Item = Pid>, facts: Facts) {
        let mut generation: Vec<Pid> = pids.into_iter().collect();
        self.look_up(generation.iter().copied(), Facts::default());
        for _ in 0..Self::MAX_ANCESTORS {
            generation = generation.iter().filter_map(|&pid| self.get(pid)?.parent).collect();
            generation.sort_unstable();
            generation.dedup();
            // What has its ancestors already needs no second look; this also ends a circle.
            generation.retain(|pid| self.known.get(pid).is_none_or(|entry| entry.lacks(facts)));
            if generation.is_empty() {
                break;
            }
            self.look_up(generation.iter().copied(), facts);
        }
    }

    /// The ancestors of a process that were looked up, the nearest first, at most [`Self::MAX_ANCESTORS`].
    pub fn ancestors(&self, pid: Pid) -> Vec<&Process> {
        let mut chain: Vec<&Process> = Vec::new();
        let mut child = self.get(pid);
        while let Some(process) = child {
            let parent = process.parent.and_then(|parent| self.get(parent));
            // A parent that is younger than its child has the PID of one that has ended.
            child = parent.filter(|parent| parent.start_order <= process.start_order || parent.start_order.is_none());
            let is_known = |parent: &Process| parent.pid == pid || chain.iter().any(|known| known.pid == parent.pid);
            child = child.filter(|parent| chain.len() < Self::MAX_ANCESTORS && !is_known(parent));
            chain.extend(child);
        }
        chain
    }

    /// Looks up the names of the users that the processes run as, as long as that takes. The system's name service may load code
    /// and ask servers.
    pub fn look_up_user_names(&mut self) {
        let names = self.nameless_users().into_iter().filter_map(|id| Some((platform::process_user_name(&id)?, id)));
        let names: HashMap<String, String> = names.map(|(name, id)| (id, name)).collect();
        self.name_users(|id| names.get(id).map(String::as_str));
    }

    /// The ids of users whose names are not known.
    pub fn nameless_users(&self) -> HashSet<String> {
        let users = self.iter().filter_map(|process| process.user.as_ref());
        users.filter(|user| user.name.is_none()).map(|user| user.id.clone()).collect()
    }

    /// Takes the names of users that are known now.
    pub fn name_users<'a>(&mut self, name: impl Fn(&str) -> Option<&'a str>) {
        for entry in self.known.values_mut() {
            if let ProcessRead::Known(Process { user: Some(user), .. }) = &mut entry.read
                && user.name.is_none()
            {
                user.name = name(&user.id).map(str::to_owned);
            }
        }
    }

    /// Takes note of users whose names may come later: nothing is known of them yet.
    pub fn set_late_users(&mut self, ids: HashSet<String>) {
        self.late_users = ids;
    }

    /// Whether the name of a user has not come yet.
    pub fn is_user_late(&self, user: &User) -> bool {
        user.name.is_none() && self.late_users.contains(&user.id)
    }

    /// A process that was looked up and was there.
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        match &self.known.get(&pid)?.read {
            ProcessRead::Known(process) => Some(process),
            ProcessRead::Ended | ProcessRead::Denied | ProcessRead::Failed => None,
        }
    }

    /// Every process that was looked up and was there, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.known.values().filter_map(|entry| match &entry.read {
            ProcessRead::Known(process) => Some(process),
            ProcessRead::Ended | ProcessRead::Denied | ProcessRead::Failed => None,
        })
    }

    /// Whether a process that was looked up has ended for certain. Of one that has not, and that [`Self::get`] does not have,
    /// nothing is known.
    pub fn has_ended(&self, pid: Pid) -> bool {
        self.known.get(&pid).is_some_and(|entry| entry.read == ProcessRead::Ended)
    }

    /// Whether a process that was looked up could not be read: it may have ended or not.
    pub fn is_unread(&self, pid: Pid) -> bool {
        self.known.get(&pid).is_some_and(|entry| matches!(entry.read, ProcessRead::Denied | ProcessRead::Failed))
    }

    /// What could not be looked up, and why.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// What to say of processes that could not be read.
fn unread(failed: &[Pid]) -> Option<Problem> {
    let first = failed.first()?;
    let message = match failed.len() {
        1 => format!("the facts about process {first} could not be read"),
        count => format!("the facts about {count} processes, of which {first} is the first, could not be read"),
    };
    Some(Problem::new(ProblemKind::FactUnavailable, message))
}

impl Entry {
    /// Whether some of these facts were not asked for yet.
    const fn lacks(&self, facts: Facts) -> bool {
        let known = self.facts;
        matches!(self.read, ProcessRead::Known(_))
            && (facts.executable && !known.executable || facts.command_line && !known.command_line || facts.user && !known.user)
    }

    /// Adds the facts of a later read, unless another process has the PID by then.
    fn merge(&mut self, read: ProcessRead, facts: Facts) {
        let ProcessRead::Known(process) = &mut self.read else { return };
        if let ProcessRead::Known(later) = read
            && later.start_order == process.start_order
        {
            if facts.executable {
                (process.executable, process.executable_deleted) = (later.executable, later.executable_deleted);
            }
            if facts.command_line {
                process.command_line = later.command_line;
                process.command_line_truncated = later.command_line_truncated;
            }
            if facts.user {
                process.user = later.user;
            }
        }
        self.facts = self.facts.and(facts);
    }
}

impl Extend<Process> for Processes {
    fn extend<I: IntoIterator<Item = Process>>(&mut self, processes: I) {
        let entry = |process: Process| (process.pid, Entry { read: ProcessRead::Known(process), facts: Facts::ALL });
        self.known.extend(processes.into_iter().map(entry));
    }
}

impl FromIterator<Process> for Processes {
    fn from_iter<I: IntoIterator<Item = Process>>(processes: I) -> Self {
        let mut known = Self::default();
        known.extend(processes);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: Facts = Facts { executable: true, command_line: true, user: true };
    const EXECUTABLE: Facts = Facts { executable: true, command_line: false, user: false };

    fn own() -> Pid {
        std::process::id()
    }

    #[test]
    fn this_process_is_known_with_every_fact() {
        let mut processes = Processes::default();
        processes.look_up([own(), own()], EVERYTHING);
        processes.look_up_user_names();
        let process = processes.get(own()).unwrap();
        assert_eq!(process.executable.as_deref(), Some(std::env::current_exe().unwrap().as_path()));
        // Wine has no command lines.
        if std::env::var_os("WINEPREFIX").is_none() {
            assert_eq!(process.command_line, std::env::args_os().collect::<Vec<_>>());
        }
        assert!(process.started.is_some() && !process.executable_deleted && !process.command_line_truncated);
        // The first program of a Windows has no parent, and under Wine every program is started as the first.
        assert!(process.parent.is_some() || std::env::consts::OS == "windows");
        assert!(process.user.as_ref().is_some_and(|user| user.name.is_some()));
        assert!(processes.problems().is_empty());
    }

    #[test]
    fn facts_that_were_not_asked_for_are_absent() {
        let mut processes = Processes::default();
        processes.look_up([own()], Facts::default());
        let process = processes.get(own()).unwrap();
        assert_eq!((&process.executable, process.command_line.len(), &process.user), (&None, 0, &None));
        assert!(!process.name.is_empty());
    }

    #[test]
    fn a_second_look_adds_facts_and_takes_none_away() {
        let mut processes = Processes::default();
        processes.begin_refresh();
        processes.look_up([own()], EXECUTABLE);
        processes.look_up([own()], Facts { user: true, ..Facts::default() });
        processes.look_up([own()], Facts::default());
        let process = processes.get(own()).unwrap();
        assert!(process.executable.is_some() && process.user.is_some() && process.command_line.is_empty());
        processes.begin_refresh();
        assert_eq!(processes.get(own()), None);
    }

    #[test]
    fn facts_of_another_process_with_the_same_pid_are_not_added() {
        let process = |start, executable: &str| Process {
            pid: 7,
            start_order: Some(start),
            executable: Some(executable.into()),
            ..Process::default()
        };
        let mut entry =
            Entry { read: ProcessRead::Known(Process { executable: None, ..process(1, "") }), facts: Facts::default() };
        entry.merge(ProcessRead::Known(process(2, "/other")), EXECUTABLE);
        assert!(matches!(&entry.read, ProcessRead::Known(process) if process.executable.is_none()));
        assert!(!entry.lacks(EXECUTABLE));
    }

    #[test]
    fn a_process_that_started_after_the_owners_were_read_is_not_the_owner() {
        let mut processes = Processes::default();
        processes.begin_refresh();
        let start = |start_order| ProcessRead::Known(Process { start_order, ..Process::default() });
        let read = processes.owners_read.unwrap();
        assert_eq!(processes.unless_successor(start(Some(read + 1))), ProcessRead::Ended);
        for before in [Some(read), Some(0), None] {
            assert_eq!(processes.unless_successor(start(before)), start(before));
        }
        processes.look_up([own()], Facts::default());
        assert!(processes.get(own()).is_some());
    }

    #[test]
    fn a_process_that_has_ended_is_known_to_have() {
        let mut processes = Processes::default();
        processes.look_up([u32::MAX - 1], EVERYTHING);
        assert!(processes.get(u32::MAX - 1).is_none() && processes.has_ended(u32::MAX - 1));
        assert!(!processes.has_ended(own()));
    }

    #[test]
    fn processes_that_could_not_be_read_are_a_problem() {
        let message = |failed: &[Pid]| unread(failed).map(|problem| problem.message);
        assert_eq!(message(&[]), None);
        assert_eq!(message(&[7]).as_deref(), Some("the facts about process 7 could not be read"));
        assert!(message(&[7, 8]).is_some_and(|message| message.contains("2 processes, of which 7 is the first")));
    }

    #[test]
    fn ancestors_begin_with_the_parent() {
        let mut processes = Processes::default();
        processes.look_up_ancestors([own()], Facts::default());
        let chain = processes.ancestors(own());
        assert_eq!(chain.first().map(|process| process.pid), processes.get(own()).unwrap().parent);
    }

    #[test]
    fn ancestors_end_at_a_circle_at_a_successor_and_at_the_limit() {
        let process = |pid, parent, start| Process { pid, parent: Some(parent), start_order: Some(start), ..Process::default() };
        let pids = |processes: &Processes, pid| processes.ancestors(pid).iter().map(|process| process.pid).collect::<Vec<_>>();
        let circle: Processes = [process(1, 2, 0), process(2, 3, 0), process(3, 1, 0)].into_iter().collect();
        assert_eq!(pids(&circle, 1), [2, 3]);
        let successor: Processes = [process(1, 2, 5), process(2, 3, 4), process(3, 0, 9)].into_iter().collect();
        assert_eq!(pids(&successor, 1), [2]);
        let long: Processes = (1..100).map(|pid| process(pid, pid + 1, 0)).collect();
        assert_eq!(pids(&long, 1).len(), Processes::MAX_ANCESTORS);
    }
}
