//! `--end`: which processes are ended, which are not, and that nobody else is hit.

use crate::support::fixtures::{listener, local, new_socket};
use crate::support::namespace::{Namespace, UNPRIVILEGED_UID, may_change_user};
use crate::support::program::{PublicCopy, asked_at_a_terminal, rnetstat, traced};
use crate::support::skip::{have, have_or_skip, python_with, skipped};
use crate::support::wait::until;
use serde_json::Value;
use socket2::{Protocol, Socket};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A process with a socket as its standard input.
struct Holder(Child);

impl Holder {
    fn of(socket: Socket, command: &mut Command) -> Self {
        let child = command.stdin(OwnedFd::from(socket)).stdout(Stdio::piped()).spawn().unwrap();
        command.stdin(Stdio::null()); // closes this process' copy
        Self(child)
    }

    /// A server that does nothing, and its port.
    fn server(command: &mut Command) -> (Self, u16) {
        let socket = listener(LOCALHOST);
        let port = local(&socket).port();
        (Self::of(socket, command), port)
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// The signal that ended it.
    fn signal(&mut self) -> Option<i32> {
        self.0.wait().unwrap().signal()
    }

    /// The first line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sleep() -> Command {
    let mut command = Command::new("sleep");
    command.arg("600");
    command
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn name_of(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().trim().to_owned()
}

/// The status, and of each action the PID, the outcome and the reason.
fn actions(command: &mut Command) -> (Option<i32>, Vec<(u64, String, String)>) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let document: Value = serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let action = |action: &Value| {
        assert_eq!(action["action"], "end");
        (action["process"]["pid"].as_u64().unwrap_or_default(), text(&action["outcome"]), text(&action["reason"]))
    };
    (status.code(), document["actions"].as_array().unwrap().iter().map(action).collect())
}

fn end(switches: &str) -> (Option<i32>, Vec<(u64, String, String)>) {
    actions(&mut rnetstat(&format!("--end --yes --json {switches}")))
}

#[test]
fn the_owner_of_a_listener_is_ended_and_a_client_of_the_port_lives_on() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let port = local(&socket).port();
    let talking = new_socket(LOCALHOST, Protocol::TCP);
    talking.connect(&local(&socket).into()).unwrap();
    let _accepted = socket.accept().unwrap();
    let mut client = Holder::of(talking, &mut sleep());
    let mut server = Holder::of(socket, &mut sleep());
    let (status, actions) = end(&format!("--any-port {port}"));
    assert_eq!((status, actions), (Some(0), vec![(server.0.id().into(), "ended".to_owned(), String::new())]));
    assert_eq!(server.signal(), Some(libc::SIGTERM));
    assert!(client.is_running());
    // The client's own port is no listener's, unless its process is named.
    assert_eq!(end(&format!("--any-port {port}")), (Some(1), Vec::new()));
    let (status, actions) = end(&format!("--pid {}", client.0.id()));
    assert_eq!((status, actions[0].1.as_str()), (Some(0), "ended"));
    assert_eq!(client.signal(), Some(libc::SIGTERM));
}

#[test]
fn a_process_that_ignores_sigterm_is_killed_by_force_alone() {
    let Some(_namespace) = Namespace::enter() else { return };
    let (mut server, port) = Holder::server(&mut shell("trap '' TERM; echo ready; exec sleep 600"));
    assert_eq!(server.line(), "ready");
    let pid = server.0.id();
    until("it is the other program", || name_of(pid) == "sleep");
    let (status, actions) = end(&format!("--port {port} --grace 0"));
    assert_eq!((status, actions[0].1.as_str()), (Some(2), "failed"));
    assert!(actions[0].2.contains("--force"), "{actions:?}");
    assert!(server.is_running());
    let (status, actions) = end(&format!("--port {port} --grace 0 --force"));
    assert_eq!((status, actions[0].1.as_str()), (Some(0), "ended"));
    assert_eq!(server.signal(), Some(libc::SIGKILL));
}

#[test]
fn what_has_started_rnetstat_is_refused_and_so_is_the_first_process() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let (status, actions) = end(&format!("--port {}", local(&socket).port()));
    assert_eq!((status, actions[0].0, actions[0].1.as_str()), (Some(2), std::process::id().into(), "refused"));
    assert_eq!(actions[0].2, "it has started rnetstat");
    // In a PID namespace of its own the shell is the first process.
    if !have_or_skip("unshare", "util-linux") {
        return;
    }
    let rnetstat = rnetstat("--end --yes --json --port 1-65535");
    let run = format!("{} {}", rnetstat.get_program().display(), "--end --yes --json --port 1-65535");
    let script = format!("{run} </dev/null; exit $?");
    let mut command = Command::new("unshare");
    command.args(["--fork", "--pid", "--mount-proc", "sh", "-c", &script]).stdin(OwnedFd::from(listener(LOCALHOST)));
    let (status, found) = self::actions(&mut command);
    let first: Vec<_> = found.iter().filter(|(pid, ..)| *pid == 1).collect();
    assert!(
        status == Some(2) && !first.is_empty() && first[0].1 == "refused" && first[0].2.contains("first process"),
        "{found:?}"
    );
}

#[test]
fn without_a_terminal_or_a_yes_nobody_is_ended() {
    let Some(_namespace) = Namespace::enter() else { return };
    let (mut server, port) = Holder::server(&mut sleep());
    let line = format!("--end --port {port}");
    for command in
        [&mut rnetstat(&line), shell(&format!("exec {} {line} <&-", env!("CARGO_BIN_EXE_rnetstat"))).stdin(Stdio::null())]
    {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.contains("--yes does it without asking"), "{stderr}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("end      sleep ("));
    }
    let ask = |answer: &'static str| {
        asked_at_a_terminal(&mut rnetstat(&line), |shown| {
            assert!(shown.contains("end      sleep (") && shown.ends_with("End this process? [y/N] "), "{shown}");
            answer
        })
    };
    for no in ["\n", "n\n", "yess\n", "\u{4}"] {
        assert_eq!(ask(no), (String::new(), Some(1)));
    }
    assert!(server.is_running());
    let (stdout, status) = ask("y\n");
    assert!(status == Some(0) && stdout.starts_with("ended    sleep ("), "{stdout}");
    assert_eq!(server.signal(), Some(libc::SIGTERM));
}

#[test]
fn a_dry_run_opens_no_process_and_sends_no_signal() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let (mut server, port) = Holder::server(&mut sleep());
    let calls = |switches: &str| {
        let options = ["-f", "-qq", "-e", "signal=none", "-e", "trace=kill,tkill,tgkill,pidfd_send_signal,rt_sigqueueinfo"];
        let output = traced(&rnetstat(&format!("--end --port {port} {switches}")), &options).output().unwrap();
        String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.contains('(')).map(str::to_owned).collect::<Vec<_>>()
    };
    // A process is asked for by signal 0, which is none.
    let signals = |calls: Vec<String>| calls.into_iter().filter(|call| call.contains("SIG")).collect::<Vec<_>>();
    assert_eq!(signals(calls("--dry-run")), [""; 0]);
    assert!(server.is_running());
    let sent = signals(calls("--yes"));
    assert!(sent.len() == 1 && sent[0].contains("pidfd_send_signal(") && sent[0].contains("SIGTERM"), "{sent:?}");
    assert_eq!(server.signal(), Some(libc::SIGTERM));
}

#[test]
fn another_user_ends_his_own_processes_alone() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() {
        return skipped("the user cannot be changed").unwrap_or_default();
    }
    let program = PublicCopy::make();
    let (mut roots, port) = Holder::server(&mut sleep());
    let (status, found) = actions(&mut program.as_nobody(&format!("--end --yes --json --port {port}")));
    assert_eq!((status, found[0].1.as_str()), (Some(2), "refused"));
    assert!(found[0].2.contains("hidden from you"), "{found:?}");
    let (mut own, own_port) = Holder::server(sleep().uid(UNPRIVILEGED_UID).gid(UNPRIVILEGED_UID));
    let (status, found) = actions(&mut program.as_nobody(&format!("--end --yes --json --port {own_port}")));
    assert_eq!((status, found[0].1.as_str()), (Some(0), "ended"), "{found:?}");
    assert_eq!(own.signal(), Some(libc::SIGTERM));
    // The rights of the program's file are not those of its caller.
    if have("setcap") {
        let set = Command::new("setcap").arg("cap_kill,cap_sys_ptrace,cap_dac_read_search+ep").arg(program.path()).status();
        assert!(set.unwrap().success());
        let output = program.as_nobody(&format!("--end --yes --port {port}")).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains("rights that its caller lacks"), "{stderr}");
    }
    assert!(roots.is_running());
}

#[test]
fn more_than_ten_processes_are_refused_as_a_whole() {
    let Some(_namespace) = Namespace::enter() else { return };
    let mut servers: Vec<(Holder, u16)> = (0..11).map(|_| Holder::server(&mut sleep())).collect();
    let output = rnetstat("--end --yes --force --local 127.0.0.1").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("--end would end 11 processes"), "{stderr}");
    assert!(servers.iter_mut().all(|(server, _)| server.is_running()));
}

#[test]
fn workers_end_with_their_master_and_are_not_ended_without_it() {
    let Some(_namespace) = Namespace::enter() else { return };
    let Some(python) = python_with("os") else {
        return skipped("python3 is not installed").unwrap_or_default();
    };
    // The worker ends when the pipe of its master is closed.
    const SCRIPT: &str = "import os,time\nr,w=os.pipe()\nif os.fork()==0:\n os.close(w)\n os.read(r,1)\n os._exit(0)\nprint('ready',flush=True)\ntime.sleep(600)";
    let (mut master, port) = Holder::server(Command::new(python).args(["-c", SCRIPT]));
    assert_eq!(master.line(), "ready");
    let pid: u64 = master.0.id().into();
    let (_, planned) = actions(&mut rnetstat(&format!("--end --dry-run --json --port {port}")));
    assert_eq!(planned.len(), 2, "{planned:?}");
    let worker = planned.iter().map(|(pid, ..)| *pid).find(|&other| other != pid).unwrap();
    let (status, alone) = end(&format!("--pid {worker}"));
    assert_eq!((status, alone[0].1.as_str()), (Some(2), "refused"));
    assert!(alone[0].2.contains(&format!("({pid}) would start another one: end that (--pid {pid})")), "{alone:?}");
    let (status, both) = end(&format!("--port {port}"));
    assert!(status == Some(0) && both.iter().all(|(_, outcome, _)| outcome == "ended"), "{both:?}");
    assert_eq!(master.signal(), Some(libc::SIGTERM));
}

#[test]
fn what_a_supervisor_starts_again_is_refused() {
    let Some(_namespace) = Namespace::enter() else { return };
    let folder = std::env::temp_dir().join(format!("rnetstat-supervisor-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy("/bin/sh", folder.join("runsv")).unwrap();
    let script = "exec 3<&0; sleep 600 <&3 & echo $!; wait";
    let (mut supervisor, _) = Holder::server(Command::new(folder.join("runsv")).args(["-c", script]));
    let worker = supervisor.line();
    until("it is the other program", || name_of(worker.parse().unwrap()) == "sleep");
    let (status, found) = end(&format!("--pid {worker}"));
    assert!(status == Some(2) && found[0].2.ends_with(" starts it again: stop it there"), "{found:?}");
    assert!(found[0].2.starts_with(&format!("runsv ({})", supervisor.0.id())), "{found:?}");
    assert!(Command::new("kill").arg(worker).status().unwrap().success());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_process_that_runs_another_program_or_has_closed_its_socket_by_then_is_not_ended() {
    let Some(_namespace) = Namespace::enter() else { return };
    for (then, outcome, reason) in [
        ("exec sleep 600", "refused ", "it runs another program by now"),
        ("exec <&-; echo closed; while :; do read -r line <&3; done", "gone    ", "it does not hold the socket any more"),
    ] {
        // It goes on when the test lets it.
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut command = shell(&format!("exec 3<&2 2>/dev/null; echo ready; read -r line <&3; {then}"));
        let (mut server, port) = Holder::server(command.stderr(Stdio::from(OwnedFd::from(reader))));
        drop(command);
        assert_eq!(server.line(), "ready");
        let pid = server.0.id();
        let (stdout, status) = asked_at_a_terminal(&mut rnetstat(&format!("--end --port {port}")), |_| {
            writer.write_all(b"go\n").unwrap();
            match outcome {
                "gone    " => assert_eq!(server.line(), "closed"),
                _ => until("it is the other program", || name_of(pid) == "sleep"),
            }
            "y\n"
        });
        assert!(stdout.starts_with(outcome) && stdout.contains(reason), "{stdout}");
        assert_eq!(status, Some(if outcome == "gone    " { 0 } else { 2 }));
        assert!(server.is_running());
    }
}

/// In a PID namespace the number of the server is given to another process, which holds its own listener on the same port, while
/// rnetstat asks. It prints what rnetstat then says, its status, and whether the other process lives.
const REUSE: &str = r#"
import os, pty, socket, subprocess, sys, time, signal
def server(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", port)); s.listen()
    pid = os.fork()
    if pid == 0:
        time.sleep(600); os._exit(0)
    s_port = s.getsockname()[1]; s.close()
    return pid, s_port
old, port = server(0)
controller, terminal = pty.openpty()
asking = subprocess.Popen([sys.argv[1], "--end", "--port", str(port)], stdin=terminal, stderr=terminal, stdout=subprocess.PIPE)
os.close(terminal)
shown = b""
while not shown.endswith(b"[y/N] "):
    shown += os.read(controller, 4096)
os.kill(old, signal.SIGKILL); os.waitpid(old, 0)
new = 0
while new != old:
    if new: os.kill(new, signal.SIGKILL); os.waitpid(new, 0)
    with open("/proc/sys/kernel/ns_last_pid", "w") as f: f.write(str(old - 1))
    new, _ = server(port)
os.write(controller, b"y\n")
stdout = asking.stdout.read().decode().strip()
status = asking.wait()
alive = os.waitpid(new, os.WNOHANG) == (0, 0)
print(stdout, status, alive, sep="|")
os.kill(new, signal.SIGKILL)
"#;

#[test]
fn a_process_that_was_given_the_number_of_one_that_ended_is_not_hit() {
    let Some(_namespace) = Namespace::enter() else { return };
    let Some(python) = python_with("pty") else {
        return skipped("python3 is not installed").unwrap_or_default();
    };
    if !have_or_skip("unshare", "util-linux") {
        return;
    }
    let program = rnetstat("");
    let mut command = Command::new("unshare");
    command.args(["--fork", "--pid", "--mount-proc", python, "-c", REUSE]).arg(program.get_program());
    let Output { stdout, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stdout).unwrap();
    let said: Vec<&str> = said.trim().split('|').collect();
    assert_eq!(said.len(), 3, "{said:?} {}", String::from_utf8_lossy(&stderr));
    // The start of a process is known to 10 ms: if both have the same, the socket tells them apart.
    let is_told_apart =
        [": the process has ended", ": it does not hold the socket any more"].iter().any(|why| said[0].ends_with(why));
    assert!(said[0].starts_with("gone     python3 (") && is_told_apart, "{said:?}");
    assert_eq!(said[1..], ["0", "True"]);
}
