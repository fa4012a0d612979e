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

const PORTS: &str = "It takes ports (443), ranges (8000-8100) and services (https), each perhaps with ! before it.";
const PIDS: &str = "It takes PIDs, each perhaps with ! before it.";
const USERS: &str = "It takes user names and user ids, each perhaps with ! before it.";
const ADDRESSES: &str =
    "It takes addresses (192.0.2.1, fe80::1%2) and prefixes (10.0.0.0/8, 2001:db8::/32), each perhaps with ! before it.";
const STATES: &str = "It takes CLOSED, LISTENING, SYN_SENT, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, \
                      LAST_ACK, TIME_WAIT, DELETE_TCB, BOUND, UNKNOWN, each perhaps with ! before it.";
const KEYS: &str = "It takes protocol, family, local, local_address, local_port, remote, remote_address, remote_port, interface, \
    state, receive_queue, send_queue, timer, timer_ms, uid, owner_status, pid, dscp, time_in_state, congestion, \
    user, inode, process, namespace, executable, started, service, range, upper_layer, rtt, rtt_variation, \
    min_rtt, rto, cwnd, ssthresh, mss, path_mtu, unacked, lost, retransmitting, retransmits, bytes_sent, \
    bytes_acked, bytes_received, bytes_retransmitted, segments_out, segments_in, not_sent, delivery_rate, \
    app_limited, pacing_rate, last_send, last_receive, last_ack, busy, window_limited, buffer_limited, \
    send_window, receive_window, reordering, ecn, timeouts, memory_receive, memory_send, drops, send_rate, \
    receive_rate, retransmit_rate, each perhaps with - before it.";

#[test]
fn invalid_filter_values_are_refused_with_the_valid_ones() {
    let no_port = "a port is a number from 0 to 65535";
    let no_service = "it is no port, no range of ports, and no service of that name is known";
    let no_length = "the prefix length of such an address is a number from 0 to";
    let no_address = "it is no IPv4 or IPv6 address";
    let no_scope = "only a link-local IPv6 address has a scope";
    for (line, sentence, hint) in [
        ("--port 70000", format!("--port cannot be '70000': {no_port}"), PORTS),
        ("--port 80,!65536", format!("--port cannot be '!65536': {no_port}"), PORTS),
        ("--port 9-1", "--port cannot be '9-1': a range begins with its lower port".to_owned(), PORTS),
        ("--port nosuchservice", format!("--port cannot be 'nosuchservice': {no_service}"), PORTS),
        ("--port 80,", "--port cannot be '': a value is missing".to_owned(), PORTS),
        ("--port !", "--port cannot be '!': a value is missing".to_owned(), PORTS),
        (":70000", format!(":PORT cannot be '70000': {no_port}"), PORTS),
        (":", ":PORT cannot be '': a value is missing".to_owned(), PORTS),
        (":80:90", format!(":PORT cannot be '80:90': {no_service}"), PORTS),
        ("--remote-port 1-99999", format!("--remote-port cannot be '1-99999': {no_port}"), PORTS),
        ("--any-port x", format!("--any-port cannot be 'x': {no_service}"), PORTS),
        ("--local 10.0.0.0/40", format!("--local cannot be '10.0.0.0/40': {no_length} 32"), ADDRESSES),
        ("--local ::/129", format!("--local cannot be '::/129': {no_length} 128"), ADDRESSES),
        ("--local localhost", format!("--local cannot be 'localhost': {no_address}"), ADDRESSES),
        ("--remote !10.0.0", format!("--remote cannot be '!10.0.0': {no_address}"), ADDRESSES),
        ("--remote 10.0.0.1%1", format!("--remote cannot be '10.0.0.1%1': {no_scope}"), ADDRESSES),
        ("--state open", "--state cannot be 'open': no TCP state has that name".to_owned(), STATES),
        ("--user nosuchuser", "--user cannot be 'nosuchuser': no user of that name or number is known here".to_owned(), USERS),
        ("--pid init", "--pid cannot be 'init': a PID is a number from 0 to 4294967295".to_owned(), PIDS),
        ("--sort port", "--sort cannot be 'port': there is no such key".to_owned(), KEYS),
        ("--sort pid,-", "--sort cannot be '-': there is no such key".to_owned(), KEYS),
    ] {
        if line.starts_with("--user") && cfg!(windows) {
            continue; // there any name may be that of a process' user
        }
        let expected = format!("rnetstat: {sentence}\n{hint}\n");
        let output = run_line(line);
        assert_eq!((stdout(&output).as_str(), stderr(&output), output.status.code()), ("", expected, Some(2)), "{line}");
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
