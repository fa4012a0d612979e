//! Filters compared with the same filters in the language of `ss`; filters and orders by owner, which `ss` lacks.

use crate::support::fixtures::{bound, listener, local, new_socket};
use crate::support::namespace::{Namespace, ip};
use crate::support::program::{rnetstat, table_of};
use crate::support::row::{Row, assert_same, parse};
use crate::support::skip::have_or_skip;
use crate::support::ss;
use crate::support::wait::until;
use socket2::{Protocol, Socket};
use std::io::Read;
use std::net::SocketAddr;
use std::process::Command;

/// Sockets of every kind that filters distinguish, with fixed addresses and ports; none of them changes.
fn open_sockets() -> Vec<Socket> {
    for address in ["10.0.0.1/8", "192.0.2.1/24", "2001:db8::1/64 nodad", "2001:db8:1::1/64 nodad"] {
        let (address, nodad) = address.split_once(' ').map_or((address, ""), |(address, nodad)| (address, nodad));
        ip(format!("address add {address} dev lo {nodad}").trim_end());
    }
    let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
    // The kernel adds the routes of new addresses a moment later.
    let retry = |what: &str, act: &dyn Fn() -> std::io::Result<()>| until(what, || act().is_ok());
    let servers = ["0.0.0.0:8080", "10.0.0.1:8081", "[::]:8090", "[2001:db8::1]:443", "127.0.0.1:22"].map(address);
    let mut open = Vec::new();
    for server in servers {
        retry("an address can be bound", &|| new_socket(server, Protocol::TCP).bind(&server.into()));
        open.push(listener(server));
    }
    // The IPv6 listener also takes IPv4 flows, which are mapped.
    for target in ["10.0.0.1:8080", "192.0.2.1:8080", "10.0.0.1:8081", "[2001:db8::1]:443", "[::1]:8090", "192.0.2.1:8090"] {
        let target = address(target);
        let server = open[..servers.len()].iter().position(|server| local(server).port() == target.port()).unwrap();
        for closed in [false, true] {
            let client = new_socket(target, Protocol::TCP);
            retry("a server can be reached", &|| client.connect(&target.into()));
            let (mut accepted, _) = open[server].accept().unwrap();
            if closed {
                // Both ends are closed, the client first, which then stays in TIME_WAIT.
                drop(client);
                assert_eq!(accepted.read(&mut [0]).unwrap(), 0);
            } else {
                open.extend([client, accepted]);
            }
        }
    }
    for local_address in ["0.0.0.0:53", "10.0.0.1:8080", "[::]:5353", "[::1]:8085", "192.0.2.1:68"] {
        open.push(bound(address(local_address), Protocol::UDP));
    }
    open.last().unwrap().connect(&address("10.0.0.1:8080").into()).unwrap();
    open.push(bound(address("127.0.0.1:8099"), Protocol::TCP));
    open
}

/// Enters a namespace with these sockets.
fn enter() -> Option<(Namespace, Vec<Socket>)> {
    let namespace = Namespace::enter()?;
    let sockets = open_sockets();
    let time_wait = || table_of(&mut rnetstat("-an")).iter().filter(|row| row.state == "TIME_WAIT").count();
    until("six connections are in TIME_WAIT", || time_wait() == 6);
    Some((namespace, sockets))
}

/// The rows that a filter shows; the status has to be 1 if there are none.
fn filtered(filter: &str, switches: &str) -> Vec<Row> {
    let output = rnetstat(&format!("{switches} {filter}")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{filter}");
    let rows = parse(&String::from_utf8(output.stdout).unwrap(), false);
    assert_eq!(output.status.code(), Some(i32::from(rows.is_empty())), "{filter}");
    rows
}

/// The rows that `ss` finds.
fn found_by_ss(expression: &str) -> Vec<Row> {
    let output = Command::new("ss").arg("-Htuan").args(expression.split(' ')).output().unwrap();
    assert!(output.status.success(), "ss {expression}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| ss::row(line).anonymous()).collect()
}

/// A filter in rnetstat's words, in those of `ss`, and how many rows there are.
const FILTERS: [(&str, &str, usize); 17] = [
    ("--port 8080", "sport = :8080", 4),
    (":8080", "sport = :8080", 4),
    (":8080-8099 -q", "sport >= :8080 and sport <= :8099", 10),
    ("--port 443,8081 --port domain", "( sport = :443 or sport = :8081 or sport = :53 )", 5),
    ("--port !8080", "sport != :8080", 24),
    ("--port 8000-9000,!8080-8085", "( sport >= :8000 and sport <= :9000 and ( sport < :8080 or sport > :8085 ) )", 3),
    ("--remote-port 8080", "dport = :8080", 5),
    ("--any-port 8080", "( sport = :8080 or dport = :8080 )", 9),
    ("--any-port !8080", "sport != :8080 and dport != :8080", 19),
    ("--remote 10.0.0.0/8", "dst 10.0.0.0/8", 7),
    ("--local 192.0.2.1", "src 192.0.2.1", 7),
    ("--local 2001:db8::/64", "src 2001:db8::/64", 4),
    ("--remote !127.0.0.0/8,!10.0.0.0/8", "not dst 127.0.0.0/8 and not dst 10.0.0.0/8", 21),
    ("--local 10.0.0.0/8,2001:db8::1", "( src 10.0.0.0/8 or src [2001:db8::1] )", 12),
    ("--port 8080 --remote 192.0.2.0/24", "sport = :8080 and dst 192.0.2.0/24", 1),
    ("--port 1", "sport = :1", 0),
    ("--local 203.0.113.0/24", "src 203.0.113.0/24", 0),
];

#[test]
fn filters_select_the_rows_that_ss_selects() {
    let Some((_namespace, _sockets)) = enter() else { return };
    if !have_or_skip("ss", "iproute2") {
        return;
    }
    for (filter, expression, count) in FILTERS {
        let theirs = found_by_ss(expression);
        let mut ours = filtered(filter, "-an");
        ours.retain(|row| row.state != "BOUND");
        assert_same(&ours, &theirs, &format!("ss {expression}"));
        assert_eq!(ours.len(), count, "{filter}");
    }
}

/// Every socket here is held by this process, but for those in TIME_WAIT, which have no owner.
#[test]
fn owner_and_user_filters_select_their_sockets() {
    let Some((_namespace, _sockets)) = enter() else { return };
    let (unowned, owned): (Vec<Row>, Vec<Row>) = filtered("", "-an").into_iter().partition(|row| row.state == "TIME_WAIT");
    let own = std::process::id().to_string();
    let name = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_uppercase();
    for (switch, value) in [
        ("--pid", own.as_str()),
        ("--process", "live*"),
        ("--process", name.as_str()),
        ("--user", "root"),
        ("--user", "0"),
        ("--user", "0,daemon"),
    ] {
        assert_eq!(filtered(&format!("{switch} {value}"), "-an"), owned, "{switch} {value}");
        let inverse = value.replace(',', ",!");
        assert_eq!(filtered(&format!("{switch} !{inverse}"), "-an"), unowned, "{switch} !{inverse}");
    }
    for filter in ["--pid 1", "--process live", "--user daemon"] {
        assert_eq!(filtered(filter, "-an"), [], "{filter}");
    }
}

#[test]
fn sort_orders_rows_by_its_keys() {
    let Some((_namespace, _sockets)) = enter() else { return };
    let ports = |keys: &str| -> Vec<u16> {
        let rows = filtered(&format!("--listening --sort {keys}"), "-n");
        rows.iter().map(|row| row.local.rsplit_once(':').unwrap().1.parse().unwrap()).collect()
    };
    assert_eq!(ports("local-port"), [22, 53, 443, 5353, 8080, 8080, 8081, 8085, 8090]);
    assert_eq!(ports("-protocol,-local-port"), [8085, 8080, 5353, 53, 8090, 8081, 8080, 443, 22]);
    // All have the same user: Windows' order decides.
    assert_eq!(ports("-user"), [8080, 8081, 22, 8090, 443, 53, 8080, 5353, 8085]);
}
