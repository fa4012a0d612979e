//! An explanation for people: a card with what holds the port, and commands to copy.

use super::compute::{Explanation, Role, Service, longest_wait, published_for};
use super::ends::{between, bound_to, held_by};
use super::namespaces::label;
use crate::lookup::processes::Processes;
use crate::model::bind::BindOutcome;
use crate::model::cgroup::Container;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Pid, Protocol, State};
use crate::model::time::rfc3339;
use crate::moment::row::{Row, range_of};
use crate::output::escape::escape;
use crate::output::wrap::wrap;
use crate::reports::findings;
use crate::reports::paint::Paint;
use crate::reports::sockets::cells;
use crate::reports::table_style::TableStyle;
use std::borrow::Cow;
use std::io::{self, Write};

/// How many services, connections or workers are told one by one.
const MOST: usize = 10;

/// How many lines a fact takes at most on a terminal.
const MOST_LINES: usize = 3;

/// Writes the explanation for people.
pub fn write(out: &mut impl Write, explanation: &Explanation<'_>, style: TableStyle) -> io::Result<()> {
    let mut card = Card { out, style };
    card.head(explanation)?;
    card.services(explanation)?;
    card.ownerless(explanation)?;
    card.connections(explanation)?;
    card.waiting(explanation)?;
    card.findings(explanation)?;
    card.attempts(explanation)?;
    card.advice(explanation)
}

/// Where a card is written, and how it is to look.
struct Card<'a, W> {
    out: &'a mut W,
    style: TableStyle,
}

impl<W: Write> Card<'_, W> {
    fn paint<'t>(&self, paint: Paint, text: &'t str) -> Cow<'t, str> {
        paint.on(self.style.color, text)
    }

    fn head(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        let (port, policy) = (explanation.question.port, &explanation.policy);
        let namespace = explanation.namespace.map_or_else(String::new, |namespace| format!("{}: ", label(namespace)));
        self.hanging(&namespace, &explanation.headline(), 0, Some(Paint::Strong))?;
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
        self.text(&facts.join(" · "), Some(Paint::Dim))
    }

    /// The processes that hold the port, as a tree: their ancestors, the master, and what is known of it.
    fn services(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        let services = explanation.services();
        let mut last = None;
        for service in services.iter().take(MOST) {
            let (ends, ancestry) = (ends(explanation, service), ancestry(explanation, service.master));
            let branch = if ancestry.is_empty() { "  " } else { "  └─ " };
            // Those that hold the same sockets and have the same ancestors stand under one head.
            let head = Some((ends, ancestry));
            if last != head {
                let (ends, ancestry) = head.clone().unwrap_or_default();
                writeln!(self.out)?;
                for end in ends.iter().take(MOST) {
                    writeln!(self.out, "  {}", self.paint(Paint::Waiting, &escape(end)))?;
                }
                self.and_more(ends.len())?;
                self.hanging("  ", &ancestry, 4, Some(Paint::Dim))?;
                last = head;
            }
            self.service(explanation, service, branch)?;
        }
        match services.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => writeln!(self.out, "  and {more} more"),
        }
    }

    fn service(&mut self, explanation: &Explanation<'_>, service: &Service, branch: &str) -> io::Result<()> {
        let pid = service.master;
        let process = explanation.lookups.processes.get(pid);
        let name = process.map(|process| format!("{} ", cells::process_name(process))).unwrap_or_default();
        let user = process.and_then(|process| process.user.as_ref()).map(|user| user.name.as_deref().unwrap_or(&user.id));
        let user = user.map(|user| format!(" ({})", escape(user))).unwrap_or_default();
        let workers = match service.workers.len() {
            0 => String::new(),
            1 => " ─ 1 worker".to_owned(),
            many => format!(" ─ {many} workers"),
        };
        let title = format!("{name}{pid}");
        writeln!(self.out, "{branch}{}{user}{workers}", self.paint(Paint::Strong, &title))?;
        let indent = " ".repeat(branch.chars().count() + 2);
        for (label, text) in facts(explanation, service) {
            if !text.is_empty() {
                self.fact(&indent, label, &text)?;
            }
        }
        Ok(())
    }

    fn fact(&mut self, indent: &str, label: &str, text: &str) -> io::Result<()> {
        const LABEL: usize = 10;
        let begin = indent.chars().count() + LABEL + 1;
        let cells = self.style.width.map(|cells| usize::from(cells).saturating_sub(begin));
        let mut lines = wrap(text, cells);
        if cells.is_some() && lines.len() > MOST_LINES {
            lines.truncate(MOST_LINES);
            if let Some(last) = lines.last_mut() {
                last.push('…');
            }
        }
        for (place, line) in lines.iter().enumerate() {
            let label = if place == 0 { format!("{label:<LABEL$}") } else { " ".repeat(LABEL) };
            writeln!(self.out, "{indent}{} {line}", self.paint(Paint::Dim, &label))?;
        }
        Ok(())
    }

    /// What is bound to the port and has no process that is known.
    fn ownerless(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        let is_ownerless =
            |row: &&Row<'_>| matches!(Role::of(**row), Role::Listener | Role::Bound) && row.owners().pids().next().is_none();
        let rows: Vec<Row<'_>> = explanation.rows.iter().filter(is_ownerless).copied().collect();
        if !rows.is_empty() {
            writeln!(self.out)?;
        }
        let mut lines: Vec<(String, usize)> = Vec::new();
        for row in rows {
            let line = format!("{}: {}", bound_to(row), held_by(row));
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, count)) => *count += 1,
                None => lines.push((line, 1)),
            }
        }
        for (line, count) in lines.iter().take(MOST) {
            let sockets = if *count == 1 { String::new() } else { format!(" ({count} sockets)") };
            self.hanging("  ", &format!("{line}{sockets}"), 6, None)?;
        }
        self.and_more(lines.len())
    }

    fn connections(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        let rows = in_role(explanation, Role::Connection);
        if rows.is_empty() {
            return Ok(());
        }
        let states = State::ALL.into_iter().filter_map(|state| {
            let count = rows.iter().filter(|row| row.socket.state == Some(state)).count();
            (count > 0).then(|| format!("{count} {state}"))
        });
        let udp = rows.iter().filter(|row| row.socket.state.is_none()).count();
        let counts: Vec<String> = states.chain((udp > 0).then(|| format!("{udp} UDP"))).collect();
        writeln!(self.out, "\n{} {}", self.paint(Paint::Strong, "Connections:"), counts.join(", "))?;
        for row in rows.iter().take(MOST) {
            let socket = row.socket;
            let state = socket.state.map(|state| format!(" {}", self.paint(Paint::of_state(state), state.word())));
            writeln!(self.out, "  {}{} {}", between(*row), state.unwrap_or_default(), escape(&held_by(*row)))?;
        }
        self.and_more(rows.len())
    }

    fn waiting(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        let rows = in_role(explanation, Role::Waiting);
        let Some(longest) = longest_wait(rows.iter().copied()) else { return Ok(()) };
        let last = if rows.len() == 1 { "over" } else { "the last one over" };
        let heading = self.paint(Paint::Strong, "TIME_WAIT:");
        writeln!(self.out, "\n{heading} {}, {last} in {} s", rows.len(), longest.div_ceil(1000))?;
        for row in rows.iter().take(MOST) {
            writeln!(self.out, "  {} ({} s left)", between(*row), row.socket.expires_ms.div_ceil(1000))?;
        }
        self.and_more(rows.len())
    }

    /// What is worth a look about the port.
    fn findings(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        if !explanation.findings.is_empty() {
            writeln!(self.out, "\n{}", self.paint(Paint::Strong, "Worth a look:"))?;
        }
        for finding in explanation.findings.iter().take(MOST) {
            let sentence = findings::sentence(finding, &explanation.lookups.processes);
            self.hanging("  ", &format!("{sentence}."), 4, Some(findings::paint(finding)))?;
        }
        self.and_more(explanation.findings.len())
    }

    fn and_more(&mut self, rows: usize) -> io::Result<()> {
        if rows > MOST { writeln!(self.out, "  and {} more", rows - MOST) } else { Ok(()) }
    }

    /// What trying to bind the port gave.
    fn attempts(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        if explanation.attempts.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n{}", self.paint(Paint::Strong, "Tried to bind:"))?;
        for attempt in &explanation.attempts {
            let outcome = match &attempt.outcome {
                BindOutcome::Bound => self.paint(Paint::Good, "bound, and closed again"),
                BindOutcome::InUse => self.paint(Paint::Bad, "address already in use"),
                BindOutcome::Denied => "permission denied".into(),
                BindOutcome::NoFamily => "no such addresses on this system".into(),
                BindOutcome::Failed(error) => escape(error),
            };
            let end = Endpoint::new(attempt.address, attempt.port);
            writeln!(self.out, "  {} {}: {outcome}", attempt.protocol.word(), cells::endpoint(&end, 0))?;
        }
        Ok(())
    }

    /// What to do, the commands for it, and another port.
    fn advice(&mut self, explanation: &Explanation<'_>) -> io::Result<()> {
        writeln!(self.out)?;
        self.text(&explanation.advice(), None)?;
        let suggestions = explanation.suggestions();
        let longest = suggestions.iter().map(|suggestion| suggestion.command.chars().count()).max().unwrap_or_default();
        for suggestion in suggestions {
            let command = self.paint(Paint::Good, &suggestion.command).into_owned();
            let fill = " ".repeat(longest - suggestion.command.chars().count());
            match suggestion.note {
                "" => writeln!(self.out, "    {command}")?,
                note => writeln!(self.out, "    {command}{fill}  {}", self.paint(Paint::Dim, &format!("# {note}")))?,
            }
        }
        match explanation.free_port_nearby().filter(|_| explanation.suggests_another_port()) {
            Some(port) => writeln!(self.out, "A free port nearby: {port}."),
            None => Ok(()),
        }
    }

    /// A text in lines that fit, broken between words.
    fn text(&mut self, text: &str, paint: Option<Paint>) -> io::Result<()> {
        self.hanging("", text, 0, paint)
    }

    /// A text in lines that fit, the second and further ones so many cells from the edge; nothing if there is no text.
    fn hanging(&mut self, first: &str, text: &str, indent: usize, paint: Option<Paint>) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let text = escape(text);
        let cells = self.style.width.map(|cells| usize::from(cells).saturating_sub(indent.max(first.len())));
        let rest = " ".repeat(indent);
        for (place, line) in wrap(&text, cells).iter().enumerate() {
            let begin = if place == 0 { first } else { rest.as_str() };
            writeln!(self.out, "{begin}{}", paint.map_or(line.as_str().into(), |paint| self.paint(paint, line)))?;
        }
        Ok(())
    }
}

fn in_role<'a>(explanation: &Explanation<'a>, role: Role) -> Vec<Row<'a>> {
    explanation.rows.iter().copied().filter(|&row| Role::of(row) == role).collect()
}

/// The processes that started a process, the first one first: `systemd 1 → sshd 800`.
fn ancestry(explanation: &Explanation<'_>, pid: Pid) -> String {
    let ancestors = explanation.lookups.ancestors.get(&pid).map_or(&[][..], Vec::as_slice);
    let known = ancestors.iter().rev().filter_map(|&pid| explanation.lookups.processes.get(pid));
    let mut names: Vec<String> = known.map(|process| format!("{} {}", cells::process_name(process), process.pid)).collect();
    if ancestors.len() == Processes::MAX_ANCESTORS {
        names.insert(0, "…".to_owned());
    }
    names.join(" → ")
}

/// The ends that a service is bound to, each once.
fn ends(explanation: &Explanation<'_>, service: &Service) -> Vec<String> {
    let is_of_service = |row: &&Row<'_>| {
        let is_holder = matches!(Role::of(**row), Role::Listener | Role::Bound);
        is_holder && row.owners().pids().any(|owner| owner == service.master || service.workers.contains(&owner))
    };
    let mut ends: Vec<String> = Vec::new();
    for row in explanation.rows.iter().filter(is_of_service) {
        let end = bound_to(*row);
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    ends
}

/// What is known of a service: a label and a text each; what is not known is empty.
fn facts(explanation: &Explanation<'_>, service: &Service) -> [(&'static str, String); 7] {
    let (lookups, pid) = (explanation.lookups, service.master);
    let process = lookups.processes.get(pid);
    let started = process.and_then(|process| process.started).and_then(|started| {
        let ago = explanation.time.checked_sub(started).map(|seconds| format!("{} ago, ", duration(seconds)));
        Some(format!("{}{}", ago.unwrap_or_default(), rfc3339(started)?))
    });
    let executable = process.and_then(|process| process.executable.as_ref());
    let mut workers: Vec<String> = service.workers.iter().take(MOST).map(Pid::to_string).collect();
    if service.workers.len() > MOST {
        workers.push("…".to_owned());
    }
    let cgroup = lookups.cgroups.get(&pid);
    let container = cgroup.and_then(|cgroup| cgroup.container.as_ref());
    let published = explanation.published_by(pid).map(|(published, namespace)| published_for(published, namespace));
    [
        ("workers", workers.join(" ")),
        ("unit", cgroup.and_then(|cgroup| cgroup.unit.clone()).unwrap_or_default()),
        ("container", container.map(Container::short_name).unwrap_or_default()),
        ("for", published.unwrap_or_default()),
        ("since", started.unwrap_or_default()),
        ("program", executable.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()),
        ("command", process.map(Process::command_line_text).unwrap_or_default()),
    ]
    .map(|(label, text)| (label, escape(&text).into_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cgroup::Cgroup;
    use crate::model::port_policy::PortPolicy;
    use crate::model::socket::Socket;
    use crate::model::socket::tests::socket;
    use crate::moment::published::Published;
    use crate::output::width::width;
    use crate::reports::tests::{Machine, friendly, process};
    use crate::request::{PortQuestion, View};

    fn print(machine: Machine, port: u16) -> String {
        let mut moment = machine.moment(View::Explanations);
        let lookups = &mut moment.lookups;
        lookups.port_policy = PortPolicy {
            ephemeral: Some(32768..=60999),
            reserved: vec![443..=443],
            unprivileged_from: Some(1024),
            ..PortPolicy::default()
        };
        lookups.processes.extend([process(1, "systemd")]);
        lookups.ancestors = [(900, vec![1]), (901, vec![900, 1])].into();
        let unit = Cgroup { unit: Some("nginx.service".to_owned()), ..Cgroup::default() };
        let container = Container { runtime: "docker", id: "0123456789abcdef".repeat(4) };
        lookups.cgroups = [(900, unit), (901, Cgroup { container: Some(container), ..Cgroup::default() })].into();
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
             \x20 TCP 0.0.0.0:443\n\
             \x20 systemd 1\n\
             \x20 └─ nginx 900 (www-data) ─ 1 worker\n\
             \x20      workers    901\n\
             \x20      unit       nginx.service\n\
             \x20      since      2026-11-23T16:00:00Z\n\
             \x20      program    /usr/sbin/nginx\n\
             \x20      command    nginx -g daemon off;\n\
             \n\
             Connections: 1 ESTABLISHED\n\
             \x20 TCP 127.0.0.1:443 to 127.0.0.1:50000 ESTABLISHED nginx (901)\n\
             \n\
             The port is held by nginx (PID 900) and 1 more: stop them, or let one side use another port.\n\
             \x20   sudo systemctl stop nginx\n\
             A free port nearby: 8443.\n"
        );
    }

    #[test]
    fn a_port_that_is_free_and_one_that_waits() {
        let text = print(friendly(), 40000);
        assert!(text.contains("TIME_WAIT: 1, over in 41 s\n  TCP 192.0.2.1:40000 to 198.51.100.7:443 (41 s left)\n"), "{text}");
        assert!(text.starts_with("TCP port 40000 is kept back by 1 connection in TIME_WAIT only; UDP port 40000 is free.\n"));
        let free = print(friendly(), 40001);
        assert!(free.starts_with("Port 40001 is free.\nregistered port · ephemeral (32768-60999)\n"), "{free}");
    }

    #[test]
    fn a_published_port_is_said_to_be_one_although_only_the_own_namespace_was_read() {
        let mut machine = friendly();
        machine.lookups.published =
            [(900, Published { address: "172.17.0.2".parse().unwrap(), port: 80, namespace: None })].into();
        let text = print(machine, 443);
        let expected =
            "\nDocker publishes the port for a container, 172.17.0.2 port 80: stop that, or let one side use another port.\n";
        assert!(text.contains(expected), "{text}");
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
            "TCP port 53 is taken on 127.0.0.1 and ::1; other addresses are free."
        );
        assert_eq!(headline(vec![udp("0.0.0.0")], None), "UDP port 53 is taken; TCP port 53 is free.");
        assert_eq!(headline(vec![on("::"), udp("::")], None), "TCP port 53 is taken; UDP port 53 is taken.");
        let device = Socket { interface: 12, ..on("0.0.0.0") };
        assert_eq!(headline(vec![device], Some(Protocol::Tcp)), "TCP port 53 is taken on 0.0.0.0%eth0; other devices are free.");
        assert_eq!(headline(Vec::new(), Some(Protocol::Udp)), "UDP port 53 is free.");
    }

    #[test]
    fn listeners_on_two_devices_have_a_line_each() {
        let on = |interface, inode| Socket { interface, inode, ..socket("0.0.0.0", 80) };
        let text = print(Machine::new(vec![on(12, 10), on(13, 11)], &[(10, 900), (11, 900)], vec![process(900, "nginx")]), 80);
        assert!(text.contains("\n  TCP 0.0.0.0%eth0:80\n  TCP 0.0.0.0%13:80\n"), "{text}");
        assert!(text.starts_with("TCP port 80 is taken on 0.0.0.0%eth0 and 0.0.0.0%13; other devices are free."), "{text}");
    }

    #[test]
    fn a_thousand_sockets_are_not_listed_one_by_one() {
        let machine =
            Machine::new((1..=1000).map(|inode| Socket { inode, ..socket("127.0.0.1", 80) }).collect(), &[(10, 900)], Vec::new());
        let text = print(machine, 80);
        assert!(text.lines().count() < 30, "{text}");
        assert!(text.contains("TCP 127.0.0.1:80: a process that is hidden from you (999 sockets)\n"), "{text}");
    }
}
