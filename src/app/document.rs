//! All views of a moment as one document.

use super::explain::Background;
use super::{Run, WRITING, is_unread, tell};
use crate::app::exit_code::Exit;
use crate::model::interface::InterfaceTotals;
use crate::model::problem::Problem;
use crate::model::process::Facts;
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::snapshot::Snapshot;
use crate::model::statistics::{self, Statistics};
use crate::output::line_ending::Lines;
use crate::output::progress::Progress;
use crate::output::stdout::stdout;
use crate::platform;
use crate::reports::consumers::{self, Consumer};
use crate::reports::json::{Head, Section};
use crate::reports::rows::Peers;
use crate::reports::summary::Named;
use crate::reports::summary::Summary;
use crate::reports::{json, ndjson};
use crate::request::{Format, View};
use anyhow::Context;
use std::io::Write;

/// What was read for one view.
enum Answer {
    Connections(Snapshot, Vec<u32>, Option<Peers>),
    Summary(Snapshot, Vec<u32>, Summary),
    Explanation(u16, Snapshot, Vec<u32>, Background),
    Interfaces(InterfaceTotals, Vec<Problem>),
    Statistics(Box<Statistics>, Vec<statistics::Section>, Vec<Problem>),
    Routes(Routing, Vec<Problem>),
    Consumers(Snapshot, Vec<u32>, Vec<Consumer>),
    Rdma(Vec<RdmaEndpoint>, Vec<Problem>),
}

impl Run {
    /// Reads everything that was asked for, then writes it.
    pub(super) fn document(&mut self) -> anyhow::Result<Exit> {
        let mut views = self.request.views.clone();
        // The sections of the statistics stand in one object.
        let sections = statistics_sections(&views);
        views.dedup_by(|next, view| matches!((next, view), (View::Statistics(_), View::Statistics(_))));
        let answers: Vec<Answer> = views.into_iter().map(|view| self.answer(view, &sections)).collect();
        let head = Head::now(answers.iter().flat_map(Answer::problems));
        let sections: Vec<Section<'_>> = answers.iter().map(|answer| self.section(answer)).collect();
        let progress = Progress::of_writing();
        let mut out = Lines::new(stdout(), self.request.output.line_end);
        match self.request.output.format {
            Format::Ndjson => ndjson::write(&mut out, &head, &sections),
            _ => json::write(&mut out, &head, &sections),
        }
        .and_then(|()| out.flush())
        .context(WRITING)?;
        drop((out, progress));
        Ok(answers.iter().map(|answer| self.verdict(answer)).max().unwrap_or(Exit::Done))
    }

    fn answer(&mut self, view: View, sections: &[statistics::Section]) -> Answer {
        match view {
            View::Connections => {
                let (snapshot, rows) = self.read();
                let peers = self.look_up(&snapshot, &rows);
                Answer::Connections(snapshot, rows, peers)
            }
            View::Summary => {
                let (snapshot, rows) = self.read();
                let summary = self.sum_up(&snapshot, &rows);
                Answer::Summary(snapshot, rows, summary)
            }
            View::Explanation(port) => {
                let (snapshot, rows) = self.read();
                let background = self.background(&snapshot, &rows);
                Answer::Explanation(port, snapshot, rows, background)
            }
            View::Interfaces => {
                let (totals, problems) = platform::interface_totals();
                Answer::Interfaces(totals, problems)
            }
            View::Statistics(_) => {
                let (statistics, problems) = platform::statistics(sections);
                Answer::Statistics(Box::new(statistics), sections.to_vec(), problems)
            }
            View::Routes => {
                let (routing, problems) = platform::routing();
                Answer::Routes(routing, problems)
            }
            View::Consumers => {
                let (snapshot, rows) = self.read();
                let consumers = consumers::count(&snapshot, &rows);
                let pids = consumers.iter().filter_map(|consumer| consumer.pid);
                self.directory.processes.look_up(pids, Facts::default());
                Answer::Consumers(snapshot, rows, consumers)
            }
            View::Rdma => {
                let (endpoints, problems) = platform::rdma();
                Answer::Rdma(endpoints, problems)
            }
        }
    }

    fn section<'a>(&'a self, answer: &'a Answer) -> Section<'a> {
        match answer {
            Answer::Connections(snapshot, rows, peers) => Section::Sockets(self.listing(snapshot, rows, peers.as_ref())),
            Answer::Summary(_, _, summary) => {
                Section::Summary(Named { summary, processes: &self.directory.processes, services: &self.services })
            }
            Answer::Explanation(port, snapshot, rows, background) => {
                Section::Explanation(background.explanation(*port, self.listing(snapshot, rows, None)))
            }
            Answer::Interfaces(totals, _) => Section::Interfaces(totals),
            Answer::Statistics(statistics, sections, _) => Section::Statistics(statistics, sections),
            Answer::Routes(routing, _) => Section::Routes(routing),
            Answer::Consumers(_, _, consumers) => Section::Consumers(consumers, &self.directory.processes),
            Answer::Rdma(endpoints, _) => Section::Rdma(endpoints),
        }
    }

    /// Tells what is missing of an answer, and how it went.
    fn verdict(&self, answer: &Answer) -> Exit {
        match answer {
            Answer::Connections(snapshot, rows, _)
            | Answer::Summary(snapshot, rows, _)
            | Answer::Explanation(_, snapshot, rows, _)
            | Answer::Consumers(snapshot, rows, _) => self.outcome(snapshot, rows),
            Answer::Interfaces(_, problems) => tell(problems, is_unread(problems)),
            Answer::Statistics(statistics, _, problems) => tell(problems, statistics.has_counted_nothing()),
            Answer::Routes(routing, problems) => tell(problems, *routing == Routing::default()),
            Answer::Rdma(endpoints, problems) => tell(problems, endpoints.is_empty()),
        }
    }
}

/// Every section of the statistics that the views ask for.
fn statistics_sections(views: &[View]) -> Vec<statistics::Section> {
    let asked = |section| {
        let asks = |view: &View| matches!(view, View::Statistics(chosen) if chosen.is_none_or(|chosen| chosen == section));
        views.iter().any(asks)
    };
    statistics::Section::ALL.into_iter().filter(|&section| asked(section)).collect()
}

impl Answer {
    fn problems(&self) -> &[Problem] {
        match self {
            Self::Connections(snapshot, ..)
            | Self::Summary(snapshot, ..)
            | Self::Explanation(_, snapshot, ..)
            | Self::Consumers(snapshot, ..) => &snapshot.problems,
            Self::Interfaces(_, problems)
            | Self::Statistics(_, _, problems)
            | Self::Routes(_, problems)
            | Self::Rdma(_, problems) => problems,
        }
    }
}
