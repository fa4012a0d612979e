//! The user database of Unix, through the system's own name service.

use nix::unistd::{Uid, User};

/// The name of a user id.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok()?.map(|user| user.name)
}

/// The id of a user name.
pub(crate) fn user_id(name: &str) -> Option<u32> {
    User::from_name(name).ok()?.map(|user| user.uid.as_raw())
}

/// The name of a user that a process runs as.
pub(crate) fn process_user_name(id: &str) -> Option<String> {
    user_name(id.parse().ok()?)
}
