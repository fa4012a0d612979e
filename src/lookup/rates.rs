//! How much a connection sends and receives, from its counters at two moments.

use crate::model::snapshot::Snapshot;
use crate::model::socket::SocketId;
use crate::model::tcp_info::TcpField;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What has a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rate {
    /// Bytes sent, with those sent again.
    Send,
    /// Bytes received.
    Receive,
    /// Bytes sent again.
    Retransmit,
}

impl Rate {
    /// Every rate.
    pub const ALL: [Self; 3] = [Self::Send, Self::Receive, Self::Retransmit];

    /// What it is the growth of.
    pub const fn counter(self) -> TcpField {
        match self {
            Self::Send => TcpField::BytesSent,
            Self::Receive => TcpField::BytesReceived,
            Self::Retransmit => TcpField::BytesRetransmitted,
        }
    }
}

/// The rates of one connection in bytes per second, in the order of [`Rate::ALL`], as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RatesOfRow([Option<u64>; Rate::ALL.len()]);

impl RatesOfRow {
    /// One of the rates.
    pub fn get(&self, rate: Rate) -> Option<u64> {
        self.0.get(rate as usize).copied().flatten()
    }
}

/// The counters of one connection, in the order of [`Rate::ALL`].
pub type Counters = [Option<u64>; Rate::ALL.len()];

/// The counters of connections as they were last read.
#[derive(Debug, Default)]
pub struct Rates {
    /// With the inode of the network namespace, if several are read.
    counters: HashMap<(SocketId, Option<u32>), Counters>,
    time: Option<Instant>,
}

impl Rates {
    /// The rate of each row of a snapshot that was read now, and forgets the connections that are no more.
    ///
    /// A connection has rates if the same one was there before: the same addresses and inode, and no counter that is less than
    /// it was, which is a new connection in the place of an old one.
    pub fn observe(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<RatesOfRow> {
        let elapsed = self.time.replace(now).map(|before| now.saturating_duration_since(before));
        let mut counters = HashMap::with_capacity(self.counters.len());
        let mut rates = vec![RatesOfRow::default(); snapshot.sockets.len()];
        for (row, (socket, rates)) in snapshot.sockets.iter().zip(&mut rates).enumerate() {
            let Some(id) = socket.id().filter(|_| socket.is_connection()) else { continue };
            let id = (id, snapshot.namespace_of(row).and_then(|namespace| namespace.inode));
            let current = Rate::ALL.map(|rate| snapshot.tcp_info.get(row, rate.counter()));
            if let (Some(elapsed), Some(before)) = (elapsed, self.counters.get(&id)) {
                *rates = RatesOfRow(growth(before, &current, elapsed));
            }
            counters.insert(id, current);
        }
        self.counters = counters;
        rates
    }
}

/// The growth of counters per second; nothing if one of them fell.
fn growth(before: &Counters, now: &Counters, elapsed: Duration) -> Counters {
    let mut rates = [None; Rate::ALL.len()];
    for ((before, now), rate) in before.iter().zip(now).zip(&mut rates) {
        if let (Some(before), Some(now)) = (before, now) {
            let Some(grown) = now.checked_sub(*before) else { return Counters::default() };
            *rate = per_second(grown, elapsed);
        }
    }
    rates
}

/// Rounded to the nearest; `None` if no time has passed.
pub(super) fn per_second(amount: u64, elapsed: Duration) -> Option<u64> {
    let nanoseconds = elapsed.as_nanos();
    let rate = (u128::from(amount) * 1_000_000_000 + nanoseconds / 2).checked_div(nanoseconds)?;
    Some(u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Socket, State};
    use crate::model::tcp_info::{TcpFields, TcpInfoTable};

    const SECOND: Duration = Duration::from_secs(1);

    fn connection(inode: u32) -> Socket {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        Socket { remote, inode, state: Some(State::Established), ..socket("10.0.0.1", 5000) }
    }

    fn snapshot(rows: &[(Socket, Option<u64>, Option<u64>)]) -> Snapshot {
        let mut tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::BytesSent, TcpField::BytesReceived]));
        for (_, sent, received) in rows {
            let mut row = tcp_info.push();
            sent.iter().for_each(|&sent| row.set(TcpField::BytesSent, sent));
            received.iter().for_each(|&received| row.set(TcpField::BytesReceived, received));
        }
        Snapshot { sockets: rows.iter().map(|row| row.0).collect(), tcp_info, ..Snapshot::default() }
    }

    fn rates(rates: &[RatesOfRow]) -> Vec<[Option<u64>; 3]> {
        rates.iter().map(|row| Rate::ALL.map(|rate| row.get(rate))).collect()
    }

    #[test]
    fn rates_are_known_from_the_second_moment_on() {
        let start = Instant::now();
        let mut observed = Rates::default();
        let first = observed.observe(&snapshot(&[(connection(1), Some(100), Some(7))]), start);
        assert_eq!(rates(&first), [[None; 3]]);
        let second = snapshot(&[(connection(2), Some(900), Some(9)), (connection(1), Some(3100), Some(7))]);
        assert_eq!(rates(&observed.observe(&second, start + 2 * SECOND)), [[None; 3], [Some(1500), Some(0), None]]);
        let third = snapshot(&[(connection(1), Some(3100), None)]);
        assert_eq!(rates(&observed.observe(&third, start + 3 * SECOND)), [[Some(0), None, None]]);
        assert_eq!(observed.counters.len(), 1, "what is gone is forgotten");
    }

    #[test]
    fn a_counter_that_fell_is_another_connection() {
        let start = Instant::now();
        let mut observed = Rates::default();
        observed.observe(&snapshot(&[(connection(1), Some(100), Some(100))]), start);
        let again = observed.observe(&snapshot(&[(connection(1), Some(200), Some(99))]), start + SECOND);
        assert_eq!(rates(&again), [[None; 3]]);
    }

    #[test]
    fn a_connection_that_ended_has_no_rate() {
        let start = Instant::now();
        let closed = Socket { state: Some(State::TimeWait), ..connection(1) };
        let mut observed = Rates::default();
        observed.observe(&snapshot(&[(connection(1), Some(100), Some(100))]), start);
        assert_eq!(rates(&observed.observe(&snapshot(&[(closed, None, None)]), start + SECOND)), [[None; 3]]);
    }

    #[test]
    fn a_rate_is_rounded_and_needs_time() {
        assert_eq!(per_second(10, Duration::ZERO), None);
        assert_eq!(per_second(1, Duration::from_millis(1500)), Some(1));
        assert_eq!(per_second(u64::MAX, Duration::from_nanos(1)), Some(u64::MAX));
    }
}
