//! Views and formats of a made-up moment: without rows, and every pair of views compared with each alone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use rnetstat::cli::{self, Command};
use rnetstat::model::socket::Socket;
use rnetstat::request::Request;
use serde_json::Value;
use support::made_up;

fn request(line: &str) -> Request {
    match cli::parse(line.split_whitespace().map(Into::into)) {
        Ok(Command::Run(request)) => *request,
        other => panic!("{line}: {other:?}"),
    }
}

/// What a line prints of these sockets.
fn print(line: &str, sockets: Vec<Socket>) -> String {
    let request = request(line);
    made_up::print(&request, &made_up::moment_of(&request, sockets))
}

#[test]
fn formats_without_rows_print_their_heading_and_nothing_else() {
    let lines = |line: &str| print(line, Vec::new()).lines().count();
    for (line, with_header, without_header) in [
        ("-ano", 4, 0),
        ("-anotdiyb", 5, 0),
        ("-an --format csv", 1, 0),
        ("-an --format csv --columns pid,local", 1, 0),
        ("-an --format ndjson", 1, 0),
        ("-c", 4, 0),
        ("-x", 5, 0),
    ] {
        assert_eq!((lines(line), lines(&format!("{line} --no-header"))), (with_header, without_header), "{line}");
    }
    for line in ["-an --format wide", "-an --format wide --columns pid,local"] {
        assert_eq!(lines(line), 4, "{line}: heading, rule, an empty line and the footer");
        assert_eq!(print(&format!("{line} --no-header"), Vec::new()), "", "{line}");
    }
    assert_eq!(print("-an --count", Vec::new()), "0\n");
    for (line, section) in [("-an", "sockets"), ("-c", "consumers"), ("-x", "rdma")] {
        let document: Value = serde_json::from_str(&print(&format!("{line} --json"), Vec::new())).unwrap();
        assert_eq!(document[section], Value::Array(Vec::new()), "{line}");
    }
    assert!(print("--summary", Vec::new()).starts_with("0 sockets"));
    assert!(print("--explain 22", Vec::new()).starts_with("Port 22"));
}

/// The views that can be combined, and their sections in JSON.
const VIEWS: [(&str, &str); 5] =
    [("-e", "interfaces"), ("-s", "statistics"), ("-c", "consumers"), ("-x", "rdma"), ("-r", "routes")];

/// Switches beside the views: without and with a protocol, with which -s is followed by the table of sockets.
const MODIFIERS: [&str; 2] = ["-n", "-n -p tcp"];

/// Every pair of different views in both orders, with the modifiers that suit each of them.
fn pairs() -> impl Iterator<Item = (&'static str, [(&'static str, &'static str); 2])> {
    let suits = |modifier: &str, view: &str| cli::parse(format!("{modifier} {view}").split(' ').map(Into::into)).is_ok();
    let pairs = MODIFIERS.into_iter().flat_map(move |modifier| {
        let views = VIEWS.into_iter().filter(move |(view, _)| suits(modifier, view));
        views.clone().flat_map(move |first| views.clone().map(move |second| (modifier, [first, second])))
    });
    pairs.filter(|(_, [first, second])| first != second)
}

#[test]
fn every_pair_of_views_prints_what_each_prints_alone() {
    let mut compared = 0;
    for (modifier, [(first, _), (second, _)]) in pairs() {
        let alone = [first, second].map(|view| print(&format!("{modifier} {view}"), made_up::sockets()));
        let both = print(&format!("{modifier} {first} {second}"), made_up::sockets());
        for text in &alone {
            // Other views may stand between the statistics of a protocol and its table.
            let mut blocks = text.split("\nActive Connections\n");
            let are_contained = blocks.all(|block| both.contains(block.trim_matches('\n')));
            assert!(are_contained, "{modifier} {first} {second}:\n{both}\nlacks\n{text}");
        }
        let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).count();
        let expected: usize = alone.iter().map(|text| lines(text)).sum();
        assert_eq!(lines(&both), expected, "{modifier} {first} {second}:\n{both}");
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} pairs");
}

#[test]
fn every_pair_of_views_is_one_json_document_with_the_sections_of_each() {
    let document = |line: &str| -> Value { serde_json::from_str(&print(&format!("{line} --json"), made_up::sockets())).unwrap() };
    for (modifier, [first, second]) in pairs() {
        let both = document(&format!("{modifier} {} {}", first.0, second.0));
        for (view, section) in [first, second] {
            let alone = document(&format!("{modifier} {view}"));
            assert!(!alone[section].is_null(), "{modifier} {view}");
            for section in [section, "problems", "complete"] {
                assert_eq!(both[section], alone[section], "{modifier} {} {}: {section}", first.0, second.0);
            }
        }
    }
}
