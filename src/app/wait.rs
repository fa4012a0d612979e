//! Waiting until a port is listened on, or until it is free (`--wait`).

use super::{Exit, Reader, write};
use crate::model::answer::Answer;
use crate::model::owners::OwnerSearch;
use crate::model::socket::{Protocol, Table};
use crate::moment::Moment;
use crate::platform;
use crate::request::{PortWait, Query, Request, RowFacts, Until};
use std::time::{Duration, Instant};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks until the port is in the state that is waited for, the time is up or the answer is unknown, and reports on the
/// moment that decided.
pub(super) fn wait(request: &Request, wait: &PortWait) -> anyhow::Result<Exit> {
    let (moment, exit) = last_moment(request, wait);
    write(&moment, request)?;
    Ok(exit)
}

/// What is looked at is small, and has no owners: those are read once, at the end, for the moment that is returned.
fn last_moment(request: &Request, wait: &PortWait) -> (Moment, Exit) {
    let mut reader = Reader::of_process(request);
    let query = query(request, wait);
    let end = wait.limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let seen = wait.reached_in(&platform::snapshot(&query, OwnerSearch::Skip));
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let is_over = left.is_some_and(|left| left.is_zero());
        if seen != Answer::No || is_over {
            let moment = reader.read(request);
            // It may have changed between the look and the read: the moment that is shown decides.
            let reached = moment.snapshot().map_or(Answer::Unknown, |snapshot| wait.reached_in(snapshot));
            match reached {
                Answer::Yes => return (moment, Exit::Done),
                Answer::Unknown => return (moment, Exit::Failed),
                Answer::No if is_over => return (moment, Exit::No),
                Answer::No => {}
            }
        }
        // Not the wait of an interval, which ends with the reader of the output: the answer is the exit status.
        std::thread::sleep(left.map_or(PAUSE, |left| left.min(PAUSE)));
    }
}

/// The rows that decide: the kernel leaves out all others.
fn query(request: &Request, wait: &PortWait) -> Query {
    let protocol = wait.question.protocol.unwrap_or(Protocol::Tcp);
    let tables = Table::ALL.into_iter().filter(|table| table.protocol() == protocol).collect();
    let query = Query { tables, facts: RowFacts::NONE, ..request.query.clone() };
    match wait.until {
        Until::Listening => query.listening(),
        Until::Free => query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::problem::{Problem, ProblemKind};
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Socket, State, StateSet};
    use crate::reports::tests::request;

    fn wait_of(line: &str) -> PortWait {
        *request(line).task.wait().unwrap()
    }

    fn snapshot(sockets: Vec<Socket>) -> Snapshot {
        Snapshot { sockets, ..Snapshot::default() }
    }

    #[test]
    fn a_listener_is_waited_for_and_nothing_else_on_the_port_counts() {
        let wait = wait_of("--wait 8080");
        let listener = socket("::", 8080);
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
        let connection = Socket { state: Some(State::Established), remote, ..socket("10.0.0.1", 8080) };
        let udp = Socket { protocol: Protocol::Udp, state: None, ..listener };
        assert_eq!(wait.reached_in(&snapshot(vec![connection, udp, socket("::", 80)])), Answer::No);
        assert_eq!(wait.reached_in(&snapshot(vec![connection, listener])), Answer::Yes);
        assert_eq!(wait_of("--wait udp/8080").reached_in(&snapshot(vec![udp])), Answer::Yes);
    }

    #[test]
    fn a_port_is_free_when_no_socket_is_on_it_not_even_in_time_wait() {
        let wait = wait_of("--wait !8080");
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
        let waiting = Socket { state: Some(State::TimeWait), remote, ..socket("10.0.0.1", 8080) };
        for socket in [waiting, socket("::", 8080), Socket { state: Some(State::Bound), ..socket("::", 8080) }] {
            assert_eq!(wait.reached_in(&snapshot(vec![socket])), Answer::No, "{socket:?}");
        }
        assert_eq!(wait.reached_in(&snapshot(vec![socket("::", 80)])), Answer::Yes);
    }

    #[test]
    fn a_table_that_cannot_be_read_answers_nothing() {
        let mut unread = snapshot(vec![socket("::", 8080)]);
        unread.problems = vec![Problem::new(ProblemKind::TableUnreadable, "half")];
        assert_eq!(wait_of("--wait 80").reached_in(&unread), Answer::Unknown);
        assert_eq!(wait_of("--wait !80").reached_in(&unread), Answer::Unknown);
        assert_eq!(wait_of("--wait 8080").reached_in(&unread), Answer::Yes);
        assert_eq!(wait_of("--wait !8080").reached_in(&unread), Answer::No);
    }

    #[test]
    fn a_look_reads_the_port_of_one_protocol_alone() {
        let request = request("--wait 8080");
        let looked_at = query(&request, request.task.wait().unwrap());
        assert_eq!(looked_at.states, StateSet::NONE.with(State::Listening));
        assert_eq!(looked_at.tables, [Table::Tcp4, Table::Tcp6].into_iter().collect());
        assert_eq!(looked_at.filter.local_port.unwrap().ranges().collect::<Vec<_>>(), [8080..=8080]);
    }
}
