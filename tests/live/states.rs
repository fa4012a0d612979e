//! Rows of every state and every kind of address, compared with `ss`, `/proc` and psutil.

use crate::support::fixtures::{Fixtures, bound, listener, local, new_socket};
use crate::support::namespace::{LINK, Namespace, index_of};
use crate::support::program::{OwnersFrom, rnetstat, rnetstat_with_owners_from, table_of};
use crate::support::row::{Row, assert_same};
use crate::support::skip::{python_with, skipped};
use crate::support::wait::{stable_snapshot, with_background};
use crate::support::{proc_fs, ss};
use socket2::Protocol;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

/// What rnetstat prints; both sources of owners have to give the same table.
fn with_both_sources<T: Ord>(reference: impl FnMut() -> Vec<T>, switches: &str) -> (Vec<Row>, Vec<T>) {
    let by = |source| table_of(&mut rnetstat_with_owners_from(source, switches));
    let (theirs, [proc, bpf]) = stable_snapshot(reference, || OwnersFrom::ALL.map(by));
    assert_eq!(proc, bpf, "owners from proc and from bpf");
    (proc, theirs)
}

/// Removes from rnetstat's rows those that the other programs do not list; all of them have to be there.
fn remove_bound(ours: &mut Vec<Row>, fixtures: &Fixtures) {
    if !kernel_lists_bound_sockets() {
        skipped::<()>("the rows of bound sockets: this kernel does not list them (6.8 does)");
        return;
    }
    for row in &fixtures.bound {
        match ours.iter().position(|other| other == row) {
            Some(place) => drop(ours.swap_remove(place)),
            None => panic!("{row:?} is not in {ours:#?}"),
        }
    }
}

fn kernel_lists_bound_sockets() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.trim().parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(8))
}

#[test]
fn every_row_and_owner_equals_ss() {
    let Some(_namespace) = Namespace::enter() else { return };
    let fixtures = Fixtures::all();
    if ss::rows().is_none() {
        return;
    }
    let (mut ours, theirs) = with_both_sources(|| ss::rows().unwrap(), "-anoq");
    fixtures.assert_all_in(&ours);
    remove_bound(&mut ours, &fixtures);
    assert_same(&ours, &theirs, "ss -tuanpe");
}

#[test]
fn every_row_and_owner_equals_proc() {
    let Some(_namespace) = Namespace::enter() else { return };
    let fixtures = Fixtures::all();
    let link = index_of(LINK);
    let (mut ours, theirs) = with_both_sources(|| proc_fs::owned_rows(link), "-anoq");
    fixtures.assert_all_in(&ours);
    remove_bound(&mut ours, &fixtures);
    assert_same(&ours, &theirs, "/proc");
}

#[test]
fn protocol_switches_select_rows() {
    let Some(_namespace) = Namespace::enter() else { return };
    let fixtures = Fixtures::all();
    let link = index_of(LINK);
    let ipv6 = |row: &Row| row.local.starts_with('[');
    type Keep<'a> = &'a dyn Fn(&Row) -> bool;
    let cases: [(&str, Keep<'_>); 9] = [
        ("-an", &|_| true),
        ("-n", &|row| row.protocol == "TCP" && row.state != "LISTENING"),
        ("-anp tcp", &|row| row.protocol == "TCP" && !ipv6(row)),
        ("-anp TCPv6", &|row| row.protocol == "TCP" && ipv6(row)),
        ("-anp udp", &|row| row.protocol == "UDP" && !ipv6(row)),
        ("-anp udpv6", &|row| row.protocol == "UDP" && ipv6(row)),
        ("-np tcpv6", &|row| row.protocol == "TCP" && ipv6(row) && row.state != "LISTENING"),
        ("-np udp", &|_| false),
        ("-nqp udpv6", &|row| row.protocol == "UDP" && ipv6(row)),
    ];
    let print = || cases.map(|(switches, _)| table_of(&mut rnetstat(switches)));
    let (theirs, ours) = stable_snapshot(|| proc_fs::rows(link), print);
    let theirs: Vec<Row> = theirs.into_iter().map(|(row, _)| row).collect();
    for ((switches, keep), ours) in cases.into_iter().zip(ours) {
        let chosen: Vec<Row> = theirs.iter().filter(|row| keep(row)).cloned().collect();
        assert_same(&ours, &chosen, &format!("/proc, as {switches} chooses"));
    }
    drop(fixtures);
}

#[test]
fn every_row_and_owner_equals_psutil() {
    let Some(_namespace) = Namespace::enter() else { return };
    let Some(python) = python_with("psutil") else {
        skipped::<()>("psutil (Debian package python3-psutil) is not installed");
        return;
    };
    let fixtures = Fixtures::all();
    let (mut ours, theirs) = with_both_sources(|| psutil(python), "-anoq");
    remove_bound(&mut ours, &fixtures);
    // psutil shows a set, without scopes, and one row for identical sockets without an owner.
    let ours: BTreeSet<_> = ours.iter().map(Row::in_psutil_words).collect();
    let theirs: BTreeSet<_> = theirs.into_iter().collect();
    let only_psutil: Vec<_> = theirs.difference(&ours).collect();
    let only_rnetstat: Vec<_> = ours.difference(&theirs).collect();
    assert!(
        only_psutil.is_empty() && only_rnetstat.is_empty(),
        "only psutil has {only_psutil:#?}, only rnetstat {only_rnetstat:#?}"
    );
}

impl Row {
    /// The row in the form in which the script prints those of psutil.
    fn in_psutil_words(&self) -> String {
        let scope = format!("%{}]", index_of(LINK));
        let plain = |endpoint: &str| endpoint.replace(&scope, "]");
        let remote = if self.remote == "*:*" || self.remote.ends_with(":0") { "-".to_owned() } else { plain(&self.remote) };
        format!("{} {} {remote} {} {}", self.protocol, plain(&self.local), self.state, self.owner)
    }
}

/// A Python with psutil: the system's may have it if the first one in the search path does not.
/// Every connection that psutil lists.
fn psutil(python: &str) -> Vec<String> {
    const SCRIPT: &str = r#"
import ipaddress, psutil, socket
STATES = {"LISTEN": "LISTENING", "SYN_RECV": "SYN_RECEIVED", "FIN_WAIT1": "FIN_WAIT_1", "FIN_WAIT2": "FIN_WAIT_2", "NONE": ""}
def endpoint(pair):
    if not pair:
        return "-"
    address = ipaddress.ip_address(pair[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return f"[{address}]:{pair[1]}" if address.version == 6 else f"{address}:{pair[1]}"
for c in psutil.net_connections("inet"):
    protocol = "TCP" if c.type == socket.SOCK_STREAM else "UDP"
    print(protocol, endpoint(c.laddr), endpoint(c.raddr), STATES.get(c.status, c.status), c.pid or 0)
"#;
    let output = Command::new(python).args(["-c", SCRIPT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn long_lived_sockets_are_shown_once_while_others_come_and_go() {
    const LONG_LIVED: usize = 400;
    let Some(_namespace) = Namespace::enter() else { return };
    let localhost = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut long_lived = Vec::new();
    for number in 0..LONG_LIVED {
        long_lived.push(if number % 2 == 0 { listener(localhost) } else { bound(localhost, Protocol::UDP) });
    }
    let server = listener(localhost);
    let address = local(&server);
    let mut expected: Vec<Row> = long_lived.iter().map(row_of_own).collect();
    expected.push(row_of_own(&server));
    let connect_and_close = || {
        let client = new_socket(address, Protocol::TCP);
        client.connect(&address.into()).unwrap();
        let (accepted, _) = server.accept().unwrap();
        // A reset leaves no TIME_WAIT behind: the ports would run out.
        accepted.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(bound(localhost, Protocol::UDP));
    };
    let runs: Vec<Vec<Row>> = with_background(connect_and_close, || (0..20).map(|_| table_of(&mut rnetstat("-ano"))).collect());
    // A connection that was closed after its row was read has no owner.
    let owners = ["0", proc_fs::no_owner_found(), &std::process::id().to_string()];
    for mut rows in runs {
        for row in &expected {
            let place = rows.iter().position(|other| other == row);
            rows.swap_remove(place.unwrap_or_else(|| panic!("{row:?} is missing")));
        }
        for row in rows {
            assert!(!expected.contains(&row), "{row:?} is shown twice");
            assert!(owners.contains(&row.owner.as_str()), "{row:?}");
        }
    }
}

fn row_of_own(socket: &socket2::Socket) -> Row {
    let tcp = socket.is_listener().unwrap();
    Row {
        protocol: if tcp { "TCP" } else { "UDP" }.to_owned(),
        local: local(socket).to_string(),
        remote: if tcp { "0.0.0.0:0" } else { "*:*" }.to_owned(),
        state: if tcp { "LISTENING" } else { "" }.to_owned(),
        owner: std::process::id().to_string(),
    }
}

#[test]
fn each_of_thousands_of_sockets_is_shown_once() {
    const CONNECTIONS: usize = 4000;
    let Some(_namespace) = Namespace::enter() else { return };
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    if limit.maximum.is_some_and(|most| most < 4 * CONNECTIONS as u64) {
        skipped::<()>("too few open files are allowed (ulimit -Hn)");
        return;
    }
    let server = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    // A dual-stack server, so that both tables of the kernel are full.
    let dual = listener("[::]:0".parse().unwrap());
    let mut open = Vec::new();
    let mut expected =
        vec![(local(&server).to_string(), "0.0.0.0:0".to_owned()), (local(&dual).to_string(), "[::]:0".to_owned())];
    for number in 0..CONNECTIONS {
        let server = if number % 4 == 0 { &dual } else { &server };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, local(server).port()));
        let client = new_socket(address, Protocol::TCP);
        client.connect(&address.into()).unwrap();
        let (accepted, _) = server.accept().unwrap();
        let (near, far) = (local(&client).to_string(), address.to_string());
        expected.extend([(near.clone(), far.clone()), (far, near)]);
        open.extend([client, accepted]);
    }
    expected.sort();
    let owner = std::process::id().to_string();
    for source in OwnersFrom::ALL {
        let rows = table_of(&mut rnetstat_with_owners_from(source, "-ano"));
        assert!(rows.iter().all(|row| row.owner == owner));
        let mut shown: Vec<_> = rows.into_iter().map(|row| (row.local, row.remote)).collect();
        shown.sort();
        // Not assert_eq!, which would print all of them.
        assert!(shown == expected, "{source:?}: {} rows instead of {}", shown.len(), expected.len());
    }
}
