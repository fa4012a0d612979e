//! The live screen on a real terminal: a shell in tmux, keys that are typed, and the screen as tmux has it.
#![cfg(all(target_os = "linux", feature = "watch"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use rnetstat::watch::terminal::TakenTerminal;
use rustix::process::{Pid, Signal};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use support::command::{PROGRAM, command_of_line, stderr};
use support::skip::have_or_skip;
use support::wait::until;

/// A shell on a terminal of its own.
struct Tmux {
    server: String,
}

impl Tmux {
    /// Starts it; `None` if there is no tmux.
    fn start(width: u16, height: u16) -> Option<Self> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        if !have_or_skip("tmux", "tmux") {
            return None;
        }
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let tmux = Self { server: format!("rnetstat-{}-{number}", std::process::id()) };
        let size = [width, height].map(|cells| cells.to_string());
        let shell = "env PS1='shell> ' bash --norc --noprofile -i";
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", &size[0], "-y", &size[1], shell]);
        tmux.until_screen("shell>");
        Some(tmux)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.server]).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys by tmux' names for them.
    fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types a text.
    fn type_text(&self, text: &str) {
        self.run(&["send-keys", "-l", "--", text]);
    }

    /// Types a line for the shell.
    fn line(&self, line: &str) {
        self.type_text(line);
        self.press(&["Enter"]);
    }

    fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits until a text is on the screen, which is returned.
    #[track_caller]
    fn until_screen(&self, text: &str) -> String {
        let mut screen = String::new();
        until(&format!("'{text}' is on the screen"), || {
            screen = self.screen();
            screen.contains(text)
        });
        screen
    }

    /// Waits until a text has left the screen.
    #[track_caller]
    fn until_gone(&self, text: &str) {
        until(&format!("'{text}' has left the screen"), || !self.screen().contains(text));
    }

    fn is_alternate(&self) -> bool {
        self.run(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
    }

    /// Asks the shell for the modes of its terminal and for the status of what it ran.
    #[track_caller]
    fn assert_restored(&self, status: &str) {
        until("the screen is that of the shell", || !self.is_alternate());
        self.line("echo status=$? modes=$(stty -a | grep -ow -e '-\\?icanon' -e '-\\?echo' -e '-\\?isig' | sort | tr '\\n' ,)");
        let screen = self.until_screen("modes=echo,icanon,isig");
        assert!(screen.contains(&format!("status={status} ")), "{screen}");
        assert_eq!(self.run(&["display-message", "-p", "#{cursor_flag}"]).trim(), "1", "the cursor is seen");
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.server, "kill-server"]).status();
    }
}

/// A listener and both ends of a connection to it.
fn sockets() -> (TcpListener, TcpStream, TcpStream, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    let (server, _) = listener.accept().unwrap();
    (listener, client, server, address.port())
}

/// The process that the shell runs.
fn running(tmux: &Tmux) -> Pid {
    let shell = tmux.run(&["display-message", "-p", "#{pane_pid}"]);
    let shell: u32 = shell.trim().parse().unwrap();
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap()).unwrap()
}

#[test]
fn rows_are_filtered_sorted_and_explained_and_q_restores_the_terminal() {
    let Some(tmux) = Tmux::start(110, 30) else { return };
    let (_listener, _client, _server, port) = sockets();
    tmux.line(&format!("{PROGRAM} --watch 0.5"));
    tmux.until_screen("? keys  q end");
    tmux.type_text(&format!("/--any-port {port}"));
    let screen = tmux.until_screen("3 sockets");
    assert!(screen.contains("1 LISTENING  2 ESTABLISHED"), "{screen}");
    tmux.type_text("x");
    tmux.until_screen("for --any-port: expected a port");
    tmux.press(&["BSpace", "Enter"]);
    tmux.until_screen("? keys  q end");
    // The order by state, the greatest first.
    tmux.press(&["s", "s", "s"]);
    tmux.type_text("sS");
    let screen = tmux.until_screen("sort: -state");
    let states: Vec<&str> = screen
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| ["LISTENING", "ESTABLISHED"].contains(word)))
        .skip(1)
        .collect();
    assert_eq!(states, ["ESTABLISHED", "ESTABLISHED", "LISTENING"], "{screen}");
    tmux.press(&["G", "Enter"]);
    let screen = tmux.until_screen("local.port");
    assert!(screen.contains("ipv4_on_ipv6") && screen.contains(&port.to_string()), "{screen}");
    tmux.press(&["PageDown"]);
    tmux.until_screen("owner_status");
    tmux.press(&["x"]);
    tmux.until_screen(&format!("TCP port {port} is taken"));
    tmux.press(&["Escape", "q"]);
    tmux.assert_restored("0");
}

#[test]
fn a_socket_that_opens_and_closes_is_marked() {
    let Some(tmux) = Tmux::start(100, 20) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    tmux.line(&format!("{PROGRAM} --watch 0.3 --port {}", address.port()));
    tmux.until_screen("1 socket ");
    drop(listener);
    let is_marked = |sign: &str| {
        let starts = |line: &str| line.starts_with(sign) && line.split_whitespace().any(|word| word == address.to_string());
        tmux.screen().lines().any(starts)
    };
    until("it is marked as gone", || is_marked("- TCP"));
    tmux.until_gone(&format!(" {address} "));
    let _again = TcpListener::bind(address).unwrap();
    until("it is marked as new", || is_marked("+ TCP"));
    until("the mark has gone", || is_marked("  TCP"));
    tmux.press(&["C-c"]);
    tmux.assert_restored("0");
}

#[test]
fn a_stopped_screen_gives_the_terminal_to_the_shell_and_takes_it_back() {
    let Some(tmux) = Tmux::start(100, 20) else { return };
    tmux.line(&format!("{PROGRAM} --watch"));
    tmux.until_screen("? keys  q end");
    tmux.press(&["C-z"]);
    tmux.until_screen("Stopped");
    assert!(!tmux.is_alternate());
    tmux.line("fg");
    tmux.until_screen("? keys  q end");
    assert!(tmux.is_alternate());
    // Signals that no key sent.
    rustix::process::kill_process(running(&tmux), Signal::TSTP).unwrap();
    tmux.until_screen("Stopped");
    tmux.line("fg");
    tmux.until_screen("? keys  q end");
    tmux.press(&["q"]);
    tmux.assert_restored("0");
}

#[test]
fn another_size_of_the_terminal_is_followed() {
    let Some(tmux) = Tmux::start(120, 30) else { return };
    tmux.line(&format!("{PROGRAM} --watch 0.5"));
    tmux.until_screen("Space pause");
    for (width, height) in [("20", "5"), ("60", "5"), ("200", "50")] {
        tmux.run(&["resize-window", "-x", width, "-y", height]);
        until("the screen has its size", || {
            let screen = tmux.screen();
            let lines: Vec<&str> = screen.lines().collect();
            lines.len() == height.parse::<usize>().unwrap() && lines.last().is_some_and(|line| line.starts_with("? keys"))
        });
    }
    tmux.until_screen("n names");
    tmux.press(&["q"]);
    tmux.assert_restored("0");
}

#[test]
fn the_terminal_is_restored_if_a_signal_ends_the_screen() {
    for (signal, status) in [(Signal::TERM, "143"), (Signal::HUP, "129"), (Signal::INT, "0"), (Signal::QUIT, "131")] {
        let Some(tmux) = Tmux::start(100, 20) else { return };
        tmux.line("ulimit -c 0");
        tmux.line(&format!("{PROGRAM} --watch"));
        tmux.until_screen("? keys  q end");
        rustix::process::kill_process(running(&tmux), signal).unwrap();
        tmux.assert_restored(status);
    }
}

/// Makes this test program one that panics with the terminal in its hands, and never drops it.
const PANICS: &str = "RNETSTAT_TEST_PANICS";

#[test]
fn the_terminal_is_restored_before_a_panic_is_reported() {
    if std::env::var_os(PANICS).is_some() {
        std::mem::forget(TakenTerminal::take().unwrap());
        panic!("as planned");
    }
    let Some(tmux) = Tmux::start(100, 20) else { return };
    let program = std::env::current_exe().unwrap();
    let name = "the_terminal_is_restored_before_a_panic_is_reported";
    tmux.line(&format!("RUST_BACKTRACE=0 {PANICS}=1 {} --exact {name} --nocapture >/dev/null", program.display()));
    tmux.line(&format!("RUST_BACKTRACE=0 {PANICS}=1 {} --exact {name} --nocapture", program.display()));
    tmux.until_screen("as planned");
    tmux.assert_restored("101");
}

#[test]
fn what_is_seen_is_written_to_a_file_which_is_replaced_only_after_a_question() {
    let Some(tmux) = Tmux::start(100, 20) else { return };
    let (_listener, _client, _server, port) = sockets();
    let folder = std::env::temp_dir().join(format!("rnetstat-watch-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    tmux.line(&format!("{PROGRAM} --watch 0.5 --any-port {port}"));
    tmux.until_screen("3 sockets");
    let write = |name: &str| {
        tmux.type_text("w");
        tmux.until_screen("write to:");
        tmux.line(&folder.join(name).display().to_string());
    };
    for suffix in ["json", "ndjson", "csv", "txt"] {
        write(&format!("seen.{suffix}"));
        tmux.until_screen("3 rows were written");
        let written = fs::read_to_string(folder.join(format!("seen.{suffix}"))).unwrap();
        assert!(written.matches(&port.to_string()).count() >= 3 && !written.contains('\u{1b}'), "{written}");
    }
    write("seen.json");
    tmux.until_screen("exists: replace it?");
    tmux.press(&["n"]);
    tmux.until_screen("nothing was written");
    write("seen.xml");
    tmux.until_screen("the suffix names the format");
    assert!(!folder.join("seen.xml").exists());
    tmux.press(&["q"]);
    tmux.assert_restored("0");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_process_is_ended_only_after_a_yes() {
    let Some(tmux) = Tmux::start(110, 24) else { return };
    if !have_or_skip("python3", "python3") {
        return;
    }
    let listen =
        "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); time.sleep(600)";
    let mut child = Command::new("python3").args(["-c", listen]).stdout(Stdio::piped()).spawn().unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    tmux.line(&format!("{PROGRAM} --watch 0.5 :{}", port.trim()));
    tmux.until_screen("1 socket ");
    for answer in ["n", "y"] {
        tmux.type_text("K");
        let screen = tmux.until_screen("End this process? y: yes");
        assert!(screen.contains(&format!("({})", child.id())), "{screen}");
        assert!(child.try_wait().unwrap().is_none());
        tmux.type_text(answer);
        tmux.until_screen(if answer == "y" { "ended    " } else { "nothing was done" });
    }
    assert!(!child.wait().unwrap().success());
    tmux.until_screen("0 sockets");
    tmux.press(&["q"]);
    tmux.assert_restored("0");
}

#[test]
fn without_a_terminal_the_alternatives_are_named() {
    let output = command_of_line("--watch").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--watch needs a terminal") && stderr(&output).contains("rnetstat -an 2"),
        "{}",
        stderr(&output)
    );
}
