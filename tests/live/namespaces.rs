//! The sockets of several network namespaces at once, by each way to read them, compared with what a program inside each shows.

use crate::support::fixtures::{AddressCase, Fixtures, bound, listener, local};
use crate::support::isolation;
use crate::support::namespace::{Namespace, ip, may_change_user};
use crate::support::program::{PublicCopy, rnetstat, with_hidepid};
use crate::support::skip::have_or_skip;
use crate::support::wait::{until, with_background};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// The ways to read.
const SOURCES: [&str; 3] = ["bpf", "netlink", "proc"];

/// A namespace of its own with a process in it, and whatever a test puts into it.
struct Other {
    process: Child,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Other {
    /// Makes one; `fill` is run inside, and what it returns is kept.
    fn with<T: 'static>(fill: impl FnOnce() -> T + Send + 'static) -> Self {
        let (send, ready) = channel();
        let (end, wait) = channel::<()>();
        let thread = std::thread::spawn(move || {
            isolation::enter().unwrap();
            let kept = fill();
            let process = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
            send.send(process).unwrap();
            let _ = wait.recv();
            drop(kept);
        });
        Self { process: ready.recv().unwrap(), end: Some(end), thread: Some(thread) }
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn inode(&self) -> u64 {
        std::fs::metadata(format!("/proc/{}/ns/net", self.pid())).unwrap().ino()
    }

    /// What rnetstat prints inside.
    fn inside(&self, switches: &str) -> Vec<String> {
        let mut command = Command::new("nsenter");
        let program = rnetstat(switches);
        command.args(["-t", &self.pid().to_string(), "-n"]).arg(program.get_program()).args(program.get_args());
        rows(&mut command)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        drop(self.end.take());
        let _ = self.thread.take().unwrap().join();
    }
}

/// The rows of a classic table.
fn rows(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.starts_with("  TCP ") || line.starts_with("  UDP ")).map(str::to_owned).collect()
}

/// The rows of some namespaces without the column of the namespace, which has to be there.
fn rows_of(selection: &str, source: &str) -> Vec<String> {
    let table = rows(&mut rnetstat(&format!("-ano --namespace {selection} --sockets-from {source}")));
    table.iter().map(|row| row.trim_end().rsplit_once("  ").unwrap().0.trim_end().to_owned()).collect()
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}

fn trimmed(rows: &[String]) -> Vec<&str> {
    rows.iter().map(|row| row.trim_end()).collect()
}

/// Whether tables are equal, without the rows whose scopes the text files do not report.
fn assert_same(inside: &[String], outside: &[String], source: &str) {
    let known = |rows: &[String]| -> Vec<String> {
        let scopes = source != "proc";
        trimmed(rows).into_iter().filter(|row| scopes || !row.contains("fe80")).map(str::to_owned).collect()
    };
    let (mut inside, mut outside) = (known(inside), known(outside));
    if source == "proc" {
        inside.sort_unstable();
        outside.sort_unstable();
    }
    assert_eq!(inside, outside, "{source}");
}

#[test]
fn three_namespaces_with_every_state_are_the_same_from_outside_as_from_inside() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("nsenter", "util-linux") {
        return;
    }
    let every_state = || {
        let mut fixtures = Fixtures::default();
        for (listen, connect) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:0", "[::1]:0"), ("[::]:0", "[::ffff:127.0.0.1]:0")] {
            fixtures.fill(AddressCase { listen: listen.parse().unwrap(), connect: connect.parse().unwrap() });
        }
        fixtures
    };
    let others = [(); 3].map(|()| Other::with(every_state));
    for other in &others {
        for source in SOURCES {
            // Connections come to their end meanwhile.
            let mut tries = 0;
            let (inside, outside) = loop {
                let before = other.inside("-ano --sockets-from netlink");
                let outside = rows_of(&format!("pid:{}", other.pid()), source);
                let after = other.inside("-ano --sockets-from netlink");
                tries += 1;
                if before == after || tries == 20 {
                    break (after, outside);
                }
            };
            assert!(inside.len() > 20, "{inside:#?}");
            assert_same(&inside, &outside, source);
        }
    }
    let all = json(&mut rnetstat("-a --json --all-namespaces"));
    for other in &others {
        let of = |value: &Value| value == other.inode();
        let namespace = all["namespaces"].as_array().unwrap().iter().find(|namespace| of(&namespace["inode"])).unwrap();
        let counted = all["sockets"].as_array().unwrap().iter().filter(|socket| of(&socket["namespace"])).count();
        assert_eq!(namespace["sockets"], counted);
        assert_eq!(namespace["own"], false);
    }
    assert_eq!(all["namespaces"][0]["own"], true);
}

#[test]
fn a_namespace_that_a_file_or_a_socket_alone_keeps_is_read() {
    let Some(_namespace) = Namespace::enter() else { return };
    let name = format!("rnetstat-test-{}", std::process::id());
    let _removed = Removed(name.clone());
    ip(&format!("netns add {name}"));
    let inode = std::fs::metadata(format!("/run/netns/{name}")).unwrap().ino();
    let port = |socket: &socket2::Socket| local(socket).port();
    // The thread ends, and leaves the namespace to the socket.
    let (socket, alone) = std::thread::spawn(|| {
        isolation::enter().unwrap();
        let inode = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
        (listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), inode)
    })
    .join()
    .unwrap();
    for source in ["bpf", "netlink"] {
        let all = json(&mut rnetstat(&format!("-a --json --all-namespaces --sockets-from {source}")));
        let namespaces = all["namespaces"].as_array().unwrap();
        let kept = namespaces.iter().find(|namespace| namespace["inode"] == inode).unwrap();
        assert_eq!((&kept["name"], &kept["source"]), (&Value::from(name.as_str()), &Value::from("netns")), "{source}");
    }
    let all = json(&mut rnetstat(&format!("-a --json --namespace {alone} --sockets-from bpf")));
    assert_eq!(all["sockets"][0]["local"]["port"], port(&socket));
    assert_eq!(all["namespaces"][0]["inode"], alone);
}

/// A namespace of `ip netns` that is removed in the end.
struct Removed(String);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

#[test]
fn namespaces_with_tables_of_their_own_are_read() {
    let Some(_namespace) = Namespace::enter() else { return };
    for (setting, value) in [("tcp_child_ehash_entries", "1024"), ("udp_child_hash_entries", "256")] {
        std::fs::write(format!("/proc/sys/net/ipv4/{setting}"), value).unwrap();
    }
    let fill = || {
        let server = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let accepted = server.accept().unwrap();
        let datagrams = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        (server, client, accepted, datagrams)
    };
    let other = Other::with(fill);
    let _own = fill();
    for source in SOURCES {
        assert_same(&other.inside("-ano --sockets-from netlink"), &rows_of(&format!("pid:{}", other.pid()), source), source);
    }
    // Inside such a namespace, the others are those that share the machine's tables.
    let mut command = Command::new("nsenter");
    let own = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
    let program = rnetstat(&format!("-an --count --namespace {own} --sockets-from bpf"));
    command.args(["-t", &other.pid().to_string(), "-n"]).arg(program.get_program()).args(program.get_args());
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap().trim(), "4");
    // The pass of the own namespace alone reads its own tables.
    assert_eq!(other.inside("-ano --sockets-from bpf"), other.inside("-ano --sockets-from netlink"));
}

#[test]
fn namespaces_that_end_meanwhile_are_no_failure() {
    let Some(_namespace) = Namespace::enter() else { return };
    let standing = Other::with(|| listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000))));
    let come_and_go = || drop(Other::with(|| listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 4001)))));
    with_background(come_and_go, || {
        for source in SOURCES {
            for _ in 0..10 {
                let all = json(&mut rnetstat(&format!("-a --json --all-namespaces --sockets-from {source}")));
                let of_standing = |socket: &&Value| socket["namespace"] == standing.inode();
                assert_eq!(all["sockets"].as_array().unwrap().iter().filter(of_standing).count(), 1, "{source}");
            }
        }
    });
}

#[test]
fn without_rights_the_tables_of_every_process_are_shown() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() {
        return;
    }
    let others = [4000, 4001].map(|port| Other::with(move || listener(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))));
    let copy = PublicCopy::make();
    let all = json(&mut copy.as_nobody("-a --json --all-namespaces"));
    for port in [4000, 4001] {
        let is_there = |socket: &&Value| socket["local"]["port"] == port && socket["local"]["address"] == "127.0.0.1";
        assert!(all["sockets"].as_array().unwrap().iter().any(|socket| is_there(&socket)), "{port}");
    }
    drop(others);
}

#[test]
fn the_capabilities_of_bpf_alone_are_enough() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() || !have_or_skip("setpriv", "util-linux") {
        return;
    }
    let other = Other::with(|| listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000))));
    let copy = PublicCopy::make();
    let inode = other.inode();
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=+bpf,+perfmon",
        "--ambient-caps=+bpf,+perfmon",
    ]);
    command.arg(copy.path()).args(["-a", "--json", "--all-namespaces", "--sockets-from", "bpf"]);
    let all = json(&mut command);
    let is_there = |socket: &Value| socket["namespace"] == inode && socket["local"]["port"] == 4000;
    assert!(all["sockets"].as_array().unwrap().iter().any(is_there), "{:#}", all["problems"]);
}

#[test]
fn a_namespace_that_is_not_there_matches_nothing_for_certain() {
    let Some(_namespace) = Namespace::enter() else { return };
    let status = |switches: &str| rnetstat(switches).output().unwrap().status.code();
    until("every namespace of other tests has been read", || status("-an --namespace no-such-name --quiet") == Some(1));
    assert_eq!(status("-an --namespace pid:0 --quiet"), Some(1));
    assert_eq!(status("-e --all-namespaces"), Some(2));
}

/// A process with the name and the command line of Docker's proxy, which holds a listener.
struct Proxy(Child, std::path::PathBuf);

impl Proxy {
    fn start(listener: std::net::TcpListener, container: &str, port: u16) -> Self {
        let folder = std::env::temp_dir().join(format!("rnetstat-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join("docker-proxy");
        std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
        let port = port.to_string();
        let process = Command::new(&program)
            .args(["-c", "echo ready >&2; read line", "docker-proxy", "-container-ip", container, "-container-port", &port])
            .stdin(Stdio::piped())
            .stdout(std::os::fd::OwnedFd::from(listener))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut proxy = Self(process, folder);
        let mut ready = [0; 5];
        std::io::Read::read_exact(&mut proxy.0.stderr.take().unwrap(), &mut ready).unwrap();
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

#[test]
fn a_port_is_explained_in_each_namespace_and_with_what_it_is_published_for() {
    let Some(_namespace) = Namespace::enter() else { return };
    let other = Other::with(|| {
        ip("address add 198.51.100.2/32 dev lo");
        listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)))
    });
    let _proxy = Proxy::start(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 4001)).unwrap(), "198.51.100.2", 80);
    for source in SOURCES {
        let own = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
        let explain = |port: u16| {
            rnetstat(&format!("--explain {port} --json --namespace {own},pid:{} --sockets-from {source}", other.pid()))
        };
        let of = |explanations: &Value, inode: u64| {
            explanations["explanations"].as_array().unwrap().iter().find(|answer| answer["namespace"] == inode).unwrap().clone()
        };
        let there = json(&mut explain(4000));
        assert_eq!((&of(&there, own)["taken"], &of(&there, other.inode())["taken"]), (&false.into(), &true.into()), "{source}");
        let published = &of(&json(&mut explain(4001)), own)["holders"][0]["published_for"];
        let expected = serde_json::json!({"address": "198.51.100.2", "port": 80, "namespace": other.inode()});
        assert_eq!(*published, expected, "{source}");
        assert_eq!(explain(4002).output().unwrap().status.code(), Some(1), "{source}");
    }
    let here = String::from_utf8(rnetstat("--explain 4001").output().unwrap().stdout).unwrap();
    assert!(here.contains("Docker publishes the port for a container, 198.51.100.2 port 80"), "{here}");
    assert_eq!(rnetstat("--explain 4001 --namespace no-such-name").output().unwrap().status.code(), Some(2));
}

#[test]
fn sums_count_each_namespace() {
    let Some(_namespace) = Namespace::enter() else { return };
    let fill = || [4000, 4001].map(|port| listener(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    let (other, _own) = (Other::with(fill), fill());
    let own = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
    for source in SOURCES {
        let switches = format!("--json --namespace {own},pid:{} --sockets-from {source}", other.pid());
        let summary = json(&mut rnetstat(&format!("--summary {switches}")));
        let counts: Vec<_> = summary["summary"]["namespaces"].as_array().unwrap().iter().collect();
        assert_eq!(counts.len(), 2, "{source}");
        for (count, inode) in counts.iter().zip([own, other.inode()]) {
            assert_eq!((&count["namespace"], &count["sockets"]), (&inode.into(), &2.into()), "{source}");
        }
    }
    let consumers = json(&mut rnetstat(&format!("-c --json --namespace {own},pid:{}", other.pid())));
    let counts: Vec<_> = consumers["consumers"].as_array().unwrap().iter().map(|one| (&one["namespace"], &one["tcp"])).collect();
    assert_eq!(counts, [(&own.into(), &2.into()), (&other.inode().into(), &2.into())]);
}

#[test]
fn namespaces_that_hidepid_conceals_are_said_to_be_missing() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() {
        return;
    }
    let _other = Other::with(|| listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000))));
    let copy = PublicCopy::make();
    let read = |switches: &str| {
        let mut command = Command::new(copy.path());
        json(with_hidepid(command.args(switches.split(' '))))
    };
    for switches in ["-a --json --all-namespaces", "-a --json --namespace web*"] {
        let document = read(switches);
        assert_eq!(document["complete"], false, "{switches}");
        let codes: Vec<_> = document["problems"].as_array().unwrap().iter().map(|problem| &problem["code"]).collect();
        assert!(codes.contains(&&"namespaces-hidden".into()), "{switches}: {codes:?}");
    }
    // The own one is known all the same.
    let own = std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
    assert_eq!(read(&format!("-a --json --namespace {own}"))["complete"], true);
}

#[test]
fn a_namespace_with_nothing_but_a_bound_port_is_read() {
    let Some(_namespace) = Namespace::enter() else { return };
    let other = Other::with(|| bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)), socket2::Protocol::TCP));
    for source in ["bpf", "netlink"] {
        let rows = rows(&mut rnetstat(&format!("-anq --namespace pid:{} --sockets-from {source}", other.pid())));
        let found = rows.iter().filter(|row| row.contains("127.0.0.1:4000") && row.contains("BOUND")).count();
        assert_eq!(found, 1, "{source}: {rows:?}");
    }
}
