//! Owners that are forged, shared by processes with one table of files, or registered with an io_uring; sources that cannot serve.
#![allow(unsafe_code, reason = "clone, io_uring and mounts have no safe wrappers")]

use crate::owners::Holder;
use crate::support::fixtures::{listener, local};
use crate::support::namespace::Namespace;
use crate::support::program::{
    OwnersFrom, killed_at, refusing, rnetstat, rnetstat_with_owners_from, with_files, with_proc_of_processes, without_netlink,
};
use crate::support::skip::skipped;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit};
use serde_json::Value;
use socket2::Socket;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The JSON document that a command prints; it has to succeed.
fn document(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The owners of the one socket with this local port.
fn owners_of(port: u16, source: OwnersFrom) -> BTreeSet<u32> {
    let document = document(&mut rnetstat_with_owners_from(source, &format!("--json -a -n --port {port}")));
    let [row] = document["sockets"].as_array().unwrap().as_slice() else { panic!("{document}") };
    row["owners"].as_array().unwrap().iter().map(|owner| owner["pid"].as_u64().unwrap() as u32).collect()
}

#[test]
fn a_descriptor_opened_by_o_path_does_not_make_an_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    // Inherited by the holder, which does not have the socket itself.
    let path = format!("/proc/thread-self/fd/{}", socket.as_raw_fd());
    let decoy = rustix::fs::open(path, OFlags::PATH, Mode::empty()).unwrap();
    let _holder = Holder::start();
    drop(decoy);
    for source in OwnersFrom::ALL {
        assert_eq!(owners_of(local(&socket).port(), source), BTreeSet::from([std::process::id()]), "{source:?}");
    }
}

/// A process that shares the table of files of this one; it is killed when this is dropped.
struct Sharer(libc::pid_t);

impl Sharer {
    fn start() -> Self {
        let flags = libc::c_long::from(libc::CLONE_FILES | libc::SIGCHLD);
        let none: libc::c_long = 0;
        // SAFETY: without a stack of its own the child goes on like that of `fork`; it makes async-signal-safe calls only.
        match unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) } {
            // SAFETY: both calls are async-signal-safe; the second is not reached unless the first fails.
            0 => unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                loop {
                    libc::pause();
                }
            },
            pid => Self(libc::pid_t::try_from(pid).unwrap()),
        }
    }

    fn pid(&self) -> u32 {
        self.0.try_into().unwrap()
    }
}

impl Drop for Sharer {
    fn drop(&mut self) {
        // SAFETY: the child has not been waited for, so that its PID is its own.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

#[test]
fn processes_that_share_a_table_of_files_all_own_its_sockets() {
    let Some(_namespace) = Namespace::enter() else { return };
    let limit = rustix::process::getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < 1000) {
        let current = limit.maximum.map_or(1000, |maximum| maximum.min(1000));
        rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit }).unwrap();
    }
    let socket = listener(LOCALHOST);
    let port = local(&socket).port();
    // The scan recognises large tables alone.
    let mut many = Vec::new();
    for count in [0, 400] {
        many.extend((0..count).map(|_| rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap()));
        let sharers: [Sharer; 3] = std::array::from_fn(|_| Sharer::start());
        let expected: BTreeSet<u32> = sharers.iter().map(Sharer::pid).chain([std::process::id()]).collect();
        for source in OwnersFrom::ALL {
            assert_eq!(owners_of(port, source), expected, "{source:?}, {count} descriptors more");
        }
        // One of them goes, and another has the socket in a table of its own.
        let [first, second, third] = sharers;
        drop(first);
        socket.set_cloexec(false).unwrap();
        let holder = Holder::start();
        socket.set_cloexec(true).unwrap();
        let expected = BTreeSet::from([std::process::id(), second.pid(), third.pid(), holder.pid()]);
        for source in OwnersFrom::ALL {
            assert_eq!(owners_of(port, source), expected, "{source:?}, {count} descriptors more, a process less");
        }
    }
}

#[test]
fn a_socket_that_was_duplicated_many_times_has_one_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let copies: Vec<Socket> = (0..300).map(|_| socket.try_clone().unwrap()).collect();
    for source in OwnersFrom::ALL {
        assert_eq!(owners_of(local(&socket).port(), source), BTreeSet::from([std::process::id()]), "{source:?}");
    }
    drop(copies);
}

/// An io_uring with which a socket is registered; `None` if this kernel has no io_uring or forbids it.
fn ring_with(socket: &Socket) -> Option<OwnedFd> {
    const IORING_REGISTER_FILES: libc::c_uint = 2;
    let mut parameters = [0u32; 30]; // struct io_uring_params
    // SAFETY: the parameters are as large as the kernel's structure, and outlive the call.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    let ring = i32::try_from(ring).ok().filter(|&ring| ring >= 0)?;
    // SAFETY: the descriptor is new.
    let ring = unsafe { OwnedFd::from_raw_fd(ring) };
    let files = [socket.as_raw_fd()];
    // SAFETY: the list has as many descriptors as the call is told, and outlives it.
    let registered = unsafe {
        libc::syscall(libc::SYS_io_uring_register, ring.as_raw_fd(), IORING_REGISTER_FILES, files.as_ptr(), files.len())
    };
    (registered == 0).then_some(ring)
}

#[test]
fn a_socket_that_only_an_io_uring_holds_belongs_to_the_process_of_the_ring() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let port = local(&socket).port();
    let Some(ring) = ring_with(&socket) else { return skipped("io_uring is not available").unwrap_or_default() };
    drop(socket);
    for source in OwnersFrom::ALL {
        assert_eq!(owners_of(port, source), BTreeSet::from([std::process::id()]), "{source:?}");
    }
    drop(ring);
}

#[test]
fn a_forced_source_that_cannot_serve_is_status_2() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _socket = UdpSocket::bind(LOCALHOST).unwrap();
    let forced = |switches: &str| {
        let output = refusing(&mut rnetstat(switches), libc::SYS_bpf, None, libc::EPERM).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, stderr) = forced("-ano --owners-from bpf");
    assert_eq!(status, Some(2), "{stderr}");
    assert!(stderr.starts_with("rnetstat: owners cannot be read by eBPF programs: "), "{stderr}");
    assert_eq!(forced("-ano --owners-from proc").0, Some(0));
    assert_eq!(forced("-ano --owners-from auto").0, Some(0));
    let output = without_netlink(&mut rnetstat("-an --sockets-from netlink")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn under_a_seccomp_filter_that_kills_at_bpf_owners_come_from_proc() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    // As many processes as make BPF the cheaper way.
    let _holders: Vec<Holder> = (0..64).map(|_| Holder::start()).collect();
    let output = killed_at(&mut rnetstat("-ano"), libc::SYS_bpf).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}", output.status);
    assert!(String::from_utf8(output.stdout).unwrap().contains(&local(&socket).to_string()));
}

#[test]
fn a_proc_that_shows_processes_alone_and_no_netlink_leave_the_table_complete() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let udp = UdpSocket::bind(LOCALHOST).unwrap();
    let mut command = rnetstat("--json -a -n");
    let document = document(without_netlink(with_proc_of_processes(&mut command)));
    assert_eq!(document["complete"], true, "{document}");
    let ports: BTreeSet<u64> =
        document["sockets"].as_array().unwrap().iter().map(|row| row["local"]["port"].as_u64().unwrap()).collect();
    assert_eq!(ports, BTreeSet::from([local(&socket), udp.local_addr().unwrap()].map(|address| address.port().into())));
}

#[test]
fn a_table_without_its_heading_is_unreadable_and_not_empty() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _socket = listener(LOCALHOST);
    // Nothing can be mounted over a file of the real /proc/self/net.
    let folder = std::env::temp_dir().join(format!("rnetstat-proc-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("self/net")).unwrap();
    for table in ["tcp", "tcp6"] {
        std::fs::write(folder.join("self/net").join(table), "").unwrap();
    }
    let mut command = rnetstat("-an -p tcp --sockets-from proc");
    with_files(&mut command, &[(&folder, "/proc")]);
    let output = command.output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("/proc/self/net/tcp: the heading is missing"), "{stderr}");
}
