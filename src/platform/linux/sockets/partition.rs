//! Partition of a large table into several dumps by ports, each with its share of the sockets.
//!
//! The first rows are a biased sample: the kernel keeps connections to one server from neighbouring ports next to each other, so
//! that they show many ports of a few clients and none of the others. Therefore the ephemeral ports are divided evenly, whatever
//! the sample shows of them. More ranges than these few would cost more than they save: the kernel compares the port of every
//! socket with each of their bounds.

use crate::filter::ports::PortSet;
use crate::model::socket::{Protocol, Socket};
use crate::platform::linux::sockets::inet_diag_filter;
use std::ops::RangeInclusive;

/// A port that more than this job of the sample has, a sixteenth, is a server's, wherever it lies.
const HEAVY: usize = 16;

/// The sockets of one dump: those with a port of one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortShard {
    end: End,
    ports: PortSet,
}

/// Which port decides. Neither changes during a connection, so that no connection is lost or duplicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Local,
    /// For a server all of whose connections have one local port.
    Remote,
}

impl PortShard {
    /// Whether the socket is one of this shard's.
    pub fn contains(&self, socket: &Socket) -> bool {
        self.ports.contains(match self.end {
            End::Local => socket.local.port,
            End::Remote => socket.remote.port,
        })
    }

    /// A program for the kernel that accepts this shard of what `program` accepts.
    pub fn program(&self, program: &[u8]) -> Vec<u8> {
        match self.end {
            End::Local => inet_diag_filter::and_local_ports(&self.ports, program),
            End::Remote => inet_diag_filter::and_remote_ports(&self.ports, program),
        }
    }
}

/// The ports of some of a table's sockets, from which those of the others are estimated.
#[derive(Clone, Debug, Default)]
pub struct PortSample {
    local: Vec<u16>,
    remote: Vec<u16>,
}

impl PortSample {
    /// Adds a socket; of TCP only connections: listeners come first in a dump and are not representative.
    pub fn add(&mut self, socket: &Socket) {
        match socket.protocol {
            Protocol::Tcp if socket.remote.port != 0 => {
                self.local.push(socket.local.port);
                self.remote.push(socket.remote.port);
            }
            Protocol::Tcp => {}
            // Its remote port may change at any time.
            Protocol::Udp => self.local.push(socket.local.port),
        }
    }

    /// How many sockets it has.
    pub fn len(&self) -> usize {
        self.local.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.local.is_empty()
    }

    /// Shares that hold sockets in proportion to the weights, and together every port; `None` where too many sockets
    /// have the same ports for that. `ephemeral` are the ports that the kernel lends to clients, where they are known.
    pub fn divide(mut self, weights: &[u64], ephemeral: Option<&RangeInclusive<u16>>) -> Option<Vec<PortShard>> {
        self.local.sort_unstable();
        self.remote.sort_unstable();
        let local = match ephemeral.filter(|ephemeral| is_of_clients(ephemeral, &self.local)) {
            Some(ephemeral) => cut_around(ephemeral, &self.local, weights),
            None => cut(&self.local, weights),
        };
        let (excess, end, sets) = match cut(&self.remote, weights) {
            (excess, sets) if excess < local.0 / 2 && !self.remote.is_empty() => (excess, End::Remote, sets),
            _ => (local.0, End::Local, local.1),
        };
        let shards = sets.into_iter().filter(|ports| *ports != PortSet::NONE).map(|ports| PortShard { end, ports });
        // With a fifth more than its due a shard takes longer than the partition saves.
        (excess <= self.local.len() / 5).then(|| shards.collect())
    }
}

/// Whether no port of the range is so frequent that it must be a server's.
fn is_of_clients(ephemeral: &RangeInclusive<u16>, sorted: &[u16]) -> bool {
    !ephemeral.is_empty()
        && sorted
            .chunk_by(|a, b| a == b)
            .all(|run| run.first().is_none_or(|port| !ephemeral.contains(port)) || run.len() * HEAVY <= sorted.len())
}

/// Divides the ports outside of a range as the sample shows them, and those within evenly.
fn cut_around(ephemeral: &RangeInclusive<u16>, sorted: &[u16], weights: &[u64]) -> (usize, Vec<PortSet>) {
    let outside: Vec<u16> = sorted.iter().copied().filter(|port| !ephemeral.contains(port)).collect();
    let (excess, mut sets) = cut(&outside, weights);
    sets.resize(weights.len(), PortSet::NONE);
    let total = weights.iter().sum::<u64>().max(1);
    // Where in the range the next shard begins, after shards of this weight.
    let begin = |given: u64| u64::from(*ephemeral.start()) + ephemeral.len() as u64 * given / total;
    let mut given = 0;
    for (set, weight) in sets.iter_mut().zip(weights) {
        let without = set.complement().ranges().chain([ephemeral.clone()]).collect::<PortSet>().complement();
        let within = begin(given)..begin(given + weight);
        let within = (!within.is_empty()).then(|| within.start as u16..=(within.end - 1) as u16);
        *set = without.ranges().chain(within).collect();
        given += weight;
    }
    (excess, sets)
}

/// Divides the range of ports so that each shard has its weight of the sample; also returns by how many the largest exceeds it.
fn cut(ports: &[u16], weights: &[u64]) -> (usize, Vec<PortSet>) {
    let total = weights.iter().sum::<u64>().max(1);
    let (mut excess, mut sets) = (0, Vec::with_capacity(weights.len()));
    let (mut due, mut begun, mut first) = (0, 0, 0);
    for (index, weight) in weights.iter().enumerate() {
        let had = due;
        due += weight;
        let goal = |weight: u64| (ports.len() as u64 * weight / total) as usize;
        let last = match ports.get(goal(due)) {
            Some(&port) if index + 1 < weights.len() => {
                // A port is not divided: it goes to the side that is due more of it.
                let (below, through) = (ports.partition_point(|&p| p < port), ports.partition_point(|&p| p <= port));
                if goal(due) - below < through - goal(due) { port.saturating_sub(1) } else { port }.max(first)
            }
            _ => u16::MAX,
        };
        let end = ports.partition_point(|&p| p <= last);
        excess = excess.max((end - begun).saturating_sub(goal(due) - goal(had)));
        sets.push(PortSet::from_iter([first..=last]));
        if last == u16::MAX {
            break;
        }
        (begun, first) = (end, last + 1);
    }
    (excess, sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;
    use proptest::prelude::*;

    fn connection(local: u16, remote: u16) -> Socket {
        let mut socket = socket("192.0.2.1", local);
        socket.remote = crate::model::socket::Endpoint::new("192.0.2.2".parse().unwrap(), remote);
        socket
    }

    fn divide(connections: &[Socket], weights: &[u64]) -> Option<Vec<usize>> {
        let mut sample = PortSample::default();
        connections.iter().for_each(|socket| sample.add(socket));
        let shards = sample.divide(weights, None)?;
        Some(shards.iter().map(|shard| connections.iter().filter(|socket| shard.contains(socket)).count()).collect())
    }

    #[test]
    fn shares_have_their_weight_of_what_the_sample_shows() {
        let spread: Vec<Socket> = (0..1000).map(|n| connection(30_000 + n, 443)).collect();
        assert_eq!(divide(&spread, &[1, 1]), Some(vec![500, 500]));
        assert_eq!(divide(&spread, &[7, 3]), Some(vec![700, 300]));
        assert_eq!(divide(&spread, &[2, 1, 1]), Some(vec![500, 250, 250]));
    }

    #[test]
    fn a_server_with_one_port_is_divided_by_the_ports_of_its_clients() {
        let server: Vec<Socket> = (0..1000).map(|n| connection(443, 30_000 + n)).collect();
        assert_eq!(divide(&server, &[1, 1]), Some(vec![500, 500]));
    }

    #[test]
    fn ephemeral_ports_are_divided_evenly_whatever_the_sample_shows() {
        // Both ends of connections; of the clients' the sample has some neighbours only, and too many of them.
        let servers = (0..28_000).map(|n| connection(20_000 + n % 100, 32_768 + n));
        let clients = (0..28_000).map(|n| connection(32_768 + n, 20_000 + n % 100));
        let connections: Vec<Socket> = servers.clone().chain(clients.clone()).collect();
        for weights in [&[1, 1][..], &[7, 3], &[1, 1, 1, 1], &[1, 0]] {
            let mut sample = PortSample::default();
            servers.clone().step_by(177).chain(clients.clone().skip(2000).take(250)).for_each(|socket| sample.add(&socket));
            let shards = sample.divide(weights, Some(&(32_768..=60_999))).unwrap();
            for (shard, weight) in shards.iter().zip(weights) {
                let held = connections.iter().filter(|socket| shard.contains(socket)).count() as f64;
                let due = connections.len() as f64 * *weight as f64 / weights.iter().sum::<u64>() as f64;
                assert!((held - due).abs() < connections.len() as f64 / 25.0, "{weights:?}: {held} for {due}");
            }
        }
    }

    #[test]
    fn a_server_on_an_ephemeral_port_is_divided_by_the_ports_of_its_clients() {
        let server: Vec<Socket> = (0..1000).map(|n| connection(50_051, 33_000 + n)).collect();
        let mut sample = PortSample::default();
        server.iter().for_each(|socket| sample.add(socket));
        let shards = sample.divide(&[1, 1], Some(&(32_768..=60_999))).unwrap();
        assert!(shards.iter().all(|shard| server.iter().filter(|socket| shard.contains(socket)).count() == 500));
    }

    #[test]
    fn sockets_with_equal_ports_are_not_divided() {
        assert_eq!(divide(&vec![connection(443, 443); 1000], &[1, 1]), None);
    }

    #[test]
    fn listeners_are_not_part_of_the_sample() {
        let mut sample = PortSample::default();
        sample.add(&socket("0.0.0.0", 80));
        assert!(sample.is_empty());
    }

    proptest! {
        #[test]
        fn every_socket_is_in_exactly_one_share(
            ports in prop::collection::vec((prop_oneof![any::<u16>(), 0u16..4, 65_530u16..=65_535], 1u16..), 0..60),
            weights in prop::collection::vec(0u64..9, 1..6).prop_filter("some shard has a weight", |all| all.iter().any(|&one| one > 0)),
            other in any::<(u16, u16)>(),
            ephemeral in prop::option::of((any::<u16>(), any::<u16>())),
        ) {
            let mut sample = PortSample::default();
            ports.iter().for_each(|&(local, remote)| sample.add(&connection(local, remote)));
            let ephemeral = ephemeral.map(|(first, last)| first..=last);
            if let Some(shards) = sample.divide(&weights, ephemeral.as_ref()) {
                for (local, remote) in ports.into_iter().chain([other, (0, 0), (u16::MAX, u16::MAX)]) {
                    prop_assert_eq!(shards.iter().filter(|shard| shard.contains(&connection(local, remote))).count(), 1);
                }
            }
        }
    }
}
