//! One moment of one machine: what one read of the system gave, filtered, ordered, with everything that was looked up for it.
//!
//! A [`Moment`] is a value. Whatever was asked for, the system is read once for it, and every report in every format is a
//! function of it: none reads, none looks anything up, none waits.

#[cfg(feature = "cli")]
pub mod changes;
pub mod consumers;
#[cfg(feature = "cli")]
pub mod events;
pub mod findings;
pub mod key;
pub mod lookups;
pub mod peers;
pub mod published;
pub mod row;
pub mod summary;
pub mod traffic;
pub mod value;

use crate::model::bind::BindAttempt;
use crate::model::interface::InterfaceTotals;
use crate::model::namespace::Namespace;
use crate::model::owners::Owners;
use crate::model::problem::Problems;
use crate::model::rdma::RdmaEndpoint;
use crate::model::route::Routing;
use crate::model::snapshot::Snapshot;
use crate::model::statistics::Statistics;
use crate::model::system::System;
use crate::request::View;
use consumers::Consumer;
use findings::Finding;
use lookups::Lookups;
use row::Rows;
use std::time::Duration;
use summary::Summary;

/// What one read of the system gave. A part that no view asked for is `None`.
#[derive(Debug, Default)]
pub struct Moment {
    /// When it was read, in seconds since 1970.
    pub time: u64,
    /// How long it took to read the sockets and the processes that own them.
    pub duration: Duration,
    /// The machine.
    pub host: Host,
    /// The sockets, and which of them each view shows.
    pub sockets: Option<Sockets>,
    /// What is worth a look; `None` if that was not asked for.
    pub findings: Option<Vec<Finding>>,
    /// What the sockets add up to.
    pub summary: Option<Summary>,
    /// The processes that own the most ports.
    pub consumers: Option<Vec<Consumer>>,
    /// What trying to bind the ports to explain gave; empty if that was not asked for.
    pub bind_attempts: Vec<BindAttempt>,
    /// The counters of the protocols.
    pub statistics: Option<Part<Box<Statistics>>>,
    /// The counters of the interfaces.
    pub interfaces: Option<Part<InterfaceTotals>>,
    /// The interfaces and the routes.
    pub routing: Option<Part<Routing>>,
    /// The RDMA connections.
    pub rdma: Option<Part<Vec<RdmaEndpoint>>>,
    /// Names and facts for the numbers.
    pub lookups: Lookups,
    /// What is missing, each problem once.
    pub problems: Problems,
}

/// The machine that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Its own name.
    pub name: Option<String>,
    /// The kind of operating system, which decides which columns it can fill.
    pub system: System,
    /// The name of the operating system; looked up for JSON alone, like the next two.
    pub os_name: Option<String>,
    /// Its version.
    pub os_version: Option<String>,
    /// The version of its kernel.
    pub kernel: Option<String>,
}

/// A part of a moment beside the sockets.
#[derive(Clone, Debug, Default)]
pub struct Part<T> {
    /// What was read.
    pub value: T,
    /// Whether nothing of it could be read, so that `value` is no answer.
    pub is_unreadable: bool,
}

impl<T> Part<T> {
    /// What was read; `None` if nothing of it could be.
    pub const fn known(&self) -> Option<&T> {
        if self.is_unreadable { None } else { Some(&self.value) }
    }
}

/// The sockets of a moment.
#[derive(Debug, Default)]
pub struct Sockets {
    /// The rows that were read for all views together, with their owners.
    pub snapshot: Snapshot,
    /// The rows of each view that shows sockets.
    pub selections: Vec<(View, Selection)>,
}

/// The rows of one view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Their positions in the snapshot, in the order in which they are shown.
    pub rows: Vec<u32>,
    /// How many rows a process that refused to be read may own, so that the filter cannot decide about them.
    pub undecided: usize,
}

impl Moment {
    /// The snapshot, if sockets were read.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.sockets.as_ref().map(|sockets| &sockets.snapshot)
    }

    /// The network namespaces; none if only the own one was asked for.
    pub fn namespaces(&self) -> &[Namespace] {
        self.snapshot().map_or(&[], |snapshot| &snapshot.namespaces)
    }

    /// Which rows a view shows; `None` for a view without sockets.
    pub fn selection(&self, view: View) -> Option<&Selection> {
        let selections = &self.sockets.as_ref()?.selections;
        selections.iter().find(|(of, _)| *of == view).map(|(_, selection)| selection)
    }

    /// The rows of a view with what was looked up for them; none for a view without sockets.
    pub fn rows(&self, view: View) -> Rows<'_> {
        let positions = self.selection(view).map_or(&[][..], |selection| &selection.rows);
        Rows::new(self, positions)
    }

    /// Whether every owner of every socket was found; `None` if owners were not searched for.
    pub fn owners_complete(&self) -> Option<bool> {
        let snapshot = self.snapshot()?;
        match snapshot.owners {
            Owners::Unsupported => None,
            Owners::ByInode(_) | Owners::ByRow(_) => Some(snapshot.refused.is_none()),
        }
    }
}
