//! Which views a command line asks for, and what `-p` means for each.

use super::UsageError;
use super::netstat::NetstatArguments;
use super::questions::QuestionArguments;
use crate::request::{Amount, Format, Output, View};
use crate::socket::Table;
use crate::statistics::Section;

/// The view of a question, where one is asked.
pub(super) fn question(questions: &QuestionArguments, netstat: &NetstatArguments) -> Result<Option<View>, UsageError> {
    let (view, switch) = match (questions.summary, questions.explain) {
        (false, None) => return Ok(None),
        (true, None) => (View::Summary, "--summary"),
        (false, Some(port)) => (View::Explanation(port), "--explain"),
        (true, Some(_)) => return Err(UsageError::new("--summary and --explain exclude each other", ONE_AT_A_TIME)),
    };
    if netstat.ethernet || netstat.routes || netstat.statistics {
        return Err(UsageError::new(format!("{switch} excludes -e, -r and -s"), ONE_AT_A_TIME));
    }
    Ok(Some(view))
}

const ONE_AT_A_TIME: &str = "Ask one after the other.";

/// What each view can be written as.
pub(super) fn check(views: &[View], output: &Output) -> Result<(), UsageError> {
    let connections = views == [View::Connections];
    if output.format == Format::Csv && !connections {
        return Err(UsageError::new("--format csv goes with the table of sockets alone", "Try --format json."));
    }
    if output.columns.is_some() && !connections {
        return Err(UsageError::new("--columns goes with the table of sockets alone", "Leave it out."));
    }
    match output.amount {
        Amount::Count if !connections => {
            Err(UsageError::new("--count counts the rows of the table of sockets", "It goes with filters and with nothing else."))
        }
        Amount::Nothing if !connections && !matches!(views, [View::Explanation(_)]) => Err(UsageError::new(
            "--quiet answers with the exit status, which says nothing for this view",
            "It goes with filters and with --explain.",
        )),
        _ => Ok(()),
    }
}

/// Windows' views replace the table of sockets, except that `-s` with a protocol that has sockets goes on with them.
pub(super) fn views(netstat: &NetstatArguments) -> Result<Vec<View>, UsageError> {
    let protocol = protocol(netstat)?;
    let NetstatArguments { ethernet, statistics, routes, .. } = *netstat;
    let connections = match protocol {
        Some(section) if statistics => table(section).is_some(),
        _ => !(ethernet || statistics || routes),
    };
    let views = [
        (ethernet, View::Interfaces),
        (statistics, View::Statistics(protocol)),
        (connections, View::Connections),
        (routes, View::Routes),
    ];
    Ok(views.into_iter().filter_map(|(asked, view)| asked.then_some(view)).collect())
}

/// The protocol that `-p` chooses.
pub(super) fn protocol(netstat: &NetstatArguments) -> Result<Option<Section>, UsageError> {
    let Some(word) = &netstat.protocol else { return Ok(None) };
    match Section::from_word(word) {
        Some(section) if netstat.statistics || table(section).is_some() => Ok(Some(section)),
        Some(section) => Err(UsageError::new(
            format!("-p {} has no connections to show", section.word()),
            "It goes with -s; the connection table takes TCP, UDP, TCPv6 or UDPv6.",
        )),
        None => Err(UsageError::new(
            format!("unknown protocol '{}'", word.escape_debug()),
            "-p takes TCP, UDP, TCPv6 or UDPv6; with -s also IP, IPv6, ICMP or ICMPv6.",
        )),
    }
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
