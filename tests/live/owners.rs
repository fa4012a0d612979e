//! Owners of sockets that are shared, inherited, in flight, or held by no process.

use crate::support::fixtures::{listener, local, new_socket};
use crate::support::namespace::{Namespace, UNPRIVILEGED_UID, may_change_user};
use crate::support::proc_fs::{holders, no_owner_found};
use crate::support::program::{OwnersFrom, bpf_serves, rnetstat, rnetstat_with_owners_from, table_of, text_of, traced};
use crate::support::skip::{have_or_skip, skipped};
use crate::support::wait::{until, with_background};
use rustix::process::{Resource, Rlimit};
use socket2::{Protocol, Socket};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A process that holds the descriptors that it inherited until it is dropped.
pub struct Holder(Child);

impl Holder {
    /// Starts one as this user.
    pub fn start() -> Self {
        Self::start_with(|command| command)
    }

    /// Starts one as the user `nobody`.
    pub fn start_as_nobody() -> Self {
        Self::start_with(|command| command.uid(UNPRIVILEGED_UID).gid(UNPRIVILEGED_UID))
    }

    fn start_with(prepare: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        // It ends when its input does, so also if this test is killed.
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(prepare(&mut command).spawn().unwrap())
    }

    /// Its PID.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The owner column of the one row with this local address.
pub fn owner_column(address: SocketAddr, rows: &[crate::support::row::Row]) -> String {
    let address = address.to_string();
    let mut rows = rows.iter().filter(|row| row.local == address && ["LISTENING", ""].contains(&row.state.as_str()));
    let row = rows.next().unwrap_or_else(|| panic!("{address} is missing"));
    assert_eq!(rows.next(), None);
    row.owner.clone()
}

/// A listener that its children inherit.
pub fn inheritable_listener() -> (Socket, SocketAddr) {
    let socket = listener(LOCALHOST);
    socket.set_cloexec(false).unwrap();
    let address = local(&socket);
    (socket, address)
}

#[test]
fn the_owner_column_has_the_lowest_pid_of_a_shared_listener() {
    let Some(_namespace) = Namespace::enter() else { return };
    for source in OwnersFrom::ALL {
        let table = || table_of(&mut rnetstat_with_owners_from(source, "-ano"));
        let (socket, address) = inheritable_listener();
        let inode = std::fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap().ino();
        let holders_of_it: [Holder; 3] = std::array::from_fn(|_| Holder::start());
        // rnetstat itself is not to inherit it.
        socket.set_cloexec(true).unwrap();
        let mut pids = holders_of_it.each_ref().map(Holder::pid);
        pids.sort_unstable();
        // PIDs may have wrapped around: a child can have a lower one than its parent.
        assert_eq!(owner_column(address, &table()), pids[0].min(std::process::id()).to_string());
        drop(socket);
        assert_eq!(holders()[&inode], pids.into());
        assert_eq!(owner_column(address, &table()), pids[0].to_string());
        let (lowest, others): (Vec<_>, Vec<_>) = holders_of_it.into_iter().partition(|holder| holder.pid() == pids[0]);
        drop(lowest);
        assert_eq!(owner_column(address, &table()), pids[1].to_string());
        drop(others);
        assert!(table().is_empty());
    }
}

#[test]
fn root_sees_owners_of_another_user() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() {
        return skipped("this process cannot become another user").unwrap_or_default();
    }
    let (socket, address) = inheritable_listener();
    let holder = Holder::start_as_nobody();
    drop(socket);
    assert_eq!(owner_column(address, &table_of(&mut rnetstat("-ano"))), holder.pid().to_string());
}

#[test]
fn a_socket_in_flight_over_a_unix_socket_has_no_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let address = local(&socket);
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    send_descriptor(&near, &socket);
    drop(socket);
    for source in OwnersFrom::ALL {
        let rows = table_of(&mut rnetstat_with_owners_from(source, "-ano"));
        assert_eq!(owner_column(address, &rows), no_owner_found(), "{source:?}");
    }
    assert!(text_of(&format!("--explain {}", address.port())).contains("in flight between two processes (SCM_RIGHTS)"));
    drop(far);
}

#[test]
fn the_search_for_a_socket_without_owner_loads_its_program_once_and_runs_it_once_more() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") || !bpf_serves() {
        return;
    }
    let socket = listener(LOCALHOST);
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    send_descriptor(&near, &socket);
    drop(socket);
    let calls = |switches: &str, displays: usize| {
        let mut command = traced(&rnetstat_with_owners_from(OwnersFrom::Bpf, switches), &["-f", "-e", "trace=bpf"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let displays_seen = lines.filter(|line| line.starts_with("Active")).take(displays).count();
        assert_eq!(displays_seen, displays);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        child.wait().unwrap();
        let count = |word| stderr.lines().filter(|line| line.contains(word) && !line.contains("= -1")).count();
        // The program that looks for users of io_uring is another one.
        (count("\"socket_owners\""), count("BPF_ITER_CREATE") - count("\"io_uring_users\""))
    };
    assert_eq!(calls("-ano", 1), (1, 2));
    // In the second and third display it is known to have no owner.
    assert_eq!(calls("-ano 1", 3), (3, 4));
    drop(far);
}

/// Sends the socket over a Unix socket (SCM_RIGHTS), where it stays until it is received.
#[allow(unsafe_code, reason = "a control message has no safe wrapper in the standard library")]
fn send_descriptor(channel: &std::os::unix::net::UnixStream, socket: &Socket) {
    let descriptor = socket.as_raw_fd();
    let mut byte = [0u8];
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let mut control = [0u64; 8];
    // SAFETY: the header is all zeroes before its fields are set; the control buffer is aligned for cmsghdr and larger than
    // one descriptor needs; every pointer outlives the call.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(descriptor);
        libc::sendmsg(channel.as_raw_fd(), &raw const message, 0)
    };
    assert_eq!(sent, 1);
}

#[test]
fn without_an_owner_column_no_process_is_scanned() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let socket = new_socket(LOCALHOST, Protocol::TCP);
    socket.bind(&LOCALHOST.into()).unwrap();
    socket.listen(1).unwrap();
    let scans = |switches: &str| {
        let output = traced(&rnetstat(switches), &["-f", "-e", "trace=%file,bpf,getdents64"]).output().unwrap();
        let calls = String::from_utf8(output.stderr).unwrap();
        assert!(calls.contains("execve"), "strace does not work here: {calls}");
        let is_scan = |call: &&str| {
            call.contains("/fd\"")
                || call.contains("socket:[")
                || call.contains("getdents64(")
                || call.contains("BPF_LINK_CREATE")
        };
        calls.lines().filter(is_scan).count()
    };
    for switches in ["-an", "-n", "-anq", "-anp tcp"] {
        assert_eq!(scans(switches), 0, "{switches}");
    }
    assert_ne!(scans("-ano"), 0);
}

#[test]
fn a_listener_disappears_with_its_last_holder() {
    let Some(_namespace) = Namespace::enter() else { return };
    let (socket, address) = inheritable_listener();
    let holder = Holder::start();
    drop(socket);
    assert_eq!(owner_column(address, &table_of(&mut rnetstat("-ano"))), holder.pid().to_string());
    drop(holder);
    until("the listener has gone with its only holder", || table_of(&mut rnetstat("-ano")).is_empty());
}

/// The highest descriptor number that the limit of this process allows, at most 60,000.
fn highest_descriptor() -> i32 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(60_001, |maximum| maximum.min(60_001));
    if limit.current.is_some_and(|current| current < wanted) {
        rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).unwrap();
    }
    i32::try_from(wanted).unwrap() - 1
}

#[test]
fn unusual_holders_are_found_by_both_sources() {
    let Some(_namespace) = Namespace::enter() else { return };
    let own = std::process::id().to_string();
    // A descriptor far behind all others.
    let dense = listener(LOCALHOST);
    let sparse_address = local(&dense);
    let sparse = rustix::io::fcntl_dupfd_cloexec(&dense, highest_descriptor()).unwrap();
    drop(dense);
    // A socket that only another process has.
    let (passed_on, passed_on_address) = inheritable_listener();
    let holder = Holder::start();
    drop(passed_on);
    // A socket of a process that has ended and has not been waited for, and of this one.
    let (shared, shared_address) = inheritable_listener();
    let mut zombie = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    shared.set_cloexec(true).unwrap();
    let status = || std::fs::read_to_string(format!("/proc/{}/stat", zombie.id())).unwrap();
    until("the process is a zombie", || status().contains(") Z "));
    for source in OwnersFrom::ALL {
        let rows = table_of(&mut rnetstat_with_owners_from(source, "-ano"));
        assert_eq!(owner_column(sparse_address, &rows), own, "{source:?}");
        assert_eq!(owner_column(passed_on_address, &rows), holder.pid().to_string(), "{source:?}");
        assert_eq!(owner_column(shared_address, &rows), own, "{source:?}");
    }
    zombie.wait().unwrap();
    drop(sparse);
}

#[test]
fn processes_that_end_during_the_scan_hide_no_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    // Each child has the socket too, until it calls exec.
    let start_and_end = || assert!(Command::new("true").status().unwrap().success());
    with_background(start_and_end, || {
        for _ in 0..20 {
            let rows = table_of(&mut rnetstat_with_owners_from(OwnersFrom::Proc, "-ano"));
            let owner: u32 = owner_column(local(&socket), &rows).parse().unwrap();
            // A child has a lower PID if PIDs have wrapped around.
            assert!((1..=std::process::id()).contains(&owner), "{rows:?}");
        }
    });
}
