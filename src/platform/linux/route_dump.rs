//! Whole tables by `NETLINK_ROUTE`.

use super::netlink::{Consistency, DumpError, Netlink, RETRIES};
use super::rtnetlink::Dump;
use crate::snapshot::{Problem, ProblemKind};
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
