//! `cargo bench --bench scale`: the run time of the whole program on quiet and on busy hosts, compared with the kernel's raw dump and
//! with `ss`, `netstat` and `lsof`. See README.md in this folder.
//!
//! It builds its hosts itself: farms of load generators in network namespaces of their own (so it needs root). It prints one table;
//! its exit status is 0 unless it could not measure.

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod competitors;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("SKIPPED: the benchmark needs the network namespaces of Linux.");
}
