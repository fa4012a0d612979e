//! Which rows are wanted.
//!
//! Every part of a [`Filter`] must match a row. A part says which values are wanted and which are not (see [`Selector`]).
//! [`Filter::matches`] decides by the row itself while rows are read, so that no unwanted row is stored;
//! [`Filter::retain_owned`] decides by its owners when they are known.

pub mod addresses;
pub mod conditions;
pub mod exposure;
pub mod namespaces;
pub mod owners;
pub mod ports;
mod retain;
pub mod selector;
pub mod states;

use crate::model::owners::OwnerSearch;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, StateSet, Table, TableSet};
use crate::request::needs::Needs;
use addresses::Prefix;
use conditions::Condition;
use exposure::ExposureSet;
use owners::OwnerFilter;
use ports::{EitherPort, PortSet};
use selector::Selector;
use states::States;

/// The conditions on a row. The default matches every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The local port.
    pub local_port: Option<PortSet>,
    /// The remote port; 0 where there is no peer.
    pub remote_port: Option<PortSet>,
    /// Both ports together.
    pub either_port: Option<EitherPort>,
    /// The TCP state.
    pub states: Option<States>,
    /// Only listeners: TCP sockets in LISTENING, and UDP sockets without a peer.
    pub listening: bool,
    /// From where a listener can be reached; with it nothing but listeners matches.
    pub exposure: Option<ExposureSet>,
    /// The local address.
    pub local: Selector<Prefix>,
    /// The remote address; the wildcard where there is no peer.
    pub remote: Selector<Prefix>,
    /// The family in which the row is shown.
    pub family: Option<Family>,
    /// The user id of the socket. A socket that no process owns has none.
    pub users: Selector<u32>,
    /// The processes that own it.
    pub owners: OwnerFilter,
    /// The values that it has in columns; all of these must hold.
    pub conditions: Vec<Condition>,
}

/// Which of the system's sockets a filter applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// What would be shown without it.
    Unchanged,
    /// Everything that `-a` shows.
    All,
    /// Everything that `-q` shows: also ports that are bound without listening.
    WithBound,
}

impl Filter {
    /// Whether the row itself, without its owners, is wanted.
    pub fn matches(&self, socket: &Socket) -> bool {
        let (local, remote) = (&socket.local, &socket.remote);
        self.local_port.as_ref().is_none_or(|ports| ports.contains(local.port))
            && self.remote_port.as_ref().is_none_or(|ports| ports.contains(remote.port))
            && self.either_port.as_ref().is_none_or(|ports| ports.matches(local.port, remote.port))
            && self.states.is_none_or(|states| states.matches(socket.state))
            && (!self.listening || socket.is_listener())
            && self.exposure.is_none_or(|exposure| exposure.matches(socket))
            && self.family.is_none_or(|family| socket.table().family() == family)
            && matches_address(&self.local, socket, local)
            && matches_address(&self.remote, socket, remote)
            && self.users.matches(|&uid| socket.inode != 0 && socket.uid == uid)
    }

    /// The tables that can have rows that it matches.
    pub fn tables(&self) -> TableSet {
        let stateful = self.states.is_some_and(|states| !states.stateless);
        Table::ALL
            .into_iter()
            .filter(|table| self.family.is_none_or(|family| table.family() == family))
            .filter(|table| !stateful || table.protocol() == Protocol::Tcp)
            .collect()
    }

    /// The TCP states that its rows can have: those that it names, and `Bound` beside `Closed`, because Linux lists a closed
    /// socket that keeps its port among the bound ones.
    pub fn tcp_states(&self) -> StateSet {
        let set = self.states.map_or(StateSet::ALL, |states| states.set);
        let set = if set.contains(State::Closed) { set.with(State::Bound) } else { set };
        if self.listening || self.exposure.is_some() { set.and(StateSet::NONE.with(State::Listening)) } else { set }
    }

    /// Which rows it applies to. A filter by port, state, address, process or user applies to every socket, so that
    /// `--port 8080` finds the listener. Only a filter by that state reads bound ports: they take the kernel as long as all
    /// the rest.
    pub fn scope(&self) -> Scope {
        let names = |state| self.states.is_some_and(|states| !states.stateless && states.set.contains(state));
        if names(State::Bound) || names(State::Closed) {
            Scope::WithBound
        } else if (Self { family: None, ..self.clone() }).is_empty() {
            Scope::Unchanged
        } else {
            Scope::All
        }
    }

    /// Whether it matches every row.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How far owners have to be looked for to decide about them.
    pub fn owner_search(&self) -> OwnerSearch {
        if self.owners.is_empty() { self.needs_of_conditions().owners } else { OwnerSearch::All }
    }

    /// What has to be read and looked up to decide about the conditions.
    pub fn needs_of_conditions(&self) -> Needs {
        self.conditions.iter().map(|condition| condition.column.definition().needs).collect()
    }
}

fn matches_address(choice: &Selector<Prefix>, socket: &Socket, end: &Endpoint) -> bool {
    choice.is_empty() || choice.matches(|prefix| prefix.contains(end.address, socket.scope(end.address)))
}
