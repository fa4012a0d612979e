//! A made-up web server, as the pictures of the README show it: a proxy, an application, a database, and their users.

use rnetstat::app::Moment;
use rnetstat::lookup::processes::Processes;
use rnetstat::lookup::services::Services;
use rnetstat::model::cgroup::{Cgroup, Container};
use rnetstat::model::owners::{InodeOwners, OwnerStatus, Owners};
use rnetstat::model::port_policy::PortPolicy;
use rnetstat::model::process::{Process, User};
use rnetstat::model::snapshot::Snapshot;
use rnetstat::model::socket::{Endpoint, Protocol, Socket, State, Timer};
use rnetstat::model::system::System;
use rnetstat::moment::Host;
use rnetstat::moment::lookups::Lookups;
use rnetstat::moment::peers::Peers;
use rnetstat::request::Request;

/// 2026-01-02 03:04:05 UTC.
const TIME: u64 = 1_767_323_045;

/// Protocol, state, local end, peer, and the PIDs that hold the socket.
type Row = (Protocol, Option<State>, &'static str, Option<&'static str>, &'static [u32]);

const ROWS: [Row; 16] = {
    use Protocol::{Tcp, Udp};
    use State::{CloseWait, Established, Listening, TimeWait};
    [
        (Tcp, Some(Listening), "0.0.0.0:22", None, &[812]),
        (Tcp, Some(Listening), "0.0.0.0:80", None, &[1260, 1261, 1262]),
        (Tcp, Some(Listening), "0.0.0.0:443", None, &[1260, 1261, 1262]),
        (Tcp, Some(Listening), "127.0.0.1:5432", None, &[990]),
        (Tcp, Some(Listening), "127.0.0.1:6379", None, &[1455]),
        (Tcp, Some(Listening), "127.0.0.1:8000", None, &[1503]),
        (Tcp, Some(Listening), "[::]:443", None, &[1260, 1261, 1262]),
        (Udp, None, "127.0.0.53:53", None, &[644]),
        (Udp, None, "192.0.2.5:68", None, &[702]),
        (Tcp, Some(Established), "192.0.2.5:22", Some("198.51.100.9:51342"), &[2210]),
        (Tcp, Some(Established), "192.0.2.5:443", Some("203.0.113.77:40122"), &[1261]),
        (Tcp, Some(Established), "[2001:db8::5]:443", Some("[2001:db8:90:1f::77c1]:51930"), &[1262]),
        (Tcp, Some(TimeWait), "192.0.2.5:443", Some("203.0.113.77:40118"), &[]),
        (Tcp, Some(Established), "127.0.0.1:41022", Some("127.0.0.1:5432"), &[1503]),
        (Tcp, Some(Established), "127.0.0.1:5432", Some("127.0.0.1:41022"), &[1571]),
        (Tcp, Some(CloseWait), "192.0.2.5:50114", Some("203.0.113.20:443"), &[1503]),
    ]
};

/// PID, name, executable, arguments, user id and name, seconds since the start, and the ancestors.
type Program = (u32, &'static str, &'static str, &'static str, (u32, &'static str), u64, &'static [u32]);

const PROGRAMS: [Program; 13] = [
    (1, "systemd", "/usr/lib/systemd/systemd", "/sbin/init", (0, "root"), 907_200, &[]),
    (644, "systemd-resolve", "/usr/lib/systemd/systemd-resolved", "", (101, "systemd-resolve"), 907_190, &[1]),
    (702, "dhclient", "/usr/sbin/dhclient", "dhclient eth0", (0, "root"), 907_190, &[1]),
    (812, "sshd", "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D", (0, "root"), 907_180, &[1]),
    (990, "postgres", "/usr/lib/postgresql/17/bin/postgres", "postgres -D /var/lib/postgresql", (105, "postgres"), 907_000, &[1]),
    (1260, "nginx", "/usr/sbin/nginx", "nginx: master process /usr/sbin/nginx -g daemon off;", (0, "root"), 1620, &[1]),
    (1261, "nginx", "/usr/sbin/nginx", "nginx: worker process", (33, "www-data"), 1620, &[1260, 1]),
    (1262, "nginx", "/usr/sbin/nginx", "nginx: worker process", (33, "www-data"), 1620, &[1260, 1]),
    (1400, "containerd-shim", "/usr/bin/containerd-shim-runc-v2", "", (0, "root"), 86_400, &[1]),
    (1455, "redis-server", "/usr/local/bin/redis-server", "redis-server *:6379", (999, "redis"), 86_400, &[1400, 1]),
    (1503, "gunicorn", "/usr/bin/python3.13", "gunicorn shop.wsgi", (33, "www-data"), 5400, &[1]),
    (1571, "postgres", "/usr/lib/postgresql/17/bin/postgres", "postgres: shop", (105, "postgres"), 5390, &[990, 1]),
    (2210, "sshd", "/usr/sbin/sshd", "sshd: alice", (0, "root"), 300, &[812, 1]),
];

/// The services that run a process as a unit of the same name.
const UNITS: [(u32, &str); 7] = [
    (644, "systemd-resolved.service"),
    (702, "networking.service"),
    (812, "ssh.service"),
    (990, "postgresql.service"),
    (1260, "nginx.service"),
    (1261, "nginx.service"),
    (1503, "shop.service"),
];

const SERVICES: &str =
    "ssh 22/tcp\nhttp 80/tcp\nhttps 443/tcp\nhttps 443/udp\ndomain 53/udp\nbootpc 68/udp\npostgresql 5432/tcp\nredis 6379/tcp\n";

fn endpoint(text: &str) -> Endpoint {
    let (address, port) = text.rsplit_once(':').unwrap();
    Endpoint::new(address.trim_matches(['[', ']']).parse().unwrap(), port.parse().unwrap())
}

fn socket(inode: u32, &(protocol, state, local, remote, pids): &Row) -> Socket {
    let mut socket = Socket::new(protocol, endpoint(local));
    socket.state = state;
    socket.remote = remote.map_or(socket.remote, endpoint);
    let owner = pids.first();
    socket.inode = if owner.is_some() { inode } else { 0 };
    socket.uid = PROGRAMS.iter().find(|program| Some(&program.0) == owner).map_or(0, |program| program.4.0);
    socket.send_queue = if state == Some(State::Listening) { 511 } else { 0 };
    if state == Some(State::TimeWait) {
        (socket.timer, socket.expires_ms) = (Timer::TimeWait, 41_000);
    }
    socket
}

fn process(&(pid, name, executable, arguments, (uid, user), age, ancestors): &Program) -> Process {
    let mut process = Process::default();
    process.pid = pid;
    process.name = name.into();
    process.executable = Some(executable.into());
    process.command_line = arguments.split(' ').map(Into::into).collect();
    process.user = Some(User { id: uid.to_string(), name: Some(user.to_owned()) });
    process.started = Some(TIME - age);
    process.parent = ancestors.first().copied();
    process
}

/// The moment that a request gets of this host, asked by root.
pub fn moment_of(request: &Request) -> Moment {
    let inodes = || (100u32..).zip(&ROWS);
    let entries = inodes().flat_map(|(inode, row)| row.4.iter().map(move |&pid| InodeOwners::entry(inode, pid)));
    let mut snapshot = Snapshot::default();
    snapshot.owners = Owners::ByInode(InodeOwners::new(entries.collect(), OwnerStatus::None));
    snapshot.sockets = inodes().map(|(inode, row)| socket(inode, row)).collect();
    snapshot.bound_ports_listed = true;
    let container = Container { runtime: "docker", id: "c3f1a09b72de".repeat(6) };
    let unit = |&(pid, unit): &(u32, &str)| (pid, Cgroup { unit: Some(unit.to_owned()), ..Cgroup::default() });
    let redis = (1455, Cgroup { container: Some(container), ..Cgroup::default() });
    let lookups = Lookups {
        processes: PROGRAMS.iter().map(process).collect::<Processes>(),
        ancestors: PROGRAMS.iter().map(|program| (program.0, program.6.to_vec())).collect(),
        cgroups: UNITS.iter().map(unit).chain([redis]).collect(),
        users: PROGRAMS.iter().map(|program| (program.4.0, Some(program.4.1.to_owned()))).collect(),
        services: std::sync::Arc::new(Services::parse(SERVICES)),
        peers: Some(Peers::of_snapshot(&snapshot)),
        port_policy: PortPolicy {
            ephemeral: Some(32768..=60999),
            unprivileged_from: Some(1024),
            caller_is_root: true,
            caller_uid: Some(0),
            ..PortPolicy::default()
        },
        ..Lookups::default()
    };
    let host = Host { name: Some("web1".to_owned()), system: System::Linux, ..Host::default() };
    Moment { time: TIME, ..Moment::of_snapshot(snapshot, lookups, host, request) }
}
