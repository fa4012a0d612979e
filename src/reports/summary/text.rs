//! The summary: counts with bars.

use crate::lookup::processes::Processes;
use crate::lookup::services::Services;
use crate::model::socket::{Pid, Protocol, State};
use crate::output::escape::escape;
use crate::reports::cells::name_and_pid;
use crate::reports::json_records::protocol_word;
use crate::reports::summary::Summary;
use crate::reports::table_style::{TableStyle, new_table};
use comfy_table::{CellAlignment, ColumnConstraint};
use serde::Serialize;
use std::io::{self, Write};
use std::net::IpAddr;

/// The longest bar.
const BAR: usize = 40;

/// A summary and the names for its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The counts.
    pub summary: &'a Summary,
    /// The processes in it.
    pub processes: &'a Processes,
    /// The names of ports.
    pub services: &'a Services,
}

impl<'a> Named<'a> {
    fn process(&self, pid: Pid) -> Option<String> {
        Some(self.processes.get(pid)?.name.to_string_lossy().into_owned())
    }

    fn service(&self, (protocol, port): (Protocol, u16)) -> Option<&'a str> {
        self.services.name(port, protocol)
    }

    /// What a program reads.
    pub(in crate::reports) fn record(&self) -> Record<'a> {
        let summary = self.summary;
        Record {
            sockets: summary.sockets,
            without_owner: summary.without_owner,
            states: summary
                .states
                .iter()
                .map(|&((protocol, state), sockets)| StateRecord {
                    protocol: protocol_word(protocol),
                    state: state.map(State::word),
                    sockets,
                })
                .collect(),
            processes: summary
                .processes
                .iter()
                .map(|&(pid, sockets)| ProcessRecord { pid, name: self.process(pid), sockets })
                .collect(),
            remote_addresses: summary
                .remote_addresses
                .iter()
                .map(|&(address, sockets)| AddressRecord { address, sockets })
                .collect(),
            local_ports: summary
                .local_ports
                .iter()
                .map(|&(port, sockets)| PortRecord {
                    protocol: protocol_word(port.0),
                    port: port.1,
                    service: self.service(port),
                    sockets,
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(in crate::reports) struct Record<'a> {
    sockets: usize,
    without_owner: usize,
    states: Vec<StateRecord>,
    processes: Vec<ProcessRecord>,
    remote_addresses: Vec<AddressRecord>,
    local_ports: Vec<PortRecord<'a>>,
}

#[derive(Serialize)]
struct StateRecord {
    protocol: &'static str,
    state: Option<&'static str>,
    sockets: usize,
}

#[derive(Serialize)]
struct ProcessRecord {
    pid: Pid,
    name: Option<String>,
    sockets: usize,
}

#[derive(Serialize)]
struct AddressRecord {
    address: IpAddr,
    sockets: usize,
}

#[derive(Serialize)]
struct PortRecord<'a> {
    protocol: &'static str,
    port: u16,
    service: Option<&'a str>,
    sockets: usize,
}

/// Writes the summary for people.
pub fn write(out: &mut impl Write, named: &Named<'_>, look: TableStyle) -> io::Result<()> {
    let summary = named.summary;
    let sockets = if summary.sockets == 1 { "socket" } else { "sockets" };
    let (count, ownerless) = (summary.sockets, summary.without_owner);
    writeln!(out, "{count} {sockets}, {ownerless} of them without a known owner")?;
    let states = summary.states.iter().map(|&((protocol, state), count)| match state {
        Some(state) => (format!("{} {}", protocol.word(), state.word()), count),
        None => (protocol.word().to_owned(), count),
    });
    section(out, "Protocols and states", states, look)?;
    let processes = summary.processes.iter().map(|&(pid, count)| (name_and_pid(pid, named.processes.get(pid)), count));
    section(out, "Busiest processes", processes, look)?;
    let addresses = summary.remote_addresses.iter().map(|&(address, count)| (address.to_string(), count));
    section(out, "Busiest foreign addresses", addresses, look)?;
    let ports = summary.local_ports.iter().map(|&(port, count)| match named.service(port) {
        Some(service) => (format!("{} {} ({service})", port.0.word(), port.1), count),
        None => (format!("{} {}", port.0.word(), port.1), count),
    });
    section(out, "Busiest local ports", ports, look)
}

/// One list: what, how many, and a bar; the first count is the largest. What is empty is left out.
fn section(
    out: &mut impl Write,
    heading: &str,
    counts: impl Iterator<Item = (String, usize)>,
    look: TableStyle,
) -> io::Result<()> {
    let counts: Vec<(String, usize)> = counts.collect();
    let Some(&(_, most)) = counts.first() else { return Ok(()) };
    writeln!(out)?;
    if !look.no_header {
        writeln!(out, "{heading}")?;
    }
    let mut table = new_table(look);
    for (what, count) in counts {
        table.add_row([escape(&what).into_owned(), count.to_string(), bar(count, most)]);
    }
    for column in table.column_iter_mut().take(2) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    if let Some(counts) = table.column_mut(1) {
        counts.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A bar as long as its share of the largest count; whatever counts at all has one.
fn bar(count: usize, most: usize) -> String {
    "█".repeat((count * BAR).div_ceil(most.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::friendly;

    fn print() -> String {
        let machine = friendly();
        let summary = Summary::of(&machine.snapshot, &machine.rows);
        let named = Named { summary: &summary, processes: &machine.directory.processes, services: &machine.services };
        let mut out = Vec::new();
        write(&mut out, &named, TableStyle { width: None, color: false, no_header: false }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_summary_for_people() {
        let text = print();
        let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let (whole, half) = ("█".repeat(40), "█".repeat(14));
        assert_eq!(lines[0], "6 sockets, 2 of them without a known owner");
        assert_eq!(
            lines[2..5],
            ["Protocols and states".to_owned(), format!("TCP ESTABLISHED 3 {whole}"), format!("TCP LISTENING 1 {half}")]
        );
        assert!(lines.contains(&format!("nginx (901) 2 {whole}")), "{text}");
        assert!(lines.contains(&format!("TCP 443 (https) 2 {whole}")), "{text}");
        assert!(lines.iter().any(|line| line.starts_with("198.51.100.7 1 ")), "{text}");
    }

    #[test]
    fn bars_are_never_longer_than_the_longest_nor_empty() {
        assert_eq!(bar(1, 1_000_000).chars().count(), 1);
        assert_eq!(bar(1_000_000, 1_000_000).chars().count(), BAR);
    }
}
