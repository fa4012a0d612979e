//! The processes that own the most ports, for people. Windows' own layout is not known: this one is ours.

use crate::lookup::processes::Processes;
use crate::model::namespace::Namespace;
use crate::moment::consumers::Consumer;
use crate::output::escape::escape;
use crate::output::width::line_of;
use crate::reports::paint::Paint;
use crate::reports::table_style::TableStyle;
use std::io::{self, Write};

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// The headings: the process' number, ports of TCP, of UDP, of both, and the process' name.
    pub headings: [&'static str; 5],
    /// The heading of the network namespace.
    pub namespace: &'static str,
}

/// The words in English.
pub const ENGLISH: Words =
    Words { title: "Port Consumers", headings: ["PID", "TCP Ports", "UDP Ports", "Total", "Program"], namespace: "Namespace" };

/// The words in Korean.
pub const KOREAN: Words = Words {
    title: "포트 사용 프로세스",
    headings: ["PID", "TCP 포트", "UDP 포트", "합계", "프로그램"],
    namespace: "네임스페이스",
};

/// Where each column begins.
const COLUMNS: [usize; 6] = [2, 12, 23, 34, 43, 60];

/// Writes the title and the heading, if they are wanted, and a row for each process, with its network namespace if there are several.
pub fn write(
    out: &mut impl Write,
    consumers: &[Consumer],
    processes: &Processes,
    namespaces: &[Namespace],
    words: &Words,
    style: TableStyle,
) -> io::Result<()> {
    let columns = if namespaces.is_empty() { COLUMNS.len() - 1 } else { COLUMNS.len() };
    let line =
        |texts: [&str; 5], namespace: &str| line_of(COLUMNS.into_iter().zip(texts.into_iter().chain([namespace])).take(columns));
    if !style.no_header {
        let strong = |text: &str| Paint::Strong.on(style.color, text).into_owned();
        writeln!(out, "\n{}\n\n{}", strong(words.title), strong(&line(words.headings, words.namespace)))?;
    }
    for consumer in consumers {
        let pid = consumer.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let process = consumer.pid.and_then(|pid| processes.get(pid));
        let name = process.map_or_else(|| "-".into(), |process| process.name.to_string_lossy());
        let [tcp, udp, total] = [consumer.tcp, consumer.udp, consumer.total()].map(|count| count.to_string());
        let namespace = consumer.namespace.and_then(|place| namespaces.get(place)).map_or("-".into(), Namespace::label);
        writeln!(out, "{}", line([&pid, &tcp, &udp, &total, &escape(&name)], &escape(&namespace)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Process;

    fn print(consumers: &[Consumer], namespaces: &[Namespace]) -> String {
        let hostile = Process { pid: 4_194_304, name: "x\u{1b}[2J".into(), ..Process::default() };
        let mut out = Vec::new();
        let style = TableStyle { width: None, color: false, no_header: false };
        write(&mut out, consumers, &[hostile].into_iter().collect(), namespaces, &ENGLISH, style).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_whole_view() {
        let consumer = |pid, tcp, udp| Consumer { pid, namespace: None, tcp, udp };
        assert_eq!(
            print(&[consumer(Some(4_194_304), 12_345, 2), consumer(None, 1, 0)], &[]),
            "\nPort Consumers\n\n\
             \x20 PID       TCP Ports  UDP Ports  Total    Program\n\
             \x20 4194304   12345      2          12347    x\\u{1b}[2J\n\
             \x20 -         1          0          1        -\n"
        );
    }

    #[test]
    fn several_namespaces_are_named_in_the_last_column() {
        let named = |name: &str| Namespace { name: Some(name.to_owned()), ..Namespace::default() };
        let consumer = |namespace| Consumer { pid: None, namespace: Some(namespace), tcp: 1, udp: 0 };
        assert_eq!(
            print(&[consumer(0), consumer(1)], &[named("web"), named("d\u{1b}b")]),
            "\nPort Consumers\n\n\
             \x20 PID       TCP Ports  UDP Ports  Total    Program          Namespace\n\
             \x20 -         1          0          1        -                web\n\
             \x20 -         1          0          1        -                d\\u{1b}b\n"
        );
    }
}
