//! A bustle: processes that start and end, and connections that open and close, as fast as was asked for or as this machine
//! can. Which processes ever had a socket can be told from its address, and from what the bustle's processes have logged.
//!
//! The processes are this program itself, started again with a hidden first argument, and their children.

#[path = "origin.rs"]
mod place;
mod worker;

pub use place::Place;

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
const WORKER: &str = "bustle-worker";
/// So many processes have children one after another.
const PARENTS: u8 = 2;
/// So many times a second a listener is passed on.
pub const RELAYS: u32 = 200;
/// So many processes open connections.
const CONNECTORS: u8 = 4;

/// How much is to happen each second, in all.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Processes that start and end.
    pub processes: u32,
    /// Connections that are opened and closed.
    pub connections: u32,
}

/// Lives the life of a worker, if that is what the arguments (without the program's name) ask for.
pub fn live_as_worker(words: &[OsString]) -> Option<ExitCode> {
    let (first, words) = words.split_first()?;
    (first == WORKER).then(|| match worker::live(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("a worker of the bustle gives up: {error:#}");
            ExitCode::FAILURE
        }
    })
}

/// A bustle that goes on until it is ended; dropping it ends its processes too.
#[derive(Debug)]
pub struct Bustle {
    connectors: Vec<Worker>,
    parents: Vec<Worker>,
    relays: Vec<Worker>,
    since: Instant,
    /// Every worker goes on until this end of its standard input is closed.
    life: PipeWriter,
}

#[derive(Debug)]
struct Worker {
    process: Child,
    /// What it logs, as it comes.
    log: Option<JoinHandle<std::io::Result<Vec<u8>>>>,
}

impl Bustle {
    /// Starts it in the calling thread's network namespace; returns when every worker is at work.
    pub fn begin(plan: &Plan) -> anyhow::Result<Self> {
        let (stdin, life) = std::io::pipe()?;
        let mut bustle = Self { connectors: Vec::new(), parents: Vec::new(), relays: Vec::new(), since: Instant::now(), life };
        for number in 0..CONNECTORS {
            let job = Job::Connect { number, rate: plan.connections / u32::from(CONNECTORS) };
            bustle.connectors.push(Worker::start(&job, stdin.try_clone()?.into())?);
        }
        for number in 0..PARENTS {
            let job = Job::Multiply { number, rate: plan.processes / u32::from(PARENTS) };
            bustle.parents.push(Worker::start(&job, stdin.try_clone()?.into())?);
        }
        let job = Job::Relay { number: 0, rate: RELAYS };
        bustle.relays.push(Worker::start(&job, stdin.try_clone()?.into())?);
        bustle.since = Instant::now();
        Ok(bustle)
    }

    /// How many sockets last as long as the bustle: the listeners of its workers.
    pub fn lasting(&self) -> usize {
        self.connectors.len() + self.parents.len() + self.relays.len()
    }

    /// Stops the workers where they are, but for the relays, each of which is another process each time: what lives and what is
    /// open stays, and hardly anything comes or goes. Returns when all have stopped.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)?;
        for pid in self.workers() {
            rustix::process::waitid(WaitId::Pid(pid?), WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT)?;
        }
        Ok(())
    }

    /// Lets them go on.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.workers().try_for_each(|pid| Ok(rustix::process::kill_process(pid?, signal)?))
    }

    fn workers(&self) -> impl Iterator<Item = anyhow::Result<Pid>> {
        let pid = |worker: &Worker| Pid::from_raw(worker.process.id().cast_signed()).context("a worker without a number");
        self.connectors.iter().chain(&self.parents).map(pid)
    }

    /// Ends it and says what there was.
    pub fn end(self) -> anyhow::Result<Chronicle> {
        let Self { connectors, parents, relays, since, life } = self;
        let lasted = since.elapsed();
        drop(life);
        let end = |workers: Vec<Worker>| workers.into_iter().map(Worker::end).collect::<anyhow::Result<Vec<_>>>();
        let (connectors, parents, relays) = (end(connectors)?, end(parents)?, end(relays)?);
        let connections = connectors.iter().flat_map(|(_, numbers)| numbers).map(|&count| u64::from(count)).sum();
        let connectors = connectors.into_iter().map(|(pid, _)| pid).collect();
        Ok(Chronicle { connections, lasted, connectors, parents, relays })
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
        ready.map(|()| worker).context("a worker does not begin")
    }

    /// Waits for its end; its PID, and the numbers that it logged.
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

/// A worker that is ready says so with one byte.
fn wait_until_ready(stdout: &mut ChildStdout) -> std::io::Result<()> {
    stdout.read_exact(&mut [0])
}

/// What there was in a bustle that is over.
#[derive(Debug)]
pub struct Chronicle {
    /// How many connections were opened and closed.
    pub connections: u64,
    /// How long it lasted.
    pub lasted: Duration,
    /// The PIDs of the processes that opened connections.
    connectors: Vec<u32>,
    /// The processes that had children: their PIDs, and those of their children in the order of their birth.
    parents: Vec<(u32, Vec<u32>)>,
    /// The first process of each relay, and those that it was followed by.
    relays: Vec<(u32, Vec<u32>)>,
}

impl Chronicle {
    /// How many processes were started and ended.
    pub fn processes(&self) -> usize {
        self.parents.iter().chain(&self.relays).map(|(_, children)| children.len()).sum()
    }

    /// Whether a process ever had the socket at this address; `None` where there never was such a socket.
    pub fn ever_had(&self, pid: u32, local: SocketAddr) -> Option<bool> {
        let connector = |number: u8| self.connectors.get(usize::from(number)).map(|&connector| connector == pid);
        let family = |number: u8| self.parents.get(usize::from(number));
        let any_of = |(first, others): &(u32, Vec<u32>)| *first == pid || others.contains(&pid);
        match Place::of(local)? {
            Place::Server(number) | Place::Client(number) => connector(number),
            Place::Shared(number) => family(number).map(any_of),
            Place::Relayed(number) => self.relays.get(usize::from(number)).map(any_of),
            Place::Inherited(number, birth) => {
                family(number).map(|(parent, children)| *parent == pid || children.get(birth as usize) == Some(&pid))
            }
            Place::Own(number, birth) => family(number)?.1.get(birth as usize).map(|&child| child == pid),
        }
    }
}
