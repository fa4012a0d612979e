//! Sorting rows by the columns that a user asks for.

use super::keys::SortKey;
use crate::model::socket::Pid;
use crate::moment::row::{Row, Rows};
use crate::moment::value::Value;
use crate::request::column::Column;
use crate::request::unit::Quantity;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;

/// Sorts rows by the first key, rows equal in it by the second, and so on; rows equal in all keep the order that they have.
/// Unknown values come first.
pub fn sort(keys: &[SortKey], rows: Rows<'_>) -> Vec<u32> {
    let mut sorted = rows.positions().to_vec();
    let texts: Vec<TextRanks> = keys.iter().map(|key| TextRanks::new(key.column, rows)).collect();
    let rank = |texts: &TextRanks, column, position| match texts.of(position) {
        Some(text) => Rank::Text(text),
        None => rows.get(position).map_or(Rank::Unknown, |row| rank_of(row, column)),
    };
    sorted.sort_by(|&a, &b| {
        keys.iter().zip(&texts).fold(Ordering::Equal, |so_far, (key, texts)| {
            so_far.then_with(|| {
                let ordering = rank(texts, key.column, a).cmp(&rank(texts, key.column, b));
                if key.descending { ordering.reverse() } else { ordering }
            })
        })
    });
    sorted
}

/// Where a row stands among others by one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unknown,
    Number(u64),
    Address(IpAddr, u32, u16),
    /// The place of its text among all texts of the column.
    Text(u32),
}

/// For each row the place of its text among all texts of a column, without regard to letter case.
struct TextRanks {
    /// By the row's position in the snapshot: one more than the place, 0 for no text. Empty if the column has no texts.
    places: Vec<u32>,
}

impl TextRanks {
    fn new(column: Column, rows: Rows<'_>) -> Self {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut number_of = |text: String| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(text).or_insert(next)
        };
        let mut of_owners: HashMap<Pid, u32> = HashMap::new();
        let mut places = Vec::new();
        for &position in rows.positions() {
            let Some(row) = rows.get(position) else { continue };
            // The first owner that has a name decides, and most owners have many rows.
            let owner = (column == Column::Process).then(|| row.owners().lowest()).flatten().filter(|&pid| has_name(row, pid));
            let known = owner.and_then(|pid| of_owners.get(&pid).copied());
            let number = known.or_else(|| text(&sort_value(row, column)).map(&mut number_of));
            of_owners.extend(owner.zip(number));
            let Some(number) = number else { continue };
            if places.is_empty() {
                places.resize(rows.snapshot().sockets.len(), 0);
            }
            if let Some(place) = places.get_mut(position as usize) {
                *place = number + 1;
            }
        }
        let mut texts: Vec<(String, u32)> = numbers.into_iter().collect();
        texts.sort_unstable();
        let mut ranks = vec![0; texts.len()];
        for ((_, number), rank) in texts.into_iter().zip(1..) {
            if let Some(place) = ranks.get_mut(number as usize) {
                *place = rank;
            }
        }
        for place in &mut places {
            *place = place.checked_sub(1).and_then(|number| ranks.get(number as usize).copied()).unwrap_or(0);
        }
        Self { places }
    }

    fn of(&self, position: u32) -> Option<u32> {
        self.places.get(position as usize).copied().filter(|&place| place != 0)
    }
}

fn has_name(row: Row<'_>, pid: Pid) -> bool {
    row.process(pid).is_some_and(|process| !process.name.is_empty())
}

fn rank_of(row: Row<'_>, column: Column) -> Rank {
    match sort_value(row, column) {
        Value::Ranked(rank, _) => Rank::Number(u64::from(rank)),
        Value::Number(number) | Value::Quantity(Quantity(number, _)) => Rank::Number(number),
        Value::Flag(flag) => Rank::Number(flag.into()),
        Value::Address(address, scope) => Rank::Address(address, scope, 0),
        Value::Endpoint(end, scope) => Rank::Address(end.address, scope, end.port),
        Value::NamedEndpoint(_, end) => Rank::Address(end.address, row.socket.scope(end.address), end.port),
        Value::Elapsed(time) => Rank::Number(u64::try_from(time.duration().as_millis()).unwrap_or(u64::MAX)),
        Value::Numbers(numbers) | Value::Times(numbers) => numbers.first().map_or(Rank::Unknown, |&first| Rank::Number(first)),
        Value::Null | Value::Word(_) | Value::Text(_) | Value::Texts(_) | Value::Names(_) | Value::Processes(_) => Rank::Unknown,
    }
}

/// Users are sorted by their numbers if sockets have them.
fn sort_value(row: Row<'_>, column: Column) -> Value<'_> {
    let by_number = column == Column::User && row.socket.owner_uid().is_some();
    row.value(if by_number { Column::Uid } else { column })
}

/// The text that decides; of several the first.
fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Word(word) => Some((*word).to_owned()),
        Value::Text(text) => Some(text.to_lowercase()),
        Value::Texts(texts) | Value::Names(texts) => texts.first().map(|text| text.to_lowercase()),
        Value::Null
        | Value::Ranked(..)
        | Value::Number(_)
        | Value::Quantity(_)
        | Value::Flag(_)
        | Value::Address(..)
        | Value::Endpoint(..)
        | Value::NamedEndpoint(..)
        | Value::Elapsed(_)
        | Value::Numbers(_)
        | Value::Processes(_)
        | Value::Times(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::processes::Processes;
    use crate::model::owners::Owners;
    use crate::model::process::Process;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Protocol, Socket, State};
    use crate::model::system::System;
    use crate::moment::lookups::Lookups;
    use proptest::prelude::*;

    fn sorted(sockets: Vec<Socket>, pids: Vec<Option<u32>>, keys: &str) -> Vec<u32> {
        let keys: Vec<SortKey> = keys.split(',').map(|word| word.parse().unwrap()).collect();
        let rows: Vec<u32> = (0..sockets.len() as u32).collect();
        let owners = Owners::ByRow(pids.into_iter().collect());
        let snapshot = Snapshot { sockets, owners, ..Snapshot::default() };
        let process = |pid, name: &str| Process { pid, name: name.into(), ..Process::default() };
        let processes: Processes = [process(7, "Beta"), process(8, "alpha"), process(9, "beta")].into_iter().collect();
        let lookups = Lookups { processes, ..Lookups::default() };
        sort(&keys, Rows::of_parts(&snapshot, &lookups, System::Linux, &rows))
    }

    #[test]
    fn every_key_sorts_by_what_it_says() {
        let low = Socket { protocol: Protocol::Tcp, state: Some(State::Listening), ..socket("9.0.0.1", 90) };
        let high = Socket {
            protocol: Protocol::Udp,
            state: Some(State::TimeWait),
            local: Endpoint::new("10.0.0.1".parse().unwrap(), 100),
            remote: Endpoint::new("10.0.0.2".parse().unwrap(), 5),
            uid: 1000,
            receive_queue: 10,
            send_queue: 9,
            ..low
        };
        for key in
            ["protocol", "local", "local-port", "remote", "remote-port", "state", "pid", "user", "receive-queue", "send-queue"]
        {
            let pids = vec![Some(100), Some(99)];
            assert_eq!(sorted(vec![high, low], pids.clone(), key), [1, 0], "{key}");
            let reversed = format!("-{key}");
            assert_eq!(sorted(vec![low, high], vec![Some(99), Some(100)], &reversed), [1, 0], "{reversed}");
            assert_eq!(sorted(vec![low, low], vec![Some(7), Some(7)], &reversed), [0, 1], "{reversed} is not stable");
        }
    }

    #[test]
    fn a_socket_without_a_user_is_not_roots() {
        let time_wait = Socket { inode: 0, uid: 0, ..socket("127.0.0.1", 1) };
        let root = Socket { inode: 5, uid: 0, ..time_wait };
        assert_eq!(sorted(vec![root, time_wait, root], vec![], "user"), [1, 0, 2]);
    }

    #[test]
    fn the_second_key_decides_where_the_first_does_not() {
        let sockets = vec![socket("10.0.0.1", 2), socket("10.0.0.1", 1), socket("9.0.0.1", 2)];
        assert_eq!(sorted(sockets.clone(), vec![], "-local-port,local"), [2, 0, 1]);
        assert_eq!(sorted(sockets, vec![Some(1), None, Some(0)], "pid"), [1, 2, 0]);
    }

    #[test]
    fn processes_sort_by_name_in_any_letter_case_and_sockets_without_one_come_first() {
        let owners = vec![Some(7), Some(0), Some(8), Some(9), None];
        assert_eq!(sorted(vec![socket("::1", 1); 5], owners.clone(), "process"), [1, 4, 2, 0, 3]);
        assert_eq!(sorted(vec![socket("::1", 1); 5], owners, "-process"), [0, 3, 2, 1, 4]);
    }

    proptest! {
        #[test]
        fn no_row_is_lost(ports in prop::collection::vec(0u16..5, 0..40)) {
            let sockets = ports.iter().map(|&port| socket("127.0.0.1", port)).collect();
            let rows = sorted(sockets, vec![], "-local-port");
            let key = |row: u32| (std::cmp::Reverse(ports[row as usize]), row);
            prop_assert!(rows.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
            prop_assert_eq!(rows.len(), ports.len());
        }
    }
}
