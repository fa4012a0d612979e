//! The counters of the protocols, from `/proc/self/net`.

use crate::model::owners::OwnerSearch;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::{State, StateSet, Table, TableSet};
use crate::model::statistics::{Counter, Section, Statistics};
use crate::platform::linux::procfs::snmp;
use crate::platform::linux::sockets::snapshot;
use crate::request::Query;
use std::{fs, io};

/// Reads the files that hold these sections; the kernel counts since the network namespace was made.
pub(crate) fn read(sections: &[Section]) -> (Statistics, Vec<Problem>) {
    let mut statistics = Statistics::default();
    let mut problems = Vec::new();
    let wants = |is_wanted: fn(Section) -> bool| sections.iter().copied().any(is_wanted);
    if wants(|section| !is_in_snmp6(section)) {
        match fs::read_to_string(snmp::SNMP) {
            Ok(text) => {
                statistics.take_snmp(&text);
                if wants(|section| matches!(section, Section::TcpIpv4 | Section::TcpIpv6)) {
                    divide_connections(&mut statistics, &mut problems);
                }
            }
            Err(error) => {
                statistics.take_snmp("");
                problems.push(unreadable(snmp::SNMP, &error));
            }
        }
    }
    if wants(is_in_snmp6) {
        match fs::read_to_string(snmp::SNMP6) {
            Ok(text) => statistics.take_snmp6(&text),
            // A kernel without IPv6 has counted none: there is the file of IPv4 alone.
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::exists(snmp::SNMP).unwrap_or(false) => {}
            Err(error) => {
                statistics.take_snmp6("");
                problems.push(unreadable(snmp::SNMP6, &error));
            }
        }
    }
    let shown = |counter: &Counter| sections.contains(&counter.section);
    statistics.unavailable.retain(shown);
    statistics.unavailable.sort_by_key(|counter| Section::ALL.iter().position(|&section| section == counter.section));
    (statistics, problems)
}

const fn is_in_snmp6(section: Section) -> bool {
    matches!(section, Section::Ipv6 | Section::Icmpv6 | Section::UdpIpv6)
}

/// The kernel counts TCP for both families together. Only the current connections can be separated: those over IPv6 are counted
/// in the socket table, and the rest of the sum is IPv4's.
fn divide_connections(statistics: &mut Statistics, problems: &mut Vec<Problem>) {
    let request = Query {
        tables: TableSet::NONE.with(Table::Tcp6),
        states: StateSet::NONE.with(State::Established).with(State::CloseWait),
        ..Query::everything()
    };
    let snapshot = snapshot::snapshot(&request, OwnerSearch::Skip);
    if snapshot.problems.iter().any(|problem| problem.kind == ProblemKind::TableUnreadable) {
        // The sum stays where it is, and the figure of IPv6 stays among those that cannot be had.
        return problems.extend(snapshot.problems);
    }
    let over_ipv6 = snapshot.sockets.len() as u64;
    let sum = &mut statistics.tcp_ipv4.current_connections;
    *sum = sum.saturating_sub(over_ipv6);
    statistics.tcp_ipv6.current_connections = over_ipv6;
    let counted = Counter { section: Section::TcpIpv6, field: "current_connections" };
    statistics.unavailable.retain(|counter| *counter != counted);
    problems.extend(snapshot.problems);
}

fn unreadable(path: &str, error: &io::Error) -> Problem {
    Problem::new(ProblemKind::TableUnreadable, format!("the counters of {path} cannot be read: {error}"))
}
