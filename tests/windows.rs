//! The program on a real Windows, beside the system's own programs: `netstat`, `route print` and PowerShell's
//! `Get-NetTCPConnection`, `Get-NetUDPEndpoint` and `Get-NetIPAddress`.
//!
//! A machine never stands still, so each comparison reads twice: what one program prints before and after the other has to
//! stand in what the other prints in between. Under Wine, which has none of these programs, the comparisons are skipped.
#![cfg(windows)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use socket2::{Domain, SockAddr, Socket, Type};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use support::command::{PROGRAM, print, run_line, stderr, stdout};
use support::skip::skipped;
use support::wait;

/// Set for a copy of this test program that only holds a listener.
const HOLD: &str = "RNETSTAT_TEST_HOLDS_A_LISTENER";

/// Whether this is a real Windows.
fn real_windows() -> bool {
    let root = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    !root.join(r"system32\winecfg.exe").exists() || skipped::<()>("Wine has no programs to compare with").is_some()
}

/// What a program of the system prints; it has to succeed.
#[track_caller]
fn system(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} {arguments:?} cannot be started: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}: {text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[track_caller]
fn powershell(script: &str) -> Vec<String> {
    let text = system("powershell.exe", &["-NoProfile", "-NonInteractive", "-Command", script]);
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn ours(line: &str) -> String {
    print(&line.split_ascii_whitespace().collect::<Vec<_>>()).replace('\r', "")
}

/// The rows of a table of sockets.
fn rows(text: &str) -> BTreeSet<String> {
    let is_row = |line: &&str| line.starts_with("  TCP") || line.starts_with("  UDP");
    text.lines().map(|line| line.trim_end_matches('\r')).filter(is_row).map(str::to_owned).collect()
}

/// Reads both alternately: what stands in two reads of one has to stand in the read of the other between them.
#[track_caller]
fn assert_agree(what: &str, mut first: impl FnMut() -> BTreeSet<String>, mut second: impl FnMut() -> BTreeSet<String>) {
    let (a, b, c, d) = (first(), second(), first(), second());
    for (name, before, between, after) in [("rnetstat", &a, &b, &c), ("the system's program", &b, &c, &d)] {
        let stable: BTreeSet<_> = before.intersection(after).collect();
        assert!(!stable.is_empty(), "{what}: {name} prints nothing twice:\n{before:#?}\n{after:#?}");
        let missing: Vec<_> = stable.iter().filter(|row| !between.contains(**row)).collect();
        let others: Vec<_> = between.difference(before).collect();
        assert!(missing.is_empty(), "{what}: only {name} prints {missing:#?}; only the other prints {others:#?}");
    }
}

/// Sockets of this process in several states, so that there is something of each kind to compare.
struct Held {
    _sockets: (TcpListener, TcpStream, TcpStream, UdpSocket, Option<TcpListener>, Option<UdpSocket>, Socket),
    port: u16,
    bound: u16,
}

fn hold() -> Held {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let bound_port = bound.local_addr().unwrap().as_socket().unwrap().port();
    let ipv6 = (TcpListener::bind("[::1]:0").ok(), UdpSocket::bind("[::1]:0").ok());
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    Held { _sockets: (listener, client, server, datagrams, ipv6.0, ipv6.1, bound), port, bound: bound_port }
}

#[test]
fn the_rows_of_netstat_ano_are_equal_byte_for_byte() {
    if !real_windows() {
        return;
    }
    let _held = hold();
    assert_agree("-ano", || rows(&ours("-ano")), || rows(&system("netstat", &["-ano"])));
    assert_agree("-an", || rows(&ours("-an")), || rows(&system("netstat", &["-an"])));
    let order = |text: &str| text.lines().take(4).map(|line| line.trim_end_matches('\r').to_owned()).collect::<Vec<_>>();
    assert_eq!(order(&ours("-ano")), order(&system("netstat", &["-ano"])), "the heading");
}

#[test]
fn bound_ports_are_those_of_netstat_q() {
    if !real_windows() {
        return;
    }
    let held = hold();
    let text = ours("-anoq");
    let row = format!("127.0.0.1:{}", held.bound);
    assert!(rows(&text).iter().any(|line| line.contains(&row) && line.contains("BOUND")), "no BOUND row for {row}:\n{text}");
    assert_agree("-anoq", || rows(&text_of_bound(&ours("-anoq"))), || rows(&text_of_bound(&system("netstat", &["-anoq"]))));
}

fn text_of_bound(text: &str) -> String {
    text.lines().filter(|line| line.contains("BOUND")).map(|line| format!("{line}\n")).collect()
}

/// `tcp 127.0.0.1 50000 127.0.0.1 135 900`: the words that both PowerShell and our CSV have.
#[test]
fn the_sockets_are_those_of_powershells_cmdlets() {
    if !real_windows() {
        return;
    }
    let _held = hold();
    const COLUMNS: &str = "--columns protocol,local_address,local_port,remote_address,remote_port,pid";
    let without_scope = |address: &str| address.split('%').next().unwrap_or_default().to_owned();
    let ours_tcp = || -> BTreeSet<String> {
        let text = ours(&format!("-ano --format csv --no-header {COLUMNS} --state !BOUND"));
        let tcp = text.lines().filter(|line| line.starts_with("tcp,"));
        tcp.map(|line| line.split(',').map(&without_scope).collect::<Vec<_>>().join(" ")).collect()
    };
    // TIME_WAIT has PID 0 there, and no owner here; a listener has a wildcard as its peer there, and no peer here.
    let theirs_tcp = || -> BTreeSet<String> {
        let script = "Get-NetTCPConnection | Where-Object State -ne Bound | ForEach-Object { \
                      $o = if ($_.OwningProcess) { $_.OwningProcess } else { '' }; \
                      $a, $p = if ($_.State -eq 'Listen') { '', '' } else { $_.RemoteAddress, $_.RemotePort }; \
                      'tcp {0} {1} {2} {3} {4}' -f $_.LocalAddress, $_.LocalPort, $a, $p, $o }";
        powershell(script).iter().map(|line| line.split(' ').map(&without_scope).collect::<Vec<_>>().join(" ")).collect()
    };
    let trimmed = |rows: BTreeSet<String>| rows.into_iter().map(|row| row.trim_end().to_owned()).collect::<BTreeSet<_>>();
    assert_agree("Get-NetTCPConnection", || trimmed(ours_tcp()), || trimmed(theirs_tcp()));

    let ours_udp = || -> BTreeSet<String> {
        let text = ours("-ano --format csv --no-header --columns protocol,local_address,local_port,pid");
        let udp = text.lines().filter(|line| line.starts_with("udp,"));
        udp.map(|line| line.split(',').map(&without_scope).collect::<Vec<_>>().join(" ")).collect()
    };
    let theirs_udp = || -> BTreeSet<String> {
        let script =
            "Get-NetUDPEndpoint | ForEach-Object { 'udp {0} {1} {2}' -f $_.LocalAddress, $_.LocalPort, $_.OwningProcess }";
        powershell(script).iter().map(|line| line.split(' ').map(&without_scope).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_agree("Get-NetUDPEndpoint", ours_udp, theirs_udp);
}

/// The lines under the row of a listener.
fn under(text: &str, local: &str) -> Vec<String> {
    let mut lines = text.lines().skip_while(|line| !(line.contains(local) && line.contains("LISTENING"))).skip(1);
    let is_owner = |line: &&str| !line.starts_with("  TCP") && !line.starts_with("  UDP");
    lines.by_ref().take_while(is_owner).map(str::to_owned).collect()
}

#[test]
fn services_and_programs_stand_under_their_rows() {
    if !real_windows() {
        return;
    }
    let text = ours("-anb");
    let endpoint_mapper = under(&text, "0.0.0.0:135 ");
    assert_eq!(endpoint_mapper, ["  RpcSs", " [svchost.exe]"], "under port 135, which the service RpcSs holds:\n{text}");
    let kernel = under(&text, "0.0.0.0:445 ");
    if kernel.is_empty() {
        println!("this machine has no listener of the kernel on port 445");
    } else {
        assert_eq!(kernel, [" Can not obtain ownership information"], "under port 445, which PID 4 holds:\n{text}");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn a_listener_is_held_until_standard_input_ends_if_that_was_asked_for() {
    if std::env::var_os(HOLD).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\nPORT {}", listener.local_addr().unwrap().port());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A copy of this program that holds a listener.
struct Holder {
    child: Child,
    port: String,
}

impl Holder {
    fn start(program: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .args(["--exact", "a_listener_is_held_until_standard_input_ends_if_that_was_asked_for", "--nocapture"])
            .env(HOLD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("PORT ").map(str::to_owned)).expect("the holder names its port");
        // It goes on writing when it ends: the pipe stays open until then.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, port })
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn a_program_in_a_path_of_300_units_has_its_whole_name() {
    // Only a path with this prefix may be longer than 260 units.
    let temporary = std::env::temp_dir().canonicalize().unwrap().join(format!("rnetstat-{}", std::process::id()));
    let folder = ["가", "b", "c"].iter().fold(temporary.clone(), |path, letter| path.join(letter.repeat(100)));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("소켓 보유자.exe");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    match Holder::start(&program) {
        Err(error) => println!("this Windows starts no program from a path of more than 260 units: {error}"),
        Ok(holder) => {
            let text = ours(&format!("-anb --port {}", holder.port));
            assert!(text.contains(" [소켓 보유자.exe]"), "{text}");
            let csv = ours(&format!("--format csv --columns executable --no-header --port {}", holder.port));
            assert!(csv.trim().trim_matches('"').chars().count() > 300, "the path is cut: {csv}");
        }
    }
    let _ = std::fs::remove_dir_all(&temporary);
}

#[test]
fn the_time_in_state_of_a_listener_begins_when_it_was_bound() {
    if !real_windows() {
        return;
    }
    let before = Instant::now();
    let held = hold();
    let text = ours(&format!("-ani --listening --port {}", held.port));
    let row = rows(&text).into_iter().next().unwrap_or_else(|| panic!("no row:\n{text}"));
    let time = row.split_ascii_whitespace().last().unwrap();
    let seconds: f64 = time.trim_end_matches('s').parse().unwrap_or_else(|_| panic!("'{time}' is no time:\n{text}"));
    // The creation time of a row has the resolution of the system's clock.
    let longest = before.elapsed().as_secs_f64() + 1.0;
    assert!((0.0..=longest).contains(&seconds), "{seconds} s, and the listener is younger than {longest} s:\n{text}");
}

/// The lines of a text that have figures: the section, the label and the figures.
fn figures(text: &str) -> Vec<(String, String, Vec<u64>)> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().filter(|word| *word != "=").collect();
        let (figures, label): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.parse::<u64>().is_ok());
        if figures.is_empty() {
            section = label.join(" ");
        } else {
            lines.push((section.clone(), label.join(" "), figures.iter().map(|word| word.parse().unwrap()).collect()));
        }
    }
    lines
}

#[test]
fn the_statistics_lie_between_two_runs_of_netstat_s() {
    if !real_windows() {
        return;
    }
    let (before, between, after) = (system("netstat", &["-s"]), ours("-s"), system("netstat", &["-s"]));
    let (before_figures, our_figures, after_figures) = (figures(&before), figures(&between), figures(&after));
    let labels = |lines: &[(String, String, Vec<u64>)]| -> Vec<String> { lines.iter().map(|line| line.1.clone()).collect() };
    assert_eq!(labels(&our_figures), labels(&before_figures), "{between}\n{before}");
    for ((low, figure), high) in before_figures.iter().zip(&our_figures).zip(&after_figures) {
        // A level goes up and down.
        if figure.1 == "Current Connections" {
            continue;
        }
        for ((low, ours), high) in low.2.iter().zip(&figure.2).zip(&high.2) {
            // The counters of netstat wrap at 32 bits where ours may have more.
            let ours32 = *ours & u64::from(u32::MAX);
            let wrapped = low > high;
            assert!(
                wrapped || (low..=high).contains(&ours) || (low..=high).contains(&&ours32),
                "{}: {} is {ours}, and netstat has {low} before and {high} after",
                figure.0,
                figure.1
            );
        }
    }
}

/// The lines of the routing tables that are routes or interfaces.
fn routes(text: &str) -> BTreeSet<String> {
    let begins = |line: &&str| line.trim_start().starts_with(|first: char| first.is_ascii_digit());
    // Of the persistent routes of IPv6, which `route print` has from an undocumented place, rnetstat says that they are missing.
    let end = text.match_indices("Persistent Routes:").nth(1).map_or(text.len(), |(position, _)| position);
    text[..end].lines().filter(begins).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_routes_are_those_of_route_print() {
    if !real_windows() {
        return;
    }
    let ours = || routes(&stdout(&run_line("-r")));
    assert_agree("route print", ours, || routes(&system("route", &["print"])));
}

#[test]
fn a_connection_in_time_wait_has_pid_0() {
    if !real_windows() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let local = client.local_addr().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    drop(client);
    // The end has arrived when the server has read it; then it closes too, and the client's side waits.
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    drop(server);
    let mut text = String::new();
    wait::until("the connection is in TIME_WAIT", || {
        text = ours("-ano");
        text.lines().any(|line| line.contains(&local.to_string()) && line.contains("TIME_WAIT"))
    });
    let row = text.lines().find(|line| line.contains(&local.to_string()) && line.contains("TIME_WAIT")).unwrap();
    assert_eq!(row.split_ascii_whitespace().last(), Some("0"), "{row}");
}

#[test]
fn a_link_local_socket_has_the_scope_of_its_interface() {
    if !real_windows() {
        return;
    }
    let script = "Get-NetIPAddress -AddressFamily IPv6 -AddressState Preferred | Where-Object IPAddress -like 'fe80*' | \
                  Select-Object -First 1 | ForEach-Object { '{0} {1}' -f $_.IPAddress.Split('%')[0], $_.InterfaceIndex }";
    let found = powershell(script);
    let Some((address, scope)) = found.first().and_then(|line| line.split_once(' ')) else {
        println!("this machine has no link-local address");
        return;
    };
    let address: Ipv6Addr = address.parse().unwrap();
    let socket = UdpSocket::bind(SocketAddrV6::new(address, 0, 0, scope.parse().unwrap())).unwrap();
    let expected = format!("[{address}%{scope}]:{}", socket.local_addr().unwrap().port());
    let text = ours("-ano -p UDPv6");
    assert!(text.contains(&expected), "no {expected} in\n{text}");
    let filtered = ours(&format!("-ano --local {address}%{scope}"));
    assert!(filtered.contains(&expected), "no {expected} in\n{filtered}");
}

#[test]
fn a_restricted_token_sees_the_names_of_all_programs() {
    if !real_windows() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("rnetstat-restricted-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (script, done) = (folder.join("run.cmd"), folder.join("done"));
    let lines = format!(
        "@\"{PROGRAM}\" -anb > \"{0}\\out\" 2> \"{0}\\err\"\r\n@echo %errorlevel% > \"{0}\\status\"\r\n@echo done > \"{1}\"\r\n",
        folder.display(),
        done.display()
    );
    std::fs::write(&script, lines).unwrap();
    // The trust level of a basic user: the token has no administrator's rights.
    let started = Command::new("runas").arg("/trustlevel:0x20000").arg(&script).stdin(Stdio::null()).output();
    match started {
        Ok(output) if output.status.success() => {}
        other => {
            println!("runas /trustlevel is not to be had here: {other:?}");
            return;
        }
    }
    wait::until("the restricted program has ended", || done.exists());
    let read = |name: &str| String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap_or_default()).replace('\r', "");
    let (out, err, status) = (read("out"), read("err"), read("status"));
    assert_eq!((status.trim(), err.as_str()), ("0", ""), "{out}");
    let owners = under(&out, "0.0.0.0:135 ");
    assert_eq!(owners.last().map(String::as_str), Some(" [svchost.exe]"), "under port 135: {owners:?}\n{out}");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn hidden_owners_are_reported_only_if_a_filter_needs_them() {
    let held = hold();
    let output = run_line(&format!("-anb --pid {} --port {}", std::process::id(), held.port));
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)), "what this process holds is not hidden");
}
