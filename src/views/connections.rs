//! The table of sockets, byte for byte as Windows' netstat prints it.

use crate::names::hosts::{HostNames, first_label};
use crate::names::services::Services;
use crate::output::text::visible;
use crate::output::{addresses, pieces};
use crate::owners::{OwnerStatus, Ownership};
use crate::process::Processes;
use crate::request::Columns;
use crate::snapshot::Snapshot;
use crate::socket::{Endpoint, Protocol, Socket};
use std::io::{self, Write};
use std::net::IpAddr;

/// The width of an address column. Nothing is ever cut: a longer address moves the rest of its row to the right.
const ADDRESS: usize = addresses::IPV4_ENDPOINT;
/// The width of the state column where another follows.
const STATE: usize = 12;
/// The width of the PID column where another follows.
const PID: usize = 9;

/// What is known besides the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// The processes of the rows that are written, looked up beforehand where a column tells of them.
    pub processes: &'a Processes,
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
pub fn write_heading(out: &mut Vec<u8>, columns: &Columns) {
    out.extend_from_slice(b"\nActive Connections\n\n  Proto  Local Address          Foreign Address        State");
    if columns.owner {
        out.extend_from_slice(b"           PID");
    }
    if columns.program {
        out.extend_from_slice(b"      Program");
    }
    out.push(b'\n');
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
    let write = |out: &mut Vec<u8>, rows: &[u32]| {
        for &row in rows {
            let socket = &snapshot.sockets[row as usize];
            let owner = columns.owner.then(|| snapshot.owners.of(row as usize, socket));
            write_row(out, socket, columns, owner, known);
        }
    };
    pieces::write_in_order(out, rows, write, flush)
}

fn write_row(out: &mut Vec<u8>, socket: &Socket, columns: &Columns, owner: Option<Ownership<'_>>, known: Knowledge<'_>) {
    out.extend_from_slice(b"  ");
    out.extend_from_slice(socket.protocol.word().as_bytes());
    out.extend_from_slice(b"    ");

    write_endpoint(out, socket, &socket.local);
    match known.naming {
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

    let start = out.len();
    out.extend_from_slice(socket.state.map_or("", |state| state.word()).as_bytes());
    if let Some(owner) = owner {
        pad(out, start, STATE + 4);
        let start = out.len();
        write_owner(out, owner);
        if columns.program {
            pad(out, start, PID);
            write_program(out, owner, known.processes);
        }
    }
    out.push(b'\n');
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
    use crate::owners::Owners;
    use crate::process::Process;
    use crate::socket::tests::socket;
    use crate::socket::{Family, State};
    use std::time::Duration;

    fn print(sockets: Vec<Socket>, pids: Vec<Option<u32>>, owner: bool, naming: Option<&Naming<'_>>) -> String {
        print_columns(sockets, pids, Columns { owner, ..Columns::default() }, naming)
    }

    fn print_columns(sockets: Vec<Socket>, pids: Vec<Option<u32>>, columns: Columns, naming: Option<&Naming<'_>>) -> String {
        let named = |pid, name: &str| Process { pid, name: name.into(), ..Process::default() };
        let processes: Processes = [named(900, "nginx: \u{1b}[2J"), named(4_194_304, "웹서버")].into_iter().collect();
        let known = Knowledge { processes: &processes, naming };
        let rows: Vec<u32> = (0..sockets.len() as u32).collect();
        let snapshot = Snapshot { sockets, owners: Owners::ByRow(pids), problems: Vec::new() };
        let mut text = Vec::new();
        let mut out = Vec::new();
        write_heading(&mut out, &columns);
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
        let columns = Columns { owner: true, program: true };
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
