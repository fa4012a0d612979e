//! What can be known of a process.

use crate::model::socket::Pid;
use std::ffi::OsString;
use std::path::PathBuf;

/// Which facts are wanted besides the PID, the name, the parent and the start time, which cost nothing more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The path of the executable.
    pub executable: bool,
    /// The arguments it was started with.
    pub command_line: bool,
    /// The user it runs as.
    pub user: bool,
}

/// One process. Its texts come from strangers: they go through [`crate::output::escape`] before anybody sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its name, as it calls itself; the kernel may cut it (15 bytes on Linux).
    pub name: OsString,
    /// The path of its executable; `None` where it was not asked for or may not be seen.
    pub executable: Option<PathBuf>,
    /// The arguments it was started with, the program first; empty where they were not asked for or may not be seen.
    pub command_line: Vec<OsString>,
    /// The user it runs as; `None` where that was not asked for or may not be seen.
    pub user: Option<User>,
    /// When it was started, in seconds since 1970; `None` where that is not known.
    pub started: Option<u64>,
    /// The process that started it.
    pub parent: Option<Pid>,
}

/// A user, as processes have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user id in decimal (Unix) or the security identifier (Windows).
    pub id: String,
    /// The name, where the system's user database knows one.
    pub name: Option<String>,
}
