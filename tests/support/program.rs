//! Running rnetstat in a test's namespace: as this user or another, with system calls, resources or files denied.
#![allow(unsafe_code, reason = "what a child does between fork and exec, and the pseudo-terminal, have no safe wrappers")]

use super::command::{PROGRAM, command_of_line};
use super::namespace::{UNPRIVILEGED_UID, assert_entered};
use super::row::{Row, parse};
use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program, to be started in the calling thread's namespace.
pub fn rnetstat(switches: &str) -> Command {
    assert_entered();
    command_of_line(switches)
}

/// Where owners come from, instead of rnetstat's own choice.
#[derive(Clone, Copy, Debug)]
pub enum OwnersFrom {
    /// The descriptors under `/proc`.
    Proc,
    /// The kernel's BPF iterators; the program's own choice if this host does not allow them.
    Bpf,
}

impl OwnersFrom {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Proc, Self::Bpf];

    /// Makes a command use this source.
    pub fn apply(self, command: &mut Command) -> &mut Command {
        match self {
            Self::Proc => command.args(["--owners-from", "proc"]),
            Self::Bpf if bpf_serves() => command.args(["--owners-from", "bpf"]),
            Self::Bpf => command,
        }
    }
}

/// Whether this host and this user's rights allow owners by BPF.
pub fn bpf_serves() -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let ask = || Command::new(PROGRAM).args(["-ano", "--owners-from", "bpf"]).output().unwrap();
    *ANSWER.get_or_init(|| ask().status.success())
}

/// The program, which takes owners from this source.
pub fn rnetstat_with_owners_from(source: OwnersFrom, switches: &str) -> Command {
    let mut command = rnetstat(switches);
    source.apply(&mut command);
    command
}

/// A program under `strace` with these options.
pub fn traced(program: &Command, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(options).arg(program.get_program()).args(program.get_args());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The rows that it prints; it has to succeed and to leave stderr empty.
pub fn table_of(command: &mut Command) -> Vec<Row> {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&stderr), "");
    assert_eq!(status.code(), Some(0));
    let stdout = String::from_utf8(stdout).unwrap();
    let owner = stdout.lines().nth(3).is_some_and(|heading| heading.ends_with("PID"));
    parse(&stdout, owner)
}

/// The text that it prints; it has to succeed and to leave stderr empty.
pub fn text_of(switches: &str) -> String {
    let Output { status, stdout, stderr } = rnetstat(switches).output().unwrap();
    assert_eq!((String::from_utf8_lossy(&stderr).as_ref(), status.code()), ("", Some(0)), "{switches}");
    String::from_utf8(stdout).unwrap()
}

/// A copy of the program that every user may start: the build folder may be closed to others.
pub struct PublicCopy(PathBuf);

impl PublicCopy {
    /// Copies it into a new temporary folder.
    pub fn make() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rnetstat-live-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let program = folder.join("rnetstat");
        fs::copy(PROGRAM, &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.0.join("rnetstat")
    }

    /// The program, to be started by the user `nobody`.
    pub fn as_nobody(&self, switches: &str) -> Command {
        let mut command = Command::new(self.0.join("rnetstat"));
        command.args(switches.split_ascii_whitespace()).stdin(Stdio::null()).current_dir("/");
        command.uid(UNPRIVILEGED_UID).gid(UNPRIVILEGED_UID);
        command
    }
}

impl Drop for PublicCopy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes the kernel refuse every netlink socket with EPERM, as sandboxes do.
pub fn without_netlink(command: &mut Command) -> &mut Command {
    refusing(command, libc::SYS_socket, Some(libc::AF_NETLINK), libc::EPERM)
}

/// Makes a system call fail with this error: always, or if its first argument is `first`.
pub fn refusing(command: &mut Command, call: libc::c_long, first: Option<i32>, errno: i32) -> &mut Command {
    filtered(command, call, first, libc::SECCOMP_RET_ERRNO | errno as u32)
}

/// Makes a system call end the program by SIGSYS, as systemd's `SystemCallFilter=` does.
pub fn killed_at(command: &mut Command, call: libc::c_long) -> &mut Command {
    filtered(command, call, None, libc::SECCOMP_RET_KILL_PROCESS)
}

/// Makes the kernel give this answer to a system call: always, or if its first argument is `first`.
fn filtered(command: &mut Command, call: libc::c_long, first: Option<i32>, to_call: u32) -> &mut Command {
    let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let jump = |how, value, otherwise| libc::sock_filter { jf: otherwise, ..statement(libc::BPF_JMP | how | libc::BPF_K, value) };
    let answer = |answer| statement(libc::BPF_RET | libc::BPF_K, answer);
    // struct seccomp_data: the number at 0, the first argument's low half at 16 or, big-endian, at 20.
    let first_argument = if cfg!(target_endian = "little") { 16 } else { 20 };
    let program = [
        load(0),
        jump(libc::BPF_JEQ, call as u32, 3),
        load(first_argument),
        first.map_or(jump(libc::BPF_JGE, 0, 0), |first| jump(libc::BPF_JEQ, first as u32, 1)),
        answer(to_call),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let filter = move || {
        let mut program = program;
        let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: both calls are async-signal-safe, and the filter lives longer than the call that reads it.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0
        };
        if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(filter) }
}

/// Limits a resource of the program (`RLIMIT_NOFILE`, `RLIMIT_AS`).
pub fn limited(command: &mut Command, resource: libc::__rlimit_resource_t, most: u64) -> &mut Command {
    let limit = move || {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: the limit outlives the call that reads it.
        if unsafe { libc::setrlimit(resource, &raw const limit) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(limit) }
}

/// Limits a resource of a process that runs.
pub fn limit_process(pid: u32, resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the limit outlives the call that reads it, and the old one is not asked for.
    let answer = unsafe { libc::prlimit(pid as libc::pid_t, resource, &raw const limit, std::ptr::null_mut()) };
    assert_eq!(answer, 0, "{}", io::Error::last_os_error());
}

/// Mounts files over paths that exist, for the program alone.
pub fn with_files(command: &mut Command, files: &[(&Path, &str)]) {
    let text = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    let files: Vec<(CString, CString)> =
        files.iter().map(|(theirs, place)| (text(theirs), CString::new(*place).unwrap())).collect();
    let mount = move || {
        let nothing = std::ptr::null();
        // SAFETY: every string ends with a zero and outlives the call; the calls are plain system calls.
        let refused = unsafe {
            libc::unshare(libc::CLONE_NEWNS) != 0
                || libc::mount(c"none".as_ptr(), c"/".as_ptr(), nothing, libc::MS_REC | libc::MS_PRIVATE, nothing.cast()) != 0
                || files.iter().any(|(theirs, place)| {
                    libc::mount(theirs.as_ptr(), place.as_ptr(), nothing, libc::MS_BIND, nothing.cast()) != 0
                })
        };
        if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(mount) };
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// Gives the program a `/proc` that shows a user only his own processes (`hidepid=2`), and the user `nobody`.
pub fn with_hidepid(command: &mut Command) -> &mut Command {
    let mount = || {
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        // SAFETY: every string is a constant that ends with a zero; the calls are plain system calls.
        let refused = unsafe {
            libc::unshare(libc::CLONE_NEWNS) != 0
                || libc::mount(
                    c"none".as_ptr(),
                    c"/".as_ptr(),
                    std::ptr::null(),
                    libc::MS_REC | libc::MS_PRIVATE,
                    std::ptr::null(),
                ) != 0
                || libc::mount(c"proc".as_ptr(), c"/proc".as_ptr(), c"proc".as_ptr(), flags, c"hidepid=2".as_ptr().cast()) != 0
                || libc::setgid(UNPRIVILEGED_UID) != 0
                || libc::setuid(UNPRIVILEGED_UID) != 0
        };
        if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(mount) }
}

/// Gives the program a `/proc` that shows processes and nothing else (`subset=pid`).
pub fn with_proc_of_processes(command: &mut Command) -> &mut Command {
    let mount = || {
        let (root, proc, nothing) = (c"/".as_ptr(), c"proc".as_ptr(), std::ptr::null());
        // SAFETY: every string is a constant that ends with a zero; the calls are plain system calls.
        let refused = unsafe {
            libc::unshare(libc::CLONE_NEWNS) != 0
                || libc::mount(c"none".as_ptr(), root, nothing, libc::MS_REC | libc::MS_PRIVATE, nothing.cast()) != 0
                || libc::mount(proc, c"/proc".as_ptr(), proc, 0, c"subset=pid".as_ptr().cast()) != 0
        };
        if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(mount) }
}

/// Gives the program an empty `/proc`.
pub fn without_proc(command: &mut Command) -> &mut Command {
    let mount = || {
        let (root, tmpfs, nothing) = (c"/".as_ptr(), c"tmpfs".as_ptr(), std::ptr::null());
        // SAFETY: every string is a constant that ends with a zero; the calls are plain system calls.
        let refused = unsafe {
            libc::unshare(libc::CLONE_NEWNS) != 0
                || libc::mount(c"none".as_ptr(), root, nothing, libc::MS_REC | libc::MS_PRIVATE, nothing.cast()) != 0
                || libc::mount(tmpfs, c"/proc".as_ptr(), tmpfs, 0, nothing.cast()) != 0
        };
        if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(mount) }
}

/// Runs the program with a terminal as its stderr: what it printed on stdout, what remained on the terminal, and its status.
pub fn with_terminal_for_stderr(command: &mut Command) -> (String, String, Option<i32>) {
    let (mut controller, terminal) = terminal();
    let child = command.stdout(Stdio::piped()).stderr(terminal).spawn().unwrap();
    command.stderr(Stdio::null()); // closes this process' copy of the terminal
    let output = child.wait_with_output().unwrap();
    let mut written = Vec::new();
    // When the last writer has gone and the rest has been read, a terminal answers EIO instead of an end of file.
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = controller.read(&mut chunk) {
        written.extend_from_slice(&chunk[..count]);
    }
    (String::from_utf8(output.stdout).unwrap(), final_lines(&String::from_utf8(written).unwrap()), output.status.code())
}

/// Runs the program with a terminal as its stdin and stderr. When it asks something, `answer` gets what stands there, and what it
/// returns is typed. Returns what was printed on stdout, and the status.
pub fn asked_at_a_terminal(command: &mut Command, answer: impl FnOnce(&str) -> &'static str) -> (String, Option<i32>) {
    let (mut controller, terminal) = terminal();
    let input = terminal.try_clone().unwrap();
    let child = command.stdin(input).stdout(Stdio::piped()).stderr(terminal).spawn().unwrap();
    command.stdin(Stdio::null()).stderr(Stdio::null()); // closes this process' copies of the terminal
    let mut shown = Vec::new();
    let mut chunk = [0; 4096];
    while !shown.ends_with(b"[y/N] ") {
        let count = controller.read(&mut chunk).expect("a question at the terminal");
        shown.extend_from_slice(&chunk[..count]);
    }
    controller.write_all(answer(&String::from_utf8(shown).unwrap()).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// Both ends of a new pseudo-terminal.
fn terminal() -> (File, File) {
    let (mut controller, mut terminal) = (-1, -1);
    let (name, termios, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
    // SAFETY: the two numbers are written by the call; the other pointers may be null.
    assert_eq!(unsafe { libc::openpty(&raw mut controller, &raw mut terminal, name, termios, size) }, 0);
    // SAFETY: openpty has just opened both, and nothing else has their numbers.
    unsafe { (File::from_raw_fd(controller), File::from_raw_fd(terminal)) }
}

/// What remains on a terminal: on a slow host progress is shown and erased.
fn final_lines(written: &str) -> String {
    let lines = written.split_terminator("\r\n").map(|line| line.rsplit('\r').next().unwrap());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
