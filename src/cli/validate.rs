//! From arguments that clap accepted to a [`Request`] that makes sense.

use super::netstat::NetstatArguments;
use super::{Arguments, UsageError};
use crate::filter::Filter;
use crate::request::{Columns, Format, Names, Request, SocketRequest, View};
use crate::socket::{State, StateSet, Table, TableSet};
use std::time::Duration;

/// The longest interval that is taken for meant.
const DAY: u64 = 24 * 60 * 60;

impl Arguments {
    pub(super) fn into_request(self) -> Result<Request, UsageError> {
        let netstat = &self.netstat;
        refuse_what_is_to_come(netstat)?;
        let output = self.output.output()?;
        Ok(Request {
            views: vec![View::Connections],
            sockets: SocketRequest { tables: tables(netstat)?, states: states(netstat), filter: Filter::default() },
            columns: Columns { owner: netstat.owner },
            names: names(netstat, output.format),
            interval: interval(&netstat.words)?,
            output,
        })
    }
}

fn refuse_what_is_to_come(netstat: &NetstatArguments) -> Result<(), UsageError> {
    let switches = [
        (netstat.executable, 'b'),
        (netstat.consumers, 'c'),
        (netstat.dscp, 'd'),
        (netstat.ethernet, 'e'),
        (netstat.time_in_state, 'i'),
        (netstat.routes, 'r'),
        (netstat.statistics, 's'),
        (netstat.offload, 't'),
        (netstat.rdma, 'x'),
        (netstat.template, 'y'),
    ];
    match switches.iter().find(|(asked, _)| *asked) {
        Some((_, letter)) => Err(UsageError::see_help(format!("the view of -{letter} is not built yet in this version"))),
        None => Ok(()),
    }
}

fn tables(netstat: &NetstatArguments) -> Result<TableSet, UsageError> {
    // Windows shows UDP, which has no connections, only under -a (and -q, which includes it).
    let shown = if netstat.all || netstat.bound { TableSet::ALL } else { TableSet::NONE.with(Table::Tcp4).with(Table::Tcp6) };
    let Some(protocol) = &netstat.protocol else { return Ok(shown) };
    let table = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Table::Tcp4,
        "tcpv6" => Table::Tcp6,
        "udp" => Table::Udp4,
        "udpv6" => Table::Udp6,
        "ip" | "ipv6" | "icmp" | "icmpv6" => {
            return Err(UsageError::new(
                format!("-p {protocol} has no connections to show"),
                "It goes with -s; the connection table takes TCP, UDP, TCPv6 or UDPv6.",
            ));
        }
        _ => {
            return Err(UsageError::new(
                format!("unknown protocol '{}'", protocol.escape_debug()),
                "-p takes TCP, UDP, TCPv6 or UDPv6; with -s also IP, IPv6, ICMP or ICMPv6.",
            ));
        }
    };
    Ok(shown.and(TableSet::NONE.with(table)))
}

fn states(netstat: &NetstatArguments) -> StateSet {
    match (netstat.bound, netstat.all) {
        (true, _) => StateSet::ALL,
        (false, true) => StateSet::ALL.without(State::Bound),
        (false, false) => StateSet::ALL.without(State::Bound).without(State::Listening),
    }
}

/// The classic table names foreign addresses unless it is told not to; the other forms only if they are told to (`-f`).
fn names(netstat: &NetstatArguments, format: Format) -> Names {
    if netstat.numeric || (format != Format::Table && !netstat.fqdn) {
        return Names::Numeric;
    }
    Names::Resolved { qualified: netstat.fqdn, limit: netstat.name_timeout }
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
