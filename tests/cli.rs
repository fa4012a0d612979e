//! The command line: accepted spellings, help and version, and usage errors.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::process::Output;
use support::command::{run, run_line, stderr, stdout};

/// The heading and the rows of a line that has to succeed.
fn table(line: &str) -> (String, Vec<String>) {
    let output = run_line(line);
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)), "{line}");
    let text = stdout(&output);
    let mut lines = text.lines().map(str::to_owned);
    assert_eq!(lines.by_ref().take(3).collect::<Vec<_>>(), ["", "Active Connections", ""], "{line}");
    (lines.next().unwrap(), lines.collect())
}

fn has_owners(line: &str) -> bool {
    let (heading, rows) = table(line);
    let columns: Vec<&str> = heading.split_ascii_whitespace().collect();
    let owners = columns == ["Proto", "Local", "Address", "Foreign", "Address", "State", "PID"];
    assert!(owners || columns == ["Proto", "Local", "Address", "Foreign", "Address", "State"], "{line}: {heading}");
    assert!(rows.iter().all(|row| row.starts_with("  TCP    ") || row.starts_with("  UDP    ")), "{line}");
    owners
}

/// A listener, a UDP socket and their addresses.
fn sockets() -> (std::net::TcpListener, std::net::UdpSocket, [String; 2]) {
    let (tcp, udp) = (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let endpoints = [tcp.local_addr().unwrap().to_string(), udp.local_addr().unwrap().to_string()];
    (tcp, udp, endpoints)
}

/// Which of the two are in the table of a line.
fn shows(line: &str, [tcp, udp]: &[String; 2]) -> [bool; 2] {
    let (_, rows) = table(line);
    [("TCP", tcp), ("UDP", udp)]
        .map(|(protocol, local)| rows.iter().any(|row| row.split_ascii_whitespace().take(2).eq([protocol, local.as_str()])))
}

#[test]
fn switches_may_be_joined_slashed_repeated_and_in_any_case() {
    for line in [
        "-ano",
        "-aon",
        "-a -n -o",
        "-ANO",
        "-oAn",
        "/ano",
        "/a /n /o",
        "/A -n /O",
        "-anonano",
        "-a -a -ano",
        "--all --numeric --owner",
    ] {
        assert!(has_owners(line), "{line}");
    }
    for line in ["-an", "/AN", "-n -a", "-anq", "-n"] {
        assert!(!has_owners(line), "{line}");
    }
}

#[test]
fn listeners_and_udp_need_the_switch_a_or_q() {
    let (_tcp, _udp, endpoints) = sockets();
    for (line, shown) in [
        ("-an", [true, true]),
        ("-n", [false, false]),
        ("-nq", [true, true]),
        ("-anQ", [true, true]),
        ("-anp tcp", [true, false]),
        ("-anp UDP", [false, true]),
        ("-P Tcp /a /n", [true, false]),
        ("-an -p TCPv6", [false, false]),
        ("-anp udpV6", [false, false]),
        ("-np udp", [false, false]),
        ("-p udp -n -a", [false, true]),
        ("-an --protocol tcp", [true, false]),
        ("-an --protocol=udp", [false, true]),
        // The last one counts.
        ("-p tcp -an -p udp", [false, true]),
    ] {
        assert_eq!(shows(line, &endpoints), shown, "{line}");
    }
}

#[test]
fn an_empty_command_line_shows_the_table() {
    let _sockets = sockets();
    assert!(!has_owners(""));
    assert!(!has_owners("-f"));
    assert!(!has_owners("--name-timeout 0"));
}

#[test]
fn help_prints_every_switch_on_stdout_with_status_0() {
    for line in ["--help", "-h", "-H", "/h", "-?", "/?", "/help", "-HELP", "-an --help", "-ano -?"] {
        let output = run_line(line);
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)), "{line}");
        let help = stdout(&output);
        for switch in ["-a", "-n", "-o", "-p", "-q"] {
            assert!(help.contains(switch), "{line}: {switch} is not in {help}");
        }
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(!help.contains('\u{1b}'));
    }
}

#[test]
fn version_is_the_package_version() {
    for line in ["--version", "-V"] {
        let output = run_line(line);
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)), "{line}");
        assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), [format!("rnetstat {}", env!("CARGO_PKG_VERSION"))]);
    }
}

/// A usage error: a sentence that names the wrong word and a hint on stderr, nothing on stdout, status 2.
#[track_caller]
fn assert_usage_error(output: &Output, named: &str) {
    assert_eq!((stdout(output).as_str(), output.status.code()), ("", Some(2)), "{named}");
    let stderr = stderr(output);
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(lines[0].starts_with("rnetstat: ") && lines[0].contains(named), "{stderr}");
    assert!(!lines[1].is_empty());
    assert!(stderr.chars().all(|character| character == '\n' || !character.is_control()), "{stderr:?}");
}

#[test]
fn usage_errors_name_the_wrong_word() {
    for (line, named) in [
        ("-Z", "-Z"),
        ("-anoz", "'z'"),
        ("/k", "/k"),
        ("--nonsense", "--nonsense"),
        ("-an --nonsense=1", "--nonsense"),
        ("-anp nonsense", "nonsense"),
        ("-anp tcp4x", "tcp4x"),
        ("-an --protocol nonsense", "nonsense"),
        ("-anp icmp", "ICMP"),
        ("-anp IPv6", "IPv6"),
        ("-an stray", "stray"),
        ("-an 1s", "1s"),
        ("-an 0", "'0'"),
        ("-an 86401", "86401"),
        ("-an 99999999999999999999999999", "99999999999999999999999999"),
        ("-an -- -5", "-5"),
        ("-an 1.5", "1.5"),
        ("-an 1 2", "2"),
        ("-an ٣", "٣"),
        ("-an --name-timeout soon", "soon"),
        ("-an --name-timeout 3601", "3601"),
        ("-an --name-timeout NaN", "NaN"),
    ] {
        assert_usage_error(&run_line(line), named);
    }
}

#[test]
fn a_missing_value_is_a_usage_error() {
    assert_usage_error(&run(["--dialect", "windows", "-anp"]), "-p");
    assert_usage_error(&run(["-an", "--protocol"]), "--protocol");
    assert_usage_error(&run(["-an", "-p", ""]), "''");
}

#[test]
fn words_with_control_characters_are_escaped_in_the_error() {
    assert_usage_error(&run([""]), "''");
    assert_usage_error(&run(["-an", ""]), "''");
    assert_usage_error(&run(["-"]), "'-'");
    assert_usage_error(&run(["/"]), "'/'");
    assert_usage_error(&run(["-an", "\u{1b}[2J"]), "[2J");
    assert_usage_error(&run(["-an\u{1b}[2J"]), "u{1b}");
    assert_usage_error(&run(["-anp", "\u{1b}[2J"]), "[2J");
    assert_usage_error(&run(["--\u{1b}[2J"]), "[2J");
    assert_usage_error(&run(["-\u{1b}"]), "u{1b}");
    assert_usage_error(&run(["-an", "a\nb"]), "b");
}

#[cfg(unix)]
#[test]
fn words_that_are_not_utf8_are_usage_errors() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for word in [&b"-an\xff"[..], b"\xff", b"--\xff", b"/\xc3\x28"] {
        assert_usage_error(&run([OsStr::from_bytes(word)]), "UTF-8");
    }
    assert_usage_error(&run([OsStr::new("-anp"), OsStr::from_bytes(b"tcp\xff")]), "");
}
