//! rnetstat: which process owns every socket, with the switches of Windows' and Linux' netstat.
//!
//! Data goes one way: the arguments become a [`request`], the [`platform`] answers it with a snapshot, which is
//! filtered, ordered, looked up and printed by a report.
//!
//! ```
//! use rnetstat::model::owners::OwnerSearch;
//! use rnetstat::request::Query;
//!
//! let snapshot = rnetstat::platform::snapshot(&Query::everything(), OwnerSearch::All);
//! for (row, socket) in snapshot.sockets.iter().enumerate() {
//!     let owners: Vec<u32> = snapshot.owners.of(row, socket).pids().collect();
//!     println!("{:?} {:?} {owners:?}", socket.local, socket.state);
//! }
//! ```

pub mod app;
pub mod cli;
pub mod filter;
pub mod lookup;
pub mod model;
pub mod moment;
pub mod order;
pub mod output;
pub mod platform;
pub mod reports;
pub mod request;
