//! The first lines: what there is, how it changes, what is chosen, what is missing.

use super::model::Model;
use super::styled::{StyledLine, Tint};
use crate::model::time::rfc3339;
use crate::output::escape::escape;
use crate::reports::paint::Paint;
use std::time::Duration;

/// The lines, the most important one first.
pub fn lines(model: &Model) -> [StyledLine; 2] {
    [counts(model), choice(model)]
}

fn counts(model: &Model) -> StyledLine {
    let Some(moment) = &model.moment else { return StyledLine::painted("reading the sockets …", Paint::Dim) };
    let counts = &model.counts;
    let mut line = StyledLine::default();
    if model.is_paused {
        line.push("PAUSED  ", Some(Tint::Paint(Paint::Bad)));
    }
    let sockets = if counts.sockets == 1 { "socket" } else { "sockets" };
    line.push(format!("{} {sockets}", counts.sockets), Some(Tint::Paint(Paint::Strong)));
    if let Some(turnover) = model.marks.rate {
        let [opened, closed] = [turnover.opened, turnover.closed].map(|count| turnover.per_second(count));
        line.push(format!("  +{opened}/s -{closed}/s"), None);
    }
    for (state, count) in counts.kinds() {
        line.push("  ", None);
        line.push(format!("{count} {state}"), Some(Tint::Paint(Paint::of_state(state))));
    }
    if counts.udp() > 0 {
        line.push(format!("  {} UDP", counts.udp()), None);
    }
    if let Some(traffic) = counts.traffic() {
        line.push(format!("  {traffic}"), None);
    }
    if counts.hidden > 0 {
        line.push(format!("  {} with a hidden owner", counts.hidden), Some(Tint::Paint(Paint::Passing)));
    }
    if counts.undecided > 0 {
        line.push(format!("  {} more may match", counts.undecided), Some(Tint::Paint(Paint::Bad)));
    }
    let time = rfc3339(moment.time).unwrap_or_default();
    line.push(format!("  {time}"), Some(Tint::Paint(Paint::Dim)));
    line
}

fn choice(model: &Model) -> StyledLine {
    let mut line = StyledLine::painted(format!("every {}", seconds(model.interval)), Paint::Dim);
    let filters = model.request.filters.iter().cloned().chain(model.choice.description());
    let filters = filters.collect::<Vec<_>>().join(" ");
    let parts = [
        ("filter", Some(filters).filter(|filters| !filters.is_empty())),
        ("sort", model.order.description()),
        ("group", model.grouping.word().map(str::to_owned)),
    ];
    for (name, text) in parts {
        if let Some(text) = text {
            line.push(format!("  {name}: "), Some(Tint::Paint(Paint::Dim)));
            line.push(escape(&text).into_owned(), Some(Tint::Paint(Paint::Strong)));
        }
    }
    for (number, (paint, finding)) in model.findings.iter().enumerate() {
        line.push(if number == 0 { "  ! " } else { "; " }, Some(Tint::Paint(*paint)));
        line.push(escape(finding).into_owned(), Some(Tint::Paint(*paint)));
    }
    let problems = model.moment.iter().flat_map(|moment| moment.problems.iter());
    for problem in problems {
        let paint = if problem.kind.is_incomplete() { Paint::Bad } else { Paint::Passing };
        line.push("  ", None);
        line.push(escape(&problem.message).into_owned(), Some(Tint::Paint(paint)));
    }
    line
}

/// `0.2 s`, `1 s`, `10 min`.
fn seconds(interval: Duration) -> String {
    match interval.as_millis() {
        milliseconds @ 60_000.. if milliseconds % 60_000 == 0 => format!("{} min", milliseconds / 60_000),
        _ => format!("{} s", interval.as_secs_f64()),
    }
}
