//! How much was sent and received since the last read, by process: also by connections that were closed meanwhile.
//!
//! Connections are followed by what identifies them in the kernel. One that is new has begun after the last read, so that all that
//! it has counted is of the time since.

use super::rates::{Counters, Rate, per_second};
use crate::model::closed::{ClosedConnection, LastFigures};
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Pid, Socket};
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// What connections of one process sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// What those that were closed since the last read counted in all, in the order of [`Rate::ALL`].
    pub closed: Counters,
    /// What all of them sent and received since then, in bytes per second.
    pub rates: Counters,
}

/// The growth by process; `None` stands for connections without a known owner. A shared connection counts for each of its owners.
pub type GrowthByOwner = HashMap<Option<Pid>, Growth>;

/// The connections as they were last read.
#[derive(Debug, Default)]
pub struct Followed {
    seen: HashMap<NonZeroU64, Seen>,
    /// What was closed after it was read: it is counted next time.
    late: Vec<ClosedConnection>,
    time: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    counters: Counters,
    owners: Box<[Pid]>,
    is_shown: bool,
}

impl Followed {
    /// What was sent and received until a snapshot that was read now. `rows` are those that are shown, `closed` is what was closed
    /// since the last time, and `is_wanted` says of a connection that no read has seen whether it would be shown.
    pub fn observe(
        &mut self,
        snapshot: &Snapshot,
        rows: &[u32],
        closed: Vec<ClosedConnection>,
        is_wanted: impl Fn(&Socket) -> bool,
        now: Instant,
    ) -> GrowthByOwner {
        let elapsed = self.time.replace(now).map(|before| now.saturating_duration_since(before));
        let now_seen = seen(snapshot, rows);
        let mut sums = GrowthByOwner::new();
        for (cookie, current) in now_seen.iter().filter(|(_, current)| current.is_shown) {
            let before = self.seen.get(cookie).map_or([Some(0); Rate::ALL.len()], |before| before.counters);
            let grown = grown(&before, &current.counters);
            each(&mut sums, &current.owners, |sum| add(&mut sum.rates, &grown));
        }
        for connection in std::mem::take(&mut self.late).into_iter().chain(closed) {
            if now_seen.contains_key(&connection.cookie) {
                self.late.push(connection);
                continue;
            }
            let last = counters(&connection.last);
            match self.seen.get(&connection.cookie) {
                Some(before) if before.is_shown => {
                    let grown = grown(&before.counters, &last);
                    each(&mut sums, &before.owners, |sum| {
                        add(&mut sum.closed, &last);
                        add(&mut sum.rates, &grown);
                    });
                }
                None if elapsed.is_some() && is_wanted(&connection.socket) => each(&mut sums, &[], |sum| {
                    add(&mut sum.closed, &last);
                    add(&mut sum.rates, &last);
                }),
                Some(_) | None => {}
            }
        }
        self.seen = now_seen;
        for sum in sums.values_mut() {
            let rate = |bytes: Option<u64>| elapsed.and_then(|elapsed: Duration| per_second(bytes?, elapsed));
            sum.rates = sum.rates.map(rate);
        }
        sums
    }
}

/// The connections of a snapshot, and whether they are among the rows.
fn seen(snapshot: &Snapshot, rows: &[u32]) -> HashMap<NonZeroU64, Seen> {
    let mut seen = HashMap::with_capacity(snapshot.sockets.len());
    for (row, socket) in snapshot.sockets.iter().enumerate().filter(|(_, socket)| socket.is_connection()) {
        let Some(cookie) = snapshot.details.get(row).and_then(|details| details.cookie) else { continue };
        let counters = Rate::ALL.map(|rate| snapshot.tcp_info.get(row, rate.counter()));
        let owners = snapshot.owners.of(row, socket).pids().collect();
        seen.insert(cookie, Seen { counters, owners, is_shown: false });
    }
    for &row in rows {
        let cookie = snapshot.details.get(row as usize).and_then(|details| details.cookie);
        if let Some(seen) = cookie.and_then(|cookie| seen.get_mut(&cookie)) {
            seen.is_shown = true;
        }
    }
    seen
}

const fn counters(last: &LastFigures) -> Counters {
    [last.bytes_sent, last.bytes_received, last.bytes_retransmitted]
}

/// What was added; nothing where one of both is not known, as after a reset.
fn grown(before: &Counters, now: &Counters) -> Counters {
    let mut grown = Counters::default();
    for ((before, now), grown) in before.iter().zip(now).zip(&mut grown) {
        *grown = now.zip(*before).map(|(now, before)| now.saturating_sub(before));
    }
    grown
}

fn each(sums: &mut GrowthByOwner, owners: &[Pid], mut change: impl FnMut(&mut Growth)) {
    if owners.is_empty() {
        change(sums.entry(None).or_default());
    }
    owners.iter().for_each(|&pid| change(sums.entry(Some(pid)).or_default()));
}

/// Adds what is known.
fn add(sums: &mut Counters, numbers: &Counters) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        if let Some(number) = number {
            *sum = Some(sum.unwrap_or(0).saturating_add(*number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::details::Details;
    use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, State};
    use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};

    /// Connections by their cookies, which are also their inodes and the PIDs of their owners, with the bytes that they sent.
    fn snapshot(rows: &[(u32, u64)]) -> Snapshot {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        let connection =
            |&(inode, _): &(u32, u64)| Socket { remote, inode, state: Some(State::Established), ..socket("10.0.0.1", 5000) };
        let mut tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::BytesSent]));
        rows.iter().for_each(|&(_, sent)| tcp_info.push().set(TcpField::BytesSent, sent));
        let cookie = |&(inode, _): &(u32, u64)| Details { cookie: NonZeroU64::new(inode.into()), ..Details::default() };
        let owners = rows.iter().map(|&(inode, _)| InodeOwners::entry(inode, inode)).collect();
        Snapshot {
            sockets: rows.iter().map(connection).collect(),
            details: rows.iter().map(cookie).collect(),
            owners: Owners::ByInode(InodeOwners::new(owners, OwnerStatus::None)),
            tcp_info,
            ..Snapshot::default()
        }
    }

    fn closed(cookie: u64, sent: Option<u64>) -> ClosedConnection {
        let last = LastFigures { bytes_sent: sent, ..LastFigures::default() };
        ClosedConnection { socket: socket("10.0.0.1", 5000), cookie: NonZeroU64::new(cookie).unwrap(), time_ms: 0, last }
    }

    /// What each process sent: of closed connections in all, and per second.
    fn sent(sums: &GrowthByOwner) -> Vec<(Option<Pid>, Option<u64>, Option<u64>)> {
        let mut sent: Vec<_> = sums.iter().map(|(&pid, sum)| (pid, sum.closed[0], sum.rates[0])).collect();
        sent.sort_unstable();
        sent
    }

    #[test]
    fn what_was_sent_by_connections_that_are_closed_or_new_is_counted_once() {
        let (start, mut followed) = (Instant::now(), Followed::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        let all = [0, 1, 2];
        let first = followed.observe(&snapshot(&[(1, 100), (2, 1000)]), &all, vec![closed(9, Some(7))], |_| true, at(0));
        assert_eq!(sent(&first), [(Some(1), None, None), (Some(2), None, None)], "what was closed before is not counted");
        // 1 goes on, 2 was closed, 3 is new, 4 lived in between, 3 is closed while the rows are read.
        let told = vec![closed(2, Some(1500)), closed(4, Some(40)), closed(3, Some(350))];
        let second = followed.observe(&snapshot(&[(1, 160), (3, 300)]), &all, told, |_| true, at(1));
        let expected =
            [(None, Some(40), Some(40)), (Some(1), None, Some(60)), (Some(2), Some(1500), Some(500)), (Some(3), None, Some(300))];
        assert_eq!(sent(&second), expected);
        let third = followed.observe(&snapshot(&[(1, 160)]), &all, Vec::new(), |_| true, at(3));
        assert_eq!(sent(&third), [(Some(1), None, Some(0)), (Some(3), Some(350), Some(25))]);
    }

    #[test]
    fn rows_that_are_not_shown_do_not_count_and_a_reset_counts_nothing() {
        let (start, mut followed) = (Instant::now(), Followed::default());
        followed.observe(&snapshot(&[(1, 100), (2, 1000)]), &[1], Vec::new(), |_| false, start);
        let told = vec![closed(1, Some(200)), closed(2, None), closed(3, Some(5))];
        let sums = followed.observe(&snapshot(&[]), &[], told, |_| false, start + Duration::from_secs(1));
        assert_eq!(sent(&sums), [(Some(2), None, None)]);
    }

    #[test]
    fn nothing_is_lost_between_the_reads_whenever_connections_close() {
        let (start, mut followed) = (Instant::now(), Followed::default());
        let (mut total, mut cookie) = (0, 0);
        let mut open: Vec<(u32, u64)> = Vec::new();
        followed.observe(&snapshot(&open), &[], Vec::new(), |_| true, start);
        for second in 1..=10 {
            let mut told = Vec::new();
            // 500 live in between, 20 go on into the next second, and as many of the last one are closed.
            told.extend(open.drain(..).map(|(inode, _)| closed(inode.into(), Some(160))));
            for number in 0..520 {
                cookie += 1;
                if number < 500 { told.push(closed(cookie.into(), Some(160))) } else { open.push((cookie, 100)) }
            }
            let rows: Vec<u32> = (0..open.len() as u32).collect();
            let sums = followed.observe(&snapshot(&open), &rows, told, |_| true, start + Duration::from_secs(second));
            total += sums.values().filter_map(|sum| sum.rates[0]).sum::<u64>();
        }
        let told = open.drain(..).map(|(inode, _)| closed(inode.into(), Some(160))).collect();
        let sums = followed.observe(&snapshot(&[]), &[], told, |_| true, start + Duration::from_secs(11));
        total += sums.values().filter_map(|sum| sum.rates[0]).sum::<u64>();
        assert_eq!(total, u64::from(cookie) * 160);
    }
}
