//! Explanations of the same port in several network namespaces, for people.

use super::compute::Explanation;
use super::text::write;
use crate::model::answer::Answer;
use crate::model::namespace::{NameSource, Namespace};
use crate::output::escape::{escape, escape_name};
use crate::output::wrap::wrap;
use crate::reports::paint::Paint;
use crate::reports::table_style::TableStyle;
use std::io::{self, Write};

/// Writes the explanations for people, those of one question next to each other.
pub fn write_all(out: &mut impl Write, explanations: &[Explanation<'_>], style: TableStyle) -> io::Result<()> {
    if explanations.is_empty() {
        return writeln!(out, "No network namespace matches.");
    }
    for (position, answers) in explanations.chunk_by(|a, b| a.question == b.question).enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        match answers {
            [answer] if answer.namespace.is_none() => write(out, answer, style)?,
            answers => write_namespaces(out, answers, style)?,
        }
    }
    Ok(())
}

/// How many network namespaces in which a port is free are named.
const NAMED: usize = 20;

/// Writes in which network namespaces the port of a question is taken, then the explanation of each of these.
fn write_namespaces(out: &mut impl Write, answers: &[Explanation<'_>], style: TableStyle) -> io::Result<()> {
    let Some(first) = answers.first() else { return Ok(()) };
    let with = |taken| answers.iter().filter(move |answer| answer.taken == taken);
    let protocol = first.question.protocol.map_or_else(|| "Port".to_owned(), |protocol| format!("{} port", protocol.word()));
    let namespaces = if answers.len() == 1 { "namespace" } else { "namespaces" };
    let port = first.question.port;
    let headline = match (with(Answer::Yes).count(), with(Answer::Unknown).count()) {
        (0, 0) => format!("{protocol} {port} is free in {} network {namespaces}.", answers.len()),
        (0, unknown) => format!("{protocol} {port} may be free or taken in {unknown} of {} network {namespaces}.", answers.len()),
        (taken, _) => format!("{protocol} {port} is taken in {taken} of {} network {namespaces}.", answers.len()),
    };
    for line in wrap(&headline, style.width.map(usize::from)) {
        writeln!(out, "{}", Paint::Strong.on(style.color, &line))?;
    }
    for (word, answer) in [("Taken", Answer::Yes), ("Unknown", Answer::Unknown), ("Free", Answer::No)] {
        let named: Vec<String> = with(answer).take(NAMED).filter_map(|answer| answer.namespace).map(label).collect();
        let more = match with(answer).count().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if !named.is_empty() {
            writeln!(out, "  {word:<8} {}{more}", named.join(", "))?;
        }
    }
    for answer in with(Answer::Yes) {
        writeln!(out)?;
        write(out, answer, style)?;
    }
    Ok(())
}

/// What a network namespace is called in a sentence or a list.
pub(super) fn label(namespace: &Namespace) -> String {
    match namespace.source {
        // With its PID behind it.
        NameSource::Process => escape(&namespace.label()).into_owned(),
        NameSource::Container | NameSource::Netns | NameSource::Hostname | NameSource::None => {
            escape_name(&namespace.label()).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::namespace::NamespaceContainer;
    use crate::model::port_policy::PortPolicy;
    use crate::model::problem::{Problem, ProblemKind};
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Protocol, Socket};
    use crate::moment::Moment;
    use crate::moment::published::Published;
    use crate::reports::tests::{Machine, process};
    use crate::request::{PortQuestion, View};

    /// A proxy on port 8080 of the host, the server behind it in a container, and two more namespaces.
    fn published() -> Moment {
        let sockets = vec![
            Socket { inode: 10, ..socket("0.0.0.0", 8080) },
            Socket { inode: 11, ..socket("172.17.0.2", 80) },
            Socket { inode: 12, ..socket("0.0.0.0", 8080) },
        ];
        let processes = vec![process(7, "docker-proxy"), process(900, "nginx"), process(901, "java")];
        let mut machine = Machine::new(sockets, &[(10, 7), (11, 900), (12, 901)], processes);
        let namespace = |name: &str, rows| Namespace { name: Some(name.to_owned()), rows, ..Namespace::default() };
        let container =
            NamespaceContainer { runtime: "docker".to_owned(), id: "c0ffee".repeat(10), ..NamespaceContainer::default() };
        machine.snapshot.namespaces = vec![
            Namespace { own: true, initial: true, inode: Some(1), rows: 0..1, ..Namespace::default() },
            Namespace { inode: Some(2), container: Some(container), ..namespace("web", 1..2) },
            Namespace { inode: Some(3), ..namespace("x, y", 2..3) },
            Namespace { is_unread: true, ..namespace("closed", 3..3) },
        ];
        machine.lookups.published =
            [(7, Published { address: "172.17.0.2".parse().unwrap(), port: 80, namespace: Some(1) })].into();
        machine.lookups.port_policy =
            PortPolicy { ephemeral: Some(32768..=60999), caller_is_root: true, ..PortPolicy::default() };
        let hidden = Problem::new(ProblemKind::NamespacesHidden, "1 network namespace could not be read");
        machine.snapshot.problems.push(hidden);
        machine.moment(View::Explanations)
    }

    #[test]
    fn each_network_namespace_has_its_answer() {
        let moment = published();
        let questions = [8080, 80, 81].map(|port| PortQuestion { port, protocol: Some(Protocol::Tcp) });
        let explanations = Explanation::all(&moment, &questions);
        let taken: Vec<_> = explanations.iter().map(|explanation| explanation.taken).collect();
        use Answer::{No, Unknown, Yes};
        assert_eq!(taken, [Yes, No, Yes, Unknown, No, Yes, No, Unknown, No, No, No, Unknown]);
        let mut out = Vec::new();
        write_all(&mut out, &explanations, TableStyle { width: None, color: false, no_header: false }).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with(
                "TCP port 8080 is taken in 2 of 4 network namespaces.\n\
                 \x20 Taken    host, \"x, y\"\n\
                 \x20 Unknown  closed\n\
                 \x20 Free     web\n\
                 \n\
                 host: TCP port 8080 is taken.\n\
                 registered port · not ephemeral (32768-60999)\n"
            ),
            "{text}"
        );
        for part in [
            "\n\"x, y\": TCP port 8080 is taken.\nregistered port\n",
            "\n    for        web (172.17.0.2) port 80\n",
            "\nDocker publishes the port for a container, web (172.17.0.2) port 80: stop that, or let one side use another port.\n    \
             docker stop c0ffeec0ffee\n",
            "\n\nTCP port 80 is taken in 1 of 4 network namespaces.\n",
            "\n\nTCP port 81 may be free or taken in 1 of 4 network namespaces.\n  Unknown  closed\n  Free     host, web, \"x, y\"\n",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
    }
}
