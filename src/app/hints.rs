//! What to try if nothing was found: one sentence for a person at a terminal.

use crate::filter::Filter;
use crate::filter::ports::PortSet;
use crate::model::socket::{State, TableSet};
use crate::moment::Moment;
use crate::output::escape::escape_name;
use crate::request::{Amount, Request, View};

/// The sentence about a table without rows; `None` if it has rows or if the answer is not certain.
pub fn nothing_found(moment: &Moment, request: &Request) -> Option<String> {
    let selection = moment.selection(View::Sockets)?;
    let is_certain = selection.rows.is_empty() && selection.undecided == 0 && moment.problems.is_complete();
    if !is_certain || request.output.amount == Amount::Nothing {
        return None;
    }
    let query = &request.query;
    Some(if query.filter.is_empty() {
        match (query.states.contains(State::Listening), query.states.contains(State::Established)) {
            (false, _) => "no connections; -a adds listeners and UDP".to_owned(),
            (true, false) => "nothing listens".to_owned(),
            (true, true) => "no sockets".to_owned(),
        }
    } else {
        of_port(&query.filter).or_else(|| of_process(moment, &query.filter)).unwrap_or_else(|| {
            let of_some = if query.tables == TableSet::NONE { "no protocol is left by" } else { "no socket matches" };
            format!("{of_some} all of the filters")
        })
    })
}

/// The sentence if local ports alone are asked for.
fn of_port(filter: &Filter) -> Option<String> {
    let ports = filter.local_port.as_ref().filter(|_| Filter { local_port: None, ..filter.clone() }.is_empty())?;
    Some(format!("nothing is on port {}", written(ports)?))
}

/// `80, 8000-8100`; `None` if there are too many to be named.
fn written(ports: &PortSet) -> Option<String> {
    const MOST: usize = 5;
    let range = |range: std::ops::RangeInclusive<u16>| match (*range.start(), *range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let ranges: Vec<String> = ports.ranges().map(range).collect();
    (ranges.len() <= MOST).then(|| ranges.join(", "))
}

/// The sentence if one process is asked for by its name, with a pattern that would match a process that owns a socket.
fn of_process(moment: &Moment, filter: &Filter) -> Option<String> {
    let [pattern] = filter.owners.names.wanted.as_slice() else { return None };
    let asked = pattern.text();
    let sentence = format!("no process '{asked}' holds a socket that matches");
    // The owners of all rows that the other filters left were looked up.
    let names = moment.lookups.processes.iter().map(|process| process.name.to_string_lossy());
    let close = |name: &str| {
        let name = name.to_lowercase();
        let by_beginning = name.starts_with(&asked).then(|| format!("{asked}*"));
        by_beginning.or_else(|| name.contains(&asked).then(|| format!("*{asked}*")))
    };
    let mut found: Vec<_> = names.filter_map(|name| Some((close(&name)?, name))).collect();
    found.sort();
    let Some((wider, name)) = found.into_iter().find(|_| !asked.contains('*')) else { return Some(sentence) };
    Some(format!("{sentence}; '{wider}' would match {}", escape_name(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::{Machine, friendly, request};

    fn hint(machine: Machine, line: &str) -> Option<String> {
        nothing_found(&machine.read(line), &request(line))
    }

    #[test]
    fn nothing_found_is_said_with_what_to_try() {
        let empty = || Machine::new(Vec::new(), &[], Vec::new());
        for (machine, line, expected) in [
            (empty(), "-n", "no connections; -a adds listeners and UDP"),
            (empty(), "-ln", "nothing listens"),
            (empty(), "-an", "no sockets"),
            (friendly(), "-n :8080", "nothing is on port 8080"),
            (friendly(), "-n --port 8080,9000-9010", "nothing is on port 8080, 9000-9010"),
            (friendly(), "-n --port 443 --pid 7", "no socket matches all of the filters"),
            (
                friendly(),
                "-n --process ngin --port 443",
                "no process 'ngin' holds a socket that matches; 'ngin*' would match nginx",
            ),
            (
                friendly(),
                "-n --port 443 --process GIN",
                "no process 'gin' holds a socket that matches; '*gin*' would match nginx",
            ),
            (friendly(), "-n :443 --process apache*", "no process 'apache*' holds a socket that matches"),
        ] {
            assert_eq!(hint(machine, line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn nothing_is_said_if_something_was_found() {
        assert_eq!(hint(friendly(), "-n"), None);
        assert_eq!(hint(friendly(), "-n :443"), None);
    }
}
