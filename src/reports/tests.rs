//! Every format from the same made-up rows, friendly and hostile.

use super::document::SCHEMA;
use super::table_style::TableStyle;
use crate::cli::{self, Command};
use crate::lookup::processes::Processes;
use crate::lookup::services::Services;
use crate::model::cgroup::{Cgroup, Container};
use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::process::{Process, User};
use crate::model::snapshot::Snapshot;
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, Timer};
use crate::model::system::System;
use crate::moment::lookups::Lookups;
use crate::moment::peers::Peers;
use crate::moment::{Host, Moment};
use crate::output::escape::needs_escape;
use crate::request::column::Column;
use crate::request::{Request, View};
use serde_json::Value;
use std::ffi::OsString;
use std::sync::Arc;

/// What a command line asks for.
pub(crate) fn request(line: &str) -> Request {
    match cli::parse(line.split_ascii_whitespace().map(OsString::from)) {
        Ok(Command::Run(request)) => *request,
        other => panic!("{line}: {other:?}"),
    }
}

/// A made-up machine: its sockets, and what is looked up for them.
pub(crate) struct Machine {
    pub(crate) snapshot: Snapshot,
    pub(crate) lookups: Lookups,
}

impl Machine {
    pub(crate) fn new(sockets: Vec<Socket>, owned: &[(u32, u32)], processes: Vec<Process>) -> Self {
        let entries = owned.iter().map(|&(inode, pid)| InodeOwners::entry(inode, pid)).collect();
        let owners = Owners::ByInode(InodeOwners::new(entries, OwnerStatus::Denied));
        let snapshot = Snapshot { sockets, owners, ..Snapshot::default() };
        let lookups = Lookups {
            processes: Processes::from_iter(processes),
            users: [(0, Some("root".to_owned())), (33, Some("www-data".to_owned())), (77, None)].into(),
            interfaces: [(12, Some("eth0".to_owned()))].into(),
            services: Arc::new(Services::parse("https 443/tcp\nevil\u{1b}[2J 4444/tcp\n")),
            peers: Some(Peers::of_snapshot(&snapshot)),
            ..Lookups::default()
        };
        Self { snapshot, lookups }
    }

    /// The moment that a command line asks for.
    pub(crate) fn read(self, line: &str) -> Moment {
        let host = Host { name: Some("box".to_owned()), system: System::Linux, ..Host::default() };
        Moment::of_snapshot(self.snapshot, self.lookups, host, &request(line))
    }

    /// A moment of one view of every socket.
    pub(crate) fn moment(self, view: View) -> Moment {
        let host = Host { system: System::Linux, ..Host::default() };
        let request = Request { views: vec![view], ..request("-anq") };
        Moment::of_snapshot(self.snapshot, self.lookups, host, &request)
    }

    /// What a command line prints.
    pub(crate) fn print(self, line: &str) -> String {
        self.print_at(line, None, false)
    }

    fn print_at(self, line: &str, width: Option<u16>, color: bool) -> String {
        let request = request(line);
        let style = TableStyle { width, color, no_header: request.output.no_header };
        let mut out = Vec::new();
        super::write(&mut out, &self.read(line), &request, style).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.print("-anq --json")).unwrap()
    }
}

pub(crate) fn process(pid: u32, name: &str) -> Process {
    Process {
        pid,
        name: name.into(),
        image_name: None,
        executable: Some(format!("/usr/sbin/{name}").into()),
        command_line: vec![name.into(), "-g".into(), "daemon off;".into()],
        user: Some(User { id: "33".to_owned(), name: Some("www-data".to_owned()) }),
        started: Some(1_795_449_600),
        parent: Some(1),
        ..Process::default()
    }
}

/// A listener shared by two processes, both ends of a connection within the host, a TIME_WAIT, a denied IPv4 flow on an
/// IPv6 socket, and a scoped UDP socket.
pub(crate) fn friendly() -> Machine {
    let connection = |local: (&str, u16), remote: (&str, u16), inode| Socket {
        remote: Endpoint::new(remote.0.parse().unwrap(), remote.1),
        state: Some(State::Established),
        inode,
        ..socket(local.0, local.1)
    };
    let sockets = vec![
        Socket { inode: 10, uid: 33, send_queue: 511, ..socket("0.0.0.0", 443) },
        connection(("127.0.0.1", 443), ("127.0.0.1", 50000), 11),
        connection(("127.0.0.1", 50000), ("127.0.0.1", 443), 12),
        Socket {
            state: Some(State::TimeWait),
            timer: Timer::TimeWait,
            expires_ms: 41_000,
            ..connection(("192.0.2.1", 40000), ("198.51.100.7", 443), 0)
        },
        Socket { family: Family::V6, uid: 77, ..connection(("::ffff:10.0.0.1", 5000), ("::ffff:10.0.0.2", 443), 99) },
        Socket { protocol: Protocol::Udp, state: None, interface: 12, inode: 13, ..socket("fe80::1", 546) },
    ];
    let held = [(10, 900), (10, 901), (11, 901), (12, 4711), (13, 1)];
    let processes = vec![process(900, "nginx"), process(901, "nginx"), process(4711, "curl")];
    Machine::new(sockets, &held, processes)
}

/// Names that command a terminal, turn the line, break it, are formulas or are no text at all.
pub(crate) fn hostile() -> Machine {
    let names = ["\u{1b}[2Jx", "a\nb,\"c\"", "x\u{202e}gpj.exe", "=cmd|' /C calc'!A0", "@SUM(1)"].map(OsString::from);
    let mut names = Vec::from(names);
    names.push("n".repeat(4096).into());
    names.push(crate::platform::name_that_is_no_text());
    let sockets = (0..names.len() as u32).map(|i| Socket { inode: 20 + i, ..socket("127.0.0.1", 4444) }).collect();
    let held: Vec<_> = (0..names.len() as u32).map(|i| (20 + i, 100 + i)).collect();
    let processes = names.into_iter().zip(100..).map(|(name, pid)| Process {
        executable: Some(name.clone().into()),
        command_line: vec![name.clone(), OsString::new()],
        user: Some(User { id: "1".to_owned(), name: Some("\u{9b}31m".to_owned()) }),
        name,
        ..process(pid, "")
    });
    let processes = processes.collect();
    Machine::new(sockets, &held, processes)
}

fn schema_of_a_line() -> Value {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for keyword in ["type", "allOf", "properties"] {
        schema.as_object_mut().unwrap().remove(keyword);
    }
    schema["$ref"] = "#/$defs/line".into();
    schema
}

#[track_caller]
pub(crate) fn assert_valid(schema: &Value, value: &Value) {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    for machine in [friendly(), hostile(), Machine::new(Vec::new(), &[], Vec::new())] {
        assert_valid(&schema, &machine.json());
    }
    let mut newer = friendly().json();
    newer["sockets"][0]["surprise"] = 1.into();
    assert_valid(&schema, &newer);
    newer["sockets"][0]["local"]["port"] = "443".into();
    assert!(!jsonschema::is_valid(&schema, &newer), "a field of another type must not pass");
}

#[test]
fn json_has_numbers_as_numbers_and_fixed_words() {
    let json = friendly().json();
    let sockets = &json["sockets"];
    assert_eq!(
        sockets[0],
        serde_json::json!({
            "protocol": "tcp", "family": "ipv4", "ipv4_on_ipv6": false,
            "local": {"address": "0.0.0.0", "port": 443, "scope": null, "interface": null, "service": "https"},
            "remote": null, "state": "LISTENING", "interface": null, "receive_queue": 0, "send_queue": 511, "timer": null,
            "uid": 33, "user": "www-data", "inode": 10, "owner_status": "owned", "exposure": "every-address",
            "owners": ([900, 901].map(|pid| serde_json::json!({
                "pid": pid, "name": "nginx", "executable": "/usr/sbin/nginx", "executable_deleted": false,
                "command_line": ["nginx", "-g", "daemon off;"], "command_line_truncated": false,
                "user_id": "33", "user": "www-data", "start_time": "2026-11-23T16:00:00Z", "parent": 1,
            }))),
        })
    );
    assert_eq!((&sockets[1]["family"], &sockets[1]["ipv4_on_ipv6"]), (&"ipv4".into(), &true.into()));
    assert_eq!((&sockets[1]["owner_status"], &sockets[1]["user"]), (&"denied".into(), &Value::Null));
    assert_eq!(sockets[4]["timer"], serde_json::json!({"kind": "time-wait", "remaining_ms": 41000}));
    assert_eq!((&sockets[4]["uid"], &sockets[4]["owner_status"]), (&Value::Null, &"none".into()));
    assert_eq!((&sockets[5]["local"]["scope"], &sockets[5]["local"]["interface"]), (&12.into(), &"eth0".into()));
    // The process has exited: its number is known, and nothing else.
    assert_eq!((&sockets[5]["owners"][0]["pid"], &sockets[5]["owners"][0]["name"]), (&1.into(), &Value::Null));
}

#[test]
fn an_incomplete_answer_says_so() {
    let json = |problems: &[Problem]| {
        let mut machine = friendly();
        machine.snapshot.problems.extend_from_slice(problems);
        machine.json()
    };
    let hidden = Problem::new(ProblemKind::OwnersHidden, "the owners of 1 socket are hidden");
    assert_eq!(json(std::slice::from_ref(&hidden))["complete"], true);
    let json = json(&[hidden.clone(), Problem::new(ProblemKind::TableIncomplete, "half a table"), hidden]);
    assert_eq!(json["complete"], false);
    assert_eq!(json["problems"][1], serde_json::json!({"code": "table-incomplete", "message": "half a table"}));
    assert_eq!(json["problems"].as_array().unwrap().len(), 2, "each problem once");
}

#[test]
fn every_ndjson_line_is_what_the_schema_says_and_the_moment_comes_first() {
    let schema = schema_of_a_line();
    let text = friendly().print("-anq --format ndjson");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["snapshot", "socket", "socket", "socket", "socket", "socket", "socket"]);
    lines.iter().for_each(|line| assert_valid(&schema, line));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"type": "snapshot"})));
    let without_head = friendly().print("-anq --format ndjson --no-header");
    assert_eq!(without_head.lines().collect::<Vec<_>>(), text.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn columns_choose_the_fields_of_json() {
    let line = |columns: &str| {
        let text = friendly().print(&format!("-anq --format ndjson --no-header --columns {columns}"));
        serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()
    };
    assert_eq!(line("pid"), serde_json::json!({"type": "socket", "owners": [{"pid": 900}, {"pid": 901}]}));
    assert_eq!(
        line("process,local_port,state"),
        serde_json::json!({
            "type": "socket", "local": {"port": 443, "service": "https"}, "state": "LISTENING",
            "owners": [{"pid": 900, "name": "nginx"}, {"pid": 901, "name": "nginx"}],
        })
    );
    let extra = line("dscp,time_in_state,congestion,offload");
    assert_eq!(
        extra,
        serde_json::json!({
            "type": "socket", "offload": "InHost", "dscp": null, "time_in_state_ms": null, "time_in_state_at_least": null,
            "congestion": null,
        })
    );
}

#[test]
fn json_loses_no_byte_of_a_name() {
    let json = hostile().json();
    let owner = |row: usize| &json["sockets"][row]["owners"][0];
    assert_eq!(owner(0)["name"], "\u{1b}[2Jx");
    assert_eq!(owner(5)["name"].as_str().unwrap().len(), 4096);
    assert_eq!(owner(0).get("name_hex"), None);
    let broken = owner(6);
    let name = crate::platform::name_that_is_no_text();
    let bytes: String = name.as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&broken["name"], &broken["name_hex"]), (&name.to_string_lossy().into(), &bytes.as_str().into()));
    assert_eq!(broken["command_line_hex"], serde_json::json!([bytes, ""]));
}

/// Every column, and the interval without which rates are refused.
fn every_column() -> String {
    format!("{} 1", Column::ALL.map(Column::name).join(","))
}

#[test]
fn no_format_prints_what_a_terminal_would_obey() {
    let machine = || {
        let mut machine = hostile();
        let inodes: Vec<u32> = machine.snapshot.sockets.iter().map(|socket| socket.inode).collect();
        machine.lookups.processes.extend([process(7, "a\u{1b}]0;b\u{7}")]);
        let cgroup = Cgroup {
            unit: Some("u\u{1b}c.service".to_owned()),
            manager_of: None,
            container: Some(Container { runtime: "lxc", id: "d\u{1b}e".to_owned() }),
        };
        machine.lookups.ancestors = inodes.iter().map(|inode| (80 + inode, vec![7])).collect();
        machine.lookups.cgroups = inodes.iter().map(|inode| (80 + inode, cgroup.clone())).collect();
        machine
    };
    let every = every_column();
    for line in [
        "-anqob --programs".to_owned(),
        "-anq --json".to_owned(),
        "-anq --format ndjson".to_owned(),
        format!("-anq --format csv --columns {every}"),
        format!("-anq --columns {every}"),
        "--summary".to_owned(),
        "--explain 4444".to_owned(),
        "--explain 4444 --json".to_owned(),
        "-c".to_owned(),
        "--format openmetrics".to_owned(),
    ] {
        let text = machine().print_at(&line, Some(100), false);
        let found = text.chars().find(|&character| character != '\n' && needs_escape(character));
        assert_eq!(found, None, "{line}: {text}");
    }
}

#[test]
fn csv_has_a_line_for_each_socket_and_no_formula() {
    for machine in [friendly, hostile] {
        let text = machine().print(&format!("-anq --format csv --columns {}", every_column()));
        assert_eq!(text.lines().count(), 1 + machine().snapshot.sockets.len(), "{text}");
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            // Rates need an interval, under which the time is the last field.
            assert_eq!(record.len(), Column::ALL.len() + 1);
            assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{record:?}");
        }
    }
}

#[test]
fn every_format_of_no_rows_is_its_heading_or_nothing() {
    let none = |line: &str| Machine::new(Vec::new(), &[], Vec::new()).print(line);
    assert_eq!(none("-an --no-header"), "");
    assert_eq!(none("-an --columns pid,local --no-header"), "");
    assert_eq!(none("-an --format wide --no-header"), "");
    assert_eq!(none("-an --format csv --no-header --columns pid"), "");
    assert_eq!(none("-an --format csv --columns pid,local"), "pid,local\n");
    assert_eq!(none("-an --format ndjson --no-header"), "");
    assert_eq!(none("-an --columns pid,local").lines().count(), 4);
    assert_eq!(none("-an --count"), "0\n");
    assert_eq!(none("-c --no-header"), "");
    assert!(none("--summary --no-header").starts_with("0 sockets"));
    assert!(none("-an --json").contains("\"sockets\":[]"));
}

#[test]
fn csv_of_the_usual_columns() {
    let text = friendly().print("-anq --format csv");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "protocol,family,local_address,local_port,remote_address,remote_port,interface,state,receive_queue,send_queue,timer,\
             timer_ms,uid,user,inode,owner_status,pid,process,executable,command_line,started,service,range",
            "tcp,ipv4,0.0.0.0,443,,,,LISTENING,0,511,,,33,www-data,10,owned,900 901,nginx,/usr/sbin/nginx,nginx -g daemon off;,\
             2026-11-23T16:00:00Z,https,well-known",
        ]
    );
    assert_eq!(
        lines[5],
        "tcp,ipv4,192.0.2.1,40000,198.51.100.7,443,,TIME_WAIT,0,0,time-wait,41000,,,,none,,,,,,https,registered"
    );
    assert_eq!(lines[6], "udp,ipv6,fe80::1%12,546,,,eth0,,0,0,,,0,root,13,owned,1,,,,,dhcpv6-client,well-known");
}

#[test]
fn chosen_columns_come_in_their_order_without_a_heading() {
    let text = friendly().print("-anq --format csv --no-header --columns pid,local_port");
    assert_eq!(text, "900 901,443\n,5000\n901,443\n4711,50000\n,40000\n1,546\n");
}

/// A table as it is seen: without colour and with blanks between words once.
fn seen(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_wide_table_has_listeners_a_rule_connections_and_a_footer() {
    let lines = seen(&friendly().print("-anq --wide"));
    let is_rule = |line: &String| !line.is_empty() && line.chars().all(|character| character == '─');
    assert_eq!(lines[0], "Proto Local Address Foreign Address State PID Process User Service Peer");
    assert!(is_rule(&lines[1]) && is_rule(&lines[4]), "{lines:?}");
    assert_eq!(
        lines[2..4],
        ["TCP 0.0.0.0:443 * LISTENING 900 901 nginx www-data https", "UDP [fe80::1%eth0]:546 * 1 (ended) root dhcpv6-client"]
    );
    assert_eq!(
        lines[5..],
        [
            "TCP 10.0.0.1:5000 10.0.0.2:443 ESTABLISHED (hidden) 77 https",
            "TCP 127.0.0.1:443 127.0.0.1:50000 ESTABLISHED 901 nginx root https curl (4711)",
            "TCP 127.0.0.1:50000 127.0.0.1:443 ESTABLISHED 4711 curl root https nginx (901)",
            "TCP 192.0.2.1:40000 198.51.100.7:443 TIME_WAIT (no process) https",
            "",
            "6 sockets · 2 listening · 1 with a hidden owner",
        ]
    );
}

#[test]
fn the_wide_table_keeps_the_order_that_was_asked_for() {
    let lines = seen(&friendly().print("-anq --wide --sort -local_port"));
    assert!(lines[2].starts_with("TCP 127.0.0.1:50000") && lines[6].starts_with("TCP 0.0.0.0:443"), "{lines:?}");
}

#[test]
fn two_listeners_on_two_devices_are_told_apart() {
    let listener = |interface, inode| Socket { interface, inode, ..socket("0.0.0.0", 80) };
    let machine = Machine::new(vec![listener(12, 10), listener(13, 11)], &[(10, 900), (11, 901)], Vec::new());
    let text = machine.print("-an --wide");
    assert!(text.contains(" 0.0.0.0%eth0:80 ") && text.contains(" 0.0.0.0%13:80 "), "{text}");
}

#[test]
fn the_wide_table_is_never_wider_than_the_terminal() {
    let long = Socket {
        remote: Endpoint::new("2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap(), 443),
        state: Some(State::Established),
        inode: 10,
        ..socket("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 50000)
    };
    let shared = Socket { inode: 11, ..socket("0.0.0.0", 80) };
    let held: Vec<_> = [(10, 900)].into_iter().chain((12609..12650).map(|pid| (11, pid))).collect();
    let machine = || Machine::new(vec![shared, long], &held, vec![process(900, "a-process-with-a-long-name")]);
    for width in 60..=300 {
        for line in ["-an --wide", "-an --wide --no-header", "-an --columns pid,local,remote,process,executable,command_line"] {
            let text = machine().print_at(line, Some(width), false);
            let widest = text.lines().map(crate::output::width::width).max().unwrap();
            assert!(widest <= width.into(), "{line} in {width} columns:\n{text}");
            assert!(text.contains("12609 ") && text.contains("]:443"), "{text}");
            assert!(text.lines().filter(|line| line.contains("]:443")).all(|line| line.contains("]:50000")), "no cell is folded");
        }
    }
    let text = machine().print_at("-an --wide", Some(100), false);
    assert!(text.contains(":6666]:443") && text.contains("12609 +40"), "{text}");
    let whole = machine().print_at("-an --wide", None, false);
    assert!(whole.contains("[2001:db8:1111:2222:3333:4444:5555:6666]:443") && whole.contains(" 12649 "), "{whole}");
}

#[test]
fn colour_depends_on_the_state_and_is_used_only_if_wanted() {
    let print = |color| friendly().print_at("-anq --wide", None, color);
    let (plain, coloured) = (print(false), print(true));
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[32mESTABLISHED\u{1b}[0m") && coloured.contains("\u{1b}[36mLISTENING\u{1b}[0m"));
    let mut bare = coloured;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[32m", "\u{1b}[36m"] {
        bare = bare.replace(code, "");
    }
    assert_eq!(bare, plain, "colour changes nothing else");
}

/// A text without colours.
fn without_colour(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn every_view_for_people_has_colour_if_it_is_wanted_and_no_other_has() {
    let views =
        ["-anq --wide", "-c", "--summary", "--summary --tcp-info", "--explain 443", "--wait 443", "--wait !40000", "--wait 81"];
    for line in views {
        let (plain, coloured) = (friendly().print_at(line, None, false), friendly().print_at(line, None, true));
        assert!(coloured.contains('\u{1b}') && !plain.contains('\u{1b}'), "{line}: {coloured}");
        assert_eq!(without_colour(&coloured), plain, "{line}: colour changes nothing else");
    }
    for line in
        ["-anq", "-anqo --programs", "-an --json", "-an --format ndjson", "-an --format csv", "-an --count", "-s", "-r", "-e"]
    {
        assert!(!friendly().print_at(line, None, true).contains('\u{1b}'), "{line}");
    }
}
