//! The part of a query that the kernel can decide, as a program for `sock_diag` (`INET_DIAG_REQ_BYTECODE`).
//!
//! A program accepts every socket that is wanted, and others only if the kernel cannot decide or if deciding would take too
//! long a program: [`Query::matches`] is applied to every row afterwards.

mod assemble;
mod condition;
#[cfg(test)]
mod kernel;

use crate::filter::Filter;
use crate::filter::addresses::{self, Prefix};
use crate::filter::ports::PortSet;
use crate::filter::selector::Selector;
use crate::model::socket::{Family, Protocol, Table};
use crate::request::{Query, UdpRows};
use condition::{Condition, End, Test};
use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// The most bytes of a program. The kernel runs it for every socket, and the time in which it checks it grows with the
/// square of its length.
const LONGEST: usize = 4096;

/// The most ranges of a port set that are worth deciding one by one.
const MOST_RANGES: usize = 64;

/// The program for one of the kernel's tables: empty if every row of the table may be wanted, `None` if none can be.
///
/// The IPv6 tables of the kernel also hold the IPv4 flows of IPv6 sockets. The program of an IPv6 table is as right for
/// IPv4 sockets, and serves a dump of both families.
pub fn compile(request: &Query, table: Table) -> Option<Vec<u8>> {
    let mut conditions = Vec::new();
    let mut length = 0;
    for condition in conditions_of(request, table) {
        if condition == Condition::Never {
            return None;
        }
        let more = assemble::length(&condition);
        if length + more <= LONGEST {
            length += more;
            conditions.push(condition);
        }
    }
    Some(assemble::assemble(&Condition::all(conditions)))
}

/// A program that accepts what `program` does if its local port is in a set: dumps that are divided by ports are together the
/// whole dump.
pub fn and_local_ports(ports: &PortSet, program: &[u8]) -> Vec<u8> {
    assemble::before(&in_ranges(End::Local, ports), program)
}

/// The same for the remote port, which serves as well: a connection never changes it.
pub fn and_remote_ports(ports: &PortSet, program: &[u8]) -> Vec<u8> {
    assemble::before(&in_ranges(End::Remote, ports), program)
}

/// Conditions that every wanted socket of the kernel's table meets, those that decide most first.
fn conditions_of(request: &Query, table: Table) -> Vec<Condition> {
    let filter = &request.filter;
    let mut conditions = vec![family(request, table)];
    match table.protocol() {
        Protocol::Tcp if request.states.is_empty() => conditions.push(Condition::Never),
        Protocol::Udp if filter.listening || request.udp == UdpRows::Listening => {
            conditions.push(in_range(End::Remote, &(0..=0)));
        }
        Protocol::Tcp | Protocol::Udp => {}
    }
    conditions.extend(filter.local_port.as_ref().map(|ports| in_set(End::Local, ports)));
    conditions.extend(filter.remote_port.as_ref().map(|ports| in_set(End::Remote, ports)));
    conditions.extend(either_port(filter));
    conditions.extend(addresses_of(End::Local, &filter.local, table.family()));
    conditions.extend(addresses_of(End::Remote, &filter.remote, table.family()));
    conditions
}

/// A row belongs to the IPv4 table if its local address is IPv4, mapped or not.
fn family(request: &Query, table: Table) -> Condition {
    let wants = |family| request.tables.contains(Table::new(table.protocol(), family));
    let is_ipv4 = match table.family() {
        Family::V4 => Condition::Always,
        Family::V6 => Condition::Test(Test::Within(End::Local, every_ipv4())),
    };
    match (wants(Family::V4), wants(Family::V6)) {
        (true, true) => Condition::Always,
        (true, false) => is_ipv4,
        (false, true) => is_ipv4.not(),
        (false, false) => Condition::Never,
    }
}

fn every_ipv4() -> IpNet {
    Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0).into()
}

fn in_range(end: End, range: &RangeInclusive<u16>) -> Condition {
    let (first, last) = (*range.start(), *range.end());
    let from = if first == 0 { Condition::Always } else { Condition::Test(Test::PortFrom(end, first)) };
    let to = if last == u16::MAX { Condition::Always } else { Condition::Test(Test::PortTo(end, last)) };
    Condition::all([from, to])
}

fn in_set(end: End, ports: &PortSet) -> Condition {
    if ports.ranges().len() > MOST_RANGES { in_ranges(end, &ports.hull()) } else { in_ranges(end, ports) }
}

/// However many ranges there are, the kernel needs few steps to find the one in which a port may lie.
fn in_ranges(end: End, ports: &PortSet) -> Condition {
    /// `has_begun`: the port is known to be no lower than the first range's.
    fn search(end: End, ranges: &[RangeInclusive<u16>], has_begun: bool) -> Condition {
        match ranges {
            [] => Condition::Never,
            [range] => in_range(end, &(if has_begun { 0 } else { *range.start() }..=*range.end())),
            _ => {
                let (lower, upper) = ranges.split_at(ranges.len() / 2);
                let Some(first) = upper.first() else { return Condition::Never };
                let ways = (search(end, upper, true), search(end, lower, has_begun));
                Condition::Either(Test::PortFrom(end, *first.start()), Box::new(ways))
            }
        }
    }
    search(end, &ports.ranges().collect::<Vec<_>>(), false)
}

fn either_port(filter: &Filter) -> Vec<Condition> {
    let Some(either) = &filter.either_port else { return Vec::new() };
    let allowed = either.unwanted.complement();
    vec![
        Condition::any([in_set(End::Local, &either.wanted), in_set(End::Remote, &either.wanted)]),
        in_set(End::Local, &allowed),
        in_set(End::Remote, &allowed),
    ]
}

fn addresses_of(end: End, choice: &Selector<Prefix>, family: Family) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if !choice.wanted.is_empty() {
        conditions.push(Condition::any(choice.wanted.iter().map(|prefix| within(end, prefix.net, family))));
    }
    // The kernel cannot decide a scope. It accepts every scope of what is wanted, and so it must of what is excluded.
    let decidable = choice.unwanted.iter().filter(|prefix| prefix.scope == 0);
    conditions.extend(decidable.map(|prefix| within(end, prefix.net, family).not()));
    conditions
}

/// The kernel takes an IPv4 prefix to hold the mapped addresses of IPv6 sockets too, as rows do. It takes an IPv6 prefix
/// for bits, so that `::/0` would hold them as well, which it does not in a row.
fn within(end: End, net: IpNet, family: Family) -> Condition {
    let test = |net| Condition::Test(Test::Within(end, net));
    match (net, family) {
        (IpNet::V4(v4), Family::V4) if v4.prefix_len() == 0 => Condition::Always,
        (IpNet::V4(_), _) => test(net),
        (IpNet::V6(_), Family::V4) => Condition::Never,
        (IpNet::V6(v6), Family::V6) if addresses::covers_mapped(v6) => {
            let bits = if v6.prefix_len() == 0 { Condition::Always } else { test(net) };
            Condition::all([bits, test(every_ipv4()).not()])
        }
        (IpNet::V6(_), Family::V6) => test(net),
    }
}

#[cfg(test)]
mod tests;
