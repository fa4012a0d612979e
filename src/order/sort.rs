//! Sorting rows by the keys that a user asks for.

use super::keys::{Key, SortKey};
use crate::lookup::processes::Processes;
use crate::model::process::Facts;
use crate::model::snapshot::Snapshot;
use crate::model::socket::{Endpoint, Socket};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;

/// Sorts rows by the first key, rows alike in it by the second, and so on; rows alike in all keep the order they have.
pub fn sort(rows: &mut [u32], keys: &[SortKey], snapshot: &Snapshot) {
    if keys.is_empty() {
        return;
    }
    let by: Vec<(Column<'_>, bool)> = keys.iter().map(|key| (column(key.key, rows, snapshot), key.descending)).collect();
    rows.sort_by(|&a, &b| {
        by.iter().fold(Ordering::Equal, |so_far, (column, descending)| {
            so_far.then_with(|| if *descending { column(b, a) } else { column(a, b) })
        })
    });
}

/// Compares two rows in one respect.
type Column<'a> = Box<dyn Fn(u32, u32) -> Ordering + 'a>;

fn column<'a>(key: Key, rows: &[u32], snapshot: &'a Snapshot) -> Column<'a> {
    let sockets = &snapshot.sockets;
    fn by<'a, K: Ord>(sockets: &'a [Socket], value: impl Fn(&Socket) -> K + 'a) -> Column<'a> {
        Box::new(move |a, b| value(&sockets[a as usize]).cmp(&value(&sockets[b as usize])))
    }
    match key {
        Key::Protocol => by(sockets, |socket| socket.protocol),
        Key::Local => by(sockets, |socket| endpoint(socket, &socket.local)),
        Key::LocalPort => by(sockets, |socket| socket.local.port),
        Key::Remote => by(sockets, |socket| endpoint(socket, &socket.remote)),
        Key::RemotePort => by(sockets, |socket| socket.remote.port),
        Key::State => by(sockets, |socket| socket.state),
        Key::User => by(sockets, |socket| socket.uid),
        Key::ReceiveQueue => by(sockets, |socket| socket.receive_queue),
        Key::SendQueue => by(sockets, |socket| socket.send_queue),
        Key::Pid => {
            let pids = lowest_pids(rows, snapshot);
            Box::new(move |a, b| pids[a as usize].cmp(&pids[b as usize]))
        }
        Key::Process => {
            let ranks = name_ranks(&lowest_pids(rows, snapshot));
            Box::new(move |a, b| ranks[a as usize].cmp(&ranks[b as usize]))
        }
    }
}

fn endpoint(socket: &Socket, end: &Endpoint) -> (IpAddr, u32, u16) {
    (end.address, socket.scope(end.address), end.port)
}

/// The lowest owner of each row that is sorted, by the row's position; 0 for none.
fn lowest_pids(rows: &[u32], snapshot: &Snapshot) -> Vec<u32> {
    let mut pids = vec![0; snapshot.sockets.len()];
    for &row in rows {
        let row = row as usize;
        pids[row] = snapshot.owners.of(row, &snapshot.sockets[row]).lowest().unwrap_or(0);
    }
    pids
}

/// For each row the place of its process among all processes sorted by name; 0 for none, the same for the same name.
fn name_ranks(pids: &[u32]) -> Vec<u32> {
    let mut processes = Processes::default();
    let mut distinct: Vec<u32> = pids.iter().copied().filter(|&pid| pid != 0).collect();
    distinct.sort_unstable();
    distinct.dedup();
    processes.look_up(distinct.iter().copied(), Facts::default());
    let name = |pid: u32| processes.get(pid).map(|process| process.name.to_string_lossy().to_lowercase());
    let mut named: Vec<(String, u32)> = distinct.iter().filter_map(|&pid| Some((name(pid)?, pid))).collect();
    named.sort_unstable();
    let mut ranks = HashMap::with_capacity(named.len());
    let mut rank = 0;
    for (place, (name, pid)) in named.iter().enumerate() {
        if place == 0 || named[place - 1].0 != *name {
            rank += 1;
        }
        ranks.insert(*pid, rank);
    }
    pids.iter().map(|pid| ranks.get(pid).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::Owners;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Protocol, State};
    use proptest::prelude::*;

    fn sorted(sockets: Vec<Socket>, pids: Vec<Option<u32>>, keys: &str) -> Vec<u32> {
        let keys: Vec<SortKey> = keys.split(',').map(|word| word.parse().unwrap()).collect();
        let mut rows: Vec<u32> = (0..sockets.len() as u32).collect();
        sort(&mut rows, &keys, &Snapshot { sockets, owners: Owners::ByRow(pids.into_iter().collect()), ..Snapshot::default() });
        rows
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
        for key in Key::ALL.into_iter().filter(|&key| key != Key::Process) {
            let pids = vec![Some(100), Some(99)];
            assert_eq!(sorted(vec![high, low], pids.clone(), key.word()), [1, 0], "{}", key.word());
            let reversed = format!("-{}", key.word());
            assert_eq!(sorted(vec![low, high], vec![Some(99), Some(100)], &reversed), [1, 0], "{reversed}");
            assert_eq!(sorted(vec![low, low], vec![Some(7), Some(7)], &reversed), [0, 1], "{reversed} is not stable");
        }
    }

    #[test]
    fn the_second_key_decides_where_the_first_does_not() {
        let sockets = vec![socket("10.0.0.1", 2), socket("10.0.0.1", 1), socket("9.0.0.1", 2)];
        assert_eq!(sorted(sockets.clone(), vec![], "-local-port,local"), [2, 0, 1]);
        assert_eq!(sorted(sockets, vec![Some(1), None, Some(0)], "pid"), [1, 2, 0]);
    }

    #[test]
    fn processes_sort_by_name_and_nobodys_sockets_come_first() {
        let own = std::process::id();
        assert_eq!(sorted(vec![socket("::1", 1); 3], vec![Some(own), Some(0), Some(own)], "process"), [1, 0, 2]);
        assert_eq!(sorted(vec![socket("::1", 1); 3], vec![Some(0), Some(own), None], "-process"), [1, 0, 2]);
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
