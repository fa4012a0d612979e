//! Which views a command line asks for, and what `-p` means for each.

use super::UsageError;
use super::netstat::NetstatArguments;
use crate::request::View;
use crate::socket::Table;
use crate::statistics::Section;

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
