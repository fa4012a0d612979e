//! Which rows each view shows, in which order, and what is counted and concluded from them: pure functions over a snapshot and
//! what was looked up for it.

use crate::model::namespace::Namespace;
use crate::model::owners::Refused;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::system::System;
use crate::moment::consumers::Consumer;
use crate::moment::findings::{Finding, Scope};
use crate::moment::lookups::Lookups;
use crate::moment::row::Rows;
use crate::moment::summary::Summary;
use crate::moment::{Host, Moment, Selection, Sockets};
use crate::order::windows_order;
use crate::output::escape::escape_name;
use crate::request::column::Column;
use crate::request::{Amount, Query, Request, Task, View};
use crate::{order, platform};
use std::ops::Range;

impl Moment {
    /// The moment of a snapshot and of what was looked up for it: filtered, ordered and counted as a request asks, without
    /// looking at any system.
    pub fn of_snapshot(snapshot: Snapshot, lookups: Lookups, host: Host, request: &Request) -> Self {
        let mut moment = Self { host, lookups, ..Self::default() };
        moment.problems.extend(snapshot.problems.iter().cloned());
        if request.sockets_to_read(moment.host.system).is_some() {
            let selections = select(&snapshot, &Query::everything(), request);
            let sockets = moment.sockets.insert(Sockets { snapshot, selections });
            retain_owned(sockets, &moment.lookups, request);
            moment.problems.extend(undecided(sockets, &moment.lookups));
            moment.problems.extend(retain_by_conditions(sockets, &moment.lookups, moment.host.system, request));
            if request.needs(moment.host.system).findings {
                moment.findings = find(&sockets.snapshot, &sockets.selections, &moment.lookups, moment.host.system);
            }
            for (view, selection) in &sockets.selections {
                let rows = Rows::of_parts(&sockets.snapshot, &moment.lookups, moment.host.system, &selection.rows);
                match view {
                    View::Summary => moment.summary = Some(Summary::of(rows, request.tcp_info)),
                    View::Consumers => moment.consumers = Some(Consumer::of(rows)),
                    View::Sockets | View::Explanations | View::Interfaces | View::Statistics(_) | View::Routes | View::Rdma => {}
                }
            }
            sort(&mut moment, request);
        }
        moment
    }
}

/// The rows of each view, out of the rows of a query.
pub(super) fn select(snapshot: &Snapshot, query: &Query, request: &Request) -> Vec<(View, Selection)> {
    let rows = match request.task {
        // Events come in the order of time.
        Task::Events => every_row(snapshot),
        Task::Report | Task::Wait(_) | Task::Diff(_) | Task::Act(_) | Task::Watch => in_order(snapshot, request.output.amount),
    };
    let selection = |&view: &View| {
        let of_view = request.query_of(view)?;
        let is_whole = *of_view == Query { details: of_view.details, facts: of_view.facts, ..query.clone() };
        let rows = if is_whole { rows.clone() } else { matching(snapshot, &rows, of_view) };
        Some((view, Selection { rows, undecided: 0 }))
    };
    request.views.iter().filter_map(selection).collect()
}

/// The rows in Windows' order, each socket once. If nothing of them is written, not even their number, one look is enough.
fn in_order(snapshot: &Snapshot, amount: Amount) -> Vec<u32> {
    match amount {
        Amount::Rows | Amount::Count if snapshot.namespaces.is_empty() => windows_order(&snapshot.sockets),
        // Sockets of two namespaces that are alike are two.
        Amount::Rows | Amount::Count => {
            let of_namespace = |namespace: &Namespace| {
                let Range { start, end } = namespace.rows;
                let sockets = snapshot.sockets.get(start as usize..end as usize).unwrap_or_default();
                windows_order(sockets).into_iter().map(move |row| start + row)
            };
            snapshot.namespaces.iter().flat_map(of_namespace).collect()
        }
        Amount::Nothing => every_row(snapshot),
    }
}

fn every_row(snapshot: &Snapshot) -> Vec<u32> {
    (0..u32::try_from(snapshot.sockets.len()).unwrap_or(u32::MAX)).collect()
}

/// Those of the rows that a query wants.
fn matching(snapshot: &Snapshot, rows: &[u32], query: &Query) -> Vec<u32> {
    let matches = |&row: &u32| snapshot.sockets.get(row as usize).is_some_and(|socket| query.matches(socket));
    rows.iter().copied().filter(matches).collect()
}

pub(super) fn retain_owned(sockets: &mut Sockets, lookups: &Lookups, request: &Request) {
    let Sockets { snapshot, selections } = sockets;
    for (view, selection) in selections {
        let Some(query) = request.query_of(*view) else { continue };
        selection.undecided = query.filter.retain_owned(&mut selection.rows, snapshot, &lookups.processes);
    }
}

/// Drops the rows for which the conditions do not hold; says if they cannot be decided.
pub(super) fn retain_by_conditions(
    sockets: &mut Sockets,
    lookups: &Lookups,
    system: System,
    request: &Request,
) -> Option<Problem> {
    let Sockets { snapshot, selections } = sockets;
    let mut problem = None;
    for (view, selection) in selections {
        let Some(query) = request.query_of(*view).filter(|query| !query.filter.conditions.is_empty()) else { continue };
        let (mut rows, mut undecided) =
            query.filter.retain_by_conditions(Rows::of_parts(snapshot, lookups, system, &selection.rows));
        let columns = || query.filter.conditions.iter().map(|condition| condition.column);
        let missing = columns().find(|column| column.definition().needs.details.tcp_info.intersects(snapshot.tcp_info.missing()));
        let sentence = match missing {
            Some(column) => {
                rows.clear();
                undecided = selection.rows.len();
                format!("--where cannot rest on {}: this kernel does not have it", column.name())
            }
            None => {
                let columns: Vec<_> = columns().map(Column::name).collect();
                let sockets = if undecided == 1 { "socket" } else { "sockets" };
                format!("{undecided} more {sockets} may match: {} could not be read", columns.join(" or "))
            }
        };
        if undecided > 0 {
            problem = Some(Problem::new(ProblemKind::FilterUndecided, sentence));
        }
        selection.rows = rows;
        selection.undecided += undecided;
    }
    problem
}

/// What is to be said if the filter could not decide about rows, because processes refused to be read that may own them.
pub(super) fn undecided(sockets: &Sockets, lookups: &Lookups) -> Option<Problem> {
    const NAMED: usize = 5;
    let rows: usize = sockets.selections.iter().map(|(_, selection)| selection.undecided).max().filter(|&rows| rows > 0)?;
    let reason = match &sockets.snapshot.refused {
        Refused::Processes(pids) => {
            let name = |&pid: &_| match lookups.processes.get(pid) {
                Some(process) => format!("{pid} ({})", escape_name(&process.name.to_string_lossy())),
                None => pid.to_string(),
            };
            let named: Vec<_> = pids.iter().take(NAMED).map(name).collect();
            let more = if pids.len() > NAMED { format!(" and {} more", pids.len() - NAMED) } else { String::new() };
            format!("the open files of PID {}{more} could not be read; {}", named.join(", "), platform::MORE_RIGHTS)
        }
        // The owners are known, and not all that the filter asks of them.
        Refused::None => format!("the names or users of some processes could not be read; {}", platform::MORE_RIGHTS),
        Refused::Unknown | Refused::Invisible => "not every process can be seen".to_owned(),
    };
    let more = if sockets.selections.iter().all(|(_, selection)| selection.rows.is_empty()) { "" } else { " more" };
    let sockets = if rows == 1 { format!("1{more} socket may match") } else { format!("{rows}{more} sockets may match") };
    Some(Problem::new(ProblemKind::FilterUndecided, format!("{sockets}: {reason}")))
}

/// What is worth a look about the rows that are shown; `None` if no view shows sockets by themselves.
pub(super) fn find(
    snapshot: &Snapshot,
    selections: &[(View, Selection)],
    lookups: &Lookups,
    system: System,
) -> Option<Vec<Finding>> {
    let (view, selection) = selections.iter().find(|(view, _)| *view != View::Consumers)?;
    let scope = if *view == View::Explanations { Scope::EachPort } else { Scope::Host };
    Some(Finding::all(Rows::of_parts(snapshot, lookups, system, &selection.rows), scope))
}

/// Sorts the rows of the table as `--sort` asks.
pub(super) fn sort(moment: &mut Moment, request: &Request) {
    if request.sort.is_empty() || request.output.amount != Amount::Rows {
        return;
    }
    let Moment { sockets: Some(Sockets { snapshot, selections }), lookups, host, .. } = moment else { return };
    for (_, selection) in selections.iter_mut().filter(|(view, _)| *view == View::Sockets) {
        selection.rows = order::sort(&request.sort, Rows::of_parts(snapshot, lookups, host.system, &selection.rows));
    }
}
