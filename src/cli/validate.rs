//! From arguments that clap accepted to a [`Request`] that makes sense.

use super::netstat::NetstatArguments;
use super::{Arguments, UsageError};
use crate::filter::Filter;
use crate::request::{Columns, Names, Request, SocketRequest, View};
use crate::socket::{State, StateSet, Table, TableSet};
use crate::statistics::Section;
use std::time::Duration;

/// The longest interval that is taken for meant.
const DAY: u64 = 24 * 60 * 60;

impl Arguments {
    pub(super) fn into_request(self) -> Result<Request, UsageError> {
        let netstat = &self.netstat;
        refuse_what_is_to_come(netstat)?;
        Ok(Request {
            views: views(netstat)?,
            sockets: SocketRequest { tables: tables(netstat)?, states: states(netstat), filter: Filter::default() },
            columns: Columns { owner: netstat.owner },
            names: names(netstat),
            interval: interval(&netstat.words)?,
        })
    }
}

fn refuse_what_is_to_come(netstat: &NetstatArguments) -> Result<(), UsageError> {
    let switches = [
        (netstat.executable, 'b'),
        (netstat.consumers, 'c'),
        (netstat.dscp, 'd'),
        (netstat.time_in_state, 'i'),
        (netstat.offload, 't'),
        (netstat.rdma, 'x'),
        (netstat.template, 'y'),
    ];
    match switches.iter().find(|(asked, _)| *asked) {
        Some((_, letter)) => Err(UsageError::see_help(format!("the view of -{letter} is not built yet in this version"))),
        None => Ok(()),
    }
}

/// Windows' views replace the table of sockets, except that `-s` with a protocol that has sockets goes on with them.
fn views(netstat: &NetstatArguments) -> Result<Vec<View>, UsageError> {
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
fn protocol(netstat: &NetstatArguments) -> Result<Option<Section>, UsageError> {
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
const fn table(section: Section) -> Option<Table> {
    match section {
        Section::TcpIpv4 => Some(Table::Tcp4),
        Section::TcpIpv6 => Some(Table::Tcp6),
        Section::UdpIpv4 => Some(Table::Udp4),
        Section::UdpIpv6 => Some(Table::Udp6),
        Section::Ipv4 | Section::Ipv6 | Section::Icmpv4 | Section::Icmpv6 => None,
    }
}

fn tables(netstat: &NetstatArguments) -> Result<TableSet, UsageError> {
    // Windows shows UDP, which has no connections, only under -a (and -q, which includes it).
    let shown = if netstat.all || netstat.bound { TableSet::ALL } else { TableSet::NONE.with(Table::Tcp4).with(Table::Tcp6) };
    Ok(match protocol(netstat)? {
        Some(section) => shown.and(table(section).map_or(TableSet::NONE, |table| TableSet::NONE.with(table))),
        None => shown,
    })
}

fn states(netstat: &NetstatArguments) -> StateSet {
    match (netstat.bound, netstat.all) {
        (true, _) => StateSet::ALL,
        (false, true) => StateSet::ALL.without(State::Bound),
        (false, false) => StateSet::ALL.without(State::Bound).without(State::Listening),
    }
}

fn names(netstat: &NetstatArguments) -> Names {
    if netstat.numeric { Names::Numeric } else { Names::Resolved { qualified: netstat.fqdn, limit: netstat.name_timeout } }
}

fn interval(words: &[String]) -> Result<Option<Duration>, UsageError> {
    let word = match words {
        [] => return Ok(None),
        [word] => word,
        [_, second, ..] => {
            return Err(UsageError::see_help(format!("one interval is enough: what is '{}'?", second.escape_debug())));
        }
    };
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UsageError::see_help(format!("the word '{}' is no switch and no interval", word.escape_debug())));
    }
    match word.parse::<u64>() {
        Ok(seconds @ 1..=DAY) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(UsageError::new(
            format!("the interval '{word}' is out of range"),
            format!("It is a number of seconds from 1 to {DAY}, a day."),
        )),
    }
}
