//! One run: parse the arguments, read moments, write them, and answer with an exit status.

mod act;
mod closed;
mod diff;
mod events;
pub mod exit_code;
mod hints;
mod look_up;
pub mod moment;
mod parts;
pub mod repeat;
mod selection;
mod wait;

pub use crate::moment::Moment;
pub use exit_code::Exit;
pub use moment::Reader;

use crate::cli::{self, Command};
use crate::model::problem::Problems;
use crate::model::time;
use crate::output::escape::escape;
use crate::output::line_ending::Lines;
use crate::output::progress::Progress;
use crate::output::stdout::stdout;
use crate::output::wrap::wrap;
use crate::output::{color, terminal};
use crate::platform;
use crate::reports::table_style::TableStyle;
use crate::request::{Amount, Format, Request, Task};
use anyhow::Context;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

/// Does what the command line asks for, and says with the exit status how it went.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Exit {
    platform::begin();
    let result = match cli::parse(words) {
        Ok(Command::Run(request)) => run(&request),
        Ok(Command::Print(text)) => print(text.as_bytes()).map(|()| Exit::Done),
        Err(error) => {
            print_error(&error.to_string());
            return Exit::Failed;
        }
    };
    match result {
        Ok(exit) => exit,
        // The reader has what it wanted (`| head`).
        Err(error) if is_closed_pipe(&error) => Exit::Done,
        Err(error) => {
            print_error(&format!("{error:#}"));
            Exit::Failed
        }
    }
}

/// Does what a request asks for.
fn run(request: &Request) -> anyhow::Result<Exit> {
    if io::stderr().is_terminal() {
        request.notes.iter().for_each(|note| print_error(&escape(note)));
    }
    match &request.task {
        Task::Report => report(request.clone()),
        Task::Wait(wait) => wait::wait(request, wait),
        Task::Diff(diff) => diff::diff(request, diff),
        Task::Act(act) => act::act(request, act),
        #[cfg(feature = "watch")]
        Task::Watch => crate::watch::watch(request),
        #[cfg(not(feature = "watch"))]
        Task::Watch => anyhow::bail!("this rnetstat was built without the live screen"),
        Task::Events => events::events(request),
    }
}

/// Reads and reports once, or again after each pause.
fn report(mut request: Request) -> anyhow::Result<Exit> {
    let mut reader = Reader::of_process(&request);
    repeat::repeat(request.interval, || {
        let moment = reader.read(&request);
        write(&moment, &request)?;
        if let Some(hint) = hints::nothing_found(&moment, &request).filter(|_| io::stderr().is_terminal()) {
            print_error(&escape(&hint));
        }
        // All blocks of CSV are one file, with one heading.
        request.output.no_header |= request.output.format == Format::Csv;
        Ok(Exit::of(&moment, &request))
    })
}

/// Writes a moment to standard output, and its problems to standard error.
fn write(moment: &Moment, request: &Request) -> anyhow::Result<()> {
    write_report(moment, request)?;
    report_problems(&moment.problems);
    Ok(())
}

fn write_report(moment: &Moment, request: &Request) -> anyhow::Result<()> {
    let output = &request.output;
    let style = TableStyle { width: terminal::width(), color: color::is_wanted(output.color), no_header: output.no_header };
    let _progress = Progress::of_writing();
    let mut out = Lines::new(stdout(), output.line_end);
    if has_time_stamp(request) {
        write_time_stamp(&mut out, moment, style.color).context(WRITING)?;
    }
    crate::reports::write(&mut out, moment, request, style).and_then(|()| out.flush()).context(WRITING)
}

const WRITING: &str = "the output cannot be written";

/// Whether a time stamp stands above each block: under an interval at a terminal, if people are to read it.
fn has_time_stamp(request: &Request) -> bool {
    let is_for_people = match request.output.format {
        Format::Table | Format::Wide => request.output.amount == Amount::Rows,
        Format::Json | Format::Ndjson | Format::Csv | Format::OpenMetrics => false,
    };
    is_for_people && request.interval.is_some() && io::stdout().is_terminal()
}

fn write_time_stamp(out: &mut impl Write, moment: &Moment, color: bool) -> io::Result<()> {
    let time = time::rfc3339(moment.time).unwrap_or_default();
    if color { writeln!(out, "\n\u{1b}[2m{time}\u{1b}[0m") } else { writeln!(out, "\n{time}") }
}

/// Reports what is missing: rows that may be missing in any case, the rest only at a terminal.
fn report_problems(problems: &Problems) {
    let at_terminal = io::stderr().is_terminal();
    for problem in problems.iter().filter(|problem| at_terminal || problem.kind.is_incomplete()) {
        print_error(&escape(&problem.message));
    }
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = stdout();
    platform::LINE_END.write(&mut out, text).and_then(|()| out.flush()).context(WRITING)
}

/// Prints a sentence on stderr, in lines that fit if it is a terminal. There is no other place to report that this fails.
fn print_error(sentence: &str) {
    let cells = terminal::width_of_stderr().map(usize::from);
    let lines = format!("rnetstat: {sentence}");
    let lines: String = lines.lines().flat_map(|line| wrap(line, cells)).map(|line| line + "\n").collect();
    let _ = platform::LINE_END.write(&mut io::stderr(), lines.as_bytes());
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(platform::is_closed_pipe)
}
