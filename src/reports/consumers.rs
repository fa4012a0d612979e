//! The processes that hold the most ports (`-c`). Windows' own layout is not known: this one is ours.

use crate::lookup::processes::Processes;
use crate::model::owners::OwnerStatus;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Pid, Protocol};
use crate::output::escape::escape;
use crate::output::width::line_of;
use std::collections::HashMap;
use std::io::Write;

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

/// How many local ports one process holds; a port counts once for a protocol, however many of its sockets use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The process; `None` for all those that may not be seen.
    pub pid: Option<Pid>,
    /// Ports of TCP.
    pub tcp: usize,
    /// Ports of UDP.
    pub udp: usize,
}

impl Consumer {
    const fn total(&self) -> usize {
        self.tcp + self.udp
    }
}

/// Counts the ports of each process that holds one of these rows, the busiest first, then by PID; those that may not be
/// seen come last.
pub fn count(snapshot: &Snapshot, rows: &[u32]) -> Vec<Consumer> {
    let mut held: Vec<(Option<Pid>, Protocol, u16)> = Vec::new();
    for &row in rows {
        let socket = &snapshot.sockets[row as usize];
        let owner = snapshot.owners.of(row as usize, socket);
        if socket.local.port == 0 {
            continue;
        }
        held.extend(owner.pids().map(|pid| (Some(pid), socket.protocol, socket.local.port)));
        let hidden = matches!(owner.status, OwnerStatus::Denied | OwnerStatus::Unsupported);
        held.extend(hidden.then_some((None, socket.protocol, socket.local.port)));
    }
    held.sort_unstable();
    held.dedup();
    let mut consumers: HashMap<Option<Pid>, Consumer> = HashMap::new();
    for (pid, protocol, _) in held {
        let consumer = consumers.entry(pid).or_insert(Consumer { pid, tcp: 0, udp: 0 });
        match protocol {
            Protocol::Tcp => consumer.tcp += 1,
            Protocol::Udp => consumer.udp += 1,
        }
    }
    let mut consumers: Vec<Consumer> = consumers.into_values().collect();
    consumers.sort_unstable_by_key(|consumer| (consumer.pid.is_none(), std::cmp::Reverse(consumer.total()), consumer.pid));
    consumers
}

/// Writes the title, the heading and a row for each process.
pub fn write(out: &mut Vec<u8>, consumers: &[Consumer], processes: &Processes, words: &Words) {
    let line = |texts: [&str; 5]| line_of(COLUMNS.into_iter().zip(texts));
    // Writing to a Vec cannot fail.
    let _ = writeln!(out, "\n{}\n\n{}", words.title, line(words.headings));
    for consumer in consumers {
        let pid = consumer.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let process = consumer.pid.and_then(|pid| processes.get(pid));
        let name = process.map_or_else(|| "-".into(), |process| process.name.to_string_lossy());
        let [tcp, udp, total] = [consumer.tcp, consumer.udp, consumer.total()].map(|count| count.to_string());
        let _ = writeln!(out, "{}", line([&pid, &tcp, &udp, &total, &escape(&name)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::Owners;
    use crate::model::process::Process;
    use crate::model::socket::tests::socket;

    fn snapshot() -> Snapshot {
        let udp = |port| crate::model::socket::Socket { protocol: Protocol::Udp, state: None, ..socket("::", port) };
        Snapshot {
            // Process 20 holds port 80 for IPv4, for IPv6 and for a connection: one port.
            sockets: vec![
                socket("0.0.0.0", 80),
                socket("::", 80),
                socket("127.0.0.1", 80),
                udp(80),
                socket("::", 81),
                socket("::", 82),
                socket("::", 83),
                udp(0),
                socket("::", 84),
            ],
            owners: Owners::ByRow([20, 20, 20, 20, 7, 7, 9, 9, 0].map(Some).into_iter().collect()),
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_busiest_come_first_and_a_port_counts_once() {
        let mut snapshot = snapshot();
        let rows: Vec<u32> = (0..9).collect();
        let numbers = |snapshot: &Snapshot| -> Vec<_> {
            count(snapshot, &rows).iter().map(|consumer| (consumer.pid, consumer.tcp, consumer.udp)).collect()
        };
        assert_eq!(numbers(&snapshot), [(Some(7), 2, 0), (Some(20), 1, 1), (Some(9), 1, 0)]);
        snapshot.owners = Owners::ByRow(vec![None; 9].into_iter().collect());
        assert_eq!(numbers(&snapshot), [(None, 5, 1)]);
        assert!(count(&snapshot, &[]).is_empty());
    }

    #[test]
    fn the_whole_view() {
        let consumers = [Consumer { pid: Some(4_194_304), tcp: 12_345, udp: 2 }, Consumer { pid: None, tcp: 1, udp: 0 }];
        let hostile = Process { pid: 4_194_304, name: "x\u{1b}[2J".into(), ..Process::default() };
        let mut out = Vec::new();
        write(&mut out, &consumers, &[hostile].into_iter().collect(), &ENGLISH);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\nPort Consumers\n\n\
             \x20 PID       TCP Ports  UDP Ports  Total    Program\n\
             \x20 4194304   12345      2          12347    x\\u{1b}[2J\n\
             \x20 -         1          0          1        -\n"
        );
    }
}
