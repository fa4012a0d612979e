//! What a user may sort by (`--sort local,-pid`).

use crate::model::owners::OwnerSearch;
use std::str::FromStr;

/// What rows may be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// TCP before UDP.
    Protocol,
    /// The local address as a number, IPv4 before IPv6, then its scope and port.
    Local,
    /// The local port.
    LocalPort,
    /// The foreign address as a number, IPv4 before IPv6, then its scope and port.
    Remote,
    /// The foreign port.
    RemotePort,
    /// The state, in the order of a connection's life; rows without one first.
    State,
    /// The lowest PID that holds the socket; sockets without a known owner first.
    Pid,
    /// The name of that process without regard to letter case; sockets without a known owner first.
    Process,
    /// The user id of the socket.
    User,
    /// The bytes received and not yet read.
    ReceiveQueue,
    /// The bytes sent and not yet acknowledged.
    SendQueue,
}

impl Key {
    /// Every key, in the order of the help text.
    pub const ALL: [Self; 11] = [
        Self::Protocol,
        Self::Local,
        Self::LocalPort,
        Self::Remote,
        Self::RemotePort,
        Self::State,
        Self::Pid,
        Self::Process,
        Self::User,
        Self::ReceiveQueue,
        Self::SendQueue,
    ];

    /// The word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Local => "local",
            Self::LocalPort => "local-port",
            Self::Remote => "remote",
            Self::RemotePort => "remote-port",
            Self::State => "state",
            Self::Pid => "pid",
            Self::Process => "process",
            Self::User => "user",
            Self::ReceiveQueue => "receive-queue",
            Self::SendQueue => "send-queue",
        }
    }

    /// How far owners have to be looked for to sort by it.
    pub const fn owner_search(self) -> OwnerSearch {
        match self {
            Self::Pid | Self::Process => OwnerSearch::Lowest,
            _ => OwnerSearch::Skip,
        }
    }
}

/// A key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// What to sort by.
    pub key: Key,
    /// Whether the greatest comes first (`-` before the key).
    pub descending: bool,
}

/// A word that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such key")]
pub struct UnknownKey;

impl FromStr for SortKey {
    type Err = UnknownKey;

    fn from_str(word: &str) -> Result<Self, UnknownKey> {
        let (name, descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
        let key = Key::ALL.into_iter().find(|key| key.word().eq_ignore_ascii_case(name)).ok_or(UnknownKey)?;
        Ok(Self { key, descending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_key_is_refused() {
        assert_eq!("-PID".parse(), Ok(SortKey { key: Key::Pid, descending: true }));
        for word in ["", "-", "--pid", "+pid", "port"] {
            assert_eq!(word.parse::<SortKey>(), Err(UnknownKey), "{word}");
        }
    }
}
