//! The columns that may be chosen, and what has to be known to fill them.

use crate::model::owners::OwnerSearch;
use crate::model::process::Facts;

/// A column of the wide table and of CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `TCP` or `UDP`.
    Protocol,
    /// `ipv4` or `ipv6`, as the row is shown.
    Family,
    /// The local address and port.
    Local,
    /// The local address alone.
    LocalAddress,
    /// The local port alone.
    LocalPort,
    /// The remote address and port.
    Remote,
    /// The remote address alone.
    RemoteAddress,
    /// The remote port alone.
    RemotePort,
    /// The interface that the socket is bound to.
    Interface,
    /// The TCP state.
    State,
    /// Bytes received and not yet read.
    ReceiveQueue,
    /// Bytes sent and not yet acknowledged.
    SendQueue,
    /// The timer that runs.
    Timer,
    /// The milliseconds until it ends.
    TimerMs,
    /// The user id of the socket's creator.
    Uid,
    /// The name of that user; where sockets have no user, that of the owner.
    User,
    /// The inode of the socket.
    Inode,
    /// What is known of the owners.
    OwnerStatus,
    /// Every process that holds the socket.
    Pid,
    /// Their names.
    Process,
    /// Their executables.
    Executable,
    /// Their command lines.
    CommandLine,
    /// When they were started.
    Started,
    /// The service that the socket speaks.
    Service,
    /// The range that the local port belongs to.
    Range,
    /// Who is at the other end: a process of this host, or the service of a near peer.
    Peer,
}

impl Column {
    /// Every column with its word, in the order of the help text.
    pub const ALL: [(Self, &'static str); 26] = [
        (Self::Protocol, "protocol"),
        (Self::Family, "family"),
        (Self::Local, "local"),
        (Self::LocalAddress, "local_address"),
        (Self::LocalPort, "local_port"),
        (Self::Remote, "remote"),
        (Self::RemoteAddress, "remote_address"),
        (Self::RemotePort, "remote_port"),
        (Self::Interface, "interface"),
        (Self::State, "state"),
        (Self::ReceiveQueue, "receive_queue"),
        (Self::SendQueue, "send_queue"),
        (Self::Timer, "timer"),
        (Self::TimerMs, "timer_ms"),
        (Self::Uid, "uid"),
        (Self::User, "user"),
        (Self::Inode, "inode"),
        (Self::OwnerStatus, "owner_status"),
        (Self::Pid, "pid"),
        (Self::Process, "process"),
        (Self::Executable, "executable"),
        (Self::CommandLine, "command_line"),
        (Self::Started, "started"),
        (Self::Service, "service"),
        (Self::Range, "range"),
        (Self::Peer, "peer"),
    ];

    /// The columns of the wide table where none are chosen.
    pub const WIDE: &'static [Self] = &[
        Self::Protocol,
        Self::Local,
        Self::Remote,
        Self::State,
        Self::Pid,
        Self::Process,
        Self::User,
        Self::Service,
        Self::Peer,
        Self::Range,
    ];

    /// How many columns of the wide table are shown however narrow the terminal is.
    pub const ESSENTIAL: usize = 6;

    /// The columns of CSV where none are chosen.
    pub const CSV: &'static [Self] = &[
        Self::Protocol,
        Self::Family,
        Self::LocalAddress,
        Self::LocalPort,
        Self::RemoteAddress,
        Self::RemotePort,
        Self::Interface,
        Self::State,
        Self::ReceiveQueue,
        Self::SendQueue,
        Self::Timer,
        Self::TimerMs,
        Self::Uid,
        Self::User,
        Self::Inode,
        Self::OwnerStatus,
        Self::Pid,
        Self::Process,
        Self::Executable,
        Self::CommandLine,
        Self::Started,
        Self::Service,
        Self::Range,
    ];

    /// The fixed word of the column, which is also its heading in CSV.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|&(column, _)| column == self).map_or("", |(_, word)| word)
    }

    /// The column of a word, in any letter case, with hyphens for underscores if that is liked better.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase().replace('-', "_");
        Self::ALL.into_iter().find(|&(_, known)| known == word).map(|(column, _)| column)
    }

    /// What has to be looked up to fill the column.
    pub const fn needs(self) -> Needs {
        let nothing = Needs::NOTHING;
        let owners = Needs { owners: OwnerSearch::All, ..nothing };
        let processes = Needs { processes: Some(Facts { executable: false, command_line: false, user: false }), ..owners };
        match self {
            Self::OwnerStatus | Self::Pid => owners,
            Self::Process | Self::Started => processes,
            Self::Executable => Needs { processes: Some(Facts { executable: true, command_line: false, user: false }), ..owners },
            Self::CommandLine => {
                Needs { processes: Some(Facts { executable: false, command_line: true, user: false }), ..owners }
            }
            Self::User => {
                Needs { users: true, processes: Some(Facts { executable: false, command_line: false, user: true }), ..owners }
            }
            Self::Interface => Needs { interfaces: true, ..nothing },
            Self::Peer => Needs { peers: true, ..processes },
            _ => nothing,
        }
    }
}

/// What has to be looked up for an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// How far owners are looked for.
    pub owners: OwnerSearch,
    /// Which facts of the owning processes; `None` for no look at them.
    pub processes: Option<Facts>,
    /// The names of the users of the sockets.
    pub users: bool,
    /// The names of the interfaces that sockets are bound to.
    pub interfaces: bool,
    /// The sockets at the other end of connections within this host.
    pub peers: bool,
}

impl Needs {
    /// Nothing besides the sockets themselves.
    pub const NOTHING: Self = Self { owners: OwnerSearch::Skip, processes: None, users: false, interfaces: false, peers: false };

    /// Everything that JSON tells.
    pub const EVERYTHING: Self = Self {
        owners: OwnerSearch::All,
        processes: Some(Facts { executable: true, command_line: true, user: true }),
        users: true,
        interfaces: true,
        peers: false,
    };

    /// What both need together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |a: Facts, b: Facts| Facts {
            executable: a.executable || b.executable,
            command_line: a.command_line || b.command_line,
            user: a.user || b.user,
        };
        Self {
            owners: self.owners.max(other.owners),
            processes: match (self.processes, other.processes) {
                (Some(a), Some(b)) => Some(both(a, b)),
                (a, b) => a.or(b),
            },
            users: self.users || other.users,
            interfaces: self.interfaces || other.interfaces,
            peers: self.peers || other.peers,
        }
    }

    /// What all these columns need together.
    pub fn of(columns: &[Column]) -> Self {
        columns.iter().fold(Self::NOTHING, |needs, column| needs.and(column.needs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_column_and_no_other() {
        for (column, word) in Column::ALL {
            assert_eq!((Column::parse(word), column.word()), (Some(column), word));
        }
        assert_eq!(Column::parse("Local-Address"), Some(Column::LocalAddress));
        assert_eq!(Column::parse("nothing"), None);
    }

    #[test]
    fn nothing_is_looked_up_for_columns_that_need_nothing() {
        assert_eq!(Needs::of(&[Column::Local, Column::State, Column::Service]), Needs::NOTHING);
        let needs = Needs::of(&[Column::Pid, Column::CommandLine, Column::User]);
        assert_eq!(needs.processes, Some(Facts { executable: false, command_line: true, user: true }));
        assert_eq!((needs.owners, needs.peers), (OwnerSearch::All, false));
    }
}
