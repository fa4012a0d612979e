//! What `--wait` waits for.

use super::PortQuestion;
use crate::model::answer::Answer;
use crate::model::snapshot::Snapshot;
use crate::model::socket::Socket;
use std::time::Duration;

/// A state of a port that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortWait {
    /// The port; its protocol is always given.
    pub question: PortQuestion,
    /// Which state.
    pub until: Until,
    /// How long at most; `None` for as long as it takes.
    pub limit: Option<Duration>,
}

impl PortWait {
    /// Whether the port is in that state by the sockets of a snapshot.
    pub fn reached_in(&self, snapshot: &Snapshot) -> Answer {
        let PortQuestion { port, protocol } = self.question;
        let is_on_port =
            |socket: &&Socket| socket.local.port == port && protocol.is_none_or(|protocol| protocol == socket.protocol);
        let mut sockets = snapshot.sockets.iter().filter(is_on_port);
        let hides_sockets = snapshot.problems.iter().any(|problem| problem.kind.hides_sockets());
        match (self.until, hides_sockets) {
            (Until::Listening, _) if sockets.any(Socket::is_listener) => Answer::Yes,
            (Until::Free, _) if sockets.next().is_some() => Answer::No,
            (Until::Listening | Until::Free, true) => Answer::Unknown,
            (Until::Listening, false) => Answer::No,
            (Until::Free, false) => Answer::Yes,
        }
    }
}

/// A state of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A listener is there.
    Listening,
    /// No socket is on it, so that it can be bound.
    Free,
}
