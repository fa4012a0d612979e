//! The table's text, from made-up rows.

use super::*;
use crate::model::details::{CongestionControl, Details};
use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, Timer};
use std::time::Duration;

fn print(sockets: Vec<Socket>, pids: Vec<Option<u32>>, owner: bool, naming: Option<&Naming<'_>>) -> String {
    print_columns(sockets, pids, Columns { owner, ..Columns::default() }, naming)
}

fn print_columns(sockets: Vec<Socket>, pids: Vec<Option<u32>>, columns: Columns, naming: Option<&Naming<'_>>) -> String {
    let named = |pid, name: &str| Process { pid, name: name.into(), ..Process::default() };
    let processes: Processes = [named(900, "nginx: \u{1b}[2J"), named(4_194_304, "웹서버")].into_iter().collect();
    let (components, times) = (HashMap::from([(900, "nginx.service".to_owned())]), StateTimes::default());
    let times = (&times, Instant::now());
    let known = RowContext { processes: &processes, components: &components, times, naming };
    let rows: Vec<u32> = (0..sockets.len() as u32).collect();
    let congestion = CongestionControl::new(b"cubic");
    let details = vec![Details { traffic_class: Some(0xb8), congestion, age: None }, Details::default()];
    let snapshot = Snapshot { sockets, owners: Owners::ByRow(pids.into_iter().collect()), details, ..Snapshot::default() };
    let mut text = Vec::new();
    let mut out = Vec::new();
    write_heading(&mut out, &columns, &ENGLISH);
    write_rows(&mut out, &snapshot, &rows, &columns, known, |out| {
        text.append(out);
        Ok(())
    })
    .unwrap();
    String::from_utf8(text).unwrap()
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
        print(sockets, pids, true, None),
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
    let columns = Columns { owner: true, program: true, ..Columns::default() };
    assert_eq!(
        print_columns(sockets, vec![Some(900), Some(0), Some(4_194_304), None], columns, None),
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

fn print_two(columns: Columns) -> String {
    let text = print_columns(two_rows(), vec![Some(900), Some(7)], columns, None);
    text.strip_prefix("\nActive Connections\n\n").unwrap().to_owned()
}

#[test]
fn the_offload_state_has_an_empty_line_under_its_heading_and_a_tab_behind_the_pid() {
    let offload = Columns { offload: true, ..Columns::default() };
    assert_eq!(
        print_two(offload),
        "\x20 Proto  Local Address          Foreign Address        State           Offload State\n\n\
         \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       InHost      \n\
         \x20 UDP    [::]:53                *:*                                                \n"
    );
    assert_eq!(
        print_two(Columns { owner: true, ..offload }),
        "\x20 Proto  Local Address          Foreign Address        State           PID      Offload State\n\n\
         \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       900\tInHost      \n\
         \x20 UDP    [::]:53                *:*                                    7\t            \n"
    );
}

#[test]
fn every_column_at_once_stands_under_its_heading() {
    let columns = Columns { owner: true, program: true, dscp: true, time_in_state: true, template: true, ..Columns::default() };
    let (owner, name) = ("        PID      DSCP  Time in State  Template          Program", "nginx: \\u{1b}[2J");
    assert_eq!(
        print_two(columns),
        format!(
            "\x20 Proto  Local Address          Foreign Address        State   {owner}\n\
             \x20 TCP    0.0.0.0:80             0.0.0.0:0              LISTENING       900      46    -              cubic             {name}\n\
             \x20 UDP    [::]:53                *:*                                    7        -     -              -                 -\n"
        )
    );
}

#[test]
fn times_in_a_state_are_told_exactly_or_as_watched() {
    let waiting = Socket { state: Some(State::TimeWait), timer: Timer::TimeWait, expires_ms: 47_700, ..socket("127.0.0.1", 1) };
    let watched = Socket { inode: 8, ..socket("127.0.0.1", 2) };
    let (mut times, start) = (StateTimes::default(), Instant::now());
    times.observe([&watched], start);
    let (processes, components) = (Processes::default(), HashMap::new());
    let now = start + Duration::from_millis(65_250);
    let known = RowContext { processes: &processes, components: &components, times: (&times, now), naming: None };
    let snapshot = Snapshot { sockets: vec![waiting, watched], ..Snapshot::default() };
    let mut out = Vec::new();
    let columns = Columns { time_in_state: true, ..Columns::default() };
    write_rows(&mut out, &snapshot, &[0, 1], &columns, known, |_| Ok(())).unwrap();
    let text = String::from_utf8(out).unwrap();
    let last: Vec<&str> = text.lines().map(|line| &line[AT_EXTRAS..]).collect();
    assert_eq!(last, ["12.3s", "65.2s+"]);
}

/// What stands under the row of a socket whose owners these are.
fn executables(owners: Owners) -> String {
    executables_with(owners, HashMap::new())
}

fn executables_with(owners: Owners, services: HashMap<u32, Box<str>>) -> String {
    let runs = |pid, path: &str| Process { pid, executable: Some(path.into()), ..Process::default() };
    let processes: Processes =
        [runs(20, "/usr/sbin/nginx"), runs(30, "/tmp/evil\u{1b}[2J\n  TCP"), Process { pid: 40, ..Process::default() }]
            .into_iter()
            .collect();
    let components = HashMap::from([(20, "nginx.service".to_owned()), (40, "ssh.service".to_owned())]);
    let times = (&StateTimes::default(), Instant::now());
    let known = RowContext { processes: &processes, components: &components, times, naming: None };
    let snapshot = Snapshot { sockets: vec![socket("0.0.0.0", 80)], owners, services, ..Snapshot::default() };
    let mut out = Vec::new();
    let columns = Columns { executable: true, ..Columns::default() };
    write_rows(&mut out, &snapshot, &[0], &columns, known, |_| Ok(())).unwrap();
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
    let columns = Columns { owner: true, program: true, ..Columns::default() };
    let mut out = Vec::new();
    write_heading(&mut out, &columns, &KOREAN);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "\n활성 연결\n\n  프로토콜  로컬 주소           외부 주소              상태            PID      프로그램\n"
    );
}

#[test]
fn without_owners_a_udp_row_keeps_its_padding() {
    assert_eq!(
        print(vec![socket("127.0.0.1", 631), udp("::1", 323)], vec![], false, None),
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
        print(vec![connected], vec![Some(5)], true, None)
            .ends_with("  UDP    192.0.2.1:40000        192.0.2.9:53                           5\n")
    );
}

#[test]
fn every_state_fits_its_column() {
    for state in State::ALL {
        let row = Socket { state: Some(state), ..socket("127.0.0.1", 1) };
        let text = print(vec![row], vec![Some(6)], true, None);
        let line = text.lines().last().unwrap();
        assert_eq!(line.find(state.word()), Some(55));
        assert_eq!(line.rfind('6'), Some(71));
    }
}

#[test]
fn foreign_names_stand_where_numbers_stood_and_local_ones_stay() {
    let mut hosts = HostNames::default();
    hosts.look_up([], Duration::ZERO);
    let services = Services::parse("evil\u{1b}[2J 443/tcp\n");
    let naming = Naming { hosts: &hosts, services: &services, own_name: Some("myhost.example"), qualified: false };
    let text =
        print(vec![socket("::", 135), connection("127.0.0.1", "127.0.0.2"), udp("0.0.0.0", 1)], vec![], false, Some(&naming));
    let rows: Vec<&str> = text.lines().skip(4).collect();
    assert_eq!(
        rows,
        [
            "  TCP    [::]:135               myhost:0               LISTENING",
            "  TCP    127.0.0.1:50000        myhost:evil\\u{1b}[2J   ESTABLISHED",
            "  UDP    0.0.0.0:1              *:*                    ",
        ]
    );
    let qualified = Naming { qualified: true, own_name: Some("myhost.example"), ..naming };
    assert!(print(vec![socket("0.0.0.0", 1)], vec![], false, Some(&qualified)).contains("myhost.example:0"));
    let nameless = Naming { own_name: None, ..qualified };
    assert!(print(vec![socket("::1", 1)], vec![], false, Some(&nameless)).contains("[::]:0"));
}

#[test]
fn the_width_of_a_name_is_measured_in_cells_of_the_terminal() {
    let mut hosts = HostNames::with_resolver(|_| Some("서버".to_owned()));
    hosts.look_up(["192.0.2.1".parse().unwrap()], Duration::from_secs(60));
    let naming = Naming { hosts: &hosts, services: &Services::parse(""), own_name: None, qualified: true };
    let text = print(vec![connection("127.0.0.1", "192.0.2.1")], vec![], false, Some(&naming));
    // Two syllables are four cells and six bytes.
    assert_eq!(text.lines().last(), Some("  TCP    127.0.0.1:50000        서버:https             ESTABLISHED"));
}

#[test]
fn a_mapped_flow_looks_like_the_ipv4_flow_that_it_is() {
    let mapped = Socket { family: Family::V6, ..connection("::ffff:192.0.2.1", "::ffff:192.0.2.2") };
    assert!(print(vec![mapped], vec![], false, None).contains("TCP    192.0.2.1:50000        192.0.2.2:443  "));
}
