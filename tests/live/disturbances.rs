//! Events during a run: system calls that fail, signals at any moment.

use crate::owners::owner_column;
use crate::support::fixtures::{listener, local};
use crate::support::namespace::Namespace;
use crate::support::program::{OwnersFrom, rnetstat, rnetstat_with_owners_from, traced};
use crate::support::row::parse;
use crate::support::signals::end_children_at_interrupt;
use crate::support::skip::have_or_skip;
use crate::support::wait::until;
use rustix::process::{Pid, Signal};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_failed_system_call_costs_at_most_an_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let own = std::process::id().to_string();
    // Every third, fourth, fifth … call fails as if a process had just ended, or a resource were exhausted.
    let calls = ["openat:error=ENOENT", "openat:error=EMFILE", "getdents64:error=ENOENT", "getdents64:error=ENOMEM"];
    let calls = calls.into_iter().chain(["readlinkat:error=ENOENT", "readlinkat:error=ENOMEM", "recvfrom:error=ENOBUFS"]);
    for (number, call) in calls.enumerate() {
        let program = rnetstat_with_owners_from(OwnersFrom::Proc, "-ano");
        // The first calls belong to the dynamic loader.
        let fault = format!("inject={call}:when={}+{}", 12, 3 + number % 3);
        let output = traced(&program, &["-f", "-o", "/dev/null", "-e", &fault]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""), "{call}");
        let owner = owner_column(local(&socket), &parse(&String::from_utf8(output.stdout).unwrap(), true));
        // Unknown is always right. "No owner" is right only if the process seemed to have ended.
        let none = if call.ends_with("ENOENT") { "0" } else { "-" };
        let allowed = [own.as_str(), "-", none];
        assert!(allowed.contains(&owner.as_str()), "{call}: {owner}");
    }
}

#[test]
fn an_interrupted_request_is_sent_again_and_a_refused_uname_or_geteuid_is_no_panic() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let whole = rnetstat("--summary").output().unwrap();
    for fault in ["sendto:error=EINTR:when=1", "recvfrom:error=EINTR:when=1", "uname:error=EPERM", "geteuid:error=EPERM"] {
        let options = ["-f", "-o", "/dev/null", "-e", &format!("inject={fault}")];
        let output = traced(&rnetstat("--summary"), &options).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{fault}");
        assert_eq!((output.status.code(), output.stdout == whole.stdout), (Some(0), true), "{fault}");
    }
}

fn signal(child: &Child, signal: Signal) {
    // It may have ended already, but its PID is not free before it is waited for.
    let _ = rustix::process::kill_process(Pid::from_child(child), signal);
}

fn start(switches: &str) -> Child {
    rnetstat(switches).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Its stdout, its stderr, its status and the signal that ended it.
fn end(mut child: Child) -> (String, String, Option<i32>, Option<i32>) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    (stdout, stderr, status.code(), status.signal())
}

/// Moments spread over the time that a run takes.
fn moments() -> impl Iterator<Item = Duration> {
    let begun = Instant::now();
    let _ = end(start("-ano"));
    let whole = begun.elapsed();
    (0..8).map(move |eighth| whole * eighth / 8)
}

#[test]
fn harmless_signals_do_not_change_the_output() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let whole = end(start("-ano"));
    assert_eq!((whole.1.as_str(), whole.2), ("", Some(0)));
    for moment in moments() {
        let child = start("-ano");
        std::thread::sleep(moment);
        for harmless in [Signal::WINCH, Signal::STOP, Signal::CONT] {
            signal(&child, harmless);
        }
        assert_eq!(end(child), whole, "{moment:?}");
    }
}

#[test]
fn an_interrupt_at_any_moment_ends_a_run_silently() {
    let Some(_namespace) = Namespace::enter() else { return };
    end_children_at_interrupt();
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let whole = end(start("-ano")).0;
    for moment in moments() {
        for switches in ["-ano", "-ano 1"] {
            let child = start(switches);
            std::thread::sleep(moment);
            signal(&child, Signal::INT);
            let (printed, stderr, status, ended_by) = end(child);
            // An interval ends with status 0 once its handler for CTRL+C is installed.
            assert!(status == Some(0) || ended_by == Some(libc::SIGINT), "{switches}: {status:?} {ended_by:?}");
            assert_eq!(stderr, "", "{switches}");
            assert!(printed.is_empty() || printed.repeat(9).starts_with(&whole), "{switches}: {printed}");
        }
    }
}

#[test]
fn an_interval_continues_after_harmless_signals() {
    let Some(_namespace) = Namespace::enter() else { return };
    end_children_at_interrupt();
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let one = end(start("-ano")).0;
    let mut child = start("-ano 1");
    let mut stdout = child.stdout.take().unwrap();
    let mut first = vec![0; one.len()];
    stdout.read_exact(&mut first).unwrap();
    // Now it pauses. SIGPIPE is harmless: a closed pipe is noticed by the write that fails.
    for harmless in [Signal::WINCH, Signal::PIPE, Signal::STOP, Signal::CONT, Signal::WINCH] {
        signal(&child, harmless);
    }
    let mut second = vec![0; one.len()];
    stdout.read_exact(&mut second).unwrap();
    assert_eq!([String::from_utf8(first).unwrap(), String::from_utf8(second).unwrap()], [one.clone(), one]);
    signal(&child, Signal::INT);
    until("it has ended", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
