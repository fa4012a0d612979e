//! What is worth a look, made for real: each finding appears when its cause does, and not before.

use crate::support::conntrack::track_connections;
use crate::support::fixtures::{bound, drop_incoming, listener, local, new_socket};
use crate::support::namespace::Namespace;
use crate::support::program::{limit_process, rnetstat, text_of, with_files};
use crate::support::skip::skipped;
use crate::support::wait::until;
use serde_json::Value;
use socket2::{Protocol, Socket};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// The findings in a document.
fn findings_in(document: &[u8], of: &str) -> Vec<Value> {
    let document: Value = serde_json::from_slice(document).unwrap();
    document.pointer(of).and_then(Value::as_array).unwrap_or_else(|| panic!("{document}")).clone()
}

/// What `--summary` finds.
fn found() -> Vec<Value> {
    findings_in(text_of("--summary --json").as_bytes(), "/summary/findings")
}

/// What `--explain` finds about a port.
fn found_about(port: u16) -> Vec<Value> {
    findings_in(text_of(&format!("--explain {port} --json")).as_bytes(), "/explanations/0/findings")
}

/// The one finding that there is, without its sentence, and the sentence.
#[track_caller]
fn only(mut findings: Vec<Value>) -> (Value, String) {
    assert_eq!(findings.len(), 1, "{findings:?}");
    let Value::String(message) = findings[0]["message"].take() else { panic!("{findings:?}") };
    (findings.remove(0), message)
}

fn finding(code: &str, severity: &str, pid: Option<u32>, port: Option<u16>, value: u64, limit: u64) -> Value {
    serde_json::json!({
        "code": code, "severity": severity, "message": null, "pid": pid, "port": port, "value": value, "limit": limit
    })
}

/// A connection to a server: the client and the server's end.
fn connection(server: &Socket) -> (Socket, Socket) {
    let to = local(server);
    let client = new_socket(to, Protocol::TCP);
    client.connect(&to.into()).unwrap();
    let (accepted, _) = server.accept().unwrap();
    (client, accepted)
}

/// A client that does not wait for its connection.
fn connecting(to: SocketAddr) -> Socket {
    let client = new_socket(to, Protocol::TCP);
    client.set_nonblocking(true).unwrap();
    let _ = client.connect(&to.into());
    client
}

#[test]
fn a_full_backlog_is_a_warning_and_old_drops_are_a_note() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = bound(loopback(), Protocol::TCP);
    server.listen(1).unwrap();
    let address = local(&server);
    let port = Some(address.port());
    let waiting = [connecting(address), connecting(address)];
    until("two connections wait", || text_of("-a --state established --format csv --no-header").lines().count() == 4);
    let (full, message) = only(found());
    assert_eq!(full, finding("backlog-full", "warning", Some(std::process::id()), port, 2, 1));
    assert!(message.contains("2 connections wait to be accepted on TCP port") && message.contains("its limit is 1 (somaxconn "));
    let _dropped = [connecting(address), connecting(address)];
    until("a connection was dropped", || only(found()).1.contains("dropped since it listens"));
    waiting.iter().for_each(|_| drop(server.accept().unwrap()));
    let (old, message) = only(found_about(address.port()));
    assert_eq!((&old["code"], &old["severity"], &old["limit"]), (&"backlog-full".into(), &"note".into(), &1.into()));
    assert!(old["value"].as_u64().unwrap() > 0);
    assert!(message.contains("dropped on TCP port") && message.contains("its limit is 1 (somaxconn "), "{message}");
    let card = text_of(&format!("--explain {}", address.port()));
    assert!(card.contains("Worth a look:\n") && card.contains("dropped on TCP port"), "{card}");
}

#[test]
fn a_queue_without_room_drops_and_says_so() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = bound(loopback(), Protocol::TCP);
    server.listen(0).unwrap();
    let _waiting = connecting(local(&server));
    until("a connection waits", || !found().is_empty());
    assert_eq!(only(found()).0, finding("backlog-full", "warning", Some(std::process::id()), Some(local(&server).port()), 1, 0));
}

#[test]
fn ephemeral_ports_that_are_used_up_for_one_server_are_found() {
    let Some(_namespace) = Namespace::enter() else { return };
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40011").unwrap();
    std::fs::write("/proc/sys/net/ipv4/ip_local_reserved_ports", "40010-40011").unwrap();
    let server = listener("127.0.0.1:9000".parse().unwrap());
    let mut open: Vec<_> = (0..7).map(|_| connection(&server)).collect();
    // One that is over, and one that is only bound.
    let (client, accepted) = connection(&server);
    drop(client);
    drop(accepted);
    assert_eq!(found(), [] as [Value; 0]);
    let _bound = bound("127.0.0.1:0".parse().unwrap(), Protocol::TCP);
    let (used, message) = only(found());
    assert_eq!(used, finding("ports-nearly-used", "warning", Some(std::process::id()), None, 9, 10));
    assert!(
        message.contains("9 of 10 ephemeral ports of 127.0.0.1 are in use for connections to 127.0.0.1 port 9000"),
        "{message}"
    );
    open.pop();
    assert_eq!(only(found()).0["value"], 9, "what is over in TIME_WAIT is still in use");
}

#[test]
fn connections_that_a_process_does_not_close_are_found() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(loopback());
    let port = local(&server).port();
    let connections: Vec<_> = (0..10).map(|_| connection(&server)).collect();
    assert_eq!(found(), [] as [Value; 0]);
    connections.iter().for_each(|(client, _)| client.shutdown(Shutdown::Both).unwrap());
    until("all are in CLOSE_WAIT", || text_of("-a --state close_wait --format csv --no-header").lines().count() == 10);
    assert_eq!(only(found()).0, finding("close-wait", "warning", Some(std::process::id()), None, 10, 10));
    let (of_port, message) = only(found_about(port));
    assert_eq!(of_port, finding("close-wait", "warning", Some(std::process::id()), Some(port), 10, 10));
    assert!(message.contains(&format!("has 10 connections in CLOSE_WAIT on TCP port {port}")), "{message}");
}

/// Fills a connection until it takes no more.
fn fill(from: &Socket) {
    from.set_nonblocking(true).unwrap();
    let (mut writer, text) = (from, vec![b'x'; 65536]);
    while writer.write(&text).is_ok() {}
}

#[test]
fn queues_that_do_not_move_for_half_a_minute_are_found() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(loopback());
    let port = local(&server).port();
    // One whose reader is asleep: its window is closed, and it acknowledges the probes.
    let (asleep, full) = connection(&server);
    fill(&full);
    until("the buffer is full", || !found().is_empty());
    let (of_port, message) = only(found());
    assert_eq!((&of_port["code"], &of_port["port"]), (&"stuck-queue".into(), &local(&asleep).port().into()));
    assert!(message.contains("does not read what arrives"), "{message}");
    // One whose data is lost, and one that was idle and has just sent something.
    let (deaf, lossy) = connection(&server);
    drop_incoming(&deaf);
    (&mut &lossy).write_all(b"lost").unwrap();
    assert_eq!(found_about(port), [] as [Value; 0], "nothing waits long enough yet");
    // Both are, by and by.
    let mut stuck = Vec::new();
    until("both queues are stuck", || {
        std::thread::sleep(Duration::from_millis(500));
        stuck = found_about(port);
        stuck.iter().any(|finding| finding["message"].as_str().unwrap().contains("nor was it on 1 more"))
    });
    let (stuck, message) = only(stuck);
    assert_eq!((&stuck["code"], &stuck["severity"], &stuck["limit"]), (&"stuck-queue".into(), &"warning".into(), &30.into()));
    assert!((30..60).contains(&stuck["value"].as_u64().unwrap()), "{stuck}");
    assert!(message.contains(&format!("waits on TCP port {port} with ")), "{message}");
}

#[test]
fn a_socket_of_udp_that_is_not_read_is_found() {
    let Some(_namespace) = Namespace::enter() else { return };
    let receiver = UdpSocket::bind(loopback()).unwrap();
    let to = receiver.local_addr().unwrap();
    let sender = UdpSocket::bind(loopback()).unwrap();
    let send = |count| (0..count).for_each(|_| drop(sender.send_to(&[b'x'; 100], to)));
    send(10);
    assert_eq!(found(), [] as [Value; 0]);
    send(10_000);
    let (full, message) = only(found());
    assert_eq!(
        (&full["code"], &full["port"], &full["pid"]),
        (&"stuck-queue".into(), &to.port().into(), &Some(std::process::id()).into())
    );
    assert!(full["value"].as_u64().unwrap() * 10 > full["limit"].as_u64().unwrap() * 9, "{full}");
    assert!(message.contains(&format!("does not read what arrives on UDP port {}", to.port())), "{message}");
    assert_eq!(only(found_about(to.port())).0["code"], "stuck-queue");
}

#[test]
fn many_sockets_in_time_wait_are_a_note() {
    let Some(_namespace) = Namespace::enter() else { return };
    std::fs::write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "4").unwrap();
    let server = listener(loopback());
    let finish = || {
        let (client, accepted) = connection(&server);
        drop(client);
        drop(accepted);
    };
    finish();
    finish();
    assert_eq!(found(), [] as [Value; 0]);
    finish();
    let (many, message) = only(found());
    assert_eq!(many, finding("time-wait-many", "note", None, None, 3, 4));
    assert!(message.contains("it ends by itself"), "{message}");
}

#[test]
fn a_full_table_of_the_firewall_is_found() {
    let Some(_namespace) = Namespace::enter() else { return };
    const MOST: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
    if !Path::new(MOST).exists() {
        let Some(()) = skipped("this kernel does not track connections (nf_conntrack)") else { return };
    }
    // The limit is the machine's: the program sees one that is within reach, and the kernel's number of connections.
    let limit = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conntrack-{}", std::process::id()));
    std::fs::write(&limit, "10\n").unwrap();
    let found = || {
        let mut command = rnetstat("--summary --json");
        with_files(&mut command, &[(&limit, MOST)]);
        findings_in(&command.output().unwrap().stdout, "/summary/findings")
    };
    track_connections(0..9);
    assert_eq!(found(), [] as [Value; 0]);
    track_connections(9..10);
    assert_eq!(only(found()).0, finding("conntrack-full", "warning", None, None, 10, 10));
    std::fs::remove_file(limit).unwrap();
}

/// A process that does nothing, ended when this is dropped.
struct Idle(Child);

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_uses_up_its_descriptors_is_found() {
    let Some(_namespace) = Namespace::enter() else { return };
    let listeners: Vec<Socket> = (0..18).map(|_| listener(loopback())).collect();
    let idle = |most| {
        listeners.iter().for_each(|listener| listener.set_cloexec(false).unwrap());
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        listeners.iter().for_each(|listener| listener.set_cloexec(true).unwrap());
        // Once it answers it has opened what it needs.
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        limit_process(child.id(), libc::RLIMIT_NOFILE, most);
        Idle(child)
    };
    // 18 listeners, and the standard streams; on kernels that do not count descriptors, the listeners alone.
    let _content = idle(100);
    assert_eq!(found(), [] as [Value; 0]);
    let used_up = idle(19);
    let (nearly, message) = only(found());
    let value = nearly["value"].as_u64().unwrap();
    assert!(value == 18 || value >= 21, "{nearly}");
    assert_eq!(nearly, finding("descriptors-nearly-used", "warning", Some(used_up.0.id()), None, value, 19));
    assert!(message.starts_with(&format!("cat ({}) has {value} descriptors open of at most 19", used_up.0.id())), "{message}");
    let port = local(&listeners[0]).port();
    if value > 18 {
        assert_eq!(only(found_about(port)).0, nearly);
    }
}

#[test]
fn a_run_that_shows_no_findings_reads_nothing_for_them() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !crate::support::skip::have_or_skip("strace", "strace") {
        return;
    }
    let _server = listener(loopback());
    let calls = |switches: &str| {
        let program = rnetstat(switches);
        let output = crate::support::program::traced(&program, &["-f", "-e", "trace=openat,statx"]).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let words = ["somaxconn", "nf_conntrack", "tw_buckets", "/limits"];
    let summary = calls("--summary");
    assert!(words.iter().all(|word| summary.contains(word)), "{summary}");
    for switches in ["-ano", "-a --json", "-a --wide", "--summary --quiet", "--explain 80 --quiet"] {
        let calls = calls(switches);
        assert!(!words.iter().any(|word| calls.contains(word)), "{switches}: {calls}");
    }
}
