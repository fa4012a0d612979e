//! Whole tables by `NETLINK_ROUTE`.

use crate::model::problem::{Problem, ProblemKind};
use crate::platform::linux::netlink::route::Dump;
use crate::platform::linux::netlink::socket::{Consistency, DumpError, Netlink, RETRIES};
use std::io;

/// An open socket for dumps, and what went wrong with them.
pub(crate) struct RouteDumps {
    netlink: Netlink,
    pub(crate) problems: Vec<Problem>,
}

impl RouteDumps {
    pub(crate) fn open() -> io::Result<Self> {
        let netlink = Netlink::open(None)?;
        Ok(Self { netlink, problems: Vec::new() })
    }

    /// Everything that `parse` makes of the messages of one table. `what` names the table in a problem's sentence.
    pub(crate) fn read<T>(&mut self, table: Dump, what: &str, parse: impl Fn(&[u8]) -> Option<T>) -> Vec<T> {
        let mut entries = Vec::new();
        match self.dump(table, &mut entries, parse) {
            Ok(Consistency::Whole) => {}
            Ok(Consistency::Interrupted) => {
                let message = format!("the {what} changed while they were read: rows may be missing or stale");
                self.problems.push(Problem::new(ProblemKind::TableIncomplete, message));
            }
            Err(error) => {
                let kind = if entries.is_empty() { ProblemKind::TableUnreadable } else { ProblemKind::TableIncomplete };
                self.problems.push(Problem::new(kind, format!("the {what} cannot be read: rtnetlink: {error}")));
            }
        }
        entries
    }

    fn dump<T>(
        &mut self,
        table: Dump,
        entries: &mut Vec<T>,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Consistency, DumpError> {
        let mut left = RETRIES;
        loop {
            let mut unreadable = false;
            let consistency = self.netlink.dump(
                |sequence| table.encode(sequence),
                |kind, payload| {
                    if kind != table.answer() {
                        return;
                    }
                    match parse(payload) {
                        Some(entry) => entries.push(entry),
                        None => unreadable = true,
                    }
                },
            )?;
            if unreadable {
                return Err(DumpError::Truncated);
            }
            if consistency == Consistency::Whole || left == 0 {
                return Ok(consistency);
            }
            left -= 1;
            entries.clear();
        }
    }
}

/// That `NETLINK_ROUTE` cannot be had at all.
pub(crate) fn refused(what: &str, error: &io::Error) -> Problem {
    Problem::new(ProblemKind::TableUnreadable, format!("the {what} cannot be read: rtnetlink: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::netlink::replay::{DONE, Datagram, INTERRUPTED, kernel};

    /// What is made of these answers, and how many requests got them.
    fn read(answers: Vec<Vec<Datagram>>) -> (Vec<u8>, Vec<Problem>, usize) {
        let (netlink, requests) = kernel(answers);
        let mut dumps = RouteDumps { netlink, problems: Vec::new() };
        let entries = dumps.read(Dump::Links, "interfaces", |payload| payload.first().copied());
        let problems = std::mem::take(&mut dumps.problems);
        drop(dumps);
        (entries, problems, requests.join().unwrap().len())
    }

    fn link(number: u8) -> Datagram {
        Datagram::Message(Dump::Links.answer(), 0, vec![number; 4])
    }

    #[test]
    fn an_interrupted_dump_is_asked_for_again_and_the_whole_one_alone_is_kept() {
        let interrupted = vec![link(1), Datagram::done(INTERRUPTED)];
        let whole = vec![link(2), link(3), Datagram::done(0)];
        assert_eq!(read(vec![interrupted.clone(), whole]), (vec![2, 3], vec![], 2));
        let (entries, problems, requests) = read(vec![interrupted; 9]);
        assert_eq!((entries, requests), (vec![1], 1 + RETRIES));
        let message = "the interfaces changed while they were read: rows may be missing or stale";
        assert_eq!(problems, [Problem::new(ProblemKind::TableIncomplete, message)]);
    }

    #[test]
    fn entries_before_a_fault_are_kept_and_reported_as_incomplete() {
        let faults = [
            vec![Datagram::Raw(vec![0; 40 * 1024])],
            vec![Datagram::Raw([&80u32.to_ne_bytes()[..], &[0; 60]].concat())],
            vec![Datagram::Message(Dump::Links.answer(), 0, vec![]), Datagram::done(0)],
            vec![Datagram::failure(DONE, libc::ENOMEM)],
        ];
        for fault in faults {
            let answer: Vec<Datagram> = std::iter::once(link(1)).chain(fault).collect();
            let (entries, problems, _) = read(vec![answer]);
            let kinds: Vec<ProblemKind> = problems.iter().map(|problem| problem.kind).collect();
            assert_eq!((entries, kinds), (vec![1], vec![ProblemKind::TableIncomplete]), "{problems:?}");
        }
        let (entries, problems, _) = read(vec![vec![Datagram::failure(DONE, libc::ENOMEM)]]);
        assert_eq!((entries, problems[0].kind), (vec![], ProblemKind::TableUnreadable));
    }
}
