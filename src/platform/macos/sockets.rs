//! The sockets of macOS: those that processes hold, descriptor by descriptor (libproc).

use super::libproc::{self, Descriptors, Libproc};
use super::socket_fdinfo;
use super::socket_rows::SocketRows;
use crate::model::owners::{OwnerSearch, Owners, Refused};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Pid, State};
use crate::platform::unix::conventions::MORE_RIGHTS;
use crate::request::Query;
use std::io;

/// Reads the sockets with their owners: a socket is found by its owners, so that there is nothing more to search.
pub(crate) fn snapshot(query: &Query, search: OwnerSearch) -> Snapshot {
    let mut snapshot = Snapshot { problems: query.details.unavailable(socket_fdinfo::TCP_FIELDS), ..Snapshot::default() };
    let mut libproc = Libproc::default();
    let pids = match libproc.processes() {
        Ok(pids) => pids,
        Err(error) => {
            let message = format!("the sockets cannot be read: proc_listallpids: {error}");
            snapshot.problems.push(Problem::new(ProblemKind::TableUnreadable, message));
            return snapshot;
        }
    };
    let mut reader =
        Reader { query, libproc, rows: SocketRows::new(query.details.tcp_info), refused: Vec::new(), damaged: 0, failure: None };
    for pid in pids {
        reader.read_process(pid);
    }
    snapshot.problems.extend(reader.problems());
    if !reader.refused.is_empty() {
        reader.refused.sort_unstable();
        snapshot.refused = Refused::Processes(reader.refused);
    }
    if query.details.pressure {
        snapshot.pressure = reader.rows.take_pressure();
    }
    let (sockets, owners, tcp_info) = reader.rows.into_parts();
    snapshot.sockets = sockets;
    snapshot.tcp_info = tcp_info;
    if search != OwnerSearch::Skip {
        snapshot.owners = Owners::ByRow(owners);
    }
    snapshot
}

struct Reader<'a> {
    query: &'a Query,
    libproc: Libproc,
    rows: SocketRows,
    /// The processes whose descriptors may not be seen.
    refused: Vec<Pid>,
    /// How many descriptors could not be understood.
    damaged: usize,
    /// The first error that is neither a refusal nor the end of a process or a descriptor.
    failure: Option<io::Error>,
}

impl Reader<'_> {
    fn read_process(&mut self, pid: Pid) {
        let mut answer = libproc::socket_info_buffer();
        for which in [Descriptors::Files, Descriptors::FilePorts] {
            let descriptors: Vec<u32> = match self.libproc.descriptors(pid, which) {
                Ok(list) => socket_fdinfo::socket_descriptors(list).collect(),
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => return self.refused.push(pid),
                Err(error) => return self.note(error),
            };
            for descriptor in descriptors {
                match libproc::socket_info(pid, descriptor, which, &mut answer).map(socket_fdinfo::parse) {
                    Ok(Ok(Some(entry))) if self.query.matches(&entry.socket) => self.rows.add(&entry, pid),
                    Ok(Ok(_)) => {}
                    Ok(Err(socket_fdinfo::TooShort(_))) => self.damaged += 1,
                    Err(error) => self.note(error),
                }
            }
        }
    }

    /// A process or a descriptor that has gone since it was listed is no problem, nor one whose number is another file now.
    fn note(&mut self, error: io::Error) {
        match error.raw_os_error() {
            Some(libc::ESRCH | libc::EBADF | libc::ENOENT | libc::EOPNOTSUPP | libc::ENOTSUP) => {}
            _ => self.failure = self.failure.take().or(Some(error)),
        }
    }

    /// What is missing, in one sentence for each reason.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut incomplete = |message: String| problems.push(Problem::new(ProblemKind::TableIncomplete, message));
        if !self.refused.is_empty() {
            let count = self.refused.len();
            incomplete(format!("the sockets of {count} processes of other users are not listed: {MORE_RIGHTS} to see them"));
        }
        if let Some(error) = &self.failure {
            incomplete(format!("some descriptors could not be read, rows may be missing: {error}"));
        }
        if self.damaged > 0 {
            let count = self.damaged;
            incomplete(format!("{count} descriptors have a layout that rnetstat does not know: rows may be missing"));
        }
        if self.query.states.contains(State::TimeWait) {
            incomplete("macOS lists only sockets that a process holds: rows in the state TIME_WAIT are missing".to_owned());
        }
        problems
    }
}
