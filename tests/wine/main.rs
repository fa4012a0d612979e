//! The Windows build, live: Windows programs hold sockets under Wine, in a network namespace of the test's own, and
//! `rnetstat.exe`, the Linux build and `ss` have to tell the same of them.
//!
//! It needs root, and a folder with the scripts `wcargo` (cargo for other systems) and `wwine` (runs a Windows program), named
//! by the environment variable `CROSS_CELL`; `WINCELL` says where their toolchain and Wine are (`/opt/wincell`). What is
//! missing is said on stderr.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "the other live tests use the rest of it")]
#[path = "../live/namespace.rs"]
mod namespace;
#[path = "../live/row.rs"]
mod row;
#[path = "../live/ss.rs"]
mod ss;

mod cell;

use cell::{Cell, Holder};
use namespace::{LINK, Namespace, index_of, ip};
use row::{Row, assert_same, parse};
use std::process::{Command, Stdio};

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
fn windows_table(cell: &Cell, switches: &str) -> Vec<Row> {
    let text = cell.rnetstat(switches);
    assert!(text.split('\n').rev().skip(1).all(|line| line.ends_with('\r')), "a line does not end in CR LF: {text:?}");
    unscoped(parse(&text.replace('\r', ""), switches.contains('o')))
}

/// Wine 10 tells wrong numbers as scopes of link-local addresses (8192 for interface 3): no test can go by them.
fn unscoped(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        if let Some((address, (_, port))) = row.local.split_once('%').map(|(a, rest)| (a, rest.split_once(']').unwrap())) {
            row.local = format!("{address}]{port}");
        }
    }
    rows
}

fn linux_table() -> Vec<Row> {
    let output = Command::new(env!("CARGO_BIN_EXE_rnetstat")).arg("-an").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    unscoped(parse(&String::from_utf8(output.stdout).unwrap(), false))
}

#[test]
fn every_socket_of_windows_programs_stands_in_the_table_with_its_process_and_nothing_else_does() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let holders = [Holder::start(&cell, index_of(LINK), OWN, SILENT), Holder::start(&cell, index_of(LINK), OWN, SILENT)];
    let held = unscoped(holders.iter().flat_map(Holder::rows).collect());
    assert_eq!(held.len(), 2 * 16);

    let windows = windows_table(&cell, "-ano");
    assert_same(&windows, &held, "the program that holds them");

    let anonymous: Vec<Row> = windows.iter().map(Row::anonymous).collect();
    assert_same(&linux_table(), &anonymous, "the Windows build");
    if let Some(ss) = ss::rows() {
        let ss = unscoped(ss.iter().map(Row::anonymous).collect());
        assert_same(&anonymous, &ss, "ss");
    }

    let udp = windows_table(&cell, "/ano /p UDPv6");
    let expected: Vec<Row> = held.iter().filter(|row| row.protocol == "UDP" && row.local.starts_with('[')).cloned().collect();
    assert_same(&udp, &expected, "the program that holds them");
    let connected = windows_table(&cell, "-no");
    let expected: Vec<Row> = held.iter().filter(|row| !matches!(row.state.as_str(), "" | "LISTENING")).cloned().collect();
    assert_same(&connected, &expected, "the program that holds them");
}
