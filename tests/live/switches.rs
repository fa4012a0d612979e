//! The columns and views that the switches besides `-a -n -o` add, compared with `ss` and with `/proc`.

use crate::support::fixtures::{AddressCase, bound, listener, local, new_socket};
use crate::support::namespace::{Namespace, ip};
use crate::support::program::rnetstat;
use crate::support::skip::{have_or_skip, skipped};
use crate::support::ss;
use crate::support::wait::until;
use socket2::{Domain, Protocol, SockAddr, Socket};
use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// What it prints; it has to succeed and to leave stderr empty.
fn print(switches: &str) -> String {
    let output = rnetstat(switches).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

/// The fields of each row, by protocol, local and foreign address.
fn fields(table: &str) -> HashMap<[String; 3], Vec<String>> {
    let rows = table.lines().filter(|line| line.starts_with("  TCP") || line.starts_with("  UDP"));
    rows.map(|line| {
        let mut fields = line.split_whitespace().map(str::to_owned);
        let key = std::array::from_fn(|_| fields.next().unwrap());
        (key, fields.collect())
    })
    .collect()
}

/// A server, a client and the accepted end of their connection.
fn connect(case: AddressCase, prepare: impl Fn(&Socket)) -> [Socket; 3] {
    let server = listener(case.listen);
    let mut target = case.connect;
    target.set_port(local(&server).port());
    let client = new_socket(target, Protocol::TCP);
    prepare(&client);
    client.connect(&SockAddr::from(target)).unwrap();
    let (accepted, _) = server.accept().unwrap();
    [server, client, accepted]
}

fn set_traffic_class(socket: &Socket, class: u8) {
    if socket.domain().unwrap() == Domain::IPV6 {
        socket.set_tclass_v6(class.into()).unwrap();
    }
    // On an IPv6 socket this is the type of service of its IPv4 traffic.
    socket.set_tos_v4(class.into()).unwrap();
}

#[test]
fn dscp_and_congestion_control_equal_ss() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("ss", "iproute2") {
        return;
    }
    let classes = [0x00, 0x28, 0xb8, 0x88];
    let connections: Vec<_> = AddressCase::all()
        .into_iter()
        .zip(classes)
        .map(|(case, class)| {
            connect(case, |client| {
                set_traffic_class(client, class);
                client.set_tcp_congestion(b"reno").unwrap();
            })
        })
        .collect();
    let marked = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Protocol::UDP);
    set_traffic_class(&marked, 0x48);

    let ours = fields(&print("-andy"));
    let output = Command::new("ss").args(["-H", "-tuanieO", "--tos"]).output().unwrap();
    let algorithms = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap();
    let mut compared = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let row = ss::row(line);
        let class_of = |name| line.split_whitespace().find_map(|word| word.strip_prefix(name));
        let name = if row.local.starts_with('[') { "tclass:" } else { "tos:" };
        let class = class_of(name).map(|class| u8::from_str_radix(class.trim_start_matches("0x"), 16).unwrap());
        let dscp = class.map_or("-".to_owned(), |class| (class >> 2).to_string());
        let is_algorithm = |word: &&str| algorithms.split_whitespace().any(|known| known == *word);
        let congestion = line.split_whitespace().find(is_algorithm).unwrap_or("-");
        let found = &ours[&[row.protocol.clone(), row.local, row.remote]];
        assert_eq!(found[found.len() - 2..], [dscp, congestion.to_owned()], "{line}");
        compared += 1;
    }
    assert_eq!((compared, ours.len()), (connections.len() * 3 + 1, connections.len() * 3 + 1));
    let all: Vec<&String> = ours.values().map(|fields| &fields[fields.len() - 2]).collect();
    for class in classes.into_iter().chain([0x48]) {
        assert!(all.contains(&&(class >> 2).to_string()), "{class}");
    }
    assert!(ours.values().filter(|fields| fields.last().unwrap() == "reno").count() >= connections.len());
}

#[test]
fn time_in_time_wait_is_a_minute_minus_the_timer_of_ss() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("ss", "iproute2") {
        return;
    }
    let [_server, client, accepted] = connect(AddressCase::all()[0], |_| {});
    drop(client);
    drop(accepted);
    let time_wait = || fields(&print("-ni")).into_iter().find(|(_, fields)| fields[0] == "TIME_WAIT");
    until("a connection is in TIME_WAIT", || time_wait().is_some());
    // At least a second, so that the two times are not both 0.
    until("a second has passed", || time_wait().is_some_and(|(_, fields)| !fields[1].starts_with('0')));
    let (_, fields) = time_wait().unwrap();
    let ours: f64 = fields[1].strip_suffix("s+").unwrap().parse().unwrap();
    let output = Command::new("ss").args(["-H", "-tano", "state", "time-wait"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let left = text.split("timer:(timewait,").nth(1).unwrap().split("sec").next().unwrap();
    let theirs = 60.0 - left.parse::<f64>().unwrap();
    assert!((ours - theirs).abs() <= 3.0, "{ours} and {theirs}");
    // An unknown time is `-`, not 0.
    let listening = self::fields(&print("-ani")).into_iter().find(|(_, fields)| fields[0] == "LISTENING").unwrap();
    assert_eq!(listening.1[1], "-");
}

/// A program with another name that shares a socket with this test.
fn share(socket: &Socket) -> Child {
    socket.set_cloexec(false).unwrap();
    let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    socket.set_cloexec(true).unwrap();
    let exe = format!("/proc/{}/exe", child.id());
    until("the program runs", || fs::read_link(&exe).is_ok_and(|exe| exe != std::env::current_exe().unwrap()));
    child
}

fn base_name(pid: u32) -> String {
    fs::read_link(format!("/proc/{pid}/exe")).unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

/// A control group with the name of a unit.
struct Unit(PathBuf);

impl Unit {
    const NAME: &str = "rnetstat-live.service";

    /// Moves a process into a new group in the hierarchy of systemd.
    fn with(pid: u32, name: &str) -> Option<Self> {
        for folder in ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"] {
            let path = PathBuf::from(folder).join(name);
            if fs::create_dir(&path).is_ok() {
                let unit = Self(path);
                if fs::write(unit.0.join("cgroup.procs"), pid.to_string()).is_ok() {
                    return Some(unit);
                }
            }
        }
        None
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn executable_lines_name_every_owner_and_its_unit() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)));
    let mut child = share(&server);
    let unit = Unit::with(child.id(), Unit::NAME);
    let table = print("-anb");
    let own = std::process::id();
    let of = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        let unit = rnetstat::platform::linux::procfs::cgroup::parse(&text).unit;
        unit.map(|unit| format!("  {unit}")).into_iter().chain([format!(" [{}]", base_name(pid))])
    };
    let mut pids = [own, child.id()];
    pids.sort_unstable();
    let expected: Vec<String> = pids.into_iter().flat_map(of).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let under: Vec<&str> = table.lines().skip(4).skip_while(|line| !line.contains("LISTENING")).skip(1).collect();
    assert_eq!(under, expected, "{table}");
    match unit {
        Some(_) => assert!(under.contains(&"  rnetstat-live.service"), "{table}"),
        None => skipped::<()>("no control group can be made, so that there is no unit").unwrap_or_default(),
    }
}

#[test]
fn explain_names_the_container_of_a_holder() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let mut child = share(&server);
    let port = local(&server).port();
    drop(server);
    let id = format!("{:064x}", child.id());
    let container = Unit::with(child.id(), &format!("docker-{id}.scope"));
    let text = container.as_ref().map(|_| print(&format!("--explain {port}")));
    let json = container.as_ref().map(|_| print(&format!("--explain {port} --json")));
    child.kill().unwrap();
    child.wait().unwrap();
    let (Some(text), Some(json)) = (text, json) else {
        return skipped("no control group can be made, so that there is no container").unwrap_or_default();
    };
    assert!(text.contains(&format!("container  docker {}\n", &id[..12])), "{text}");
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    let holder = &document["explanations"][0]["holders"][0];
    assert_eq!(holder["container"], serde_json::json!({ "runtime": "docker", "id": id }));
    assert_eq!(holder["unit"], format!("docker-{id}.scope"));
}

#[test]
fn consumers_count_ports_by_process() {
    let Some(_namespace) = Namespace::enter() else { return };
    ip("addr add 127.0.0.2/8 dev lo");
    let [server, _client, _accepted] = connect(AddressCase::all()[0], |_| {});
    let mut again = local(&server);
    again.set_ip(Ipv4Addr::new(127, 0, 0, 2).into());
    let _same_port = listener(again);
    let _udp = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Protocol::UDP);
    let own = std::process::id();
    let name = fs::read_to_string(format!("/proc/{own}/comm")).unwrap();
    let name = name.trim_end();
    // Two TCP ports: the server's, which the second listener and the accepted end share, and the client's.
    let view = print("-c");
    let row = view.lines().find(|line| line.split_whitespace().next() == Some(&own.to_string())).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), [&own.to_string(), "2", "1", "3", name], "{view}");
    let table = print("-tulpn");
    let rows = fields(&table);
    assert_eq!(rows.len(), 3, "{table}");
    for fields in rows.values() {
        assert_eq!(fields[fields.len() - 2..], [own.to_string(), name.to_owned()], "{table}");
    }
}

#[test]
fn rdma_without_devices_prints_title_and_heading() {
    let Some(_namespace) = Namespace::enter() else { return };
    if fs::read_dir("/sys/class/infiniband").is_ok_and(|devices| devices.count() > 0) {
        return skipped::<()>("this machine has RDMA devices").unwrap_or_default();
    }
    let lines = print("-x");
    assert_eq!(lines.lines().filter(|line| !line.is_empty()).count(), 2, "{lines}");
}
