//! The socket tables of Windows, each with the processes that own its rows.

use super::owner_module::OwnerModules;
use super::tables::{self, Class};
use super::{dynamic_imports, elevation, file_time, ip_helper};
use crate::model::details::Details;
use crate::model::owners::{OwnerSearch, Owners};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Family, Pid, State, Table};
use crate::request::Query;
use std::time::SystemTime;

/// Reads the sockets. Windows tells the owner with each row, so that there is nothing to look for.
pub(crate) fn snapshot(request: &Query, search: OwnerSearch) -> Snapshot {
    let snapshot = Snapshot { problems: problems(request), ..Snapshot::default() };
    let mut reader = Reader { request, snapshot, pids: Vec::new(), modules: OwnerModules::default() };
    let mut buffer = ip_helper::TableBuffer::default();
    for table in request.tables.sources() {
        reader.read(table, &mut buffer);
    }
    if request.states.contains(State::Bound) {
        for table in request.tables.sources().filter(|table| matches!(table, Table::Tcp4 | Table::Tcp6)) {
            reader.read_bound(table);
        }
    }
    let mut snapshot = reader.snapshot;
    if search != OwnerSearch::Skip {
        snapshot.owners = Owners::ByRow(reader.pids.into_iter().collect());
    }
    snapshot
}

/// What is known beforehand not to be told.
fn problems(request: &Query) -> Vec<Problem> {
    let mut problems = request.details.untold();
    if request.details.service && !elevation::is_elevated() {
        let message = "the executables of other users' processes may be hidden: \
                       run rnetstat as administrator (an elevated prompt) to see all of them";
        problems.push(Problem::new(ProblemKind::OwnersHidden, message));
    }
    problems
}

struct Reader<'a> {
    request: &'a Query,
    snapshot: Snapshot,
    pids: Vec<Option<Pid>>,
    modules: OwnerModules,
}

impl Reader<'_> {
    fn read(&mut self, table: Table, buffer: &mut ip_helper::TableBuffer) {
        match buffer.read(table) {
            Ok([]) => {} // no such protocol here
            Ok(bytes) => self.take(bytes, table, Class::OwnerModule),
            Err(error) => {
                let call = ip_helper::name_of_call(table.protocol());
                let message = format!("the {table} table cannot be read: {call}: {error}");
                self.snapshot.problems.push(Problem::new(ProblemKind::TableUnreadable, message));
            }
        }
    }

    /// The ports that are bound without listening, which have tables of their own.
    fn read_bound(&mut self, table: Table) {
        let Some(function) = dynamic_imports::bound_table(table.family() == Family::V6) else {
            let message = format!("this Windows has no table of bound {table} ports: rows in the state BOUND are missing");
            return self.snapshot.problems.push(Problem::new(ProblemKind::FactUnavailable, message));
        };
        match ip_helper::bound_endpoints(function) {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => self.take(&bytes, table, Class::Offload),
            Err(error) => {
                let message = format!("the table of bound {table} ports cannot be read: {error}");
                self.snapshot.problems.push(Problem::new(ProblemKind::TableIncomplete, message));
            }
        }
    }

    fn take(&mut self, bytes: &[u8], table: Table, class: Class) {
        let Self { request, snapshot, pids, modules } = self;
        let owner_module =
            dynamic_imports::owner_module(table).filter(|_| request.details.service && class == Class::OwnerModule);
        let now = SystemTime::now();
        let parsed = tables::parse(bytes, table, class, |row| {
            let socket = if class == Class::Offload { tables::bound(row.socket) } else { row.socket };
            if !request.matches(&socket) {
                return;
            }
            if let Some(service) = owner_module.and_then(|function| modules.service(function, row.bytes)) {
                snapshot.services.insert(snapshot.sockets.len() as u32, service.into());
            }
            if request.details.age {
                let age = row.created.map(|created| file_time::age(created, now));
                snapshot.details.push(Details { age, ..Details::default() });
            }
            snapshot.sockets.push(socket);
            pids.push(Some(row.pid));
        });
        if let Err(error) = parsed {
            let message = format!("the {table} table is damaged, rows may be missing: {error}");
            snapshot.problems.push(Problem::new(ProblemKind::TableIncomplete, message));
        }
    }
}
