//! The output of `ss -tuanpe`.

use super::namespace::index_of;
use super::row::{Row, endpoint, remote_endpoint};
use super::skip::have_or_skip;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;

/// The sockets of the calling thread's namespace with the lowest PID that holds each, `0` if none does.
/// `None`, reported as skipped, without `ss`.
pub fn rows() -> Option<Vec<Row>> {
    if !have_or_skip("ss", "iproute2") {
        return None;
    }
    let output = Command::new("ss").args(["-H", "-tuanpe"]).output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(row).collect())
}

/// The socket of one line of `ss -H -tuan`, whatever follows the addresses.
pub fn row(line: &str) -> Row {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let protocol = fields[0].to_ascii_uppercase();
    let state = match (protocol.as_str(), fields[1]) {
        ("UDP", _) => "",
        (_, "LISTEN") => "LISTENING",
        (_, "SYN-SENT") => "SYN_SENT",
        (_, "SYN-RECV") => "SYN_RECEIVED",
        (_, "ESTAB") => "ESTABLISHED",
        (_, "FIN-WAIT-1") => "FIN_WAIT_1",
        (_, "FIN-WAIT-2") => "FIN_WAIT_2",
        (_, "CLOSE-WAIT") => "CLOSE_WAIT",
        (_, "CLOSING") => "CLOSING",
        (_, "LAST-ACK") => "LAST_ACK",
        (_, "TIME-WAIT") => "TIME_WAIT",
        (_, "UNCONN") => "CLOSED",
        other => panic!("{other:?}"),
    };
    let (local, scope, local_port) = address(fields[4]);
    let (remote, _, remote_port) = address(fields[5]);
    // ss prints one asterisk for the wildcard of an IPv6 socket that takes IPv4 too, on either side.
    let ipv6 = local.is_ipv6();
    let remote = if remote.is_unspecified() && ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { remote };
    let pids: BTreeSet<u32> = line.split("pid=").skip(1).map(|rest| rest.split(',').next().unwrap().parse().unwrap()).collect();
    Row {
        local: endpoint(local, scope, local_port),
        remote: remote_endpoint(&protocol, local, remote, scope, remote_port),
        state: state.to_owned(),
        owner: pids.first().copied().unwrap_or(0).to_string(),
        protocol,
    }
}

/// `127.0.0.1:80`, `[::1]:80`, `[fe80::1]%eth0:80`, `0.0.0.0%eth0:80`, `*:80`, `*:*`.
fn address(field: &str) -> (IpAddr, u32, u16) {
    let (address, port) = field.rsplit_once(':').unwrap();
    let port = if port == "*" { 0 } else { port.parse().unwrap() };
    let (address, scope) = match address.split_once('%') {
        Some((address, interface)) => (address, index_of(interface)),
        None => (address, 0),
    };
    let address = match address.trim_matches(['[', ']']) {
        "*" => Ipv6Addr::UNSPECIFIED.into(),
        "0.0.0.0" => Ipv4Addr::UNSPECIFIED.into(),
        numbers => numbers.parse().unwrap(),
    };
    (address, scope, port)
}
