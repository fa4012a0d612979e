//! Why a port is taken.

use super::{Run, WRITING, owners_of};
use crate::exit::Exit;
use crate::membership::Membership;
use crate::platform;
use crate::port_rules::PortRules;
use crate::process::{Facts, Process};
use crate::request::Amount;
use crate::snapshot::Snapshot;
use crate::socket::Pid;
use crate::views::explain::{self, Explanation};
use anyhow::Context;
use std::collections::BTreeMap;

/// What an explanation is made of besides the sockets.
pub(super) struct Background {
    rules: PortRules,
    parents: BTreeMap<Pid, Vec<Process>>,
    memberships: BTreeMap<Pid, Membership>,
}

impl Background {
    pub(super) const fn explanation<'a>(&'a self, port: u16, listing: crate::listing::Listing<'a>) -> Explanation<'a> {
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
            self.hand_over()?;
        }
        Ok(self.outcome(&snapshot, &rows))
    }

    /// Looks up who holds these sockets, and who started those.
    pub(super) fn background(&mut self, snapshot: &Snapshot, rows: &[u32]) -> Background {
        self.look_up(snapshot, rows);
        let pids = owners_of(snapshot, rows);
        let memberships = pids.iter().map(|&pid| (pid, platform::membership(pid))).collect();
        let processes = &mut self.directory.processes;
        let parents = pids.into_iter().map(|pid| (pid, processes.ancestors(pid, Facts::default()))).collect();
        Background { rules: platform::port_rules(), parents, memberships }
    }
}
