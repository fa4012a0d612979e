//! Why a port is taken.

use super::{Run, WRITING, owners_of};
use crate::app::exit_code::Exit;
use crate::model::cgroup::Membership;
use crate::model::port_policy::PortRules;
use crate::model::process::{Facts, Process};
use crate::model::snapshot::Snapshot;
use crate::model::socket::Pid;
use crate::platform;
use crate::reports::explain::{self, Explanation};
use crate::request::Amount;
use anyhow::Context;
use std::collections::BTreeMap;

/// What an explanation is made of besides the sockets.
pub(super) struct Background {
    rules: PortRules,
    parents: BTreeMap<Pid, Vec<Process>>,
    memberships: BTreeMap<Pid, Membership>,
}

impl Background {
    pub(super) const fn explanation<'a>(&'a self, port: u16, listing: crate::reports::rows::Listing<'a>) -> Explanation<'a> {
        Explanation { port, listing, rules: &self.rules, parents: &self.parents, memberships: &self.memberships }
    }
}

impl Run {
    pub(super) fn explain(&mut self, port: u16) -> anyhow::Result<Exit> {
        let (snapshot, rows) = self.read();
        if self.request.output.amount == Amount::Rows {
            let background = self.background(&snapshot, &rows);
            let explanation = background.explanation(port, self.listing(&snapshot, &rows, None));
            let mut text = Vec::new();
            explain::write(&mut text, &explanation).context(WRITING)?;
            self.buffer.append(&mut text);
            self.flush_buffer()?;
        }
        Ok(self.outcome(&snapshot, &rows))
    }

    /// Looks up who holds these sockets, and who started those.
    pub(super) fn background(&mut self, snapshot: &Snapshot, rows: &[u32]) -> Background {
        self.look_up(snapshot, rows);
        let pids = owners_of(snapshot, rows);
        let memberships = pids.iter().map(|&pid| (pid, platform::membership(pid))).collect();
        let processes = &mut self.directory.processes;
        processes.look_up_ancestors(pids.iter().copied(), Facts::default());
        let parents = pids.into_iter().map(|pid| (pid, processes.ancestors(pid).into_iter().cloned().collect())).collect();
        Background { rules: platform::port_policy(), parents, memberships }
    }
}
