//! A load: processes that start and end, and connections that are opened and closed, at given rates or as fast as this machine
//! can. The address of a socket and the event log tell which processes ever had it.
//!
//! The processes are this program, started again with a hidden first argument, and their children.

mod origin;
mod worker;

pub use origin::Origin;

use anyhow::Context;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use std::ffi::OsString;
use std::io::{PipeWriter, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use worker::Job;

/// The first argument of a worker.
const WORKER: &str = "load-worker";
/// How many processes fork children one after another.
const PARENTS: u8 = 2;
/// How many times a second a listener is passed on.
pub const RELAYS: u32 = 200;
/// How many processes open connections.
const CONNECTORS: u8 = 4;

/// The rates.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Processes that start and end each second.
    pub processes: u32,
    /// Connections that are opened and closed each second.
    pub connections: u32,
}

/// Runs as a worker if the arguments (without the program's name) ask for that.
pub fn run_as_worker(words: &[OsString]) -> Option<ExitCode> {
    let (first, words) = words.split_first()?;
    (first == WORKER).then(|| match worker::run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("a worker of the load failed: {error:#}");
            ExitCode::FAILURE
        }
    })
}

/// A running load. Dropping it ends its processes too.
#[derive(Debug)]
pub struct Load {
    connectors: Vec<Worker>,
    parents: Vec<Worker>,
    relays: Vec<Worker>,
    since: Instant,
    /// Every worker runs until this end of its standard input is closed.
    keep_alive: PipeWriter,
}

#[derive(Debug)]
struct Worker {
    process: Child,
    /// Reads its log.
    log: Option<JoinHandle<std::io::Result<Vec<u8>>>>,
}

impl Load {
    /// Starts it in the calling thread's network namespace; returns when every worker is running.
    pub fn begin(plan: &Plan) -> anyhow::Result<Self> {
        let (stdin, keep_alive) = std::io::pipe()?;
        let mut load =
            Self { connectors: Vec::new(), parents: Vec::new(), relays: Vec::new(), since: Instant::now(), keep_alive };
        for number in 0..CONNECTORS {
            let job = Job::Connect { number, rate: plan.connections / u32::from(CONNECTORS) };
            load.connectors.push(Worker::start(&job, stdin.try_clone()?.into())?);
        }
        for number in 0..PARENTS {
            let job = Job::Multiply { number, rate: plan.processes / u32::from(PARENTS) };
            load.parents.push(Worker::start(&job, stdin.try_clone()?.into())?);
        }
        let job = Job::Relay { number: 0, rate: RELAYS };
        load.relays.push(Worker::start(&job, stdin.try_clone()?.into())?);
        load.since = Instant::now();
        Ok(load)
    }

    /// The number of sockets that live as long as the load: the listeners of its workers.
    pub fn lasting(&self) -> usize {
        self.connectors.len() + self.parents.len() + self.relays.len()
    }

    /// Stops the workers, except the relays, whose PIDs change all the time: processes and sockets stay, and hardly any start or
    /// end. Returns when all have stopped.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)?;
        for pid in self.workers() {
            rustix::process::waitid(WaitId::Pid(pid?), WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT)?;
        }
        Ok(())
    }

    /// Continues the workers.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.workers().try_for_each(|pid| Ok(rustix::process::kill_process(pid?, signal)?))
    }

    fn workers(&self) -> impl Iterator<Item = anyhow::Result<Pid>> {
        let pid = |worker: &Worker| Pid::from_raw(worker.process.id().cast_signed()).context("a worker without a PID");
        self.connectors.iter().chain(&self.parents).map(pid)
    }

    /// Ends it and returns its log.
    pub fn end(self) -> anyhow::Result<EventLog> {
        let Self { connectors, parents, relays, since, keep_alive } = self;
        let lasted = since.elapsed();
        drop(keep_alive);
        let end = |workers: Vec<Worker>| workers.into_iter().map(Worker::end).collect::<anyhow::Result<Vec<_>>>();
        let (connectors, parents, relays) = (end(connectors)?, end(parents)?, end(relays)?);
        let connections = connectors.iter().flat_map(|(_, numbers)| numbers).map(|&count| u64::from(count)).sum();
        let connectors = connectors.into_iter().map(|(pid, _)| pid).collect();
        Ok(EventLog { connections, lasted, connectors, parents, relays })
    }
}

impl Worker {
    fn start(job: &Job, stdin: Stdio) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([WORKER.to_owned(), std::process::id().to_string()])
            .args(job.words())
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .context("a worker cannot be started")?;
        let mut stdout = process.stdout.take().context("a worker without an output")?;
        let ready = wait_until_ready(&mut stdout);
        let log = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).map(|_| bytes)
        });
        let worker = Self { process, log: Some(log) };
        ready.map(|()| worker).context("a worker does not start")
    }

    /// Waits for its end: its PID, and the numbers that it logged.
    fn end(mut self) -> anyhow::Result<(u32, Vec<u32>)> {
        let log = self.log.take().context("a worker that has ended")?;
        let log = log.join().map_err(|_| anyhow::anyhow!("the reader of a log has failed"))??;
        let status = self.process.wait()?;
        anyhow::ensure!(status.success(), "a worker failed ({status})");
        let (numbers, _) = log.as_chunks::<4>();
        Ok((self.process.id(), numbers.iter().map(|bytes| u32::from_ne_bytes(*bytes)).collect()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.log.is_some() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// A worker that is ready writes one byte.
fn wait_until_ready(stdout: &mut ChildStdout) -> std::io::Result<()> {
    stdout.read_exact(&mut [0])
}

/// What happened during a load.
#[derive(Debug)]
pub struct EventLog {
    /// Connections that were opened and closed.
    pub connections: u64,
    /// The duration of the load.
    pub lasted: Duration,
    /// The PIDs of the processes that opened connections.
    connectors: Vec<u32>,
    /// The PIDs of the processes that forked, each with those of its children in order.
    parents: Vec<(u32, Vec<u32>)>,
    /// The first PID of each relay, and those of its successors.
    relays: Vec<(u32, Vec<u32>)>,
}

impl EventLog {
    /// Processes that were started and ended.
    pub fn processes(&self) -> usize {
        self.parents.iter().chain(&self.relays).map(|(_, children)| children.len()).sum()
    }

    /// Whether a process ever had the socket at this address; `None` if there never was such a socket.
    pub fn ever_had(&self, pid: u32, local: SocketAddr) -> Option<bool> {
        let connector = |number: u8| self.connectors.get(usize::from(number)).map(|&connector| connector == pid);
        let parent_of = |number: u8| self.parents.get(usize::from(number));
        let any_of = |(first, others): &(u32, Vec<u32>)| *first == pid || others.contains(&pid);
        match Origin::of(local)? {
            Origin::Server(number) | Origin::Client(number) => connector(number),
            Origin::Shared(number) => parent_of(number).map(any_of),
            Origin::Relayed(number) => self.relays.get(usize::from(number)).map(any_of),
            Origin::Inherited(number, birth) => {
                parent_of(number).map(|(parent, children)| *parent == pid || children.get(birth as usize) == Some(&pid))
            }
            Origin::Own(number, birth) => parent_of(number)?.1.get(birth as usize).map(|&child| child == pid),
        }
    }
}
