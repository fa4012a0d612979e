//! A process of the bustle: it does one thing again and again, says with one byte on its standard output that it has begun,
//! logs numbers behind it, and ends when its standard input does, or its parent.
#![allow(unsafe_code, reason = "fork: a process for every child would be started too slowly by any other means")]

use super::place::Place;
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

/// One child in so many lives for a while.
const LONG_LIVED: u32 = 32;
const LONG_LIFE: Duration = Duration::from_millis(500);
/// One connection in so many is closed as most programs close theirs, and leaves a TIME_WAIT behind.
const ORDINARY: u32 = 50;
/// One connection in so many lasts that many times as long as the others.
const LASTING: u32 = 16;
/// So many connections of either kind a connector has open at a time.
const OPEN: usize = 96;

/// What one process does, and how often each second.
#[derive(Debug)]
pub(super) enum Job {
    /// Opens and closes connections to itself.
    Connect { number: u8, rate: u32 },
    /// Has children.
    Multiply { number: u8, rate: u32 },
    /// Has one child, to which it leaves its work, and so on.
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

/// The whole life of a worker; `words` are its parent's PID and the job.
pub(super) fn live(words: &[OsString]) -> anyhow::Result<()> {
    // Before anything else: whoever started this process may be gone already.
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
        _ => anyhow::bail!("a job that is none"),
    }
}

/// Says when the next thing is to be done, so that no more are done than were asked for.
struct Pace {
    began: Instant,
    rate: u32,
    done: u32,
}

impl Pace {
    fn new(rate: u32) -> Self {
        Self { began: Instant::now(), rate, done: 0 }
    }

    /// The number of the next thing to do; `None` when it is time to end.
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

/// The log begins with a byte that says that the work has begun.
fn begin() -> io::Result<BufWriter<Stdout>> {
    let mut out = BufWriter::new(io::stdout());
    out.write_all(b".")?;
    out.flush()?;
    Ok(out)
}

/// Logs how many connections there were.
fn connect(number: u8, mut pace: Pace) -> anyhow::Result<()> {
    let listener = TcpListener::bind(Place::Server(number).address())?;
    let server = listener.local_addr()?;
    let mut log = begin()?;
    let mut short = VecDeque::with_capacity(OPEN);
    let mut long = VecDeque::with_capacity(OPEN);
    while let Some(connection) = pace.next()? {
        let client = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&client, &Place::Client(number).address())?;
        rustix::net::connect(&client, &server).context("a connection is refused")?;
        let (served, _) = listener.accept()?;
        if !connection.is_multiple_of(ORDINARY) {
            rustix::net::sockopt::set_socket_linger(&served, Some(Duration::ZERO))?;
        }
        let open = if connection.is_multiple_of(LASTING) { &mut long } else { &mut short };
        open.push_back((OwnedFd::from(served), client));
        if open.len() == OPEN {
            open.pop_front();
        }
    }
    log.write_all(&pace.done.to_ne_bytes())?;
    Ok(log.flush()?)
}

/// Logs the PIDs of the children.
fn multiply(number: u8, mut pace: Pace) -> anyhow::Result<()> {
    // Children are not waited for.
    // SAFETY: no handler is set, and nothing in this process waits for a child.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let shared = TcpListener::bind(Place::Shared(number).address())?;
    let mut log = begin()?;
    while let Some(birth) = pace.next()? {
        let inherited = UdpSocket::bind(Place::Inherited(number, birth).address())?;
        let own = Place::Own(number, birth).address();
        // SAFETY: this process has one thread, and the child ends without returning from `live_briefly`.
        let child = match unsafe { libc::fork() } {
            0 => live_briefly(birth, own),
            child => child,
        };
        anyhow::ensure!(child > 0, "no child can be had: {}", io::Error::last_os_error());
        drop(inherited);
        log.write_all(&child.cast_unsigned().to_ne_bytes())?;
    }
    drop(shared);
    Ok(log.flush()?)
}

/// Logs the PIDs of all who had the listener but the first.
fn relay(number: u8, mut pace: Pace) -> anyhow::Result<()> {
    let listener = TcpListener::bind(Place::Relayed(number).address())?;
    let mut log = begin()?;
    while pace.next()?.is_some() {
        // SAFETY: this process has one thread, and nothing of it is left behind in the parent.
        match unsafe { libc::fork() } {
            0 => {
                log.write_all(&std::process::id().to_ne_bytes())?;
                log.flush()?;
            }
            child => {
                anyhow::ensure!(child > 0, "no child can be had: {}", io::Error::last_os_error());
                return Ok(());
            }
        }
    }
    drop(listener);
    Ok(())
}

/// The life of a child: it opens a socket of its own, and is gone without a word of its parent's log.
fn live_briefly(birth: u32, own: SocketAddr) -> ! {
    let socket = TcpListener::bind(own);
    if birth.is_multiple_of(LONG_LIVED) {
        std::thread::sleep(LONG_LIFE);
    }
    drop(socket);
    // SAFETY: it ends this process without running what its parent has left to run.
    unsafe { libc::_exit(0) }
}
