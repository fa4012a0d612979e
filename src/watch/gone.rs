//! The rows of sockets that are gone, for as long as they are still shown.

use super::marks::LIFETIME;
use crate::lookup::processes::Processes;
use crate::model::namespace::Namespace;
use crate::model::owners::{OwnerStatus, Owners, RowOwners};
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Pid, Socket};
use crate::model::system::System;
use crate::moment::Moment;
use crate::moment::key::RowKey;
use crate::moment::lookups::Lookups;
use crate::moment::row::{Row, Rows};
use crate::request::View;
use std::collections::HashMap;
use std::time::Instant;

/// Rows that are gone, with what was known of them when they were last seen.
#[derive(Debug, Default)]
pub struct GoneRows {
    rows: Vec<GoneRow>,
    snapshot: Snapshot,
    lookups: Lookups,
    system: System,
}

#[derive(Clone, Debug)]
struct GoneRow {
    key: RowKey,
    socket: Socket,
    namespace: Option<Namespace>,
    /// `None` if they were hidden.
    owners: Option<Vec<Pid>>,
    processes: Vec<Process>,
    since: Instant,
}

impl GoneRows {
    /// Takes rows of the moment before, at these positions, that are gone now; forgets those that were shown long enough and
    /// those that are back.
    pub fn update(&mut self, before: Option<&Moment>, gone: &[u32], is_back: impl Fn(&RowKey) -> bool, now: Instant) {
        self.rows.retain(|row| now.saturating_duration_since(row.since) < LIFETIME && !is_back(&row.key));
        if let Some(before) = before {
            let rows = before.rows(View::Sockets);
            self.rows.extend(gone.iter().filter_map(|&position| rows.get(position)).map(|row| GoneRow::of(row, now)));
            self.system = before.host.system;
            self.lookups.users.extend(before.lookups.users.iter().map(|(uid, name)| (*uid, name.clone())));
            self.lookups.interfaces.extend(before.lookups.interfaces.iter().map(|(index, name)| (*index, name.clone())));
            self.lookups.services.clone_from(&before.lookups.services);
            self.lookups.hosts.clone_from(&before.lookups.hosts);
        }
        if self.rows.is_empty() {
            self.forget();
        } else {
            self.rebuild();
        }
    }

    /// Forgets all rows.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row.
    pub fn get(&self, index: u32) -> Option<Row<'_>> {
        Rows::of_parts(&self.snapshot, &self.lookups, self.system, &[]).get(index)
    }

    /// When the first row is to disappear.
    pub fn next_end(&self) -> Option<Instant> {
        self.rows.iter().map(|row| row.since + LIFETIME).min()
    }

    /// The keys of the rows with their numbers.
    pub fn numbers(&self) -> HashMap<RowKey, u32> {
        self.rows.iter().map(|row| row.key).zip(0..).collect()
    }

    fn rebuild(&mut self) {
        let mut owners = RowOwners::default();
        for row in &self.rows {
            match &row.owners {
                Some(pids) => owners.push_owned(pids.iter().copied()),
                None => owners.push_hidden(),
            }
        }
        let namespace = |(row, number): (&GoneRow, u32)| {
            row.namespace.clone().map(|namespace| Namespace { rows: number..number + 1, ..namespace })
        };
        self.snapshot = Snapshot {
            sockets: self.rows.iter().map(|row| row.socket).collect(),
            owners: Owners::ByRow(owners),
            namespaces: self.rows.iter().zip(0..).filter_map(namespace).collect(),
            ..Snapshot::default()
        };
        self.lookups.processes = self.rows.iter().flat_map(|row| &row.processes).cloned().collect::<Processes>();
    }
}

impl GoneRow {
    fn of(row: Row<'_>, since: Instant) -> Self {
        let owners = row.owners();
        Self {
            key: row.key(),
            socket: *row.socket,
            namespace: row.namespace().cloned(),
            owners: (owners.status != OwnerStatus::Denied).then(|| owners.pids().collect()),
            processes: row.processes().filter_map(|(_, process)| process.cloned()).collect(),
            since,
        }
    }
}
