//! Which views a command line asks for, and what `-p` means for each.

use super::UsageError;
use super::linux::LinuxArguments;
use super::netstat::NetstatArguments;
use super::report_args::ReportArguments;
use crate::model::socket::{Family, Table};
use crate::model::statistics::Section;
use crate::request::language::Language;
use crate::request::{Amount, Format, Output, Task, View};

/// The view of a question, if one is asked.
pub(super) fn question(questions: &ReportArguments, task: &Task, netstat: &NetstatArguments) -> Result<Option<View>, UsageError> {
    const ONE_AT_A_TIME: &str = "Ask one after the other.";
    let asked = [
        (questions.summary, View::Summary, "--summary"),
        (!questions.explain.is_empty(), View::Explanations, "--explain"),
        (task.wait().is_some(), View::Explanations, "--wait"),
    ];
    let mut asked = asked.into_iter().filter(|(is_asked, ..)| *is_asked);
    let Some((_, view, switch)) = asked.next() else { return Ok(None) };
    if let Some((_, _, other)) = asked.next() {
        return Err(UsageError::new(format!("{switch} and {other} are mutually exclusive"), ONE_AT_A_TIME));
    }
    if netstat.ethernet || netstat.routes || netstat.statistics || netstat.consumers || netstat.rdma {
        return Err(UsageError::new(format!("{switch} and -c, -e, -r, -s or -x are mutually exclusive"), ONE_AT_A_TIME));
    }
    Ok(Some(view))
}

/// What each view can be written as.
pub(super) fn check(views: &[View], output: &Output, language: Language) -> Result<(), UsageError> {
    let is_table = views == [View::Sockets];
    let error = |sentence: &str, hint: &str| Err(UsageError::new(sentence, hint));
    match output.format {
        Format::Csv | Format::Wide | Format::OpenMetrics if !is_table && output.amount == Amount::Rows => {
            let name = output.format.name();
            return error(&format!("--format {name} goes with the table of sockets alone"), "Try --format json, or none.");
        }
        Format::Json if output.no_header => {
            return error("--no-header goes with tables, csv and ndjson", "A JSON document has no heading to leave out.");
        }
        Format::Table if output.no_header && views.iter().copied().any(headings_are_part_of) => {
            return error("--no-header goes with tables", "The headings of -s, -r and --explain are part of the answer.");
        }
        Format::Table | Format::Wide | Format::Csv | Format::Json | Format::Ndjson | Format::OpenMetrics => {}
    }
    if language != Language::default() && !has_translated_headings(views, output) {
        return error("--lang is for the headings of tables", "Data formats and --explain are the same in every language.");
    }
    match output.amount {
        Amount::Count if !is_table => {
            error("--count counts the rows of the table of sockets", "It goes with filters and with nothing else.")
        }
        Amount::Nothing if !is_table && views != [View::Explanations] => error(
            "--quiet answers with the exit status, which says nothing for this view",
            "It goes with filters and with --explain.",
        ),
        Amount::Rows | Amount::Count | Amount::Nothing => Ok(()),
    }
}

const fn headings_are_part_of(view: View) -> bool {
    match view {
        View::Statistics(_) | View::Routes | View::Explanations => true,
        View::Sockets | View::Interfaces | View::Summary | View::Consumers | View::Rdma => false,
    }
}

fn has_translated_headings(views: &[View], output: &Output) -> bool {
    match output.format {
        Format::Table | Format::Wide => views != [View::Explanations],
        Format::Csv | Format::Json | Format::Ndjson | Format::OpenMetrics => false,
    }
}

/// Windows' views replace the table of sockets, except that `-s` with a protocol that has sockets goes on with them.
pub(super) fn views(netstat: &NetstatArguments) -> Result<Vec<View>, UsageError> {
    let protocols = protocols(netstat)?;
    let NetstatArguments { ethernet, statistics, routes, consumers, rdma, .. } = *netstat;
    let connections = match protocols.as_slice() {
        [_, ..] if statistics => protocols.iter().any(|&section| table(section).is_some()),
        _ => !(ethernet || statistics || routes || consumers || rdma),
    };
    let mut views = Vec::new();
    views.extend(ethernet.then_some(View::Interfaces));
    if statistics && protocols.is_empty() {
        views.push(View::Statistics(None));
    } else if statistics {
        views.extend(
            Section::ALL.into_iter().filter(|section| protocols.contains(section)).map(|section| View::Statistics(Some(section))),
        );
    }
    let rest = [(connections, View::Sockets), (consumers, View::Consumers), (rdma, View::Rdma), (routes, View::Routes)];
    views.extend(rest.into_iter().filter_map(|(asked, view)| asked.then_some(view)));
    Ok(views)
}

/// Where `-t`, `-u`, `-4` or `-6` choose among protocols and families, only these have their statistics shown.
pub(super) fn choose_sections(views: Vec<View>, linux: &LinuxArguments, family: Option<Family>) -> Vec<View> {
    let is_chosen = |section: &Section| {
        let either_protocol = !(linux.tcp || linux.udp);
        let (protocol, of_family) = match section {
            Section::Ipv4 | Section::Icmpv4 => (false, Family::V4),
            Section::Ipv6 | Section::Icmpv6 => (false, Family::V6),
            Section::TcpIpv4 => (linux.tcp, Family::V4),
            Section::TcpIpv6 => (linux.tcp, Family::V6),
            Section::UdpIpv4 => (linux.udp, Family::V4),
            Section::UdpIpv6 => (linux.udp, Family::V6),
        };
        (protocol || either_protocol) && family.is_none_or(|family| family == of_family)
    };
    let chosen: Vec<Section> = Section::ALL.into_iter().filter(is_chosen).collect();
    let sections = |view| match view {
        View::Statistics(None) if chosen.len() < Section::ALL.len() => {
            chosen.iter().map(|&section| View::Statistics(Some(section))).collect()
        }
        other => vec![other],
    };
    views.into_iter().flat_map(sections).collect()
}

/// The protocols that `-p` chooses; none if it is not there.
pub(super) fn protocols(netstat: &NetstatArguments) -> Result<Vec<Section>, UsageError> {
    let protocol = |word: &String| match Section::from_word(word) {
        Some(section) if netstat.statistics || table(section).is_some() => Ok(section),
        Some(section) => Err(UsageError::new(
            format!("-p {} has no connections to show", section.word()),
            "It goes with -s; the connection table takes TCP, UDP, TCPv6 or UDPv6.",
        )),
        None => Err(UsageError::new(
            super::invalid_value(word, "-p", "expected TCP, UDP, TCPv6 or UDPv6; with -s also IP, IPv6, ICMP or ICMPv6"),
            "':80' chooses a port, '--process nginx' a process; -p without a protocol adds the program.",
        )),
    };
    netstat.protocol.iter().map(protocol).collect()
}

/// The sockets of a protocol, where it has any.
pub(super) const fn table(section: Section) -> Option<Table> {
    match section {
        Section::TcpIpv4 => Some(Table::Tcp4),
        Section::TcpIpv6 => Some(Table::Tcp6),
        Section::UdpIpv4 => Some(Table::Udp4),
        Section::UdpIpv6 => Some(Table::Udp6),
        Section::Ipv4 | Section::Ipv6 | Section::Icmpv4 | Section::Icmpv6 => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::parse;
    use crate::model::socket::{Table, TableSet};
    use crate::model::statistics::Section;
    use crate::reports::tests::request;
    use crate::request::View;
    use std::ffi::OsString;

    #[test]
    fn views_come_in_their_order_whatever_the_order_of_the_switches() {
        use View::{Interfaces, Routes, Sockets, Statistics};
        let lines: [(&str, &[View]); 13] = [
            ("-an", &[Sockets]),
            ("-p tcp", &[Sockets]),
            ("-s", &[Statistics(None)]),
            ("-e", &[Interfaces]),
            ("-r", &[Routes]),
            ("-se", &[Interfaces, Statistics(None)]),
            ("/S /E", &[Interfaces, Statistics(None)]),
            ("-rse", &[Interfaces, Statistics(None), Routes]),
            ("-naser", &[Interfaces, Statistics(None), Routes]),
            ("-ep tcp", &[Interfaces]),
            ("-r -s -p UDPv6", &[Statistics(Some(Section::UdpIpv6)), Sockets, Routes]),
            ("-sp UDP,tcp", &[Statistics(Some(Section::TcpIpv4)), Statistics(Some(Section::UdpIpv4)), Sockets]),
            ("-sp icmp -e", &[Interfaces, Statistics(Some(Section::Icmpv4))]),
        ];
        for (line, views) in lines {
            assert_eq!(request(line).views, views, "{line}");
        }
    }

    #[test]
    fn the_statistics_of_linux_hands_are_those_of_the_protocols_that_they_name() {
        use Section::{Icmpv4, Icmpv6, Ipv4, Ipv6, TcpIpv4, TcpIpv6, UdpIpv4, UdpIpv6};
        let lines: [(&str, &[Section]); 6] = [
            ("-su", &[UdpIpv4, UdpIpv6]),
            ("-stu", &[TcpIpv4, TcpIpv6, UdpIpv4, UdpIpv6]),
            ("-s4", &[Ipv4, Icmpv4, TcpIpv4, UdpIpv4]),
            ("-6s", &[Ipv6, Icmpv6, TcpIpv6, UdpIpv6]),
            ("-st6", &[TcpIpv6]),
            ("-st --dialect linux", &[TcpIpv4, TcpIpv6]),
        ];
        for (line, sections) in lines {
            let expected: Vec<_> = sections.iter().map(|&section| View::Statistics(Some(section))).collect();
            assert_eq!(request(line).views, expected, "{line}");
        }
        assert_eq!(request("-s46").views, [View::Statistics(None)]);
    }

    #[test]
    fn every_protocol_has_its_statistics_and_four_have_a_table() {
        for section in Section::ALL {
            let request = request(&format!("-s -a -p {}", section.word().to_uppercase()));
            assert_eq!(request.views[0], View::Statistics(Some(section)));
            assert_eq!(request.views.get(1), super::table(section).map(|_| View::Sockets).as_ref());
        }
        assert_eq!(request("-asp udpv6").query.tables, TableSet::NONE.with(Table::Udp6));
        assert_eq!(request("-sp udp").query.tables, TableSet::NONE, "UDP has no rows without -a");
    }

    #[test]
    fn filters_and_orders_need_the_table() {
        for line in ["-e --port 80", "-s :80", "-r --port 80", "-e --ipv4", "-sp ip --listening", "-es --sort pid"] {
            let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
            assert!(error.sentence.contains("the table of connections"), "{line}: {error}");
        }
        assert_eq!(request("-s -p tcp --port 80").views.len(), 2);
        assert_eq!(request("-ran --port 80 -s -p tcp").views.len(), 3);
    }

    #[test]
    fn a_protocol_without_connections_needs_the_statistics() {
        for word in ["ip", "IPv6", "ICMP", "icmpv6"] {
            for line in [format!("-p {word}"), format!("-rp {word}"), format!("-ean -p {word}")] {
                let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
                assert!(error.sentence.contains("has no connections to show"), "{line}: {error}");
            }
        }
        let error = parse(["-sp", "sctp"].map(OsString::from)).unwrap_err();
        assert!(error.sentence.starts_with("invalid value 'sctp' for -p: expected TCP"), "{error}");
    }
}
