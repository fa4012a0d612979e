//! Names of users, by the system's own user database.
//!
//! The database may load code and ask servers (NSS), so that it has a time limit, and is not asked at all with rights that the
//! caller does not have: only the file of the local users is read then.

use super::resolver::Resolver;
use crate::platform;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How many users are looked up at the same time: they are few, and a database that hangs does so for each.
const MAX_THREADS: usize = 4;

/// A resolver of user ids as processes have them, which keeps its answers over all refreshes.
pub fn resolver() -> Resolver<String> {
    Resolver::new(MAX_THREADS, |id: &String| platform::process_user_name(id))
}

/// How long the database may take for the users that a command line names, and for those that are shown unless something else is
/// said.
pub const LIMIT: Duration = Duration::from_secs(3);

/// Why a user has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// There is no such user.
    #[error("there is no user of that name")]
    Unknown,
    /// The database has not answered in time.
    #[error("the user database did not answer in time: the number of the user serves")]
    Late,
    /// The database is not asked, and the file of the local users does not have the name.
    #[error("/etc/passwd has no such user, and no other is looked up with the capabilities of this program: the number serves")]
    Withheld,
}

/// The number of a user name.
pub fn id_of(name: &str) -> Result<u32, UserError> {
    if platform::has_more_rights_than_its_caller() {
        return platform::local_user_id(name).ok_or(UserError::Withheld);
    }
    let owned = name.to_owned();
    within(LIMIT, move || platform::user_id(&owned))
}

/// What a thread answers within a time; without a thread there is no limit, but there is an answer.
fn within(limit: Duration, ask: impl Fn() -> Option<u32> + Clone + Send + 'static) -> Result<u32, UserError> {
    let (sender, answer) = channel();
    let asked = ask.clone();
    let thread = std::thread::Builder::new().spawn(move || sender.send(asked()));
    let id = match thread {
        Ok(_) => answer.recv_timeout(limit),
        Err(_) => Ok(ask()),
    };
    match id {
        Ok(id) => id.ok_or(UserError::Unknown),
        Err(RecvTimeoutError::Timeout) => Err(UserError::Late),
        Err(RecvTimeoutError::Disconnected) => Err(UserError::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_hangs_is_given_up() {
        let (keep, hold) = channel::<()>();
        let hold = std::sync::Arc::new(std::sync::Mutex::new(hold));
        let hangs = move || {
            let _ = hold.lock().unwrap().recv();
            Some(7)
        };
        assert_eq!(within(Duration::from_millis(1), hangs), Err(UserError::Late));
        drop(keep);
        assert_eq!(within(Duration::from_mins(1), || Some(7)), Ok(7));
        assert_eq!(within(Duration::from_mins(1), || None), Err(UserError::Unknown));
    }
}
