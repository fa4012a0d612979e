//! Running rnetstat on any system and reading what it printed.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_rnetstat");

/// rnetstat with these arguments and no standard input.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// rnetstat with the words of a line, none of which contains a blank.
pub fn command_of_line(line: &str) -> Command {
    command(line.split_ascii_whitespace())
}

/// Runs rnetstat.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    command(arguments).output().unwrap()
}

/// Runs rnetstat with the words of a line.
pub fn run_line(line: &str) -> Output {
    command_of_line(line).output().unwrap()
}

/// What a run printed on stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The status of a filter that matched nothing. On macOS rows are always missing (TIME_WAIT), so that nothing is certain.
pub const NOTHING_MATCHED: i32 = if cfg!(target_os = "macos") { 2 } else { 1 };

/// What a run printed on stderr, with the line ends of Unix.
pub fn stderr(output: &Output) -> String {
    without_macos_notices(String::from_utf8(output.stderr.clone()).unwrap().replace("\r\n", "\n"))
}

/// Text of stderr without the lines by which macOS says that it lists only the sockets of processes, and of other users' not
/// without root.
pub fn without_macos_notices(text: String) -> String {
    if !cfg!(target_os = "macos") {
        return text;
    }
    let notices = ["rnetstat: macOS lists only sockets", "rnetstat: the sockets of "];
    text.split_inclusive('\n').filter(|line| !notices.iter().any(|notice| line.starts_with(notice))).collect()
}

/// What a run prints that succeeds and leaves stderr empty.
#[track_caller]
pub fn print<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let output = run(arguments);
    let line: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)), "{line:?}");
    stdout(&output)
}
