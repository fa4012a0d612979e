//! Helpers that the live tests, the command-line tests, the endurance tests, the benchmarks and the Wine tests share.
#![allow(dead_code, reason = "each test crate uses some of the helpers")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed helper fails the test"
)]

pub mod command;
pub mod made_up;
pub mod picture;
pub mod skip;
pub mod wait;
pub mod web_host;

#[cfg(target_os = "linux")]
pub mod baseline;
#[cfg(target_os = "linux")]
pub mod conntrack;
#[cfg(target_os = "linux")]
pub mod delay;
#[cfg(target_os = "linux")]
pub mod farm;
#[cfg(target_os = "linux")]
pub mod fixtures;
#[cfg(target_os = "linux")]
pub mod isolation;
#[cfg(target_os = "linux")]
pub mod namespace;
#[cfg(target_os = "linux")]
pub mod proc_fs;
#[cfg(target_os = "linux")]
pub mod program;
#[cfg(target_os = "linux")]
pub mod row;
#[cfg(target_os = "linux")]
pub mod signals;
#[cfg(target_os = "linux")]
pub mod ss;
#[cfg(target_os = "linux")]
pub mod stopwatch;
