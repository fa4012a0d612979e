//! The Windows build, live: Windows programs hold sockets under Wine, in a network namespace of the test's own, and
//! `rnetstat.exe`, the Linux build and `ss` have to show the same rows.
//!
//! It needs root, and a folder with the scripts `wcargo` (cargo for other systems) and `wwine` (runs a Windows program), named
//! by the environment variable `CROSS_CELL`; `WINCELL` says where their toolchain and Wine are (`/opt/wincell`).
//! `RNETSTAT_WINDOWS_PROFILE=release` tests the executable that is shipped. What is missing is said on stderr.
#![cfg(target_os = "linux")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod actions;
mod cell;
mod figures;
mod macos_headers;
mod switches;

use cell::{Cell, Holder};
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use support::namespace::{LINK, Namespace, index_of, ip};
use support::row::{Row, assert_same, parse};

/// An address of the namespace, and one beside it that never answers.
const OWN: &str = "192.0.2.1";
const SILENT: &str = "192.0.2.99";

/// A namespace in which connections to [`SILENT`] stay in SYN_SENT.
fn network() -> Option<Namespace> {
    let namespace = Namespace::enter()?;
    ip(&format!("addr add {OWN}/24 dev {LINK}"));
    ip(&format!("neigh add {SILENT} lladdr 02:00:00:00:00:99 dev {LINK} nud permanent"));
    Some(namespace)
}

/// What the Windows build prints with these switches: it ends its lines as Windows does.
fn windows(cell: &Cell, switches: &str) -> String {
    let text = cell.rnetstat(switches);
    assert!(text.split('\n').rev().skip(1).all(|line| line.ends_with('\r')), "a line does not end in CR LF: {text:?}");
    text.replace('\r', "")
}

fn windows_table(cell: &Cell, switches: &str) -> Vec<Row> {
    unscoped(parse(&windows(cell, switches), switches.contains('o')))
}

/// Wine 10 gives wrong scopes of link-local addresses (8192 for interface 3): they are left out of the comparison.
fn unscoped(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        if let Some((address, (_, port))) = row.local.split_once('%').map(|(a, rest)| (a, rest.split_once(']').unwrap())) {
            row.local = format!("{address}]{port}");
        }
    }
    rows
}

fn linux_table() -> Vec<Row> {
    unscoped(parse(&figures::linux("-an"), false))
}

#[test]
fn the_table_has_every_socket_of_windows_programs_with_its_process_and_no_other() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let holders = [Holder::start(&cell, index_of(LINK), OWN, SILENT), Holder::start(&cell, index_of(LINK), OWN, SILENT)];
    let held = unscoped(holders.iter().flat_map(Holder::rows).collect());
    assert_eq!(held.len(), 2 * 16);

    let windows = windows_table(&cell, "-ano");
    assert_same(&windows, &held, "the program that holds them");

    let anonymous: Vec<Row> = windows.iter().map(Row::anonymous).collect();
    assert_same(&linux_table(), &anonymous, "the Windows build");
    if let Some(ss) = support::ss::rows() {
        let ss = unscoped(ss.iter().map(Row::anonymous).collect());
        assert_same(&anonymous, &ss, "ss");
    }

    // Wine has no table of bound ports and no services: there are no such rows, and in a pipe no message.
    assert_same(&windows_table(&cell, "-anoq"), &held, "the program that holds them");
    let owned = self::windows(&cell, "-anb");
    let lines: Vec<&str> = owned.lines().skip(4).collect();
    assert_eq!(lines.len(), 2 * held.len(), "{owned}");
    assert!(lines.chunks(2).all(|pair| pair[0].starts_with("  ") && pair[1] == " [socket-holder.exe]"), "{owned}");

    let udp = windows_table(&cell, "/ano /p UDPv6");
    let expected: Vec<Row> = held.iter().filter(|row| row.protocol == "UDP" && row.local.starts_with('[')).cloned().collect();
    assert_same(&udp, &expected, "the program that holds them");
    let connected = windows_table(&cell, "-no");
    let expected: Vec<Row> = held.iter().filter(|row| !matches!(row.state.as_str(), "" | "LISTENING")).cloned().collect();
    assert_same(&connected, &expected, "the program that holds them");
}

#[test]
fn the_statistics_of_both_builds_agree() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let holder = Holder::start(&cell, index_of(LINK), OWN, SILENT);
    // A datagram that arrives, and one for a port without a socket, which ICMP answers.
    let (sender, receiver) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    sender.send_to(b"1", receiver.local_addr().unwrap()).unwrap();
    sender.send_to(b"2", "127.0.0.1:9").unwrap();

    let before = figures::linux("-e -s");
    let figures = windows(&cell, "/e /s");
    let after = figures::linux("-e -s");
    // Wine 10 repeats the figures of IPv4 as those of TCP over IPv6, where the Linux build divides the connections that
    // stand, and it misplaces what ICMP has sent.
    let wrong =
        [("TCP Statistics for IPv4", "Current Connections", 0), ("TCP Statistics for IPv6", "", 0), ("ICMPv4 Statistics", "", 1)];
    figures::assert_between(&before, &figures, &after, &wrong);
    for (label, least) in [("Active Opens", 4), ("No Ports", 1), ("Datagrams Sent", 2)] {
        let line = figures.lines().find(|line| line.trim_start().starts_with(label)).unwrap();
        assert!(line.split_ascii_whitespace().last().unwrap().parse::<u64>().unwrap() >= least, "{line}");
    }
    drop(holder);
}

#[test]
fn the_interfaces_and_routes_of_both_builds_agree() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    ip(&format!("route add 198.51.100.0/24 via {SILENT} metric 7"));
    // A second network on the interface: its routes send from its own address.
    ip(&format!("addr add 198.18.0.1/16 dev {LINK}"));
    let key = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\PersistentRoutes";
    cell.wine(&["reg", "add", key, "/v", "10.1.0.0,255.255.0.0,192.0.2.1,7", "/d", "", "/f"]);
    let (linux, windows) = (figures::linux("-r"), windows(&cell, "-r"));
    let persistent = "\n         10.1.0.0      255.255.0.0        192.0.2.1       7\n";
    assert!(windows.contains(persistent), "{windows}");
    let windows = windows.replacen(persistent, "\n", 1);
    let interfaces =
        |text: &str| text.lines().take_while(|line| !line.contains("Route Table")).map(String::from).collect::<Vec<_>>();
    assert_eq!(interfaces(&windows), interfaces(&linux));
    let is_route = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit()) && line.contains(['.', ':']);
    // Wine knows the kernel's main table alone, and one route more: the refusal to send where no route leads. It gives the
    // metric of one IPv4 route as that of all.
    let tables = windows.lines().skip_while(|line| !line.contains("Route Table")).filter(is_route);
    let routes: Vec<&str> = tables.filter(|line| !line.contains("4294967295")).collect();
    let without_metric = |line: &str| line.rsplit_once(' ').map_or(String::new(), |(route, _)| route.trim_end().to_owned());
    for route in &routes {
        let is_same = |line: &str| {
            if route.contains(':') { line == *route } else { without_metric(line) == without_metric(route) }
        };
        assert!(linux.lines().any(is_same), "only Windows has {route}\n{linux}");
    }
    for [destination, gateway] in
        [["198.51.100.0", SILENT], ["192.0.2.0", OWN], ["198.18.0.0", "198.18.0.1"], ["fe80::/64", "On-link"]]
    {
        assert!(routes.iter().any(|route| route.contains(destination) && route.contains(gateway)), "{windows}");
    }
}

#[test]
fn a_repeated_display_ends_silently_if_its_pipe_is_closed() {
    let Some(cell) = Cell::find() else { return };
    let mut child = cell.start("-an 1");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for _ in 0..2 {
        assert!(lines.any(|line| line == "Active Connections\r" || line == "Active Connections"));
    }
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)));
}

#[test]
fn a_program_is_named_by_its_whole_path_however_long_and_in_whatever_script() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let name = "소켓 보유자.exe";
    let folder = ["a", "b", "c"].iter().fold(cell.folder().to_path_buf(), |path, letter| path.join(letter.repeat(100)));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join(name);
    std::fs::copy(cell.holder(), &program).unwrap();
    let holder = Holder::start_program(&cell, &program, index_of(LINK), OWN, SILENT);

    let table = windows(&cell, "-anb");
    let owners: Vec<&str> = table.lines().filter(|line| line.starts_with(" [")).collect();
    assert_eq!(owners.len(), holder.rows().len(), "{table}");
    assert!(owners.iter().all(|owner| *owner == format!(" [{name}]")), "{table}");
    let csv = windows(&cell, &format!("--format csv --columns pid,executable --pid {}", holder.pid()));
    let path = csv.lines().nth(1).unwrap();
    assert!(path.len() > 300 && path.contains(&"b".repeat(100)) && path.trim_end_matches('"').ends_with(name), "{csv}");
    assert_eq!(windows(&cell, "-an --process 소켓*").lines().count(), holder.rows().len() + 4);
}

#[test]
fn what_windows_does_not_give_is_empty_or_null() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let holder = Holder::start(&cell, index_of(LINK), OWN, SILENT);
    let columns = "receive_queue,send_queue,timer,inode,uid";
    let csv = windows(&cell, &format!("--format csv --columns {columns} --pid {} --state LISTENING", holder.pid()));
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], columns);
    assert!(lines.len() > 1 && lines[1..].iter().all(|line| *line == ",,,,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&windows(&cell, &format!("-an --json --pid {}", holder.pid()))).unwrap();
    let sockets = json["sockets"].as_array().unwrap();
    assert_eq!(sockets.len(), holder.rows().len());
    assert!(sockets.iter().all(|socket| socket["receive_queue"].is_null() && socket["send_queue"].is_null()), "{json}");
}
