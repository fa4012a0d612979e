//! The part of a filter that has to wait until the owners of the rows are known.

use super::Filter;
use super::owners::OwnerTest;
use crate::lookup::processes::Processes;
use crate::model::answer::Answer;
use crate::model::snapshot::Snapshot;
use crate::moment::row::Rows;

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

    /// Drops the rows for which the conditions do not hold for certain, and says how many of them may match. What the
    /// conditions rest on has been looked up.
    pub fn retain_by_conditions(&self, rows: Rows<'_>) -> (Vec<u32>, usize) {
        let mut undecided = 0;
        let decide = |row| {
            self.conditions.iter().fold(Answer::Yes, |so_far, condition| match so_far {
                Answer::No => Answer::No,
                Answer::Yes | Answer::Unknown => so_far.and(condition.decide(row)),
            })
        };
        let matches = |&position: &u32| {
            let answer = rows.get(position).map_or(Answer::No, decide);
            undecided += usize::from(answer == Answer::Unknown);
            answer == Answer::Yes
        };
        let kept = rows.positions().iter().copied().filter(matches).collect();
        (kept, undecided)
    }
}
