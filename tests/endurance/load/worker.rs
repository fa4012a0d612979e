//! A process of the load: it repeats one job, writes one byte to its standard output when it is ready and numbers after that, and
//! ends when its standard input or its parent does.
#![allow(unsafe_code, reason = "fork: anything else starts processes too slowly")]

use super::origin::Origin;
use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{AddressFamily, SocketType};
use rustix::process::Signal;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufWriter, Stdout, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// One child in this many lives longer than the others.
const LONG_LIVED: u32 = 32;
const LONG_LIFE: Duration = Duration::from_millis(500);
/// One connection in this many is closed without a reset and leaves a TIME_WAIT behind.
const ORDINARY: u32 = 50;
/// One connection in this many lives that many times as long as the others.
const LASTING: u32 = 16;
/// How many connections of either kind a connector has open at a time.
const OPEN: usize = 96;

/// The job of a process, and its rate per second.
#[derive(Debug)]
pub(super) enum Job {
    /// Opens and closes connections to itself.
    Connect { number: u8, rate: u32 },
    /// Forks children.
    Multiply { number: u8, rate: u32 },
    /// Forks one child, which takes over the job, and so on.
    Relay { number: u8, rate: u32 },
}

impl Job {
    /// The job as words of a command line.
    pub(super) fn words(&self) -> [String; 3] {
        let (name, number, rate) = match self {
            Self::Connect { number, rate } => ("connect", number, rate),
            Self::Multiply { number, rate } => ("multiply", number, rate),
            Self::Relay { number, rate } => ("relay", number, rate),
        };
        [name.to_owned(), number.to_string(), rate.to_string()]
    }
}

/// Runs a worker; `words` are its parent's PID and the job.
pub(super) fn run(words: &[OsString]) -> anyhow::Result<()> {
    // Before anything else: the parent may have ended already.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let [parent, name, number, rate] = words[..] else { anyhow::bail!("a worker without a job") };
    let parent: i32 = parent.parse()?;
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return Ok(());
    }
    let (number, pace) = (number.parse()?, Pace::new(rate.parse()?));
    match name {
        "connect" => connect(number, pace),
        "multiply" => multiply(number, pace),
        "relay" => relay(number, pace),
        _ => anyhow::bail!("an unknown job"),
    }
}

/// Limits the rate of a job.
struct Pace {
    began: Instant,
    rate: u32,
    done: u32,
}

impl Pace {
    fn new(rate: u32) -> Self {
        Self { began: Instant::now(), rate, done: 0 }
    }

    /// Waits until the next one is due: its number, or `None` when standard input has ended.
    fn next(&mut self) -> anyhow::Result<Option<u32>> {
        let due = self.began + Duration::from_secs(1).mul_f64(f64::from(self.done) / f64::from(self.rate.max(1)));
        let wait = Timespec::try_from(due.saturating_duration_since(Instant::now()))?;
        let stdin = io::stdin();
        if rustix::io::retry_on_intr(|| rustix::event::poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait)))? > 0 {
            return Ok(None);
        }
        self.done += 1;
        Ok(Some(self.done - 1))
    }
}

/// Opens the log and reports that the worker is ready.
fn begin() -> io::Result<BufWriter<Stdout>> {
    let mut out = BufWriter::new(io::stdout());
    out.write_all(b".")?;
    out.flush()?;
    Ok(out)
}

/// Logs the number of connections.
fn connect(number: u8, mut pace: Pace) -> anyhow::Result<()> {
    let listener = TcpListener::bind(Origin::Server(number).address())?;
    let server = listener.local_addr()?;
    let mut log = begin()?;
    let mut short = VecDeque::with_capacity(OPEN);
    let mut long = VecDeque::with_capacity(OPEN);
    while let Some(connection) = pace.next()? {
        let client = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&client, &Origin::Client(number).address())?;
        rustix::net::connect(&client, &server).context("a connection is refused")?;
        let (accepted, _) = listener.accept()?;
        if !connection.is_multiple_of(ORDINARY) {
            rustix::net::sockopt::set_socket_linger(&accepted, Some(Duration::ZERO))?;
        }
        let open = if connection.is_multiple_of(LASTING) { &mut long } else { &mut short };
        open.push_back((OwnedFd::from(accepted), client));
        if open.len() == OPEN {
            open.pop_front();
        }
    }
    log.write_all(&pace.done.to_ne_bytes())?;
    Ok(log.flush()?)
}

/// Logs the PIDs of the children.
fn multiply(number: u8, mut pace: Pace) -> anyhow::Result<()> {
    // The kernel reaps the children.
    // SAFETY: no handler is set, and nothing in this process waits for a child.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let shared = TcpListener::bind(Origin::Shared(number).address())?;
    let mut log = begin()?;
    while let Some(birth) = pace.next()? {
        let inherited = UdpSocket::bind(Origin::Inherited(number, birth).address())?;
        let own = Origin::Own(number, birth).address();
        // SAFETY: this process has one thread, and the child ends without returning from `run_child`.
        let child = match unsafe { libc::fork() } {
            0 => run_child(birth, own),
            child => child,
        };
        anyhow::ensure!(child > 0, "fork failed: {}", io::Error::last_os_error());
        drop(inherited);
        log.write_all(&child.cast_unsigned().to_ne_bytes())?;
    }
    drop(shared);
    Ok(log.flush()?)
}

/// Logs the PIDs of all processes that had the listener but the first.
fn relay(number: u8, mut pace: Pace) -> anyhow::Result<()> {
    let listener = TcpListener::bind(Origin::Relayed(number).address())?;
    let mut log = begin()?;
    while pace.next()?.is_some() {
        // SAFETY: this process has one thread, and nothing of it is left behind in the parent.
        match unsafe { libc::fork() } {
            0 => {
                log.write_all(&std::process::id().to_ne_bytes())?;
                log.flush()?;
            }
            child => {
                anyhow::ensure!(child > 0, "fork failed: {}", io::Error::last_os_error());
                return Ok(());
            }
        }
    }
    drop(listener);
    Ok(())
}

/// Runs a child: it opens a socket of its own, and ends without flushing the log of its parent.
fn run_child(birth: u32, own: SocketAddr) -> ! {
    let socket = TcpListener::bind(own);
    if birth.is_multiple_of(LONG_LIVED) {
        std::thread::sleep(LONG_LIFE);
    }
    drop(socket);
    // SAFETY: _exit takes no pointer; it runs no destructors, which belong to the parent.
    unsafe { libc::_exit(0) }
}
