//! Names and facts for the numbers of a snapshot: hosts, services, processes, and how long states have lasted.

#[cfg(feature = "cli")]
pub mod growth;
pub mod hosts;
pub mod processes;
pub mod rates;
#[cfg(feature = "cli")]
pub mod resolver;
pub mod services;
pub mod state_times;
#[cfg(feature = "cli")]
pub mod users;
