//! The program on a real macOS, beside the system's own programs: `lsof`, `route`, `ifconfig`.
#![cfg(target_os = "macos")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use support::command::{print, run_line, stderr, stdout};

/// What a program of the system prints.
#[track_caller]
fn system(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} {arguments:?} cannot be started: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn document(line: &str) -> Value {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    serde_json::from_str(&print(&words)).unwrap()
}

/// One end as `lsof` writes it: `*:22`, `127.0.0.1:80`, `[::1]:80`.
fn end(end: &Value) -> Option<(IpAddr, u64)> {
    Some((end["address"].as_str()?.split('%').next()?.parse().ok()?, end["port"].as_u64()?))
}

fn lsof_name((address, port): (IpAddr, u64)) -> String {
    match address {
        address if address.is_unspecified() => format!("*:{port}"),
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{address}]:{port}"),
    }
}

/// `900 TCP 127.0.0.1:80->127.0.0.1:50000`, for each process that holds a socket.
fn our_sockets() -> BTreeSet<String> {
    let mut sockets = BTreeSet::new();
    for socket in document("-anq --json")["sockets"].as_array().unwrap() {
        let mut name = lsof_name(end(&socket["local"]).unwrap());
        if let Some(remote) = end(&socket["remote"]) {
            name = format!("{name}->{}", lsof_name(remote));
        }
        let protocol = socket["protocol"].as_str().unwrap().to_uppercase();
        for owner in socket["owners"].as_array().unwrap() {
            sockets.insert(format!("{} {protocol} {name}", owner["pid"]));
        }
    }
    sockets.into_iter().filter(|socket| is_comparable(socket)).collect()
}

/// `lsof` shows the scope of a link-local address inside of it, and the raw sockets and those without a port.
fn is_comparable(socket: &str) -> bool {
    !socket.contains("[fe80:") && !socket.contains("*:*")
}

/// The same of `lsof -nP -i -F`: fields of one line each, by process and by descriptor.
fn lsof_sockets() -> BTreeSet<String> {
    let (mut pid, mut protocol) = (String::new(), String::new());
    let mut sockets = BTreeSet::new();
    for line in system("lsof", &["-nP", "-i", "-F", "pPn"]).lines() {
        let (field, value) = line.split_at(1.min(line.len()));
        match field {
            "p" => value.clone_into(&mut pid),
            "P" => value.clone_into(&mut protocol),
            "n" if matches!(protocol.as_str(), "TCP" | "UDP") => {
                sockets.insert(format!("{pid} {protocol} {value}"));
            }
            _ => {}
        }
    }
    sockets.into_iter().filter(|socket| is_comparable(socket)).collect()
}

#[test]
fn every_socket_and_owner_is_what_lsof_shows() {
    let _held = (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("[::1]:0").unwrap());
    let (a, b, c, d) = (our_sockets(), lsof_sockets(), our_sockets(), lsof_sockets());
    for (name, before, between, after) in [("rnetstat", &a, &b, &c), ("lsof", &b, &c, &d)] {
        let stable: BTreeSet<_> = before.intersection(after).collect();
        let missing: Vec<_> = stable.iter().filter(|socket| !between.contains(**socket)).collect();
        assert!(!stable.is_empty(), "{name} shows nothing twice: {before:#?} {after:#?}");
        assert!(missing.is_empty(), "only {name} shows {missing:#?}; the other shows {between:#?}");
    }
}

/// The sockets that have this local port.
fn of_port(port: u16) -> Vec<Value> {
    document(&format!("-anq --json --port {port} --state !TIME_WAIT"))["sockets"].as_array().unwrap().clone()
}

#[test]
fn an_ipv4_flow_of_an_ipv6_socket_is_an_ipv4_row() {
    let listener = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    listener.set_only_v6(false).unwrap();
    listener.bind(&SockAddr::from(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)))).unwrap();
    listener.listen(1).unwrap();
    let port = listener.local_addr().unwrap().as_socket().unwrap().port();
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let _server = listener.accept().unwrap();
    let rows = of_port(port);
    let flow = rows.iter().find(|row| row["state"] == "ESTABLISHED").unwrap_or_else(|| panic!("{rows:#?}"));
    assert_eq!(flow["local"]["address"], "127.0.0.1", "{flow}");
    assert_eq!(end(&flow["remote"]), Some(("127.0.0.1".parse().unwrap(), client.local_addr().unwrap().port().into())), "{flow}");
}

#[test]
fn a_socket_that_two_processes_hold_is_one_row_with_both() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let second = OwnedFd::from(listener.try_clone().unwrap());
    // The child has the listener as its standard input, and does not read it.
    let mut child = Command::new("sleep").arg("60").stdin(Stdio::from(second)).spawn().unwrap();
    let rows = of_port(port);
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    let pids: BTreeSet<u64> = rows[0]["owners"].as_array().unwrap().iter().filter_map(|owner| owner["pid"].as_u64()).collect();
    assert_eq!(pids, BTreeSet::from([child.id().into(), std::process::id().into()]), "{rows:#?}");
}

#[test]
fn bound_sockets_udp_peers_and_queues_are_shown() {
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let rows = of_port(bound.local_addr().unwrap().as_socket().unwrap().port());
    assert_eq!((rows.len(), &rows[0]["state"]), (1, &"BOUND".into()), "{rows:#?}");

    let (receiver, sender) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    sender.connect(receiver.local_addr().unwrap()).unwrap();
    sender.send(b"five!").unwrap();
    let rows = of_port(sender.local_addr().unwrap().port());
    assert_eq!(end(&rows[0]["remote"]).map(|(_, port)| port), Some(receiver.local_addr().unwrap().port().into()), "{rows:#?}");
    let rows = of_port(receiver.local_addr().unwrap().port());
    // The queue of a datagram socket counts the sender's address too.
    assert!(rows[0]["receive_queue"].as_u64().unwrap() >= 5, "{rows:#?}");

    let closed = receiver.local_addr().unwrap().port();
    drop(receiver);
    assert_eq!(stdout(&run_line(&format!("--count --port {closed} --udp"))).trim(), "0", "a closed socket is no row");
}

#[test]
fn the_default_route_is_that_of_route_get() {
    let text = system("route", &["-n", "get", "default"]);
    let value = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name).map(|value| value.trim().to_owned()));
    let Some(gateway) = value("gateway:") else {
        println!("this machine has no default route: {text}");
        return;
    };
    let routes = print(&["-r"]);
    let is_default = |line: &&str| line.split_ascii_whitespace().take(2).eq(["0.0.0.0", "0.0.0.0"]);
    assert!(
        routes.lines().filter(is_default).any(|line| line.contains(&gateway)),
        "no default route through {gateway}:\n{routes}"
    );
}

#[test]
fn the_interfaces_are_those_of_ifconfig() {
    let routes = print(&["-r"]);
    let list: BTreeSet<&str> = routes
        .lines()
        .skip(2)
        .take_while(|line| !line.starts_with('='))
        .filter_map(|line| line.split(['.', ' ']).next_back())
        .collect();
    let ifconfig = system("ifconfig", &["-l"]);
    assert_eq!(list, ifconfig.split_ascii_whitespace().collect(), "{routes}");
}

#[test]
fn interfaces_have_counters_and_protocols_have_none() {
    let totals = document("-e --json");
    let received = &totals["interfaces"]["received"];
    assert!(received["bytes"].as_u64().unwrap() >= received["unicast_packets"].as_u64().unwrap(), "{totals}");
    let output = run_line("-s");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("macOS gives zeros"), "{}", stderr(&output));
}
