//! Commands to copy: those that free the port or let the caller bind it, and only those that can succeed for this caller.

use super::compute::{Explanation, Role};
use crate::model::answer::Answer;
use crate::model::cgroup::{Cgroup, Container};
use crate::model::owners::OwnerStatus;
use crate::model::process::Process;
use crate::model::socket::Pid;
use crate::model::system::System;
use crate::moment::row::Row;
use crate::output::escape::is_shell_word;
use std::ops::RangeInclusive;

/// A command, and what a person should know before using it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it is for.
    pub purpose: Purpose,
    /// The command, as it can be copied into a shell.
    pub command: String,
    /// What tells it from the others, for people; may be empty.
    pub note: &'static str,
}

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It shows what holds the port.
    Find,
    /// It stops what holds the port.
    Stop,
    /// It lets the caller bind the port.
    Allow,
    /// It keeps the system from giving the port to a client.
    Reserve,
}

impl Purpose {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Stop => "stop",
            Self::Allow => "allow",
            Self::Reserve => "reserve",
        }
    }
}

/// How many processes a command names at most.
const MOST_PIDS: usize = 8;

impl Explanation<'_> {
    /// The commands that help this caller, in the order in which to try them.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        let is_held = |row: &&Row<'_>| matches!(Role::of(**row), Role::Listener | Role::Bound);
        let mut suggestions = match self.taken {
            Answer::Yes if self.rows.iter().any(|row| is_held(&row)) => self.to_free(),
            // Nothing is known of who has it.
            Answer::Yes if self.rows.is_empty() => Vec::new(),
            Answer::Yes | Answer::No => self.to_bind(),
            Answer::Unknown => self.to_see_more().into_iter().collect(),
        };
        let mut seen: Vec<String> = Vec::new();
        suggestions.retain(|suggestion| {
            let is_new = !seen.contains(&suggestion.command);
            seen.push(suggestion.command.clone());
            is_new
        });
        suggestions
    }

    /// `sudo ` for a caller who needs it.
    fn sudo(&self) -> &'static str {
        if self.policy.caller_is_root { "" } else { "sudo " }
    }

    fn to_free(&self) -> Vec<Suggestion> {
        let services = self.services();
        let mut found = Vec::new();
        let mut pids = Vec::new();
        for service in &services {
            match self.stop(service.master) {
                Ok(suggestion) => found.push(suggestion),
                Err(pid) => pids.push(pid),
            }
        }
        // Those that take sudo, and those that do not.
        let (own, others): (Vec<Pid>, Vec<Pid>) = pids.into_iter().take(MOST_PIDS).partition(|&pid| self.may_end(pid));
        found.extend(self.end(&own, ""));
        found.extend(self.end(&others, self.sudo()));
        let is_hidden = |row: &Row<'_>| row.owners().status == OwnerStatus::Denied && Role::of(*row) != Role::Waiting;
        found.extend(self.rows.iter().any(is_hidden).then(|| self.to_see_more()).flatten());
        found
    }

    /// The command that shows as root what is hidden from the caller.
    fn to_see_more(&self) -> Option<Suggestion> {
        let may_become_root = self.system != System::Windows && !self.policy.caller_is_root;
        let command = format!("sudo \"$(command -v rnetstat)\" --explain {}", self.question);
        may_become_root.then_some(Suggestion { purpose: Purpose::Find, command, note: "" })
    }

    /// The command that stops the service of a process, or its PID if nothing but the process is known.
    fn stop(&self, pid: Pid) -> Result<Suggestion, Pid> {
        let sudo = self.sudo();
        let process = self.lookups.processes.get(pid);
        let is_named = |name| process.is_some_and(|process| process.name == name);
        let cgroup = self.lookups.cgroups.get(&pid);
        let suggestion = |purpose, command, note| Ok(Suggestion { purpose, command, note });
        let port = self.question.port;
        // They hold the port on behalf of somebody else, and much more depends on them.
        let container = self.published_by(pid).and_then(|(_, namespace)| namespace?.container.as_ref());
        if let Some(container) = container.filter(|container| container.runtime == "docker" && is_shell_word(&container.id)) {
            let id = container.id.get(..12).unwrap_or(&container.id);
            return suggestion(Purpose::Stop, format!("{sudo}docker stop {id}"), "");
        }
        if is_named("docker-proxy") {
            let command = format!("{sudo}docker ps --filter publish={port}");
            return suggestion(Purpose::Find, command, "which container publishes the port");
        }
        if pid == 1 && is_named("systemd") {
            let command = format!("systemctl list-sockets --full | grep -w {port}");
            return suggestion(Purpose::Find, command, "which unit to stop, a .socket");
        }
        match cgroup {
            Some(Cgroup { container: Some(Container { runtime, id }), .. }) => match *runtime {
                "docker" | "podman" if is_shell_word(id) => {
                    suggestion(Purpose::Stop, format!("{sudo}{runtime} stop {}", id.get(..12).unwrap_or(id)), "")
                }
                _ => Err(pid),
            },
            Some(Cgroup { unit: Some(unit), manager_of, .. }) => {
                match unit.strip_suffix(".service").filter(|unit| is_shell_word(unit)) {
                    Some(unit) if unit.starts_with("user@") => Err(pid),
                    Some(unit) => match *manager_of {
                        None => suggestion(Purpose::Stop, format!("{sudo}systemctl stop {unit}"), ""),
                        Some(uid) if Some(uid) == self.policy.caller_uid => {
                            suggestion(Purpose::Stop, format!("systemctl --user stop {unit}"), "")
                        }
                        Some(_) => Err(pid),
                    },
                    None => Err(pid),
                }
            }
            Some(Cgroup { unit: None, container: None, .. }) | None => Err(pid),
        }
    }

    /// Whether the caller may end a process without becoming root.
    fn may_end(&self, pid: Pid) -> bool {
        let policy = &self.policy;
        let user = self.lookups.processes.get(pid).and_then(|process: &Process| process.user.as_ref());
        let uid: Option<u32> = user.and_then(|user| user.id.parse().ok());
        policy.caller_is_root || self.system == System::Windows || (uid.is_some() && uid == policy.caller_uid)
    }

    fn end(&self, pids: &[Pid], sudo: &str) -> Option<Suggestion> {
        let pids: Vec<String> = pids.iter().map(Pid::to_string).collect();
        if pids.is_empty() {
            return None;
        }
        let command = match self.system {
            System::Windows => format!("taskkill /PID {}", pids.join(" /PID ")),
            System::Linux | System::MacOs | System::Other => format!("{sudo}kill {}", pids.join(" ")),
        };
        Some(Suggestion { purpose: Purpose::Stop, command, note: "" })
    }

    /// What lets the caller bind a port that no process holds.
    fn to_bind(&self) -> Vec<Suggestion> {
        let (port, policy) = (self.question.port, &self.policy);
        if policy.is_privileged(port) && !policy.caller_is_root && !self.was_bound() {
            let allow = |command, note| Suggestion { purpose: Purpose::Allow, command, note };
            return vec![
                allow("sudo setcap cap_net_bind_service=+ep PROGRAM".to_owned(), "one program may"),
                allow(
                    format!("sudo sysctl net.ipv4.ip_unprivileged_port_start={port}"),
                    "every program may, until the next boot",
                ),
            ];
        }
        if policy.is_ephemeral(port) && self.rows.is_empty() {
            let word = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first}-{last}"),
            };
            let reserved: Vec<String> = policy.reserved.iter().map(word).chain([port.to_string()]).collect();
            let command = format!("{}sysctl net.ipv4.ip_local_reserved_ports={}", self.sudo(), reserved.join(","));
            return vec![Suggestion { purpose: Purpose::Reserve, command, note: "no client gets it, until the next boot" }];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::port_policy::PortPolicy;
    use crate::model::process::User;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Socket, State, Timer};
    use crate::reports::tests::{Machine, process};
    use crate::request::{PortQuestion, View};

    const CALLER: u32 = 1000;

    fn policy() -> PortPolicy {
        PortPolicy {
            ephemeral: Some(32768..=60999),
            reserved: vec![40000..=40009],
            unprivileged_from: Some(1024),
            caller_uid: Some(CALLER),
            ..PortPolicy::default()
        }
    }

    /// The commands about a port that a process holds, or nobody if there is none.
    fn commands(port: u16, holder: Option<(&str, Cgroup)>, policy: PortPolicy, system: System) -> Vec<String> {
        let listener = Socket { inode: 10, ..socket("0.0.0.0", port) };
        let sockets = if holder.is_some() { vec![listener] } else { Vec::new() };
        let pid = if matches!(holder, Some(("systemd", _))) { 1 } else { 900 };
        let name = holder.as_ref().map_or("", |(name, _)| name);
        let user = Some(User { id: CALLER.to_string(), name: None });
        let mut moment =
            Machine::new(sockets, &[(10, pid)], vec![Process { user, ..process(pid, name) }]).moment(View::Explanations);
        moment.lookups.port_policy = policy;
        moment.lookups.cgroups = holder.into_iter().map(|(_, cgroup)| (pid, cgroup)).collect();
        moment.host.system = system;
        let explanations = Explanation::all(&moment, &[PortQuestion { port, protocol: None }]);
        explanations[0].suggestions().into_iter().map(|suggestion| suggestion.command).collect()
    }

    #[test]
    fn what_holds_a_port_is_stopped_the_way_that_it_was_started() {
        let unit = |unit: &str, manager_of| Cgroup { unit: Some(unit.to_owned()), manager_of, container: None };
        let container =
            |runtime| Cgroup { container: Some(Container { runtime, id: "0123456789ab".repeat(6) }), ..Cgroup::default() };
        for (name, cgroup, expected) in [
            ("nginx", unit("nginx.service", None), "sudo systemctl stop nginx"),
            ("nginx", unit("getty@tty1.service", None), "sudo systemctl stop getty@tty1"),
            ("web", unit("web.service", Some(CALLER)), "systemctl --user stop web"),
            ("web", unit("web.service", Some(7)), "kill 900"),
            ("python3", unit("session-3.scope", None), "kill 900"),
            ("x", unit("a;b.service", None), "kill 900"),
            ("x", Cgroup::default(), "kill 900"),
            ("redis", container("docker"), "sudo docker stop 0123456789ab"),
            ("redis", container("podman"), "sudo podman stop 0123456789ab"),
            ("redis", container("kubernetes"), "kill 900"),
            ("docker-proxy", unit("docker.service", None), "sudo docker ps --filter publish=80"),
            ("systemd", unit("init.scope", None), "systemctl list-sockets --full | grep -w 80"),
        ] {
            assert_eq!(commands(80, Some((name, cgroup)), policy(), System::Linux), [expected], "{name}");
        }
    }

    #[test]
    fn sudo_is_for_those_who_need_it() {
        let nginx = || Some(("nginx", Cgroup { unit: Some("nginx.service".to_owned()), ..Cgroup::default() }));
        let root = PortPolicy { caller_is_root: true, caller_uid: Some(0), ..policy() };
        assert_eq!(commands(80, nginx(), root.clone(), System::Linux), ["systemctl stop nginx"]);
        let plain = || Some(("x", Cgroup::default()));
        let other = PortPolicy { caller_uid: Some(CALLER + 1), ..policy() };
        assert_eq!(commands(8080, plain(), other, System::Linux), ["sudo kill 900"]);
        assert_eq!(commands(8080, plain(), root.clone(), System::Linux), ["kill 900"]);
        assert_eq!(commands(8080, plain(), PortPolicy::default(), System::Windows), ["taskkill /PID 900"]);
        assert_eq!(commands(80, None, root, System::Linux), [""; 0]);
    }

    #[test]
    fn a_free_port_that_the_caller_cannot_bind_or_keep_has_what_changes_that() {
        assert_eq!(
            commands(80, None, policy(), System::Linux),
            ["sudo setcap cap_net_bind_service=+ep PROGRAM", "sudo sysctl net.ipv4.ip_unprivileged_port_start=80"]
        );
        let reserve = "sudo sysctl net.ipv4.ip_local_reserved_ports=40000-40009,50000";
        assert_eq!(commands(50000, None, policy(), System::Linux), [reserve]);
        assert_eq!(commands(40001, None, policy(), System::Linux), [""; 0], "it is reserved");
        assert_eq!(commands(8080, None, policy(), System::Linux), [""; 0]);
        assert_eq!(commands(80, None, PortPolicy::default(), System::Windows), [""; 0]);
    }

    #[test]
    fn who_is_hidden_is_found_as_root() {
        let hidden = Socket { inode: 99, ..socket("0.0.0.0", 8080) };
        let commands = |policy| {
            let mut moment = Machine::new(vec![hidden], &[], Vec::new()).moment(View::Explanations);
            (moment.lookups.port_policy, moment.host.system) = (policy, System::Linux);
            let question = PortQuestion { port: 8080, protocol: Some(crate::model::socket::Protocol::Tcp) };
            let suggestions = Explanation::all(&moment, &[question])[0].suggestions();
            suggestions.into_iter().map(|suggestion| suggestion.command).collect::<Vec<_>>()
        };
        assert_eq!(commands(policy()), ["sudo \"$(command -v rnetstat)\" --explain tcp/8080"]);
        assert_eq!(commands(PortPolicy { caller_is_root: true, ..policy() }), [""; 0]);
    }

    #[test]
    fn connections_alone_are_not_ended() {
        let waiting = Socket {
            remote: Endpoint::new("192.0.2.9".parse().unwrap(), 5000),
            state: Some(State::TimeWait),
            timer: Timer::TimeWait,
            ..socket("10.0.0.1", 8080)
        };
        let mut moment = Machine::new(vec![waiting], &[], Vec::new()).moment(View::Explanations);
        moment.lookups.port_policy = policy();
        let question = PortQuestion { port: 8080, protocol: None };
        assert_eq!(Explanation::all(&moment, &[question])[0].suggestions(), []);
    }

    #[test]
    fn another_port_is_the_nearest_that_is_free_and_open_to_the_caller() {
        let nearby = |used: &[u16], port, policy| {
            let sockets = used.iter().map(|&port| socket("0.0.0.0", port)).collect();
            let mut moment = Machine::new(sockets, &[], Vec::new()).moment(View::Explanations);
            moment.lookups.port_policy = policy;
            Explanation::all(&moment, &[PortQuestion { port, protocol: None }])[0].free_port_nearby()
        };
        assert_eq!(nearby(&[80], 80, policy()), Some(8080));
        assert_eq!(nearby(&[80, 8080, 8081], 80, policy()), Some(8082));
        assert_eq!(nearby(&[8080], 8080, policy()), Some(8081));
        assert_eq!(nearby(&[32767], 32767, policy()), None, "what follows is ephemeral");
        assert_eq!(nearby(&[39999], 39999, policy()), Some(40010), "what is reserved is left out");
        assert_eq!(nearby(&[65535], 65535, policy()), None);
        let all: Vec<u16> = (2000..2100).collect();
        assert_eq!(nearby(&all, 2000, policy()), None);
    }
}
