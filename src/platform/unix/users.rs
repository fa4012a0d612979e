//! The user database of Unix, through the system's own name service.

use crate::platform::passwd;
use nix::unistd::{Uid, User};

/// The id of a user name.
pub(crate) fn user_id(name: &str) -> Option<u32> {
    User::from_name(name).ok()?.map(|user| user.uid.as_raw())
}

/// The id of a user name in the file of the local users, for which the system's name service is not asked.
pub(crate) fn local_user_id(name: &str) -> Option<u32> {
    passwd::id_of(&String::from_utf8_lossy(&std::fs::read("/etc/passwd").ok()?), name)
}

/// The name of a user that a process runs as.
pub(crate) fn process_user_name(id: &str) -> Option<String> {
    User::from_uid(Uid::from_raw(id.parse().ok()?)).ok()?.map(|user| user.name)
}
