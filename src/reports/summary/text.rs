//! The summary for people: counts with bars.

use crate::lookup::rates::Rate;
use crate::model::namespace::Namespace;
use crate::model::socket::{Pid, Protocol};
use crate::moment::Moment;
use crate::moment::findings::Finding;
use crate::moment::lookups::Lookups;
use crate::moment::summary::Summary;
use crate::output::escape::escape;
use crate::output::width::width;
use crate::reports::findings;
use crate::reports::paint::Paint;
use crate::reports::sockets::cells::name_and_pid;
use crate::reports::table_style::{TableStyle, new_table};
use crate::request::language::Language;
use crate::request::unit::{Quantity, Unit};
use comfy_table::{CellAlignment, ColumnConstraint};
use std::borrow::Cow;
use std::io::{self, Write};

/// The words of this report.
#[derive(Debug)]
pub struct Words {
    /// The headings of the sections.
    pub headings: [&'static str; 5],
    /// The heading of the traffic.
    pub traffic: &'static str,
    /// Those of its columns: process, sent, received, sent again, and the same per second.
    pub traffic_columns: [&'static str; 7],
    /// Connections without a known owner.
    pub no_owner: &'static str,
}

/// The words in English.
pub const ENGLISH: Words = Words {
    headings: [
        "Protocols and states",
        "Busiest processes",
        "Busiest foreign addresses",
        "Busiest local ports",
        "Busiest network namespaces",
    ],
    traffic: "TCP traffic by process",
    traffic_columns: ["Process", "Sent", "Received", "Retransmitted", "Send Rate", "Recv Rate", "Retrans Rate"],
    no_owner: "(no known process)",
};

/// The words in Korean.
pub const KOREAN: Words = Words {
    headings: [
        "프로토콜과 상태",
        "소켓이 많은 프로세스",
        "소켓이 많은 외부 주소",
        "소켓이 많은 로컬 포트",
        "소켓이 많은 네트워크 네임스페이스",
    ],
    traffic: "프로세스별 TCP 전송량",
    traffic_columns: ["프로세스", "보냄", "받음", "재전송", "송신 속도", "수신 속도", "재전송 속도"],
    no_owner: "(알려진 프로세스 없음)",
};

/// The blanks between two columns.
const GAP: usize = 3;

/// The longest bar.
const BAR: usize = 40;

/// A summary and the names for its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The counts.
    pub summary: &'a Summary,
    /// What is worth a look.
    pub findings: &'a [Finding],
    /// The names.
    pub lookups: &'a Lookups,
    /// The network namespaces.
    pub namespaces: &'a [Namespace],
}

impl<'a> Named<'a> {
    /// The summary of a moment, if it was asked for.
    pub fn of(moment: &'a Moment) -> Option<Self> {
        let findings = moment.findings.as_deref().unwrap_or_default();
        moment.summary.as_ref().map(|summary| Self {
            summary,
            findings,
            lookups: &moment.lookups,
            namespaces: moment.namespaces(),
        })
    }

    pub(super) fn process(&self, pid: Pid) -> Option<Cow<'a, str>> {
        Some(self.lookups.processes.get(pid)?.name.to_string_lossy())
    }

    /// Whether the growth of counters was asked for: it is once there is an interval.
    pub(super) const fn has_rates(&self) -> bool {
        !self.lookups.rates.is_empty()
    }

    pub(super) fn service(&self, (protocol, port): (Protocol, u16)) -> Option<&'a str> {
        self.lookups.services.name(port, protocol)
    }
}

/// Writes the summary for people.
pub fn write(out: &mut impl Write, named: &Named<'_>, language: Language, style: TableStyle) -> io::Result<()> {
    let summary = named.summary;
    let [by_state, by_process, by_address, by_port, by_namespace] = language.summary().headings;
    let sockets = if summary.sockets == 1 { "socket" } else { "sockets" };
    let (count, ownerless) = (summary.sockets, summary.without_owner);
    writeln!(out, "{count} {sockets}, {ownerless} of them without a known owner")?;
    let states = summary.states.iter().map(|&((protocol, state), count)| match state {
        Some(state) => (format!("{} {}", protocol.word(), state.word()), count),
        None => (protocol.word().to_owned(), count),
    });
    write_findings(out, named, style)?;
    section(out, by_state, states, style)?;
    let processes = summary.processes.iter().map(|&(pid, count)| (name_and_pid(pid, named.process(pid).as_deref()), count));
    section(out, by_process, processes, style)?;
    let addresses = summary.remote_addresses.iter().map(|&(address, count)| (address.to_string(), count));
    section(out, by_address, addresses, style)?;
    let ports = summary.local_ports.iter().map(|&(port, count)| match named.service(port) {
        Some(service) => (format!("{} {} ({service})", port.0.word(), port.1), count),
        None => (format!("{} {}", port.0.word(), port.1), count),
    });
    section(out, by_port, ports, style)?;
    let namespaces = summary.namespaces.iter().filter_map(|&(place, count)| {
        let namespace = named.namespaces.get(place)?;
        Some((namespace.label().into_owned(), count))
    });
    section(out, by_namespace, namespaces, style)?;
    traffic(out, named, language.summary(), style)
}

/// What is worth a look; nothing if there is nothing.
fn write_findings(out: &mut impl Write, named: &Named<'_>, style: TableStyle) -> io::Result<()> {
    /// How many are listed for people.
    const MOST: usize = 20;
    if named.findings.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    if !style.no_header {
        writeln!(out, "{}", Paint::Strong.on(style.color, "Worth a look"))?;
    }
    for finding in named.findings.iter().take(MOST) {
        let message = findings::sentence(finding, &named.lookups.processes);
        writeln!(out, "  {}", findings::paint(finding).on(style.color, &escape(&message)))?;
    }
    match named.findings.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

/// What each process sends and receives; the rates under an interval alone.
fn traffic(out: &mut impl Write, named: &Named<'_>, words: &Words, style: TableStyle) -> io::Result<()> {
    let Some(sums) = named.summary.traffic.as_ref().filter(|sums| !sums.is_empty()) else { return Ok(()) };
    let columns = if named.has_rates() { words.traffic_columns.len() } else { 1 + Rate::ALL.len() };
    let mut table = new_table(style);
    writeln!(out)?;
    if !style.no_header {
        writeln!(out, "{}", Paint::Strong.on(style.color, words.traffic))?;
        table.set_header(words.traffic_columns.iter().take(columns));
    }
    for sum in sums {
        let process = match sum.pid {
            Some(pid) => name_and_pid(pid, named.process(pid).as_deref()),
            None => words.no_owner.to_owned(),
        };
        let number =
            |number: Option<u64>, unit| number.map_or_else(|| "-".to_owned(), |number| Quantity(number, unit).to_string());
        let bytes = Rate::ALL.map(|rate| number(sum.bytes(rate), Unit::Bytes));
        let rates = Rate::ALL.map(|rate| number(sum.rate(rate), Unit::BytesPerSecond));
        let cells = std::iter::once(escape(&process).into_owned()).chain(bytes).chain(rates);
        table.add_row(cells.take(columns));
    }
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// One list: what, how many, and a bar. What is empty is left out.
fn section(
    out: &mut impl Write,
    heading: &str,
    counts: impl Iterator<Item = (String, usize)>,
    style: TableStyle,
) -> io::Result<()> {
    let counts: Vec<(String, usize)> = counts.collect();
    let Some(most) = counts.iter().map(|&(_, count)| count).max() else { return Ok(()) };
    writeln!(out)?;
    if !style.no_header {
        writeln!(out, "{}", Paint::Strong.on(style.color, heading))?;
    }
    let rows: Vec<(Cow<'_, str>, String, usize)> =
        counts.iter().map(|(what, count)| (escape(what), count.to_string(), *count)).collect();
    let widest = rows.iter().map(|(what, ..)| width(what)).max().unwrap_or_default();
    let digits = rows.iter().map(|(_, digits, _)| digits.len()).max().unwrap_or_default();
    // A bar that does not fit would be broken by the terminal.
    let left = style.width.map_or(BAR, |cells| usize::from(cells).saturating_sub(widest + digits + 2 * GAP + 1));
    for (what, number, count) in rows {
        let bar = bar(count, most, left.min(BAR));
        let fill = " ".repeat(widest - width(&what));
        writeln!(out, " {what}{fill}{:GAP$}{number:>digits$}{:GAP$}{}", "", "", Paint::Waiting.on(style.color, &bar))?;
    }
    Ok(())
}

/// A bar as long as its share of the largest count, which has so many cells; whatever counts at all has one.
fn bar(count: usize, most: usize, cells: usize) -> String {
    "█".repeat((count * cells).div_ceil(most.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::friendly;
    use crate::request::View;

    fn print() -> String {
        print_in(false)
    }

    #[test]
    fn bars_become_shorter_on_a_narrow_terminal_and_are_not_broken() {
        for cells in [40, 60, 80] {
            let text = print_at(Some(cells), false);
            assert!(text.lines().skip(1).all(|line| width(line) <= cells.into()), "{cells}:\n{text}");
        }
    }

    fn print_in(color: bool) -> String {
        print_at(None, color)
    }

    fn print_at(width: Option<u16>, color: bool) -> String {
        let moment = friendly().moment(View::Summary);
        let named = Named::of(&moment).unwrap();
        let mut out = Vec::new();
        write(&mut out, &named, Language::En, TableStyle { width, color, no_header: false }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn headings_have_colour_only_if_it_is_wanted() {
        assert!(!print().contains('\u{1b}'));
        assert!(print_in(true).contains("\u{1b}[1mBusiest processes\u{1b}[0m"));
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
        assert_eq!(bar(1, 1_000_000, BAR).chars().count(), 1);
        assert_eq!(bar(1_000_000, 1_000_000, BAR).chars().count(), BAR);
    }
}
