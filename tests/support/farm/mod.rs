//! A farm: processes with sockets and other descriptors, in a network namespace of its own, that stands until it is dropped.
//!
//! The processes are this program itself, started again with a hidden first argument: a program that builds farms hands
//! its arguments to [`live_as_worker`] before it looks at them.

mod plan;
#[path = "generator.rs"]
mod worker;

pub use plan::Plan;

use crate::namespace;
use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::ffi::OsString;
use std::io::{PipeReader, PipeWriter, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use worker::Job;

/// The first argument of a worker.
const WORKER: &str = "farm-worker";
/// How often workers that are silent are looked after.
const PULSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// How long all of them may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lives the life of a farm's worker, if that is what the arguments (without the program's name) ask for.
pub fn live_as_worker(words: &[OsString]) -> Option<ExitCode> {
    let (first, words) = words.split_first()?;
    (first == WORKER).then(|| match worker::live(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("a worker of the farm gives up: {error:#}");
            ExitCode::FAILURE
        }
    })
}

/// A farm that stands. Dropping it ends its processes and waits for them.
#[derive(Debug)]
pub struct Farm {
    workers: Vec<Child>,
    /// Every worker lives until this end of its standard input is closed.
    _life: PipeWriter,
}

impl Farm {
    /// Moves the calling thread into a new network namespace and builds a farm there; returns when all of it stands.
    pub fn build(plan: &Plan) -> anyhow::Result<Self> {
        namespace::enter_a_new_one()?;
        let (stdin, life) = std::io::pipe()?;
        let (reports, stdout) = std::io::pipe()?;
        let mut builder =
            Builder { others: plan.others, stdin, stdout, reports, farm: Self { workers: Vec::new(), _life: life } };
        for server in 0..plan.servers {
            let (bind, accept) = (plan.bound_by(server), plan.accepted_by(server));
            builder.start(&Job::Serve { server, bind, accept })?;
        }
        builder.wait_for(plan.servers).context("the servers do not listen")?;
        for client in 0..plan.clients {
            builder.start(&Job::Connect { connections: plan.made_by(client), servers: plan.servers })?;
        }
        for _ in 0..plan.idle {
            builder.start(&Job::Idle)?;
        }
        builder.wait_for(plan.processes()).context("the farm does not come up")?;
        Ok(builder.farm)
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        // All at once, then one after another: they take their sockets down side by side.
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
            .context("a worker cannot be started")?;
        self.farm.workers.push(child);
        Ok(())
    }

    /// Waits until so many stages are reported done.
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
                    bail!("a worker ended early ({status})");
                }
            }
            // The large stages report only at their end, so silence alone is no sign of trouble for a while.
            if heard.elapsed() > PATIENCE {
                bail!("{missing} workers have not reported for {} s", PATIENCE.as_secs());
            }
        }
        Ok(())
    }
}
