//! rnetstat: netstat as people wish it were.
//!
//! Data goes one way: the arguments become a [`request`], the [`platform`] answers it with a [`snapshot`], which is
//! ordered, named and printed by a [`views`] module.
//!
//! ```
//! use rnetstat::owners::OwnerSearch;
//! use rnetstat::request::SocketRequest;
//!
//! let snapshot = rnetstat::platform::snapshot(&SocketRequest::everything(), OwnerSearch::All);
//! for (row, socket) in snapshot.sockets.iter().enumerate() {
//!     let owners: Vec<u32> = snapshot.owners.of(row, socket).pids().collect();
//!     println!("{:?} {:?} {owners:?}", socket.local, socket.state);
//! }
//! ```

pub mod cli;
pub mod column;
pub mod details;
pub mod exit;
pub mod explain;
pub mod filter;
pub mod interfaces;
pub mod interval;
pub mod lang;
pub mod listing;
pub mod membership;
pub mod names;
pub mod order;
pub mod output;
pub mod owners;
pub mod platform;
pub mod port_rules;
pub mod problem;
pub mod process;
pub mod processes;
pub mod rdma;
pub mod request;
pub mod routes;
pub mod run;
pub mod snapshot;
pub mod socket;
pub mod statistics;
pub mod summary;
pub mod time_in_state;
pub mod views;
