//! How long a TCP connection has been in its state: by the system, or as observed over the refreshes.

use crate::model::socket::{Endpoint, Socket, State, Timer};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long the kernel keeps a connection in TIME_WAIT (Linux: `TCP_TIMEWAIT_LEN`).
const TIME_WAIT: Duration = Duration::from_mins(1);

/// A time in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInState {
    /// The system gives it.
    Exactly(Duration),
    /// It has been in this state for at least so long.
    AtLeast(Duration),
}

impl TimeInState {
    /// The time that is known.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Exactly(time) | Self::AtLeast(time) => time,
        }
    }
}

/// The states that were observed over the refreshes of an interval.
#[derive(Debug, Default)]
pub struct StateTimes {
    seen: HashMap<Key, (State, Instant)>,
    /// The map of the refresh before the last one, kept for its memory.
    spare: HashMap<Key, (State, Instant)>,
}

/// What stays the same while a connection changes its state.
type Key = (Endpoint, Endpoint, u32, u32, Option<u32>);

const fn key(socket: &Socket, namespace: Option<u32>) -> Key {
    (socket.local, socket.remote, socket.interface, socket.inode, namespace)
}

impl StateTimes {
    /// Takes note of the states at one moment, each socket with the inode of its network namespace if several are read, and
    /// forgets the connections that are gone.
    pub fn observe<'a>(&mut self, sockets: impl IntoIterator<Item = (&'a Socket, Option<u32>)>, now: Instant) {
        self.spare.clear();
        for (socket, namespace) in sockets {
            let Some(state) = socket.state else { continue };
            let since = match self.seen.get(&key(socket, namespace)) {
                Some(&(before, since)) if before == state => since,
                _ => now,
            };
            self.spare.insert(key(socket, namespace), (state, since));
        }
        std::mem::swap(&mut self.seen, &mut self.spare);
    }

    /// How long a socket has been in its state; `None` if neither the system nor an earlier refresh says.
    ///
    /// `age` is the time since the socket was made, if the system gives it: a listener has listened since then. TIME_WAIT begins
    /// anew with each late segment of the peer, so that its timer gives a lower bound.
    pub fn of(&self, socket: &Socket, namespace: Option<u32>, age: Option<Duration>, now: Instant) -> Option<TimeInState> {
        if let (Some(age), Some(State::Listening | State::Bound)) = (age, socket.state) {
            return Some(TimeInState::Exactly(age));
        }
        if socket.state == Some(State::TimeWait) && socket.timer == Timer::TimeWait {
            let left = Duration::from_millis(socket.expires_ms.into());
            return Some(TimeInState::AtLeast(TIME_WAIT.saturating_sub(left)));
        }
        let &(state, since) = self.seen.get(&key(socket, namespace))?;
        (socket.state == Some(state)).then(|| TimeInState::AtLeast(now.saturating_duration_since(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;

    #[test]
    fn time_wait_has_lasted_at_least_for_what_its_timer_has_run() {
        let waiting =
            Socket { state: Some(State::TimeWait), timer: Timer::TimeWait, expires_ms: 58_500, ..socket("127.0.0.1", 1) };
        let times = StateTimes::default();
        assert_eq!(times.of(&waiting, None, None, Instant::now()), Some(TimeInState::AtLeast(Duration::from_millis(1500))));
        let late = Socket { expires_ms: 61_000, ..waiting };
        assert_eq!(times.of(&late, None, None, Instant::now()), Some(TimeInState::AtLeast(Duration::ZERO)));
    }

    #[test]
    fn the_age_of_a_socket_is_the_time_in_state_of_a_listener_alone() {
        let (listener, age) = (socket("127.0.0.1", 1), Some(Duration::from_secs(90)));
        let times = StateTimes::default();
        assert_eq!(times.of(&listener, None, age, Instant::now()), Some(TimeInState::Exactly(Duration::from_secs(90))));
        let open = Socket { state: Some(State::Established), ..listener };
        assert_eq!(times.of(&open, None, age, Instant::now()), None);
    }

    #[test]
    fn without_the_system_the_time_counts_from_the_first_refresh_that_saw_the_state() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let open = Socket { state: Some(State::Established), ..socket("127.0.0.1", 1) };
        let half = Socket { state: Some(State::CloseWait), ..open };
        let mut times = StateTimes::default();
        assert_eq!(times.of(&open, None, None, start), None);
        times.observe([(&open, None)], start);
        times.observe([(&open, None)], start + 2 * second);
        assert_eq!(times.of(&open, None, None, start + 2 * second), Some(TimeInState::AtLeast(2 * second)));
        times.observe([(&half, None)], start + 3 * second);
        assert_eq!(times.of(&half, None, None, start + 4 * second), Some(TimeInState::AtLeast(second)));
        times.observe([], start + 5 * second);
        assert_eq!(times.of(&half, None, None, start + 5 * second), None);
    }

    #[test]
    fn ten_thousand_refreshes_keep_only_what_is_there() {
        let mut times = StateTimes::default();
        for round in 0..10_000u32 {
            let passing = Socket { inode: round + 1, ..socket("127.0.0.1", 1) };
            times.observe([(&passing, None), (&socket("127.0.0.1", 2), None)], Instant::now());
        }
        assert_eq!(times.seen.len(), 2);
        assert!(times.seen.capacity() + times.spare.capacity() < 100);
    }
}
