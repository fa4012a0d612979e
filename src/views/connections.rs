//! The table of sockets, byte for byte as Windows' netstat prints it.

use crate::details::Details;
use crate::names::hosts::{HostNames, first_label};
use crate::names::services::Services;
use crate::output::cells::line_of;
use crate::output::text::visible;
use crate::output::{addresses, pieces};
use crate::owners::{OwnerStatus, Ownership};
use crate::process::Processes;
use crate::request::Columns;
use crate::snapshot::Snapshot;
use crate::socket::{Endpoint, Pid, Protocol, Socket};
use crate::time_in_state::{StateTimes, TimeInState};
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

/// Where each fixed column begins.
const AT_PROTOCOL: usize = 2;
const AT_LOCAL: usize = 9;
const AT_FOREIGN: usize = 32;
const AT_STATE: usize = 55;
const AT_EXTRAS: usize = 71;
/// The width of an address column. Nothing is ever cut: a longer address moves the rest of its row to the right.
const ADDRESS: usize = addresses::IPV4_ENDPOINT;
/// The width of the offload column, also where it is the last.
const OFFLOAD: usize = 12;
/// Neighbours in the order are far apart in memory: so many are fetched at a time, for which the processor waits only once.
const FETCHED: usize = 64;
/// The gap between two columns, whatever stands in them.
const GAP: usize = 2;

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// The heading of the protocol.
    pub protocol: &'static str,
    /// The heading of this host's end.
    pub local: &'static str,
    /// The heading of the other end.
    pub foreign: &'static str,
    /// The heading of the TCP state.
    pub state: &'static str,
    /// The heading of the owner (`-o`).
    pub pid: &'static str,
    /// The heading of the offload state (`-t`).
    pub offload: &'static str,
    /// The heading of the code point (`-d`).
    pub dscp: &'static str,
    /// The heading of the time in the state (`-i`).
    pub time_in_state: &'static str,
    /// The heading of the congestion control (`-y`).
    pub template: &'static str,
    /// The heading of the name of the owner.
    pub program: &'static str,
}

/// The words as Windows has them in English; of the last four Windows' own are not known.
pub const ENGLISH: Words = Words {
    title: "Active Connections",
    protocol: "Proto",
    local: "Local Address",
    foreign: "Foreign Address",
    state: "State",
    pid: "PID",
    offload: "Offload State",
    dscp: "DSCP",
    time_in_state: "Time in State",
    template: "Template",
    program: "Program",
};

/// The words as Windows has them in Korean; of the last five Windows' own are not known.
pub const KOREAN: Words = Words {
    title: "활성 연결",
    protocol: "프로토콜",
    local: "로컬 주소",
    foreign: "외부 주소",
    state: "상태",
    pid: "PID",
    offload: "오프로드 상태",
    dscp: "DSCP",
    time_in_state: "상태 유지 시간",
    template: "템플릿",
    program: "프로그램",
};

/// A column behind the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Pid,
    Offload,
    Dscp,
    TimeInState,
    Template,
    Program,
}

impl Extra {
    /// Those that are asked for, in their order.
    fn of(columns: &Columns) -> Vec<Self> {
        let asked = [
            (columns.owner, Self::Pid),
            (columns.offload, Self::Offload),
            (columns.dscp, Self::Dscp),
            (columns.time_in_state, Self::TimeInState),
            (columns.template, Self::Template),
            (columns.program, Self::Program),
        ];
        asked.into_iter().filter_map(|(asked, extra)| asked.then_some(extra)).collect()
    }

    /// From where it begins to where the next one does.
    const fn width(self) -> usize {
        match self {
            Self::Pid => 9,
            Self::Offload | Self::TimeInState => 15,
            Self::Dscp => 6,
            Self::Template => 18,
            Self::Program => 0, // always the last
        }
    }

    const fn heading(self, words: &Words) -> &'static str {
        match self {
            Self::Pid => words.pid,
            Self::Offload => words.offload,
            Self::Dscp => words.dscp,
            Self::TimeInState => words.time_in_state,
            Self::Template => words.template,
            Self::Program => words.program,
        }
    }
}

/// What is known besides the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// The processes of the rows that are written, looked up beforehand where a column tells of them.
    pub processes: &'a Processes,
    /// The parts of the system that these processes belong to, where executables are told.
    pub components: &'a HashMap<Pid, String>,
    /// What was seen of the states, and the moment of this display.
    pub times: (&'a StateTimes, Instant),
    /// How foreign endpoints are named; `None` for numbers.
    pub naming: Option<&'a Naming<'a>>,
}

/// How foreign endpoints are named.
#[derive(Debug)]
pub struct Naming<'a> {
    /// Names of addresses, looked up beforehand.
    pub hosts: &'a HostNames,
    /// Names of ports.
    pub services: &'a Services,
    /// This host's own name, which stands for the wildcard and for loopback addresses.
    pub own_name: Option<&'a str>,
    /// Whole names rather than their first labels.
    pub qualified: bool,
}

/// Writes the frame and the heading.
pub fn write_heading(out: &mut Vec<u8>, columns: &Columns, words: &Words) {
    let fixed = [(AT_PROTOCOL, words.protocol), (AT_LOCAL, words.local), (AT_FOREIGN, words.foreign), (AT_STATE, words.state)];
    let mut at = AT_EXTRAS;
    let extras = Extra::of(columns).into_iter().map(|extra| {
        let begin = at;
        at += extra.width();
        (begin, extra.heading(words))
    });
    let heading = line_of(fixed.into_iter().chain(extras));
    // Windows has an empty line under the heading of -t.
    let end = if columns.offload { "\n" } else { "" };
    // Writing to a Vec cannot fail.
    let _ = writeln!(out, "\n{}\n\n{heading}{end}", words.title);
}

/// Writes the rows, in the order given, and hands pieces of the text to `flush`.
pub fn write_rows(
    out: &mut Vec<u8>,
    snapshot: &Snapshot,
    rows: &[u32],
    columns: &Columns,
    known: Knowledge<'_>,
    flush: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let extras = Extra::of(columns);
    let write = |out: &mut Vec<u8>, rows: &[u32]| {
        let mut fetched = Vec::with_capacity(FETCHED);
        for rows in rows.chunks(FETCHED) {
            fetched.clear();
            fetched.extend(rows.iter().map(|&row| snapshot.sockets[row as usize]));
            for (&row, socket) in rows.iter().zip(&fetched) {
                let owner = || snapshot.owners.of(row as usize, socket);
                write_row(out, socket, known.naming);
                if !extras.is_empty() {
                    let start = out.len() - socket.state.map_or(0, |state| state.word().len());
                    pad(out, start, AT_EXTRAS - AT_STATE);
                    let details = snapshot.details.get(row as usize).copied().unwrap_or_default();
                    write_extras(out, &Row { socket, details, owner: owner() }, &extras, known);
                }
                out.push(b'\n');
                if columns.executable {
                    let service = snapshot.services.get(&row).map(AsRef::as_ref);
                    write_executables(out, owner(), service, known);
                }
            }
        }
    };
    pieces::write_in_order(out, rows, write, flush)
}

/// Writes the fixed columns, the state without its padding.
fn write_row(out: &mut Vec<u8>, socket: &Socket, naming: Option<&Naming<'_>>) {
    out.extend_from_slice(b"  ");
    out.extend_from_slice(socket.protocol.word().as_bytes());
    out.extend_from_slice(b"    ");

    write_endpoint(out, socket, &socket.local);
    match naming {
        _ if socket.protocol == Protocol::Udp && socket.remote.is_unspecified() => {
            out.extend_from_slice(b"*:*                    ");
        }
        None => write_endpoint(out, socket, &socket.remote),
        Some(naming) => {
            let start = out.len();
            write_named(out, socket, naming);
            pad(out, start, ADDRESS);
            out.extend_from_slice(b"  ");
        }
    }

    out.extend_from_slice(socket.state.map_or("", |state| state.word()).as_bytes());
}

/// What the columns behind the state are filled from.
struct Row<'a> {
    socket: &'a Socket,
    details: Details,
    owner: Ownership<'a>,
}

fn write_extras(out: &mut Vec<u8>, row: &Row<'_>, extras: &[Extra], known: Knowledge<'_>) {
    for (place, extra) in extras.iter().enumerate() {
        let start = out.len();
        write_extra(out, row, *extra, known);
        match extras.get(place + 1) {
            // As Windows has it.
            Some(Extra::Offload) if *extra == Extra::Pid => out.push(b'\t'),
            Some(_) => {
                let end = out.len() + GAP;
                pad(out, start, extra.width().max(end - start));
            }
            None => {}
        }
    }
}

fn write_extra(out: &mut Vec<u8>, row: &Row<'_>, extra: Extra, known: Knowledge<'_>) {
    let is_tcp = row.socket.protocol == Protocol::Tcp;
    match extra {
        Extra::Pid => write_owner(out, row.owner),
        Extra::Program => write_program(out, row.owner, known.processes),
        Extra::Offload => {
            // Linux keeps every TCP connection in the host: it has no cards that take over whole connections.
            let start = out.len();
            out.extend_from_slice(if is_tcp { b"InHost" } else { b"" });
            pad(out, start, OFFLOAD);
        }
        Extra::Dscp => match row.details.dscp() {
            Some(dscp) => write_number(out, dscp.into()),
            None => out.push(b'-'),
        },
        Extra::TimeInState => {
            let (times, now) = known.times;
            let _ = match times.of(row.socket, row.details.age, now) {
                Some(TimeInState::Exactly(time)) => write!(out, "{:.1}s", time.as_secs_f64()),
                Some(TimeInState::AtLeast(time)) => write!(out, "{:.1}s+", time.as_secs_f64()),
                None => write!(out, "-"),
            };
        }
        Extra::Template => match row.details.congestion {
            Some(congestion) if is_tcp => out.extend_from_slice(visible(congestion.name()).as_bytes()),
            _ => out.push(b'-'),
        },
    }
}

/// The lines of `-b`: for each owner its component, where it has one, and its executable. The service that made the socket
/// goes before the component that the whole process belongs to. Nothing where the system keeps the socket for itself.
fn write_executables(out: &mut Vec<u8>, owner: Ownership<'_>, service: Option<&str>, known: Knowledge<'_>) {
    const UNKNOWN: &[u8] = b" Can not obtain ownership information\n";
    match owner.status {
        OwnerStatus::None | OwnerStatus::Gone => {}
        OwnerStatus::Denied | OwnerStatus::Unsupported => out.extend_from_slice(UNKNOWN),
        OwnerStatus::Owned => {
            for pid in owner.pids() {
                let executable = known.processes.get(pid).and_then(|process| process.executable.as_deref());
                let Some(name) = executable.and_then(Path::file_name) else {
                    out.extend_from_slice(UNKNOWN);
                    continue;
                };
                if let Some(component) = service.or(known.components.get(&pid).map(String::as_str)) {
                    let _ = writeln!(out, "  {}", visible(component));
                }
                let name = name.to_string_lossy();
                // Linux says so of an executable that was replaced since the process was started.
                let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
                let _ = writeln!(out, " [{}]", visible(name));
            }
        }
    }
}

/// The lowest PID; `0` where no process holds the socket; `-` where nobody may tell.
fn write_owner(out: &mut Vec<u8>, owner: Ownership<'_>) {
    match (owner.lowest(), owner.status) {
        (Some(pid), _) => write_number(out, pid),
        (None, OwnerStatus::Denied | OwnerStatus::Unsupported) => out.push(b'-'),
        (None, OwnerStatus::Owned | OwnerStatus::None | OwnerStatus::Gone) => out.push(b'0'),
    }
}

/// The name of the process with the lowest PID; `-` where it is not known.
fn write_program(out: &mut Vec<u8>, owner: Ownership<'_>, processes: &Processes) {
    match owner.lowest().and_then(|pid| processes.get(pid)) {
        Some(process) => out.extend_from_slice(visible(&process.name.to_string_lossy()).as_bytes()),
        None => out.push(b'-'),
    }
}

/// An address column: `192.0.2.7:443`, `[2001:db8::7]:443`, `[fe80::1%12]:546`, and two blanks behind it.
fn write_endpoint(out: &mut Vec<u8>, socket: &Socket, endpoint: &Endpoint) {
    if let IpAddr::V4(address) = endpoint.address {
        let text: &[u8; ADDRESS + 2] = &addresses::ipv4_endpoint(address, endpoint.port);
        return out.extend_from_slice(text);
    }
    let start = out.len();
    write_address(out, endpoint.address, socket.scope(endpoint.address));
    out.push(b':');
    write_number(out, u32::from(endpoint.port));
    pad(out, start, ADDRESS);
    out.extend_from_slice(b"  ");
}

fn write_address(out: &mut Vec<u8>, address: IpAddr, scope: u32) {
    match address {
        // Writing to a Vec cannot fail.
        IpAddr::V4(address) => write!(out, "{address}").unwrap_or_default(),
        IpAddr::V6(address) => {
            out.push(b'[');
            addresses::write_ipv6(out, address);
            if scope != 0 {
                out.push(b'%');
                write_number(out, scope);
            }
            out.push(b']');
        }
    }
}

fn write_named(out: &mut Vec<u8>, socket: &Socket, naming: &Naming<'_>) {
    let Endpoint { address, port } = socket.remote;
    let own = address.is_unspecified() || address.is_loopback();
    let name = if own { naming.own_name } else { naming.hosts.name(address) };
    match name.map(|name| if naming.qualified { name } else { first_label(name) }) {
        Some(name) if !name.is_empty() => out.extend_from_slice(visible(name).as_bytes()),
        _ => write_address(out, address, socket.scope(address)),
    }
    out.push(b':');
    match naming.services.name(port, socket.protocol) {
        Some(service) => out.extend_from_slice(visible(service).as_bytes()),
        None => write_number(out, u32::from(port)),
    }
}

fn write_number(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Fills up with blanks what was written since `start`.
fn pad(out: &mut Vec<u8>, start: usize, width: usize) {
    out.resize(out.len().max(start + width), b' ');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::CongestionControl;
    use crate::owners::{InodeOwners, Owners};
    use crate::process::Process;
    use crate::socket::tests::socket;
    use crate::socket::{Family, State, Timer};
    use std::time::Duration;

    fn print(sockets: Vec<Socket>, pids: Vec<Option<u32>>, owner: bool, naming: Option<&Naming<'_>>) -> String {
        print_columns(sockets, pids, Columns { owner, ..Columns::default() }, naming)
    }

    fn print_columns(sockets: Vec<Socket>, pids: Vec<Option<u32>>, columns: Columns, naming: Option<&Naming<'_>>) -> String {
        let named = |pid, name: &str| Process { pid, name: name.into(), ..Process::default() };
        let processes: Processes = [named(900, "nginx: \u{1b}[2J"), named(4_194_304, "웹서버")].into_iter().collect();
        let (components, times) = (HashMap::from([(900, "nginx.service".to_owned())]), StateTimes::default());
        let times = (&times, Instant::now());
        let known = Knowledge { processes: &processes, components: &components, times, naming };
        let rows: Vec<u32> = (0..sockets.len() as u32).collect();
        let congestion = CongestionControl::new(b"cubic");
        let details = vec![Details { traffic_class: Some(0xb8), congestion, age: None }, Details::default()];
        let snapshot = Snapshot { sockets, owners: Owners::ByRow(pids), details, ..Snapshot::default() };
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
        let columns =
            Columns { owner: true, program: true, dscp: true, time_in_state: true, template: true, ..Columns::default() };
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
        let waiting =
            Socket { state: Some(State::TimeWait), timer: Timer::TimeWait, expires_ms: 47_700, ..socket("127.0.0.1", 1) };
        let watched = Socket { inode: 8, ..socket("127.0.0.1", 2) };
        let (mut times, start) = (StateTimes::default(), Instant::now());
        times.observe([&watched], start);
        let (processes, components) = (Processes::default(), HashMap::new());
        let now = start + Duration::from_millis(65_250);
        let known = Knowledge { processes: &processes, components: &components, times: (&times, now), naming: None };
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
        let processes: Processes = [
            runs(20, "/usr/sbin/nginx"),
            runs(30, "/tmp/evil\u{1b}[2J\n  TCP (deleted)"),
            Process { pid: 40, ..Process::default() },
        ]
        .into_iter()
        .collect();
        let components = HashMap::from([(20, "nginx.service".to_owned()), (40, "ssh.service".to_owned())]);
        let times = (&StateTimes::default(), Instant::now());
        let known = Knowledge { processes: &processes, components: &components, times, naming: None };
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
            executables_with(Owners::ByRow(vec![Some(20)]), HashMap::from([(0, "Dns\ncache".into())])),
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
        assert_eq!(executables(Owners::ByRow(vec![None])), " Can not obtain ownership information\n");
        assert_eq!(executables(Owners::ByRow(vec![Some(0)])), "");
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
    fn a_mapped_flow_looks_like_the_ipv4_flow_that_it_is() {
        let mapped = Socket { family: Family::V6, ..connection("::ffff:192.0.2.1", "::ffff:192.0.2.2") };
        assert!(print(vec![mapped], vec![], false, None).contains("TCP    192.0.2.1:50000        192.0.2.2:443  "));
    }
}
