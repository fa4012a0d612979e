//! Real sockets in network namespaces that the tests make themselves, compared with what other witnesses say of them:
//! `ss`, the files under `/proc`, psutil.
//!
//! It needs root (`unshare -rn cargo test --test live` gives enough of it for most) and the tools that each test names. What
//! is missing is said on stderr, whether or not the test harness catches output; with `RNETSTAT_NO_SKIPPING=1` it is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

#[path = "../support/namespace.rs"]
mod namespace;
#[path = "../support/proc_fs.rs"]
mod proc_fs;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/row.rs"]
mod row;
#[path = "../support/ss.rs"]
mod ss;
#[path = "../support/fixtures.rs"]
mod zoo;

mod disturbances;
mod fallback;
mod filtered_rows;
mod filters_like_ss;
mod hidden;
mod hostile;
mod interfaces;
mod owners;
mod privileges;
mod resolver;
mod routes;
mod shortages;
mod states;
mod statistics;
mod switches;
mod threads;
