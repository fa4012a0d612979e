//! Runs a program and measures it.
#![allow(unsafe_code, reason = "only wait4 reports the usage of one child")]

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::AsFd;
use rustix::process::{Pid, PidfdFlags};
use rustix::time::ClockId;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The cost of one run.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From before the start to after the end.
    pub wall: Duration,
    /// Processor time, user and system, of all threads.
    pub cpu: Duration,
    /// The largest resident set of a program, in bytes; never less than that of this process, which forks it.
    pub peak: Option<u64>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// With this exit status, or by a signal.
    Itself(Sample, Option<i32>),
    /// Killed at the time limit.
    OutOfTime,
}

/// Where the program's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// `/dev/null`
    Null,
    /// A pipe that the bench empties.
    Pipe,
}

/// Measures an action of this process, on any number of threads.
pub fn inside(act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Sample> {
    let cpu = || Duration::try_from(rustix::time::clock_gettime(ClockId::ProcessCPUTime));
    let (start, used) = (Instant::now(), cpu()?);
    act()?;
    Ok(Sample { wall: start.elapsed(), cpu: cpu()?.saturating_sub(used), peak: None })
}

/// Runs a program to its end, or until the limit.
pub fn run(command: &mut Command, output: Output, limit: Duration) -> anyhow::Result<Ended> {
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command.stdout(match output {
        Output::Null => Stdio::null(),
        Output::Pipe => Stdio::piped(),
    });
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let in_time = follow(&mut child, start + limit);
    if !matches!(in_time, Ok(true)) {
        let _ = child.kill();
    }
    let (status, cpu, peak) = reap(&child)?;
    let wall = start.elapsed();
    if !in_time? {
        return Ok(Ended::OutOfTime);
    }
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    Ok(Ended::Itself(Sample { wall, cpu, peak: Some(peak) }, code))
}

/// Reads the child's pipe, if there is one, and waits for its end; false if the limit comes first.
fn follow(child: &mut Child, limit: Instant) -> anyhow::Result<bool> {
    if let Some(stdout) = &mut child.stdout {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if !readable(&*stdout, limit)? {
                return Ok(false);
            }
            if stdout.read(&mut buffer)? == 0 {
                break;
            }
        }
    }
    let pid = Pid::from_raw(child.id().cast_signed()).context("a child without a PID")?;
    readable(rustix::process::pidfd_open(pid, PidfdFlags::empty())?, limit)
}

fn readable(descriptor: impl AsFd, limit: Instant) -> anyhow::Result<bool> {
    let left = Timespec::try_from(limit.saturating_duration_since(Instant::now()))?;
    let ready = rustix::io::retry_on_intr(|| rustix::event::poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&left)))?;
    Ok(ready > 0)
}

/// The wait status of a child, its processor time and its largest resident set in bytes.
fn reap(child: &Child) -> anyhow::Result<(i32, Duration, u64)> {
    let mut status = 0;
    // SAFETY: a rusage of zeros is a valid one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places are valid for writing as long as the call lasts.
    let pid = unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage) };
    anyhow::ensure!(pid > 0, "a child cannot be waited for: {}", std::io::Error::last_os_error());
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    Ok((status, time(usage.ru_utime) + time(usage.ru_stime), usage.ru_maxrss.unsigned_abs() * 1024))
}
