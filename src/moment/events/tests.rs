//! Reads that follow each other, and connections that close during and between them.

use super::*;
use crate::model::owners::Owners;
use crate::model::snapshot::Snapshot;
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Table};
use crate::moment::changes::Change;
use crate::reports::tests::{Machine, process, request};
use proptest::prelude::*;

/// A connection of 10.0.0.1:443 with a client's port, which is also what identifies it.
fn connection(port: u16) -> Socket {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), port);
    Socket { state: Some(State::Established), remote, inode: u32::from(port), ..socket("10.0.0.1", 443) }
}

fn group(read: &mut Groups, socket: &Socket, cookie: u64, query: &Query) {
    let owners: Arc<[Owner]> = Arc::from([Owner { pid: 7, name: None, start_time: None }]);
    let key =
        Key { namespace: None, protocol: socket.protocol, local: socket.local, device: None, remote: socket.peer().copied() };
    let facts = RowFacts {
        socket,
        cookie: NonZeroU64::new(cookie),
        owners: &owners,
        owner_status: OwnerStatus::Owned,
        may_have_more_owners: false,
        is_wanted: query.matches(socket),
    };
    read.add(key, &facts);
}

/// A log with a clock.
struct Watch {
    log: EventLog,
    query: Query,
    now: u64,
}

impl Watch {
    fn new(line: &str) -> Self {
        let query = request(line).query;
        Self { log: EventLog::new(query.clone()), query, now: 0 }
    }

    fn read(&mut self, sockets: &[Socket], closed: ClosedBatch) -> Vec<Event> {
        self.read_without(sockets, closed, TableSet::NONE)
    }

    fn read_without(&mut self, sockets: &[Socket], closed: ClosedBatch, missing: TableSet) -> Vec<Event> {
        self.now += 1000;
        let mut groups = Groups::default();
        for socket in sockets {
            group(&mut groups, socket, u64::from(socket.remote.port), &self.query);
        }
        self.log.observe(Read { time_ms: self.now, groups, missing }, closed, true, &mut |index| index.to_string().into())
    }

    fn hear(&mut self, closed: ClosedBatch) -> Vec<Event> {
        self.log.hear(closed, &mut |index| index.to_string().into())
    }
}

fn closed(sockets: &[Socket]) -> ClosedBatch {
    let last = LastFigures { bytes_sent: Some(1000), rtt_us: Some(40), ..LastFigures::default() };
    let connection = |socket: &Socket| ClosedConnection {
        socket: Socket { state: Some(State::Closed), inode: 0, ..*socket },
        cookie: NonZeroU64::new(u64::from(socket.remote.port)).unwrap(),
        time_ms: 77,
        last,
    };
    ClosedBatch { connections: sockets.iter().map(connection).collect(), ..ClosedBatch::default() }
}

/// The same after a reset: the own address and the remote port are cleared.
fn reset(socket: &Socket) -> ClosedBatch {
    let mut batch = closed(&[*socket]);
    for connection in &mut batch.connections {
        connection.socket.remote.port = 0;
        connection.socket.local = Endpoint::new("0.0.0.0".parse().unwrap(), 443);
        connection.last = LastFigures::default();
    }
    batch
}

/// What happened to which client's port, at which time.
fn told(events: &[Event]) -> Vec<(&'static str, u16, u64)> {
    let port = |event: &Event| event.difference.key.remote.map_or(0, |remote| remote.port);
    events.iter().map(|event| (event.difference.word(), port(event), event.time_ms)).collect()
}

fn nothing() -> ClosedBatch {
    ClosedBatch::default()
}

#[test]
fn a_connection_is_opened_by_a_read_and_closed_when_the_system_says_so() {
    let mut watch = Watch::new("--events");
    let listener = socket("10.0.0.1", 443);
    assert_eq!(watch.read(&[listener, connection(1)], nothing()), []);
    assert_eq!(told(&watch.read(&[listener, connection(1), connection(2)], nothing())), [("opened", 2, 2000)]);
    let events = watch.hear(closed(&[connection(1)]));
    assert_eq!(told(&events), [("closed", 1, 77)]);
    assert_eq!((events[0].was_seen, events[0].last.unwrap().bytes_sent), (true, Some(1000)));
    assert_eq!(events[0].difference.before.as_ref().unwrap().owners[0].pid, 7);
    assert_eq!(watch.read(&[listener, connection(2)], nothing()), []);
    assert_eq!(told(&watch.read(&[connection(2)], nothing())), [("closed", 0, 4000)], "the listener");
}

#[test]
fn a_reset_is_joined_by_the_cookie() {
    let mut watch = Watch::new("--events");
    watch.read(&[connection(1), connection(2)], nothing());
    let events = watch.hear(reset(&connection(2)));
    assert_eq!(told(&events), [("closed", 2, 77)]);
    assert_eq!(events[0].difference.key.local, connection(2).local);
    let unseen = watch.hear(reset(&connection(3)));
    assert_eq!(told(&unseen), [("closed", 0, 77)]);
    assert!(!unseen[0].was_seen);
}

#[test]
fn what_closes_while_the_tables_are_read_is_told_once_whether_they_have_it_or_not() {
    let mut watch = Watch::new("--events");
    let all = [connection(1), connection(2), connection(3)];
    assert_eq!(told(&watch.read(&all, closed(&all[..1]))), [("closed", 1, 77)]);
    // One is missing from the read, one is in it and new; both have closed, in that order.
    let events = watch.read(&[connection(3), connection(4)], closed(&[connection(2), connection(4)]));
    assert_eq!(told(&events), [("closed", 2, 77), ("opened", 4, 2000), ("closed", 4, 77)]);
    assert!(events.iter().all(|event| event.was_seen));
    assert_eq!(watch.read(&[connection(3)], nothing()), []);
}

#[test]
fn what_lived_between_two_reads_is_closed_and_no_read_has_seen_it() {
    let mut watch = Watch::new("--events");
    watch.read(&[], closed(&[connection(9)]));
    let [event] = &watch.hear(closed(&[connection(1)]))[..] else { panic!("one event") };
    assert!(!event.was_seen && event.last.is_some());
    let before = event.difference.before.as_ref().unwrap();
    assert_eq!((before.owner_status, before.owners.len()), (OwnerStatus::Gone, 0));
    assert_eq!(watch.read(&[], nothing()), []);
}

#[test]
fn a_row_that_one_dump_passes_over_is_not_closed() {
    let mut watch = Watch::new("--events");
    watch.read(&[connection(1), connection(2)], nothing());
    assert_eq!(watch.read(&[connection(2)], nothing()), []);
    assert_eq!(watch.read(&[connection(1), connection(2)], nothing()), []);
    assert_eq!(watch.read(&[connection(2)], nothing()), []);
    // A process may hold a connection that was reset: the system tells its end when that is closed.
    assert_eq!(told(&watch.read(&[connection(2)], nothing())), [("closed", 1, 5000)]);
    assert_eq!(watch.hear(closed(&[connection(1)])), []);
    assert_eq!(told(&watch.hear(closed(&[connection(1)]))), [("closed", 1, 77)], "another one");
}

#[test]
fn after_a_loss_what_a_read_lacks_is_closed_at_once() {
    let mut watch = Watch::new("--events");
    watch.read(&[connection(1)], nothing());
    let lost = ClosedBatch { is_incomplete: true, ..nothing() };
    assert_eq!(told(&watch.read(&[], lost)), [("closed", 1, 2000)]);
}

#[test]
fn another_connection_in_the_place_of_one_is_closed_and_opened() {
    let mut watch = Watch::new("--events");
    watch.read(&[connection(1)], nothing());
    let mut groups = Groups::default();
    group(&mut groups, &Socket { inode: 5, ..connection(1) }, 5, &watch.query);
    let read = Read { time_ms: 9, groups, missing: TableSet::NONE };
    let events = watch.log.observe(read, nothing(), true, &mut |_| "".into());
    assert_eq!(told(&events), [("closed", 1, 9), ("opened", 1, 9)]);
}

#[test]
fn time_wait_is_closed_and_so_is_what_nobody_holds_behind_it() {
    let mut watch = Watch::new("--events");
    watch.read(&[connection(1), connection(2)], nothing());
    let waiting = Socket { state: Some(State::TimeWait), inode: 0, ..connection(1) };
    let half = Socket { state: Some(State::FinWait2), timer: crate::model::socket::Timer::TimeWait, inode: 0, ..connection(2) };
    let events = watch.read(&[waiting, half], closed(&[connection(1), connection(2)]));
    assert_eq!(told(&events), [("closed", 1, 77), ("closed", 2, 77)]);
    assert_eq!(watch.read(&[waiting, half], nothing()), []);
}

#[test]
fn a_change_of_state_is_told_and_the_loss_of_the_owner_by_closing_is_not() {
    let mut watch = Watch::new("--events");
    watch.read(&[connection(1)], nothing());
    let closing = Socket { state: Some(State::LastAck), inode: 0, ..connection(1) };
    let events = watch.read(&[closing], nothing());
    assert_eq!(events[0].difference.changes, [Change::State]);
    assert_eq!(told(&watch.hear(closed(&[connection(1)]))), [("closed", 1, 77)]);
}

#[test]
fn an_incomplete_read_closes_nothing_of_the_table_that_is_missing_and_opens_nothing_again() {
    let mut watch = Watch::new("--events");
    let udp = Socket { protocol: crate::model::socket::Protocol::Udp, state: None, ..socket("10.0.0.1", 53) };
    watch.read(&[connection(1), udp], nothing());
    let missing = TableSet::shown_of(Table::Tcp4);
    assert_eq!(told(&watch.read_without(&[], nothing(), missing)), [("closed", 0, 2000)], "UDP alone");
    assert_eq!(watch.read(&[connection(1)], nothing()), []);
    let mut late = Watch::new("--events");
    late.read_without(&[], nothing(), missing);
    assert_eq!(late.read(&[connection(1)], nothing()), [], "it may have been there before");
    assert_eq!(told(&late.read(&[connection(1), connection(2)], nothing())), [("opened", 2, 3000)]);
}

#[test]
fn filters_apply_to_events_and_a_connection_that_ceases_to_match_is_not_closed() {
    let mut watch = Watch::new("--events --state established");
    watch.read(&[connection(1)], nothing());
    let waiting = Socket { state: Some(State::CloseWait), ..connection(1) };
    let events = watch.read(&[waiting], nothing());
    assert_eq!(told(&events), [("changed", 1, 2000)]);
    assert_eq!(watch.hear(closed(&[connection(1)])), [], "it has not matched any more");
    assert_eq!(told(&watch.hear(closed(&[connection(5)]))), [("closed", 5, 77)], "it was established: it has a round-trip time");
    for (line, expected) in [("--remote-port 6", 1), ("--remote-port 7", 0), ("--pid 7", 0), ("--user 0", 0), ("-p udp", 0)] {
        let mut watch = Watch::new(&format!("--events {line}"));
        watch.read(&[], nothing());
        assert_eq!(watch.hear(closed(&[connection(6)])).len(), expected, "{line}");
    }
}

#[test]
fn rows_of_a_moment_are_compared_with_their_owners_and_the_filters_marked() {
    let sockets = vec![socket("0.0.0.0", 80), Socket { interface: 3, inode: 2, ..socket("0.0.0.0", 81) }];
    let machine = Machine::new(sockets, &[(1, 900), (2, 900), (2, 901)], vec![process(900, "nginx"), process(901, "helper")]);
    let request = request("--events --process helper");
    let moment = machine.read("--events --process helper");
    let groups = groups(&moment, &request.query, &mut |index| format!("eth{index}").into());
    let mut found: Vec<_> = groups.iter().collect();
    found.sort_by(|one, other| one.0.cmp(other.0));
    let names = |group: &Group| group.owners.iter().filter_map(|owner| owner.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(found[0].1), found[0].1.is_wanted), (vec!["nginx".to_owned()], false));
    assert_eq!((names(found[1].1), found[1].1.is_wanted), (vec!["nginx".to_owned(), "helper".to_owned()], true));
    assert_eq!(found[1].0.device.as_deref(), Some("eth3"));
    let without_owners = Machine {
        snapshot: Snapshot { owners: Owners::Unsupported, ..Snapshot::default() },
        ..Machine::new(vec![], &[], vec![])
    };
    assert!(super::groups(&without_owners.read("--events"), &request.query, &mut |_| "".into()).iter().next().is_none());
}

#[test]
fn what_may_change_of_a_socket_is_read_whatever_the_filters_want() {
    let read = query_to_read(&request("--events --state established --user 0 --port 443").query);
    assert!(read.states.contains(State::CloseWait) && read.filter.states.is_none() && read.filter.users.is_empty());
    assert!(read.filter.local_port.is_some(), "a port does not change");
    assert!(!read.states.contains(State::TimeWait), "it counts as closed");
    assert_eq!(query_to_read(&request("--events --listening").query).states, StateSet::NONE.with(State::Listening));
}

proptest! {
    /// Whatever is opened and closed, at whatever time it is told: what was opened less what was closed is what there is.
    #[test]
    fn opened_less_closed_is_what_there_is(rounds in prop::collection::vec(prop::collection::vec((1u16..20, 0u8..3), 0..12), 1..12)) {
        let mut watch = Watch::new("--events");
        watch.read(&[], nothing());
        let (mut live, mut generation) = (std::collections::BTreeMap::new(), 0u64);
        let (mut opened, mut seen_closed, mut unseen, mut made) = (0i64, 0i64, 0i64, 0i64);
        let mut count = |events: &[Event]| {
            for event in events {
                match (event.difference.word(), event.was_seen) {
                    ("opened", _) => opened += 1,
                    ("closed", true) => seen_closed += 1,
                    ("closed", false) => unseen += 1,
                    other => panic!("{other:?}"),
                }
            }
        };
        let batch = |port: u16, cookie: u64| {
            let mut batch = closed(&[connection(port)]);
            batch.connections.iter_mut().for_each(|connection| connection.cookie = NonZeroU64::new(cookie).unwrap());
            batch
        };
        let mut late = ClosedBatch::default();
        for round in rounds {
            for (port, how) in round {
                match live.remove(&port) {
                    None => {
                        generation += 1;
                        made += 1;
                        live.insert(port, generation);
                    }
                    // Told at once, or with the next read.
                    Some(cookie) if how == 0 => count(&watch.hear(batch(port, cookie))),
                    Some(cookie) => late.connections.extend(batch(port, cookie).connections),
                }
            }
            let mut groups = Groups::default();
            for (&port, &cookie) in &live {
                group(&mut groups, &connection(port), cookie, &watch.query);
            }
            let read = Read { time_ms: 1, groups, missing: TableSet::NONE };
            count(&watch.log.observe(read, std::mem::take(&mut late), true, &mut |_| "".into()));
        }
        prop_assert_eq!(opened - seen_closed, live.len() as i64);
        prop_assert_eq!(opened + unseen, made);
    }
}
