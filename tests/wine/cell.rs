//! The cross cell: where Windows programs are built and run on Linux.

use crate::support::row::Row;
use crate::support::skip::skipped;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const TARGET: &str = "x86_64-pc-windows-gnu";

/// Chooses the profile of the Windows programs: `dev` unless it says otherwise. `release` tests what is shipped.
const PROFILE: &str = "RNETSTAT_WINDOWS_PROFILE";

/// After so many seconds a Windows program is ended: Wine may hang where Windows would not.
const LIMIT: &str = "90";

/// The cell's scripts, the programs built with them, and a Windows of the test's own: all programs of one Wine prefix share a
/// server, which opens their sockets in the network namespace in which it was started.
pub struct Cell {
    scripts: PathBuf,
    home: PathBuf,
    prefix: PathBuf,
    program: PathBuf,
    holder: PathBuf,
}

impl Cell {
    /// The cell of the environment, with the programs built; `None`, with a line on stderr, if there is none.
    pub fn find() -> Option<Self> {
        let Some(scripts) = std::env::var_os("CROSS_CELL").map(PathBuf::from) else {
            return skipped("CROSS_CELL names no folder with wcargo and wwine");
        };
        let home = PathBuf::from(std::env::var_os("WINCELL").unwrap_or_else(|| OsString::from("/opt/wincell")));
        if !home.join("prefix/.done").exists() {
            return skipped(&format!("there is no finished cell in {}", home.display()));
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let profile = std::env::var(PROFILE).unwrap_or_else(|_| "dev".to_owned());
        for what in [["--profile", &profile, "--bin", "rnetstat"], ["--profile", "dev", "--example", "socket-holder"]] {
            let build = Command::new(scripts.join("wcargo"))
                .args(["build", "--quiet", "--locked", "--target", TARGET])
                .args(what)
                .current_dir(project)
                .env_remove("CARGO_TARGET_DIR")
                // By this a test finds its own libraries, and the other compiler would find the wrong ones.
                .env_remove("LD_LIBRARY_PATH")
                .status();
            assert!(build.unwrap().success(), "the Windows build: {what:?}");
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = std::env::temp_dir().join(format!("rnetstat-wine-{}-{number}", std::process::id()));
        // cp keeps what a prefix is made of, links included.
        let copied = Command::new("cp").arg("-a").arg(home.join("prefix")).arg(&prefix).status();
        assert!(copied.unwrap().success(), "a copy of the Wine prefix");
        let built = project.join("target").join(TARGET);
        let program = built.join(if profile == "dev" { "debug" } else { &profile }).join("rnetstat.exe");
        let holder = built.join("debug/examples/socket-holder.exe");
        Some(Self { scripts, home, prefix, program, holder })
    }

    /// A Windows program, to be run in the Windows of this test.
    fn run(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(self.scripts.join("wwine"));
        command.arg(program).env("WINEPREFIX", &self.prefix).env("WWINE_TIMEOUT", LIMIT);
        command
    }

    /// The program that holds sockets.
    pub fn holder(&self) -> &Path {
        &self.holder
    }

    /// A folder that goes with this Windows.
    pub fn folder(&self) -> &Path {
        &self.prefix
    }

    /// Runs the Windows build.
    pub fn run_line(&self, switches: &str) -> Output {
        self.run(&self.program).args(switches.split(' ')).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts the Windows build, with pipes to read what it prints.
    pub fn start(&self, switches: &str) -> Child {
        let mut command = self.run(&self.program);
        command.args(switches.split(' ')).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs one of Wine's own programs, which has to succeed.
    pub fn wine(&self, words: &[&str]) {
        let output = self.run(words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// What the Windows build prints; that it succeeds without a word on stderr is part of every test.
    pub fn rnetstat(&self, switches: &str) -> String {
        let output = self.run_line(switches);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{switches}");
        assert_eq!(output.status.code(), Some(0), "{switches}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        // It ends the server of this prefix, and with it every program that runs there.
        let server = self.home.join("wine/usr/lib/wine/wineserver");
        let _ = Command::new(server).arg("-k").env("WINEPREFIX", &self.prefix).status();
        let _ = std::fs::remove_dir_all(&self.prefix);
    }
}

/// A Windows program that holds sockets.
pub struct Holder {
    child: Child,
    pid: String,
    rows: Vec<Row>,
}

impl Holder {
    /// Starts it and waits until its sockets are open.
    pub fn start(cell: &Cell, scope: u32, own: &str, silent: &str) -> Self {
        Self::start_program(cell, cell.holder(), scope, own, silent)
    }

    /// Starts a copy of it.
    pub fn start_program(cell: &Cell, program: &Path, scope: u32, own: &str, silent: &str) -> Self {
        let child = cell
            .run(program)
            .args([&scope.to_string(), own, silent])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut holder = Self { pid: String::new(), rows: Vec::new(), child };
        for line in BufReader::new(holder.child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            match fields.as_slice() {
                ["PID", pid] => holder.pid = (*pid).to_owned(),
                ["ready"] => return holder,
                [protocol, local, remote, state @ ..] => holder.rows.push(Row {
                    protocol: (*protocol).to_owned(),
                    local: (*local).to_owned(),
                    remote: (*remote).to_owned(),
                    state: state.concat(),
                    owner: holder.pid.clone(),
                }),
                other => panic!("{other:?}"),
            }
        }
        panic!("the program that holds sockets has ended: {:?}", holder.child.wait());
    }

    /// Its process.
    pub fn pid(&self) -> &str {
        &self.pid
    }

    /// Its sockets, as the table has to show them.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.clone()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
