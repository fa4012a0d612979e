//! Real sockets in network namespaces that the tests make, compared with what other programs show of them: `ss`, the files under
//! `/proc`, psutil.
//!
//! They need root (`unshare -rn cargo test --test live` is enough for most) and the programs that each test names. What is missing
//! is reported on stderr, also if the harness captures output; with `RNETSTAT_NO_SKIPPING=1` it is a failure.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod closing;
mod disturbances;
mod ending;
mod events;
mod fallback;
mod filtered_rows;
mod filters_like_ss;
mod findings;
mod hidden;
mod hostile;
mod interfaces;
mod internals;
mod metrics;
mod namespaces;
mod owner_integrity;
mod owners;
mod pass;
mod privileges;
mod process_facts;
mod resolver;
mod routes;
mod shortages;
mod states;
mod statistics;
mod switches;
mod threads;
mod users;
