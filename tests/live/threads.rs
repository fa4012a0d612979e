//! Sockets that the first thread of a process does not have: both sources find their process, whatever the kernel refuses.

use crate::owners::owner_column;
use crate::support::namespace::Namespace;
use crate::support::program::{OwnersFrom, refusing, rnetstat, rnetstat_with_owners_from, table_of};
use crate::support::skip::{have, skipped};
use crate::support::wait::{stable_snapshot, until};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

/// A listener of a thread that left the descriptors of its process (`unshare(CLONE_FILES)`).
const OWN_TABLE: &str = "libc.unshare(0x400); serve()";
/// A listener of a process whose first thread has ended.
const LEADER_ENDS: &str = "serve()";

/// A process of that kind and the address of its listener. It ends when its input does.
fn start(thread: &str, leader: &str) -> (Child, SocketAddr) {
    let script = format!(
        "import ctypes, os, socket, threading\n\
         libc = ctypes.CDLL(None)\n\
         def serve():\n\
         \x20   server = socket.create_server(('127.0.0.1', 0))\n\
         \x20   print(server.getsockname()[1], flush=True)\n\
         \x20   os.read(0, 1)\n\
         \x20   os._exit(0)\n\
         def run(): {thread}\n\
         threading.Thread(target=run).start()\n\
         {leader}\n"
    );
    let mut child = Command::new("python3").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    (child, SocketAddr::from((Ipv4Addr::LOCALHOST, port.trim().parse().unwrap())))
}

#[test]
fn a_socket_that_only_one_thread_has_belongs_to_its_process() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have("python3") {
        return skipped("python3 is not installed").unwrap_or_default();
    }
    let ends = format!("libc.syscall({}, 0)", libc::SYS_exit);
    for (what, thread, leader) in
        [("own descriptor table", OWN_TABLE, "os.read(0, 1)"), ("ended first thread", LEADER_ENDS, &ends)]
    {
        let (mut child, address) = start(thread, leader);
        let pid = child.id();
        if leader == ends {
            let status = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            until("the first thread has ended", || status().contains(") Z "));
        }
        for source in OwnersFrom::ALL {
            let rows = table_of(&mut rnetstat_with_owners_from(source, "-ano"));
            assert_eq!(owner_column(address, &rows), pid.to_string(), "{what}, {source:?}");
        }
        for errno in [libc::EPERM, libc::ENOSYS] {
            let rows = table_of(refusing(&mut rnetstat_with_owners_from(OwnersFrom::Proc, "-ano"), libc::SYS_kcmp, None, errno));
            assert_eq!(owner_column(address, &rows), pid.to_string(), "{what}, kcmp fails with {errno}");
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}

#[test]
fn owners_come_from_proc_if_bpf_is_refused() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _fixtures = crate::support::fixtures::Fixtures::all();
    for errno in [libc::EPERM, libc::ENOSYS, libc::EINVAL, libc::ENOMEM] {
        let refused = || table_of(refusing(&mut rnetstat("-ano"), libc::SYS_bpf, None, errno));
        let (expected, mut rows) = stable_snapshot(|| table_of(&mut rnetstat("-ano")), refused);
        rows.sort();
        assert!(rows == expected, "{errno}");
    }
}
