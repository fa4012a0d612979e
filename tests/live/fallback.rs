//! Where the kernel answers no sock_diag: the files of /proc/net tell the same rows.

use crate::namespace::{LINK, Namespace, index_of};
use crate::proc_fs;
use crate::program::{refusing, rnetstat, table_of, with_terminal_for_stderr, without_netlink, without_proc};
use crate::row::{Row, assert_same};
use crate::zoo::Zoo;
use std::process::Command;

/// What rnetstat says with netlink and without it, at a moment at which nothing changes.
fn both(switches: &str, refuse: impl Fn(&mut Command) -> &mut Command) -> (Vec<Row>, Vec<Row>) {
    loop {
        let before = table_of(&mut rnetstat(switches));
        let without = table_of(refuse(&mut rnetstat(switches)));
        if before == table_of(&mut rnetstat(switches)) {
            return (before, without);
        }
    }
}

/// The files do not tell the interface, so that scopes are lost.
fn without_scope(rows: &[Row]) -> Vec<Row> {
    let scope = format!("%{}]", index_of(LINK));
    let plain = |endpoint: &str| endpoint.replace(&scope, "]");
    rows.iter().map(|row| Row { local: plain(&row.local), remote: plain(&row.remote), ..row.clone() }).collect()
}

#[test]
fn the_files_tell_the_same_rows_and_owners() {
    let Some(_namespace) = Namespace::enter() else { return };
    let zoo = Zoo::full();
    for switches in ["-ano", "-no", "-anop tcp", "-anop udpv6"] {
        let (netlink, files) = both(switches, without_netlink);
        assert!(!netlink.is_empty());
        assert_same(&files, &without_scope(&netlink), "sock_diag");
    }
    zoo.assert_all_in(&table_of(&mut rnetstat("-an")));
}

#[test]
fn whatever_the_kernel_answers_instead_of_a_dump_the_rows_are_there() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _zoo = Zoo::full();
    let refusals = [
        (libc::SYS_socket, Some(libc::AF_NETLINK), libc::EPROTONOSUPPORT),
        // A kernel without tcp_diag and udp_diag, and one without memory.
        (libc::SYS_sendto, None, libc::ENOENT),
        (libc::SYS_recvfrom, None, libc::ENOENT),
        (libc::SYS_recvfrom, None, libc::ENOBUFS),
    ];
    for (call, first, errno) in refusals {
        let (netlink, files) = both("-ano", |command| refusing(command, call, first, errno));
        assert_same(&files, &without_scope(&netlink), "sock_diag");
    }
}

#[test]
fn without_netlink_and_proc_there_is_nothing_and_that_is_a_failure() {
    let Some(_namespace) = Namespace::enter() else { return };
    for switches in ["-ano", "--json", "--summary", "-c"] {
        let output = without_netlink(without_proc(&mut rnetstat(switches))).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{switches}: {said}");
        assert!(
            said.lines().all(|line| line.starts_with("rnetstat: the ") && line.contains(" cannot be read: sock_diag: ")),
            "{said}"
        );
        assert!(said.contains("/proc/net/tcp: No such file"), "{said}");
    }
}

#[test]
fn a_host_without_ipv6_addresses_has_its_ipv4_rows() {
    let Some(_namespace) = Namespace::enter() else { return };
    // The file is the one of the thread that opens it.
    std::fs::write("/proc/thread-self/../../../sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
    let socket = crate::zoo::listener("127.0.0.1:0".parse().unwrap());
    let rows = table_of(&mut rnetstat("-ano"));
    let theirs = proc_fs::owned_rows(index_of(LINK));
    assert_eq!(rows.len(), 1);
    assert_same(&rows, &theirs, "/proc");
    drop(socket);
}

#[test]
fn what_the_files_cannot_tell_is_said_to_somebody_who_looks() {
    let Some(_namespace) = Namespace::enter() else { return };
    let (table, said, status) = with_terminal_for_stderr(without_netlink(&mut rnetstat("-anq")));
    assert_eq!((table.lines().count(), status), (4, Some(0)));
    assert!(said.contains("BOUND"), "{said}");
}
