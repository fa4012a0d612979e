//! The rows that an eBPF program reads from the kernel's hash tables, compared with the kernel's dump and with the text files.

use crate::support::fixtures::{Fixtures, bound, listener, local, new_socket};
use crate::support::namespace::Namespace;
use crate::support::program::rnetstat;
use crate::support::skip::skipped;
use crate::support::wait::{stable_snapshot, until, with_background};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use socket2::Protocol;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;

/// Whether this kernel and this user's rights allow the program.
fn pass_serves() -> bool {
    let output = rnetstat("-an --sockets-from bpf").output().unwrap();
    output.status.success()
        || skipped::<()>(&format!("no pass over the hash tables here: {}", String::from_utf8_lossy(&output.stderr))).is_some()
}

fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn by(source: &str, switches: &str) -> String {
    text(&mut rnetstat(&format!("{switches} --sockets-from {source}")))
}

#[test]
fn every_state_and_family_is_the_same_text_by_pass_dump_and_file() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let fixtures = Fixtures::all();
    for switches in [
        "-ano",
        "-an",
        "-n",
        "-ano -p tcp",
        "-ano -p tcpv6",
        "-ano -p udp",
        "-ano -p udpv6",
        "-an --state ESTABLISHED,FIN_WAIT_2,SYN_RECEIVED",
        "-an --state !TIME_WAIT",
        "-an --listening",
        "-ano --sort -receive-queue,send-queue",
        "-ano --sort -user",
        "-ano --user 0",
        "-an --count",
        "-anoq",
        "-anoq -p tcpv6",
        "-an --state BOUND",
        "-an --state BOUND,CLOSED",
    ] {
        let (_, [pass, dump]) =
            stable_snapshot(|| [by("netlink", "-anoq")].to_vec(), || ["bpf", "netlink"].map(|s| by(s, switches)));
        assert_eq!(pass, dump, "{switches}");
    }
    // The files report no interface, so that scopes are missing.
    let rows = |source: &str| -> BTreeSet<String> {
        by(source, "-ano").lines().filter(|row| !row.contains('%')).map(str::to_owned).collect()
    };
    let missing: Vec<String> = rows("bpf").difference(&rows("proc")).cloned().collect();
    assert!(missing.is_empty(), "{missing:#?}");
    drop(fixtures);
}

/// The kind of the timer and when it ends, of each socket that has one, by the ends of the socket.
fn timers(source: &str) -> BTreeMap<String, (String, u64)> {
    let document: Value = serde_json::from_str(&by(source, "-an --json --timers")).unwrap();
    let timer = |socket: &Value| {
        let key = format!("{} {} {} {}", socket["local"], socket["remote"], socket["state"], socket["inode"]);
        let timer = socket["timer"].as_object()?;
        Some((key, (timer["kind"].as_str()?.to_owned(), timer["remaining_ms"].as_u64()?)))
    };
    document["sockets"].as_array().unwrap().iter().filter_map(timer).collect()
}

#[test]
fn timers_are_those_of_the_dump() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let _fixtures = Fixtures::all();
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    socket2::SockRef::from(&client).set_keepalive(true).unwrap();
    // Timers of connections are set anew when something is sent again, and TIME_WAIT when the other end does so: each has to be
    // between those of two dumps once.
    let mut kinds = BTreeSet::new();
    let mut confirmed = BTreeSet::new();
    until("each timer was between two dumps", || {
        let [before, pass, after] = ["netlink", "bpf", "netlink"].map(timers);
        for (key, (kind, earlier)) in &before {
            if let (Some((pass, remaining)), Some((last, later))) = (pass.get(key), after.get(key))
                && [pass, last] == [kind; 2]
                && (kind == "retransmit" || (later..=earlier).contains(&remaining))
            {
                confirmed.insert(key.clone());
                kinds.insert(kind.clone());
            }
        }
        after.keys().all(|key| confirmed.contains(key))
    });
    assert!(["time-wait", "keepalive", "retransmit"].iter().all(|&kind| kinds.contains(kind)), "{kinds:?}");
    drop(client);
}

#[test]
fn ports_are_compared_by_the_program_as_by_the_kernel() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let _fixtures = Fixtures::all();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let servers = [(); 3].map(|()| listener(any));
    let port = |index: usize| servers[index].local_addr().unwrap().as_socket().unwrap().port();
    let clients: Vec<TcpStream> = (0..3).map(|index| TcpStream::connect((Ipv4Addr::LOCALHOST, port(index))).unwrap()).collect();
    for switches in [
        format!("-ano --port {}", port(0)),
        format!("-ano --port {},{}", port(0), port(2)),
        format!("-ano --port !{}", port(1)),
        format!("-ano --remote-port {}", port(1)),
        format!("-ano --any-port {}", port(1)),
        "-ano --port 1".to_owned(),
    ] {
        let [pass, dump] = ["bpf", "netlink"].map(|source| {
            let output = rnetstat(&format!("{switches} --sockets-from {source}")).output().unwrap();
            (String::from_utf8(output.stdout).unwrap(), output.status.code())
        });
        assert_eq!(pass, dump, "{switches}");
    }
    drop(clients);
}

#[test]
fn sharers_of_a_port_keep_their_order() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let shared = |protocol: Protocol, address: SocketAddr| {
        let socket = new_socket(address, protocol);
        socket.set_reuse_port(true).unwrap();
        socket.bind(&address.into()).unwrap();
        if protocol == Protocol::TCP {
            socket.listen(1).unwrap();
        }
        socket
    };
    let mut sockets = Vec::new();
    for round in 0..20 {
        for protocol in [Protocol::TCP, Protocol::UDP] {
            sockets.push(shared(protocol, SocketAddr::from((Ipv4Addr::LOCALHOST, 4000))));
            if round % 2 == 0 {
                sockets.push(shared(protocol, "[::ffff:127.0.0.1]:4000".parse().unwrap()));
                sockets.push(shared(protocol, "[::1]:4000".parse().unwrap()));
            }
        }
    }
    // The inode tells them apart.
    for switches in ["-ano", "-an"] {
        assert_eq!(by("bpf", switches), by("netlink", switches));
    }
    drop(sockets);
}

#[test]
fn more_sharers_of_a_port_than_one_run_takes_are_dumped() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < 6000) {
        skipped::<()>("fewer than 6,000 descriptors are allowed");
        return;
    }
    rustix::process::setrlimit(rustix::process::Resource::Nofile, rustix::process::Rlimit { current: Some(6000), ..limit })
        .unwrap();
    let sharers: Vec<_> = (0..5000)
        .map(|_| {
            let socket = new_socket(address, Protocol::UDP);
            socket.set_reuse_port(true).unwrap();
            socket.bind(&address.into()).unwrap();
            socket
        })
        .collect();
    let _other = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 4001)), Protocol::TCP);
    let count = |source| by(source, "-an -p udp --count").trim().parse::<usize>().unwrap();
    assert_eq!((count("bpf"), count("netlink")), (sharers.len(), sharers.len()));
}

/// How many files this process may open, with its limit raised as far as it goes.
fn open_files() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    maximum.unwrap_or(u64::MAX)
}

#[test]
fn standing_sockets_are_neither_lost_nor_doubled_while_others_come_and_go() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // Of the endurance bench, as far as the limit of open files allows.
    let pairs = open_files().saturating_sub(500).min(12_000) / 2;
    let standing: Vec<(TcpStream, TcpStream)> = (0..pairs)
        .map(|_| {
            let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            (client, server.accept().unwrap().0)
        })
        .collect();
    let ends: BTreeSet<String> = standing
        .iter()
        .flat_map(|(client, accepted)| [client, accepted])
        .map(|end| format!("{} {}", end.local_addr().unwrap(), end.peer_addr().unwrap()))
        .collect();
    let short = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let come_and_go = || {
        let client = TcpStream::connect(short.local_addr().unwrap());
        drop((client, short.accept()));
    };
    with_background(come_and_go, || {
        for _ in 0..20 {
            let table = by("bpf", "-an -p tcp --state ESTABLISHED");
            let mut seen: Vec<String> = table
                .lines()
                .filter_map(|line| {
                    let mut words = line.split_whitespace().skip(1);
                    Some(format!("{} {}", words.next()?, words.next()?))
                })
                .filter(|ends_of_row| ends.contains(ends_of_row))
                .collect();
            seen.sort_unstable();
            assert!(seen.iter().eq(&ends), "{} of {} ends", seen.len(), ends.len());
        }
    });
    drop(standing);
}

#[test]
fn bound_ports_are_neither_lost_nor_doubled_while_others_come_and_go() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let standing: Vec<socket2::Socket> = (0..300).map(|_| bound(any, Protocol::TCP)).collect();
    let ends: BTreeSet<String> = standing.iter().map(|socket| local(socket).to_string()).collect();
    let come_and_go = || drop((0..100).map(|_| bound(any, Protocol::TCP)).collect::<Vec<_>>());
    with_background(come_and_go, || {
        for _ in 0..60 {
            let table = by("bpf", "-an --state BOUND");
            let locals = table.lines().filter_map(|line| line.split_whitespace().nth(1)).filter(|end| ends.contains(*end));
            let mut seen: Vec<&str> = locals.collect();
            seen.sort_unstable();
            assert!(seen.iter().eq(ends.iter()), "{} of {} ends", seen.len(), ends.len());
        }
    });
}

#[test]
fn a_forced_source_that_cannot_serve_is_an_error() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !pass_serves() {
        return;
    }
    // Attributes are reported by the dump alone.
    let output = rnetstat("-and --sockets-from bpf").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("only the kernel's dumps report what is asked for"), "{said}");
}
