//! What is internal to TCP, in every format.

use crate::app::Exit;
use crate::lookup::rates::Rates;
use crate::model::details::{Details, KernelName};
use crate::model::problem::ProblemKind;
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
use crate::reports::document::SCHEMA;
use crate::reports::tests::{Machine, assert_valid, friendly, request};
use crate::request::View;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Other systems refuse switches and conditions on what Linux alone has.
const HAS_TCP_INFO: bool = matches!(crate::platform::SYSTEM, crate::model::system::System::Linux);

const CONNECTIONS: [usize; 2] = [1, 2];

/// The friendly machine with internals of its first two connections; the others have none.
fn machine(sent: u64) -> Machine {
    let mut machine = friendly();
    let rows = machine.snapshot.sockets.len();
    let mut table = TcpInfoTable::new(TcpField::ALL.iter().copied().collect());
    for row in 0..rows {
        let mut cells = table.push();
        if CONNECTIONS.contains(&row) {
            let values = [
                (TcpField::Rtt, 51_000),
                (TcpField::MinRtt, 950),
                (TcpField::Cwnd, 10),
                (TcpField::Mss, 1448),
                (TcpField::Retransmits, row as u64),
                (TcpField::BytesSent, sent),
                (TcpField::BytesReceived, 2 * sent),
                (TcpField::AppLimited, 1),
                (TcpField::Ecn, 2),
                (TcpField::LastReceive, 61_000),
            ];
            values.into_iter().for_each(|(field, value)| cells.set(field, value));
        }
    }
    machine.snapshot.tcp_info = table;
    machine.snapshot.details = vec![Details { congestion: KernelName::new(b"cubic"), ..Details::default() }; rows];
    machine
}

/// The machine at the second moment of an interval, a second after the first.
fn second_moment() -> Machine {
    let (start, mut rates) = (Instant::now(), Rates::default());
    rates.observe(&machine(1000).snapshot, start);
    let mut machine = machine(1000 + 4096);
    machine.lookups.rates = rates.observe(&machine.snapshot, start + Duration::from_secs(1));
    machine
}

fn words(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn wide_shows_the_ten_columns_with_units_and_a_dash_for_what_is_unknown() {
    let text = words(&machine(1_258_292).print("-an --tcp-info"));
    let headings = "RTT Min RTT Cwnd MSS Retransmits Sent Received Delivery Last Recv Congestion";
    assert!(text[0].contains(headings), "{text:#?}");
    assert!(text.iter().any(|line| line.contains("51ms 950us 10 1448 1 1.2MiB 2.4MiB - 1min cubic")), "{text:#?}");
    assert!(text.iter().any(|line| line.contains("LISTENING") && line.contains("- - - - - - - - - cubic")), "{text:#?}");
}

#[test]
fn a_narrow_terminal_leaves_out_other_columns_before_these() {
    let columns = request("-an --tcp-info").columns;
    let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
    assert_eq!(names[5..8], ["process", "rtt", "min_rtt"]);
    let under_an_interval = request("-an --tcp-info 5").columns;
    assert!(under_an_interval.iter().any(|column| column.name() == "send_rate"));
}

#[test]
fn csv_has_plain_numbers() {
    let text = machine(1_258_292).print("-an --format csv --columns local_port,rtt,bytes_sent,app_limited,ecn,last_receive");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "local_port,rtt,bytes_sent,app_limited,ecn,last_receive");
    assert!(lines.contains(&"443,51000,1258292,yes,seen,61000"), "{text}");
    assert!(lines.contains(&"443,,,,,"), "{text}");
}

#[test]
fn json_has_an_object_for_connections_and_null_for_the_rest() {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let whole: Value = serde_json::from_str(&machine(7).print("-anq --json --tcp-info")).unwrap();
    assert_valid(&schema, &whole);
    let of_connections: Vec<_> = whole["sockets"].as_array().unwrap().iter().filter(|socket| socket["inode"] == 11).collect();
    assert_eq!(
        of_connections[0]["tcp_info"],
        json!({
            "rtt_us": 51000, "min_rtt_us": 950, "cwnd": 10, "mss_bytes": 1448, "retransmits": 1, "bytes_sent": 7,
            "bytes_received": 14, "delivery_rate_bytes_per_second": null, "last_receive_ms": 61000,
        })
    );
    assert_eq!((&whole["sockets"][0]["tcp_info"], &whole["sockets"][0]["congestion"]), (&Value::Null, &"cubic".into()));
    let plain: Value = serde_json::from_str(&machine(7).print("-anq --json")).unwrap();
    assert!(plain["sockets"].as_array().unwrap().iter().all(|socket| socket.get("tcp_info").is_none()));
    let every =
        TcpField::ALL.iter().map(|&field| crate::request::column::Column::Tcp(field).name()).collect::<Vec<_>>().join(",");
    let line = format!("-anq --json --columns {every},upper_layer,send_rate,receive_rate,retransmit_rate 1");
    assert_valid(&schema, &serde_json::from_str(&second_moment().print(&line)).unwrap());
}

#[test]
fn rates_are_there_from_the_second_moment_on() {
    if !HAS_TCP_INFO {
        return;
    }
    let line = "-an --format csv --no-header --columns inode,send_rate,receive_rate,retransmit_rate 1";
    assert!(machine(1000).print(line).lines().any(|line| line.starts_with("11,,,,1970-")));
    assert!(second_moment().print(line).lines().any(|line| line.starts_with("11,4096,8192,,1970-")));
}

#[test]
fn rates_without_an_interval_are_refused() {
    if !HAS_TCP_INFO {
        return;
    }
    for line in ["--columns send_rate", "--sort -send_rate", "--where send_rate>1KiB/s"] {
        let error = crate::cli::parse(line.split(' ').map(Into::into)).unwrap_err();
        assert!(error.sentence.contains("needs an interval"), "{line}: {error}");
    }
}

#[test]
fn tcp_info_is_refused_if_there_is_nothing_to_add_to() {
    for line in ["--tcp-info -s", "--tcp-info --format table", "--tcp-info --count", "--tcp-info --explain 80", "--tcp-info -r"] {
        let error = crate::cli::parse(line.split(' ').map(Into::into)).unwrap_err();
        assert!(error.sentence.contains("--tcp-info"), "{line}: {error}");
    }
}

#[test]
fn rows_are_kept_for_which_every_condition_holds() {
    if !HAS_TCP_INFO {
        return;
    }
    let count = |conditions: &[&str]| {
        let line = conditions.iter().fold("--count".to_owned(), |line, condition| format!("{line} --where {condition}"));
        machine(1000).print(&line)
    };
    assert_eq!(count(&["rtt>50ms"]), "2\n");
    assert_eq!(count(&["rtt>50ms", "retransmits>1"]), "1\n");
    assert_eq!(count(&["rtt>52ms"]), "0\n");
    assert_eq!(count(&["rtt<1h"]), "2\n", "a row without a value does not match");
    assert_eq!(count(&["rtt!=1us"]), "2\n");
    assert_eq!(count(&["process=nginx"]), "2\n", "a condition looks through listeners too");
    assert_eq!(count(&["state=listening"]), "1\n");
    assert_eq!(count(&["local_port=443", "remote_port>0"]), "1\n");
    assert_eq!(count(&["ecn=seen", "app_limited=yes"]), "2\n");
}

#[track_caller]
fn status(machine: Machine, line: &str) -> (Exit, Vec<ProblemKind>) {
    let moment = machine.read(line);
    (Exit::of(&moment, &request(line)), moment.problems.iter().map(|problem| problem.kind).collect())
}

#[test]
fn the_status_says_whether_a_condition_was_answered() {
    if !HAS_TCP_INFO {
        return;
    }
    assert_eq!(status(machine(1), "--where rtt>1ms"), (Exit::Done, vec![]));
    assert_eq!(status(machine(1), "--where rtt>1s"), (Exit::No, vec![]));

    let mut unread = machine(1);
    unread.snapshot.tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::Rtt]));
    unread.snapshot.tcp_info.resize_unread(unread.snapshot.sockets.len());
    assert_eq!(status(unread, "--where rtt>1s"), (Exit::Failed, vec![ProblemKind::FilterUndecided]));

    let mut older = machine(1);
    older.snapshot.tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::Rtt, TcpField::Timeouts]));
    for row in 0..older.snapshot.sockets.len() {
        let mut cells = older.snapshot.tcp_info.push();
        cells.set(TcpField::Rtt, row as u64);
        cells.set_missing(TcpField::Timeouts);
    }
    let moment = older.read("--where timeouts>0");
    let messages: Vec<_> = moment.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["--where cannot rest on timeouts: this kernel does not have it"]);
    assert_eq!(Exit::of(&moment, &request("--where timeouts>0")), Exit::Failed);

    // Its owner may not be seen.
    assert_eq!(status(machine(1), "--where process=ghost").0, Exit::Failed);
}

#[test]
fn the_summary_adds_up_traffic_by_process() {
    let text = words(&second_moment().print("--summary --tcp-info 1"));
    let at = text.iter().position(|line| line == "TCP traffic by process").unwrap();
    assert_eq!(text[at + 1], "Process Sent Received Retransmitted Send Rate Recv Rate Retrans Rate");
    assert!(text[at + 3..].contains(&"nginx (901) 4.9KiB 9.9KiB - 4KiB/s 8KiB/s -".to_owned()), "{text:#?}");
    let once = words(&machine(1000).print("--summary --tcp-info"));
    assert!(once.contains(&"nginx (901) 1000B 1.9KiB -".to_owned()), "{once:#?}");
    assert!(!friendly().print("--summary").contains("traffic"));

    let json: Value = serde_json::from_str(&second_moment().print("--summary --tcp-info --json 1")).unwrap();
    assert_valid(&serde_json::from_str(SCHEMA).unwrap(), &json);
    let nginx = json["summary"]["traffic"].as_array().unwrap().iter().find(|sum| sum["pid"] == 901).unwrap().clone();
    assert_eq!((&nginx["bytes_sent"], &nginx["send_rate_bytes_per_second"]), (&5096.into(), &4096.into()));
    let once: Value = serde_json::from_str(&machine(1).print("--summary --tcp-info --json")).unwrap();
    assert_eq!(once["summary"]["traffic"][0].get("send_rate_bytes_per_second"), None);
}

#[test]
fn nothing_is_read_for_a_line_that_does_not_ask() {
    if !HAS_TCP_INFO {
        return;
    }
    use crate::model::system::System;
    for line in ["-ano", "-anq --json", "--summary 1", "--format wide", "-c", "--format csv --columns congestion"] {
        let query = request(line).sockets_to_read(System::Linux).unwrap();
        assert!(query.details.tcp_info.is_empty(), "{line}");
    }
    let asked = |line: &str| request(line).sockets_to_read(System::Linux).unwrap().details.tcp_info;
    assert_eq!(asked("--count --where rtt>1ms"), TcpFields::of(&[TcpField::Rtt]));
    assert_eq!(asked("--sort -drops"), TcpFields::of(&[TcpField::Drops]));
    assert!(request("--summary --tcp-info").views == [View::Summary] && !asked("--summary --tcp-info").is_empty());
}
