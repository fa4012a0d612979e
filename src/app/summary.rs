//! The sockets in a few numbers.

use super::{Run, WRITING};
use crate::app::exit_code::Exit;
use crate::model::process::Facts;
use crate::model::snapshot::Snapshot;
use crate::reports::summary::Summary;
use crate::reports::summary::{self, Named};
use anyhow::Context;

impl Run {
    pub(super) fn summary(&mut self) -> anyhow::Result<Exit> {
        let (snapshot, rows) = self.read();
        let summary = self.sum_up(&snapshot, &rows);
        let named = Named { summary: &summary, processes: &self.directory.processes, services: &self.services };
        let mut text = Vec::new();
        summary::write(&mut text, &named, self.look()).context(WRITING)?;
        self.buffer.append(&mut text);
        self.flush_buffer()?;
        Ok(self.outcome(&snapshot, &rows))
    }

    /// Counts the rows and looks up the processes that hold the most.
    pub(super) fn sum_up(&mut self, snapshot: &Snapshot, rows: &[u32]) -> Summary {
        let summary = Summary::of(snapshot, rows);
        self.directory.processes.look_up(summary.processes.iter().map(|&(pid, _)| pid), Facts::default());
        summary
    }
}
