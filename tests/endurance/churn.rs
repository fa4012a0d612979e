//! Run after run while processes and connections come and go.

use crate::bustle::{Bustle, Chronicle, Place, Plan};
use crate::{bustle, floor, namespace};
use anyhow::{Context, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rnetstat::model::owners::OwnerSearch;
use rnetstat::model::problem::{Problem, ProblemKind};
use rnetstat::request::Query;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How owners are looked for: as the program chooses, and by each of its ways.
const WAYS: [Option<&str>; 3] = [None, Some("walk"), Some("iterator")];
/// So often the bustle is stopped for a moment.
const QUIET: usize = 10;
/// So many of the first mistakes are told.
const TOLD: usize = 10;

/// What was seen in all the runs.
#[derive(Debug, Default)]
struct Seen {
    rows: usize,
    owned: usize,
    /// Rows that are no connection's end, and had no owner when it was looked for.
    ownerless: usize,
    /// How often nobody was found to hold the listener that is passed on.
    lost: usize,
    /// Who was said to hold what.
    claims: HashSet<(SocketAddr, u32)>,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    wall: Duration,
    /// The processors' time, which does not count the turns of others: a bustle leaves no processor idle.
    cpu: Duration,
}

/// Runs rnetstat so often in a bustle; an error says what went wrong.
pub fn endure(plan: &Plan, runs: usize) -> anyhow::Result<()> {
    namespace::enter_a_new_one()?;
    let mut bustle = Bustle::begin(plan)?;
    let lasting = bustle.lasting();
    let mut seen = Seen::default();
    let mut costs = WAYS.map(|_| Costs::default());
    let mut dumps = Costs::default();
    for number in 0..runs {
        // The same sockets and processes with hardly anything going on, now and then.
        let quiet = number % QUIET == 0;
        if quiet {
            bustle.pause()?;
            dumps.quiet.push(dump()?);
            for (way, costs) in WAYS.iter().zip(&mut costs) {
                costs.quiet.push(run(*way)?.0);
            }
            bustle.resume()?;
        }
        let way = number % WAYS.len();
        let (cost, table) = run(WAYS[way])?;
        costs[way].busy.push(cost);
        read(&table, lasting, &mut seen).with_context(|| format!("run {number}"))?;
        if quiet {
            dumps.busy.push(dump()?);
        }
    }
    let leaked = leaked_descriptors(runs / 2)?;
    let chronicle = bustle.end()?;
    println!("{}", report(&chronicle, &seen, runs));
    for (way, costs) in WAYS.iter().zip(&costs) {
        println!("{}", compare(way.unwrap_or("its own choice"), costs, &dumps));
    }
    ensure!(leaked == 0, "{leaked} descriptors were left open");
    judge(&chronicle, &seen)
}

/// One run: what it took, and what it printed.
fn run(way: Option<&str>) -> anyhow::Result<(Cost, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rnetstat"));
    command.arg("-ano").stdin(Stdio::null()).envs(way.map(|way| ("RNETSTAT_OWNERS", way)));
    let (start, used) = (Instant::now(), used_by(UsageWho::RUSAGE_CHILDREN)?);
    let output = command.output()?;
    let cost = Cost { wall: start.elapsed(), cpu: used_by(UsageWho::RUSAGE_CHILDREN)?.saturating_sub(used) };
    ensure!(output.status.success(), "rnetstat failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    ensure!(output.stderr.is_empty(), "rnetstat complains: {}", String::from_utf8_lossy(&output.stderr));
    Ok((cost, String::from_utf8(output.stdout)?))
}

/// The processors' time that children which have ended, or this thread, have used.
fn used_by(whom: UsageWho) -> anyhow::Result<Duration> {
    let usage = getrusage(whom)?;
    let time = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(time.num_microseconds().unsigned_abs()))
}

/// What the kernel's own dump takes.
fn dump() -> anyhow::Result<Cost> {
    let (start, used) = (Instant::now(), used_by(UsageWho::RUSAGE_THREAD)?);
    floor::raw_dump()?;
    Ok(Cost { wall: start.elapsed(), cpu: used_by(UsageWho::RUSAGE_THREAD)?.saturating_sub(used) })
}

/// Reads a table. What lasts has to be there, each once and with an owner.
fn read(table: &str, lasting: usize, seen: &mut Seen) -> anyhow::Result<()> {
    let mut lasted = HashSet::new();
    for line in table.lines().skip(4) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (Some(local), Some(owner)) = (fields.get(1), fields.last()) else { bail!("a row without fields: {line:?}") };
        let local: SocketAddr = local.parse().context(line.to_owned())?;
        // Where a process keeps even root out, what nobody was found to hold may be hidden there.
        let owner: u32 = if *owner == "-" { 0 } else { owner.parse().context(line.to_owned())? };
        let Some(place) = Place::of(local) else { bail!("a socket that nobody made: {line}") };
        let listens = fields[3] == "LISTENING";
        seen.rows += 1;
        let lasts = listens && matches!(place, Place::Server(_) | Place::Shared(_) | Place::Relayed(_));
        if lasts {
            ensure!(lasted.insert(local), "shown twice: {line}");
            // Where it is passed on faster than two looks can follow, nobody is found to hold it.
            let passed_on = matches!(place, Place::Relayed(_));
            ensure!(owner != 0 || passed_on, "nobody's: {line}");
            seen.lost += usize::from(owner == 0);
        }
        if owner != 0 {
            ensure!(fields[3] != "TIME_WAIT", "what the kernel keeps is nobody's: {line}");
            seen.owned += 1;
            seen.claims.insert((local, owner));
        } else if !lasts && (listens || fields[0] == "UDP") {
            seen.ownerless += 1;
        }
    }
    ensure!(lasted.len() == lasting, "{} of {lasting} sockets that last are shown", lasted.len());
    Ok(())
}

/// How many descriptors more are open after so many snapshots.
fn leaked_descriptors(snapshots: usize) -> anyhow::Result<usize> {
    let open = || std::fs::read_dir("/proc/self/fd").map(Iterator::count);
    let before = open()?;
    for number in 0..snapshots {
        let search = if number % 2 == 0 { OwnerSearch::Lowest } else { OwnerSearch::All };
        let snapshot = rnetstat::platform::snapshot(&Query::everything(), search);
        // On a system that has processes which it shows nobody, what was closed meanwhile may be hidden in them.
        let is_no_failure = |problem: &Problem| problem.kind == ProblemKind::OwnersKept;
        ensure!(snapshot.problems.iter().all(is_no_failure), "{:?}", snapshot.problems);
    }
    Ok(open()?.saturating_sub(before))
}

/// Whether every process that was said to hold a socket ever did.
fn judge(chronicle: &Chronicle, seen: &Seen) -> anyhow::Result<()> {
    let is_wrong = |(local, pid): &&(SocketAddr, u32)| chronicle.ever_had(*pid, *local) != Some(true);
    let wrong: Vec<_> = seen.claims.iter().filter(is_wrong).collect();
    // A judge who lets everything pass would not notice a mistake: this process never had any of the sockets.
    let own = std::process::id();
    ensure!(seen.claims.iter().all(|(local, _)| chronicle.ever_had(own, *local) == Some(false)), "the log knows everybody");
    ensure!(wrong.is_empty(), "{} wrong owners: {:?}", wrong.len(), &wrong[..wrong.len().min(TOLD)]);
    Ok(())
}

fn report(chronicle: &Chronicle, seen: &Seen, runs: usize) -> String {
    let seconds = chronicle.lasted.as_secs_f64();
    let (processes, connections) = (chronicle.processes(), chronicle.connections);
    format!(
        "churn: {runs} runs of rnetstat -ano and {} snapshots in {seconds:.1} s, on {} cores; meanwhile\n\
         {processes} processes ({:.0} a second) and {connections} connections ({:.0} a second) came and went.\n\
         {} rows; {} with an owner ({} different pairs of a socket and a process), {} of listeners and UDP sockets had lost theirs.\n\
         A listener that each process leaves to its child, {} times a second, was found to be nobody's {} times.",
        runs / 2,
        std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        processes as f64 / seconds,
        connections as f64 / seconds,
        seen.rows,
        seen.owned,
        seen.claims.len(),
        seen.ownerless,
        bustle::RELAYS,
        seen.lost,
    )
}

/// What one thing took while the bustle went on, and while it stood still.
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

/// Twice what it takes when nothing goes on, and what the kernel takes for its dump meanwhile, is allowed.
fn compare(way: &str, costs: &Costs, dumps: &Costs) -> String {
    let of = |kind: &str, of: fn(&Cost) -> Duration| {
        let ((busy, quiet), (dump, _)) = (costs.medians(of), dumps.medians(of));
        let share = busy / (2.0 * quiet + dump);
        format!("{kind} {busy:.2} ms, quiet {quiet:.2}, the kernel's dump {dump:.2}: {share:.2} of what is allowed")
    };
    format!("owners by {way} (medians): {}; {}.", of("processor time", |cost| cost.cpu), of("time", |cost| cost.wall))
}
