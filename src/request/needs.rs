//! What has to be read and looked up for an answer.

use super::column::Column;
use crate::model::details::WantedDetails;
use crate::model::owners::OwnerSearch;
use crate::model::process::Facts;
use crate::model::system::System;

/// What has to be read and looked up about the rows of an answer, beside the rows themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// How far owners are searched for.
    pub owners: OwnerSearch,
    /// Which facts of the owning processes; `None` if not even their names are needed.
    pub processes: Option<Facts>,
    /// What is asked about each row.
    pub details: WantedDetails,
    /// The time that each row has been in its state.
    pub time_in_state: bool,
    /// The growth of the counters of each connection.
    pub rates: bool,
    /// The names of the users of the sockets; if sockets have no users, those of the owning processes.
    pub users: bool,
    /// The names of the interfaces of the sockets.
    pub interfaces: bool,
    /// The processes at the other end of connections within this host.
    pub peers: bool,
    /// The unit and the container of each owning process.
    pub cgroups: bool,
    /// The processes that started the owning processes.
    pub ancestors: bool,
    /// What the host's settings say about ports.
    pub port_policy: bool,
    /// The limits of the host and of its processes, on which findings rest: findings are wanted.
    pub findings: bool,
}

impl Needs {
    /// Nothing but the rows themselves.
    pub const NOTHING: Self = Self {
        owners: OwnerSearch::Skip,
        processes: None,
        details: WantedDetails::NONE,
        time_in_state: false,
        rates: false,
        users: false,
        interfaces: false,
        peers: false,
        cgroups: false,
        ancestors: false,
        port_policy: false,
        findings: false,
    };

    /// Every owner.
    pub const OWNERS: Self = Self { owners: OwnerSearch::All, ..Self::NOTHING };

    /// Every owner with its name.
    pub const PROCESSES: Self = Self { processes: Some(Facts::NAME), ..Self::OWNERS };

    /// What is worth a look.
    pub const FINDINGS: Self = Self {
        port_policy: true,
        findings: true,
        details: WantedDetails { pressure: true, ..WantedDetails::NONE },
        ..Self::OWNERS
    };

    /// These needs, for an answer that shows only the owner with the lowest PID.
    #[must_use]
    pub fn of_lowest_owner(self) -> Self {
        Self { owners: self.owners.min(OwnerSearch::Lowest), ..self }
    }

    /// What is needed on a system: if its sockets have no users, a user is that of the owning process.
    #[must_use]
    pub fn on(self, system: System) -> Self {
        const USER_OF_OWNER: Needs = Needs { processes: Some(Facts { user: true, ..Facts::NAME }), ..Needs::OWNERS };
        if self.users && !Column::Uid.is_on(system) { self.and(USER_OF_OWNER) } else { self }
    }

    /// What both need together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            owners: self.owners.max(other.owners),
            processes: match (self.processes, other.processes) {
                (Some(facts), Some(more)) => Some(facts.and(more)),
                (facts, more) => facts.or(more),
            },
            details: self.details.and(other.details),
            time_in_state: self.time_in_state || other.time_in_state,
            rates: self.rates || other.rates,
            users: self.users || other.users,
            interfaces: self.interfaces || other.interfaces,
            peers: self.peers || other.peers,
            cgroups: self.cgroups || other.cgroups,
            ancestors: self.ancestors || other.ancestors,
            port_policy: self.port_policy || other.port_policy,
            findings: self.findings || other.findings,
        }
    }
}

impl FromIterator<Self> for Needs {
    fn from_iter<I: IntoIterator<Item = Self>>(needs: I) -> Self {
        needs.into_iter().fold(Self::NOTHING, Self::and)
    }
}
