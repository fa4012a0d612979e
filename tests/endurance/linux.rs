//! The command line of the endurance tests.

use crate::support::{farm, skip};
use crate::{churn, load, memory};
use clap::{Parser, ValueEnum};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs rnetstat on synthetic hosts that are busy or large.
#[derive(Debug, Parser)]
#[command(name = "endurance")]
struct Options {
    /// Which tests to run; all if none is named.
    tests: Vec<Test>,

    /// How many times `churn` runs rnetstat [1000, as a test 12].
    #[arg(long)]
    runs: Option<usize>,

    /// How many processes start and end each second.
    #[arg(long, default_value_t = 2000)]
    processes: u32,

    /// How many connections are opened and closed each second.
    #[arg(long, default_value_t = 5000)]
    connections: u32,

    /// How many sockets the large host has [200000, as a test 20000].
    #[arg(long)]
    sockets: Option<usize>,

    /// Passed by `cargo bench`, but not by `cargo test`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Test {
    /// Processes and connections start and end.
    Churn,
    /// Many sockets, little memory.
    Memory,
}

/// Runs the tests.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = farm::run_as_worker(&words).or_else(|| load::run_as_worker(&words)) {
        return status;
    }
    let options = Options::parse();
    if !options.bench && !rustix::process::geteuid().is_root() {
        skip::skipped::<()>("network namespaces take root");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("endurance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let is_selected = |test| options.tests.is_empty() || options.tests.contains(&test);
    let size = |given: Option<usize>, bench: usize, test: usize| given.unwrap_or(if options.bench { bench } else { test });
    if is_selected(Test::Churn) {
        let plan = load::Plan { processes: options.processes, connections: options.connections };
        churn::run(&plan, size(options.runs, 1000, 12))?;
    }
    if is_selected(Test::Memory) {
        memory::run(size(options.sockets, 200_000, 20_000), options.bench)?;
    }
    Ok(())
}
