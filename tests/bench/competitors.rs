//! Everything that is measured in a farm.

use crate::support::baseline;
use crate::support::command::PROGRAM;
use crate::support::farm::Plan;
use crate::support::program::OwnersFrom;
use crate::support::stopwatch::{self, Ended, Output, Sample};
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Competitor {
    /// A program that does nothing.
    True,
    /// The raw dump.
    Baseline,
    /// The bare scan.
    BareScan,
    /// Everything, with owners.
    Ano,
    /// Everything, without owners.
    An,
    /// The sockets of one server.
    Port,
    /// Everything by the kernel's dump, instead of the pass over its tables.
    Dump,
    /// Everything of every network namespace.
    AllNamespaces,
    /// Everything, with owners from /proc.
    Proc,
    /// Of iproute2.
    Ss,
    /// Of net-tools.
    Netstat,
    /// Of lsof.
    Lsof,
}

impl Competitor {
    /// Those that are measured if the sockets are in many network namespaces.
    pub const OF_NAMESPACES: [Self; 3] = [Self::True, Self::Ano, Self::AllNamespaces];

    /// In the order in which they are run and shown.
    pub const ALL: [Self; 12] = [
        Self::True,
        Self::Baseline,
        Self::BareScan,
        Self::Ano,
        Self::An,
        Self::Port,
        Self::Dump,
        Self::AllNamespaces,
        Self::Proc,
        Self::Ss,
        Self::Netstat,
        Self::Lsof,
    ];

    /// Its name in the table.
    pub fn name(self) -> String {
        match self {
            Self::Baseline => "baseline: the raw dump".to_owned(),
            Self::BareScan => "the bare scan".to_owned(),
            Self::Proc => "rnetstat -ano, owners from proc".to_owned(),
            _ => self.words().join(" "),
        }
    }

    /// The command line; empty if it is no program.
    fn words(self) -> Vec<String> {
        let port = Plan::listener(0).port().to_string();
        let words: &[&str] = match self {
            Self::Baseline | Self::BareScan => &[],
            Self::True => &["/bin/true"],
            Self::Ano | Self::Proc => &["rnetstat", "-ano"],
            Self::Dump => &["rnetstat", "-ano", "--sockets-from", "netlink"],
            Self::AllNamespaces => &["rnetstat", "-ano", "--all-namespaces"],
            Self::An => &["rnetstat", "-an"],
            Self::Port => &["rnetstat", "-ano", "--port", &port],
            Self::Ss => &["ss", "-tuanp"],
            Self::Netstat => &["netstat", "-tuanp"],
            Self::Lsof => &["lsof", "-nPi"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// Whether it is rnetstat.
    pub fn is_ours(self) -> bool {
        self.words().first().is_some_and(|program| program == "rnetstat")
    }

    fn is_other(self) -> bool {
        matches!(self, Self::Ss | Self::Netstat | Self::Lsof)
    }

    fn command(self) -> Option<Command> {
        let words = self.words();
        let (program, arguments) = words.split_first()?;
        let mut command = Command::new(if self.is_ours() { PROGRAM } else { program });
        // The library path that cargo sets makes every start of a program slower.
        command.args(arguments).env_remove("LD_LIBRARY_PATH");
        if self == Self::Proc {
            OwnersFrom::Proc.apply(&mut command);
        }
        Some(command)
    }

    /// Why it cannot be measured here, if it cannot.
    fn unavailable(self) -> Option<String> {
        let words = self.words();
        let program = words.first().filter(|_| !self.is_ours())?;
        let missing = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err();
        missing.then(|| "not installed".to_owned())
    }
}

/// The number and the limits of runs.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How often each competitor runs.
    pub runs: usize,
    /// How long one run may take.
    pub limit: Duration,
    /// A competitor that has used this much time is not run again.
    pub budget: Duration,
    /// Where the output goes.
    pub output: Output,
    /// Whether ss, netstat and lsof are run too.
    pub others: bool,
}

/// The outcome of a competitor.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The run with the median wall time, and the number of runs.
    Median(Sample, usize),
    /// It had not ended at this limit.
    OutOfTime(Duration),
    /// It was not measured, for this reason.
    Absent(String),
}

/// Runs the competitors in turn, so that a change of the machine's speed affects all of them.
pub fn measure(limits: &Limits, competitors: &[Competitor]) -> anyhow::Result<Vec<(Competitor, Outcome)>> {
    let selected = competitors.iter().filter(|competitor| limits.others || !competitor.is_other());
    let mut trials: Vec<Trial> = selected.copied().map(Trial::new).collect();
    for run in 0..limits.runs {
        eprint!("\r  run {} of {}  ", run + 1, limits.runs);
        for trial in &mut trials {
            trial.run(limits)?;
        }
    }
    eprintln!();
    Ok(trials.into_iter().map(Trial::outcome).collect())
}

struct Trial {
    competitor: Competitor,
    samples: Vec<Sample>,
    spent: Duration,
    end: Option<Outcome>,
}

impl Trial {
    fn new(competitor: Competitor) -> Self {
        let end = competitor.unavailable().map(Outcome::Absent);
        Self { competitor, samples: Vec::new(), spent: Duration::ZERO, end }
    }

    fn run(&mut self, limits: &Limits) -> anyhow::Result<()> {
        if self.end.is_some() || self.spent >= limits.budget {
            return Ok(());
        }
        let start = Instant::now();
        match self.competitor {
            Competitor::Baseline => self.samples.push(stopwatch::inside(baseline::raw_dump)?),
            Competitor::BareScan => self.samples.push(stopwatch::inside(|| baseline::bare_scan().map(drop))?),
            _ => self.run_program(limits)?,
        }
        self.spent += start.elapsed();
        Ok(())
    }

    fn run_program(&mut self, limits: &Limits) -> anyhow::Result<()> {
        let Some(mut command) = self.competitor.command() else { return Ok(()) };
        match stopwatch::run(&mut command, limits.output, limits.limit)? {
            Ended::Itself(_, status) if self.competitor.is_ours() && status != Some(0) => {
                self.end = Some(Outcome::Absent(format!("failed, status {status:?}")));
            }
            // The exit statuses of the others mean different things.
            Ended::Itself(sample, _) => self.samples.push(sample),
            Ended::OutOfTime => self.end = Some(Outcome::OutOfTime(limits.limit)),
        }
        Ok(())
    }

    fn outcome(mut self) -> (Competitor, Outcome) {
        self.samples.sort_unstable_by_key(|sample| sample.wall);
        let runs = self.samples.len();
        let outcome = match (self.end, self.samples.get(runs / 2)) {
            (Some(end), _) => end,
            (None, Some(&median)) => Outcome::Median(median, runs),
            (None, None) => Outcome::Absent("not run".to_owned()),
        };
        (self.competitor, outcome)
    }
}

/// Checks that rnetstat does the work that is measured: it shows every socket with its owner.
pub fn check(competitor: Competitor, sockets: usize) -> anyhow::Result<()> {
    let mut command = competitor.command().context("no command")?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("rnetstat cannot be started")?;
    let (mut rows, mut unowned) = (0, 0);
    for line in BufReader::new(child.stdout.take().context("no pipe")?).lines() {
        let line = line?;
        let is_row = line.starts_with("  TCP ") || line.starts_with("  UDP ");
        rows += usize::from(is_row);
        unowned += usize::from(is_row && line.ends_with([' ', '-']) || line.ends_with(" 0"));
    }
    child.wait()?;
    if competitor == Competitor::AllNamespaces {
        // Those of the real host are shown too.
        ensure!(rows >= sockets, "rnetstat shows {rows} of {sockets} sockets: its time means nothing");
        return Ok(());
    }
    ensure!(rows == sockets, "rnetstat shows {rows} of {sockets} sockets: its time means nothing");
    ensure!(unowned == 0, "rnetstat finds no owner for {unowned} of {sockets} sockets: its time means nothing");
    Ok(())
}
