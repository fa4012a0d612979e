//! A filter, part of which the kernel evaluates, shows the same rows as filtering the lines of the whole table.

use crate::support::fixtures::Fixtures;
use crate::support::namespace::{LINK, Namespace, index_of};
use crate::support::program::{rnetstat, table_of};
use crate::support::row::{Row, assert_same};
use crate::support::wait::stable_snapshot;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Address and port of an endpoint as printed; none for `*:*`.
fn parts(endpoint: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = endpoint.rsplit_once(':')?;
    let address = address.trim_matches(['[', ']']);
    let address = address.split_once('%').map_or(address, |(address, _)| address);
    Some((address.parse().ok()?, port.parse().ok()?))
}

fn port(endpoint: &str) -> Option<u16> {
    parts(endpoint).map(|(_, port)| port)
}

/// The rows that a filter shows; the status has to be 1 if there are none.
fn filtered(filter: &str) -> Vec<Row> {
    let output = rnetstat(&format!("-anq {filter}")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{filter}");
    let rows = crate::support::row::parse(&String::from_utf8(output.stdout).unwrap(), false);
    assert_eq!(output.status.code(), Some(i32::from(rows.is_empty())), "{filter}");
    rows
}

/// Whether a filter has to match a row.
type Selector<'a> = Box<dyn Fn(&Row) -> bool + 'a>;

/// Filters, and the rows that each has to match.
#[derive(Default)]
struct Cases<'a>(Vec<(String, Selector<'a>)>);

impl<'a> Cases<'a> {
    fn add(&mut self, filter: impl Into<String>, matches: impl Fn(&Row) -> bool + 'a) {
        self.0.push((filter.into(), Box::new(matches)));
    }

    /// Compares each with the same selection from all rows, at a moment at which nothing changes.
    fn compare(&self) {
        let in_order = || table_of(&mut rnetstat("-anq")).into_iter().enumerate().collect();
        let tables = || self.0.iter().map(|(filter, _)| filtered(filter)).collect();
        let (rows, tables): (Vec<(usize, Row)>, Vec<Vec<Row>>) = stable_snapshot(in_order, tables);
        let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
        for ((filter, matches), table) in self.0.iter().zip(tables) {
            let expected: Vec<Row> = rows.iter().filter(|row| matches(row)).cloned().collect();
            assert_same(&table, &expected, &format!("the whole table, for {filter},"));
            assert_eq!(table, expected, "{filter}: the order");
        }
    }
}

#[test]
fn port_and_state_filters_equal_filtering_the_whole_table() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _fixtures = Fixtures::all();
    let whole = table_of(&mut rnetstat("-anq"));
    let ports: BTreeSet<u16> = whole.iter().filter_map(move |row| port(&row.local)).collect();
    let [first, middle, last] = [0, ports.len() / 2, ports.len() - 1].map(|place| *ports.iter().nth(place).unwrap());
    let server = whole.iter().find(|row| row.state == "SYN_RECEIVED").and_then(move |row| port(&row.local)).unwrap();
    let mut cases = Cases::default();
    for one in [middle, server, 1] {
        cases.add(format!("--port {one}"), move |row| port(&row.local) == Some(one));
        cases.add(format!(":{one}"), move |row| port(&row.local) == Some(one));
        cases.add(format!("--remote-port {one}"), move |row| port(&row.remote) == Some(one));
        cases.add(format!("--any-port {one}"), move |row| port(&row.local) == Some(one) || port(&row.remote) == Some(one));
        cases.add(format!("--port !{one}"), move |row| port(&row.local) != Some(one));
    }
    cases.add(format!("--port {first},{last}"), move |row| [Some(first), Some(last)].contains(&port(&row.local)));
    cases.add(format!("--port {first}-{middle}"), move |row| {
        port(&row.local).is_some_and(|port| (first..=middle).contains(&port))
    });
    cases.add("--remote-port 53", move |row| port(&row.remote) == Some(53));
    let states: BTreeSet<&str> = whole.iter().map(|row| row.state.as_str()).filter(|state| !state.is_empty()).collect();
    for state in states {
        cases.add(format!("--state {state}"), move |row| row.state == state);
        cases.add(format!("--state {state} --port {server}"), move |row| row.state == state && port(&row.local) == Some(server));
    }
    cases.add("--state fin-wait-1,closing", |row| ["FIN_WAIT_1", "CLOSING"].contains(&row.state.as_str()));
    cases.add("--state !bound", |row| row.state != "BOUND");
    cases.add("--listening", |row| row.state == "LISTENING" || row.remote == "*:*");
    let loopback = |row: &Row| row.local.starts_with("127.") || row.local.starts_with("[::1]");
    let listens = |row: &Row| row.state == "LISTENING" || row.remote == "*:*";
    cases.add("--exposure loopback", move |row| listens(row) && loopback(row));
    // ff02:: is the multicast of a link.
    let link_local = |row: &Row| ["[fe80:", "[ff02:"].iter().any(|prefix| row.local.starts_with(prefix));
    cases.add("--exposure link-local", move |row| listens(row) && link_local(row));
    cases.add("--exposed", move |row| listens(row) && !loopback(row) && !link_local(row));
    cases.add("--ipv4", |row| !row.local.starts_with('['));
    cases.add("--ipv6", |row| row.local.starts_with('['));
    cases.compare();
}

#[test]
fn prefix_filters_match_the_address_that_is_shown() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _fixtures = Fixtures::all();
    let local = |row: &Row| parts(&row.local).map(|(address, _)| address);
    let remote = |row: &Row| parts(&row.remote).map(|(address, _)| address);
    let loopback4 = |address: Option<IpAddr>| matches!(address, Some(IpAddr::V4(address)) if address.is_loopback());
    let mut cases = Cases::default();
    cases.add("--local 127.0.0.0/8", |row| loopback4(local(row)));
    cases.add("--remote 127.0.0.0/8", |row| loopback4(remote(row)));
    cases.add("--local 127.0.0.1", |row| loopback4(local(row)));
    cases.add("--local ::1", |row| local(row) == Some("::1".parse().unwrap()));
    cases.add("--local fe80::/10", |row| row.local.starts_with("[fe80:"));
    cases.add("--remote fe80::/10", |row| row.remote.starts_with("[fe80:"));
    cases.add("--remote fe80::2001", |row| row.remote.starts_with("[fe80::2001"));
    cases.add(format!("--local fe80::2001%{LINK}"), |row| row.local.starts_with(&format!("[fe80::2001%{}]", index_of(LINK))));
    cases.add("--local 192.0.2.0/24", |_| false);
    cases.add("--ipv4 --remote 0.0.0.0/0,::/0", |row| !row.local.starts_with('['));
    cases.add("--local 127.0.0.1 --remote 127.0.0.1 --state ESTABLISHED", |row| {
        row.state == "ESTABLISHED" && loopback4(local(row)) && loopback4(remote(row))
    });
    cases.compare();
}
