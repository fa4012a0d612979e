//! The processes that own the most ports, for people. Windows' own layout is not known: this one is ours.

use crate::lookup::processes::Processes;
use crate::moment::consumers::Consumer;
use crate::output::escape::escape;
use crate::output::width::line_of;
use std::io::{self, Write};

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// The headings: the process' number, ports of TCP, of UDP, of both, and the process' name.
    pub headings: [&'static str; 5],
}

/// The words in English.
pub const ENGLISH: Words = Words { title: "Port Consumers", headings: ["PID", "TCP Ports", "UDP Ports", "Total", "Program"] };

/// The words in Korean.
pub const KOREAN: Words =
    Words { title: "포트 사용 프로세스", headings: ["PID", "TCP 포트", "UDP 포트", "합계", "프로그램"] };

/// Where each column begins.
const COLUMNS: [usize; 5] = [2, 12, 23, 34, 43];

/// Writes the title and the heading, if they are wanted, and a row for each process.
pub fn write(
    out: &mut impl Write,
    consumers: &[Consumer],
    processes: &Processes,
    words: &Words,
    no_header: bool,
) -> io::Result<()> {
    let line = |texts: [&str; 5]| line_of(COLUMNS.into_iter().zip(texts));
    if !no_header {
        writeln!(out, "\n{}\n\n{}", words.title, line(words.headings))?;
    }
    for consumer in consumers {
        let pid = consumer.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let process = consumer.pid.and_then(|pid| processes.get(pid));
        let name = process.map_or_else(|| "-".into(), |process| process.name.to_string_lossy());
        let [tcp, udp, total] = [consumer.tcp, consumer.udp, consumer.total()].map(|count| count.to_string());
        writeln!(out, "{}", line([&pid, &tcp, &udp, &total, &escape(&name)]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Process;

    #[test]
    fn the_whole_view() {
        let consumers = [Consumer { pid: Some(4_194_304), tcp: 12_345, udp: 2 }, Consumer { pid: None, tcp: 1, udp: 0 }];
        let hostile = Process { pid: 4_194_304, name: "x\u{1b}[2J".into(), ..Process::default() };
        let mut out = Vec::new();
        write(&mut out, &consumers, &[hostile].into_iter().collect(), &ENGLISH, false).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\nPort Consumers\n\n\
             \x20 PID       TCP Ports  UDP Ports  Total    Program\n\
             \x20 4194304   12345      2          12347    x\\u{1b}[2J\n\
             \x20 -         1          0          1        -\n"
        );
    }
}
