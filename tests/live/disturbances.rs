//! What happens while the program runs: system calls that fail, signals at any moment.

use crate::namespace::{Namespace, have, skipped, until};
use crate::owners::owner_of;
use crate::program::{Way, rnetstat, rnetstat_by};
use crate::row::parse;
use crate::zoo::{listener, local};
use rustix::process::{Pid, Signal};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_system_call_that_fails_anywhere_costs_at_most_an_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have("strace") {
        return skipped("strace (Debian package strace) is not installed").unwrap_or_default();
    }
    let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let own = std::process::id().to_string();
    // Every third, fourth, fifth … call fails as if the process had just ended, or as if something were used up.
    let calls = ["openat:error=ENOENT", "openat:error=EMFILE", "getdents64:error=ENOENT", "getdents64:error=ENOMEM"];
    let calls = calls.into_iter().chain(["readlinkat:error=ENOENT", "readlinkat:error=ENOMEM", "recvfrom:error=ENOBUFS"]);
    for (number, call) in calls.enumerate() {
        let program = rnetstat_by(Way::Walk, "-ano");
        let output = Command::new("strace")
            // The first calls are the loader's.
            .args(["-f", "-o", "/dev/null", "-e", &format!("inject={call}:when={}+{}", 12, 3 + number % 3)])
            .arg(program.get_program())
            .args(program.get_args())
            .env("RNETSTAT_OWNERS", "walk")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{call}");
        let owner = owner_of(local(&socket), &parse(&String::from_utf8(output.stdout).unwrap(), true));
        // Not to know is always true. That nobody has it may be said only where the process seemed to have ended.
        let nobody = if call.ends_with("ENOENT") { "0" } else { "-" };
        let allowed = [own.as_str(), "-", nobody];
        assert!(allowed.contains(&owner.as_str()), "{call}: {owner}");
    }
}

fn signal(child: &Child, signal: Signal) {
    // It may have ended already, but nobody has asked for its status yet.
    let _ = rustix::process::kill_process(Pid::from_child(child), signal);
}

fn start(switches: &str) -> Child {
    rnetstat(switches).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What it printed, what it said, its status and the signal that ended it.
fn end(mut child: Child) -> (String, String, Option<i32>, Option<i32>) {
    let (mut printed, mut said) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    (printed, said, status.code(), status.signal())
}

/// Moments spread over the time that a run takes.
fn moments() -> impl Iterator<Item = Duration> {
    let begun = Instant::now();
    let _ = end(start("-ano"));
    let whole = begun.elapsed();
    (0..8).map(move |eighth| whole * eighth / 8)
}

#[test]
fn signals_that_mean_nothing_change_nothing() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let whole = end(start("-ano"));
    assert_eq!((whole.1.as_str(), whole.2), ("", Some(0)));
    for moment in moments() {
        let child = start("-ano");
        std::thread::sleep(moment);
        for meaningless in [Signal::WINCH, Signal::STOP, Signal::CONT] {
            signal(&child, meaningless);
        }
        assert_eq!(end(child), whole, "{moment:?}");
    }
}

#[test]
fn an_interrupt_at_any_moment_ends_it_without_a_word() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let whole = end(start("-ano")).0;
    for moment in moments() {
        for switches in ["-ano", "-ano 1"] {
            let child = start(switches);
            std::thread::sleep(moment);
            signal(&child, Signal::INT);
            let (printed, said, status, ended_by) = end(child);
            // An interval has its status 0 from the moment on at which it watches for CTRL+C.
            assert!(status == Some(0) || ended_by == Some(libc::SIGINT), "{switches}: {status:?} {ended_by:?}");
            assert_eq!(said, "", "{switches}");
            assert!(printed.is_empty() || printed.repeat(9).starts_with(&whole), "{switches}: {printed}");
        }
    }
}

#[test]
fn an_interval_goes_on_after_signals_that_mean_nothing() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let one = end(start("-ano")).0;
    let mut child = start("-ano 1");
    let mut stdout = child.stdout.take().unwrap();
    let mut first = vec![0; one.len()];
    stdout.read_exact(&mut first).unwrap();
    // Now it waits. A pipe signal is nobody's business here: a closed pipe shows in the writing.
    for meaningless in [Signal::WINCH, Signal::PIPE, Signal::STOP, Signal::CONT, Signal::WINCH] {
        signal(&child, meaningless);
    }
    let mut second = vec![0; one.len()];
    stdout.read_exact(&mut second).unwrap();
    assert_eq!([String::from_utf8(first).unwrap(), String::from_utf8(second).unwrap()], [one.clone(), one]);
    signal(&child, Signal::INT);
    until("it has ended", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
