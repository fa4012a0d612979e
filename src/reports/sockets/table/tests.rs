//! The table's text, from made-up rows.

use super::*;
use crate::lookup::services::Services;
use crate::lookup::state_times::TimeInState;
use crate::model::cgroup::{Cgroup, Container};
use crate::model::details::{Details, KernelName};
use crate::model::namespace::{Namespace, NamespaceContainer};
use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State};
use crate::model::system::System;
use crate::moment::lookups::Lookups;
use crate::reports::tests::request;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

fn print(sockets: Vec<Socket>, pids: Vec<Option<u32>>, line: &str) -> String {
    print_with(sockets, pids, line, None, Lookups::default())
}

fn print_with(sockets: Vec<Socket>, pids: Vec<Option<u32>>, line: &str, own_name: Option<&str>, mut lookups: Lookups) -> String {
    let named = |pid, name: &str| Process { pid, name: name.into(), ..Process::default() };
    lookups.processes.extend([named(900, "nginx: \u{1b}[2J"), named(4_194_304, "웹서버")]);
    let rows: Vec<u32> = (0..sockets.len() as u32).collect();
    let congestion = KernelName::new(b"cubic");
    let details = vec![Details { traffic_class: Some(0xb8), congestion, ..Details::default() }, Details::default()];
    let snapshot = Snapshot { sockets, owners: Owners::ByRow(pids.into_iter().collect()), details, ..Snapshot::default() };
    let request = request(line);
    let mut out = Vec::new();
    let layout = Layout::of(&request, own_name);
    write(&mut out, Rows::of_parts(&snapshot, &lookups, System::Linux, &rows), &layout, false).unwrap();
    String::from_utf8(out).unwrap()
}

fn udp(address: &str, port: u16) -> Socket {
    Socket { protocol: Protocol::Udp, state: None, ..socket(address, port) }
}

fn connection(local: &str, remote: &str) -> Socket {
    let remote = Endpoint::new(remote.parse().unwrap(), 443);
    Socket { remote, state: Some(State::Established), ..socket(local, 50000) }
}

#[test]
fn the_table_with_owners() {
    let mut scoped = udp("fe80::1", 546);
    scoped.interface = 12;
    let sockets = vec![
        socket("0.0.0.0", 135),
        connection("192.168.100.100", "203.0.113.254"),
        Socket { state: Some(State::TimeWait), ..connection("127.0.0.1", "127.0.0.1") },
        connection("2001:db8:1234:5678::9abc", "2001:db8::1"),
        socket("::", 135),
        udp("0.0.0.0", 5353),
        scoped,
    ];
    let pids = vec![Some(900), Some(4711), Some(0), None, Some(900), Some(1234), Some(77)];
    assert_eq!(
        print(sockets, pids, "-no"),
        "\nActive Connections\n\n\
         \x20 Proto  Local Address          Foreign Address        State           PID\n\
         \x20 TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       900\n\
         \x20 TCP    192.168.100.100:50000  203.0.113.254:443      ESTABLISHED     4711\n\
         \x20 TCP    127.0.0.1:50000        127.0.0.1:443          TIME_WAIT       0\n\
         \x20 TCP    [2001:db8:1234:5678::9abc]:50000  [2001:db8::1]:443      ESTABLISHED     -\n\
         \x20 TCP    [::]:135               [::]:0                 LISTENING       900\n\
         \x20 UDP    0.0.0.0:5353           *:*                                    1234\n\
         \x20 UDP    [fe80::1%12]:546       *:*                                    77\n"
    );
}

#[test]
fn the_program_stands_behind_the_pid_and_the_rest_stays_in_its_place() {
    let sockets = vec![socket("0.0.0.0", 80), socket("127.0.0.1", 81), udp("::", 53), udp("::", 54)];
    assert_eq!(
        print(sockets, vec![Some(900), Some(0), Some(4_194_304), None], "-no --programs"),
        "\nActive Connections\n\n\
         \x20 Proto  Local Address          Foreign Address        State           PID      Program\n\
         \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       900      nginx: \\u{1b}[2J\n\
         \x20 TCP    127.0.0.1:81           0.0.0.0:0              LISTENING       0        -\n\
         \x20 UDP    [::]:53                *:*                                    4194304  웹서버\n\
         \x20 UDP    [::]:54                *:*                                    -        -\n"
    );
}

fn two_rows() -> Vec<Socket> {
    vec![socket("0.0.0.0", 80), udp("::", 53)]
}

fn print_two(line: &str) -> String {
    let text = print(two_rows(), vec![Some(900), Some(7)], line);
    text.strip_prefix("\nActive Connections\n\n").unwrap().to_owned()
}

#[test]
fn the_offload_state_has_an_empty_line_under_its_heading_and_a_tab_behind_the_pid() {
    assert_eq!(
        print_two("-nt"),
        "\x20 Proto  Local Address          Foreign Address        State           Offload State\n\n\
         \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       InHost      \n\
         \x20 UDP    [::]:53                *:*                                                \n"
    );
    assert_eq!(
        print_two("-nto"),
        "\x20 Proto  Local Address          Foreign Address        State           PID      Offload State\n\n\
         \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       900\tInHost      \n\
         \x20 UDP    [::]:53                *:*                                    7\t            \n"
    );
}

#[test]
fn every_column_at_once_stands_under_its_heading() {
    let (owner, name) = ("        PID      DSCP  Time in State  Template          Program", "nginx: \\u{1b}[2J");
    assert_eq!(
        print_two("-nodiy --programs"),
        format!(
            "\x20 Proto  Local Address          Foreign Address        State   {owner}\n\
             \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       900      46    -              cubic             {name}\n\
             \x20 UDP    [::]:53                *:*                                    7        -     -              -                 -\n"
        )
    );
}

#[test]
fn a_time_in_a_state_is_exact_or_at_least() {
    let times = [TimeInState::Exactly(Duration::from_millis(12_300)), TimeInState::AtLeast(Duration::from_millis(65_250))];
    let lookups = Lookups { times_in_state: times.map(Some).to_vec(), ..Lookups::default() };
    let text = print_with(vec![socket("127.0.0.1", 1), socket("127.0.0.1", 2)], vec![], "-ni", None, lookups);
    let last: Vec<&str> = text.lines().skip(4).map(|line| &line[AT_EXTRAS..]).collect();
    assert_eq!(last, ["12.3s", "65.2s+"]);
}

/// What stands under the row of a socket whose owners these are.
fn executables(owners: Owners) -> String {
    executables_with(owners, HashMap::new())
}

fn executables_with(owners: Owners, services: HashMap<u32, Box<str>>) -> String {
    let runs = |pid, path: &str| Process { pid, executable: Some(path.into()), ..Process::default() };
    let processes = [
        runs(20, "/usr/sbin/nginx"),
        runs(30, "/tmp/evil\u{1b}[2J\n  TCP"),
        Process { pid: 40, name: "hidden".into(), ..Process::default() },
        Process { pid: 60, name: "svchost.exe".into(), image_name: Some("svchost.exe".into()), ..Process::default() },
    ];
    let unit = |name: &str| Cgroup { unit: Some(name.to_owned()), ..Cgroup::default() };
    let cgroups = [(20, unit("nginx.service")), (40, unit("ssh.service"))].into();
    let lookups = Lookups { processes: processes.into_iter().collect(), cgroups, ..Lookups::default() };
    let snapshot = Snapshot { sockets: vec![socket("0.0.0.0", 80)], owners, services, ..Snapshot::default() };
    let mut out = Vec::new();
    let rows = Rows::of_parts(&snapshot, &lookups, System::Linux, &[0]);
    write(&mut out, rows, &Layout::of(&request("-nb"), None), true).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("  TCP    0.0.0.0:80             0.0.0.0:0              LISTENING\n").unwrap().to_owned()
}

#[test]
fn the_service_that_made_the_socket_is_its_component() {
    assert_eq!(
        executables_with(Owners::ByRow(vec![Some(20)].into_iter().collect()), HashMap::from([(0, "Dns\ncache".into())])),
        "  Dns\\u{a}cache\n [nginx]\n"
    );
}

#[test]
fn a_program_whose_path_may_not_be_seen_is_named_by_its_image() {
    assert_eq!(executables(Owners::ByRow(vec![Some(60)].into_iter().collect())), " [svchost.exe]\n");
    assert_eq!(executables(Owners::ByRow(vec![Some(40)].into_iter().collect())).lines().count(), 1, "no image, no name");
}

#[test]
fn a_container_stands_in_the_place_of_a_unit_by_its_name_if_that_is_known() {
    let id = "0123456789abcdef".repeat(4);
    let print = |namespaces| {
        let container = Some(Container { runtime: "docker", id: id.clone() });
        let unit = Some(format!("docker-{id}.scope"));
        let process = Process { pid: 20, executable: Some("/usr/sbin/nginx".into()), ..Process::default() };
        let lookups = Lookups {
            processes: std::iter::once(process).collect(),
            cgroups: [(20, Cgroup { unit, container, ..Cgroup::default() })].into(),
            ..Lookups::default()
        };
        let owners = Owners::ByRow(vec![Some(20)].into_iter().collect());
        let snapshot = Snapshot { sockets: vec![socket("0.0.0.0", 80)], owners, namespaces, ..Snapshot::default() };
        let mut out = Vec::new();
        write(&mut out, Rows::of_parts(&snapshot, &lookups, System::Linux, &[0]), &Layout::of(&request("-nb"), None), true)
            .unwrap();
        String::from_utf8(out).unwrap().lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(print(Vec::new()), ["  (container docker 0123456789ab)", " [nginx]"]);
    let named = NamespaceContainer { id: id.clone(), name: Some("w\u{1b}eb".to_owned()), ..NamespaceContainer::default() };
    let namespace = Namespace { container: Some(named), rows: 0..1, ..Namespace::default() };
    assert_eq!(print(vec![namespace]), ["  (container docker w\\u{1b}eb)", " [nginx]"]);
}

#[test]
fn every_owner_has_its_executable_and_its_component() {
    let entries = [20, 30, 40, 50].map(|pid| InodeOwners::entry(1, pid)).to_vec();
    assert_eq!(
        executables(Owners::ByInode(InodeOwners::new(entries, OwnerStatus::Gone))),
        "\x20 nginx.service\n\
         \x20[nginx]\n\
         \x20[evil\\u{1b}[2J\\u{a}  TCP]\n\
         \x20Can not obtain ownership information\n\
         \x20Can not obtain ownership information\n"
    );
}

#[test]
fn a_hidden_owner_is_said_to_be_and_the_kernels_rows_have_nothing() {
    assert_eq!(executables(Owners::ByRow(vec![None].into_iter().collect())), " Can not obtain ownership information\n");
    assert_eq!(executables(Owners::ByRow(vec![Some(0)].into_iter().collect())), "");
    assert_eq!(executables(Owners::ByInode(InodeOwners::new(vec![], OwnerStatus::Gone))), "");
}

#[test]
fn korean_headings_stand_over_the_same_cells() {
    let mut out = Vec::new();
    write_heading(&mut out, &Layout::of(&request("-no --programs --lang ko"), None)).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "\n활성 연결\n\n  프로토콜  로컬 주소           외부 주소              상태            PID      프로그램\n"
    );
}

#[test]
fn without_owners_a_udp_row_keeps_its_padding() {
    assert_eq!(
        print(vec![socket("127.0.0.1", 631), udp("::1", 323)], vec![], "-n"),
        "\nActive Connections\n\n\
         \x20 Proto  Local Address          Foreign Address        State\n\
         \x20 TCP    127.0.0.1:631          0.0.0.0:0              LISTENING\n\
         \x20 UDP    [::1]:323              *:*                    \n"
    );
}

#[test]
fn a_connected_udp_socket_shows_its_peer() {
    let connected = Socket { remote: Endpoint::new("192.0.2.9".parse().unwrap(), 53), ..udp("192.0.2.1", 40000) };
    assert!(
        print(vec![connected], vec![Some(5)], "-no")
            .ends_with("  UDP    192.0.2.1:40000        192.0.2.9:53                           5\n")
    );
}

#[test]
fn every_state_fits_its_column() {
    for state in State::ALL {
        let row = Socket { state: Some(state), ..socket("127.0.0.1", 1) };
        let text = print(vec![row], vec![Some(6)], "-no");
        let line = text.lines().last().unwrap();
        assert_eq!(line.find(state.word()), Some(55));
        assert_eq!(line.rfind('6'), Some(71));
    }
}

#[test]
fn foreign_names_stand_where_numbers_stood_and_local_ones_stay() {
    let services = || Arc::new(Services::parse("evil\u{1b}[2J 443/tcp\n"));
    let print = |sockets, line, own_name| {
        let lookups = Lookups { services: services(), hosts: Some(HashMap::new()), ..Lookups::default() };
        print_with(sockets, vec![], line, own_name, lookups)
    };
    let own = Some("myhost.example");
    let text = print(vec![socket("::", 135), connection("127.0.0.1", "127.0.0.2"), udp("0.0.0.0", 1)], "-a", own);
    let rows: Vec<&str> = text.lines().skip(4).collect();
    assert_eq!(
        rows,
        [
            "  TCP    [::]:135               myhost:0               LISTENING",
            "  TCP    127.0.0.1:50000        myhost:evil\\u{1b}[2J   ESTABLISHED",
            "  UDP    0.0.0.0:1              *:*                    ",
        ]
    );
    assert!(print(vec![socket("0.0.0.0", 1)], "-af", own).contains("myhost.example:0"));
    assert!(print(vec![socket("::1", 1)], "-a", None).contains("[::]:0"));
}

#[test]
fn the_width_of_a_name_is_measured_in_cells_of_the_terminal() {
    let hosts = HashMap::from([("192.0.2.1".parse().unwrap(), "서버".to_owned())]);
    let lookups = Lookups { hosts: Some(hosts), services: Arc::new(Services::parse("")), ..Lookups::default() };
    let text = print_with(vec![connection("127.0.0.1", "192.0.2.1")], vec![], "-f", None, lookups);
    // Two syllables are four cells and six bytes.
    assert_eq!(text.lines().last(), Some("  TCP    127.0.0.1:50000        서버:https             ESTABLISHED"));
}

#[test]
fn a_mapped_flow_looks_like_the_ipv4_flow_that_it_is() {
    let mapped = Socket { family: Family::V6, ..connection("::ffff:192.0.2.1", "::ffff:192.0.2.2") };
    assert!(print(vec![mapped], vec![], "-n").contains("TCP    192.0.2.1:50000        192.0.2.2:443  "));
}
