//! Runs rnetstat repeatedly while processes and connections start and end.

use crate::load;
use crate::load::{EventLog, Load, Origin, Plan};
use crate::support::command::command_of_line;
use crate::support::program::OwnersFrom;
use crate::support::{baseline, isolation};
use anyhow::{Context, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rnetstat::model::owners::OwnerSearch;
use rnetstat::model::problem::{Problem, ProblemKind};
use rnetstat::request::Query;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Sources of owners: rnetstat's own choice, and each of them.
const SOURCES: [Option<OwnersFrom>; 3] = [None, Some(OwnersFrom::Proc), Some(OwnersFrom::Bpf)];
/// In one run of this many the load is also paused.
const QUIET: usize = 10;
/// How many wrong owners are reported.
const REPORTED: usize = 10;

/// What was seen in all the runs.
#[derive(Debug, Default)]
struct Seen {
    rows: usize,
    owned: usize,
    /// Listeners and UDP sockets for which no owner was found.
    ownerless: usize,
    /// How often no owner was found for the listener that is passed on.
    missed: usize,
    /// Which PID was shown for which address.
    claims: HashSet<(SocketAddr, u32)>,
}

/// The cost of a run.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    wall: Duration,
    /// Processor time: under load the wall time contains that of other processes.
    cpu: Duration,
}

/// Runs rnetstat that many times under load; an error says what went wrong.
pub fn run(plan: &Plan, runs: usize) -> anyhow::Result<()> {
    isolation::enter_for_load()?;
    let mut load = Load::begin(plan)?;
    let lasting = load.lasting();
    let mut seen = Seen::default();
    let mut costs = SOURCES.map(|_| Costs::default());
    let mut dumps = Costs::default();
    for number in 0..runs {
        // Now and then the same sockets and processes with hardly any activity.
        let quiet = number % QUIET == 0;
        if quiet {
            load.pause()?;
            dumps.quiet.push(dump()?);
            for (source, costs) in SOURCES.iter().zip(&mut costs) {
                costs.quiet.push(run_once(*source)?.0);
            }
            load.resume()?;
        }
        let source = number % SOURCES.len();
        let (cost, table) = run_once(SOURCES[source])?;
        costs[source].busy.push(cost);
        read(&table, lasting, &mut seen).with_context(|| format!("run {number}"))?;
        if quiet {
            dumps.busy.push(dump()?);
        }
    }
    let leaked = leaked_descriptors(runs / 2)?;
    let log = load.end()?;
    println!("{}", report(&log, &seen, runs));
    for (source, costs) in SOURCES.iter().zip(&costs) {
        println!(
            "{}",
            compare(&source.map_or("own choice".to_owned(), |source| format!("{source:?}").to_lowercase()), costs, &dumps)
        );
    }
    ensure!(leaked == 0, "{leaked} descriptors were left open");
    check_claims(&log, &seen)
}

/// One run: its cost, and what it printed.
fn run_once(source: Option<OwnersFrom>) -> anyhow::Result<(Cost, String)> {
    let mut command = command_of_line("-ano");
    if let Some(source) = source {
        source.apply(&mut command);
    }
    let (start, used) = (Instant::now(), used_by(UsageWho::RUSAGE_CHILDREN)?);
    let output = command.output()?;
    let cost = Cost { wall: start.elapsed(), cpu: used_by(UsageWho::RUSAGE_CHILDREN)?.saturating_sub(used) };
    ensure!(output.status.success(), "rnetstat failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    ensure!(output.stderr.is_empty(), "rnetstat wrote to stderr: {}", String::from_utf8_lossy(&output.stderr));
    Ok((cost, String::from_utf8(output.stdout)?))
}

/// The processor time of the children that have ended, or of this thread.
fn used_by(whom: UsageWho) -> anyhow::Result<Duration> {
    let usage = getrusage(whom)?;
    let time = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(time.num_microseconds().unsigned_abs()))
}

/// The cost of the raw dump of the kernel.
fn dump() -> anyhow::Result<Cost> {
    let (start, used) = (Instant::now(), used_by(UsageWho::RUSAGE_THREAD)?);
    baseline::raw_dump()?;
    Ok(Cost { wall: start.elapsed(), cpu: used_by(UsageWho::RUSAGE_THREAD)?.saturating_sub(used) })
}

/// Checks a table: each long-lived socket has to be there once, with an owner.
fn read(table: &str, lasting: usize, seen: &mut Seen) -> anyhow::Result<()> {
    let mut lasted = HashSet::new();
    for line in table.lines().skip(4) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (Some(local), Some(owner)) = (fields.get(1), fields.last()) else { bail!("a row without fields: {line:?}") };
        let local: SocketAddr = local.parse().context(line.to_owned())?;
        // `-`: a process that refuses even root could hold it.
        let owner: u32 = if *owner == "-" { 0 } else { owner.parse().context(line.to_owned())? };
        let Some(origin) = Origin::of(local) else { bail!("a socket that the load did not open: {line}") };
        let listens = fields[3] == "LISTENING";
        seen.rows += 1;
        let lasts = listens && matches!(origin, Origin::Server(_) | Origin::Shared(_) | Origin::Relayed(_));
        if lasts {
            ensure!(lasted.insert(local), "shown twice: {line}");
            // It can be passed on faster than the scan can follow.
            let passed_on = matches!(origin, Origin::Relayed(_));
            ensure!(owner != 0 || passed_on, "no owner: {line}");
            seen.missed += usize::from(owner == 0);
        }
        if owner != 0 {
            ensure!(fields[3] != "TIME_WAIT", "TIME_WAIT with an owner: {line}");
            seen.owned += 1;
            seen.claims.insert((local, owner));
        } else if !lasts && (listens || fields[0] == "UDP") {
            seen.ownerless += 1;
        }
    }
    ensure!(lasted.len() == lasting, "{} of {lasting} long-lived sockets are shown", lasted.len());
    Ok(())
}

/// How many more descriptors are open after that many snapshots.
fn leaked_descriptors(snapshots: usize) -> anyhow::Result<usize> {
    let open = || std::fs::read_dir("/proc/self/fd").map(Iterator::count);
    let before = open()?;
    for number in 0..snapshots {
        let search = if number % 2 == 0 { OwnerSearch::Lowest } else { OwnerSearch::All };
        let snapshot = rnetstat::platform::snapshot(&Query::everything(), search);
        // If some process refuses even root, a socket closed meanwhile could be hidden there.
        let is_no_failure = |problem: &Problem| problem.kind == ProblemKind::OwnersKept;
        ensure!(snapshot.problems.iter().all(is_no_failure), "{:?}", snapshot.problems);
    }
    Ok(open()?.saturating_sub(before))
}

/// Fails if a process was shown for a socket that it never had.
fn check_claims(log: &EventLog, seen: &Seen) -> anyhow::Result<()> {
    let is_wrong = |(local, pid): &&(SocketAddr, u32)| log.ever_had(*pid, *local) != Some(true);
    let wrong: Vec<_> = seen.claims.iter().filter(is_wrong).collect();
    // The log itself is checked too: this process never had any of the sockets.
    let own = std::process::id();
    ensure!(
        seen.claims.iter().all(|(local, _)| log.ever_had(own, *local) == Some(false)),
        "the log attributes sockets to this process"
    );
    ensure!(wrong.is_empty(), "{} wrong owners: {:?}", wrong.len(), &wrong[..wrong.len().min(REPORTED)]);
    Ok(())
}

fn report(log: &EventLog, seen: &Seen, runs: usize) -> String {
    let seconds = log.lasted.as_secs_f64();
    let (processes, connections) = (log.processes(), log.connections);
    format!(
        "churn: {runs} runs of rnetstat -ano and {} snapshots in {seconds:.1} s, on {} cores; meanwhile\n\
         {processes} processes ({:.0} a second) and {connections} connections ({:.0} a second) started and ended.\n\
         {} rows; {} with an owner ({} different pairs of a socket and a process), {} listeners and UDP sockets without one.\n\
         For a listener that each process passes on to its child, {} times a second, no owner was found {} times.",
        runs / 2,
        std::thread::available_parallelism().map_or(1, usize::from),
        processes as f64 / seconds,
        connections as f64 / seconds,
        seen.rows,
        seen.owned,
        seen.claims.len(),
        seen.ownerless,
        load::RELAYS,
        seen.missed,
    )
}

/// The costs of one source under load, and while the load was paused.
#[derive(Debug, Default)]
struct Costs {
    busy: Vec<Cost>,
    quiet: Vec<Cost>,
}

impl Costs {
    /// The medians, busy and quiet, in milliseconds.
    fn medians(&self, of: fn(&Cost) -> Duration) -> (f64, f64) {
        let median = |costs: &[Cost]| {
            let mut times: Vec<Duration> = costs.iter().map(of).collect();
            times.sort_unstable();
            times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1000.0
        };
        (median(&self.busy), median(&self.quiet))
    }
}

/// Compares with the budget: twice the cost without load, and the cost of the raw dump under load.
fn compare(source: &str, costs: &Costs, dumps: &Costs) -> String {
    let of = |kind: &str, of: fn(&Cost) -> Duration| {
        let ((busy, quiet), (dump, _)) = (costs.medians(of), dumps.medians(of));
        let share = busy / (2.0 * quiet + dump);
        format!("{kind} {busy:.2} ms, quiet {quiet:.2}, raw dump {dump:.2}: {share:.2} of the budget")
    };
    format!("owners from {source} (medians): {}; {}.", of("processor time", |cost| cost.cpu), of("time", |cost| cost.wall))
}
