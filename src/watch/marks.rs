//! What is new, gone and changed since the moment before.

use crate::model::owners::{OwnerStatus, Owners};
use crate::model::socket::{Socket, State};
use crate::moment::Moment;
use crate::moment::changes::is_over;
use crate::moment::key::RowKey;
use crate::moment::row::{Row, Rows};
use crate::order::{WindowsKey, windows_key};
use crate::request::View;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
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

/// The marks of the sockets of now, by comparison with the moment before. A connection in TIME_WAIT counts as closed.
#[derive(Debug, Default)]
pub struct Marks {
    marked: HashMap<RowKey, (Mark, Instant)>,
    /// The sockets that incomplete moments lacked: they may be there.
    missing: HashSet<RowKey>,
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

/// What became of the sockets of one moment in the next one.
#[derive(Debug, Default)]
struct Comparison {
    /// The marks of sockets of the next moment.
    marks: Vec<(RowKey, Mark)>,
    /// Where sockets stood that the next moment lacks.
    gone: Vec<u32>,
    /// Those that are closed, but still listed.
    closed: usize,
    /// The inodes whose owners changed; `None` if owners stand with the rows.
    other_owners: Option<HashSet<u32>>,
}

impl Comparison {
    /// Compares the rows of two moments. Both are in Windows' order, namespace by namespace, so that one walk along both finds
    /// all pairs: of 100,000 rows, maps of keys would take a third of the time of a whole screen.
    fn of(before: Rows<'_>, now: Rows<'_>) -> Self {
        let other_owners = match (&before.snapshot().owners, &now.snapshot().owners) {
            (Owners::ByInode(before), Owners::ByInode(now)) => Some(before.changed_in(now)),
            (Owners::ByInode(_) | Owners::ByRow(_) | Owners::Unsupported, _) => None,
        };
        let mut comparison = Self { other_owners, ..Self::default() };
        let mut of_namespaces: HashMap<Option<u32>, &[u32]> = by_namespace(before).into_iter().collect();
        for (namespace, positions) in by_namespace(now) {
            let old = of_namespaces.remove(&namespace).unwrap_or_default();
            comparison.walk(before.at(old), now.at(positions));
        }
        for positions in of_namespaces.into_values() {
            comparison.walk(before.at(positions), now.at(&[]));
        }
        comparison.gone.sort_unstable();
        comparison
    }

    fn walk(&mut self, before: Rows<'_>, now: Rows<'_>) {
        let (mut old, mut new) = (Cursor::new(before), Cursor::new(now));
        loop {
            let order = match (&old.key, &new.key) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.cmp(other),
            };
            let olds = if order.is_le() { old.next_run() } else { &[] };
            let news = if order.is_ge() { new.next_run() } else { &[] };
            self.pair(before.at(olds), now.at(news));
        }
    }

    /// Compares rows of one address: several sockets may share it.
    fn pair(&mut self, before: Rows<'_>, now: Rows<'_>) {
        if let ([old], [new]) = (before.positions(), now.positions()) {
            let rows = before.get(*old).zip(now.get(*new));
            if let Some((row, next)) = rows.filter(|(row, next)| row.key() == next.key()) {
                return self.compare(row, next);
            }
        }
        let mut sharers: HashMap<RowKey, (Row<'_>, u32)> = HashMap::new();
        for (row, &position) in before.iter().zip(before.positions()) {
            sharers.insert(row.key(), (row, position));
        }
        for next in now.iter() {
            match sharers.remove(&next.key()) {
                Some((row, _)) => self.compare(row, next),
                None if is_over(next.socket) => {}
                None => self.marks.push((next.key(), Mark::New)),
            }
        }
        self.gone.extend(sharers.into_values().filter(|(row, _)| !is_over(row.socket)).map(|(_, position)| position));
    }

    fn compare(&mut self, row: Row<'_>, next: Row<'_>) {
        let mark = match (is_over(row.socket), is_over(next.socket)) {
            (true, true) => None,
            (true, false) => Some(Mark::New),
            (false, true) => {
                self.closed += 1;
                Some(Mark::Gone)
            }
            (false, false) if is_replaced(row.socket, next.socket) => {
                self.closed += 1;
                Some(Mark::New)
            }
            (false, false) => self.has_changed(row, next).then_some(Mark::Changed),
        };
        self.marks.extend(mark.map(|mark| (next.key(), mark)));
    }
}

/// The rows of each network namespace, by its inode.
fn by_namespace(rows: Rows<'_>) -> Vec<(Option<u32>, &[u32])> {
    let snapshot = rows.snapshot();
    let inode = |position: u32| snapshot.namespace_of(position as usize).and_then(|namespace| namespace.inode);
    if snapshot.namespaces.is_empty() {
        return vec![(None, rows.positions())];
    }
    let chunks = rows.positions().chunk_by(|&one, &other| inode(one) == inode(other));
    chunks.map(|chunk| (chunk.first().and_then(|&first| inode(first)), chunk)).collect()
}

/// Rows in Windows' order, one address after another.
struct Cursor<'a> {
    rows: Rows<'a>,
    left: &'a [u32],
    /// The address of the first row that is left.
    key: Option<WindowsKey>,
}

impl<'a> Cursor<'a> {
    fn new(rows: Rows<'a>) -> Self {
        let mut cursor = Self { rows, left: rows.positions(), key: None };
        cursor.key = cursor.key_at(0);
        cursor
    }

    fn key_at(&self, place: usize) -> Option<WindowsKey> {
        self.rows.get(*self.left.get(place)?).map(|row| windows_key(row.socket))
    }

    /// The rows that have the address of the first one.
    fn next_run(&mut self) -> &'a [u32] {
        let mut length = 1;
        let mut next = self.key_at(length);
        while next.is_some() && next == self.key {
            length += 1;
            next = self.key_at(length);
        }
        self.key = next;
        let (run, left) = self.left.split_at_checked(length).unwrap_or((self.left, &[]));
        self.left = left;
        run
    }
}

/// Whether another socket has taken the place of one: the inode of a connection does not change.
const fn is_replaced(before: &Socket, now: &Socket) -> bool {
    before.inode != 0 && now.inode != 0 && before.inode != now.inode
}

impl Comparison {
    /// Whether it has another state, other owners, or as a listener another limit of its queue.
    fn has_changed(&self, before: Row<'_>, now: Row<'_>) -> bool {
        let backlog = |row: Row<'_>| (row.socket.state == Some(State::Listening)).then_some(row.socket.send_queue);
        let has_other_owners = || match &self.other_owners {
            Some(inodes) => !inodes.is_empty() && inodes.contains(&now.socket.inode),
            None => {
                let (owners, owners_now) = (before.owners(), now.owners());
                let are_known = owners.status == OwnerStatus::Owned && owners_now.status == OwnerStatus::Owned;
                are_known && !owners.pids().eq(owners_now.pids())
            }
        };
        before.socket.state != now.socket.state || backlog(before) != backlog(now) || has_other_owners()
    }
}

impl Marks {
    /// Compares a moment with the one before, and returns where the sockets that are gone stood in that one. Of an incomplete
    /// moment nothing is gone: what is missing may be there.
    pub fn observe(&mut self, before: Option<&Moment>, moment: &Moment, now: Instant) -> Vec<u32> {
        self.marked.retain(|_, (_, since)| now.saturating_duration_since(*since) < LIFETIME);
        let elapsed = self.last.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let Some(before) = before else { return Vec::new() };
        let rows_before = before.rows(View::Sockets);
        let Comparison { marks, mut gone, mut closed, .. } = Comparison::of(rows_before, moment.rows(View::Sockets));
        let mut opened = 0;
        for (key, mark) in marks {
            if mark == Mark::New {
                if self.missing.remove(&key) {
                    continue;
                }
                opened += 1;
            }
            // What is new stays new, whatever it does next.
            let is_new = mark == Mark::Changed && matches!(self.marked.get(&key), Some((Mark::New, _)));
            if !is_new {
                self.marked.insert(key, (mark, now));
            }
        }
        if moment.problems.iter().any(|problem| problem.kind.hides_sockets()) {
            self.missing.extend(gone.drain(..).filter_map(|position| rows_before.get(position)).map(Row::key));
        } else {
            closed += gone.len() + std::mem::take(&mut self.missing).len();
        }
        self.rate = Some(Turnover { opened, closed, elapsed });
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
