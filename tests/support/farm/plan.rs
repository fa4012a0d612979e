//! The size of a farm, and what each process does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

/// The port of the first server.
const FIRST_PORT: u16 = 20_000;
/// How many servers have ports of their own, below the ephemeral ports.
const PORTS: usize = 10_000;
/// One server in this many listens on IPv6.
const IPV6_SHARE: usize = 20;

/// The numbers of processes, sockets and descriptors. Every process also has its three standard descriptors.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Processes with one listener each, and with one end of each connection.
    pub servers: usize,
    /// Processes with the other ends.
    pub clients: usize,
    /// Processes without sockets.
    pub idle: usize,
    /// TCP connections over the loopback interface, two sockets each.
    pub connections: usize,
    /// Bound UDP sockets, held by the servers.
    pub udp: usize,
    /// Descriptors that are no sockets (files and pipes), in each process.
    pub others: usize,
    /// Network namespaces that the connections are divided among, each with a listener of its own; 0 for one that all are in.
    pub namespaces: usize,
}

impl Plan {
    /// A busy host: half of the processes serve the other half, and one socket in a hundred is a UDP socket.
    pub fn busy(sockets: usize, processes: usize, others: usize) -> Self {
        let servers = (processes / 2).max(1);
        let clients = processes.saturating_sub(servers).max(1);
        let connections = sockets.saturating_sub(servers + sockets / 100) / 2;
        let udp = sockets.saturating_sub(servers + 2 * connections);
        Self { servers, clients, idle: 0, connections, udp, others, namespaces: 0 }
    }

    /// This number of sockets in this many network namespaces, which are held by the sockets alone: the processes have left them.
    pub fn spread(sockets: usize, processes: usize, others: usize, namespaces: usize) -> Self {
        let connections = sockets.saturating_sub(namespaces) / 2 / namespaces * namespaces;
        Self { servers: 0, clients: processes, idle: 0, connections, udp: 0, others, namespaces }
    }

    /// Which of the namespaces a process fills.
    pub fn filled_by(&self, process: usize) -> Range<usize> {
        let before = |process: usize| self.namespaces * process / self.clients;
        before(process)..before(process + 1)
    }

    /// The number of sockets.
    pub fn sockets(&self) -> usize {
        self.servers + self.namespaces + 2 * self.connections + self.udp
    }

    /// The number of processes.
    pub fn processes(&self) -> usize {
        self.servers + self.clients + self.idle
    }

    /// The address of a server: no two share address and port, so that each can have as many clients as there are ports.
    pub fn listener(server: usize) -> SocketAddr {
        let port = FIRST_PORT + (server % PORTS) as u16;
        let address = if server % IPV6_SHARE == IPV6_SHARE - 1 {
            IpAddr::V6(Ipv6Addr::LOCALHOST)
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + server as u32))
        };
        SocketAddr::new(address, port)
    }

    /// How many connections a server gets: the connections are dealt to the servers in turn.
    pub fn accepted_by(&self, server: usize) -> usize {
        self.connections / self.servers + usize::from(server < self.connections % self.servers)
    }

    /// How many UDP sockets a server binds.
    pub fn bound_by(&self, server: usize) -> usize {
        self.udp / self.servers + usize::from(server < self.udp % self.servers)
    }

    /// Which of the connections a client makes.
    pub fn made_by(&self, client: usize) -> Range<usize> {
        let before = |client: usize| self.connections * client / self.clients;
        before(client)..before(client + 1)
    }
}
