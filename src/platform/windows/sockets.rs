//! The socket tables of Windows, each with the processes that own its rows.

use super::call_with_buffer::CallError;
use super::conventions::MORE_RIGHTS;
use super::owner_module::OwnerModules;
use super::tables::{self, Class, Row};
use super::{dynamic_imports, file_time, ip_helper, process_image};
use crate::model::details::Details;
use crate::model::owners::{OwnerSearch, Owners};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Family, Pid, Protocol, State, Table, TableSet};
use crate::model::tcp_info::TcpFields;
use crate::request::Query;
use std::collections::HashMap;
use std::time::SystemTime;

/// Reads the sockets. Windows names the owner with each row: there is nothing to search.
pub(crate) fn snapshot(query: &Query, search: OwnerSearch) -> Snapshot {
    let snapshot = Snapshot { problems: query.details.unavailable(TcpFields::NONE), ..Snapshot::default() };
    let mut reader = Reader { query, snapshot, pids: Vec::new(), services: Services::default() };
    let mut buffer = ip_helper::TableBuffer::default();
    for table in query.tables.sources() {
        reader.read(table, &mut buffer);
    }
    if query.states.contains(State::Bound) {
        for table in query.tables.sources().filter(|table| table.protocol() == Protocol::Tcp) {
            reader.read_bound(table);
        }
    }
    let Reader { mut snapshot, pids, services, .. } = reader;
    if services.refused {
        let message = format!("the services of other users' processes are hidden: {MORE_RIGHTS} to see them");
        snapshot.problems.push(Problem::new(ProblemKind::OwnersHidden, message));
    }
    if search != OwnerSearch::Skip {
        snapshot.owners = Owners::ByRow(pids.into_iter().map(Some).collect());
    }
    snapshot
}

struct Reader<'a> {
    query: &'a Query,
    snapshot: Snapshot,
    pids: Vec<Pid>,
    services: Services,
}

impl Reader<'_> {
    fn read(&mut self, table: Table, buffer: &mut ip_helper::TableBuffer) {
        match buffer.read(table) {
            Ok([]) => {} // the protocol is not installed
            Ok(bytes) => self.take(bytes, table, Class::OwnerModule),
            Err(error) => {
                let call = ip_helper::name_of_call(table.protocol());
                let message = format!("the {table} table cannot be read: {call}: {error}");
                let shown = TableSet::shown_of(table);
                self.snapshot.problems.push(Problem::new(ProblemKind::TableUnreadable, message).about(shown));
            }
        }
    }

    /// The ports that are bound without listening, which have tables of their own.
    fn read_bound(&mut self, table: Table) {
        let Some(function) = dynamic_imports::bound_table(table.family() == Family::V6) else {
            self.snapshot.bound_ports_listed = false;
            let message = format!("this Windows has no table of bound {table} ports: rows in the state BOUND are missing");
            return self.snapshot.problems.push(Problem::new(ProblemKind::FactUnavailable, message));
        };
        match ip_helper::bound_endpoints(function, table) {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => self.take(&bytes, table, Class::Offload),
            Err(error) => {
                let message = format!("the table of bound {table} ports cannot be read: {error}");
                let shown = TableSet::shown_of(table);
                self.snapshot.problems.push(Problem::new(ProblemKind::TableIncomplete, message).about(shown));
            }
        }
    }

    fn take(&mut self, bytes: &[u8], table: Table, class: Class) {
        let Self { query, snapshot, pids, services } = self;
        let owner_module = dynamic_imports::owner_module(table).filter(|_| query.details.service && class == Class::OwnerModule);
        let now = SystemTime::now();
        let parsed = tables::parse(bytes, table, class, |row| {
            let socket = if class == Class::Offload { tables::bound(row.socket) } else { row.socket };
            if !query.matches(&socket) {
                return;
            }
            // What a filter drops later is not asked for, nor reported as hidden.
            let owner_module = owner_module.filter(|_| query.filter.owners.pids.matches(|&wanted| wanted == row.pid));
            if let Some(service) = owner_module.and_then(|function| services.of(function, &row)) {
                snapshot.services.insert(snapshot.sockets.len() as u32, service.into());
            }
            if query.details.age {
                let age = row.created.map(|created| file_time::age(created, now));
                snapshot.details.push(Details { age, ..Details::default() });
            }
            snapshot.sockets.push(socket);
            pids.push(row.pid);
        });
        if let Err(error) = parsed {
            let message = format!("the {table} table is damaged, rows may be missing: {error}");
            let shown = TableSet::shown_of(table);
            snapshot.problems.push(Problem::new(ProblemKind::TableIncomplete, message).about(shown));
        }
    }
}

/// The services that made sockets, asked for row by row.
#[derive(Default)]
struct Services {
    modules: OwnerModules,
    /// The file names of the executables of processes, each asked for once.
    programs: HashMap<Pid, Option<String>>,
    /// Whether a service may not be seen.
    refused: bool,
}

impl Services {
    /// The service that made the socket of a row; `None` if a program did that is no service, or if it may not be seen.
    fn of(&mut self, function: dynamic_imports::OwnerModule, row: &Row<'_>) -> Option<String> {
        // TIME_WAIT and the sockets of the kernel were made by no service.
        if row.pid == 0 {
            return None;
        }
        let module = match self.modules.module(function, row.bytes) {
            Ok(module) => module?,
            Err(error) => {
                self.refused |= CallError::is_access_denied(error);
                return None;
            }
        };
        let program = self.programs.entry(row.pid).or_insert_with(|| program(row.pid));
        module.into_service(program.as_deref())
    }
}

/// The file name of the executable of a process.
fn program(pid: Pid) -> Option<String> {
    Some(process_image::path(pid)?.file_name()?.to_string_lossy().into_owned())
}
