use super::*;
use crate::model::namespace::Namespace;
use crate::model::owners::Owners;
use crate::model::pressure::{Limits, Pressure};
use crate::model::snapshot::Snapshot;
use crate::model::socket::Socket;
use crate::model::socket::tests::socket;
use crate::model::system::System;
use crate::moment::lookups::Lookups;

/// Sockets that process 7 owns, on a host with 90 ephemeral ports.
fn host(sockets: Vec<Socket>) -> (Snapshot, Lookups) {
    let owners = Owners::ByRow(sockets.iter().map(|_| Some(7)).collect());
    let port_policy = PortPolicy { ephemeral: Some(40000..=40099), reserved: vec![40090..=40099], ..PortPolicy::default() };
    (Snapshot { sockets, owners, ..Snapshot::default() }, Lookups { port_policy, ..Lookups::default() })
}

fn find((snapshot, lookups): &(Snapshot, Lookups), scope: Scope) -> Vec<Finding> {
    let positions: Vec<u32> = (0..snapshot.sockets.len() as u32).collect();
    Finding::all(Rows::of_parts(snapshot, lookups, System::Linux, &positions), scope)
}

fn codes(host: &(Snapshot, Lookups)) -> Vec<(&'static str, u64, u64)> {
    find(host, Scope::Host).iter().map(|finding| (finding.fact.code().word(), finding.value, finding.limit)).collect()
}

fn findings(sockets: Vec<Socket>) -> Vec<(&'static str, u64, u64)> {
    codes(&host(sockets))
}

fn connections(number: u16, state: State) -> Vec<Socket> {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
    (0..number).map(|port| Socket { state: Some(state), remote, ..socket("10.0.0.1", 40000 + port) }).collect()
}

/// A host with one socket that is under pressure.
fn pressed(socket: Socket, pressure: Pressure) -> (Snapshot, Lookups) {
    let (mut snapshot, lookups) = host(vec![socket]);
    snapshot.pressure.insert(0, pressure);
    (snapshot, lookups)
}

#[test]
fn a_full_backlog_is_a_finding_and_a_used_one_is_not() {
    let listener = Socket { send_queue: 5, ..socket("0.0.0.0", 80) };
    assert_eq!(findings(vec![Socket { receive_queue: 6, ..listener }]), [("backlog-full", 6, 5)]);
    assert_eq!(findings(vec![Socket { receive_queue: 5, ..listener }]), []);
}

#[test]
fn a_limit_of_zero_is_one_only_if_the_source_tells_limits() {
    let listener = Socket { send_queue: 0, receive_queue: 1, ..socket("0.0.0.0", 80) };
    assert_eq!(findings(vec![listener]), []);
    assert_eq!(codes(&pressed(listener, Pressure { drops: Some(0), ..Pressure::default() })), [("backlog-full", 1, 0)]);
}

#[test]
fn old_drops_are_a_note_and_a_full_queue_is_a_warning() {
    let drops = Pressure { drops: Some(24), ..Pressure::default() };
    let listener = Socket { send_queue: 1, ..socket("0.0.0.0", 80) };
    let (snapshot, mut lookups) = pressed(listener, drops);
    lookups.limits = Limits { accept_queue: Some(4096), ..Limits::default() };
    let expected = Finding {
        fact: Fact::BacklogWasFull { most: Some(4096) },
        pid: Some(7),
        port: Some((Protocol::Tcp, 80)),
        value: 24,
        limit: 1,
    };
    let is_own = (snapshot, lookups);
    assert_eq!(find(&is_own, Scope::EachPort), [expected]);
    // The settings of another namespace are not known.
    let (mut snapshot, lookups) = is_own;
    snapshot.namespaces = vec![Namespace { rows: 0..1, ..Namespace::default() }];
    assert_eq!(find(&(snapshot, lookups), Scope::Host)[0].fact, Fact::BacklogWasFull { most: None });
    let is_full = find(&pressed(Socket { receive_queue: 2, ..listener }, drops), Scope::Host);
    assert_eq!(is_full[0].fact, Fact::BacklogIsFull { drops: 24, most: None });
    assert_eq!([is_full[0].fact.severity().word(), Fact::BacklogWasFull { most: None }.severity().word()], ["warning", "note"]);
}

#[test]
fn the_listeners_of_a_process_on_a_port_are_one_finding() {
    let (mut snapshot, lookups) = host(vec![socket("0.0.0.0", 80), socket("::", 80), socket("::", 81)]);
    for row in 0..3 {
        snapshot.pressure.insert(row, Pressure { drops: Some(10), ..Pressure::default() });
    }
    assert_eq!(codes(&(snapshot, lookups)), [("backlog-full", 20, 0), ("backlog-full", 10, 0)]);
}

#[test]
fn ports_count_by_remote_endpoint_and_without_the_reserved_ones() {
    assert_eq!(findings(connections(73, State::TimeWait)), [("ports-nearly-used", 73, 90)]);
    assert_eq!(findings(connections(72, State::TimeWait)), []);
}

#[test]
fn a_bound_port_is_used_for_every_remote_endpoint() {
    let mut sockets = connections(72, State::Established);
    let bound = |address| Socket { state: Some(State::Bound), ..socket(address, 40080) };
    for (address, is_counted) in [("10.0.0.1", true), ("0.0.0.0", true), ("10.0.0.2", false), ("::", false)] {
        sockets.push(bound(address));
        let expected: &[_] = if is_counted { &[("ports-nearly-used", 73, 90)] } else { &[] };
        assert_eq!(findings(sockets.clone()), expected, "{address}");
        sockets.pop();
    }
}

#[test]
fn the_process_with_most_of_the_ports_is_named() {
    let (mut snapshot, lookups) = host(connections(80, State::Established));
    let owner = |row| Some(if row < 30 { 8 } else { 9 });
    snapshot.owners = Owners::ByRow((0..80).map(owner).collect());
    assert_eq!(find(&(snapshot, lookups), Scope::Host)[0].pid, Some(9));
}

#[test]
fn close_wait_is_a_finding_if_it_is_much_or_a_large_part() {
    assert_eq!(findings(connections(10, State::CloseWait)), [("close-wait", 10, 10)]);
    assert_eq!(findings(connections(9, State::CloseWait)), []);
    let elsewhere = Endpoint::new("192.0.2.10".parse().unwrap(), 80);
    let busy = |waiting: u16| {
        let others =
            (0..600).map(|port| Socket { state: Some(State::Established), remote: elsewhere, ..socket("10.0.0.1", port) });
        findings(connections(waiting, State::CloseWait).into_iter().chain(others).collect())
    };
    assert_eq!(busy(49), []);
    assert_eq!(busy(50), [("close-wait", 50, 50)]);
}

#[test]
fn on_a_port_only_its_own_connections_count() {
    let waiting = |port| {
        let remote = |number| Endpoint::new("192.0.2.9".parse().unwrap(), number);
        (0..20u16).map(move |number| Socket {
            state: Some(State::CloseWait),
            remote: remote(5000 + number),
            ..socket("10.0.0.1", port)
        })
    };
    let host = host(waiting(80).chain(waiting(81)).collect());
    let ports = |scope| find(&host, scope).iter().map(|finding| (finding.port, finding.value)).collect::<Vec<_>>();
    assert_eq!(ports(Scope::Host), [(None, 40)]);
    assert_eq!(ports(Scope::EachPort), [(Some((Protocol::Tcp, 80)), 20), (Some((Protocol::Tcp, 81)), 20)]);
}

#[test]
fn a_send_queue_is_stuck_if_nothing_was_acknowledged_for_half_a_minute() {
    let connection = Socket { send_queue: 500, ..connections(1, State::Established)[0] };
    let waited = |unacknowledged_ms| codes(&pressed(connection, Pressure { unacknowledged_ms, ..Pressure::default() }));
    assert_eq!(waited(Some(30_000)), [("stuck-queue", 30, 30)]);
    assert_eq!([waited(Some(29_999)), waited(None)], [[], []]);
}

#[test]
fn a_receive_queue_is_stuck_if_it_fills_its_buffer() {
    let buffer = |used| Some(Usage { used, limit: 1000 });
    let read = |receive_queue, used| {
        let connection = Socket { receive_queue, ..connections(1, State::Established)[0] };
        codes(&pressed(connection, Pressure { receive_buffer: buffer(used), ..Pressure::default() }))
    };
    assert_eq!(read(500, 901), [("stuck-queue", 901, 1000)]);
    // Segments that came out of order are not there to be read.
    assert_eq!([read(500, 900), read(0, 1000)], [[], []]);
}

#[test]
fn stuck_queues_of_a_process_are_one_finding_with_the_worst_of_them() {
    let (mut snapshot, lookups) = host(connections(3, State::Established));
    for (row, seconds) in [(0, 31), (1, 95), (2, 40)] {
        snapshot.pressure.insert(row, Pressure { unacknowledged_ms: Some(seconds * 1000), ..Pressure::default() });
    }
    let found = find(&(snapshot, lookups), Scope::Host);
    assert_eq!((found.len(), found[0].value, found[0].port), (1, 95, None));
    assert!(matches!(found[0].fact, Fact::SendQueueStuck { connections: 3, .. }));
}

#[test]
fn limits_of_the_host_are_compared_and_never_for_a_port() {
    let (snapshot, mut lookups) = host(connections(11, State::TimeWait));
    let conntrack = Some(Usage { used: 91, limit: 100 });
    lookups.limits = Limits { time_wait: Some(20), tracked_connections: conntrack, ..Limits::default() };
    let mut host = (snapshot, lookups);
    assert_eq!(codes(&host), [("conntrack-full", 91, 100), ("time-wait-many", 11, 20)], "warnings come first");
    assert_eq!(find(&host, Scope::EachPort), []);
    host.1.limits.time_wait = Some(22);
    host.1.limits.tracked_connections = Some(Usage { used: 90, limit: 100 });
    assert_eq!(codes(&host), []);
}

#[test]
fn descriptors_are_those_that_are_open_or_at_least_the_sockets() {
    let with = |used, limit| {
        let (snapshot, mut lookups) = host(vec![socket("10.0.0.1", 80); 10]);
        lookups.descriptors = [(7, Usage { used, limit })].into();
        codes(&(snapshot, lookups))
    };
    assert_eq!(with(91, 100), [("descriptors-nearly-used", 91, 100)]);
    assert_eq!(with(0, 11), [("descriptors-nearly-used", 10, 11)]);
    assert_eq!([with(90, 100), with(0, 12)], [[], []]);
}
