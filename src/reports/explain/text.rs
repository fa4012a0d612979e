//! Why a port is taken, for people and for programs.

use crate::model::cgroup::{Container, Membership};
use crate::model::owners::OwnerStatus;
use crate::model::port_policy::PortRules;
use crate::model::process::Process;
use crate::model::socket::{Pid, Protocol};
use crate::output::escape::escape;
use crate::output::time::rfc3339;
use crate::reports::cells::{command_line, endpoint, name_and_pid, process_name};
use crate::reports::explain::{Role, advice, longest_wait};
use crate::reports::json_records::{OwnerRecord, SocketRecord};
use crate::reports::rows::{Listing, Row, range_of};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A port, what is on it, and what the host says about it.
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'a> {
    /// The port.
    pub port: u16,
    /// The sockets on it.
    pub listing: Listing<'a>,
    /// The settings of this host.
    pub rules: &'a PortRules,
    /// For each process that holds one of the sockets the chain of its parents, the nearest first.
    pub parents: &'a BTreeMap<Pid, Vec<Process>>,
    /// The unit and the container that such a process belongs to.
    pub memberships: &'a BTreeMap<Pid, Membership>,
}

impl<'a> Explanation<'a> {
    fn rows(&self) -> Vec<Row<'a>> {
        self.listing.iter().collect()
    }

    fn service(&self, protocol: Protocol) -> Option<&'a str> {
        self.listing.services.name(self.port, protocol)
    }

    /// What a program reads.
    pub(in crate::reports) fn record(&self) -> Record<'a> {
        let rows = self.rows();
        let processes = &self.listing.directory.processes;
        let bounds = |range: &std::ops::RangeInclusive<u16>| [*range.start(), *range.end()];
        Record {
            port: self.port,
            taken: !rows.is_empty(),
            service_tcp: self.service(Protocol::Tcp),
            service_udp: self.service(Protocol::Udp),
            range: range_of(self.port),
            privileged: self.rules.unprivileged_from.map(|_| self.rules.is_privileged(self.port)),
            unprivileged_from: self.rules.unprivileged_from,
            ephemeral: self.rules.ephemeral.as_ref().map(|_| self.rules.is_ephemeral(self.port)),
            ephemeral_range: self.rules.ephemeral.as_ref().map(bounds),
            reserved: self.rules.is_reserved(self.port),
            longest_wait_ms: longest_wait(rows.iter().copied()),
            advice: advice(self.port, &rows, self.rules),
            sockets: rows.iter().map(|&row| RoleRecord { role: Role::of(row).word(), socket: SocketRecord::new(row) }).collect(),
            holders: self
                .parents
                .iter()
                .map(|(&pid, parents)| {
                    let membership = self.memberships.get(&pid);
                    let container = membership.and_then(|membership| membership.container.as_ref());
                    HolderRecord {
                        process: OwnerRecord::new(pid, processes.get(pid)),
                        unit: membership.and_then(|membership| membership.unit.as_deref()),
                        container: container.map(|Container { runtime, id }| ContainerRecord { runtime, id }),
                        parents: parents.iter().map(|parent| OwnerRecord::new(parent.pid, Some(parent))).collect(),
                    }
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(in crate::reports) struct Record<'a> {
    port: u16,
    taken: bool,
    service_tcp: Option<&'a str>,
    service_udp: Option<&'a str>,
    range: &'static str,
    privileged: Option<bool>,
    unprivileged_from: Option<u16>,
    ephemeral: Option<bool>,
    ephemeral_range: Option<[u16; 2]>,
    reserved: bool,
    longest_wait_ms: Option<u32>,
    advice: String,
    sockets: Vec<RoleRecord<'a>>,
    holders: Vec<HolderRecord<'a>>,
}

#[derive(Serialize)]
struct RoleRecord<'a> {
    role: &'static str,
    #[serde(flatten)]
    socket: SocketRecord<'a>,
}

#[derive(Serialize)]
struct HolderRecord<'a> {
    #[serde(flatten)]
    process: OwnerRecord<'a>,
    unit: Option<&'a str>,
    container: Option<ContainerRecord<'a>>,
    parents: Vec<OwnerRecord<'a>>,
}

#[derive(Serialize)]
struct ContainerRecord<'a> {
    runtime: &'static str,
    id: &'a str,
}

/// Writes the explanation for people.
pub fn write(out: &mut impl Write, explanation: &Explanation<'_>) -> io::Result<()> {
    let rows = explanation.rows();
    write_head(out, explanation, !rows.is_empty())?;
    for role in Role::ALL {
        let rows: Vec<Row<'_>> = rows.iter().copied().filter(|&row| Role::of(row) == role).collect();
        if !rows.is_empty() {
            writeln!(out, "\n{}", heading(role, &rows))?;
            write_rows(out, explanation, role, &rows)?;
        }
    }
    let advice = advice(explanation.port, &rows, explanation.rules);
    writeln!(out, "\n{}", escape(&advice))
}

fn write_head(out: &mut impl Write, explanation: &Explanation<'_>, taken: bool) -> io::Result<()> {
    let Explanation { port, rules, .. } = *explanation;
    let service = explanation.service(Protocol::Tcp).or_else(|| explanation.service(Protocol::Udp));
    let service = service.map_or(String::new(), |service| format!(" ({})", escape(service)));
    writeln!(out, "Port {port}{service} is {}.", if taken { "taken" } else { "free" })?;
    let mut facts = vec![format!("It is one of the {} ports", range_of(port))];
    if let Some(from) = rules.unprivileged_from {
        let who = if rules.is_privileged(port) { "only root may bind it here" } else { "anybody may bind it here" };
        facts.push(format!("{who} (from {from} on anybody may)"));
    }
    if let Some(range) = &rules.ephemeral {
        let lent = if rules.is_ephemeral(port) { "the system lends it to clients" } else { "it is not lent to clients" };
        facts.push(format!("{lent} (they get {} to {})", range.start(), range.end()));
    }
    if rules.is_reserved(port) {
        facts.push("it is reserved (ip_local_reserved_ports)".to_owned());
    }
    writeln!(out, "{}.", facts.join("; "))
}

fn heading(role: Role, rows: &[Row<'_>]) -> String {
    match role {
        Role::Listener => "Listening:".to_owned(),
        Role::Bound => "Bound, neither listening nor connected:".to_owned(),
        Role::Connection => format!("Connections ({}):", rows.len()),
        Role::Waiting => {
            let seconds = longest_wait(rows.iter().copied()).unwrap_or_default().div_ceil(1000);
            format!("Over, and kept back for late segments ({}; the last for {seconds} s more):", rows.len())
        }
    }
}

/// How many connections are told one by one.
const MOST: usize = 10;

fn write_rows(out: &mut impl Write, explanation: &Explanation<'_>, role: Role, rows: &[Row<'_>]) -> io::Result<()> {
    for row in rows.iter().take(MOST) {
        let socket = row.socket;
        write!(out, "  {} {}", socket.protocol.word(), endpoint(socket, &socket.local))?;
        if let Some(remote) = socket.peer() {
            write!(out, " to {}", endpoint(socket, remote))?;
        }
        if let Some(state) = socket.state.filter(|_| role == Role::Connection) {
            write!(out, " {state}")?;
        }
        match role {
            Role::Waiting => writeln!(out, " ({} s left)", socket.expires_ms.div_ceil(1000))?,
            Role::Listener | Role::Bound | Role::Connection => writeln!(out, ": {}", escape(&held_by(*row)))?,
        }
    }
    if rows.len() > MOST {
        writeln!(out, "  and {} more", rows.len() - MOST)?;
    }
    if matches!(role, Role::Listener | Role::Bound) {
        let mut pids: Vec<Pid> = rows.iter().flat_map(|row| row.owners().pids()).collect();
        pids.sort_unstable();
        pids.dedup();
        pids.into_iter().take(MOST).try_for_each(|pid| write_process(out, explanation, pid))?;
    }
    Ok(())
}

fn held_by(row: Row<'_>) -> String {
    let names: Vec<String> = row.processes().map(|(pid, process)| name_and_pid(pid, process)).collect();
    match row.owners().status {
        OwnerStatus::Owned => names.join(", "),
        OwnerStatus::None => "no process".to_owned(),
        OwnerStatus::Denied => "a process that is hidden from you".to_owned(),
        OwnerStatus::Gone => "no process any more".to_owned(),
        OwnerStatus::Unsupported => "a process that this system does not tell".to_owned(),
    }
}

fn write_process(out: &mut impl Write, explanation: &Explanation<'_>, pid: Pid) -> io::Result<()> {
    let Some(process) = explanation.listing.directory.processes.get(pid) else { return Ok(()) };
    let mut line = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => writeln!(out, "      {name:<13} {}", escape(text)),
    };
    line("PID", &format!("{pid}, {}", process_name(process)))?;
    line("Executable", &process.executable.as_ref().map_or(String::new(), |path| path.to_string_lossy().into_owned()))?;
    line("Command line", &command_line(process))?;
    let user = process.user.as_ref().map(|user| user.name.as_deref().unwrap_or(&user.id));
    line("User", user.unwrap_or_default())?;
    line("Started", &process.started.and_then(rfc3339).unwrap_or_default())?;
    let membership = explanation.memberships.get(&pid);
    line("Unit", membership.and_then(|membership| membership.unit.as_deref()).unwrap_or_default())?;
    let container = membership.and_then(|membership| membership.container.as_ref());
    line("Container", &container.map_or(String::new(), Container::short_name))?;
    let parents = explanation.parents.get(&pid).map_or(&[][..], Vec::as_slice);
    let parents: Vec<String> = parents.iter().map(|parent| name_and_pid(parent.pid, Some(parent))).collect();
    line("Started by", &parents.join(", by "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Socket;
    use crate::model::socket::tests::socket;
    use crate::reports::tests::{Machine, friendly, process};

    fn print(machine: &Machine, port: u16) -> String {
        let rules = PortRules { ephemeral: Some(32768..=60999), reserved: vec![443..=443], unprivileged_from: Some(1024) };
        let parents =
            BTreeMap::from([(900, vec![process(1, "systemd")]), (901, vec![process(900, "nginx"), process(1, "systemd")])]);
        let unit = Membership { unit: Some("nginx.service".to_owned()), container: None };
        let container = Container { runtime: "docker", id: "0123456789abcdef".repeat(4) };
        let memberships = BTreeMap::from([(900, unit), (901, Membership { unit: None, container: Some(container) })]);
        let mut out = Vec::new();
        let listing = machine.listing();
        write(&mut out, &Explanation { port, listing, rules: &rules, parents: &parents, memberships: &memberships }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_explanation_of_a_port_that_is_taken() {
        let mut machine = friendly();
        machine.rows = vec![0, 1];
        assert_eq!(
            print(&machine, 443),
            "Port 443 (https) is taken.\n\
             It is one of the well-known ports; only root may bind it here (from 1024 on anybody may); \
             it is not lent to clients (they get 32768 to 60999); it is reserved (ip_local_reserved_ports).\n\
             \n\
             Listening:\n\
             \x20 TCP 0.0.0.0:443: nginx (900), nginx (901)\n\
             \x20     PID           900, nginx\n\
             \x20     Executable    /usr/sbin/nginx\n\
             \x20     Command line  nginx -g daemon off;\n\
             \x20     User          www-data\n\
             \x20     Started       2026-11-23T16:00:00Z\n\
             \x20     Unit          nginx.service\n\
             \x20     Started by    systemd (1)\n\
             \x20     PID           901, nginx\n\
             \x20     Executable    /usr/sbin/nginx\n\
             \x20     Command line  nginx -g daemon off;\n\
             \x20     User          www-data\n\
             \x20     Started       2026-11-23T16:00:00Z\n\
             \x20     Container     docker 0123456789ab\n\
             \x20     Started by    nginx (900), by systemd (1)\n\
             \n\
             Connections (1):\n\
             \x20 TCP 127.0.0.1:443 to 127.0.0.1:50000 ESTABLISHED: nginx (901)\n\
             \n\
             The port is held by nginx (PID 900) and 1 more: stop them, or let one side use another port.\n"
        );
    }

    #[test]
    fn a_port_that_is_free_and_one_that_waits() {
        let mut machine = friendly();
        machine.rows = vec![3];
        let text = print(&machine, 40000);
        assert!(text.contains("Over, and kept back for late segments (1; the last for 41 s more):\n  TCP 192.0.2.1:40000 to 198.51.100.7:443 (41 s left)\n"), "{text}");
        machine.rows = Vec::new();
        assert!(
            print(&machine, 40001)
                .starts_with("Port 40001 is free.\nIt is one of the registered ports; anybody may bind it here")
        );
    }

    #[test]
    fn a_thousand_sockets_are_not_told_one_by_one() {
        let machine = Machine::new(vec![Socket { inode: 10, ..socket("127.0.0.1", 80) }; 1000], &[(10, 900)], Vec::new());
        let text = print(&machine, 80);
        assert!(text.lines().count() < 30 && text.contains("and 990 more"), "{text}");
    }
}
