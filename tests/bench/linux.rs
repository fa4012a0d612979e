//! The command line of the benchmark.

use crate::cases::{self, Case, Measured};
use crate::competitors::{self, Competitor, Limits, Outcome};
use crate::report::Report;
use crate::support::baseline::{self, Scanned};
use crate::support::farm::{self, Farm};
use crate::support::skip;
use crate::support::stopwatch::Output;
use clap::Parser;
use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Measures rnetstat on synthetic hosts of several sizes.
#[derive(Debug, Parser)]
#[command(name = "scale")]
struct Options {
    /// Only a busy host with this many sockets; may be repeated.
    #[arg(long)]
    sockets: Vec<usize>,

    /// How many processes the busy host has.
    #[arg(long)]
    processes: Option<usize>,

    /// How many descriptors other than sockets each process has.
    #[arg(long)]
    descriptors: Option<usize>,

    /// Divide the sockets of the busy host among this many network namespaces. The baseline is that of as many sockets in one.
    #[arg(long)]
    namespaces: Option<usize>,

    /// How often each competitor runs.
    #[arg(long)]
    runs: Option<usize>,

    /// How many seconds one run may take.
    #[arg(long, default_value_t = 60)]
    limit: u64,

    /// After how many seconds in all a competitor is not run again.
    #[arg(long, default_value_t = 10)]
    budget: u64,

    /// Where the output of the programs goes.
    #[arg(long, value_enum, default_value_t = Output::Null)]
    output: Output,

    /// Without ss, netstat and lsof, which take most of the time.
    #[arg(long)]
    ours: bool,

    /// One small host and one run, to test the benchmark.
    #[arg(long)]
    quick: bool,

    /// Run this shell command on each of the hosts instead of measuring.
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,

    /// Only the quiet host.
    #[arg(long, conflicts_with = "sockets")]
    quiet: bool,

    /// Passed by `cargo bench`, but not by `cargo test`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn is_a_test(&self) -> bool {
        self.quick || !self.bench
    }
}

/// Runs the benchmark.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = farm::run_as_worker(&words) {
        return status;
    }
    let options = Options::parse();
    if !options.bench && !rustix::process::geteuid().is_root() {
        skip::skipped::<()>("network namespaces take root");
        return ExitCode::SUCCESS;
    }
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scale: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new();
    let host = Host::now()?;
    for case in cases(options, host.scanned) {
        eprintln!("{}: {} sockets in {} processes", case.name, case.plan.sockets(), case.plan.processes());
        if case.plan.namespaces > 0 && options.exec.is_none() {
            let (sockets, outcomes) = measure_spread(options, &case)?;
            report.add(&case, baseline::bare_scan()?, &Measured { sockets, outcomes: &outcomes });
            continue;
        }
        let _farm = Farm::build(&case.plan)?;
        if let Some(command) = &options.exec {
            Command::new("sh").args(["-c", command]).status()?;
            continue;
        }
        let sockets = baseline::sockets()?;
        competitors::check(Competitor::Ano, sockets)?;
        let outcomes = competitors::measure(&limits(options, sockets), &Competitor::ALL)?;
        report.add(&case, baseline::bare_scan()?, &Measured { sockets, outcomes: &outcomes });
    }
    if options.exec.is_none() {
        println!("{}", explanation(options, &host));
        println!("{}", report.text());
    }
    Ok(())
}

/// Measures a host with many network namespaces, after the baseline of one with as many sockets in one.
fn measure_spread(options: &Options, case: &Case) -> anyhow::Result<(usize, Vec<(Competitor, Outcome)>)> {
    let sockets = case.plan.sockets();
    let limits = limits(options, sockets);
    let mut outcomes = {
        let _farm = Farm::build(&cases::busy(sockets, options.processes, options.descriptors).plan)?;
        competitors::measure(&limits, &[Competitor::Baseline])?
    };
    let _farm = Farm::build(&case.plan)?;
    competitors::check(Competitor::AllNamespaces, sockets)?;
    outcomes.extend(competitors::measure(&limits, &Competitor::OF_NAMESPACES)?);
    Ok((sockets, outcomes))
}

fn cases(options: &Options, host: Scanned) -> Vec<Case> {
    let busy = |&sockets: &usize| match options.namespaces {
        Some(namespaces) if namespaces > 0 => cases::spread(sockets, namespaces, options.processes, options.descriptors),
        _ => cases::busy(sockets, options.processes, options.descriptors),
    };
    match &options.sockets[..] {
        [] if options.is_a_test() => vec![busy(&300)],
        [] => {
            let mut cases = vec![cases::quiet(host)];
            if !options.quiet {
                cases.extend([1_000, 10_000, 100_000].iter().map(busy));
            }
            cases
        }
        sizes => sizes.iter().map(busy).collect(),
    }
}

/// Small hosts take little time and vary more.
fn limits(options: &Options, sockets: usize) -> Limits {
    let runs = match sockets {
        _ if options.is_a_test() => 1,
        0..10_000 => 41,
        10_000..500_000 => 15,
        _ => 5,
    };
    Limits {
        runs: options.runs.unwrap_or(runs).max(1),
        limit: Duration::from_secs(options.limit),
        budget: Duration::from_secs(options.budget),
        output: options.output,
        others: !options.ours,
    }
}

/// What the real host has: the kernel's lists of processes and of established connections are shared by all namespaces.
struct Host {
    scanned: Scanned,
    tcp_sockets: String,
    load: String,
}

impl Host {
    fn now() -> anyhow::Result<Self> {
        let first_word = |text: &str| text.split_whitespace().next().unwrap_or("unknown").to_owned();
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        // The number of allocated TCP sockets is that of the whole machine.
        let sockets = read("/proc/net/sockstat");
        Ok(Self {
            scanned: baseline::bare_scan()?,
            tcp_sockets: first_word(sockets.split_once("alloc ").map_or("", |(_, rest)| rest)),
            load: first_word(&read("/proc/loadavg")),
        })
    }
}

fn explanation(options: &Options, host: &Host) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = rustix::system::uname();
    let output = match options.output {
        Output::Null => "/dev/null",
        Output::Pipe => "a pipe that is read",
    };
    let Scanned { processes, descriptors } = host.scanned;
    let (tcp_sockets, load) = (&host.tcp_sockets, &host.load);
    format!(
        "{cores} cores, Linux {}; the host's own, before: {processes} processes, {descriptors} descriptors, {tcp_sockets} TCP sockets, load {load}.\n\
         Medians of whole runs in turn, process start included, output to {output}.\n\
         The baseline is the kernel's dump of the four tables on one thread, unparsed; the bare scan is readlinkat of every descriptor\n\
         on two threads; both run inside the bench and start no process.\n",
        kernel.release().to_string_lossy()
    )
}
