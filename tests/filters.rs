//! Filters and orders on the command line: the messages of invalid values, and which tables a filter includes.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use rnetstat::cli::{self, Command as Asked};
use rnetstat::model::owners::OwnerSearch;
use rnetstat::model::socket::{State, StateSet, Table, TableSet};
use rnetstat::request::{Request, UdpRows};
use std::ffi::OsString;
use support::command::{NOTHING_MATCHED, run, run_line, stderr, stdout};

fn request(line: &str) -> Request {
    match cli::parse(line.split_whitespace().map(OsString::from)) {
        Ok(Asked::Run(request)) => *request,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn invalid_filter_values_are_refused_with_the_valid_ones() {
    const HINT: &str = "Several values are separated by commas; '!' before a value excludes it.";
    let (no_port, no_address) =
        ("a port is a number from 0 to 65535", "expected an address (192.0.2.1, fe80::1%2) or a prefix (10.0.0.0/8)");
    let no_service = "expected a port (443), a range (8000-8100) or a service name (https)";
    let exposures = "expected one of loopback, link-local, private, public, every-address";
    let no_length = "the prefix length of such an address is a number from 0 to";
    for (line, value, switch, reason) in [
        ("--port 70000", "70000", "--port", no_port.to_owned()),
        ("--port 80,!65536", "!65536", "--port", no_port.to_owned()),
        ("--port 9-1", "9-1", "--port", "a range begins with its lower port".to_owned()),
        ("--port nosuchservice", "nosuchservice", "--port", no_service.to_owned()),
        ("--port 80,", "", "--port", "a value is missing".to_owned()),
        ("--port !", "!", "--port", "a value is missing".to_owned()),
        (":70000", "70000", ":PORT", no_port.to_owned()),
        (":", "", ":PORT", "a value is missing".to_owned()),
        (":80:90", "80:90", ":PORT", no_service.to_owned()),
        ("--remote-port 1-99999", "1-99999", "--remote-port", no_port.to_owned()),
        ("--any-port x", "x", "--any-port", no_service.to_owned()),
        ("--local 10.0.0.0/40", "10.0.0.0/40", "--local", format!("{no_length} 32")),
        ("--local ::/129", "::/129", "--local", format!("{no_length} 128")),
        ("--local myhost", "myhost", "--local", no_address.to_owned()),
        ("--remote !10.0.0", "!10.0.0", "--remote", no_address.to_owned()),
        ("--remote 10.0.0.1%1", "10.0.0.1%1", "--remote", "only a link-local IPv6 address has a scope".to_owned()),
        ("--user nosuchuser", "nosuchuser", "--user", "there is no user of that name".to_owned()),
        ("--pid init", "init", "--pid", "expected a PID (4711)".to_owned()),
        ("--exposure internet", "internet", "--exposure", exposures.to_owned()),
    ] {
        if switch == "--user" && cfg!(windows) {
            continue; // there any name may be that of a process' user
        }
        let expected = format!(
            "rnetstat: invalid value '{value}' for {switch}: {reason}
{HINT}
"
        );
        let output = run_line(line);
        assert_eq!((stdout(&output).as_str(), stderr(&output), output.status.code()), ("", expected, Some(2)), "{line}");
    }
    for (line, sentence) in [
        ("--state open", "invalid value 'open' for --state: expected CLOSED, LISTENING,"),
        ("--sort ports", "invalid value 'ports' for --sort: expected a column with an order"),
        ("--sort pid,-", "invalid value '-' for --sort: expected a column with an order"),
        ("--format yaml", "invalid value 'yaml' for --format: expected table, wide, json, ndjson, csv or openmetrics"),
    ] {
        let error = stderr(&run_line(line));
        assert!(error.starts_with(&format!("rnetstat: {sentence}")), "{error}");
    }
    // Words that other programs have, and any letter case.
    for line in ["--sort port", "--local localhost", "--state listen", "-np TCP,UDP", "--pid 0", "--format JSON --state Listen"] {
        assert!(run_line(line).stderr.is_empty(), "{line}");
    }
}

#[test]
fn control_characters_of_a_value_are_escaped_in_the_error() {
    let output = run(["--port", "\u{1b}[2J"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn a_filter_that_matches_nothing_is_status_1() {
    for (line, status) in [("-n --port 0 --remote 203.0.113.7", NOTHING_MATCHED), ("-n --sort -pid", 0)] {
        let output = run_line(line);
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(status)), "{line}");
    }
}

#[test]
fn filters_include_listeners_and_udp_but_bound_ports_only_by_state() {
    let all = StateSet::ALL.without(State::Bound);
    for (line, states, udp) in [
        ("-n", all.without(State::Listening), None),
        ("-n --ipv4 --ipv6", all.without(State::Listening), None),
        ("-n --sort state", all.without(State::Listening), None),
        ("-n :http", all, Some(UdpRows::All)),
        ("-n --port 80", all, Some(UdpRows::All)),
        ("-n --any-port 80", all, Some(UdpRows::All)),
        ("-qn --port 80", StateSet::ALL, Some(UdpRows::All)),
        ("-n --remote-port 80", all, Some(UdpRows::All)),
        ("-n --local 127.0.0.1", all, Some(UdpRows::All)),
        ("-n --pid 1", all, Some(UdpRows::All)),
        ("-n --process x", all, Some(UdpRows::All)),
        ("-n --user 0", all, Some(UdpRows::All)),
        ("-n --state !time_wait", all.without(State::TimeWait), Some(UdpRows::All)),
        ("-n --state listening", StateSet::NONE.with(State::Listening), None),
        ("-n --state bound,listening", StateSet::NONE.with(State::Listening).with(State::Bound), None),
        ("-n --listening", StateSet::NONE.with(State::Listening), Some(UdpRows::All)),
        ("-n --exposed", StateSet::NONE.with(State::Listening), Some(UdpRows::All)),
        ("-n --exposure !loopback", StateSet::NONE.with(State::Listening), Some(UdpRows::All)),
        ("-np tcp --port 80", all, None),
    ] {
        let sockets = request(line).query;
        assert_eq!(sockets.states, states, "{line}");
        assert_eq!(sockets.tables.contains(Table::Udp4).then_some(sockets.udp), udp, "{line}");
    }
}

#[test]
fn family_filters_select_tables() {
    let tables = |line| request(line).query.tables;
    assert_eq!(tables("-an --ipv4"), [Table::Tcp4, Table::Udp4].into_iter().collect());
    assert_eq!(tables("-an --ipv6"), [Table::Tcp6, Table::Udp6].into_iter().collect());
    assert_eq!(tables("-an --ipv4 --ipv6"), TableSet::ALL);
    assert_eq!(tables("-anp udp --ipv6"), TableSet::NONE);
}

#[test]
fn a_colon_port_combines_with_an_interval_and_port_switches() {
    let request = request("-n 5 :22 --port 80-81 :!80");
    assert_eq!(request.interval.map(|pause| pause.as_secs()), Some(5));
    let ports = request.query.filter.local_port.unwrap();
    assert_eq!(ports.ranges().collect::<Vec<_>>(), [22..=22, 81..=81]);
}

#[test]
fn owners_are_searched_only_if_the_output_depends_on_them() {
    for (line, search) in [
        ("-n :80", OwnerSearch::Skip),
        ("-n --user 0 --sort user", OwnerSearch::Skip),
        ("-no :80", OwnerSearch::Lowest),
        ("-n --sort pid", OwnerSearch::Lowest),
        ("-n --sort local,-process", OwnerSearch::Lowest),
        ("-n --pid 1", OwnerSearch::All),
        ("-no --process x", OwnerSearch::All),
    ] {
        if line.contains("--user") && !cfg!(target_os = "linux") {
            continue; // there the user of a socket is that of its owner
        }
        assert_eq!(request(line).owner_search(rnetstat::platform::SYSTEM), search, "{line}");
    }
}
