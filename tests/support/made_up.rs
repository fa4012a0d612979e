//! A made-up moment: the same rows, processes, counters and routes in every run, on every system.

use rnetstat::app::Moment;
use rnetstat::lookup::processes::Processes;
use rnetstat::lookup::services::Services;
use rnetstat::lookup::state_times::TimeInState;
use rnetstat::model::bind::{BindAttempt, BindOutcome};
use rnetstat::model::cgroup::{Cgroup, Container};
use rnetstat::model::details::{Details, KernelName};
use rnetstat::model::interface::{InterfaceTotals, Traffic};
use rnetstat::model::owners::{InodeOwners, OwnerStatus, Owners, Refused};
use rnetstat::model::port_policy::PortPolicy;
use rnetstat::model::process::{Process, User};
use rnetstat::model::rdma::RdmaEndpoint;
use rnetstat::model::route::{Gateway, Interface, Ipv4Route, Ipv6Route, Routing};
use rnetstat::model::snapshot::Snapshot;
use rnetstat::model::socket::{Endpoint, Family, Protocol, Socket, State, Timer};
use rnetstat::model::statistics::Statistics;
use rnetstat::model::system::System;
use rnetstat::moment::lookups::Lookups;
use rnetstat::moment::peers::Peers;
use rnetstat::moment::{Host, Part};
use rnetstat::reports::table_style::TableStyle;
use rnetstat::request::{Request, View};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// 2026-01-02 03:04:05 UTC.
const TIME: u64 = 1_767_323_045;

fn endpoint(text: &str) -> Endpoint {
    let (address, port) = text.rsplit_once(':').unwrap();
    Endpoint::new(address.trim_matches(['[', ']']).parse().unwrap(), port.parse().unwrap())
}

/// A socket, with a peer or without; no process holds `inode` 0.
fn socket(protocol: Protocol, state: Option<State>, local: &str, remote: Option<&str>, inode: u32) -> Socket {
    let mut socket = Socket::new(protocol, endpoint(local));
    socket.state = state;
    socket.remote = remote.map_or(socket.remote, endpoint);
    socket.inode = inode;
    socket.uid = if inode % 2 == 1 { 33 } else { 0 };
    socket.send_queue = if state == Some(State::Listening) { 4096 } else { 0 };
    socket
}

/// Sockets of every protocol and family, of several states and kinds of owner.
pub fn sockets() -> Vec<Socket> {
    let tcp = |state, local, remote, inode| socket(Protocol::Tcp, Some(state), local, remote, inode);
    let udp = |local, remote, inode| socket(Protocol::Udp, None, local, remote, inode);
    let mut sockets = vec![
        tcp(State::Listening, "0.0.0.0:22", None, 10),
        tcp(State::Listening, "127.0.0.1:5432", None, 11),
        tcp(State::Established, "192.0.2.5:22", Some("198.51.100.9:51342"), 12),
        tcp(State::Established, "127.0.0.1:5432", Some("127.0.0.1:35336"), 13),
        tcp(State::Established, "127.0.0.1:35336", Some("127.0.0.1:5432"), 14),
        tcp(State::TimeWait, "192.0.2.5:443", Some("203.0.113.7:40001"), 0),
        tcp(State::CloseWait, "192.0.2.5:8080", Some("203.0.113.8:50000"), 15),
        tcp(State::Bound, "0.0.0.0:9000", None, 16),
        tcp(State::Listening, "[::]:443", None, 17),
        tcp(State::SynSent, "[2001:db8::5]:40002", Some("[2001:db8::9]:443"), 18),
        tcp(State::Listening, "[fe80::1]:8443", None, 99),
        udp("0.0.0.0:68", None, 20),
        udp("127.0.0.1:40003", Some("127.0.0.53:53"), 21),
        udp("[::]:5353", None, 99),
    ];
    for socket in &mut sockets {
        match socket.state {
            Some(State::TimeWait) => (socket.timer, socket.expires_ms) = (Timer::TimeWait, 42_000),
            Some(State::CloseWait) => socket.receive_queue = 17,
            Some(State::SynSent) => (socket.timer, socket.expires_ms) = (Timer::Retransmit, 900),
            _ => {}
        }
        if let IpAddr::V6(address) = socket.local.address {
            socket.interface = if address.is_unicast_link_local() { 2 } else { 0 };
        }
    }
    sockets
}

/// Inodes and the PIDs that hold them. Inodes 12 and 21 are shared; the holder of inode 99 may not be seen.
const OWNERS: [(u32, u32); 13] = [
    (10, 101),
    (11, 102),
    (12, 101),
    (12, 103),
    (13, 102),
    (14, 104),
    (15, 105),
    (16, 104),
    (17, 105),
    (18, 104),
    (20, 106),
    (21, 104),
    (21, 107),
];

/// A process that may not be read.
const HIDDEN: u32 = 100;

fn processes() -> Processes {
    let process = |pid: u32, name: &str, executable: &str, user: (&str, &str)| {
        let mut process = Process::default();
        process.pid = pid;
        process.name = name.into();
        process.executable = Some(executable.into());
        process.command_line = vec![executable.into(), "--config".into(), format!("/etc/{name}.conf").into()];
        process.user = Some(User { id: user.0.to_owned(), name: Some(user.1.to_owned()) });
        process.started = Some(TIME - 3600);
        process.parent = Some(1);
        process
    };
    let (root, www) = (("0", "root"), ("33", "www-data"));
    Processes::from_iter([
        process(101, "sshd", "/usr/sbin/sshd", root),
        process(102, "postgres", "/usr/lib/postgresql/bin/postgres", ("105", "postgres")),
        process(103, "sshd-session", "/usr/lib/openssh/sshd-session", root),
        process(104, "=app, \"x\"", "/opt/app/=app", www),
        process(105, "nginx", "/usr/sbin/nginx", www),
        process(106, "dhclient", "/sbin/dhclient", root),
        process(107, "\u{1b}[2J\u{202e}evil", "/tmp/\u{1b}[2J", ("54321", "\u{1b}[31mevil")),
        process(1, "systemd", "/usr/lib/systemd/systemd", root),
    ])
}

fn lookups(snapshot: &Snapshot) -> Lookups {
    let pids = OWNERS.map(|(_, pid)| pid);
    let unit = |pid| Cgroup { unit: Some(format!("service-{pid}.service")), ..Cgroup::default() };
    let container =
        Cgroup { container: Some(Container { runtime: "docker", id: "0123456789abcdef".repeat(4) }), ..Cgroup::default() };
    Lookups {
        processes: processes(),
        ancestors: pids.map(|pid| (pid, vec![1])).into(),
        cgroups: pids.map(|pid| (pid, if pid == 105 { container.clone() } else { unit(pid) })).into(),
        users: [(0, Some("root".to_owned())), (33, Some("www-data".to_owned()))].into(),
        interfaces: [(2, Some("eth0".to_owned()))].into(),
        hosts: Some([(Ipv4Addr::new(198, 51, 100, 9).into(), "client.example.org".to_owned())].into()),
        services: std::sync::Arc::new(Services::parse("ssh 22/tcp\nhttps 443/tcp\ndomain 53/udp\npostgresql 5432/tcp\n")),
        peers: Some(Peers::of_snapshot(snapshot)),
        times_in_state: snapshot.sockets.iter().map(time_in_state).collect(),
        port_policy: PortPolicy {
            ephemeral: Some(32768..=60999),
            reserved: vec![50_000..=50_009],
            unprivileged_from: Some(1024),
            caller_is_root: false,
            caller_uid: Some(1000),
        },
        ..Lookups::default()
    }
}

fn time_in_state(socket: &Socket) -> Option<TimeInState> {
    (socket.state == Some(State::TimeWait)).then_some(TimeInState::Exactly(Duration::from_secs(18)))
}

fn details(socket: &Socket) -> Details {
    let is_connection = socket.state == Some(State::Established);
    let mut details = Details::default();
    details.traffic_class = (socket.inode != 0).then_some(if is_connection { 0xb8 } else { 0 });
    if is_connection || socket.state == Some(State::Listening) {
        details.congestion = KernelName::new(b"cubic");
    }
    details
}

/// Counters from a recording.
fn statistics() -> Statistics {
    let mut statistics = Statistics::default();
    statistics.take_snmp(include_str!("../fuzz/seeds/snmp/snmp"));
    statistics.take_snmp6(include_str!("../fuzz/seeds/snmp/snmp6"));
    statistics
}

fn interfaces() -> InterfaceTotals {
    let traffic = |bytes| Traffic { bytes, unicast_packets: bytes / 1000, non_unicast_packets: 7, discards: 3, errors: 1 };
    InterfaceTotals { received: traffic(5_000_000_000), sent: traffic(700_000), unknown_protocols: 0, unavailable: Vec::new() }
}

fn routing() -> Routing {
    let interface =
        |index, name: &str, address: &[u8]| Interface { index, hardware_address: address.to_vec(), name: name.to_owned() };
    let own = Ipv4Addr::new(192, 0, 2, 5);
    let route = |destination, prefix_length, gateway, interface_address: Option<Ipv4Addr>| Ipv4Route {
        destination,
        prefix_length,
        metric: 100,
        gateway,
        interface_address,
        interface: if interface_address.is_some() { 2 } else { 0 },
    };
    let route6 = |destination: &str, prefix_length, gateway| Ipv6Route {
        destination: destination.parse().unwrap(),
        prefix_length,
        metric: 256,
        gateway,
        interface: 2,
    };
    Routing {
        interfaces: vec![interface(2, "eth0", &[2, 0, 0, 0, 171, 12]), interface(1, "lo", &[]), interface(3, "\u{1b}[2J", &[])],
        ipv4: vec![
            route(Ipv4Addr::UNSPECIFIED, 0, Gateway::Address(Ipv4Addr::new(192, 0, 2, 1).into()), Some(own)),
            route(Ipv4Addr::new(10, 66, 0, 0), 16, Gateway::Blackhole, None),
            route(Ipv4Addr::new(192, 0, 2, 0), 24, Gateway::OnLink, Some(own)),
        ],
        ipv6: vec![
            route6("::", 0, Gateway::Address("fe80::1".parse().unwrap())),
            route6("2001:db8:1111:2222:3333:4444:5555:0", 112, Gateway::Address("fe80::9".parse().unwrap())),
            route6("fe80::", 64, Gateway::OnLink),
        ],
        persistent_ipv4: Vec::new(),
    }
}

fn rdma() -> Vec<RdmaEndpoint> {
    let connection = |pid, local, remote: Option<&str>| RdmaEndpoint {
        pid,
        interface: 2,
        is_listener: remote.is_none(),
        local: endpoint(local),
        remote: remote.map_or(Endpoint::unspecified(Family::V4), endpoint),
    };
    vec![connection(Some(104), "192.0.2.5:4791", None), connection(None, "192.0.2.5:50001", Some("192.0.2.6:4791"))]
}

/// The moment that a request gets of these sockets; without sockets the lists of routes and RDMA are empty too.
pub fn moment_of(request: &Request, sockets: Vec<Socket>) -> Moment {
    let is_empty = sockets.is_empty();
    let entries = OWNERS.iter().map(|&(inode, pid)| InodeOwners::entry(inode, pid)).collect();
    let owners = Owners::ByInode(InodeOwners::new(entries, OwnerStatus::Denied));
    let details = sockets.iter().map(details).collect();
    let refused = Refused::Processes(vec![HIDDEN]);
    let mut snapshot = Snapshot::default();
    snapshot.sockets = sockets;
    snapshot.owners = owners;
    snapshot.details = details;
    snapshot.refused = refused;
    let lookups = lookups(&snapshot);
    let host = Host {
        name: Some("host.example.org".to_owned()),
        system: System::Linux,
        os_name: Some("Example Linux".to_owned()),
        os_version: Some("1.0".to_owned()),
        kernel: Some("6.18.0".to_owned()),
    };
    let mut moment = Moment { time: TIME, ..Moment::of_snapshot(snapshot, lookups, host, request) };
    moment.bind_attempts = bind_attempts(request);
    let shows = |view| request.views.contains(&view);
    let shows_statistics = request.views.iter().any(|view| matches!(view, View::Statistics(_)));
    moment.statistics = shows_statistics.then(|| part(Box::new(statistics())));
    moment.interfaces = shows(View::Interfaces).then(|| part(interfaces()));
    moment.routing = shows(View::Routes).then(|| part(if is_empty { Routing::default() } else { routing() }));
    moment.rdma = shows(View::Rdma).then(|| part(if is_empty { Vec::new() } else { rdma() }));
    moment
}

/// Port 22 of UDP is taken by a socket that is not listed; everything else can be bound.
fn bind_attempts(request: &Request) -> Vec<BindAttempt> {
    let questions = request.ports.iter().filter(|_| request.try_bind);
    let tries = questions.flat_map(|question| question.protocols().map(|protocol| (protocol, question.port)));
    let attempt = |(protocol, port)| {
        let is_taken = (protocol, port) == (Protocol::Udp, 22);
        let outcome = if is_taken { BindOutcome::InUse } else { BindOutcome::Bound };
        let v4 = BindAttempt { protocol, address: Ipv4Addr::UNSPECIFIED.into(), port, outcome };
        [v4.clone(), BindAttempt { address: Ipv6Addr::UNSPECIFIED.into(), outcome: BindOutcome::Bound, ..v4 }]
    };
    tries.flat_map(attempt).collect()
}

fn part<T>(value: T) -> Part<T> {
    Part { value, is_unreadable: false }
}

/// What a request prints of a moment, without a terminal.
pub fn print(request: &Request, moment: &Moment) -> String {
    let mut out = Vec::new();
    let style = TableStyle { width: None, color: false, no_header: request.output.no_header };
    rnetstat::reports::write(&mut out, moment, request, style).unwrap();
    String::from_utf8(out).unwrap()
}
