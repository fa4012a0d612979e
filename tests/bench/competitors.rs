//! Everything that is measured in a farm, in turn.

use crate::farm::Plan;
use crate::floor;
use crate::stopwatch::{self, Ended, Output, Sample};
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The program that is measured.
const RNETSTAT: &str = env!("CARGO_BIN_EXE_rnetstat");
/// The variable that makes it find owners by the walk.
const FORCED_WALK: (&str, &str) = ("RNETSTAT_OWNERS", "walk");

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A program that does nothing.
    True,
    /// The raw dump.
    Floor,
    /// The bare walk.
    BareWalk,
    /// Everything, with owners.
    Ano,
    /// Everything, without owners.
    An,
    /// The sockets of one server.
    Port,
    /// Everything, with owners by the walk.
    Walk,
    /// iproute2's.
    Ss,
    /// net-tools'.
    Netstat,
    /// lsof's.
    Lsof,
}

impl Contender {
    /// In the order in which they are run and shown.
    pub const ALL: [Self; 10] = [
        Self::True,
        Self::Floor,
        Self::BareWalk,
        Self::Ano,
        Self::An,
        Self::Port,
        Self::Walk,
        Self::Ss,
        Self::Netstat,
        Self::Lsof,
    ];

    /// What the table calls it.
    pub fn name(self) -> String {
        match self {
            Self::Floor => "floor: the raw dump".to_owned(),
            Self::BareWalk => "the bare walk".to_owned(),
            Self::Walk => format!("{}={} rnetstat -ano", FORCED_WALK.0, FORCED_WALK.1),
            _ => self.words().join(" "),
        }
    }

    /// The command line, empty where it is no program.
    fn words(self) -> Vec<String> {
        let port = Plan::listener(0).port().to_string();
        let words: &[&str] = match self {
            Self::Floor | Self::BareWalk => &[],
            Self::True => &["/bin/true"],
            Self::Ano | Self::Walk => &["rnetstat", "-ano"],
            Self::An => &["rnetstat", "-an"],
            Self::Port => &["rnetstat", "-ano", "--port", &port],
            Self::Ss => &["ss", "-tuanp"],
            Self::Netstat => &["netstat", "-tuanp"],
            Self::Lsof => &["lsof", "-nPi"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// Whether it is the program that all this is about.
    pub fn is_ours(self) -> bool {
        self.words().first().is_some_and(|program| program == "rnetstat")
    }

    fn is_a_peer(self) -> bool {
        matches!(self, Self::Ss | Self::Netstat | Self::Lsof)
    }

    fn command(self) -> Option<Command> {
        let words = self.words();
        let (program, arguments) = words.split_first()?;
        let mut command = Command::new(if self.is_ours() { RNETSTAT } else { program });
        // Cargo's own search path for libraries, with which every start of a program takes longer.
        command.args(arguments).env_remove("LD_LIBRARY_PATH");
        if self == Self::Walk {
            command.env(FORCED_WALK.0, FORCED_WALK.1);
        }
        Some(command)
    }

    /// Why it cannot be measured here, if so.
    fn excuse(self) -> Option<String> {
        if self == Self::Port && !help().contains("--port") {
            return Some("no such switch yet".to_owned());
        }
        let words = self.words();
        let program = words.first().filter(|_| !self.is_ours())?;
        let missing = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err();
        missing.then(|| "not installed".to_owned())
    }
}

fn help() -> String {
    let output = Command::new(RNETSTAT).arg("--help").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// How often and how long.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Runs of each contender.
    pub runs: usize,
    /// How long one run may take.
    pub limit: Duration,
    /// A contender that has used so much time is not run again.
    pub budget: Duration,
    /// Where the output goes.
    pub output: Output,
    /// Whether the tools that others have made are run too.
    pub peers: bool,
}

/// What came of a contender.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The median by wall time, of so many runs.
    Median(Sample, usize),
    /// It had not ended after so long.
    OutOfTime(Duration),
    /// It was not measured, for this reason.
    Absent(String),
}

/// Runs all contenders by turns, so that a change in the machine's mood meets them all.
pub fn measure(patience: &Patience) -> anyhow::Result<Vec<(Contender, Outcome)>> {
    let wanted = Contender::ALL.into_iter().filter(|contender| patience.peers || !contender.is_a_peer());
    let mut trials: Vec<Trial> = wanted.map(Trial::new).collect();
    for run in 0..patience.runs {
        eprint!("\r  run {} of {}  ", run + 1, patience.runs);
        for trial in &mut trials {
            trial.run(patience)?;
        }
    }
    eprintln!();
    Ok(trials.into_iter().map(Trial::outcome).collect())
}

struct Trial {
    contender: Contender,
    samples: Vec<Sample>,
    spent: Duration,
    end: Option<Outcome>,
}

impl Trial {
    fn new(contender: Contender) -> Self {
        let end = contender.excuse().map(Outcome::Absent);
        Self { contender, samples: Vec::new(), spent: Duration::ZERO, end }
    }

    fn run(&mut self, patience: &Patience) -> anyhow::Result<()> {
        if self.end.is_some() || self.spent >= patience.budget {
            return Ok(());
        }
        let start = Instant::now();
        match self.contender {
            Contender::Floor => self.samples.push(stopwatch::inside(floor::raw_dump)?),
            Contender::BareWalk => self.samples.push(stopwatch::inside(|| floor::bare_walk().map(drop))?),
            _ => self.run_program(patience)?,
        }
        self.spent += start.elapsed();
        Ok(())
    }

    fn run_program(&mut self, patience: &Patience) -> anyhow::Result<()> {
        let Some(mut command) = self.contender.command() else { return Ok(()) };
        match stopwatch::run(&mut command, patience.output, patience.limit)? {
            Ended::Itself(_, status) if self.contender.is_ours() && status != Some(0) => {
                self.end = Some(Outcome::Absent(format!("failed, status {status:?}")));
            }
            // The others have their own ideas of success.
            Ended::Itself(sample, _) => self.samples.push(sample),
            Ended::OutOfTime => self.end = Some(Outcome::OutOfTime(patience.limit)),
        }
        Ok(())
    }

    fn outcome(mut self) -> (Contender, Outcome) {
        self.samples.sort_unstable_by_key(|sample| sample.wall);
        let runs = self.samples.len();
        let outcome = match (self.end, self.samples.get(runs / 2)) {
            (Some(end), _) => end,
            (None, Some(&median)) => Outcome::Median(median, runs),
            (None, None) => Outcome::Absent("not run".to_owned()),
        };
        (self.contender, outcome)
    }
}

/// Makes sure that the program does the work that is measured: it shows every socket, each with its owner.
pub fn check(sockets: usize) -> anyhow::Result<()> {
    let mut command = Contender::Ano.command().context("no command")?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("rnetstat cannot be started")?;
    let (mut rows, mut orphans) = (0, 0);
    for line in BufReader::new(child.stdout.take().context("no pipe")?).lines() {
        let line = line?;
        let is_row = line.starts_with("  TCP ") || line.starts_with("  UDP ");
        rows += usize::from(is_row);
        orphans += usize::from(is_row && line.ends_with([' ', '-']) || line.ends_with(" 0"));
    }
    child.wait()?;
    ensure!(rows == sockets, "rnetstat shows {rows} of {sockets} sockets: its time means nothing");
    ensure!(orphans == 0, "rnetstat finds no owner for {orphans} of {sockets} sockets: its time means nothing");
    Ok(())
}
