//! What can be known of a process.

use crate::model::socket::Pid;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Which facts are wanted beside the PID, the name, the parent and the start time, which cost nothing more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The path of the executable.
    pub executable: bool,
    /// The arguments it was started with.
    pub command_line: bool,
    /// The user it runs as.
    pub user: bool,
}

impl Facts {
    /// No more than what costs nothing.
    pub const NAME: Self = Self { executable: false, command_line: false, user: false };

    /// Every fact.
    pub const ALL: Self = Self { executable: true, command_line: true, user: true };

    /// What both ask for.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            executable: self.executable || other.executable,
            command_line: self.command_line || other.command_line,
            user: self.user || other.user,
        }
    }
}

/// One process. Its texts are untrusted: they go through `output::escape` before they are printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its name, as it calls itself; the kernel may cut it (15 bytes on Linux).
    pub name: OsString,
    /// The path of its executable; `None` where it was not asked for or may not be seen.
    pub executable: Option<PathBuf>,
    /// The file name of its executable, on a system where everybody may know that (Windows).
    pub image_name: Option<OsString>,
    /// Whether that file was deleted or replaced since the process was started, as far as the system says.
    pub executable_deleted: bool,
    /// The arguments it was started with, the program first; empty where they were not asked for or may not be seen.
    pub command_line: Vec<OsString>,
    /// Whether the command line was longer than what is kept of it.
    pub command_line_truncated: bool,
    /// The user it runs as; `None` where that was not asked for or may not be seen.
    pub user: Option<User>,
    /// When it was started, in seconds since 1970; `None` where that is not known.
    pub started: Option<u64>,
    /// When it was started, on a clock that is the same for all processes and orders their starts: clock ticks since the boot
    /// (Linux), seconds since 1970 elsewhere.
    pub start_order: Option<u64>,
    /// The process that started it.
    pub parent: Option<Pid>,
}

impl Process {
    /// The file name of its executable.
    pub fn program(&self) -> Option<&OsStr> {
        self.executable.as_deref().and_then(Path::file_name).or(self.image_name.as_deref())
    }

    /// The arguments as one text, with a blank between two of them.
    pub fn command_line_text(&self) -> String {
        let words: Vec<_> = self.command_line.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }
}

/// What reading a process gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are processes: a box would be one more allocation for each")]
pub enum ProcessRead {
    /// The process, with the facts that could be read.
    Known(Process),
    /// There is no such process any more.
    Ended,
    /// It is there, but the system does not show it to this user.
    Denied,
    /// It could not be read for another reason: nothing is known of it.
    Failed,
}

/// A user, as processes have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user id in decimal (Unix) or the security identifier (Windows).
    pub id: String,
    /// The name, where the system's user database knows one.
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_by_its_path_or_by_its_image() {
        let image = Process { image_name: Some("nginx.exe".into()), ..Process::default() };
        assert_eq!(image.program(), Some(OsStr::new("nginx.exe")));
        let path = Process { executable: Some("/usr/sbin/nginx".into()), ..image };
        assert_eq!(path.program(), Some(OsStr::new("nginx")));
        assert_eq!(Process { name: "nginx".into(), ..Process::default() }.program(), None);
    }
}
