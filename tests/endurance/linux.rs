//! The command line of the endurance tests, and their course.

use crate::{bustle, churn, farm, memory};
use clap::{Parser, ValueEnum};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs rnetstat on hosts that are busy or large, all of them made up for the purpose.
#[derive(Debug, Parser)]
#[command(name = "endurance")]
struct Options {
    /// What to do; everything where nothing is said.
    tests: Vec<Test>,

    /// How often rnetstat is run while everything around it changes [1000, as a test 12].
    #[arg(long)]
    runs: Option<usize>,

    /// How many processes are to start and end each second.
    #[arg(long, default_value_t = 2000)]
    processes: u32,

    /// How many connections are to be opened and closed each second.
    #[arg(long, default_value_t = 5000)]
    connections: u32,

    /// How many sockets the large host has [200000, as a test 20000].
    #[arg(long)]
    sockets: Option<usize>,

    /// What cargo says to a benchmark, and not where it is only to be tested.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Test {
    /// Processes and connections come and go.
    Churn,
    /// Many sockets, little memory.
    Memory,
}

/// The course of the tests.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = farm::live_as_worker(&words).or_else(|| bustle::live_as_worker(&words)) {
        return status;
    }
    let options = Options::parse();
    if !options.bench && !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: endurance: the tests build network namespaces, and that takes root.");
        let may_be_skipped = std::env::var_os("RNETSTAT_NO_SKIPPING").is_none();
        return if may_be_skipped { ExitCode::SUCCESS } else { ExitCode::FAILURE };
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
    let wanted = |test| options.tests.is_empty() || options.tests.contains(&test);
    let large = |wanted: Option<usize>, bench: usize, test: usize| wanted.unwrap_or(if options.bench { bench } else { test });
    if wanted(Test::Churn) {
        let plan = bustle::Plan { processes: options.processes, connections: options.connections };
        churn::endure(&plan, large(options.runs, 1000, 12))?;
    }
    if wanted(Test::Memory) {
        memory::endure(large(options.sockets, 200_000, 20_000), options.bench)?;
    }
    Ok(())
}
