//! `cargo bench --bench scale`: how long the whole program takes on quiet and on busy hosts, beside the kernel's own dump
//! and beside the tools that everybody has.
//!
//! It builds its hosts itself: farms of processes and sockets in network namespaces of their own (so it needs root), and
//! takes them down again. It prints one table and judges nobody: its exit status is 0 unless it could not measure.

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
#[path = "competitors.rs"]
mod contenders;
#[cfg(target_os = "linux")]
#[path = "../support/farm/mod.rs"]
mod farm;
#[cfg(target_os = "linux")]
#[path = "../support/baseline.rs"]
mod floor;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
#[path = "../support/isolation.rs"]
mod namespace;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
#[path = "../support/stopwatch.rs"]
mod stopwatch;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("This benchmark builds its hosts out of Linux' network namespaces: there is nothing to measure on this system.");
}
