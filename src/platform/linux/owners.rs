//! Which of the ways to find owners serves here, and what it means that an owner is missing.

use super::fd_walk::{self, Wanted};
use crate::owners::{InodeOwners, OwnerStatus, Owners};
use crate::request::OwnerSearch;
use crate::snapshot::{Problem, ProblemKind};
use crate::socket::Socket;

/// `PROC_PID_INIT_INO`: the inode of the initial PID namespace.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Finds the owners of the sockets, as far as they are wanted.
pub(super) fn find(sockets: &[Socket], search: OwnerSearch, problems: &mut Vec<Problem>) -> Owners {
    if search == OwnerSearch::Skip {
        return Owners::Unsupported;
    }
    let mut inodes: Vec<u32> = sockets.iter().map(|socket| socket.inode).filter(|&inode| inode != 0).collect();
    inodes.sort_unstable();
    inodes.dedup();
    if inodes.is_empty() {
        return Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::Gone));
    }
    let wanted = Wanted { inodes: &inodes, lowest_only: search == OwnerSearch::Lowest };
    let walk = match fd_walk::walk(&wanted) {
        Ok(walk) => walk,
        Err(error) => {
            let error = std::io::Error::from(error);
            problems.push(Problem::new(ProblemKind::OwnersUnreadable, format!("owners cannot be looked for: /proc: {error}")));
            return Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::Denied));
        }
    };
    let elsewhere = in_a_pid_namespace();
    let missing = if walk.denied > 0 || walk.hidden || elsewhere { OwnerStatus::Denied } else { OwnerStatus::Gone };
    let owners = InodeOwners::new(walk.entries, missing);
    if missing == OwnerStatus::Denied {
        let hidden = sockets.iter().filter(|socket| owners.of(socket.inode).status == OwnerStatus::Denied).count();
        if hidden > 0 {
            problems.push(Problem::new(ProblemKind::OwnersHidden, hidden_owners(hidden, elsewhere)));
        }
    }
    Owners::ByInode(owners)
}

fn hidden_owners(count: usize, elsewhere: bool) -> String {
    let sockets = if count == 1 { "1 socket" } else { &format!("{count} sockets") };
    if elsewhere {
        format!(
            "owners of {sockets} are hidden, perhaps outside this PID namespace; run rnetstat as root on the host to see them"
        )
    } else {
        format!(
            "owners of {sockets} are hidden, in processes of other users; run rnetstat as root (sudo; in a container with CAP_SYS_PTRACE) to see them"
        )
    }
}

/// Whether this process sees only the processes of a PID namespace of its own, not all of the machine.
fn in_a_pid_namespace() -> bool {
    rustix::fs::stat("/proc/self/ns/pid").is_ok_and(|stat| stat.st_ino != INITIAL_PID_NAMESPACE)
}
