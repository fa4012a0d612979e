//! Every format from the same made-up rows, friendly and hostile.

use crate::lookup::processes::Processes;
use crate::lookup::services::Services;
use crate::model::cgroup::{Container, Membership};
use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
use crate::model::port_policy::PortRules;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::process::{Process, User};
use crate::model::snapshot::Snapshot;
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, Timer};
use crate::output::escape::needs_escape;
use crate::reports::explain::Explanation;
use crate::reports::json::{Head, SCHEMA, Section};
use crate::reports::rows::{Listing, Lookups, Peers};
use crate::reports::summary::Named;
use crate::reports::summary::Summary;
use crate::reports::table_style::TableStyle;
use crate::reports::{csv, explain, json, ndjson, summary, wide};
use crate::request::column::Column;
use serde_json::Value;
use std::ffi::OsString;

/// What a made-up machine tells, and what was looked up for it.
pub(crate) struct Machine {
    pub(crate) snapshot: Snapshot,
    pub(crate) rows: Vec<u32>,
    pub(crate) directory: Lookups,
    pub(crate) services: Services,
    pub(crate) peers: Peers,
}

impl Machine {
    pub(crate) fn new(sockets: Vec<Socket>, held: &[(u32, u32)], processes: Vec<Process>) -> Self {
        let entries = held.iter().map(|&(inode, pid)| InodeOwners::entry(inode, pid)).collect();
        let rows = (0..sockets.len() as u32).collect();
        let owners = Owners::ByInode(InodeOwners::new(entries, OwnerStatus::Denied));
        let snapshot = Snapshot { sockets, owners, ..Snapshot::default() };
        Self {
            rows,
            peers: Peers::of_snapshot(&snapshot),
            snapshot,
            directory: Lookups {
                processes: Processes::from_iter(processes),
                users: [(0, Some("root".to_owned())), (33, Some("www-data".to_owned())), (77, None)].into(),
                interfaces: [(12, Some("eth0".to_owned()))].into(),
            },
            services: Services::parse("https 443/tcp\nevil\u{1b}[2J 4444/tcp\n"),
        }
    }

    pub(crate) fn listing(&self) -> Listing<'_> {
        Listing {
            snapshot: &self.snapshot,
            rows: &self.rows,
            directory: &self.directory,
            services: &self.services,
            hosts: None,
            peers: Some(&self.peers),
        }
    }

    fn json(&self) -> Value {
        let mut out = Vec::new();
        json::write(&mut out, &Head::now(&self.snapshot.problems), &[Section::Sockets(self.listing())]).unwrap();
        serde_json::from_slice(&out).unwrap()
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
fn hostile() -> Machine {
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
    for keyword in ["type", "allOf", "properties", "unevaluatedProperties"] {
        schema.as_object_mut().unwrap().remove(keyword);
    }
    schema["$ref"] = "#/$defs/line".into();
    schema
}

#[track_caller]
fn assert_valid(schema: &Value, value: &Value) {
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
    let mut wrong = friendly().json();
    wrong["sockets"][0]["surprise"] = 1.into();
    assert!(!jsonschema::is_valid(&schema, &wrong), "a field that nobody described must not pass");
}

#[test]
fn json_tells_everything_as_numbers_and_words() {
    let json = friendly().json();
    let sockets = &json["sockets"];
    assert_eq!(
        sockets[0],
        serde_json::json!({
            "protocol": "tcp", "family": "ipv4", "ipv4_on_ipv6": false,
            "local": {"address": "0.0.0.0", "port": 443, "scope": null, "interface": null, "service": "https", "host": null},
            "remote": null, "state": "LISTENING", "interface": null, "receive_queue": 0, "send_queue": 511, "timer": null,
            "uid": 33, "user": "www-data", "inode": 10, "owner_status": "owned",
            "owners": ([900, 901].map(|pid| serde_json::json!({
                "pid": pid, "name": "nginx", "executable": "/usr/sbin/nginx", "executable_deleted": false,
                "command_line": ["nginx", "-g", "daemon off;"], "command_line_truncated": false,
                "user_id": "33", "user": "www-data", "start_time": "2026-11-23T16:00:00Z", "parent": 1,
            }))),
        })
    );
    assert_eq!(sockets[3]["timer"], serde_json::json!({"kind": "time-wait", "remaining_ms": 41000}));
    assert_eq!((&sockets[3]["uid"], &sockets[3]["owner_status"]), (&Value::Null, &"none".into()));
    assert_eq!((&sockets[4]["family"], &sockets[4]["ipv4_on_ipv6"]), (&"ipv4".into(), &true.into()));
    assert_eq!((&sockets[4]["owner_status"], &sockets[4]["user"]), (&"denied".into(), &Value::Null));
    assert_eq!((&sockets[5]["local"]["scope"], &sockets[5]["local"]["interface"]), (&12.into(), &"eth0".into()));
    // The process has exited: its number is known, and nothing else.
    assert_eq!((&sockets[5]["owners"][0]["pid"], &sockets[5]["owners"][0]["name"]), (&1.into(), &Value::Null));
}

#[test]
fn an_incomplete_answer_says_so() {
    let mut machine = friendly();
    machine.snapshot.problems.push(Problem::new(ProblemKind::OwnersHidden, "the owners of 1 socket are hidden"));
    assert_eq!(machine.json()["complete"], true);
    machine.snapshot.problems.push(Problem::new(ProblemKind::TableIncomplete, "half a table"));
    let json = machine.json();
    assert_eq!(json["complete"], false);
    assert_eq!(json["problems"][1], serde_json::json!({"code": "table-incomplete", "message": "half a table"}));
}

#[test]
fn every_ndjson_line_is_what_the_schema_says_and_the_moment_comes_first() {
    let schema = schema_of_a_line();
    let machine = friendly();
    let mut out = Vec::new();
    ndjson::write(&mut out, &Head::now(&[]), &[Section::Sockets(machine.listing())]).unwrap();
    let lines: Vec<Value> = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["snapshot", "socket", "socket", "socket", "socket", "socket", "socket"]);
    lines.iter().for_each(|line| assert_valid(&schema, line));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"type": "socket"})));
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

fn printed(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn no_format_prints_what_a_terminal_would_obey() {
    let machine = hostile();
    let listing = machine.listing();
    let counts = Summary::of(&machine.snapshot, &machine.rows);
    let summary = Named { summary: &counts, processes: &machine.directory.processes, services: &machine.services };
    let chain = vec![process(7, "a\u{1b}]0;b\u{7}")];
    let parents = machine.snapshot.sockets.iter().map(|socket| (80 + socket.inode, chain.clone())).collect();
    let rules = PortRules::default();
    let membership = Membership {
        unit: Some("u\u{1b}c.service".to_owned()),
        container: Some(Container { runtime: "lxc", id: "d\u{1b}e".to_owned() }),
    };
    let memberships = machine.snapshot.sockets.iter().map(|socket| (80 + socket.inode, membership.clone())).collect();
    let explanation = Explanation { port: 4444, listing, rules: &rules, parents: &parents, memberships: &memberships };
    let sections = [Section::Sockets(listing), Section::Summary(summary), Section::Explanation(explanation)];
    let every: Vec<Column> = Column::ALL.map(|(column, _)| column).to_vec();
    let look = TableStyle { width: Some(100), color: false, no_header: false };
    for text in [
        printed(|out| json::write(out, &Head::now(&[]), &sections)),
        printed(|out| ndjson::write(out, &Head::now(&[]), &sections)),
        printed(|out| csv::write(out, &listing, &every, false)),
        printed(|out| wide::write(out, &listing, &every, true, look)),
        printed(|out| summary::write(out, &summary, look)),
        printed(|out| explain::write(out, &explanation)),
    ] {
        let found = text.chars().find(|&character| character != '\n' && needs_escape(character));
        assert_eq!(found, None, "{text}");
    }
}

#[test]
fn a_process_cannot_imitate_our_words_or_a_list() {
    let names = ["(hidden)", "(kernel)", "a; b", "sshd (1)"];
    let sockets = (0..names.len() as u32).map(|i| Socket { inode: 20 + i, ..socket("127.0.0.1", 4444) }).collect();
    let held: Vec<_> = (0..names.len() as u32).map(|i| (20 + i, 100 + i)).collect();
    let processes = names.into_iter().zip(100..).map(|(name, pid)| Process { executable: None, ..process(pid, name) }).collect();
    let machine = Machine::new(sockets, &held, processes);
    let listing = machine.listing();
    let look = TableStyle { width: None, color: false, no_header: false };
    let columns = [Column::Pid, Column::Process];
    let wide = printed(|out| wide::write(out, &listing, &columns, true, look));
    let csv = printed(|out| csv::write(out, &listing, &columns, false));
    let (rules, parents, memberships) = (PortRules::default(), [].into(), [].into());
    let explanation = Explanation { port: 4444, listing, rules: &rules, parents: &parents, memberships: &memberships };
    let explanation = printed(|out| explain::write(out, &explanation));
    for (name, pid) in names.into_iter().zip(100..) {
        assert!(wide.lines().any(|line| line.contains(&format!(" \"{name}\""))), "{wide}");
        assert!(csv.contains(&format!("{pid},\"\"\"{name}\"\"\"\n")), "{csv}");
        assert!(explanation.contains(&format!(": \"{name}\" ({pid})\n")), "{explanation}");
    }
}

#[test]
fn csv_has_a_line_for_each_socket_and_no_formula() {
    let every: Vec<Column> = Column::ALL.map(|(column, _)| column).to_vec();
    for machine in [friendly(), hostile()] {
        let text = printed(|out| csv::write(out, &machine.listing(), &every, false));
        assert_eq!(text.lines().count(), 1 + machine.rows.len());
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            assert_eq!(record.len(), every.len());
            assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{record:?}");
        }
    }
}

#[test]
fn csv_of_the_usual_columns() {
    let text = printed(|out| csv::write(out, &friendly().listing(), Column::CSV, false));
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
        lines[4],
        "tcp,ipv4,192.0.2.1,40000,198.51.100.7,443,,TIME_WAIT,0,0,time-wait,41000,,,,none,,,,,,https,registered"
    );
    assert_eq!(lines[6], "udp,ipv6,fe80::1%12,546,,,eth0,,0,0,,,0,root,13,owned,1,,,,,dhcpv6-client,well-known");
}

#[test]
fn chosen_columns_come_in_their_order_without_a_heading() {
    let columns = [Column::Pid, Column::LocalPort];
    let text = printed(|out| csv::write(out, &friendly().listing(), &columns, true));
    assert_eq!(text, "900 901,443\n901,443\n4711,50000\n,40000\n,5000\n1,546\n");
}

#[test]
fn the_wide_table() {
    let look = TableStyle { width: None, color: false, no_header: false };
    let text = printed(|out| wide::write(out, &friendly().listing(), Column::WIDE, false, look));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].chars().all(|character| character == '─'));
    let words: Vec<String> = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(words[0], "Proto Local Address Foreign Address State PID Process User Service Peer Range");
    assert_eq!(
        words[2..],
        [
            "TCP 0.0.0.0:443 * LISTENING 900 901 nginx www-data https well-known",
            "TCP 127.0.0.1:443 127.0.0.1:50000 ESTABLISHED 901 nginx root https curl (4711) well-known",
            "TCP 127.0.0.1:50000 127.0.0.1:443 ESTABLISHED 4711 curl root https nginx (901) dynamic",
            "TCP 192.0.2.1:40000 198.51.100.7:443 TIME_WAIT (kernel) https registered",
            "TCP 10.0.0.1:5000 10.0.0.2:443 ESTABLISHED (hidden) https https registered",
            "UDP [fe80::1%12]:546 * 1 (gone) root dhcpv6-client well-known",
        ]
    );
    let column = |line: &str, word| line.find(word).map(|at| line[..at].chars().count());
    assert_eq!(column(lines[0], "Range"), column(lines[2], "well-known"));
}

#[test]
fn a_narrow_terminal_breaks_no_address_and_says_what_it_hides() {
    let long = Socket {
        remote: Endpoint::new("2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap(), 443),
        state: Some(State::Established),
        inode: 10,
        ..socket("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 50000)
    };
    let machine = Machine::new(vec![long], &[(10, 900)], vec![process(900, "a-process-with-a-long-name")]);
    for width in [40, 80, 120, 145] {
        let look = TableStyle { width: Some(width), color: false, no_header: false };
        let text = printed(|out| wide::write(out, &machine.listing(), Column::WIDE, false, look));
        assert!(text.contains("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:50000"), "{text}");
        assert!(text.contains("[2001:db8:1111:2222:3333:4444:5555:6666]:443"), "{text}");
        if width >= 140 {
            assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{text}");
        }
        assert!(text.contains("--columns chooses"), "{text}");
    }
}

#[test]
fn colour_comes_by_state_and_only_where_it_is_wanted() {
    let print = |color| {
        let look = TableStyle { width: None, color, no_header: false };
        printed(|out| wide::write(out, &friendly().listing(), Column::WIDE, false, look))
    };
    let (plain, coloured) = (print(false), print(true));
    assert!(!plain.contains('\u{1b}'));
    let line_of = |state: &str| coloured.lines().find(|line| line.contains(state)).unwrap().to_owned();
    assert!(line_of("ESTABLISHED").contains("\u{1b}[38;5;10m"));
    assert_ne!(line_of("LISTENING").split("LISTENING").next(), line_of("TIME_WAIT").split("TIME_WAIT").next());
}
