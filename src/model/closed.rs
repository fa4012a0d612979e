//! TCP connections that were closed, as the system says it when it happens.

use super::socket::Socket;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

/// A TCP connection that was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedConnection {
    /// Its ends. After a reset the system has forgotten the own address and the remote port, which is 0 then.
    pub socket: Socket,
    /// What identifies it as long as the system runs.
    pub cookie: NonZeroU64,
    /// When that was said, in milliseconds since 1970.
    pub time_ms: u64,
    /// What was counted and measured until its end.
    pub last: LastFigures,
}

/// What was counted and measured of a connection until its end, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastFigures {
    /// Bytes of data sent, with those sent again.
    pub bytes_sent: Option<u64>,
    /// Bytes of data received in order; Linux counts the other end's FIN as one.
    pub bytes_received: Option<u64>,
    /// Bytes of data sent again.
    pub bytes_retransmitted: Option<u64>,
    /// The smoothed round-trip time, in microseconds.
    pub rtt_us: Option<u64>,
    /// Segments sent again.
    pub retransmits: Option<u64>,
}

/// What was closed since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClosedBatch {
    /// The connections, in the order in which they were closed.
    pub connections: Vec<ClosedConnection>,
    /// Whether some are missing: more were closed at once than the system keeps until they are read.
    pub is_incomplete: bool,
    /// Why no more will follow, if that is so.
    pub ended: Option<String>,
}

/// More connections than this wait for nobody: those that follow are missing.
const MOST: usize = 1 << 18;

/// Connections that were closed, from the thread that is told to the one that asks.
#[derive(Clone, Debug, Default)]
pub struct ClosedFeed(Arc<Mutex<ClosedBatch>>);

impl ClosedFeed {
    /// Takes what was closed since the last time.
    pub fn take(&self) -> ClosedBatch {
        let mut batch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = batch.ended.clone();
        std::mem::replace(&mut *batch, ClosedBatch { ended, ..ClosedBatch::default() })
    }

    /// Changes what is taken next.
    pub fn update(&self, change: impl FnOnce(&mut ClosedBatch)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ClosedBatch {
    /// Adds a connection, if there is room.
    pub fn push(&mut self, connection: ClosedConnection) {
        if self.connections.len() < MOST {
            self.connections.push(connection);
        } else {
            self.is_incomplete = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;

    #[test]
    fn what_was_taken_is_not_taken_again_and_the_end_is_remembered() {
        let connection = |cookie| ClosedConnection {
            socket: socket("127.0.0.1", 80),
            cookie: NonZeroU64::new(cookie).unwrap(),
            time_ms: 1,
            last: LastFigures::default(),
        };
        let feed = ClosedFeed::default();
        feed.clone().update(|batch| batch.push(connection(1)));
        feed.update(|batch| {
            batch.is_incomplete = true;
            batch.ended = Some("no memory".to_owned());
        });
        let first = feed.take();
        assert_eq!((first.connections.as_slice(), first.is_incomplete), (&[connection(1)][..], true));
        let second = feed.take();
        assert_eq!((second.connections.len(), second.is_incomplete, second.ended.as_deref()), (0, false, Some("no memory")));
        let mut batch = ClosedBatch::default();
        (0..=MOST as u64).for_each(|number| batch.push(connection(number + 1)));
        assert_eq!((batch.connections.len(), batch.is_incomplete), (MOST, true));
    }
}
