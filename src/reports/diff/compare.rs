//! Comparing two documents.

use super::recorded::{Recorded, RecordedProblem, RecordedSocket, Refused, Selection};
use crate::filter::Filter;
use crate::model::socket::{State, TableSet};
use crate::moment::changes::{Difference, Groups, Key, RowFacts, differences};
use crate::request::Query;
use serde::Serialize;

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, in the order of their keys.
    pub differences: Vec<Difference>,
    /// What is missing from the documents where it matters: each with the name of its document.
    pub missing: Vec<String>,
}

/// Compares two documents. `query` says which of their sockets.
pub fn compare(earlier: &Recorded, later: &Recorded, query: &Query, other_host: bool) -> Result<Comparison, Refused> {
    check(earlier, later, query, other_host)?;
    let [before, after] = [earlier, later].map(|document| groups(document, query));
    let [lacks_before, lacks_after] = [earlier, later]
        .map(|document| problems(document, query).fold(TableSet::NONE, |tables, problem| tables.or(problem.table_set())));
    let named = |document: &Recorded| {
        problems(document, query).map(|problem| format!("{}: {}", document.name, problem.message)).collect::<Vec<_>>()
    };
    Ok(Comparison {
        differences: differences(&before, &after, lacks_before, lacks_after),
        missing: [named(earlier), named(later)].concat(),
    })
}

/// Refuses documents that cannot be compared, with the reason.
fn check(earlier: &Recorded, later: &Recorded, query: &Query, other_host: bool) -> Result<(), Refused> {
    let unknown = "an unknown host".to_owned();
    let [before, after] = [earlier, later].map(|document| document.head.host.as_ref());
    if before != after && !other_host {
        let [before, after] = [before, after].map(|host| host.unwrap_or(&unknown));
        return Err(Refused::new(format!(
            "{} is of {before} and {} of {after}: --other-host compares them anyway",
            earlier.name, later.name
        )));
    }
    let (Some(one), Some(other)) = (&earlier.head.selection, &later.head.selection) else { return Ok(()) };
    if one.filters != other.filters {
        let written = |selection: &Selection| match selection.filters.as_slice() {
            [] => "no filter".to_owned(),
            filters => filters.join(" "),
        };
        return Err(Refused::new(format!(
            "{} was made with {} and {} with {}: only documents with the same filters can be compared",
            earlier.name,
            written(one),
            later.name,
            written(other)
        )));
    }
    if one.namespaces != other.namespaces {
        return Err(Refused::new(format!(
            "{} has the sockets of {} network namespaces and {} of {}: use --all-namespaces for both or for none",
            earlier.name, one.namespaces, later.name, other.namespaces
        )));
    }
    let wanted = Selected::by(query);
    for document in [earlier, later] {
        if let Some(lacking) = document.head.selection.as_ref().and_then(|selection| wanted.lacking(selection)) {
            return Err(Refused::new(format!(
                "{} does not list {lacking}: make it with the same switches, as 'rnetstat -a --json'",
                document.name
            )));
        }
    }
    Ok(())
}

/// The words for the sockets that a query wants, as they stand in the head of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// The tables.
    pub tables: Vec<String>,
    /// The TCP states.
    pub states: Vec<&'static str>,
    /// The UDP sockets.
    pub udp: &'static str,
}

impl Selected {
    /// The words for a query.
    pub fn by(query: &Query) -> Self {
        Self {
            tables: query.tables.iter().map(|table| table.to_string()).collect(),
            states: State::ALL.into_iter().filter(|&state| query.states.contains(state)).map(State::word).collect(),
            udp: query.udp.word(),
        }
    }

    /// What of it a document does not list.
    fn lacking(&self, listed: &Selection) -> Option<String> {
        let has = |list: &[String], word: &str| list.iter().any(|listed| listed == word);
        let table = self.tables.iter().find(|table| !has(&listed.tables, table)).cloned();
        let has_tcp = self.tables.iter().any(|table| table.starts_with("TCP"));
        let has_udp = self.tables.iter().any(|table| table.starts_with("UDP"));
        let state = || self.states.iter().find(|state| has_tcp && !has(&listed.states, state)).map(|&state| state.to_owned());
        let udp = || (has_udp && listed.udp != "all" && listed.udp != self.udp).then(|| format!("{} UDP sockets", self.udp));
        table.or_else(state).or_else(udp)
    }
}

/// The problems because of which sockets that are compared may be missing.
fn problems<'a>(document: &'a Recorded, query: &'a Query) -> impl Iterator<Item = &'a RecordedProblem> {
    let matters = |problem: &&RecordedProblem| match problem.code.as_str() {
        "table-unreadable" | "table-incomplete" | "filter-undecided" | "namespaces-hidden" => {
            !problem.table_set().and(query.tables).is_empty()
        }
        _ => false,
    };
    document.head.problems.iter().filter(matters)
}

fn groups(document: &Recorded, query: &Query) -> Groups {
    // The filters were applied when the document was made.
    let query = Query { filter: Filter::default(), ..query.clone() };
    let may_have_more_owners = document.head.owners_complete != Some(true);
    let mut groups = Groups::with_capacity(document.sockets.len());
    for recorded in document.sockets.iter().filter(|recorded| query.matches(&recorded.socket)) {
        let RecordedSocket { socket, device, namespace, owners, owner_status } = recorded;
        let key = Key::of(socket, namespace.clone(), device.clone());
        let owner_status = *owner_status;
        groups.add(key, &RowFacts { socket, cookie: None, owners, owner_status, may_have_more_owners, is_wanted: true });
    }
    groups
}
