//! Filters on real sockets, in a network namespace of their own: rnetstat with a filter against rnetstat without one,
//! filtered here, and against `ss` with the filter in its language.

#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::unwrap_used)]

use rustix::net::{AddressFamily, SocketType};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const INSIDE: &str = "RNETSTAT_TEST_INSIDE";

/// A row as both programs can tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    protocol: String,
    local: (Option<IpAddr>, u16),
    remote: (Option<IpAddr>, u16),
    /// rnetstat's word; ss has words of its own.
    state: String,
}

impl Row {
    fn without_state(&self) -> Self {
        Self { state: String::new(), ..self.clone() }
    }
}

/// `10.0.0.1:80`, `[::1%2]:80`, `*:80`, `0.0.0.0:*`. The wildcard of either family, which `ss` does not tell apart, is none.
fn endpoint(text: &str) -> (Option<IpAddr>, u16) {
    let (address, port) = text.rsplit_once(':').unwrap();
    let address = address.trim_matches(['[', ']']).split('%').next().unwrap();
    let address: Option<IpAddr> = if address == "*" { None } else { Some(address.parse().unwrap()) };
    let address = address.map(|address| address.to_canonical()).filter(|address| !address.is_unspecified());
    (address, if port == "*" { 0 } else { port.parse().unwrap() })
}

fn output(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn rnetstat(arguments: &[&str]) -> (Vec<Row>, Option<i32>) {
    let output = output(env!("CARGO_BIN_EXE_rnetstat"), arguments);
    assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<Row> = text
        .lines()
        .skip(4)
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let state = words.get(3).filter(|word| word.starts_with(char::is_alphabetic)).copied().unwrap_or_default();
            Row {
                protocol: words[0].to_lowercase(),
                local: endpoint(words[1]),
                remote: endpoint(words[2]),
                state: state.to_owned(),
            }
        })
        .collect();
    rows.sort();
    (rows, output.status.code())
}

fn ss(expression: &str) -> Vec<Row> {
    let mut arguments = vec!["-Htuan"];
    arguments.extend(expression.split_whitespace());
    let text = String::from_utf8(output("ss", &arguments).stdout).unwrap();
    let mut rows: Vec<Row> = text
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            Row { protocol: words[0].to_owned(), local: endpoint(words[4]), remote: endpoint(words[5]), state: String::new() }
        })
        .collect();
    rows.sort();
    rows
}

/// The kernel adds the routes of new addresses a moment later.
fn patiently<T>(attempt: impl Fn() -> std::io::Result<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) if Instant::now() > deadline => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Sockets of every kind that a filter can tell from another.
struct Sockets {
    _tcp: Vec<TcpListener>,
    _streams: Vec<TcpStream>,
    _udp: Vec<UdpSocket>,
    _bound: OwnedFd,
}

fn open_sockets() -> Sockets {
    let ipv4 = ["10.0.0.1/8", "192.0.2.1/24"].map(|address| vec!["address", "add", address, "dev", "lo"]);
    let ipv6 = ["2001:db8::1/64", "2001:db8:1::1/64"].map(|address| vec!["address", "add", address, "dev", "lo", "nodad"]);
    let setup = [vec!["link", "set", "lo", "up"]].into_iter().chain(ipv4).chain(ipv6);
    for arguments in setup {
        assert!(output("ip", &arguments).status.success(), "ip {arguments:?}");
    }
    let listeners = ["0.0.0.0:8080", "10.0.0.1:8081", "[::]:8090", "[2001:db8::1]:443", "127.0.0.1:22"];
    let tcp: Vec<TcpListener> = listeners.iter().map(|address| patiently(|| TcpListener::bind(address))).collect();
    // The IPv6 listener also takes IPv4 flows, which are mapped.
    let calls = ["10.0.0.1:8080", "192.0.2.1:8080", "10.0.0.1:8081", "[2001:db8::1]:443", "[::1]:8090", "192.0.2.1:8090"];
    let mut streams = Vec::new();
    for address in calls {
        let address: SocketAddr = address.parse().unwrap();
        let listener = tcp.iter().find(|listener| listener.local_addr().unwrap().port() == address.port()).unwrap();
        for closed in [false, true] {
            let caller = patiently(|| TcpStream::connect(address));
            let (called, _) = listener.accept().unwrap();
            if closed {
                // Both ends are closed, the caller first, which then waits out the time.
                drop(caller);
                assert_eq!(std::io::Read::read(&mut &called, &mut [0]).unwrap(), 0);
            } else {
                streams.extend([caller, called]);
            }
        }
    }
    let udp: Vec<UdpSocket> = ["0.0.0.0:53", "10.0.0.1:8080", "[::]:5353", "[::1]:8085", "192.0.2.1:68"]
        .iter()
        .map(|address| patiently(|| UdpSocket::bind(address)))
        .collect();
    udp[4].connect("10.0.0.1:8080").unwrap();
    let bound = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&bound, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8099)).unwrap();
    Sockets { _tcp: tcp, _streams: streams, _udp: udp, _bound: bound }
}

fn lies_in(address: Option<IpAddr>, start: &str) -> bool {
    address.is_some_and(|address| address.to_string().starts_with(start))
}

type Meaning = fn(&Row) -> bool;

/// A filter in rnetstat's words, in those of `ss`, and what it means.
const FILTERS: [(&[&str], Option<&str>, Meaning); 24] = [
    (&["--port", "8080"], Some("sport = :8080"), |row| row.local.1 == 8080),
    (&[":8080"], Some("sport = :8080"), |row| row.local.1 == 8080),
    (&[":8080-8099", "-q"], Some("sport >= :8080 and sport <= :8099"), |row| (8080..=8099).contains(&row.local.1)),
    (&["--port", "443,8081", "--port", "domain"], Some("( sport = :443 or sport = :8081 or sport = :53 )"), |row| {
        [443, 8081, 53].contains(&row.local.1)
    }),
    (&["--port", "!8080"], Some("sport != :8080"), |row| row.local.1 != 8080),
    (&["--port", "8000-9000,!8080-8085"], None, |row| {
        (8086..=9000).contains(&row.local.1) || (8000..8080).contains(&row.local.1)
    }),
    (&["--remote-port", "8080"], Some("dport = :8080"), |row| row.remote.1 == 8080),
    (&["--any-port", "8080"], Some("( sport = :8080 or dport = :8080 )"), |row| row.local.1 == 8080 || row.remote.1 == 8080),
    (&["--any-port", "!8080"], Some("sport != :8080 and dport != :8080"), |row| row.local.1 != 8080 && row.remote.1 != 8080),
    (&["--remote", "10.0.0.0/8"], Some("dst 10.0.0.0/8"), |row| lies_in(row.remote.0, "10.")),
    (&["--local", "192.0.2.1"], Some("src 192.0.2.1"), |row| lies_in(row.local.0, "192.0.2.1")),
    (&["--local", "2001:db8::/64"], Some("src 2001:db8::/64"), |row| lies_in(row.local.0, "2001:db8::")),
    (&["--remote", "!127.0.0.0/8,!10.0.0.0/8"], Some("not dst 127.0.0.0/8 and not dst 10.0.0.0/8"), |row| {
        !lies_in(row.remote.0, "127.") && !lies_in(row.remote.0, "10.")
    }),
    (&["--local", "10.0.0.0/8,2001:db8::1"], None, |row| lies_in(row.local.0, "10.") || lies_in(row.local.0, "2001:db8::1")),
    (&["--state", "listening"], None, |row| row.state == "LISTENING"),
    (&["--state", "time-wait,ESTAB"], None, |row| ["TIME_WAIT", "ESTABLISHED"].contains(&row.state.as_str())),
    (&["--state", "!time_wait", "--port", "8090"], None, |row| row.state != "TIME_WAIT" && row.local.1 == 8090),
    (&["--state", "bound"], None, |row| row.state == "BOUND"),
    (&["--listening"], None, |row| row.state == "LISTENING" || row.protocol == "udp" && row.remote.1 == 0),
    (&["--port", "8080", "--remote", "192.0.2.0/24"], Some("sport = :8080 and dst 192.0.2.0/24"), |row| {
        row.local.1 == 8080 && lies_in(row.remote.0, "192.0.2.")
    }),
    (&["--ipv4", "-q", "--remote", "0.0.0.0/0,::/0"], None, |row| {
        row.local.0.is_some_and(|address| address.is_ipv4()) || is_v4_wildcard(row)
    }),
    (&["--ipv6", "-q", "--port", "!0"], None, |row| row.local.0.is_some_and(|address| address.is_ipv6()) || is_v6_wildcard(row)),
    (&["--port", "1"], Some("sport = :1"), |row| row.local.1 == 1),
    (&["--local", "203.0.113.0/24"], Some("src 203.0.113.0/24"), |row| lies_in(row.local.0, "203.0.113.")),
];

fn is_v4_wildcard(row: &Row) -> bool {
    row.local.0.is_none() && [8080, 53].contains(&row.local.1)
}

fn is_v6_wildcard(row: &Row) -> bool {
    row.local.0.is_none() && [8090, 5353].contains(&row.local.1)
}

#[test]
fn filters_find_what_ss_finds_and_what_they_mean() {
    if std::env::var_os(INSIDE).is_none() {
        return in_a_namespace("filters_find_what_ss_finds_and_what_they_mean");
    }
    let _sockets = open_sockets();
    let (everything, _) = rnetstat(&["-qn"]);
    let mut states = BTreeMap::<&str, usize>::new();
    everything.iter().for_each(|row| *states.entry(&row.state).or_default() += 1);
    let expected = [("", 5), ("BOUND", 1), ("ESTABLISHED", 12), ("LISTENING", 5), ("TIME_WAIT", 6)];
    assert_eq!(states, expected.into_iter().collect(), "the sockets are not those that were opened");

    for (arguments, expression, means) in FILTERS {
        let (found, status) = rnetstat(&[&["-n"], arguments].concat());
        let with_bound = arguments.iter().any(|word| ["bound", "-q"].contains(word));
        let in_scope = |row: &&Row| with_bound || row.state != "BOUND";
        let expected: Vec<Row> = everything.iter().filter(in_scope).filter(|row| means(row)).cloned().collect();
        assert_eq!(found, expected, "{arguments:?}");
        assert_eq!(status, Some(i32::from(expected.is_empty())), "{arguments:?}");
        if let Some(expression) = expression {
            let mut found: Vec<Row> = found.iter().filter(|row| row.state != "BOUND").map(Row::without_state).collect();
            found.sort();
            assert_eq!(found, ss(expression), "{arguments:?} is not {expression}");
        }
    }
    owners_and_users(&everything);
    orders();
}

/// Every socket here is this process'; those of nobody are TIME_WAIT.
fn owners_and_users(everything: &[Row]) {
    let own = std::process::id().to_string();
    let name = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_uppercase();
    let owned: Vec<Row> = everything.iter().filter(|row| row.state != "TIME_WAIT" && row.state != "BOUND").cloned().collect();
    let nobodys: Vec<Row> = everything.iter().filter(|row| row.state == "TIME_WAIT").cloned().collect();
    for filter in [
        ["--pid", own.as_str()],
        ["--process", "filters_live*"],
        ["--process", name.as_str()],
        ["--user", "root"],
        ["--user", "0"],
        ["--user", "0,daemon"],
    ] {
        assert_eq!(rnetstat(&["-n", filter[0], filter[1]]), (owned.clone(), Some(0)), "{filter:?}");
        let inverse = format!("!{}", filter[1].replace(',', ",!"));
        assert_eq!(rnetstat(&["-n", filter[0], &inverse]), (nobodys.clone(), Some(0)), "{filter:?}");
    }
    for filter in [["--pid", "1"], ["--process", "filters"], ["--user", "daemon"]] {
        assert_eq!(rnetstat(&["-n", filter[0], filter[1]]), (vec![], Some(1)), "{filter:?}");
    }
}

fn orders() {
    let ports = |keys: &str| -> Vec<u16> {
        let output = output(env!("CARGO_BIN_EXE_rnetstat"), &["-n", "--listening", "--sort", keys]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().skip(4).map(|line| endpoint(line.split_whitespace().nth(1).unwrap()).1).collect()
    };
    assert_eq!(ports("local-port"), [22, 53, 443, 5353, 8080, 8080, 8081, 8085, 8090]);
    assert_eq!(ports("-protocol,-local-port"), [8085, 8080, 5353, 53, 8090, 8081, 8080, 443, 22]);
    // TCP and UDP are alike in every other respect here: Windows' order decides.
    assert_eq!(ports("-user"), [8080, 8081, 22, 8090, 443, 53, 8080, 5353, 8085]);
}

/// Runs the test again with a network of its own.
fn in_a_namespace(test: &str) {
    if !rustix::process::geteuid().is_root() || output("unshare", &["-n", "true"]).status.code() != Some(0) {
        return eprintln!("SKIPPED: {test}: it needs root and network namespaces");
    }
    if Command::new("ss").arg("-V").output().is_err() {
        return eprintln!("SKIPPED: {test}: it needs ss");
    }
    let own = std::env::current_exe().unwrap();
    let inside =
        Command::new("unshare").arg("-n").arg(own).args(["--exact", test, "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let text = [inside.stdout, inside.stderr].concat();
    assert!(inside.status.success(), "{}", String::from_utf8_lossy(&text));
}
