//! The socket tables of Windows, each with the processes that own its rows.

use super::tables::{self, Class};
use super::{ip_helper, optional};
use crate::owners::Owners;
use crate::request::{OwnerSearch, SocketRequest};
use crate::snapshot::{Problem, ProblemKind, Snapshot};
use crate::socket::{Family, Pid, Socket, State, Table};

/// Reads the sockets. Windows tells the owner with each row, so that there is nothing to look for.
pub(crate) fn snapshot(request: &SocketRequest, search: OwnerSearch) -> Snapshot {
    let mut reader = Reader { request, sockets: Vec::new(), pids: Vec::new(), problems: Vec::new() };
    let mut buffer = ip_helper::TableBuffer::default();
    for table in request.tables.sources() {
        reader.read(table, &mut buffer);
    }
    if request.states.contains(State::Bound) {
        for table in request.tables.sources().filter(|table| matches!(table, Table::Tcp4 | Table::Tcp6)) {
            reader.read_bound(table);
        }
    }
    let owners = match search {
        OwnerSearch::Skip => Owners::Unsupported,
        OwnerSearch::Lowest | OwnerSearch::All => Owners::ByRow(reader.pids),
    };
    Snapshot { sockets: reader.sockets, owners, problems: reader.problems }
}

struct Reader<'a> {
    request: &'a SocketRequest,
    sockets: Vec<Socket>,
    pids: Vec<Option<Pid>>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read(&mut self, table: Table, buffer: &mut ip_helper::TableBuffer) {
        match buffer.read(table) {
            Ok([]) => {} // no such protocol here
            Ok(bytes) => self.take(bytes, table, Class::OwnerModule),
            Err(error) => {
                let call = ip_helper::name_of_call(table.protocol());
                let message = format!("the {table} table cannot be read: {call}: {error}");
                self.problems.push(Problem::new(ProblemKind::TableUnreadable, message));
            }
        }
    }

    /// The ports that are bound without listening, which have tables of their own.
    fn read_bound(&mut self, table: Table) {
        let Some(function) = optional::bound_table(table.family() == Family::V6) else {
            let message = format!("this Windows has no table of bound {table} ports: rows in the state BOUND are missing");
            return self.problems.push(Problem::new(ProblemKind::FactUnavailable, message));
        };
        match ip_helper::bound_endpoints(function) {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => self.take(&bytes, table, Class::Offload),
            Err(error) => {
                let message = format!("the table of bound {table} ports cannot be read: {error}");
                self.problems.push(Problem::new(ProblemKind::TableIncomplete, message));
            }
        }
    }

    fn take(&mut self, bytes: &[u8], table: Table, class: Class) {
        let parsed = tables::parse(bytes, table, class, |row| {
            let socket = if class == Class::Offload { tables::bound(row.socket) } else { row.socket };
            if self.request.admits(&socket) {
                self.sockets.push(socket);
                self.pids.push(Some(row.pid));
            }
        });
        if let Err(error) = parsed {
            let message = format!("the {table} table is damaged, rows may be missing: {error}");
            self.problems.push(Problem::new(ProblemKind::TableIncomplete, message));
        }
    }
}
