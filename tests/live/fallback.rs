//! Without sock_diag the same rows come from the files of `/proc/net`.

use crate::support::fixtures::Fixtures;
use crate::support::namespace::{LINK, Namespace, index_of};
use crate::support::proc_fs;
use crate::support::program::{refusing, rnetstat, table_of, with_terminal_for_stderr, without_netlink, without_proc};
use crate::support::row::{Row, assert_same};
use crate::support::wait::stable_snapshot;
use std::process::Command;

/// The rows with netlink and without it, at a moment at which nothing changes.
fn both(switches: &str, refuse: impl Fn(&mut Command) -> &mut Command) -> (Vec<Row>, Vec<Row>) {
    stable_snapshot(|| table_of(&mut rnetstat(switches)), || table_of(refuse(&mut rnetstat(switches))))
}

/// The files have no interface, so that scopes are missing.
fn without_scope(rows: &[Row]) -> Vec<Row> {
    let scope = format!("%{}]", index_of(LINK));
    let plain = |endpoint: &str| endpoint.replace(&scope, "]");
    rows.iter().map(|row| Row { local: plain(&row.local), remote: plain(&row.remote), ..row.clone() }).collect()
}

#[test]
fn proc_net_and_sock_diag_have_the_same_rows_and_owners() {
    let Some(_namespace) = Namespace::enter() else { return };
    let fixtures = Fixtures::all();
    for switches in ["-ano", "-no", "-anop tcp", "-anop udpv6"] {
        let (netlink, files) = both(switches, without_netlink);
        assert!(!netlink.is_empty());
        assert_same(&files, &without_scope(&netlink), "sock_diag");
    }
    fixtures.assert_all_in(&table_of(&mut rnetstat("-an")));
}

#[test]
fn proc_net_replaces_sock_diag_after_any_error() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _fixtures = Fixtures::all();
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
fn without_netlink_and_proc_the_status_is_2() {
    let Some(_namespace) = Namespace::enter() else { return };
    for switches in ["-ano", "--json", "--summary", "-c"] {
        let output = without_netlink(without_proc(&mut rnetstat(switches))).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{switches}: {stderr}");
        assert!(
            stderr.lines().all(|line| line.starts_with("rnetstat: the ") && line.contains(" cannot be read: sock_diag: ")),
            "{stderr}"
        );
        assert!(stderr.contains("/proc/self/net/tcp: No such file"), "{stderr}");
    }
}

#[test]
fn with_ipv6_disabled_ipv4_rows_are_complete() {
    let Some(_namespace) = Namespace::enter() else { return };
    // The file is that of the namespace of the thread that opens it.
    std::fs::write("/proc/thread-self/../../../sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
    let socket = crate::support::fixtures::listener("127.0.0.1:0".parse().unwrap());
    let rows = table_of(&mut rnetstat("-ano"));
    let theirs = proc_fs::owned_rows(index_of(LINK));
    assert_eq!(rows.len(), 1);
    assert_same(&rows, &theirs, "/proc");
    drop(socket);
}

#[test]
fn rows_that_proc_net_lacks_are_reported_at_a_terminal() {
    let Some(_namespace) = Namespace::enter() else { return };
    let (table, stderr, status) = with_terminal_for_stderr(without_netlink(&mut rnetstat("-anq")));
    assert_eq!((table.lines().count(), status), (4, Some(0)));
    assert!(stderr.contains("BOUND"), "{stderr}");
}
