//! Names and facts that stand for the numbers of a moment.

use super::peers::Peers;
use super::published::Published;
use crate::lookup::growth::GrowthByOwner;
use crate::lookup::processes::Processes;
use crate::lookup::rates::RatesOfRow;
use crate::lookup::services::Services;
use crate::lookup::state_times::TimeInState;
use crate::model::cgroup::Cgroup;
use crate::model::port_policy::PortPolicy;
use crate::model::pressure::{Limits, Usage};
use crate::model::socket::Pid;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// What was looked up for the rows that are shown. What no report asked for is empty.
#[derive(Debug, Default)]
pub struct Lookups {
    /// The processes that own sockets, those at the other end of connections, and their ancestors.
    pub processes: Processes,
    /// The processes that started an owning process, the nearest first.
    pub ancestors: BTreeMap<Pid, Vec<Pid>>,
    /// The unit and the container of each owning process.
    pub cgroups: BTreeMap<Pid, Cgroup>,
    /// What owning processes publish for containers.
    pub published: BTreeMap<Pid, Published>,
    /// The names of user ids.
    pub users: HashMap<u32, Option<String>>,
    /// The names of interface indices.
    pub interfaces: HashMap<u32, Option<String>>,
    /// The names of remote addresses; `None` if names were not asked for.
    pub hosts: Option<HashMap<IpAddr, String>>,
    /// The names of ports.
    pub services: Arc<Services>,
    /// The processes at the other end of connections within this host; `None` if they were not asked for.
    pub peers: Option<Peers>,
    /// How long the socket at each position of the snapshot has been in its state; empty if that was not asked for.
    pub times_in_state: Vec<Option<TimeInState>>,
    /// How much the socket at each position of the snapshot sends and receives; empty if that was not asked for.
    pub rates: Vec<RatesOfRow>,
    /// How much each process sent and received since the last moment, with what was closed meanwhile; `None` if connections are not
    /// followed.
    pub growth: Option<GrowthByOwner>,
    /// What the host's settings say about ports.
    pub port_policy: PortPolicy,
    /// The limits that the host sets for all sockets together; empty if findings were not asked for.
    pub limits: Limits,
    /// How many descriptors owning processes have open, and how many they may have.
    pub descriptors: BTreeMap<Pid, Usage>,
}
