//! The user database of Unix, through the system's own name service.

use crate::model::process;
use nix::unistd::{Uid, User};

/// The name of a user id.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok()?.map(|user| user.name)
}

/// The id of a user name.
pub(crate) fn user_id(name: &str) -> Option<u32> {
    User::from_name(name).ok()?.map(|user| user.uid.as_raw())
}

/// The user that a process runs as.
pub(crate) fn user_of_process(id: &sysinfo::Uid) -> process::User {
    process::User { id: id.to_string(), name: user_name(**id) }
}
