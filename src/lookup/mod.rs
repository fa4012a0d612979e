//! Names and facts for the numbers of a snapshot: hosts, services, processes, and how long states have lasted.

pub mod growth;
#[cfg(feature = "cli")]
pub mod hosts;
pub mod processes;
pub mod rates;
#[cfg(feature = "cli")]
pub mod resolver;
pub mod services;
pub mod state_times;
#[cfg(feature = "cli")]
pub mod users;
