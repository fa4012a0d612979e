//! The sockets of every network namespace by entering each and dumping its tables.
//!
//! Each dump passes the tables of the whole machine, so that this takes long with many namespaces; tables that a namespace does not
//! use are not dumped.

use super::list::{self, Found, Listed};
use crate::model::socket::{Protocol, State};
use crate::platform::linux::procfs::sockstat;
use crate::platform::linux::sockets::reader::{Reader, TableRows};
use crate::platform::linux::sockets::snapshot::jobs;
use crate::request::Query;
use rustix::thread::{CapabilitySet, LinkNameSpaceType};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Whether this user may enter other namespaces.
pub(crate) fn is_allowed() -> bool {
    let held = rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |held| held.effective);
    held.contains(CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_PTRACE)
}

/// Reads the rows of all namespaces that are listed. Those that cannot be entered are noted in the list; one that has ended is
/// none any more.
pub(crate) fn read(query: &Query, listed: &mut Listed) -> TableRows {
    let targets: Vec<(u32, Vec<PathBuf>)> = listed.iter().map(|(key, found)| (key, paths(found))).collect();
    // The thread ends in the last namespace that it entered, and never runs anything else.
    let work = move || {
        let mut all = TableRows::default();
        let mut unreadable = Vec::new();
        for (key, paths) in targets {
            match enter(&paths) {
                Ok(()) => {
                    let mut found = dump(query);
                    found.namespaces = vec![key; found.sockets.len()];
                    all.absorb(found);
                }
                Err(Ended::No) => unreadable.push(key),
                Err(Ended::Yes) => {}
            }
        }
        (all, unreadable)
    };
    let (all, unreadable) = std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, work) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(_) => (TableRows::default(), listed.keys().collect()),
    });
    listed.unreadable.extend(unreadable);
    all
}

/// Runs `work` in the network namespace with this inode; `None` if it cannot be entered.
pub(crate) fn run_in<T: Send>(inode: u32, work: impl FnOnce() -> T + Send) -> Option<T> {
    let listed = list::list(None);
    let paths = paths(listed.get(inode)?);
    // The thread ends in that namespace.
    let work = move || {
        enter(&paths).ok()?;
        // A process may have moved to another one since it was listed.
        let entered = std::fs::metadata("/proc/thread-self/ns/net").ok()?.ino();
        (entered == u64::from(inode)).then(work)
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, work).ok()?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Whether a namespace that cannot be entered has ended.
enum Ended {
    Yes,
    No,
}

/// The files by which a namespace can be entered.
fn paths(found: &Found) -> Vec<PathBuf> {
    let of_processes = found.pids.iter().map(|pid| PathBuf::from(format!("/proc/{pid}/ns/net")));
    of_processes.chain(found.path.clone()).collect()
}

fn enter(paths: &[PathBuf]) -> Result<(), Ended> {
    let mut ended = Ended::Yes;
    for path in paths {
        match File::open(path) {
            Ok(file) => match rustix::thread::move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)) {
                Ok(()) => return Ok(()),
                Err(_) => ended = Ended::No,
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => ended = Ended::No,
        }
    }
    // One that is in no process and no file that is known, as the kernel's own list has it, exists all the same.
    if paths.is_empty() { Err(Ended::No) } else { Err(ended) }
}

/// Dumps the tables that the thread's namespace uses.
fn dump(query: &Query) -> TableRows {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let uses = sockstat::protocols_in_use(&read("/proc/thread-self/net/sockstat"), &read("/proc/thread-self/net/sockstat6"));
    let mut found = TableRows::default();
    let mut reader = Reader::new(query);
    let is_used = |protocol: Protocol| match protocol {
        // Sockets that are only bound are not counted.
        Protocol::Tcp => uses.tcp || query.states.contains(State::Bound),
        Protocol::Udp => uses.udp,
    };
    for job in jobs(query).iter().filter(|job| is_used(job.kind.protocol())) {
        reader.read(job, &mut found);
    }
    found
}
