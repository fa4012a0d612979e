//! The network namespaces of this machine, as far as this user may see them: those of processes, and those that a file keeps.

use crate::model::socket::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The inode of the initial network namespace since 6.17; before, it is that of the first process.
const INITIAL: u32 = 0xEFFF_FFF9;
/// So many of the lowest PIDs of a namespace are kept: the container that a pod's first process is in has no name of its own.
const PIDS: usize = 4;
/// The folders in which files keep namespaces: those of `ip netns` and of Docker.
const FOLDERS: [&str; 2] = ["/run/netns", "/run/docker/netns"];

/// A network namespace.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Its inode, if this user may know it.
    pub(crate) inode: Option<u32>,
    /// Its lowest PIDs.
    pub(crate) pids: Vec<Pid>,
    /// How many processes it has.
    pub(crate) processes: u32,
    /// A file that keeps it.
    pub(crate) path: Option<PathBuf>,
}

/// The namespaces that were found.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// By inode, or by another number that stands for one whose inode is unknown.
    found: BTreeMap<u32, Found>,
    /// The processes whose namespace this user may not know.
    pub(crate) refused: Vec<Pid>,
    /// Whether `/proc` does not list every process (`hidepid`), so that namespaces may be missing.
    pub(crate) hides_processes: bool,
    /// The namespaces whose sockets could not be read, by number.
    pub(crate) unreadable: BTreeSet<u32>,
    /// The own one, and the initial one.
    pub(crate) own: Option<u32>,
    pub(crate) initial: Option<u32>,
}

impl Listed {
    /// The numbers of all, ascending.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u32> {
        self.found.keys().copied()
    }

    pub(crate) fn contains(&self, key: u32) -> bool {
        self.found.contains_key(&key)
    }

    pub(crate) fn get(&self, key: u32) -> Option<&Found> {
        self.found.get(&key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Found)> {
        self.found.iter().map(|(&key, found)| (key, found))
    }

    /// Adds the namespaces that the kernel's own list has: some are in no process and no file.
    pub(crate) fn add_inodes(&mut self, inodes: &[u32]) {
        for &inode in inodes {
            self.found.entry(inode).or_default().inode = Some(inode);
        }
    }

    fn add_process(&mut self, inode: u32, pid: Pid) {
        let found = self.found.entry(inode).or_default();
        found.inode = Some(inode);
        found.add(pid);
    }

    fn add_processes_of_proc(&mut self) {
        let mut pids: Vec<Pid> = entries("/proc").filter_map(|(name, _)| name.parse().ok()).collect();
        pids.sort_unstable();
        // Every PID namespace has a process 1.
        self.hides_processes = pids.first() != Some(&1);
        for pid in pids {
            match std::fs::read_link(format!("/proc/{pid}/ns/net")) {
                Ok(link) => number_of(&link).into_iter().for_each(|inode| self.add_process(inode, pid)),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => self.refused.push(pid),
                // It has ended, or it is a thread of the kernel's.
                Err(_) => {}
            }
        }
    }

    /// Adds a namespace of processes under a number that is no inode.
    pub(crate) fn add_unknown(&mut self, key: u32, pid: Pid) {
        self.found.entry(key).or_default().add(pid);
    }
}

impl Found {
    fn add(&mut self, pid: Pid) {
        self.processes += 1;
        if self.pids.len() < PIDS {
            self.pids.push(pid);
        }
    }
}

/// Lists the namespaces. `processes` are all processes with their namespaces, if they are known otherwise than from `/proc`.
pub(crate) fn list(processes: Option<Vec<(Pid, u32)>>) -> Listed {
    let inode = |path: &Path| std::fs::metadata(path).ok().and_then(|metadata| u32::try_from(metadata.ino()).ok());
    let mut listed = Listed { own: inode(Path::new("/proc/thread-self/ns/net")), ..Listed::default() };
    match processes {
        Some(processes) => processes.into_iter().for_each(|(pid, inode)| listed.add_process(inode, pid)),
        None => listed.add_processes_of_proc(),
    }
    for path in FOLDERS.into_iter().flat_map(entries).map(|(_, path)| path).chain(mounts()) {
        if let Some(inode) = inode(&path) {
            let found = listed.found.entry(inode).or_default();
            found.inode = Some(inode);
            found.path.get_or_insert(path);
        }
    }
    if let Some(own) = listed.own {
        listed.found.entry(own).or_default().inode = Some(own);
    }
    let of_first = inode(Path::new("/proc/1/ns/net"));
    let is_initial_pid_namespace =
        std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]");
    listed.initial = if listed.contains(INITIAL) { Some(INITIAL) } else { of_first.filter(|_| is_initial_pid_namespace) };
    listed
}

/// The inode in a link such as `net:[4026531840]`.
fn number_of(link: &Path) -> Option<u32> {
    link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

/// The names and paths in a folder, in their order; none if it cannot be read.
fn entries(folder: &str) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}

/// The files elsewhere that a network namespace is mounted on.
fn mounts() -> Vec<PathBuf> {
    std::fs::read_to_string("/proc/self/mountinfo").map(|text| paths_of_mounts(&text)).unwrap_or_default()
}

/// Of each line of `mountinfo` for a network namespace the mount point: `ID PARENT MAJOR:MINOR net:[INODE] POINT …`.
fn paths_of_mounts(text: &str) -> Vec<PathBuf> {
    let point = |line: &str| {
        let mut fields = line.split(' ').skip(3);
        number_of(Path::new(fields.next()?))?;
        fields.next().map(unescape)
    };
    text.lines().filter_map(point).map(PathBuf::from).collect()
}

/// `mountinfo` writes blanks, tabs, line ends and backslashes as `\` and three octal digits.
fn unescape(field: &str) -> String {
    let mut text = String::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        if let Some(byte) = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            text.push(char::from(byte));
            rest = after.get(3..).unwrap_or_default();
        } else {
            text.push('\\');
            rest = after;
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_namespaces_are_found_by_their_root() {
        let text = "36 24 0:4 net:[4026532281] /run/netns/a\\040b rw - nsfs nsfs rw\n37 24 0:4 mnt:[4026532282] /x rw - nsfs nsfs rw\n\
                    38 24 8:1 / / rw - ext4 /dev/sda1 rw\n39 24 0:4 net:[4] /tmp/back\\134slash\\9 rw - nsfs nsfs rw\n";
        assert_eq!(paths_of_mounts(text), [PathBuf::from("/run/netns/a b"), PathBuf::from("/tmp/back\\slash\\9")]);
    }

    #[test]
    fn the_own_namespace_is_listed_with_this_process() {
        let listed = list(None);
        let own = listed.own.unwrap();
        assert!(listed.get(own).unwrap().processes > 0);
        assert_eq!(listed.get(own).unwrap().inode, Some(own));
    }
}
