//! Intervals: the display repeats, it ends at once with status 0, and it leaks nothing.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use rnetstat::lookup::processes::Processes;
use rnetstat::model::owners::OwnerSearch;
use rnetstat::model::process::Facts;
use rnetstat::model::socket::{Table, TableSet};
use rnetstat::platform;
use rnetstat::request::Query;
use rustix::process::{Pid, Signal};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use support::command::command;
use support::signals::end_children_at_interrupt;
use support::wait::until;

fn start(arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    end_children_at_interrupt();
    let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn read_to_heading(output: &mut BufReader<ChildStdout>) {
    let found = output.lines().map(Result::unwrap).any(|line| line.starts_with("  Proto"));
    assert!(found, "a block has a heading");
}

/// Waits for the end of a child, much shorter than its interval.
fn end_of(mut child: Child) -> ExitStatus {
    until("rnetstat has ended", || child.try_wait().unwrap().is_some());
    child.wait().unwrap()
}

fn interrupt(child: &Child) {
    rustix::process::kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn an_interval_repeats_and_ctrl_c_ends_it_with_status_0() {
    let (child, mut output) = start(&["-an", "1"]);
    read_to_heading(&mut output);
    read_to_heading(&mut output);
    interrupt(&child);
    assert_eq!(end_of(child).code(), Some(0));
}

#[test]
fn ctrl_c_interrupts_a_long_pause() {
    let (child, mut output) = start(&["-an", "3600"]);
    read_to_heading(&mut output);
    interrupt(&child);
    assert_eq!(end_of(child).code(), Some(0));
}

#[test]
fn time_in_state_grows_from_display_to_display() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = listener.local_addr().unwrap().to_string();
    let (child, output) = start(&["-ani", "1"]);
    let rows = output.lines().map(Result::unwrap).filter(|line| line.split_whitespace().nth(1) == Some(&local));
    let times: Vec<String> = rows.take(3).map(|row| row.split_whitespace().last().unwrap().to_owned()).collect();
    let seconds = |time: &String| time.strip_suffix("s+").unwrap().parse::<f64>().unwrap();
    assert_eq!(times[0], "0.0s+");
    assert!(seconds(&times[1]) >= 1.0 && seconds(&times[2]) >= seconds(&times[1]) + 1.0, "{times:?}");
    interrupt(&child);
    assert_eq!(end_of(child).code(), Some(0));
}

#[test]
fn a_closed_pipe_interrupts_a_long_pause() {
    let (child, mut output) = start(&["-an", "3600"]);
    read_to_heading(&mut output);
    drop(output);
    assert_eq!(end_of(child).code(), Some(0));
}

#[test]
fn an_interval_with_stdout_in_a_file_can_be_interrupted() {
    end_children_at_interrupt();
    let path = std::env::temp_dir().join(format!("rnetstat-interval-{}", std::process::id()));
    let child = command(["-an", "1"]).stdout(std::fs::File::create(&path).unwrap()).spawn().unwrap();
    let displays = || std::fs::read_to_string(&path).unwrap().matches("\n  Proto").count();
    until("it has displayed the table twice", || displays() >= 2);
    interrupt(&child);
    assert_eq!(end_of(child).code(), Some(0));
    std::fs::remove_file(path).unwrap();
}

/// The resident set of this process in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn ten_thousand_snapshots_leak_no_memory_and_no_descriptors() {
    let bound = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = bound.local_addr().unwrap().port();
    // UDP alone: the kernel searches its whole TCP hash table for each dump.
    let tables = TableSet::NONE.with(Table::Udp4).with(Table::Udp6);
    let mut request = Query::everything();
    request.tables = tables;
    let mut processes = Processes::default();
    let mut read = |search| {
        let snapshot = platform::snapshot(&request, search);
        assert!(snapshot.sockets.iter().any(|socket| socket.local.port == port));
        if search == OwnerSearch::All {
            processes.begin_refresh();
            processes.look_up([std::process::id()], Facts::default());
        }
    };
    let mut rounds = |count: usize| {
        (0..count).for_each(|_| read(OwnerSearch::Skip));
        (0..count / 500).for_each(|_| read(OwnerSearch::All));
    };
    rounds(1000);
    let descriptors_before = descriptors();
    // A leak grows in every batch; what the other tests of this process allocate meanwhile does not.
    let mut growth = || {
        let before = resident();
        rounds(3000);
        resident().saturating_sub(before)
    };
    let growths = [(); 3].map(|()| growth());
    assert!(growths.iter().any(|&kilobytes| kilobytes < 256), "memory grew by {growths:?} kB");
    // The other tests of this file have a few pipes open meanwhile.
    let descriptors_after = descriptors();
    assert!(descriptors_after <= descriptors_before + 16, "descriptors grew from {descriptors_before} to {descriptors_after}");
}
