//! Which process owns every socket of this host.
//!
//! [`snapshot`] reads the socket tables of the operating system once and joins every socket to its owning processes:
//!
//! ```
//! use rnetstat::{Owner, Query};
//!
//! let snapshot = rnetstat::snapshot(&Query::everything());
//! for entry in snapshot.iter() {
//!     let owners: Vec<Owner> = entry.owners.iter().collect();
//!     println!("{:?} {:?} {owners:?}", entry.socket.local, entry.socket.state);
//! }
//! for problem in &snapshot.problems {
//!     eprintln!("{}", problem.message);
//! }
//! ```
//!
//! A read never fails as a whole: what could not be read is a [`Problem`] in the snapshot, and an owner that is not known has
//! a reason ([`OwnerStatus`]).
//!
//! # Features
//! `cli` (on by default) is the command `rnetstat` with its dependencies. A program that wants the library alone switches
//! the default features off. `watch` (on by default) is the command's live screen. The modules that the feature exposes serve the command and its tests; they are not part of the
//! interface and may change in any version.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports, reason = "much of the crate serves the command line alone"))]

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod actions;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod app;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod filter;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod lookup;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod model;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod moment;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod order;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod output;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod platform;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod reports;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod request;
#[cfg(feature = "watch")]
#[doc(hidden)]
pub mod watch;

#[cfg(not(feature = "cli"))]
mod filter;
#[cfg(not(feature = "cli"))]
mod lookup;
#[cfg(not(feature = "cli"))]
mod model;
#[cfg(not(feature = "cli"))]
mod moment;
#[cfg(not(feature = "cli"))]
mod order;
#[cfg(not(feature = "cli"))]
mod platform;
#[cfg(not(feature = "cli"))]
mod request;

pub use model::details::{Details, KernelName, WantedDetails};
pub use model::owners::{Owner, OwnerSearch, OwnerStatus, Ownership, Refused};
pub use model::problem::{Problem, ProblemKind};
pub use model::process::{Process, User};
pub use model::snapshot::{OwnedSocket, Snapshot};
pub use model::socket::{Endpoint, Family, Pid, Protocol, Socket, SocketId, State, StateSet, Table, TableSet, Timer};
pub use model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
pub use request::query::{Query, UdpRows};

/// Reads the sockets that a query wants, and all their owners.
pub fn snapshot(query: &Query) -> Snapshot {
    platform::snapshot(query, OwnerSearch::All)
}

/// Reads the sockets that a query wants, and searches for their owners only as far as asked: the search costs about as much as
/// the sockets themselves.
pub fn snapshot_with(query: &Query, owners: OwnerSearch) -> Snapshot {
    platform::snapshot(query, owners)
}

/// What is known of a process: its name, executable, arguments, user, start time and parent. `None` if it has ended or cannot
/// be read.
pub fn process(pid: Pid) -> Option<Process> {
    let mut processes = lookup::processes::Processes::default();
    processes.look_up([pid], model::process::Facts::ALL);
    processes.look_up_user_names();
    processes.get(pid).cloned()
}
