//! An explanation for people.

use super::compute::{Explanation, Role, longest_wait};
use crate::lookup::processes::Processes;
use crate::model::cgroup::Container;
use crate::model::owners::OwnerStatus;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Pid, Protocol, Socket};
use crate::model::time::rfc3339;
use crate::moment::row::{Row, range_of};
use crate::output::escape::escape;
use crate::output::width::width;
use crate::reports::paint::Paint;
use crate::reports::sockets::cells;
use crate::reports::sockets::wide::local_endpoint;
use crate::reports::table_style::TableStyle;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes the explanation for people.
pub fn write(out: &mut impl Write, explanation: &Explanation<'_>, style: TableStyle) -> io::Result<()> {
    let rows = &explanation.rows;
    write_head(out, explanation, style)?;
    for role in Role::ALL {
        let rows: Vec<Row<'_>> = rows.iter().copied().filter(|&row| Role::of(row) == role).collect();
        if !rows.is_empty() {
            writeln!(out, "\n{}", Paint::Strong.on(style.color, &heading(role, &rows)))?;
            write_rows(out, explanation, role, &rows)?;
        }
    }
    writeln!(out)?;
    write_text(out, &escape(&explanation.advice()), style, None)?;
    for command in explanation.commands() {
        writeln!(out, "    {}", Paint::Good.on(style.color, &command))?;
    }
    Ok(())
}

/// Writes a text in lines that fit, broken between words.
fn write_text(out: &mut impl Write, text: &str, style: TableStyle, paint: Option<Paint>) -> io::Result<()> {
    let cells = style.width.map_or(usize::MAX, usize::from);
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    for line in lines {
        writeln!(out, "{}", paint.map_or(line.as_str().into(), |paint| paint.on(style.color, &line)))?;
    }
    Ok(())
}

fn write_head(out: &mut impl Write, explanation: &Explanation<'_>, style: TableStyle) -> io::Result<()> {
    let (port, policy) = (explanation.question.port, explanation.policy());
    write_text(out, &explanation.headline(), style, Some(Paint::Strong))?;
    let service = explanation.service(Protocol::Tcp).or_else(|| explanation.service(Protocol::Udp));
    let mut facts: Vec<String> = service.map(|service| escape(service).into_owned()).into_iter().collect();
    facts.push(format!("{} port", range_of(port)));
    if let Some(from) = policy.unprivileged_from.filter(|_| policy.is_privileged(port)) {
        facts.push(format!("privileged (below {from})"));
    }
    if let Some(range) = &policy.ephemeral {
        let not = if range.contains(&port) { "" } else { "not " };
        facts.push(format!("{not}ephemeral ({}-{})", range.start(), range.end()));
    }
    if policy.is_reserved(port) {
        facts.push("reserved (ip_local_reserved_ports)".to_owned());
    }
    write_text(out, &facts.join(" · "), style, Some(Paint::Dim))
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
        write!(out, "  {} {}", socket.protocol.word(), local_endpoint(*row))?;
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
        let holders: BTreeSet<Pid> = pids.into_iter().collect();
        let (workers, masters): (Vec<Pid>, Vec<Pid>) = holders.iter().partition(|&&pid| explanation.is_worker(pid, &holders));
        masters.into_iter().take(MOST).try_for_each(|pid| write_process(out, explanation, pid, &workers))?;
    }
    Ok(())
}

pub(super) fn held_by(row: Row<'_>) -> String {
    let name = |process: &Process| process.name.to_string_lossy().into_owned();
    let names: Vec<String> =
        row.processes().map(|(pid, process)| cells::name_and_pid(pid, process.map(name).as_deref())).collect();
    match row.owners().status {
        OwnerStatus::Owned => match names.as_slice() {
            [first, second, third, rest @ ..] if rest.len() > 1 => format!("{first}, {second}, {third} and {} more", rest.len()),
            names => names.join(", "),
        },
        OwnerStatus::None => "no process".to_owned(),
        OwnerStatus::Denied => "a process that is hidden from you".to_owned(),
        OwnerStatus::Gone => "no process any more".to_owned(),
        OwnerStatus::Unsupported => "a process that this system does not tell".to_owned(),
    }
}

fn write_process(out: &mut impl Write, explanation: &Explanation<'_>, pid: Pid, workers: &[Pid]) -> io::Result<()> {
    let Some(process) = explanation.lookups.processes.get(pid) else { return Ok(()) };
    let mut line = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => writeln!(out, "      {name:<13} {}", escape(text)),
    };
    line("PID", &format!("{pid}, {}", cells::process_name(process)))?;
    let is_of_this = |worker: &&Pid| explanation.lookups.ancestors.get(worker).is_some_and(|ancestors| ancestors.contains(&pid));
    let workers: Vec<String> = workers.iter().filter(is_of_this).map(Pid::to_string).collect();
    let more = if workers.len() > MOST { " …" } else { "" };
    let listed = workers.iter().take(MOST).cloned().collect::<Vec<_>>().join(" ");
    line("Workers", &if workers.is_empty() { String::new() } else { format!("{} ({listed}{more})", workers.len()) })?;
    line("Executable", &process.executable.as_ref().map_or(String::new(), |path| path.to_string_lossy().into_owned()))?;
    line("Command line", &process.command_line_text())?;
    let user = process.user.as_ref().map(|user| user.name.as_deref().unwrap_or(&user.id));
    line("User", user.unwrap_or_default())?;
    let ago = |started: u64| explanation.time.checked_sub(started).map(|seconds| format!(" ({} ago)", duration(seconds)));
    let started = process.started.and_then(|started| Some(format!("{}{}", rfc3339(started)?, ago(started).unwrap_or_default())));
    line("Started", &started.unwrap_or_default())?;
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

/// `27 min`.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
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
        lookups.port_policy = PortPolicy {
            ephemeral: Some(32768..=60999),
            reserved: vec![443..=443],
            unprivileged_from: Some(1024),
            caller_is_root: false,
        };
        lookups.processes.extend([process(1, "systemd")]);
        lookups.ancestors = [(900, vec![1]), (901, vec![900, 1])].into();
        let unit = Cgroup { unit: Some("nginx.service".to_owned()), container: None };
        let container = Container { runtime: "docker", id: "0123456789abcdef".repeat(4) };
        lookups.cgroups = [(900, unit), (901, Cgroup { unit: None, container: Some(container) })].into();
        let mut out = Vec::new();
        for explanation in Explanation::all(&moment, &[PortQuestion { port, protocol: None }]) {
            write(&mut out, &explanation, TableStyle { width: None, color: false, no_header: false }).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_explanation_of_a_port_that_is_taken() {
        assert_eq!(
            print(friendly(), 443),
            "TCP port 443 is taken; UDP port 443 is free.\n\
             https · well-known port · privileged (below 1024) · not ephemeral (32768-60999) · \
             reserved (ip_local_reserved_ports)\n\
             \n\
             Listening:\n\
             \x20 TCP 0.0.0.0:443: nginx (900), nginx (901)\n\
             \x20     PID           900, nginx\n\
             \x20     Workers       1 (901)\n\
             \x20     Executable    /usr/sbin/nginx\n\
             \x20     Command line  nginx -g daemon off;\n\
             \x20     User          www-data\n\
             \x20     Started       2026-11-23T16:00:00Z\n\
             \x20     Unit          nginx.service\n\
             \x20     Started by    systemd (1)\n\
             \n\
             Connections (1):\n\
             \x20 TCP 127.0.0.1:443 to 127.0.0.1:50000 ESTABLISHED: nginx (901)\n\
             \n\
             The port is held by nginx (PID 900) and 1 more: stop them, or let one side use another port.\n\
             \x20   sudo systemctl stop nginx\n"
        );
    }

    #[test]
    fn a_port_that_is_free_and_one_that_waits() {
        let text = print(friendly(), 40000);
        assert!(text.contains("Over, and kept back for late segments (1; the last for 41 s more):\n  TCP 192.0.2.1:40000 to 198.51.100.7:443 (41 s left)\n"), "{text}");
        assert!(text.starts_with("TCP port 40000 is kept back by 1 connection in TIME_WAIT only; UDP port 40000 is free.\n"));
        let free = print(friendly(), 40001);
        assert!(free.starts_with("Port 40001 is free.\nregistered port · ephemeral (32768-60999)\n"), "{free}");
    }

    #[test]
    fn a_narrow_terminal_wraps_between_words_and_root_is_not_sent_to_root() {
        let mut moment = friendly().moment(View::Explanations);
        moment.lookups.port_policy = PortPolicy { unprivileged_from: Some(1024), caller_is_root: true, ..PortPolicy::default() };
        let print = |port, width, color| {
            let mut out = Vec::new();
            for explanation in Explanation::all(&moment, &[PortQuestion { port, protocol: None }]) {
                write(&mut out, &explanation, TableStyle { width, color, no_header: false }).unwrap();
            }
            String::from_utf8(out).unwrap()
        };
        assert!(print(443, Some(60), false).lines().all(|line| width(line) <= 70), "only what is copied is longer");
        assert!(!print(80, None, false).contains("root") && !print(443, None, false).contains("sudo"));
        assert!(print(443, None, true).starts_with("\u{1b}[1mTCP port 443 is taken"));
    }

    #[test]
    fn the_headline_names_the_addresses_that_are_taken() {
        let headline = |sockets, protocol| {
            let moment = Machine::new(sockets, &[], Vec::new()).moment(View::Explanations);
            Explanation::all(&moment, &[PortQuestion { port: 53, protocol }]).remove(0).headline()
        };
        let on = |address| socket(address, 53);
        let udp = |address| Socket { protocol: Protocol::Udp, state: None, ..socket(address, 53) };
        assert_eq!(
            headline(vec![on("127.0.0.1"), on("::1")], Some(Protocol::Tcp)),
            "TCP port 53 is taken on 127.0.0.1 and ::1, other addresses are free."
        );
        assert_eq!(headline(vec![udp("0.0.0.0")], None), "UDP port 53 is taken; TCP port 53 is free.");
        assert_eq!(headline(vec![on("::"), udp("::")], None), "TCP port 53 is taken; UDP port 53 is taken.");
        let device = Socket { interface: 12, ..on("0.0.0.0") };
        assert_eq!(
            headline(vec![device], Some(Protocol::Tcp)),
            "TCP port 53 is taken on 0.0.0.0%eth0, other addresses are free."
        );
        assert_eq!(headline(Vec::new(), Some(Protocol::Udp)), "UDP port 53 is free.");
    }

    #[test]
    fn a_thousand_sockets_are_not_listed_one_by_one() {
        let machine =
            Machine::new((1..=1000).map(|inode| Socket { inode, ..socket("127.0.0.1", 80) }).collect(), &[(10, 900)], Vec::new());
        let text = print(machine, 80);
        assert!(text.lines().count() < 30 && text.contains("and 990 more"), "{text}");
    }
}
