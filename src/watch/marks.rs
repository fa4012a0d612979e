//! What is new, gone and changed since the moment before.

use crate::model::owners::OwnerStatus;
use crate::model::socket::State;
use crate::moment::Moment;
use crate::moment::key::RowKey;
use crate::moment::row::Row;
use crate::request::View;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a mark is shown.
pub const LIFETIME: Duration = Duration::from_secs(2);

/// What happened to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was opened.
    New,
    /// It was closed.
    Gone,
    /// Its state, its owner or its longest queue changed.
    Changed,
}

impl Mark {
    /// The sign before the row.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::New => "+",
            Self::Gone => "-",
            Self::Changed => "~",
        }
    }
}

/// The sockets of the moment before, and the marks of those of now. A connection in TIME_WAIT counts as closed.
#[derive(Debug, Default)]
pub struct Marks {
    seen: HashMap<RowKey, Seen>,
    marked: HashMap<RowKey, (Mark, Instant)>,
    last: Option<Instant>,
    /// How many were opened and closed from the moment before to this one, and the time between them.
    pub rate: Option<Turnover>,
}

/// How many sockets were opened and closed in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turnover {
    /// Those that were opened.
    pub opened: usize,
    /// Those that were closed.
    pub closed: usize,
    /// The time.
    pub elapsed: Duration,
}

impl Turnover {
    /// A number of sockets in a second, rounded up: what happened is never 0.
    pub fn per_second(self, count: usize) -> usize {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { (count as f64 / seconds).ceil() as usize } else { count }
    }
}

/// What is compared of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    position: u32,
    state: Option<State>,
    inode: u32,
    /// The longest queue of a listener.
    backlog: u32,
    /// The processes that own it, in one number; `None` if they are not known.
    owners: Option<u64>,
}

impl Seen {
    fn of(row: Row<'_>, position: u32) -> Self {
        let socket = row.socket;
        let owners = row.owners();
        // FNV-1a over the PIDs, which are in order.
        let hash = |hash: u64, pid: u32| (hash ^ u64::from(pid)).wrapping_mul(0x0000_0100_0000_01b3);
        Self {
            position,
            state: socket.state,
            inode: socket.inode,
            backlog: if socket.state == Some(State::Listening) { socket.send_queue } else { 0 },
            owners: (owners.status == OwnerStatus::Owned).then(|| owners.pids().fold(0xcbf2_9ce4_8422_2325, hash)),
        }
    }

    /// Whether another socket has taken its place: the inode of a connection does not change.
    const fn is_replaced_by(&self, now: &Self) -> bool {
        self.inode != 0 && now.inode != 0 && self.inode != now.inode
    }

    fn has_changed(&self, now: &Self) -> bool {
        let other_owners = self.owners.zip(now.owners).is_some_and(|(before, now)| before != now);
        self.state != now.state || self.backlog != now.backlog || other_owners
    }
}

impl Marks {
    /// Compares a moment with the one before, and returns where the sockets that are gone stood in that one. Of an incomplete
    /// moment nothing is gone: what is missing may be there.
    pub fn observe(&mut self, moment: &Moment, now: Instant) -> Vec<u32> {
        self.marked.retain(|_, (_, since)| now.saturating_duration_since(*since) < LIFETIME);
        let is_first = self.last.is_none();
        let mut seen = HashMap::with_capacity(self.seen.len());
        let mut turnover = Turnover { opened: 0, closed: 0, elapsed: Duration::ZERO };
        let rows = moment.rows(View::Sockets);
        for (row, &position) in rows.iter().zip(rows.positions()) {
            let key = row.key();
            let before = self.seen.remove(&key);
            if row.socket.state == Some(State::TimeWait) {
                if before.is_some() {
                    turnover.closed += 1;
                    self.marked.insert(key, (Mark::Gone, now));
                }
                continue;
            }
            let current = Seen::of(row, position);
            let mark = match before {
                None if is_first => None,
                None => Some(Mark::New),
                Some(before) if before.is_replaced_by(&current) => {
                    turnover.closed += 1;
                    Some(Mark::New)
                }
                Some(before) => before.has_changed(&current).then_some(Mark::Changed),
            };
            turnover.opened += usize::from(mark == Some(Mark::New));
            if let Some(mark) = mark {
                // What is new stays new, whatever it does next.
                let is_new = mark == Mark::Changed && matches!(self.marked.get(&key), Some((Mark::New, _)));
                if !is_new {
                    self.marked.insert(key, (mark, now));
                }
            }
            seen.insert(key, current);
        }
        let is_complete = !moment.problems.iter().any(|problem| problem.kind.hides_sockets());
        let mut gone = Vec::new();
        if is_complete {
            turnover.closed += self.seen.len();
            gone.extend(self.seen.values().map(|seen| seen.position));
            gone.sort_unstable();
        } else {
            seen.extend(self.seen.drain());
        }
        self.seen = seen;
        turnover.elapsed = self.last.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.rate = (!is_first).then_some(turnover);
        gone
    }

    /// The mark of a socket.
    pub fn of(&self, key: &RowKey, now: Instant) -> Option<Mark> {
        if self.marked.is_empty() {
            return None;
        }
        let &(mark, since) = self.marked.get(key)?;
        (now.saturating_duration_since(since) < LIFETIME).then_some(mark)
    }

    /// When the first of the marks that are shown is to disappear.
    pub fn next_end(&self, now: Instant) -> Option<Instant> {
        self.marked.values().map(|&(_, since)| since + LIFETIME).filter(|&end| end > now).min()
    }
}
