//! A farm of load generators: processes that hold sockets and other descriptors, in a network namespace of their own, until the
//! farm is dropped.
//!
//! The processes are this program, started again with a hidden first argument: a program that builds farms passes its
//! arguments to [`run_as_worker`] first.

mod generator;
mod plan;

pub use plan::Plan;

use crate::support::isolation;
use anyhow::{Context, bail};
use generator::Job;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::ffi::OsString;
use std::io::{PipeReader, PipeWriter, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The first argument of a load generator.
const WORKER: &str = "load-generator";
/// How often silent load generators are checked.
const PULSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// How long all of them may be silent.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs as a load generator if the arguments (without the program's name) ask for that.
pub fn run_as_worker(words: &[OsString]) -> Option<ExitCode> {
    let (first, words) = words.split_first()?;
    (first == WORKER).then(|| match generator::run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("a load generator failed: {error:#}");
            ExitCode::FAILURE
        }
    })
}

/// A running farm. Dropping it ends its processes and waits for them.
#[derive(Debug)]
pub struct Farm {
    workers: Vec<Child>,
    /// Every load generator runs until this end of its standard input is closed.
    _keep_alive: PipeWriter,
}

impl Farm {
    /// Moves the calling thread into a new network namespace and builds a farm there; returns when it is complete.
    pub fn build(plan: &Plan) -> anyhow::Result<Self> {
        isolation::enter_for_load()?;
        let (stdin, keep_alive) = std::io::pipe()?;
        let (reports, stdout) = std::io::pipe()?;
        let mut builder =
            Builder { others: plan.others, stdin, stdout, reports, farm: Self { workers: Vec::new(), _keep_alive: keep_alive } };
        for process in (0..plan.clients).filter(|_| plan.namespaces > 0) {
            let connections = plan.connections / plan.namespaces;
            builder.start(&Job::Spread { namespaces: plan.filled_by(process).len(), connections })?;
        }
        for server in 0..plan.servers {
            let (bind, accept) = (plan.bound_by(server), plan.accepted_by(server));
            builder.start(&Job::Serve { server, bind, accept })?;
        }
        builder.wait_for(plan.servers).context("the servers do not listen")?;
        for client in (0..plan.clients).filter(|_| plan.namespaces == 0) {
            builder.start(&Job::Connect { connections: plan.made_by(client), servers: plan.servers })?;
        }
        for _ in 0..plan.idle {
            builder.start(&Job::Idle)?;
        }
        builder.wait_for(plan.processes()).context("the farm is not complete")?;
        Ok(builder.farm)
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        // All are killed before the first is waited for, so that they close their sockets in parallel.
        for worker in &mut self.workers {
            let _ = worker.kill();
        }
        for worker in &mut self.workers {
            let _ = worker.wait();
        }
    }
}

struct Builder {
    others: usize,
    stdin: PipeReader,
    stdout: PipeWriter,
    reports: PipeReader,
    farm: Farm,
}

impl Builder {
    fn start(&mut self, job: &Job) -> anyhow::Result<()> {
        let child = Command::new(std::env::current_exe()?)
            .args([WORKER.to_owned(), std::process::id().to_string(), self.others.to_string()])
            .args(job.words())
            .stdin(Stdio::from(self.stdin.try_clone()?))
            .stdout(Stdio::from(self.stdout.try_clone()?))
            .spawn()
            .context("a load generator cannot be started")?;
        self.farm.workers.push(child);
        Ok(())
    }

    /// Waits until that many stages are reported as done.
    fn wait_for(&mut self, mut missing: usize) -> anyhow::Result<()> {
        let mut heard = Instant::now();
        while missing > 0 {
            let mut polled = [PollFd::new(&self.reports, PollFlags::IN)];
            if rustix::event::poll(&mut polled, Some(&PULSE))? > 0 {
                let mut bytes = [0; 1024];
                let wanted = missing.min(bytes.len());
                missing -= self.reports.read(&mut bytes[..wanted])?;
                heard = Instant::now();
                continue;
            }
            for worker in &mut self.farm.workers {
                if let Some(status) = worker.try_wait()? {
                    bail!("a load generator ended early ({status})");
                }
            }
            // Large stages report only when they are done.
            if heard.elapsed() > PATIENCE {
                bail!("{missing} load generators have not reported for {} s", PATIENCE.as_secs());
            }
        }
        Ok(())
    }
}
