//! What a test does if a right or a program that it needs is missing.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// The variable that makes a missing right or program a failure; `.ci/test` sets it.
const NO_SKIPPING: &str = "RNETSTAT_NO_SKIPPING";

/// Reports on stderr that a test cannot run here; fails if [`NO_SKIPPING`] is set.
pub fn skipped<T>(reason: &str) -> Option<T> {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // The test harness captures what `eprintln!` writes.
    let _ = writeln!(io::stderr(), "SKIPPED: {test}: {reason}");
    assert!(std::env::var_os(NO_SKIPPING).is_none(), "{reason}");
    None
}

/// Whether a program is in the search path.
pub fn have(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file()) || Path::new("/usr/sbin").join(program).is_file()
}

/// Whether a program is in the search path; if not, the test is skipped because of the Debian package that has it.
pub fn have_or_skip(program: &str, package: &str) -> bool {
    have(program) || skipped::<()>(&format!("{program} (Debian package {package}) is not installed")).is_some()
}

/// The Python that has a module: the first in the search path, or that of the system.
pub fn python_with(module: &str) -> Option<&'static str> {
    let import = format!("import {module}");
    let imports = |python: &&str| Command::new(python).args(["-c", &import]).output().is_ok_and(|output| output.status.success());
    ["python3", "/usr/bin/python3"].into_iter().find(imports)
}
