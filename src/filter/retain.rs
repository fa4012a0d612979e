//! The part of a filter that has to wait until the owners of the rows are known.

use super::Filter;
use crate::lookup::processes::Processes;
use crate::model::owners::OwnerStatus;
use crate::model::snapshot::Snapshot;

impl Filter {
    /// Drops the rows whose owners are not the wanted ones.
    pub fn retain_owned(&self, rows: &mut Vec<u32>, snapshot: &Snapshot) {
        if self.owners.is_empty() {
            return;
        }
        let owners = |row: u32| snapshot.owners.of(row as usize, &snapshot.sockets[row as usize]);
        let mut processes = Processes::default();
        if let Some(facts) = self.owners.facts() {
            let owned = rows.iter().map(|&row| owners(row)).filter(|owners| owners.status == OwnerStatus::Owned);
            processes.look_up(owned.flat_map(|owners| owners.pids()), facts);
            processes.look_up_user_names();
        }
        rows.retain(|&row| self.owners.matches(owners(row).pids(), |pid| processes.get(pid)));
    }
}
