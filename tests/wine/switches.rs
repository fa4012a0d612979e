//! Every switch of the Windows build, its exit status and its line ends.

use crate::cell::{Cell, Holder};
use crate::support::namespace::{LINK, index_of};
use crate::{OWN, SILENT, network};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::Output;

/// Lines that are done.
const DONE: &[&str] = &[
    "-n",
    "-an",
    "-anb",
    "-anc",
    "-and",
    "-e",
    "-anf",
    "-ani",
    "-ano",
    "-anop tcp",
    "-anq",
    "-r",
    "-s",
    "-s -p udp",
    "-ant",
    "-any",
    "/a /n /o",
    "-ANO",
    "-e -s",
    "-r -n -o -a",
    "-an -p TCPv6",
    "-an --lang ko",
    "-an --format wide",
    "-an --format json",
    "-an --format ndjson",
    "-an --format csv",
    "-an --json -s -r -e",
    "-an --summary",
    "-an --columns pid,process,executable,command_line,user,local",
    "-an --no-header",
    "-an --count",
    "-an --sort -pid,local",
    "-an --quiet",
    "-an --color never",
    "-an --listening",
    "-an --state LISTENING",
    "--schema",
    "--man",
    "--completions powershell",
    "--help",
    "-h",
    "/?",
    "--version",
];

/// Lines with a filter that matches nothing.
const NOTHING: &[&str] =
    &["-an --port 9", "-an --pid 4294967294", "-an --process nobody*", "-an --local 203.0.113.0/24", "-an --explain 9"];

/// Lines that are wrong, or that this system cannot answer.
const FAILED: &[&str] = &["-anz", "--port x", "-p nonsense", "--format nonsense", "--lang xx", "--sort nonsense"];

fn assert_line_ends(line: &str, stream: &[u8]) {
    let text = String::from_utf8(stream.to_vec()).unwrap();
    let bare = text.replace("\r\n", "");
    assert!(!bare.contains(['\r', '\n']), "{line}: a line does not end in CR LF: {text:?}");
}

fn assert_status(line: &str, output: &Output, status: i32) {
    assert_eq!(output.status.code(), Some(status), "{line}: {output:?}");
    assert_line_ends(line, &output.stdout);
    assert_line_ends(line, &output.stderr);
    assert_eq!(output.stderr.is_empty(), status != 2, "{line}: {output:?}");
}

#[test]
fn every_switch_ends_with_its_status_and_with_the_line_ends_of_windows() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let _holder = Holder::start(&cell, index_of(LINK), OWN, SILENT);
    for (lines, status) in [(DONE, 0), (NOTHING, 1), (FAILED, 2)] {
        for line in lines {
            assert_status(line, &cell.run_line(line), status);
        }
    }
}

#[test]
fn ctrl_c_ends_a_repeated_display_with_status_0() {
    let Some(cell) = Cell::find() else { return };
    let mut child = cell.start("-an 1");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Active Connections")));
    // The script is replaced by the program, which Wine sends the event of CTRL+C when it gets the signal of Unix.
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let rest: Vec<String> = lines.collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)), "{rest:?}");
}
