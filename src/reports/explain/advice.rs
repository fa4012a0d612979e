//! One sentence on what to do for somebody who wants to bind the port.

use super::compute::{Explanation, Role, longest_wait, published_for};
use crate::model::answer::Answer;
use crate::model::owners::OwnerStatus;
use crate::model::port_policy::PortPolicy;
use crate::moment::row::Row;
use crate::reports::sockets::cells::process_name;

impl Explanation<'_> {
    /// The sentence about a listener that is a proxy for a container.
    fn advice_for_a_published_port(&self) -> Option<String> {
        let listeners = self.rows.iter().filter(|&&row| Role::of(row) == Role::Listener);
        let (published, namespace) = listeners.flat_map(|row| row.owners().pids()).find_map(|pid| self.published_by(pid))?;
        let target = published_for(published, namespace);
        Some(format!("Docker publishes the port for a container, {target}: stop that, or let one side use another port."))
    }

    /// In one sentence what to do for somebody who wants to bind the port.
    pub fn advice(&self) -> String {
        match self.taken {
            Answer::Yes if self.rows.is_empty() => {
                "Another socket has the port, and the system does not list it: use another port.".to_owned()
            }
            Answer::Yes => self.advice_for_a_published_port().unwrap_or_else(|| advice(&self.rows, self.policy.caller_is_root)),
            Answer::No if self.was_bound() && !self.policy.is_ephemeral(self.question.port) => {
                "Nothing stands in the way: it was bound and closed again.".to_owned()
            }
            Answer::No if !self.bound_ports_listed && !self.was_bound() => {
                "No listener and no connection; this kernel does not list ports that are only bound.".to_owned()
            }
            Answer::No => advice_for_a_free_port(self.question.port, &self.policy),
            Answer::Unknown => "Not every socket could be read, so that it is unknown whether the port is free.".to_owned(),
        }
    }
}

/// In one sentence what to do about the sockets that are in the way.
fn advice(rows: &[Row<'_>], caller_is_root: bool) -> String {
    let first = rows.iter().copied().min_by_key(|&row| (Role::of(row), row.owners().lowest().is_none()));
    let Some(first) = first else { return String::new() };
    let holder = holder(first);
    match (Role::of(first), first.owners().status) {
        (Role::Listener | Role::Bound, OwnerStatus::Owned) => {
            let them = if first.owners().pids().nth(1).is_some() { "them" } else { "it" };
            format!("The port is held by {holder}: stop {them}, or let one side use another port.")
        }
        (Role::Listener | Role::Bound, OwnerStatus::Denied) if caller_is_root => {
            "No process that can be read holds the port: it belongs to one that this system hides from every user, perhaps of another \
             container; or the socket is the kernel's own, or in flight between two processes (SCM_RIGHTS)."
                .to_owned()
        }
        (Role::Listener | Role::Bound, OwnerStatus::Denied) => {
            "The process that holds the port is hidden from you: run rnetstat as root (sudo) to see which it is.".to_owned()
        }
        (Role::Listener | Role::Bound, OwnerStatus::None) => {
            "No process has a descriptor of the socket: it is the kernel's own (NFS, WireGuard, VXLAN), in flight between two \
             processes (SCM_RIGHTS), or held by an io_uring that does not say so."
                .to_owned()
        }
        (Role::Listener | Role::Bound, OwnerStatus::Gone) => {
            "The socket was closed while its owner was looked for: look again.".to_owned()
        }
        (Role::Listener | Role::Bound, OwnerStatus::Unsupported) => {
            "Stop the process that holds the port, or use another port.".to_owned()
        }
        (Role::Connection, OwnerStatus::Owned) => {
            format!("It is the local end of a connection of {holder}: use another port, or wait until that is closed.")
        }
        (Role::Connection, _) => "Use another port, or wait until the connections on it are closed.".to_owned(),
        (Role::Waiting, _) => {
            let seconds = longest_wait(rows.iter().copied()).unwrap_or_default().div_ceil(1000);
            format!("Set SO_REUSEADDR in the server, which may then bind at once, or wait {seconds} s until TIME_WAIT is over.")
        }
    }
}

fn advice_for_a_free_port(port: u16, policy: &PortPolicy) -> String {
    match (policy.unprivileged_from, &policy.ephemeral) {
        (Some(from), _) if port < from && !policy.caller_is_root => {
            format!("It is free, but a port below {from} takes root or CAP_NET_BIND_SERVICE: allow it, or use another port.")
        }
        (_, Some(range)) if policy.is_ephemeral(port) => format!(
            "It can be bound now, but the ports {} to {} are ephemeral: the system may give this one to a client at any time: \
             use one outside that range, or reserve it (net.ipv4.ip_local_reserved_ports).",
            range.start(),
            range.end()
        ),
        _ => "Nothing stands in the way: it can be bound.".to_owned(),
    }
}

/// `nginx (PID 900)`; with `and 3 more` where several processes hold the socket.
fn holder(row: Row<'_>) -> String {
    let mut processes = row.processes();
    let Some((pid, process)) = processes.next() else { return "the process".to_owned() };
    let name = process.map(|process| format!("{} (PID {pid})", process_name(process)));
    let first = name.unwrap_or_else(|| format!("the process with PID {pid}"));
    match processes.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Socket, State};
    use crate::reports::tests::{Machine, process};
    use crate::request::View;

    fn policy() -> PortPolicy {
        PortPolicy {
            ephemeral: Some(32768..=60999),
            reserved: vec![40000..=40009],
            unprivileged_from: Some(1024),
            ..PortPolicy::default()
        }
    }

    fn advise(sockets: Vec<Socket>, held: &[(u32, u32)]) -> String {
        let machine = Machine::new(sockets, held, vec![process(900, "nginx")]);
        let moment = machine.moment(View::Explanations);
        let rows: Vec<Row<'_>> = moment.rows(View::Explanations).iter().collect();
        advice(&rows, false)
    }

    fn connection(state: State, inode: u32) -> Socket {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
        Socket { remote, state: Some(state), inode, ..socket("10.0.0.1", 443) }
    }

    #[test]
    fn whoever_stands_in_the_way_most_is_named() {
        let listener = Socket { inode: 10, ..socket("0.0.0.0", 443) };
        let all = vec![connection(State::TimeWait, 0), connection(State::Established, 11), listener];
        assert_eq!(
            advise(all, &[(10, 900), (10, 901), (11, 900)]),
            "The port is held by nginx (PID 900) and 1 more: stop them, or let one side use another port."
        );
        assert!(advise(vec![listener], &[]).contains("hidden from you"));
        let bound = Socket { state: Some(State::Bound), ..listener };
        assert!(advise(vec![bound], &[(10, 900)]).contains("held by nginx (PID 900): stop it"));
        assert!(
            advise(vec![connection(State::Established, 11)], &[(11, 900)])
                .starts_with("It is the local end of a connection of nginx (PID 900)")
        );
    }

    #[test]
    fn time_wait_is_explained_with_the_seconds_left() {
        let waiting = |expires_ms, port| {
            let remote = Endpoint::new("192.0.2.9".parse().unwrap(), port);
            Socket { remote, expires_ms, ..connection(State::TimeWait, 0) }
        };
        let advice = advise(vec![waiting(1_500, 5000), waiting(41_001, 5001)], &[]);
        assert_eq!(advice, "Set SO_REUSEADDR in the server, which may then bind at once, or wait 42 s until TIME_WAIT is over.");
    }

    #[test]
    fn a_free_port_may_still_have_its_rules() {
        assert!(advice_for_a_free_port(80, &policy()).contains("takes root or CAP_NET_BIND_SERVICE"));
        assert!(advice_for_a_free_port(33000, &policy()).contains("the ports 32768 to 60999 are ephemeral"));
        for port in [1024, 8080, 40000, 61000] {
            assert!(advice_for_a_free_port(port, &policy()).starts_with("Nothing stands in the way"), "{port}");
        }
        assert!(advice_for_a_free_port(80, &PortPolicy::default()).starts_with("Nothing stands in the way"));
    }
}
