//! How a large table is divided among several dumps, by ranges of ports that hold as many sockets as each is to have.

use super::bytecode;
use crate::socket::{Protocol, Socket};
use std::ops::RangeInclusive;

/// The sockets of one dump: those with a port of one range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    end: End,
    ports: RangeInclusive<u16>,
}

/// Which port decides. Neither changes while a connection lasts, so that no connection is lost or doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Local,
    /// For a server whose connections all have one local port.
    Remote,
}

impl Share {
    /// Whether the socket is one of this share's.
    pub fn contains(&self, socket: &Socket) -> bool {
        self.ports.contains(&match self.end {
            End::Local => socket.local.port,
            End::Remote => socket.remote.port,
        })
    }

    /// A program for the kernel that lets pass this share of what `program` does.
    pub fn program(&self, program: &[u8]) -> Vec<u8> {
        match self.end {
            End::Local => bytecode::and_local_ports(&self.ports, program),
            End::Remote => bytecode::and_remote_ports(&self.ports, program),
        }
    }
}

/// The ports of some of a table's sockets, from which those of the others are guessed.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    local: Vec<u16>,
    remote: Vec<u16>,
}

impl Sample {
    /// Takes a socket into the sample; of TCP only connections: listeners come first in a dump and tell nothing of the rest.
    pub fn add(&mut self, socket: &Socket) {
        match socket.protocol {
            Protocol::Tcp if socket.remote.port != 0 => {
                self.local.push(socket.local.port);
                self.remote.push(socket.remote.port);
            }
            Protocol::Tcp => {}
            // Its foreign port may change at any time.
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
    /// have the same ports for that.
    pub fn divide(mut self, weights: &[u64]) -> Option<Vec<Share>> {
        let local = cut(&mut self.local, weights);
        let (excess, end, ranges) = match cut(&mut self.remote, weights) {
            (excess, ranges) if excess < local.0 / 2 && !self.remote.is_empty() => (excess, End::Remote, ranges),
            _ => (local.0, End::Local, local.1),
        };
        // A fifth more than its due, and a share takes longer than the division saves.
        (excess <= self.local.len() / 5).then(|| ranges.into_iter().map(|ports| Share { end, ports }).collect())
    }
}

/// Cuts the range of ports so that each part has its weight of the sample; says by how many the largest exceeds that.
fn cut(ports: &mut [u16], weights: &[u64]) -> (usize, Vec<RangeInclusive<u16>>) {
    ports.sort_unstable();
    let total = weights.iter().sum::<u64>().max(1);
    let (mut excess, mut ranges) = (0, Vec::with_capacity(weights.len()));
    let (mut due, mut begun, mut first) = (0, 0, 0);
    for (index, weight) in weights.iter().enumerate() {
        let had = due;
        due += weight;
        let goal = |weight: u64| (ports.len() as u64 * weight / total) as usize;
        let last = match ports.get(goal(due)) {
            Some(&port) if index + 1 < weights.len() => {
                // A port is not divided: it goes to the side where more of it belongs.
                let (below, through) = (ports.partition_point(|&p| p < port), ports.partition_point(|&p| p <= port));
                if goal(due) - below < through - goal(due) { port.saturating_sub(1) } else { port }.max(first)
            }
            _ => u16::MAX,
        };
        let end = ports.partition_point(|&p| p <= last);
        excess = excess.max((end - begun).saturating_sub(goal(due) - goal(had)));
        ranges.push(first..=last);
        if last == u16::MAX {
            break;
        }
        (begun, first) = (end, last + 1);
    }
    (excess, ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::tests::socket;
    use proptest::prelude::*;

    fn connection(local: u16, remote: u16) -> Socket {
        let mut socket = socket("192.0.2.1", local);
        socket.remote = crate::socket::Endpoint::new("192.0.2.2".parse().unwrap(), remote);
        socket
    }

    fn divide(connections: &[Socket], weights: &[u64]) -> Option<Vec<usize>> {
        let mut sample = Sample::default();
        connections.iter().for_each(|socket| sample.add(socket));
        let shares = sample.divide(weights)?;
        Some(shares.iter().map(|share| connections.iter().filter(|socket| share.contains(socket)).count()).collect())
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
    fn what_has_all_its_ports_in_common_is_not_divided() {
        assert_eq!(divide(&vec![connection(443, 443); 1000], &[1, 1]), None);
    }

    #[test]
    fn listeners_say_nothing_of_connections() {
        let mut sample = Sample::default();
        sample.add(&socket("0.0.0.0", 80));
        assert!(sample.is_empty());
    }

    proptest! {
        #[test]
        fn every_socket_is_in_exactly_one_share(
            ports in prop::collection::vec((prop_oneof![any::<u16>(), 0u16..4, 65_530u16..=65_535], 1u16..), 0..60),
            weights in prop::collection::vec(0u64..9, 1..6),
            other in any::<(u16, u16)>(),
        ) {
            let mut sample = Sample::default();
            ports.iter().for_each(|&(local, remote)| sample.add(&connection(local, remote)));
            if let Some(shares) = sample.divide(&weights) {
                for (local, remote) in ports.into_iter().chain([other, (0, 0), (u16::MAX, u16::MAX)]) {
                    prop_assert_eq!(shares.iter().filter(|share| share.contains(&connection(local, remote))).count(), 1);
                }
            }
        }
    }
}
