//! The host name that a process sees.

use crate::model::socket::Pid;
use rustix::thread::LinkNameSpaceType;
use std::os::unix::fs::MetadataExt;

/// The UTS namespace of rnetstat.
pub(crate) fn own() -> Option<u64> {
    inode("/proc/self/ns/uts")
}

fn inode(path: &str) -> Option<u64> {
    std::fs::metadata(path).ok().map(|metadata| metadata.ino())
}

/// The host name of a process in another UTS namespace than rnetstat's `own`; `None` if it is in the same, or if it may not be asked.
///
/// A thread enters the namespace, asks and ends: it could not come back without rights that the others may not have.
pub(crate) fn other_host_name(pid: Pid, own: Option<u64>) -> Option<String> {
    let path = format!("/proc/{pid}/ns/uts");
    if inode(&path)? == own? {
        return None;
    }
    let file = std::fs::File::open(path).ok()?;
    let ask = move || {
        rustix::thread::move_into_link_name_space(
            std::os::fd::AsFd::as_fd(&file),
            Some(LinkNameSpaceType::HostNameAndNISDomainName),
        )
        .ok()?;
        // The file shows the name of the reader's namespace.
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
    };
    std::thread::Builder::new().spawn(ask).ok()?.join().ok()?
}
