//! One function for each parser of outside data, which may be called with any bytes.
//!
//! The fuzzer calls them with inputs of its own (`tests/fuzz/README.md`), `tests/fuzz_seeds.rs` with the seeds: recordings, and what the
//! fuzzer once found.

use rnetstat::cli;
use rnetstat::filter::conditions::Condition;
use rnetstat::filter::{addresses, ports, states};
use rnetstat::lookup::services::Services;
use rnetstat::model::closed::LastFigures;
use rnetstat::model::socket::{Protocol, Table};
use rnetstat::model::statistics::Statistics;
use rnetstat::model::tcp_info::{TcpField, TcpInfoTable};
use rnetstat::platform::linux::bpf::task_layout::TaskFileLayout;
use rnetstat::platform::linux::netlink::{message, rdma, route as route_messages};
use rnetstat::platform::linux::owners::fd_link;
use rnetstat::platform::linux::procfs::{self, cgroup, pid};
use rnetstat::platform::linux::route_tables;
use rnetstat::platform::linux::sockets::{destroyed, sock_diag};
use rnetstat::platform::macos::{interface_data, route_messages as macos_messages, socket_fdinfo};
use rnetstat::platform::windows::tables::{self, Class};
use std::ffi::OsString;

/// A function that may be called with any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its binary and of its folder of seeds.
pub const ALL: &[(&str, Target)] = &[
    ("netlink_messages", netlink_messages),
    ("proc_net", proc_net),
    ("fd_link", fd_link),
    ("services", services),
    ("escape", escape),
    ("snmp", snmp),
    ("rtnetlink", rtnetlink),
    ("btf", btf),
    ("windows_tables", windows_tables),
    ("filter_values", filter_values),
    ("command_line", command_line),
    ("cgroup", cgroup),
    ("proc_pid", proc_pid),
    ("rdma", rdma),
    ("macos_sockets", macos_sockets),
    ("macos_routes", macos_routes),
];

/// The datagrams of `sock_diag`: framing, rows, attributes, connections that are closed.
pub fn netlink_messages(bytes: &[u8]) {
    for closed in destroyed::connections(bytes, 7) {
        assert!(!closed.socket.remote.address.is_unspecified() && closed.time_ms == 7);
        assert!(closed.socket.remote.port != 0 || closed.last == LastFigures::default());
    }
    for message in message::Messages::new(bytes).flatten() {
        if let message::Body::Payload(_, payload) = message.body {
            let tcp = sock_diag::parse(payload, Protocol::Tcp);
            let udp = sock_diag::parse(payload, Protocol::Udp);
            assert_eq!(tcp.map(|row| row.local), udp.map(|row| row.local));
            assert!(message::attributes(payload).count() <= payload.len());
            let details = sock_diag::details(payload);
            assert!(details.dscp().is_none_or(|dscp| dscp < 64));
            assert!(details.congestion.is_none_or(|control| !control.name().is_empty()));
            if let Some(row) = tcp {
                let mut table = TcpInfoTable::new(TcpField::ALL.iter().copied().collect());
                sock_diag::internals(payload, &row, &mut table.push());
                let is_connection = row.is_connection();
                assert!(is_connection || table.get(0, TcpField::Rtt).is_none());
                assert!(table.get(0, TcpField::Ecn).is_none_or(|ecn| ecn < 3));
            }
        }
    }
}

/// `/proc/PID/stat`, `status` and `cmdline`, each read as any of them.
pub fn proc_pid(bytes: &[u8]) {
    if let Some(stat) = pid::Stat::parse(bytes) {
        assert!(bytes.windows(stat.name.len() + 2).any(|part| part == [b"(", stat.name, b")"].concat()));
    }
    let _ = pid::real_uid(bytes);
    let length: usize = pid::arguments(bytes).map(|argument| argument.len() + 1).sum();
    assert!((bytes.len()..=bytes.len() + 1).contains(&length));
}

/// `/proc/PID/cgroup`.
pub fn cgroup(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let membership = cgroup::parse(&text);
    assert!(membership.unit.is_none_or(|unit| text.contains(&unit) && !unit.contains('/')));
    assert!(membership.container.is_none_or(|container| text.contains(&container.id) && !container.id.is_empty()));
}

/// The datagrams of `NETLINK_RDMA`.
pub fn rdma(bytes: &[u8]) {
    for message in message::Messages::new(bytes).flatten() {
        if let message::Body::Payload(_, payload) = message.body {
            let _ = (rdma::device(payload), rdma::port(payload));
            assert!(rdma::connections(payload).count() <= payload.len());
        }
    }
}

/// The lines of `/proc/net/{tcp,tcp6,udp,udp6}`.
pub fn proc_net(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        for table in Table::ALL {
            if let Some(row) = procfs::net::parse(line, table) {
                assert_eq!(row.protocol, table.protocol());
                assert_eq!(row.state.is_some(), row.protocol == Protocol::Tcp);
            }
        }
    }
}

/// The links under `/proc/PID/fd`.
pub fn fd_link(bytes: &[u8]) {
    if let Some(inode) = fd_link::socket_inode(bytes) {
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(text.trim_start_matches("socket:[").trim_end_matches(']').parse(), Ok(inode));
    }
}

/// The services file.
pub fn services(bytes: &[u8]) {
    let services = Services::parse(&String::from_utf8_lossy(bytes));
    for port in [0, 1, 22, 80, u16::MAX] {
        if let Some(name) = services.name(port, Protocol::Tcp) {
            assert!(services.ports(name).contains(&port));
        }
    }
}

/// The escaping of outside text.
pub fn escape(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let safe = rnetstat::output::escape::escape(&text);
    assert!(!safe.chars().any(char::is_control));
    assert_eq!(rnetstat::output::escape::escape(&safe), safe, "escaping twice changes nothing");
}

/// `/proc/net/snmp` and `/proc/net/snmp6`, each read as either.
pub fn snmp(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut statistics = Statistics::default();
    statistics.take_snmp(&text);
    statistics.take_snmp6(&text);
    assert!(statistics.unavailable.len() >= 2, "Linux counts no routing discards");
}

/// The links, addresses and routes of `rtnetlink`, and the routing table that is made of them.
pub fn rtnetlink(bytes: &[u8]) {
    let (mut links, mut addresses, mut routes, mut objects) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for message in message::Messages::new(bytes).flatten() {
        if let message::Body::Payload(_, payload) = message.body {
            links.extend(route_messages::Link::parse(payload));
            addresses.extend(route_messages::Ipv4Address::parse(payload));
            routes.extend(route_messages::Route::parse(payload));
            objects.extend(route_messages::NextHop::parse(payload));
        }
    }
    route_messages::totals(&links);
    route_tables::resolve(&mut routes, &objects);
    let hops: usize = routes.iter().map(|route| route.hops.len()).sum();
    let routing = route_tables::routing(links, &addresses, &routes);
    assert!(routing.ipv4.len() + routing.ipv6.len() <= hops);
}

/// The kernel's description of its own types.
pub fn btf(bytes: &[u8]) {
    let _ = TaskFileLayout::find(bytes);
}

/// The socket tables of Windows, in every layout.
pub fn windows_tables(bytes: &[u8]) {
    for table in Table::ALL {
        for class in [Class::OwnerPid, Class::OwnerModule, Class::Offload] {
            let mut rows = 0;
            let outcome = tables::parse(bytes, table, class, |row| {
                assert_eq!(row.socket.protocol, table.protocol());
                rows += 1;
            });
            assert!(rows <= bytes.len() / 8, "more rows than bytes for them");
            assert!(outcome.is_ok() || rows == 0 || bytes.len() >= 4);
        }
    }
}

/// The values of `--port`, `--local` and `--state`.
pub fn filter_values(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    if let Ok(ranges) = ports::parse(&value, |_| vec![80]) {
        assert!(ranges.iter().all(|range| range.start() <= range.end()));
    }
    let _ = addresses::parse(&value, |_| Some(1));
    let _ = states::parse(&value);
    let _ = value.parse::<Condition>();
}

/// A command line, one word a line. An error has a sentence and a hint without control characters.
pub fn command_line(bytes: &[u8]) {
    let words = bytes.split(|&byte| byte == b'\n').map(|word| OsString::from(String::from_utf8_lossy(word).into_owned()));
    if let Err(error) = cli::parse(words) {
        let message = error.to_string();
        assert!(message.chars().all(|character| character == '\n' || !character.is_control()), "{message:?}");
        assert!(!error.sentence.is_empty() && !error.hint.is_empty());
    }
}

/// Descriptors, sockets and interfaces as macOS describes them.
pub fn macos_sockets(bytes: &[u8]) {
    assert!(socket_fdinfo::socket_descriptors(bytes).count() <= bytes.len() / 8);
    assert_eq!(socket_fdinfo::parse(bytes).is_err(), bytes.len() < socket_fdinfo::LENGTH);
    if let Ok(Some(entry)) = socket_fdinfo::parse(bytes) {
        assert!(entry.socket.local.port != 0);
        assert_eq!(entry.socket.state.is_some(), entry.socket.protocol == Protocol::Tcp);
        assert!(entry.socket.local.address.is_ipv4() || !entry.socket.remote.address.is_ipv4() || entry.socket.peer().is_some());
    }
    assert_eq!(interface_data::parse(bytes).is_some(), bytes.len() >= interface_data::LENGTH);
}

/// A dump of macOS' routing table.
pub fn macos_routes(bytes: &[u8]) {
    let mut count = 0;
    let _ = macos_messages::parse(bytes, |route| {
        count += 1;
        assert!(route.prefix_length <= if route.destination.is_ipv4() { 32 } else { 128 });
    });
    assert!(count * macos_messages::HEADER <= bytes.len());
}
