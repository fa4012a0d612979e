//! `cargo bench --bench endurance`: the whole program on a busy and on a large host.
//!
//! `churn`: thousands of processes and connections start and end while rnetstat runs again and again; no run may fail, and no
//! socket may be attributed to a process that never had it. `memory`: a table of 200,000 sockets under a limit of address space.
//! It builds its hosts itself, in network namespaces (so it needs root). Without `--bench`, as `cargo test` runs it, the numbers
//! are small.
#![allow(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[cfg(target_os = "linux")]
mod churn;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("SKIPPED: the endurance tests need the network namespaces of Linux.");
}
