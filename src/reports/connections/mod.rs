//! The table of sockets, byte for byte as Windows' netstat prints it.

mod rows;

pub use rows::write_rows;

use crate::lookup::hosts::HostNames;
use crate::lookup::processes::Processes;
use crate::lookup::services::Services;
use crate::lookup::state_times::StateTimes;
use crate::model::socket::Pid;
use crate::output::width::line_of;
use crate::request::Columns;
use std::collections::HashMap;
use std::io::Write;
use std::time::Instant;

/// Where each fixed column begins.
const AT_PROTOCOL: usize = 2;
const AT_LOCAL: usize = 9;
const AT_FOREIGN: usize = 32;
const AT_STATE: usize = 55;
const AT_EXTRAS: usize = 71;

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// The heading of the protocol.
    pub protocol: &'static str,
    /// The heading of this host's end.
    pub local: &'static str,
    /// The heading of the other end.
    pub foreign: &'static str,
    /// The heading of the TCP state.
    pub state: &'static str,
    /// The heading of the owner (`-o`).
    pub pid: &'static str,
    /// The heading of the offload state (`-t`).
    pub offload: &'static str,
    /// The heading of the code point (`-d`).
    pub dscp: &'static str,
    /// The heading of the time in the state (`-i`).
    pub time_in_state: &'static str,
    /// The heading of the congestion control (`-y`).
    pub template: &'static str,
    /// The heading of the name of the owner.
    pub program: &'static str,
}

/// The words as Windows has them in English; of the last four Windows' own are not known.
pub const ENGLISH: Words = Words {
    title: "Active Connections",
    protocol: "Proto",
    local: "Local Address",
    foreign: "Foreign Address",
    state: "State",
    pid: "PID",
    offload: "Offload State",
    dscp: "DSCP",
    time_in_state: "Time in State",
    template: "Template",
    program: "Program",
};

/// The words as Windows has them in Korean; of the last five Windows' own are not known.
pub const KOREAN: Words = Words {
    title: "활성 연결",
    protocol: "프로토콜",
    local: "로컬 주소",
    foreign: "외부 주소",
    state: "상태",
    pid: "PID",
    offload: "오프로드 상태",
    dscp: "DSCP",
    time_in_state: "상태 유지 시간",
    template: "템플릿",
    program: "프로그램",
};

/// A column behind the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Pid,
    Offload,
    Dscp,
    TimeInState,
    Template,
    Program,
}

impl Extra {
    /// Those that are asked for, in their order.
    fn of(columns: &Columns) -> Vec<Self> {
        let asked = [
            (columns.owner, Self::Pid),
            (columns.offload, Self::Offload),
            (columns.dscp, Self::Dscp),
            (columns.time_in_state, Self::TimeInState),
            (columns.template, Self::Template),
            (columns.program, Self::Program),
        ];
        asked.into_iter().filter_map(|(asked, extra)| asked.then_some(extra)).collect()
    }

    /// From where it begins to where the next one does.
    const fn width(self) -> usize {
        match self {
            Self::Pid => 9,
            Self::Offload | Self::TimeInState => 15,
            Self::Dscp => 6,
            Self::Template => 18,
            Self::Program => 0, // always the last
        }
    }

    const fn heading(self, words: &Words) -> &'static str {
        match self {
            Self::Pid => words.pid,
            Self::Offload => words.offload,
            Self::Dscp => words.dscp,
            Self::TimeInState => words.time_in_state,
            Self::Template => words.template,
            Self::Program => words.program,
        }
    }
}

/// What is known besides the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct RowContext<'a> {
    /// The processes of the rows that are written, looked up beforehand where a column tells of them.
    pub processes: &'a Processes,
    /// The parts of the system that these processes belong to, where executables are told.
    pub components: &'a HashMap<Pid, String>,
    /// What was seen of the states, and the moment of this display.
    pub times: (&'a StateTimes, Instant),
    /// How foreign endpoints are named; `None` for numbers.
    pub naming: Option<&'a Naming<'a>>,
}

/// How foreign endpoints are named.
#[derive(Debug)]
pub struct Naming<'a> {
    /// Names of addresses, looked up beforehand.
    pub hosts: &'a HostNames,
    /// Names of ports.
    pub services: &'a Services,
    /// This host's own name, which stands for the wildcard and for loopback addresses.
    pub own_name: Option<&'a str>,
    /// Whole names rather than their first labels.
    pub qualified: bool,
}

/// Writes the frame and the heading.
pub fn write_heading(out: &mut Vec<u8>, columns: &Columns, words: &Words) {
    let fixed = [(AT_PROTOCOL, words.protocol), (AT_LOCAL, words.local), (AT_FOREIGN, words.foreign), (AT_STATE, words.state)];
    let mut at = AT_EXTRAS;
    let extras = Extra::of(columns).into_iter().map(|extra| {
        let begin = at;
        at += extra.width();
        (begin, extra.heading(words))
    });
    let heading = line_of(fixed.into_iter().chain(extras));
    // Windows has an empty line under the heading of -t.
    let end = if columns.offload { "\n" } else { "" };
    // Writing to a Vec cannot fail.
    let _ = writeln!(out, "\n{}\n\n{heading}{end}", words.title);
}

#[cfg(test)]
mod tests;
