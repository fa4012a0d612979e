//! An explanation for people.

use super::compute::{Explanation, Role, longest_wait};
use crate::lookup::processes::Processes;
use crate::model::answer::Answer;
use crate::model::cgroup::Container;
use crate::model::owners::OwnerStatus;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use crate::model::time::rfc3339;
use crate::moment::row::{Row, range_of};
use crate::output::escape::escape;
use crate::reports::sockets::cells;
use std::io::{self, Write};

/// Writes the explanation for people.
pub fn write(out: &mut impl Write, explanation: &Explanation<'_>) -> io::Result<()> {
    let rows = &explanation.rows;
    write_head(out, explanation)?;
    for role in Role::ALL {
        let rows: Vec<Row<'_>> = rows.iter().copied().filter(|&row| Role::of(row) == role).collect();
        if !rows.is_empty() {
            writeln!(out, "\n{}", heading(role, &rows))?;
            write_rows(out, explanation, role, &rows)?;
        }
    }
    writeln!(out, "\n{}", escape(&explanation.advice()))
}

fn write_head(out: &mut impl Write, explanation: &Explanation<'_>) -> io::Result<()> {
    let (port, policy) = (explanation.question.port, explanation.policy());
    let service = explanation.service(Protocol::Tcp).or_else(|| explanation.service(Protocol::Udp));
    let service = service.map_or(String::new(), |service| format!(" ({})", escape(service)));
    writeln!(
        out,
        "Port {port}{service} {}.",
        match explanation.taken {
            Answer::Yes => "is taken",
            Answer::No => "is free",
            Answer::Unknown => "may be free or taken",
        }
    )?;
    let mut facts = vec![format!("It is one of the {} ports", range_of(port))];
    if let Some(from) = policy.unprivileged_from {
        let who = if policy.is_privileged(port) { "only root may bind it here" } else { "anybody may bind it here" };
        facts.push(format!("{who} (from {from} on anybody may)"));
    }
    if let Some(range) = &policy.ephemeral {
        let kind = if policy.is_ephemeral(port) { "it is ephemeral" } else { "it is not ephemeral" };
        facts.push(format!("{kind} (clients get {} to {})", range.start(), range.end()));
    }
    if policy.is_reserved(port) {
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

pub(super) fn held_by(row: Row<'_>) -> String {
    let name = |process: &Process| process.name.to_string_lossy().into_owned();
    let names: Vec<String> =
        row.processes().map(|(pid, process)| cells::name_and_pid(pid, process.map(name).as_deref())).collect();
    match row.owners().status {
        OwnerStatus::Owned => names.join(", "),
        OwnerStatus::None => "no process".to_owned(),
        OwnerStatus::Denied => "a process that is hidden from you".to_owned(),
        OwnerStatus::Gone => "no process any more".to_owned(),
        OwnerStatus::Unsupported => "a process that this system does not tell".to_owned(),
    }
}

fn write_process(out: &mut impl Write, explanation: &Explanation<'_>, pid: Pid) -> io::Result<()> {
    let Some(process) = explanation.lookups.processes.get(pid) else { return Ok(()) };
    let mut line = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => writeln!(out, "      {name:<13} {}", escape(text)),
    };
    line("PID", &format!("{pid}, {}", cells::process_name(process)))?;
    line("Executable", &process.executable.as_ref().map_or(String::new(), |path| path.to_string_lossy().into_owned()))?;
    line("Command line", &process.command_line_text())?;
    let user = process.user.as_ref().map(|user| user.name.as_deref().unwrap_or(&user.id));
    line("User", user.unwrap_or_default())?;
    line("Started", &process.started.and_then(rfc3339).unwrap_or_default())?;
    let cgroup = explanation.lookups.cgroups.get(&pid);
    line("Unit", cgroup.and_then(|cgroup| cgroup.unit.as_deref()).unwrap_or_default())?;
    let container = cgroup.and_then(|cgroup| cgroup.container.as_ref());
    line("Container", &container.map_or(String::new(), Container::short_name))?;
    let ancestors = explanation.lookups.ancestors.get(&pid).map_or(&[][..], Vec::as_slice);
    let ancestors = ancestors.iter().filter_map(|&pid| explanation.lookups.processes.get(pid));
    let mut ancestors: Vec<String> =
        ancestors.map(|process| format!("{} ({})", cells::process_name(process), process.pid)).collect();
    if ancestors.len() == Processes::MAX_ANCESTORS {
        ancestors.push("further processes".to_owned());
    }
    line("Started by", &ancestors.join(", by "))
}

pub(super) fn endpoint(socket: &Socket, end: &Endpoint) -> String {
    cells::endpoint(end, socket.scope(end.address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cgroup::Cgroup;
    use crate::model::port_policy::PortPolicy;
    use crate::model::socket::tests::socket;
    use crate::reports::tests::{Machine, friendly, process};
    use crate::request::{PortQuestion, View};

    fn print(machine: Machine, port: u16) -> String {
        let mut moment = machine.moment(View::Explanations);
        let lookups = &mut moment.lookups;
        lookups.port_policy =
            PortPolicy { ephemeral: Some(32768..=60999), reserved: vec![443..=443], unprivileged_from: Some(1024) };
        lookups.processes.extend([process(1, "systemd")]);
        lookups.ancestors = [(900, vec![1]), (901, vec![900, 1])].into();
        let unit = Cgroup { unit: Some("nginx.service".to_owned()), container: None };
        let container = Container { runtime: "docker", id: "0123456789abcdef".repeat(4) };
        lookups.cgroups = [(900, unit), (901, Cgroup { unit: None, container: Some(container) })].into();
        let mut out = Vec::new();
        for explanation in Explanation::all(&moment, &[PortQuestion { port, protocol: None }]) {
            write(&mut out, &explanation).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_explanation_of_a_port_that_is_taken() {
        assert_eq!(
            print(friendly(), 443),
            "Port 443 (https) is taken.\n\
             It is one of the well-known ports; only root may bind it here (from 1024 on anybody may); \
             it is not ephemeral (clients get 32768 to 60999); it is reserved (ip_local_reserved_ports).\n\
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
        let text = print(friendly(), 40000);
        assert!(text.contains("Over, and kept back for late segments (1; the last for 41 s more):\n  TCP 192.0.2.1:40000 to 198.51.100.7:443 (41 s left)\n"), "{text}");
        assert!(
            print(friendly(), 40001)
                .starts_with("Port 40001 is free.\nIt is one of the registered ports; anybody may bind it here")
        );
    }

    #[test]
    fn a_thousand_sockets_are_not_listed_one_by_one() {
        let machine =
            Machine::new((1..=1000).map(|inode| Socket { inode, ..socket("127.0.0.1", 80) }).collect(), &[(10, 900)], Vec::new());
        let text = print(machine, 80);
        assert!(text.lines().count() < 30 && text.contains("and 990 more"), "{text}");
    }
}
