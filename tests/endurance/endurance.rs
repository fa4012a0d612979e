//! `cargo bench --bench endurance`: what a busy and a large host do to the whole program.
//!
//! `churn`: processes and connections come and go by the thousand while it runs again and again; no run may fail, and no
//! socket may be given to a process that never had it. `memory`: a table of 200,000 sockets under a limit of address space.
//! It builds its hosts itself, in network namespaces (so it needs root), and takes them down again. Without `--bench`, as
//! `cargo test` runs it, it does the same in a small way.

#[cfg(target_os = "linux")]
#[path = "load/mod.rs"]
mod bustle;
#[cfg(target_os = "linux")]
mod churn;
#[cfg(target_os = "linux")]
#[path = "../support/farm/mod.rs"]
mod farm;
#[cfg(target_os = "linux")]
#[path = "../support/baseline.rs"]
#[allow(dead_code, reason = "the bench beside this one uses all of it")]
mod floor;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
#[path = "../support/isolation.rs"]
mod namespace;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("These tests build their hosts out of Linux' network namespaces: there is nothing to test on this system.");
}
