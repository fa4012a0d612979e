//! The help, the man page, the schema and every report of a made-up moment, compared with the files in `golden/`.
//!
//! After an intended change: `BLESS=1 cargo test --test golden`, then review `git diff tests/golden`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use rnetstat::cli::{self, Command};
use std::fs;
use std::path::{Path, PathBuf};
use support::{command, made_up};

/// The variable that makes the test write the files instead.
const BLESS: &str = "BLESS";

/// What the program prints about itself: the file and the command line.
const TEXTS: [(&str, &str); 4] =
    [("help.txt", "--help"), ("man.1", "--man"), ("schema.json", "--schema"), ("version.txt", "--version")];

/// Every report of the made-up moment: the file and the command line.
const REPORTS: &[(&str, &str)] = &[
    ("table.txt", "-an"),
    ("table-connections.txt", "-n"),
    ("table-owners.txt", "-anoq"),
    ("table-all-columns.txt", "-anotdiy"),
    ("table-executables.txt", "-anob"),
    ("table-names.txt", "-af"),
    ("table-programs.txt", "-tulpn"),
    ("table-korean.txt", "-ano --lang ko"),
    ("table-sorted.txt", "-ano --sort -pid,local-port"),
    ("table-no-header.txt", "-ano --no-header"),
    ("table-no-rows.txt", "-ano --port 1"),
    ("count.txt", "-an --count"),
    ("wide.txt", "-aq --format wide"),
    ("wide-columns.txt", "-a --format wide --columns pid,local,state,timer_ms,service"),
    ("wide-no-header.txt", "-a --format wide --no-header"),
    ("wide-no-rows.txt", "--format wide --port 1"),
    ("json.json", "-aq --json"),
    ("json-no-rows.json", "--json --port 1"),
    ("ndjson.ndjson", "-aq --format ndjson"),
    ("ndjson-no-rows.ndjson", "--format ndjson --port 1"),
    ("csv.csv", "-aq --format csv"),
    ("csv-columns.csv", "-aq --format csv --columns protocol,local,remote,pid,process,peer"),
    ("csv-no-header.csv", "-a --format csv --no-header"),
    ("csv-no-rows.csv", "--format csv --port 1"),
    ("openmetrics.txt", "--format openmetrics"),
    ("openmetrics-no-rows.txt", "--format openmetrics --port 1"),
    ("summary.txt", "--summary"),
    ("summary.json", "--summary --json"),
    ("explain-listener.txt", "--explain 22"),
    ("explain-time-wait.txt", "--explain 443"),
    ("explain-hidden.txt", "--explain 8443"),
    ("explain-ephemeral.txt", "--explain 40003"),
    ("explain-free.txt", "--explain 81"),
    ("explain-try-bind.txt", "--explain tcp/81,udp/22 --try-bind"),
    ("explain-try-bind.json", "--explain tcp/81 --try-bind --json"),
    ("explain.json", "--explain 22 --json"),
    ("explain-free.json", "--explain 81 --json"),
    ("statistics.txt", "-s"),
    ("statistics-tcp.txt", "-s -p tcp -n"),
    ("statistics.json", "-s --json"),
    ("interfaces.txt", "-e"),
    ("interfaces.json", "-e --json"),
    ("routes.txt", "-r"),
    ("routes-korean.txt", "-r --lang ko"),
    ("routes.json", "-r --json"),
    ("consumers.txt", "-c"),
    ("consumers.json", "-c --json"),
    ("rdma.txt", "-x"),
    ("rdma.json", "-x --json"),
    ("all-views.ndjson", "-e -s -r -c -x --format ndjson"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares a text with its file, or writes the file with [`BLESS`]. The first difference, if there is one.
fn compare(file: &str, line: &str, found: &str) -> Option<String> {
    let path = folder().join(file);
    // Windows prints CR LF, and a checkout there may have converted the files.
    let found = found.replace("\r\n", "\n");
    if std::env::var_os(BLESS).is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(path, found).unwrap();
        return None;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if found == expected {
        return None;
    }
    let place = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    let place = place.unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    let of = |text: &str| text.lines().nth(place).unwrap_or("(end)").to_owned();
    Some(format!("{file} ({line}), line {}:\n  expected {}\n  found    {}", place + 1, of(&expected), of(&found)))
}

#[track_caller]
fn assert_no_differences(differences: impl Iterator<Item = String>) {
    let differences: Vec<String> = differences.collect();
    let hint = "if that is intended: BLESS=1 cargo test --test golden";
    assert!(differences.is_empty(), "{}\n{hint}", differences.join("\n"));
}

#[test]
fn help_man_page_and_schema_equal_their_golden_files() {
    let differences = TEXTS.into_iter().filter_map(|(file, line)| {
        // Without a terminal the width is fixed.
        let output = command::command_of_line(line).env_remove("COLUMNS").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}");
        compare(file, line, &command::stdout(&output))
    });
    assert_no_differences(differences);
}

#[test]
fn every_report_equals_its_golden_file() {
    let differences = REPORTS.iter().filter_map(|&(file, line)| {
        let request = match cli::parse(line.split_whitespace().map(Into::into)) {
            Ok(Command::Run(request)) => request,
            other => panic!("{line}: {other:?}"),
        };
        let moment = made_up::moment_of(&request, made_up::sockets());
        compare(file, line, &made_up::print(&request, &moment))
    });
    assert_no_differences(differences);
}

#[test]
fn every_golden_file_belongs_to_a_command_line() {
    let is_known = |name: &str| TEXTS.iter().chain(REPORTS).any(|(file, _)| *file == name);
    let entries = fs::read_dir(folder()).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| !is_known(name)).collect::<Vec<_>>(), [""; 0]);
}
