//! Differences for people: a line each.

use super::compare::Comparison;
use crate::model::owners::OwnerStatus;
use crate::moment::changes::{Change, Difference, Group, Key};
use crate::output::escape::escape;
use crate::reports::paint::Paint;
use crate::reports::sockets::cells::{endpoint, name_and_pid};
use std::io::{self, Write};

/// Writes the differences; nothing if there is none.
pub fn write(out: &mut impl Write, comparison: &Comparison, color: bool) -> io::Result<()> {
    comparison.differences.iter().try_for_each(|difference| {
        let paint = match (&difference.before, &difference.after) {
            (None, _) => Paint::Good,
            (Some(_), None) => Paint::Bad,
            (Some(_), Some(_)) => Paint::Passing,
        };
        writeln!(out, "{}", paint.on(color, &escape(&line(difference))))
    })
}

/// One difference, not yet safe for a terminal.
pub(in crate::reports) fn line(difference: &Difference) -> String {
    let Difference { key, before, after, changes } = difference;
    match (before, after) {
        (Some(before), Some(after)) => {
            let changes: Vec<String> = changes.iter().map(|&change| changed(change, before, after)).collect();
            format!("~ changed {}: {}", subject(key), changes.join("; "))
        }
        (Some(group), None) => format!("- closed  {}{}: {}", subject(key), state(group), owners(group)),
        (None, Some(group)) => format!("+ opened  {}{}: {}", subject(key), state(group), owners(group)),
        (None, None) => String::new(),
    }
}

fn subject(key: &Key) -> String {
    let remote = key.remote.as_ref().map_or_else(String::new, |remote| format!(" to {}", endpoint(remote, 0)));
    let device = key.device.as_ref().map_or_else(String::new, |device| format!(" on {device}"));
    let namespace = key.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
    format!("{} {}{remote}{device}{namespace}", key.protocol.word(), endpoint(&key.local, 0))
}

fn state(group: &Group) -> String {
    group.states.iter().fold(String::new(), |text, state| format!("{text} {state}"))
}

fn owners(group: &Group) -> String {
    let names = group.owners.iter().map(|owner| name_and_pid(owner.pid, owner.name.as_deref()));
    let names: Vec<String> = names.collect();
    match (names.as_slice(), group.owner_status) {
        ([], OwnerStatus::Gone) => "(ended)".to_owned(),
        ([], _) if group.owners_are_known => "(no process)".to_owned(),
        ([], _) => "(hidden)".to_owned(),
        (names, _) => names.join(", "),
    }
}

fn changed(change: Change, before: &Group, after: &Group) -> String {
    let [one, other] = match change {
        Change::Owner => [before, after].map(owners),
        Change::State => [before, after].map(|group| state(group).trim_start().to_owned()),
        Change::Backlog => [before, after].map(|group| group.backlog.unwrap_or_default().to_string()),
        Change::Sockets => [before, after].map(|group| group.sockets.to_string()),
    };
    format!("{} {one} -> {other}", change.word())
}
