//! The part of a filter that has to wait until the owners of the rows are known.

use super::Filter;
use super::owners::OwnerTest;
use crate::lookup::processes::Processes;
use crate::model::answer::Answer;
use crate::model::snapshot::Snapshot;

impl Filter {
    /// Drops the rows whose owners are not the wanted ones for certain, and says how many of them may be.
    ///
    /// `processes` has the facts that [`super::owners::OwnerFilter::facts`] names of the owners of the rows and of the
    /// processes that refused to be read.
    pub fn retain_owned(&self, rows: &mut Vec<u32>, snapshot: &Snapshot, processes: &Processes) -> usize {
        if self.owners.is_empty() {
            return 0;
        }
        let test = OwnerTest::new(&self.owners, processes, &snapshot.refused);
        let mut undecided = 0;
        rows.retain(|&row| {
            let Some(socket) = snapshot.sockets.get(row as usize) else { return false };
            let answer = test.decide(snapshot.owners.of(row as usize, socket));
            undecided += usize::from(answer == Answer::Unknown);
            answer == Answer::Yes
        });
        undecided
    }
}
