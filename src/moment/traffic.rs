//! How much each process sends and receives by TCP (`--summary --tcp-info`).

use super::row::{Row, Rows};
use super::summary::BUSIEST;
use crate::lookup::rates::Rate;
use crate::model::socket::Pid;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What the connections of a process add up to. A shared connection counts for each of its owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The process; `None` for all connections without a known owner.
    pub pid: Option<Pid>,
    /// Bytes since the connections began, also of those that were closed since the last moment, in the order of [`Rate::ALL`], as far
    /// as any of them has counted.
    bytes: [Option<u64>; Rate::ALL.len()],
    /// Bytes per second since the last moment.
    rates: [Option<u64>; Rate::ALL.len()],
}

impl Traffic {
    /// The processes with the most traffic: that of now, then that since their connections began.
    pub fn of(rows: Rows<'_>) -> Vec<Self> {
        let mut sums: HashMap<Option<Pid>, Self> = HashMap::new();
        let growth = rows.lookups().growth.as_ref();
        for row in rows.iter().filter(|row| row.socket.is_connection()) {
            let mut pids = row.owners().pids().peekable();
            if pids.peek().is_none() {
                sums.entry(None).or_default().add(row, growth.is_none());
            }
            pids.for_each(|pid| sums.entry(Some(pid)).or_default().add(row, growth.is_none()));
        }
        for (&pid, grown) in growth.into_iter().flatten() {
            let total = sums.entry(pid).or_default();
            total.rates = grown.rates;
            total.bytes.iter_mut().zip(grown.closed).for_each(|(bytes, closed)| *bytes = sum(*bytes, closed));
        }
        let mut sums: Vec<Self> = sums.into_iter().map(|(pid, sum)| Self { pid, ..sum }).collect();
        sums.sort_unstable_by_key(|sum| (Reverse(total(&sum.rates)), Reverse(total(&sum.bytes)), sum.pid));
        sums.truncate(BUSIEST);
        sums
    }

    /// Bytes since the connections began.
    pub fn bytes(&self, rate: Rate) -> Option<u64> {
        self.bytes.get(rate as usize).copied().flatten()
    }

    /// Bytes per second.
    pub fn rate(&self, rate: Rate) -> Option<u64> {
        self.rates.get(rate as usize).copied().flatten()
    }

    /// Adds what a row has counted, and its rates unless those of all connections are known.
    fn add(&mut self, row: Row<'_>, has_rates: bool) {
        for ((rate, bytes), per_second) in Rate::ALL.into_iter().zip(&mut self.bytes).zip(&mut self.rates) {
            *bytes = sum(*bytes, row.tcp_info(rate.counter()));
            *per_second = sum(*per_second, row.rate(rate).filter(|_| has_rates));
        }
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}

/// What is sent again has been counted as sent.
fn total(numbers: &[Option<u64>; Rate::ALL.len()]) -> u64 {
    let [sent, received, _] = numbers.map(Option::unwrap_or_default);
    sent.saturating_add(received)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::rates::Rates;
    use crate::model::owners::Owners;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Socket, State};
    use crate::model::system::System;
    use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
    use crate::moment::lookups::Lookups;
    use std::time::{Duration, Instant};

    fn snapshot(sent: [u64; 4]) -> Snapshot {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        let connection = |port| Socket { remote, state: Some(State::Established), ..socket("10.0.0.1", port) };
        let mut tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::BytesSent, TcpField::BytesReceived]));
        for sent in sent {
            tcp_info.push().set(TcpField::BytesSent, sent);
        }
        Snapshot {
            sockets: vec![connection(1), connection(2), connection(3), socket("0.0.0.0", 4)],
            owners: Owners::ByRow(vec![Some(7), Some(8), Some(8), Some(9)].into_iter().collect()),
            tcp_info,
            ..Snapshot::default()
        }
    }

    #[test]
    fn processes_come_by_their_traffic_of_now_and_listeners_have_none() {
        let (start, mut rates) = (Instant::now(), Rates::default());
        let first = snapshot([5000, 100, 10, 1]);
        let lookups = Lookups { rates: rates.observe(&first, start), ..Lookups::default() };
        let of = |snapshot: &Snapshot, lookups: &Lookups| {
            let sums = Traffic::of(Rows::of_parts(snapshot, lookups, System::Linux, &[0, 1, 2, 3]));
            let sent = |sum: &Traffic| (sum.pid, sum.bytes(Rate::Send), sum.rate(Rate::Send), sum.bytes(Rate::Receive));
            sums.iter().map(sent).collect::<Vec<_>>()
        };
        assert_eq!(of(&first, &lookups), [(Some(7), Some(5000), None, None), (Some(8), Some(110), None, None)]);
        let second = snapshot([5000, 200, 30, 1]);
        let lookups = Lookups { rates: rates.observe(&second, start + Duration::from_secs(1)), ..Lookups::default() };
        assert_eq!(of(&second, &lookups), [(Some(8), Some(230), Some(120), None), (Some(7), Some(5000), Some(0), None)]);
    }
}
