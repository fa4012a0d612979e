//! Telling what happens to sockets as it happens (`--events`).

use super::{Exit, Reader, WRITING, print_error, repeat};
use crate::model::closed::{ClosedBatch, ClosedFeed};
use crate::model::problem::{Problem, ProblemKind, Problems};
use crate::model::time;
use crate::moment::Moment;
use crate::moment::events::{self, Event, EventLog, Read};
use crate::output::escape::escape;
use crate::output::line_ending::Lines;
use crate::output::stdout::{Stdout, stdout};
use crate::platform::{self, Wait};
use crate::reports::document::write_head;
use crate::reports::events::{json, text};
use crate::request::column::Column;
use crate::request::{Format, Names, Output, Request};
use anyhow::Context;
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pause between two reads, unless another one is asked for.
const USUAL: Duration = Duration::from_secs(1);

/// How long what was told waits until it is written.
const SLICE: Duration = Duration::from_millis(200);

/// What is read of each row.
const COLUMNS: [Column; 4] = [Column::Pid, Column::Process, Column::Started, Column::OwnerStatus];

/// Writes what happens until CTRL+C or until nobody reads it.
pub(super) fn events(request: &Request) -> anyhow::Result<Exit> {
    repeat::end_at_interrupt()?;
    let mut watch = Watch::new(request);
    watch.begin()?;
    loop {
        if watch.pause()? == Wait::OutputClosed {
            return Ok(Exit::Done);
        }
        watch.read()?;
    }
}

struct Watch<'a> {
    request: &'a Request,
    reading: Request,
    reader: Reader,
    log: EventLog,
    feed: Option<ClosedFeed>,
    /// Why connections that live between two reads are not seen.
    blind: Option<Problem>,
    /// What was missing from the last read.
    reported: Problems,
    devices: HashMap<u32, Arc<str>>,
    lost: bool,
}

impl<'a> Watch<'a> {
    fn new(request: &'a Request) -> Self {
        let output = Output { format: Format::Wide, ..request.output.clone() };
        let query = events::query_to_read(&request.query);
        let reading = Request {
            output,
            query,
            columns: COLUMNS.to_vec(),
            columns_are_chosen: true,
            names: Names::Numeric,
            ..request.clone()
        };
        let feed = match reading.follows_connections() {
            true => platform::closed_connections(),
            false => Err("TCP is not read by sock_diag".to_owned()),
        };
        let (feed, blind) = match feed {
            Ok(feed) => (Some(feed), None),
            Err(reason) => (None, Some(blind(&reason))),
        };
        Self {
            request,
            reader: Reader::of_process(&reading),
            log: EventLog::new(request.query.clone()),
            reading,
            feed,
            blind,
            reported: Problems::default(),
            devices: HashMap::new(),
            lost: false,
        }
    }

    /// The first read, against which what follows is compared.
    fn begin(&mut self) -> anyhow::Result<()> {
        // Only the head names the machine.
        let output = Output { format: self.request.output.format, ..self.reading.output.clone() };
        let request = Request { output, ..self.reading.clone() };
        let time_ms = time::now_ms();
        let mut moment = self.reader.read(&request);
        moment.problems.extend(self.blind.take());
        if EventLog::needs_owners(&self.request.query.filter) && self.feed.is_some() {
            moment.problems.add(Problem::new(ProblemKind::FactUnavailable, OWNERS_UNKNOWN));
        }
        if self.request.output.format == Format::Ndjson && !self.request.output.no_header {
            self.write(|out| write_head(out, &moment, self.request))?;
        }
        Self::report(&moment.problems, |_| false);
        self.reported = moment.problems.clone();
        let events = self.observe(&moment, time_ms);
        self.write_events(&events)
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let time_ms = time::now_ms();
        let moment = self.reader.read(&self.reading);
        let events = self.observe(&moment, time_ms);
        self.write_events(&events)?;
        let mut problems = moment.problems;
        problems.extend(self.blind.take());
        if std::mem::take(&mut self.lost) {
            problems.add(Problem::new(ProblemKind::EventsLost, EVENTS_LOST));
        }
        let reported = std::mem::take(&mut self.reported);
        let known = |problem: &Problem| is_known(problem, &reported);
        if self.request.output.format == Format::Ndjson {
            let new = problems.iter().filter(|problem| !known(problem));
            self.write(|out| new.into_iter().try_for_each(|problem| json::write_problem(out, problem, time_ms)))?;
        }
        Self::report(&problems, known);
        // What is missing of owners and facts is said once, with whatever number; what is missing of a table, each time.
        let hides_sockets = |problem: &&Problem| problem.kind.hides_sockets();
        self.reported = reported.iter().filter(|problem| !hides_sockets(problem)).cloned().collect();
        self.reported.extend(problems.iter().filter(|problem| hides_sockets(problem) || !known(problem)).cloned());
        Ok(())
    }

    /// What happened until a moment that was read now.
    fn observe(&mut self, moment: &Moment, time_ms: u64) -> Vec<Event> {
        let mut closed = self.take();
        // Also what was lost before the read was begun.
        closed.is_incomplete |= self.lost;
        let devices = &mut self.devices;
        let mut device = |index| device(devices, index);
        let groups = events::groups(moment, &self.request.query, &mut device);
        let read = Read { time_ms, groups, missing: events::missing(moment) };
        self.log.observe(read, closed, self.feed.is_some(), &mut device)
    }

    /// What the system has told since the last time.
    fn take(&mut self) -> ClosedBatch {
        let Some(feed) = &self.feed else { return ClosedBatch::default() };
        let mut batch = feed.take();
        if let Some(reason) = batch.ended.take() {
            self.feed = None;
            self.blind = Some(blind(&reason));
        }
        self.lost |= batch.is_incomplete;
        batch
    }

    /// Writes what is told until the next read: that comes at once if something was lost.
    fn pause(&mut self) -> anyhow::Result<Wait> {
        let interval = self.request.interval.unwrap_or(USUAL);
        let end = Instant::now() + interval;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if platform::wait(left.min(SLICE)) == Wait::OutputClosed {
                return Ok(Wait::OutputClosed);
            }
            let closed = self.take();
            let devices = &mut self.devices;
            let events = self.log.hear(closed, &mut |index| device(devices, index));
            self.write_events(&events)?;
            if self.lost || left <= SLICE {
                return Ok(Wait::Elapsed);
            }
        }
    }

    fn write_events(&self, events: &[Event]) -> anyhow::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.write(|out| match self.request.output.format {
            Format::Ndjson => json::write(out, events),
            Format::Table | Format::Wide | Format::Json | Format::Csv | Format::OpenMetrics => text::write(out, events),
        })
    }

    fn write(&self, write: impl FnOnce(&mut Lines<Stdout>) -> io::Result<()>) -> anyhow::Result<()> {
        let mut out = Lines::new(stdout(), self.request.output.line_end);
        write(&mut out).and_then(|()| out.flush()).context(WRITING)
    }

    /// Reports what is missing, unless it is known already: that events may be missing in any case, the rest only at a terminal.
    fn report(problems: &Problems, known: impl Fn(&Problem) -> bool) {
        let at_terminal = io::stderr().is_terminal();
        let new = problems.iter().filter(|problem| !known(problem));
        for problem in new.filter(|problem| at_terminal || problem.kind.is_incomplete()) {
            print_error(&escape(&problem.message));
        }
    }
}

/// Whether a problem was reported of the read before, or of an earlier one. What is lost is reported each time.
fn is_known(problem: &Problem, reported: &Problems) -> bool {
    let is_same = |other: &Problem| other.kind == problem.kind && other.tables == problem.tables;
    problem.kind != ProblemKind::EventsLost && reported.iter().any(is_same)
}

const EVENTS_LOST: &str = "connections were closed faster than they could be taken note of: some that lived between two reads are \
                           missing; with CAP_NET_ADMIN (sudo) more of them are kept";

const OWNERS_UNKNOWN: &str = "connections that live between two reads are left out: what the filters ask of them is not known";

fn blind(reason: &str) -> Problem {
    let message = format!("connections that live between two reads are not seen: {reason}");
    Problem::new(ProblemKind::FactUnavailable, message)
}

fn device(devices: &mut HashMap<u32, Arc<str>>, index: u32) -> Arc<str> {
    let name = || platform::interface_name(index).unwrap_or_else(|| index.to_string()).into();
    Arc::clone(devices.entry(index).or_insert_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::{Table, TableSet};

    #[test]
    fn a_problem_is_known_by_its_kind_and_tables_and_a_loss_never_is() {
        let problem = |kind, message: &str| Problem::new(kind, message);
        let reported = Problems::from_iter([
            problem(ProblemKind::OwnersHidden, "the owners of 3 sockets are hidden"),
            problem(ProblemKind::TableIncomplete, "half a table").about(TableSet::shown_of(Table::Udp4)),
            problem(ProblemKind::EventsLost, "lost"),
        ]);
        assert!(is_known(&problem(ProblemKind::OwnersHidden, "the owners of 4 sockets are hidden"), &reported));
        assert!(!is_known(&problem(ProblemKind::TableIncomplete, "half a table"), &reported));
        assert!(!is_known(&problem(ProblemKind::EventsLost, "lost"), &reported));
    }
}
