//! The sockets in a few numbers.

use super::{Run, WRITING};
use crate::exit::Exit;
use crate::process::Facts;
use crate::snapshot::Snapshot;
use crate::summary::Summary;
use crate::views::summary::{self, Named};
use anyhow::Context;

impl Run {
    pub(super) fn summary(&mut self) -> anyhow::Result<Exit> {
        let (snapshot, rows) = self.read();
        let summary = self.sum_up(&snapshot, &rows);
        let named = Named { summary: &summary, processes: &self.directory.processes, services: &self.services };
        let mut text = Vec::new();
        summary::write(&mut text, &named, self.look()).context(WRITING)?;
        self.buffer.append(&mut text);
        self.hand_over()?;
        Ok(self.outcome(&snapshot, &rows))
    }

    /// Counts the rows and looks up the processes that hold the most.
    pub(super) fn sum_up(&mut self, snapshot: &Snapshot, rows: &[u32]) -> Summary {
        let summary = Summary::of(snapshot, rows);
        self.directory.processes.look_up(summary.processes.iter().map(|&(pid, _)| pid), Facts::default());
        summary
    }
}
