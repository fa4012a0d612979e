//! The bench's own command line, and its course.

use crate::cases::{self, Case, Measured};
use crate::contenders::{self, Patience};
use crate::farm::{self, Farm};
use crate::floor::{self, Walked};
use crate::report::Report;
use crate::stopwatch::Output;
use clap::Parser;
use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Measures rnetstat on hosts of several sizes, all of them made up for the purpose.
#[derive(Debug, Parser)]
#[command(name = "scale")]
struct Options {
    /// Only a busy host with so many sockets; may be given more than once.
    #[arg(long)]
    sockets: Vec<usize>,

    /// How many processes the busy host has.
    #[arg(long)]
    processes: Option<usize>,

    /// How many descriptors that are no sockets each process has.
    #[arg(long)]
    descriptors: Option<usize>,

    /// How often everything is run.
    #[arg(long)]
    runs: Option<usize>,

    /// How many seconds one run may take.
    #[arg(long, default_value_t = 60)]
    limit: u64,

    /// After how many seconds a contender is not run again.
    #[arg(long, default_value_t = 10)]
    budget: u64,

    /// Where the output of the programs goes.
    #[arg(long, value_enum, default_value_t = Output::Null)]
    output: Output,

    /// Leave ss, netstat and lsof out: they take most of the time.
    #[arg(long)]
    ours: bool,

    /// One small host and one run: does the bench itself work?
    #[arg(long)]
    quick: bool,

    /// Measure nothing: run this shell command on each of the hosts.
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,

    /// Only the quiet host.
    #[arg(long, conflicts_with = "sockets")]
    quiet: bool,

    /// What cargo says to a benchmark, and not where it is only to be tested.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn is_a_test(&self) -> bool {
        self.quick || !self.bench
    }
}

/// The course of the bench.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = farm::live_as_worker(&words) {
        return status;
    }
    let options = Options::parse();
    if !options.bench && !rustix::process::geteuid().is_root() {
        // As a test it may be run by anybody.
        eprintln!("SKIPPED: the bench builds network namespaces, and that takes root.");
        return ExitCode::SUCCESS;
    }
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The bench cannot measure: {error:#}.");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new();
    let host = Host::now()?;
    for case in cases(options, host.walked)? {
        eprintln!("{}: {} sockets in {} processes", case.name, case.plan.sockets(), case.plan.processes());
        let _farm = Farm::build(&case.plan)?;
        if let Some(command) = &options.exec {
            Command::new("sh").args(["-c", command]).status()?;
            continue;
        }
        let sockets = floor::sockets()?;
        contenders::check(sockets)?;
        let outcomes = contenders::measure(&patience(options, sockets))?;
        report.add(&case, floor::bare_walk()?, &Measured { sockets, outcomes: &outcomes });
    }
    if options.exec.is_none() {
        println!("{}", explanation(options, &host));
        println!("{}", report.text());
    }
    Ok(())
}

fn cases(options: &Options, host: Walked) -> anyhow::Result<Vec<Case>> {
    let busy = |&sockets: &usize| cases::busy(sockets, options.processes, options.descriptors);
    Ok(match &options.sockets[..] {
        [] if options.is_a_test() => vec![busy(&300)],
        [] => {
            let mut cases = vec![cases::quiet(host)];
            if !options.quiet {
                cases.extend([1_000, 10_000, 100_000].iter().map(busy));
            }
            cases
        }
        sizes => sizes.iter().map(busy).collect(),
    })
}

/// Small hosts take little time, and vary the more.
fn patience(options: &Options, sockets: usize) -> Patience {
    let runs = match sockets {
        _ if options.is_a_test() => 1,
        0..10_000 => 41,
        10_000..500_000 => 15,
        _ => 5,
    };
    Patience {
        runs: options.runs.unwrap_or(runs).max(1),
        limit: Duration::from_secs(options.limit),
        budget: Duration::from_secs(options.budget),
        output: options.output,
        peers: !options.ours,
    }
}

/// What the host has of its own, which is in everybody's way: the kernel's lists of processes and of established connections
/// are shared by all namespaces.
struct Host {
    walked: Walked,
    tcp_sockets: String,
    load: String,
}

impl Host {
    fn now() -> anyhow::Result<Self> {
        let first_word = |text: &str| text.split_whitespace().next().unwrap_or("unknown").to_owned();
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        // The number of allocated TCP sockets is the whole machine's.
        let sockets = read("/proc/net/sockstat");
        Ok(Self {
            walked: floor::bare_walk()?,
            tcp_sockets: first_word(sockets.split_once("alloc ").map_or("", |(_, rest)| rest)),
            load: first_word(&read("/proc/loadavg")),
        })
    }
}

fn explanation(options: &Options, host: &Host) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let kernel = rustix::system::uname();
    let output = match options.output {
        Output::Null => "/dev/null",
        Output::Pipe => "a pipe that is emptied",
    };
    let Walked { processes, descriptors } = host.walked;
    let (tcp_sockets, load) = (&host.tcp_sockets, &host.load);
    format!(
        "{cores} cores, Linux {}; the host's own, before: {processes} processes, {descriptors} descriptors, {tcp_sockets} TCP sockets, load {load}.\n\
         Medians of whole runs by turns, process start included, output to {output}.\n\
         The floor is the kernel's dump of the four tables on one thread, unparsed; the bare walk is readlinkat of every descriptor\n\
         on two threads; both run inside the bench and start no process.\n",
        kernel.release().to_string_lossy()
    )
}
