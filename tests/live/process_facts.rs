//! Facts about processes that try hard to be misread: endless command lines, first threads that have ended, owners that end while
//! names are waited for.

use crate::support::namespace::{Namespace, ip};
use crate::support::program::{limited, rnetstat, text_of, traced, with_files};
use crate::support::skip::have_or_skip;
use crate::support::wait::until;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that runs a script of Python, which prints a port when it is ready. It is killed at the end of the test.
struct Script {
    child: Child,
    port: u16,
}

impl Script {
    fn start(script: &str) -> Self {
        let mut command = Command::new("python3");
        let mut child = command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, port: port.trim().parse().unwrap() }
    }

    /// The owner of its port, as JSON has it.
    fn owner(&self) -> Value {
        let text = text_of(&format!("--json -a --port {}", self.port));
        serde_json::from_str::<Value>(&text).unwrap()["sockets"][0]["owners"][0].take()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves on a port of its own, and maps a GiB of zeros, of which none takes memory, in the place of its arguments
/// (`PR_SET_MM_MAP`, which needs no capability).
const ENDLESS: &str = "
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
server = socket.create_server(('127.0.0.1', 0))
field = open('/proc/self/stat').read().rsplit(')', 1)[1].split()
field = lambda number, fields=field: int(fields[number - 3])
size = 1 << 30
zeros = libc.mmap(None, size, 1, 0x4022, -1, 0) # PROT_READ; MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE
addresses = [field(26), field(27), field(45), field(46), field(47), libc.sbrk(0), field(28), zeros, zeros + size, field(50), field(51), 0]
class Map(ctypes.Structure):
    _fields_ = [('addresses', ctypes.c_uint64 * 12), ('auxv_size', ctypes.c_uint32), ('exe_fd', ctypes.c_uint32)]
memory = Map((ctypes.c_uint64 * 12)(*addresses), 0, 0xffffffff)
if libc.prctl(35, 14, ctypes.byref(memory), ctypes.sizeof(memory), 0): # PR_SET_MM, PR_SET_MM_MAP
    raise OSError(ctypes.get_errno(), 'prctl')
print(server.getsockname()[1], flush=True)
os.read(0, 1)
";

#[test]
fn an_endless_command_line_is_cut() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("python3", "python3") {
        return;
    }
    let script = Script::start(ENDLESS);
    for line in ["--json -a", "-a --format ndjson", "-a --format csv", "-anb"] {
        let mut command = rnetstat(&format!("{line} --port {}", script.port));
        let output = limited(&mut command, libc::RLIMIT_AS, 512 << 20).output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""), "{line}");
        assert!(output.stdout.len() < 1 << 20, "{line}: {} bytes", output.stdout.len());
    }
    let owner = script.owner();
    assert_eq!((&owner["pid"], &owner["command_line_truncated"]), (&script.child.id().into(), &true.into()));
    assert!(owner["command_line"].as_array().unwrap().iter().all(|argument| argument == ""));
}

#[test]
fn a_process_whose_first_thread_has_ended_keeps_its_executable() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("python3", "python3") {
        return;
    }
    let script = Script::start(&format!(
        "import ctypes, os, socket, threading\n\
         def serve():\n\
         \x20   server = socket.create_server(('127.0.0.1', 0))\n\
         \x20   print(server.getsockname()[1], flush=True)\n\
         \x20   os.read(0, 1)\n\
         threading.Thread(target=serve).start()\n\
         ctypes.CDLL(None).syscall({}, 0)\n",
        libc::SYS_exit
    ));
    let stat = || fs::read_to_string(format!("/proc/{}/stat", script.child.id())).unwrap();
    until("the first thread has ended", || stat().contains(") Z "));
    let owner = script.owner();
    assert!(owner["executable"].as_str().unwrap().contains("/python3"), "{owner}");
    assert_eq!(owner["command_line"][1], "-c", "{owner}");
}

#[test]
fn an_owner_whose_name_cannot_be_read_leaves_a_filter_undecided() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("python3", "python3") || !have_or_skip("strace", "strace") {
        return;
    }
    let script = Script::start(
        "import os, socket\n\
         server = socket.create_server(('127.0.0.1', 0))\n\
         print(server.getsockname()[1], flush=True)\n\
         os.read(0, 1)\n",
    );
    let folder = format!("/proc/{}", script.child.id());
    for (filter, readable) in
        [("--process python*", 0), ("--process sshd", 1), ("--process !sshd", 0), ("--where process=sshd", 1)]
    {
        let program = || rnetstat(&format!("-a --port {} {filter} --quiet", script.port));
        let status = |command: &mut Command| command.stderr(Stdio::null()).status().unwrap().code();
        assert_eq!(status(&mut program()), Some(readable), "{filter}");
        let options = ["-f", "-qq", "-o", "/dev/null", "-P", &folder, "-e", "inject=openat:error=EMFILE"];
        assert_eq!(status(&mut traced(&program(), &options)), Some(2), "{filter}");
    }
    let program = rnetstat(&format!("-a --port {} --columns pid,process --no-header --format wide", script.port));
    let options = ["-f", "-qq", "-o", "/dev/null", "-P", &folder, "-e", "inject=openat:error=EMFILE"];
    let output = traced(&program, &options).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.trim(), script.child.id().to_string(), "neither a name nor that it has ended");
}

#[test]
fn facts_about_owners_are_read_before_names_are_waited_for() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("python3", "python3") {
        return;
    }
    ip("addr add 192.0.2.9/32 dev lo");
    let folder = std::env::temp_dir().join(format!("rnetstat-process-facts-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let contents = ["nameserver 127.0.0.1\n", "hosts: dns\n"];
    let files = [0, 1].map(|number| folder.join(number.to_string()));
    files.iter().zip(contents).for_each(|(file, content)| fs::write(file, content).unwrap());
    let silent_server = UdpSocket::bind("127.0.0.1:53").unwrap();
    silent_server.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    for line in ["-abf", "-af --json", "-af --format wide --columns local,executable"] {
        let mut script = Script::start(
            "import os, socket\n\
             client = socket.socket(type=socket.SOCK_DGRAM)\n\
             client.connect(('192.0.2.9', 9))\n\
             print(client.getsockname()[1], flush=True)\n\
             os.read(0, 1)\n",
        );
        let mut command = rnetstat(&format!("{line} --port {} --name-timeout 1", script.port));
        with_files(&mut command, &[(&files[0], "/etc/resolv.conf"), (&files[1], "/etc/nsswitch.conf")]);
        let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The name is being asked for: from now on the PID of the owner may be given to another process.
        silent_server.recv_from(&mut [0; 512]).unwrap();
        script.child.kill().unwrap();
        script.child.wait().unwrap();
        let output = running.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("python3") && output.status.code() == Some(0), "{line}: {text}");
    }
    fs::remove_dir_all(&folder).unwrap();
}
