//! Pairs of documents, and documents that are refused.

use super::compare::compare;
use super::recorded::Recorded;
use super::{json, text};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Protocol, Socket, State, Table, TableSet};
use crate::reports::tests::{Machine, friendly, process, request};

/// A listener that a process holds, a UDP socket, a connection and one that is over.
fn before() -> Machine {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
    let connection = Socket { state: Some(State::Established), remote, inode: 13, ..socket("10.0.0.1", 443) };
    let sockets = vec![
        Socket { inode: 10, send_queue: 128, ..socket("0.0.0.0", 443) },
        Socket { inode: 11, ..socket("127.0.0.1", 8080) },
        Socket { protocol: Protocol::Udp, state: None, inode: 12, ..socket("0.0.0.0", 68) },
        connection,
        Socket { state: Some(State::TimeWait), inode: 0, ..connection },
    ];
    let processes = vec![process(900, "nginx"), process(901, "app"), process(902, "dhclient")];
    Machine::new(sockets, &[(10, 900), (11, 901), (12, 902), (13, 900)], processes)
}

/// The same, after nginx was restarted with a longer queue, app ended and sshd was started.
fn after() -> Machine {
    let sockets = vec![
        Socket { inode: 20, send_queue: 511, ..socket("0.0.0.0", 443) },
        Socket { protocol: Protocol::Udp, state: None, inode: 12, ..socket("0.0.0.0", 68) },
        Socket { inode: 21, ..socket("::", 22) },
    ];
    let processes = vec![process(1900, "nginx"), process(902, "dhclient"), process(1901, "sshd\u{1b}[2J")];
    Machine::new(sockets, &[(20, 1900), (12, 902), (21, 1901)], processes)
}

fn record(machine: Machine, line: &str) -> String {
    machine.print(line)
}

fn read(text: &str) -> Result<Recorded, String> {
    Recorded::read("old.json", text.as_bytes()).map_err(|refused| refused.to_string())
}

fn differences(documents: [&str; 2], line: &str) -> Result<String, String> {
    let [earlier, later] = documents.map(|document| read(document).unwrap());
    let other_host = line.contains("--other-host");
    let comparison = compare(&earlier, &later, &request(line).query, other_host).map_err(|refused| refused.to_string())?;
    let mut out = Vec::new();
    text::write(&mut out, &comparison, false).unwrap();
    out.extend(comparison.missing.iter().flat_map(|problem| format!("? {problem}\n").into_bytes()));
    Ok(String::from_utf8(out).unwrap())
}

const DIFF: &str = "--diff old.json";

#[test]
fn a_restarted_service_is_one_change_with_both_processes() {
    let expected = "~ changed TCP 0.0.0.0:443: owner nginx (900) -> nginx (1900); backlog 128 -> 511\n\
                    - closed  TCP 127.0.0.1:8080 LISTENING: app (901)\n\
                    + opened  TCP [::]:22 LISTENING: 'sshd\\x1b[2J' (1901)\n";
    for format in ["--json", "--format ndjson"] {
        let line = format!("-anq {format}");
        let found = differences([&record(before(), &line), &record(after(), "-anq --json")], DIFF).unwrap();
        let plain = |text: &str| text.replace(['\'', '"', '\\'], "").replace("u{1b}", "x1b");
        assert_eq!(plain(&found), plain(expected), "{format}");
        assert!(!found.contains('\u{1b}'));
    }
}

#[test]
fn a_backlog_that_one_source_does_not_tell_is_no_difference() {
    let line = "-anq --json";
    let mut machine = before();
    machine.snapshot.sockets.iter_mut().for_each(|socket| socket.send_queue = 0);
    assert_eq!(differences([&record(before(), line), &record(machine, line)], DIFF).unwrap(), "");
}

#[test]
fn the_same_moment_has_no_difference_and_time_wait_counts_as_closed() {
    let whole = record(before(), "-anq --json");
    assert_eq!(differences([&whole, &whole], DIFF).unwrap(), "");
    let mut machine = before();
    machine.snapshot.sockets.pop();
    assert_eq!(differences([&whole, &record(machine, "-anq --json")], "-a --diff old.json").unwrap(), "");
    let found = differences([&whole, &record(after(), "-anq --json")], "-a --diff old.json").unwrap();
    assert!(found.contains("- closed  TCP 10.0.0.1:443 to 192.0.2.9:5000 ESTABLISHED: nginx (900)\n"), "{found}");
}

#[test]
fn owners_that_are_hidden_are_no_change_if_the_socket_is_the_same() {
    let mut hidden = before();
    hidden.snapshot.owners = Machine::new(Vec::new(), &[], Vec::new()).snapshot.owners;
    let (known, hidden) = (record(before(), "-anq --json"), record(hidden, "-anq --json"));
    assert_eq!(differences([&known, &hidden], DIFF).unwrap(), "");
}

#[test]
fn what_an_incomplete_document_lacks_is_not_closed() {
    let mut machine = after();
    machine.snapshot.problems = vec![Problem::new(ProblemKind::TableIncomplete, "half a table")];
    let found = differences([&record(before(), "-anq --json"), &record(machine, "-anq --json")], DIFF).unwrap();
    assert!(found.contains("~ changed") && found.contains("+ opened") && !found.contains("- closed"), "{found}");
    assert!(found.ends_with("? old.json: half a table\n"), "{found}");
}

#[test]
fn what_is_missing_from_one_table_says_nothing_about_the_others() {
    let mut machine = after();
    let incomplete = Problem::new(ProblemKind::TableIncomplete, "half a table");
    machine.snapshot.problems = vec![incomplete.clone().about(TableSet::shown_of(Table::Udp6))];
    let found = differences([&record(before(), "-anq --json"), &record(machine, "-anq --json")], DIFF).unwrap();
    assert!(found.contains("- closed  TCP 127.0.0.1:8080") && found.ends_with("? old.json: half a table\n"), "{found}");
    let mut machine = before();
    machine.snapshot.sockets.remove(2);
    machine.snapshot.problems = vec![incomplete.clone().about(TableSet::shown_of(Table::Udp4))];
    let lacking = record(machine, "-anq --json");
    let found = differences([&record(before(), "-anq --json"), &lacking], DIFF).unwrap();
    assert_eq!(found, "? old.json: half a table\n");
    assert_eq!(differences([&lacking, &record(before(), "-anq --json")], DIFF).unwrap(), "? old.json: half a table\n");
    // A table that is not compared is not missing.
    let tcp = "-p tcp --diff old.json";
    assert_eq!(differences([&lacking, &record(before(), "-anq --json")], tcp).unwrap(), "");
}

#[test]
fn another_connection_with_the_same_ends_is_closed_and_opened() {
    let replaced = record(before(), "-anq --json").replace("\"inode\":13", "\"inode\":14");
    let found = differences([&record(before(), "-anq --json"), &replaced], "-a --diff old.json").unwrap();
    let closed = found.find("- closed  TCP 10.0.0.1:443 to 192.0.2.9:5000").unwrap();
    assert!(found[closed..].contains("+ opened  TCP 10.0.0.1:443 to 192.0.2.9:5000"), "{found}");
}

#[test]
fn documents_that_cannot_be_compared_are_refused_with_the_reason() {
    let whole = record(before(), "-anq --json");
    let refused = |earlier: &str, line: &str| differences([earlier, &whole], line).unwrap_err();
    let other_host = whole.replacen("\"box\"", "\"else\u{202e}where\"", 1);
    let reason = refused(&other_host, DIFF);
    assert!(reason.contains("--other-host compares them anyway") && !reason.contains('\u{202e}'), "{reason}");
    assert_eq!(differences([&other_host, &whole], "--other-host --diff old.json").unwrap(), "");
    let filtered = record(before(), "-anq --port 443 --json");
    assert!(refused(&filtered, DIFF).contains("was made with --port=443 and old.json with no filter"));
    let connections = record(before(), "-n --json");
    assert!(refused(&connections, DIFF).contains("does not list UDP/IPv4: make it with the same switches"));
}

#[test]
fn files_that_are_cut_foreign_or_hostile_are_refused() {
    let whole = record(before(), "-anq --json");
    let lines = record(before(), "-anq --format ndjson");
    let without_last = lines.trim_end().rsplit_once('\n').unwrap().0;
    for (document, reason) in [
        ("", "is cut"),
        (&whole[..whole.len() / 2], "is cut"),
        (&lines[..lines.len() - 20], "is cut"),
        (without_last, "is cut: it has 4 of 5 sockets"),
        ("{}", "is no document of 'rnetstat --json'"),
        ("\0\0\0", "is no document"),
        ("[[[[[[[[", "is no document"),
        (&format!("{whole}{whole}"), "has something behind its document"),
        (&format!("{lines}{lines}"), "has more than one snapshot"),
        (&record(before(), "-anq --format ndjson --no-header"), "has no head"),
        (&record(before(), "-s --json"), "lists no sockets"),
        (&record(before(), "-anq --json --columns pid"), "which --columns left out"),
        (&whole.replacen("\"schema_version\":2", "\"schema_version\":1", 1), "has schema version 1"),
        (&whole.replacen("\"state\":\"LISTENING\"", "\"state\":\"\\u001b[2J\"", 1), "there is no state"),
        (&whole.replacen("\"port\":443", "\"port\":70000", 1), "is no document"),
        (&whole.replacen("0.0.0.0", "0.0.0.0.0", 1), "is no document"),
    ] {
        let found = read(document).map(|_| ()).unwrap_err();
        assert!(found.starts_with("old.json ") && found.contains(reason), "{reason}: {found}");
        assert!(!found.contains('\u{1b}'), "{found:?}");
    }
}

#[test]
fn differences_in_json_are_what_the_schema_says() {
    let schema: serde_json::Value = serde_json::from_str(crate::reports::document::SCHEMA).unwrap();
    let (earlier, later) = (record(friendly(), "-anq --json"), record(after(), "-anq --json"));
    let [earlier, later] = [earlier, later].map(|document| read(&document).unwrap());
    let line = "--diff old.json --json";
    let comparison = compare(&earlier, &later, &request(line).query, false).unwrap();
    let mut out = Vec::new();
    json::write(&mut out, [&earlier, &later], &comparison, &request(line).output).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
    assert_eq!(document["differences"][0]["change"], "changed");
    assert_eq!(document["differences"][0]["after"]["owners"][0]["pid"], 1900);
}
