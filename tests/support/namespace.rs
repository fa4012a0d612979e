//! A network namespace for each live test, and the programs that look into it.
#![allow(unsafe_code, reason = "if_nametoindex has no safe wrapper")]

use super::isolation;
use super::skip::{have_or_skip, skipped};
use serde_json::Value;
use std::cell::Cell;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One end of the veth pair of a namespace; it has a link-local address.
pub const LINK: &str = "net0";
/// The other end of the pair.
pub const PEER: &str = "net1";
/// The link-local address of [`LINK`].
pub const LINK_LOCAL: &str = "fe80::2001";

/// The user `nobody`, who owns nothing.
pub const UNPRIVILEGED_UID: u32 = 65534;

/// A network namespace that the calling thread and the programs that it starts live in. It has a loopback interface, a veth
/// pair with a link-local address, and no sockets but those that the test opens.
pub struct Namespace {
    /// All live tests share one process: while one test starts a program, the child holds the sockets of all tests until it
    /// calls exec, and those that are inheritable for as long as it runs.
    _serial: MutexGuard<'static, ()>,
}

impl Namespace {
    /// Enters a new namespace; `None`, reported as skipped, if that is not allowed.
    pub fn enter() -> Option<Self> {
        static SERIAL: Mutex<()> = Mutex::new(());
        let guard = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
        if !have_or_skip("ip", "iproute2") {
            return None;
        }
        if let Err(error) = isolation::enter() {
            return skipped(&format!("a network namespace cannot be made ({error}); run as root, or under 'unshare -rn'"));
        }
        ip(&format!("link add {LINK} type veth peer name {PEER}"));
        for end in [LINK, PEER] {
            // No address but those that the tests ask for.
            ip(&format!("link set {end} addrgenmode none"));
            ip(&format!("link set {end} up"));
        }
        ip(&format!("addr add {LINK_LOCAL}/64 dev {LINK} nodad"));
        INSIDE.set(true);
        Some(Self { _serial: guard })
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

/// Fails if the calling thread is in no namespace of its own: a program that it starts would disturb the test that is.
pub fn assert_entered() {
    assert!(INSIDE.get(), "a live test starts programs in a namespace of its own");
}

/// Runs `ip` in the calling thread's namespace.
pub fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status().unwrap();
    assert!(status.success(), "ip {words}");
}

/// The answer of `ip -json` in the calling thread's namespace.
pub fn ip_json(words: &str) -> Vec<Value> {
    json_of(Command::new("ip").arg("-json").args(words.split(' ')))
}

/// The list that a program prints as JSON; any other value is a list of one.
pub fn json_of(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    match serde_json::from_slice(&output.stdout).unwrap() {
        Value::Array(list) => list,
        other => vec![other],
    }
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
    let probe = Command::new("true").uid(UNPRIVILEGED_UID).stdout(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}
