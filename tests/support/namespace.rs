//! A network of the test's own, and what a test says when it cannot have one.
#![allow(unsafe_code)] // unshare has no safe wrapper: it changes what a thread shares with others

use serde_json::Value;
use std::cell::Cell;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The interface on which the zoo has its link-local address, with the veth pair's other end beside it.
pub const LINK: &str = "zoo0";
/// The link-local address of [`LINK`].
pub const LINK_LOCAL: &str = "fe80::2001";

/// A network namespace that the calling thread and the programs that it starts live in. It has a loopback interface, a pair
/// of linked interfaces with a link-local address, and no socket but those that the test opens.
pub struct Namespace {
    /// Every zoo belongs to this one process: while another test starts a program, its child holds this test's sockets for a
    /// moment, and those that are to be inherited for as long as it runs.
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Namespace {
    /// Enters a new namespace; `None`, and said loudly, where that is not allowed.
    pub fn enter() -> Option<Self> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !have("ip") {
            return skipped("ip (Debian package iproute2) is not installed");
        }
        // SAFETY: unshare takes no pointer, and this thread has no descriptor that depends on the namespace that it leaves.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            let error = io::Error::last_os_error();
            return skipped(&format!("a network namespace cannot be made ({error}); run as root, or under 'unshare -rn'"));
        }
        ip("link set lo up");
        ip(&format!("link add {LINK} type veth peer name zoo1"));
        for end in [LINK, "zoo1"] {
            // No address but those that the tests ask for.
            ip(&format!("link set {end} addrgenmode none"));
            ip(&format!("link set {end} up"));
        }
        ip(&format!("addr add {LINK_LOCAL}/64 dev {LINK} nodad"));
        INSIDE.set(true);
        Some(Self { _one_at_a_time: guard })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Fails where the calling thread might disturb a test that is in a namespace, by starting a program beside it.
pub fn assert_entered() {
    assert!(INSIDE.get(), "a live test starts programs in a namespace of its own");
}

/// What `act` gave between two equal statements of a witness, and that statement: nothing changed meanwhile. The order in
/// which the witness speaks does not matter.
pub fn while_still<T: Ord, R>(mut witness: impl FnMut() -> Vec<T>, mut act: impl FnMut() -> R) -> (Vec<T>, R) {
    let mut sorted = || {
        let mut statement = witness();
        statement.sort();
        statement
    };
    let mut before = sorted();
    let mut found = None;
    until("the sockets keep still", || {
        let result = act();
        let after = sorted();
        let still = before == after;
        before = after;
        found = Some(result);
        still
    });
    (before, found.unwrap())
}

/// Runs `ip` in the calling thread's namespace.
pub fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status().unwrap();
    assert!(status.success(), "ip {words}");
}

/// What `ip -json` says in the calling thread's namespace.
pub fn ip_json(words: &str) -> Vec<Value> {
    json_of(Command::new("ip").arg("-json").args(words.split(' ')))
}

/// The list that a program prints as JSON; what is no list is a list of one.
pub fn json_of(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    match serde_json::from_slice(&output.stdout).unwrap() {
        Value::Array(list) => list,
        other => vec![other],
    }
}

/// Says that a test cannot be had here; a failure where every test has to be had.
pub fn skipped<T>(reason: &str) -> Option<T> {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // eprintln would be kept back by the test harness.
    let _ = writeln!(io::stderr(), "SKIPPED: {test}: {reason}");
    assert!(std::env::var_os("RNETSTAT_NO_SKIPPING").is_none(), "{reason}");
    None
}

/// Whether a program stands in the search path.
pub fn have(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(program).is_file())
        || Path::new("/usr/sbin").join(program).is_file()
}

/// The index of an interface of the calling thread's namespace.
pub fn index_of(interface: &str) -> u32 {
    let name = std::ffi::CString::new(interface).unwrap();
    // SAFETY: the name is a string that ends with a zero and outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    assert_ne!(index, 0, "{interface}");
    index
}

/// Whether processes may be started as another user (not in a user namespace of one user).
pub fn may_change_user() -> bool {
    use std::os::unix::process::CommandExt;
    let probe = Command::new("true").uid(program_user()).stdout(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

/// The user `nobody`, who owns nothing.
pub const fn program_user() -> u32 {
    65534
}

/// Waits until `what` holds, at most for a time that no healthy machine needs.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
