//! Every output format as programs read it, from real sockets of this host.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use assert_cmd::Command;
use serde_json::Value;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Stdio;
use support::command::{NOTHING_MATCHED, print, run};
use support::skip::skipped;
use support::wait::until;

/// A listener, both ends of a connection to it, and a UDP socket.
struct Sockets {
    listener: TcpListener,
    client: TcpStream,
    _server: TcpStream,
    udp: UdpSocket,
}

impl Sockets {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        // The standard library leaves it inheritable: rnetstat would hold the socket too.
        #[cfg(windows)]
        socket2::SockRef::from(&server).set_no_inherit(true).unwrap();
        Self { listener, client, _server: server, udp: UdpSocket::bind("[::1]:0").unwrap() }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    fn client_port(&self) -> u16 {
        self.client.local_addr().unwrap().port()
    }
}

/// The line ending of this system.
const LINE_END: &str = if cfg!(windows) { "\r\n" } else { "\n" };

/// Whether the system has counters of the protocols: macOS answers with zeros, and rnetstat with status 2.
const HAS_STATISTICS: bool = !cfg!(target_os = "macos");

/// Whether this is Wine, which has neither command lines nor parents of processes.
fn under_wine() -> bool {
    cfg!(windows) && std::env::var_os("WINEPREFIX").is_some()
}

/// Whether a program can be run; if not, what it would test is skipped.
fn is_installed(program: &str) -> bool {
    let runs = std::process::Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    runs || skipped::<()>(&format!("{program} is not installed")).is_some()
}

/// What another program prints for a text on its standard input.
fn through(program: &str, arguments: &[&str], text: &str) -> String {
    let output = Command::new(program).args(arguments).write_stdin(text).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn json_and_ndjson_of_every_view_conform_to_the_schema() {
    let sockets = Sockets::open();
    let schema: Value = serde_json::from_str(&print(&["--schema"])).unwrap();
    let mut line_schema = schema.clone();
    for keyword in ["type", "allOf", "properties", "unevaluatedProperties"] {
        line_schema.as_object_mut().unwrap().remove(keyword);
    }
    line_schema["$ref"] = "#/$defs/line".into();
    let port = sockets.port().to_string();
    for (switches, section) in [
        (&["-ano"][..], "sockets"),
        (&["--summary"], "summary"),
        (&["--explain", &port], "explanations"),
        (&["-s"], "statistics"),
        (&["-su"], "statistics"),
        (&["-e"], "interfaces"),
        (&["-r"], "routes"),
        (&["-c"], "consumers"),
    ] {
        if section == "statistics" && !HAS_STATISTICS {
            continue;
        }
        let document: Value = serde_json::from_str(&print(&[switches, &["--json"]].concat())).unwrap();
        assert_eq!(errors(&schema, &document), [""; 0], "{switches:?}");
        assert!(document.get(section).is_some(), "{switches:?} {document}");
        for line in print(&[switches, &["--format", "ndjson"]].concat()).lines() {
            assert_eq!(errors(&line_schema, &serde_json::from_str(line).unwrap()), [""; 0], "{switches:?} {line}");
        }
    }
}

#[test]
fn two_views_are_one_json_document() {
    if !HAS_STATISTICS {
        return;
    }
    let text = print(&["-stu", "--json"]);
    assert_eq!(text.matches("\"statistics\"").count(), 1, "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    let sections: Vec<&String> = document["statistics"].as_object().unwrap().keys().collect();
    assert_eq!(sections, ["tcp_ipv4", "tcp_ipv6", "udp_ipv4", "udp_ipv6"]);
    let document: Value = serde_json::from_str(&print(&["-s", "-e", "--json"])).unwrap();
    assert!(document["statistics"]["ipv4"]["packets_received"].is_u64() && document["interfaces"]["received"]["bytes"].is_u64());
}

#[test]
fn json_names_the_owner_of_a_socket() {
    let sockets = Sockets::open();
    let port = sockets.port().to_string();
    let document: Value = serde_json::from_str(&print(&["--json", "--port", &port, "--listening"])).unwrap();
    let rows = document["sockets"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{document}");
    let own = std::env::current_exe().unwrap();
    assert_eq!(rows[0]["local"]["port"], sockets.port());
    assert_eq!((&rows[0]["state"], &rows[0]["remote"]), (&"LISTENING".into(), &Value::Null));
    let owner = &rows[0]["owners"][0];
    assert_eq!((&owner["pid"], &owner["executable"]), (&std::process::id().into(), &own.to_str().unwrap().into()));
    if !under_wine() {
        assert_eq!(owner["command_line"][0], std::env::args().next().unwrap());
    }
    let udp = sockets.udp.local_addr().unwrap().port().to_string();
    let document: Value = serde_json::from_str(&print(&["--json", "--port", &udp, "--ipv6"])).unwrap();
    assert_eq!(document["sockets"][0]["protocol"], "udp");
}

#[test]
fn jq_and_python_parse_json_ndjson_and_csv() {
    let sockets = Sockets::open();
    let port = sockets.port().to_string();
    let own = std::process::id();
    if is_installed("jq") {
        let filter = ".sockets[] | select(.state == \"LISTENING\") | .owners[].pid";
        // A child that another test starts holds it too until it is another program.
        until("this process alone owns the listener", || {
            through("jq", &[filter], &print(&["-a", "--json", "--port", &port])).trim() == own.to_string()
        });
        let lines =
            through("jq", &["-r", "select(.type == \"socket\") | .local.port"], &print(&["--format", "ndjson", "--port", &port]));
        assert!(lines.lines().count() >= 2 && lines.lines().all(|line| line == port), "{lines}");
    }
    if is_installed("python3") {
        let script = "import csv,sys\nfor r in csv.DictReader(sys.stdin): print(r['local_port'], r['state'], r['pid'])";
        until("CSV has the listener with this process alone", || {
            let rows = through("python3", &["-c", script], &print(&["--format", "csv", "--port", &port, "--listening"]));
            rows.trim() == format!("{port} LISTENING {own}")
        });
    }
}

/// A process with a name that a spreadsheet could take for a formula; it ends with its input.
#[cfg(target_os = "linux")]
fn process_with_name(name: &str, folder: &std::path::Path) -> std::process::Child {
    use std::os::unix::process::CommandExt;
    let path = folder.join(name);
    std::os::unix::fs::symlink("/bin/cat", &path).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&socket).set_cloexec(false).unwrap();
    std::process::Command::new(&path).arg0(name).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_spreadsheet_imports_every_csv_row_and_computes_no_formula() {
    if !is_installed("soffice") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("rnetstat-formats-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let names = ["=1+1", "+1", "-1", "@SUM(1)", "a,\"b", "comma, semicolon; tab\t"];
    let mut children = names.map(|name| process_with_name(name, &folder));
    let pids = children.each_ref().map(|child| child.id().to_string()).join(",");
    let text = print(&["--columns", "process,state,local_port", "--format", "csv", "--pid", &pids]);
    std::fs::write(folder.join("sockets.csv"), &text).unwrap();
    let converted = std::process::Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", folder.join("profile").display()))
        // Comma, double quotes, UTF-8.
        .args(["--headless", "--convert-to", "fods", "--infilter=CSV:44,34,76,1", "--outdir"])
        .args([&folder, &folder.join("sockets.csv")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let sheet = std::fs::read_to_string(folder.join("sockets.fods")).unwrap_or_default();
    for child in &mut children {
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(converted.status.success() && !sheet.is_empty(), "{converted:?}");
    assert!(!sheet.contains("table:formula="), "{text}");
    assert_eq!(sheet.matches("<text:p>LISTENING</text:p>").count(), names.len(), "{sheet}");
    for name in ["&apos;=1+1", "&apos;+1", "&apos;-1", "&apos;@SUM(1)", "a,&quot;b"] {
        assert!(sheet.contains(&format!("<text:p>{name}</text:p>")), "{name}: {text}");
    }
}

#[test]
fn wide_names_the_process_at_the_other_end() {
    let sockets = Sockets::open();
    let client = sockets.client_port().to_string();
    let table = print(&["--format", "wide", "--port", &client]);
    assert!(!table.contains('\u{1b}'), "no colour where there is no terminal");
    let row = table.lines().find(|line| line.contains(&format!("127.0.0.1:{client}"))).unwrap();
    assert!(row.contains(&format!("({})", std::process::id())), "{table}");
    assert!(print(&["--format", "wide", "--port", &client, "--color", "always"]).contains("\u{1b}["));
}

#[test]
fn wide_on_a_terminal_has_colour_unless_switched_off() {
    if !is_installed("script") {
        return;
    }
    let sockets = Sockets::open();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_rnetstat"));
    let port = sockets.port();
    let on_terminal = |environment: &str, switches: &str| {
        let command = format!("stty rows 24 cols 70; {environment} {} --format wide --port {port} {switches}", program.display());
        let output = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = on_terminal("NO_COLOR=1", "");
    assert!(plain.contains("LISTENING") && !plain.contains('\u{1b}'), "{plain}");
    assert!(
        plain.contains("more columns with a wider terminal")
            && plain.lines().take_while(|line| !line.is_empty()).all(|line| line.chars().count() <= 70),
        "{plain}"
    );
    assert!(on_terminal("", "").contains("\u{1b}["));
    assert!(on_terminal("NO_COLOR=1", "--color always").contains("\u{1b}["));
    assert!(!on_terminal("", "--color never").contains('\u{1b}'));
}

#[test]
fn errors_break_between_words_on_a_terminal() {
    if !is_installed("script") {
        return;
    }
    let program = env!("CARGO_BIN_EXE_rnetstat");
    let command = format!("stty rows 24 cols 40; {program} --diff a b c d; {program} --no-such-switch-as-this-one");
    let output =
        std::process::Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("rnetstat: unknown switch"), "{text}");
    assert!(text.lines().all(|line| line.trim_end().chars().count() <= 40), "{text}");
}

#[test]
fn the_environment_may_ask_for_colour_in_a_pipe_and_no_color_comes_first() {
    let sockets = Sockets::open();
    let port = sockets.port().to_string();
    let has_color = |environment: &[(&str, &str)], switches: &[&str]| {
        let line = ["--port", &port].into_iter().chain(switches.iter().copied());
        let output = support::command::command(line).envs(environment.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    let forced = [("CLICOLOR_FORCE", "1")];
    assert!(has_color(&forced, &["--wide"]));
    assert!(!has_color(&[("CLICOLOR_FORCE", "0")], &["--wide"]) && !has_color(&[("CLICOLOR_FORCE", "")], &["--wide"]));
    assert!(!has_color(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &["--wide"]));
    assert!(
        has_color(&[("NO_COLOR", "1")], &["--wide", "--color", "always"]),
        "what is asked for on the command line comes first"
    );
    assert!(!has_color(&forced, &["--wide", "--color", "never"]));
    assert!(!has_color(&forced, &["--format", "csv", "--no-header"]));
}

#[test]
fn count_quiet_and_no_header_serve_scripts() {
    let sockets = Sockets::open();
    let port = sockets.port().to_string();
    // The listener and its end of the connection.
    assert_eq!(print(&["--count", "--port", &port]), format!("2{LINE_END}"));
    assert_eq!(print(&["--quiet", "--port", &port]), "");
    assert_eq!(
        print(&["--columns", "local_port,state", "--format", "csv", "--no-header", "--port", &port, "--listening"]),
        format!("{port},LISTENING{LINE_END}")
    );
    assert!(print(&["-an", "--no-header", "--port", &port]).starts_with("  TCP    127.0.0.1:"));
    let udp_only = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for switches in [&["--quiet", "--port", &udp_only][..], &["--json", "--port", &udp_only], &["--count", "--port", &udp_only]] {
        assert_eq!(run(switches).status.code(), Some(NOTHING_MATCHED), "nothing matches any more: {switches:?}");
    }
}

#[test]
fn crlf_ends_every_line_of_every_format() {
    for format in ["table", "wide", "json", "ndjson", "csv"] {
        let text = print(&["-an", "--crlf", "--format", format]);
        assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count(), "{format}");
    }
    assert!(print(&["-e", "--crlf"]).contains("\r\n"));
}

#[test]
fn explain_names_the_holder_of_a_port() {
    let sockets = Sockets::open();
    let port = sockets.port().to_string();
    let text = print(&["--explain", &port]);
    assert!(
        text.starts_with(&format!("TCP port {port} is taken on 127.0.0.1; other addresses are free. UDP port {port} is free.")),
        "{text}"
    );
    let always = ["\n  TCP 127.0.0.1:", "Connections: 1 ESTABLISHED", &format!("(PID {})", std::process::id())];
    let if_known = if under_wine() { &[][..] } else { &["└─ ", "command "] };
    for part in always.iter().chain(if_known) {
        assert!(text.contains(part), "{part}: {text}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let output = run(["--explain", &free]);
    assert_eq!(output.status.code(), Some(NOTHING_MATCHED));
    if NOTHING_MATCHED == 1 {
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(&format!("Port {free} is free.")));
    }
}

#[test]
fn a_port_is_bound_and_closed_again_to_be_certain_that_it_is_free() {
    let sockets = Sockets::open();
    let taken = sockets.port().to_string();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let output = run(["--explain", &format!("tcp/{free}"), "--try-bind"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "certain on every system: {text}");
    assert!(text.contains(&format!("TCP 0.0.0.0:{free}: bound, and closed again")), "{text}");
    let document: Value = serde_json::from_str(&print(&["--explain", &format!("tcp/{taken}"), "--try-bind", "--json"])).unwrap();
    let attempts = &document["explanations"][0]["bind_attempts"];
    assert_eq!((&attempts[0]["protocol"], &attempts[0]["address"]), (&"tcp".into(), &"0.0.0.0".into()));
    if !cfg!(windows) {
        assert_eq!(attempts[0]["outcome"], "in-use");
    }
    let document: Value = serde_json::from_str(&print(&["--explain", &taken, "--json"])).unwrap();
    assert_eq!(document["explanations"][0].get("bind_attempts"), None, "not asked for");
}

#[cfg(target_os = "linux")] // no other system has the timer
#[test]
fn explain_shows_how_long_time_wait_lasts() {
    let sockets = Sockets::open();
    let client = sockets.client_port().to_string();
    let Sockets { client: connection, _server: server, .. } = sockets;
    drop(connection);
    // The client closes first, so that its end stays in TIME_WAIT.
    drop(server);
    let text = print(&["--explain", &client]);
    assert!(text.contains("TIME_WAIT: 1, over in ") && text.contains("SO_REUSEADDR"), "{text}");
}

#[test]
fn summary_counts_sockets_by_state_process_and_port() {
    let sockets = Sockets::open();
    let port = sockets.port().to_string();
    let text = print(&["--summary", "--port", &port]);
    assert!(text.starts_with("2 sockets, 0 of them without a known owner"), "{text}");
    assert!(text.contains("TCP LISTENING") && text.contains('█'));
    let document: Value = serde_json::from_str(&print(&["--summary", "--json", "--port", &port])).unwrap();
    assert_eq!(document["summary"]["local_ports"][0]["sockets"], 2);
    assert_eq!(document["summary"]["processes"][0]["pid"], std::process::id());
}

#[test]
fn conflicting_switches_are_refused_with_a_sentence_and_a_hint() {
    for switches in [
        &["--columns", "pid,nothing"][..],
        &["--columns", "pid", "--format", "table"],
        &["--columns", ""],
        &["--format", "yaml"],
        &["--color", "sometimes"],
        &["--count", "--json"],
        &["--count", "--quiet"],
        &["--count", "-s"],
        &["--quiet", "-r"],
        &["--format", "csv", "-s"],
        &["--summary", "--explain", "80"],
        &["--summary", "-r"],
        &["--explain", "0"],
        &["-an", "--try-bind"],
        &["--wait", "80", "--try-bind"],
        &["--explain", "70000"],
        &["--explain", "80", "--port", "80"],
        &["--json", "--format", "csv"],
        &["--json", "--no-header"],
        &["-s", "--no-header"],
        &["-r", "--format", "wide"],
        &["--explain", "80", "-c"],
        &["--json", "--lang", "ko"],
    ] {
        let output = run(switches);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{switches:?}");
        assert!(output.stdout.is_empty(), "{switches:?}");
        assert!(stderr.starts_with("rnetstat: ") && stderr.lines().count() == 2, "{switches:?}: {stderr}");
    }
}

#[test]
fn a_slow_reader_is_reported_on_the_terminal_and_the_report_is_erased() {
    if !is_installed("script") {
        return;
    }
    // More rows than a pipe holds.
    let _sockets: Vec<UdpSocket> = (0..300).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_rnetstat"));
    let command = format!("{} -a --json | (sleep 2.5; cat >/dev/null)", program.display());
    let output = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let terminal = String::from_utf8(output.stdout).unwrap();
    assert!(terminal.contains("\rrnetstat: writing: the reader of the output is slow (1 s)"), "{terminal:?}");
    let after = terminal.rsplit("s)").next().unwrap();
    // If some process refuses even root, hidden owners are reported too.
    let is_empty_or_report = |line: &str| line.trim().is_empty() || line.starts_with("rnetstat: owners of ");
    assert!(after.starts_with('\r') && after.split(['\r', '\n']).all(is_empty_or_report), "{terminal:?}");
}
