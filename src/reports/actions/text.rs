//! Actions for people: a line for each thing that is done, before and after.

use crate::actions::{Item, Plan, Step};
use crate::model::action::Report;
use crate::model::owners::OwnerStatus;
use crate::model::process::Process;
use crate::model::socket::Pid;
use crate::moment::row::{Row, Rows};
use crate::output::escape::escape;
use crate::reports::sockets::cells::{endpoint, name_and_pid};

/// How many sockets of a process are named.
const NAMED: usize = 3;

/// What each item of a plan is about, safe to print: they outlive the rows.
pub fn subjects(plan: &Plan, rows: Rows<'_>) -> Vec<String> {
    plan.items.iter().map(|item| subject(item, rows)).collect()
}

/// The lines of a plan before it is carried out, safe to print.
pub fn plan_lines(plan: &Plan, subjects: &[String]) -> Vec<String> {
    let line = |(item, subject): (&Item, &String)| match &item.step {
        Step::End(target) if !target.is_asked => line("", subject, item.note.as_deref()),
        Step::End(_) | Step::Close(..) => line(plan.action.word(), subject, item.note.as_deref()),
        Step::Settled(report) => line(report.outcome.word(), subject, report.reason.as_deref()),
    };
    plan.items.iter().zip(subjects).map(line).collect()
}

/// The lines of what became of a plan, safe to print.
pub fn report_lines(reports: &[Report], subjects: &[String]) -> Vec<String> {
    let line = |(report, subject): (&Report, &String)| line(report.outcome.word(), subject, report.reason.as_deref());
    reports.iter().zip(subjects).map(line).collect()
}

fn line(word: &str, subject: &str, reason: Option<&str>) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    escape(&format!("{word:<8} {subject}{reason}")).into_owned()
}

fn subject(item: &Item, rows: Rows<'_>) -> String {
    let mut sockets: Vec<String> =
        item.rows.iter().take(NAMED).filter_map(|&position| Some(socket(rows.get(position)?))).collect();
    if item.rows.len() > NAMED {
        sockets.push(format!("{} more", item.rows.len() - NAMED));
    }
    let sockets = sockets.join(", ");
    match &item.process {
        Some(process) => format!("{} of {sockets}", name_and_pid(process.pid, Some(&process.name))),
        None => match item.rows.first().and_then(|&position| rows.get(position)) {
            Some(row) => format!("{sockets} of {}", owners(row)),
            None => sockets,
        },
    }
}

/// `TCP 127.0.0.1:8080 to 127.0.0.1:50000 ESTABLISHED in web`.
fn socket(row: Row<'_>) -> String {
    let socket = row.socket;
    let end = |end| endpoint(end, socket.scope(end.address));
    let remote = socket.peer().map_or_else(String::new, |remote| format!(" to {}", end(remote)));
    let state = socket.state.map_or_else(String::new, |state| format!(" {state}"));
    let namespace = row.namespace().filter(|namespace| !namespace.own);
    let namespace = namespace.map_or_else(String::new, |namespace| format!(" in {}", namespace.label()));
    format!("{} {}{remote}{state}{namespace}", socket.protocol.word(), end(&socket.local))
}

fn owners(row: Row<'_>) -> String {
    let name = |(pid, process): (Pid, Option<&Process>)| {
        name_and_pid(pid, process.map(|process| process.name.to_string_lossy()).as_deref())
    };
    let names: Vec<String> = row.processes().map(name).collect();
    match (row.owners().status, names.as_slice()) {
        (OwnerStatus::Owned, [first, second, third, rest @ ..]) if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        (OwnerStatus::Owned, names) => names.join(", "),
        (OwnerStatus::None, _) => "(no process)".to_owned(),
        (OwnerStatus::Denied | OwnerStatus::Unsupported, _) => "(hidden)".to_owned(),
        (OwnerStatus::Gone, _) => "(ended)".to_owned(),
    }
}
