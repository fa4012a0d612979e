//! Command lines drawn from every switch of the definition: none panics, and no switch is silently ignored.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rnetstat::app::Exit;
use rnetstat::cli::{self, Command};
use rnetstat::model::socket::Socket;
use rnetstat::request::{Amount, Format, Request};
use serde_json::Value;
use std::ffi::OsString;
use support::made_up;

/// A character that reverses the text after it.
const RIGHT_TO_LEFT: char = '\u{202e}';

/// How many command lines are drawn.
const LINES: u32 = 3000;

/// The letters of net-tools that are no switches of Windows' netstat.
const NET_TOOLS_LETTERS: &str = "luw46WvgFMC";

/// Values for switches without a list of possible ones, valid and invalid, and for the words that are no switches.
const VALUES: [&str; 34] = [
    "80",
    "8000-8100",
    "!443",
    "80,!443,http",
    "0",
    "65536",
    "1",
    "5",
    "3600",
    "86401",
    "1.5",
    ":22",
    ":8000-9000",
    "tcp",
    "UDPv6",
    "icmp",
    "tcp/53",
    "10.0.0.0/8",
    "::1",
    "fe80::1%1",
    "127.0.0.1,!::1",
    "established,!time_wait",
    "bound",
    "0,daemon",
    "nginx*",
    "pid,-local-port",
    "-state",
    "pid,process,local_port,state",
    "local",
    "",
    "-",
    "!",
    "no such value",
    "\u{1b}[2J\u{202e}",
];

/// A switch in every spelling, and its values if it takes one.
#[derive(Clone, Debug)]
struct Switch {
    spellings: Vec<String>,
    values: Vec<String>,
}

fn switches() -> Vec<Switch> {
    let definition = cli::definition();
    let of_definition = definition.get_arguments().filter(|argument| !argument.is_positional()).map(|argument| {
        let letters = argument.get_short().into_iter().flat_map(|letter| {
            let upper = letter.to_ascii_uppercase();
            [format!("-{letter}"), format!("-{upper}"), format!("/{letter}")]
        });
        let long = argument.get_long().map(|name| format!("--{name}"));
        let mut values: Vec<String> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if argument.get_action().takes_values() && values.is_empty() {
            values = VALUES.map(str::to_owned).to_vec();
        }
        if !argument.get_action().takes_values() {
            values.clear();
        }
        Switch { spellings: letters.chain(long).collect(), values }
    });
    let net_tools = NET_TOOLS_LETTERS.chars().map(|letter| Switch { spellings: vec![format!("-{letter}")], values: Vec::new() });
    of_definition.chain(net_tools).collect()
}

/// A word or two of a command line.
fn words(switches: &[Switch]) -> BoxedStrategy<Vec<String>> {
    let switch = select(switches.to_vec()).prop_flat_map(|switch| {
        let spelling = select(switch.spellings);
        if switch.values.is_empty() {
            return spelling.prop_map(|spelling| vec![spelling]).boxed();
        }
        (spelling, select(switch.values), any::<bool>())
            .prop_map(|(spelling, value, joined)| {
                if joined && spelling.starts_with("--") { vec![format!("{spelling}={value}")] } else { vec![spelling, value] }
            })
            .boxed()
    });
    let letters: Vec<char> = switches
        .iter()
        .flat_map(|switch| &switch.spellings)
        .filter(|word| word.len() == 2)
        .filter_map(|word| word.chars().nth(1))
        .collect();
    let cluster =
        prop::collection::vec(select(letters), 1..6).prop_map(|letters| vec![format!("-{}", String::from_iter(letters))]);
    let stray = select(VALUES.to_vec()).prop_map(|word| vec![word.to_owned()]);
    prop_oneof![6 => switch, 3 => cluster, 1 => stray].boxed()
}

fn command_lines() -> BoxedStrategy<Vec<String>> {
    prop::collection::vec(words(&switches()), 0..7).prop_map(|words| words.concat()).boxed()
}

fn parse(line: &[String]) -> Result<Command, cli::UsageError> {
    cli::parse(line.iter().map(OsString::from))
}

/// Prints a made-up moment: the output has to be well-formed, without control and invisible characters.
fn check_output(request: &Request, sockets: Vec<Socket>) -> Result<(), TestCaseError> {
    let moment = made_up::moment_of(request, sockets);
    let text = made_up::print(request, &moment);
    let status = Exit::of(&moment, request);
    prop_assert!(matches!(status, Exit::Done | Exit::No | Exit::Failed));
    // A TAB stands before the offload state.
    let is_forbidden = |character: char| character == RIGHT_TO_LEFT || (character.is_control() && !"\n\t".contains(character));
    prop_assert!(!text.contains(is_forbidden), "{:?}", text);
    prop_assert!(text.is_empty() || text.ends_with('\n'), "{:?}", text);
    if request.output.amount != Amount::Rows {
        return Ok(());
    }
    match request.output.format {
        Format::Table | Format::Wide => {}
        Format::Json => {
            let document: serde_json::Result<Value> = serde_json::from_str(&text);
            prop_assert!(document.is_ok_and(|document| document["schema_version"] == 2), "{}", text);
        }
        Format::Ndjson => {
            let is_record = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|record| record["type"].is_string());
            prop_assert!(text.lines().all(is_record), "{}", text);
        }
        Format::Csv => {
            // The reader refuses records of different lengths.
            let records: Result<Vec<_>, _> = csv::Reader::from_reader(text.as_bytes()).into_records().collect();
            prop_assert!(records.is_ok(), "{}", text);
        }
        Format::OpenMetrics => prop_assert!(text.ends_with("# EOF\n"), "{}", text),
    }
    Ok(())
}

#[test]
fn every_random_command_line_is_a_request_a_text_or_an_error_with_a_hint() {
    let config = Config { cases: LINES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&command_lines(), |line| {
            match parse(&line) {
                Ok(Command::Run(request)) => {
                    check_output(&request, Vec::new())?;
                    check_output(&request, made_up::sockets())?;
                }
                Ok(Command::Print(text)) => prop_assert!(!text.is_empty()),
                Err(error) => {
                    let message = error.to_string();
                    prop_assert_eq!(message.lines().count(), 2, "{}", message);
                    let unsafe_characters = message
                        .contains(|character: char| character == RIGHT_TO_LEFT || (character.is_control() && character != '\n'));
                    prop_assert!(!unsafe_characters, "{:?}", message);
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Lines to which every switch is added.
const BASES: [&str; 11] =
    ["", "-an", "--watch", "--events", "--format wide", "-a --json", "--format openmetrics", "-s", "-r", "-c", "-e"];

/// Additions that change nothing: on which lines (on all, if none is named), which, and why that is right.
const WITHOUT_EFFECT: &[(&[&str], &[&str], &str)] = &[
    (
        &[],
        &[
            "--lang en",
            "--format table",
            "--color auto",
            "--sockets-from auto",
            "--owners-from auto",
            "--dialect windows",
            "--dialect linux",
        ],
        "it is the default, or the line means the same",
    ),
    (&[], &["-W", "-v", "-g", "-M"], "net-tools: no address is ever cut, and the rest is not shown here"),
    (&["-an"], &["-a", "-n"], "repeated"),
    (&["-a --json"], &["-a", "--json", "--format json"], "repeated"),
    (
        &["--watch"],
        &["-a", "--watch", "--wide", "--format wide", "--continuous", "-o", "-p", "--programs", "-n", "--name-timeout"],
        "the screen shows all rows with their owners, without names, every second",
    ),
    (
        &["--events"],
        &["-a", "--events", "-o", "-p", "--programs", "-n", "--name-timeout"],
        "events are of every socket, with their owners and without names",
    ),
    (&["--format wide"], &["--format wide", "--wide"], "repeated"),
    (&["--format openmetrics"], &["--format openmetrics", "-a"], "repeated: metrics are of every socket"),
    (&["-s", "-r", "-c", "-e"], &["-s", "-r", "-c", "-e", "-C"], "repeated"),
    (&["-s", "-r", "-c", "-e"], &["-n", "-F"], "there are no names of hosts to leave out"),
    (&["-an"], &["-f", "-F"], "-n: no name is looked up"),
    (&["--format wide", "-a --json", "--format openmetrics"], &["-n"], "only -f looks up names in these formats"),
    (&["", "--format wide"], &["--tcp"], "only TCP is shown without -a"),
    (&["-an", "-a --json", "-c"], &["-l", "--listeners"], "-a and -c show every socket, also with -l, as in net-tools"),
    (&["-c"], &["-a", "-q"], "-c counts every socket"),
    (&["--format wide", "-a --json"], &["-o", "-p", "--programs"], "these formats have PID and name anyway"),
    (&["-a --json"], &["--extend", "--timers"], "JSON has user, inode and timer anyway"),
];

#[test]
fn every_switch_changes_the_request_or_is_refused() {
    let mut ignored = Vec::new();
    for base in BASES {
        let words =
            |addition: &str| base.split_whitespace().chain(addition.split_whitespace()).map(str::to_owned).collect::<Vec<_>>();
        let request = |addition: &str| match parse(&words(addition)) {
            Ok(Command::Run(request)) => Some(format!("{request:?}")),
            Ok(Command::Print(_)) | Err(_) => None,
        };
        let unchanged = request("").unwrap();
        for Switch { spellings, values } in switches() {
            let additions = match values.as_slice() {
                [] => vec![spellings[0].clone()],
                values => values.iter().map(|value| format!("{} {value}", spellings[0])).collect(),
            };
            let is_right = |addition: &str| {
                // On Windows all lines end so anyway.
                (cfg!(windows) && addition == "--crlf")
                    || WITHOUT_EFFECT.iter().any(|(bases, additions, _)| {
                        (bases.is_empty() || bases.contains(&base)) && additions.iter().any(|known| addition.starts_with(known))
                    })
            };
            let ignores = |addition: &String| request(addition).as_ref() == Some(&unchanged) && !is_right(addition);
            ignored.extend(additions.into_iter().filter(ignores).map(|addition| format!("{base} {addition}")));
        }
    }
    assert_eq!(ignored, [""; 0], "these switches are ignored silently");
}
