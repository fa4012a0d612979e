//! Sockets that the first thread of a process does not have: both ways find their process, whatever the kernel refuses.

use crate::namespace::{Namespace, have, skipped};
use crate::owners::owner_of;
use crate::program::{Way, refusing, rnetstat, rnetstat_by, table_of};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

/// A listener of a thread that left the descriptors of its process (`unshare(CLONE_FILES)`).
const OWN_TABLE: &str = "libc.unshare(0x400); serve()";
/// A listener of a process whose first thread has ended.
const LEADER_ENDS: &str = "serve()";

/// A process of that kind, and where it listens. It ends when its input does.
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
fn a_socket_of_one_thread_alone_belongs_to_its_process() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have("python3") {
        return skipped("python3 is not installed").unwrap_or_default();
    }
    let ends = format!("libc.syscall({}, 0)", libc::SYS_exit);
    for (what, thread, leader) in [("its own table", OWN_TABLE, "os.read(0, 1)"), ("no leader", LEADER_ENDS, &ends)] {
        let (mut child, address) = start(thread, leader);
        let pid = child.id();
        if leader == ends {
            let status = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            crate::namespace::until("the first thread has ended", || status().contains(") Z "));
        }
        for way in Way::ALL {
            let rows = table_of(&mut rnetstat_by(way, "-ano"));
            assert_eq!(owner_of(address, &rows), pid.to_string(), "{what}, {way:?}");
        }
        for errno in [libc::EPERM, libc::ENOSYS] {
            let rows = table_of(refusing(&mut rnetstat_by(Way::Walk, "-ano"), libc::SYS_kcmp, None, errno));
            // Without kcmp only a first thread that shows no descriptors gives cause to look at the others.
            let expected = if leader == ends { pid.to_string() } else { crate::proc_fs::nobody_found().to_owned() };
            assert_eq!(owner_of(address, &rows), expected, "{what}");
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}

#[test]
fn where_the_iterator_is_refused_the_walk_serves_without_a_word() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _zoo = crate::zoo::Zoo::full();
    for errno in [libc::EPERM, libc::ENOSYS, libc::EINVAL, libc::ENOMEM] {
        loop {
            let before = table_of(&mut rnetstat("-ano"));
            let refused = table_of(refusing(&mut rnetstat_by(Way::Iterator, "-ano"), libc::SYS_bpf, None, errno));
            if before == table_of(&mut rnetstat("-ano")) {
                assert!(before == refused, "{errno}");
                break;
            }
        }
    }
}
