//! A load generator: it opens its sockets, reports each stage with one byte on its standard output, and runs until its standard
//! input or its parent ends.

use super::plan::Plan;
use crate::support::isolation;
use anyhow::Context;
use rustix::process::{Resource, Rlimit, Signal};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The job of a process.
#[derive(Debug)]
pub(super) enum Job {
    /// Listens as the server with this number, binds UDP sockets and accepts connections.
    Serve { server: usize, bind: usize, accept: usize },
    /// Opens the connections with these numbers, distributed over the servers.
    Connect { connections: Range<usize>, servers: usize },
    /// Makes this many network namespaces, each with a listener and connections to it.
    Spread { namespaces: usize, connections: usize },
    /// Nothing.
    Idle,
}

impl Job {
    /// The job as words of a command line.
    pub(super) fn words(&self) -> Vec<String> {
        let (name, numbers) = match self {
            Job::Serve { server, bind, accept } => ("serve", vec![*server, *bind, *accept]),
            Job::Connect { connections, servers } => ("connect", vec![connections.start, connections.end, *servers]),
            Job::Spread { namespaces, connections } => ("spread", vec![*namespaces, *connections]),
            Job::Idle => ("idle", Vec::new()),
        };
        [name.to_owned()].into_iter().chain(numbers.iter().map(usize::to_string)).collect()
    }

    fn of_words(name: &str, numbers: &[usize]) -> Option<Self> {
        match (name, numbers) {
            ("serve", &[server, bind, accept]) => Some(Job::Serve { server, bind, accept }),
            ("connect", &[start, end, servers]) => Some(Job::Connect { connections: start..end, servers }),
            ("spread", &[namespaces, connections]) => Some(Job::Spread { namespaces, connections }),
            ("idle", []) => Some(Job::Idle),
            _ => None,
        }
    }

    fn sockets(&self) -> usize {
        match self {
            Job::Serve { bind, accept, .. } => 1 + bind + accept,
            Job::Connect { connections, .. } => connections.len(),
            Job::Spread { namespaces, connections } => namespaces * (1 + 2 * connections),
            Job::Idle => 0,
        }
    }
}

/// Runs a load generator; `words` are its parent's PID, the number of other descriptors, and the job.
pub(super) fn run(words: &[OsString]) -> anyhow::Result<()> {
    // Before anything else: the parent may have ended already.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let [parent, others, name, numbers @ ..] = &words[..] else { anyhow::bail!("a load generator without a job") };
    let parent: i32 = parent.parse()?;
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return Ok(());
    }
    let others: usize = others.parse()?;
    let numbers = numbers.iter().map(|number| number.parse()).collect::<Result<Vec<usize>, _>>()?;
    let job = Job::of_words(name, &numbers).context("an unknown job")?;

    allow_descriptors((job.sockets() + others + 64) as u64)?;
    let mut kept = Vec::with_capacity(job.sockets() + others);
    open_others(others, &mut kept)?;
    match job {
        Job::Serve { server, bind, accept } => serve(server, bind, accept, &mut kept),
        Job::Connect { connections, servers } => connect(connections, servers, &mut kept),
        Job::Spread { namespaces, connections } => spread(namespaces, connections, &mut kept),
        Job::Idle => Ok(()),
    }?;
    report()?;
    // Blocks until the farm is dropped.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn allow_descriptors(wanted: u64) -> anyhow::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
        rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
            .with_context(|| format!("{wanted} descriptors in one process exceed the limit: use more processes"))?;
    }
    Ok(())
}

/// Opens files and pipes alternately.
fn open_others(others: usize, kept: &mut Vec<OwnedFd>) -> std::io::Result<()> {
    let wanted = kept.len() + others;
    while kept.len() < wanted {
        kept.push(File::open("/dev/null")?.into());
        let (reader, writer) = std::io::pipe()?;
        kept.extend([OwnedFd::from(reader), OwnedFd::from(writer)]);
    }
    kept.truncate(wanted);
    Ok(())
}

fn serve(server: usize, bind: usize, accept: usize, kept: &mut Vec<OwnedFd>) -> anyhow::Result<()> {
    let address = Plan::listener(server);
    let listener = TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;
    // The standard library asks for a short backlog; here all clients may connect at once.
    rustix::net::listen(&listener, i32::try_from(accept)?.max(1))?;
    for _ in 0..bind {
        kept.push(UdpSocket::bind(SocketAddr::new(address.ip(), 0))?.into());
    }
    report()?;
    for _ in 0..accept {
        let (stream, _) = listener.accept()?;
        close_with_reset(&stream)?;
        kept.push(stream.into());
    }
    kept.push(listener.into());
    Ok(())
}

fn connect(connections: Range<usize>, servers: usize, kept: &mut Vec<OwnedFd>) -> anyhow::Result<()> {
    for connection in connections {
        let address = Plan::listener(connection % servers);
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        close_with_reset(&stream)?;
        kept.push(stream.into());
    }
    Ok(())
}

fn spread(namespaces: usize, connections: usize, kept: &mut Vec<OwnedFd>) -> anyhow::Result<()> {
    for _ in 0..namespaces {
        isolation::enter()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        for _ in 0..connections {
            let client = TcpStream::connect(listener.local_addr()?)?;
            let (accepted, _) = listener.accept()?;
            close_with_reset(&client)?;
            close_with_reset(&accepted)?;
            kept.extend([OwnedFd::from(client), OwnedFd::from(accepted)]);
        }
        kept.push(listener.into());
    }
    Ok(())
}

/// Makes the kernel discard the socket at once when it is closed: its table is shared by all namespaces, and a minute of TIME_WAIT
/// would slow the next measurement down.
fn close_with_reset(stream: &TcpStream) -> std::io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?)
}

/// Reports that a stage is done.
fn report() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(b".")?;
    out.flush()
}
