//! Exit statuses.

use crate::filter::namespaces::NamespaceSelection;
use crate::model::action::{Outcome, Report};
use crate::model::answer::Answer;
use crate::model::problem::ProblemKind;
use crate::moment::{Moment, Part};
use crate::reports::explain::compute::Explanation;
use crate::request::{Request, View};
use std::process::ExitCode;

/// The exit status of a run. The worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or yes: with a filter, something matched.
    Done,
    /// No, for certain: a filter matched nothing.
    No,
    /// A usage error, nothing at all could be read, or the answer is unknown.
    Failed,
}

impl Exit {
    /// How a request was answered by a moment.
    pub fn of(moment: &Moment, request: &Request) -> Self {
        request.views.iter().map(|&view| Self::of_view(moment, request, view)).max().unwrap_or(Self::Done)
    }

    /// How an action went that was done, or would be: the best is that all was.
    pub fn of_reports(reports: &[Report]) -> Self {
        let is_undone = |report: &Report| matches!(report.outcome, Outcome::Refused | Outcome::Failed);
        if reports.iter().any(is_undone) { Self::Failed } else { Self::Done }
    }

    fn of_view(moment: &Moment, request: &Request, view: View) -> Self {
        match view {
            View::Sockets | View::Summary | View::Consumers => Self::of_sockets(moment, request, view),
            View::Explanations => {
                let explanations = Explanation::of_request(moment, request);
                match Answer::any(explanations.iter().map(|explanation| explanation.taken)) {
                    Answer::Yes => Self::Done,
                    // A port is not free in network namespaces that were not found, nor in those that there are not.
                    Answer::No if explanations.is_empty() || moment.problems.hide_sockets() => Self::Failed,
                    Answer::No => Self::No,
                    Answer::Unknown => Self::Failed,
                }
            }
            View::Interfaces => Self::of_part(moment.interfaces.as_ref()),
            View::Statistics(_) => Self::of_part(moment.statistics.as_ref()),
            View::Routes => Self::of_part(moment.routing.as_ref()),
            View::Rdma => Self::of_part(moment.rdma.as_ref()),
        }
    }

    fn of_sockets(moment: &Moment, request: &Request, view: View) -> Self {
        let (Some(snapshot), Some(selection)) = (moment.snapshot(), moment.selection(view)) else { return Self::Done };
        let is_unread = snapshot.problems.iter().any(|problem| problem.kind == ProblemKind::TableUnreadable);
        let is_filtered = request
            .query_of(view)
            .is_some_and(|query| !query.filter.is_empty() || matches!(query.namespaces, NamespaceSelection::Matching(_)));
        match (selection.rows.is_empty(), is_filtered) {
            (false, _) => Self::Done,
            (true, _) if snapshot.sockets.is_empty() && is_unread => Self::Failed,
            (true, false) => Self::Done,
            (true, true) if selection.undecided > 0 || !moment.problems.is_complete() => Self::Failed,
            (true, true) => Self::No,
        }
    }

    fn of_part<T>(part: Option<&Part<T>>) -> Self {
        if part.is_some_and(|part| part.is_unreadable) { Self::Failed } else { Self::Done }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Failed => 2,
        })
    }
}
