//! Sockets in every state, made by loopback traffic alone: a socket with a filter that drops all incoming segments stays in the
//! state that waits for an answer.

use super::namespace::{LINK, LINK_LOCAL, index_of};
use super::proc_fs;
use super::row::{Row, endpoint, remote_endpoint};
use super::wait::until;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// `TCP_CLOSE_WAIT`
const CLOSE_WAIT: u8 = 8;

/// Open sockets, and the rows that they have to have.
#[derive(Default)]
pub struct Fixtures {
    open: Vec<Socket>,
    /// The rows that only `-q` shows and that neither `ss` nor `/proc/net` knows.
    pub bound: Vec<Row>,
    /// Every TCP socket of each address case, as (local address, foreign address, state).
    expected: Vec<(String, String, &'static str)>,
}

/// A kind of address: where a server listens and how its clients reach it.
#[derive(Clone, Copy)]
pub struct AddressCase {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where clients connect; the port is the server's, which is not known yet.
    pub connect: SocketAddr,
}

impl AddressCase {
    /// All kinds of address: IPv4, IPv6, link-local with its scope, IPv4 on a dual-stack server.
    pub fn all() -> [Self; 4] {
        let same = |address| Self { listen: address, connect: address };
        [
            same(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            same(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))),
            same(link_local(0)),
            Self {
                listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                connect: SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 0)),
            },
        ]
    }
}

/// The link-local address of the namespace with its scope.
pub fn link_local(port: u16) -> SocketAddr {
    SocketAddrV6::new(LINK_LOCAL.parse().unwrap(), port, 0, index_of(LINK)).into()
}

/// A new socket for an address.
pub fn new_socket(address: SocketAddr, protocol: Protocol) -> Socket {
    let kind = if protocol == Protocol::UDP { Type::DGRAM } else { Type::STREAM };
    Socket::new(Domain::for_address(address), kind, Some(protocol)).unwrap()
}

/// A socket bound to an address.
pub fn bound(address: SocketAddr, protocol: Protocol) -> Socket {
    let socket = new_socket(address, protocol);
    socket.bind(&address.into()).unwrap();
    socket
}

/// A TCP socket bound to an explicit port: such a port is kept until the socket is closed.
fn bound_to_chosen_port(address: SocketAddr) -> Socket {
    let free = local(&bound(address, Protocol::TCP));
    bound(free, Protocol::TCP)
}

/// A server.
pub fn listener(address: SocketAddr) -> Socket {
    let socket = bound(address, Protocol::TCP);
    socket.listen(128).unwrap();
    socket
}

/// The local address of a socket.
pub fn local(socket: &Socket) -> SocketAddr {
    socket.local_addr().unwrap().as_socket().unwrap()
}

fn peer(socket: &Socket) -> SocketAddr {
    socket.peer_addr().unwrap().as_socket().unwrap()
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

/// Makes the kernel drop every segment that arrives for the socket.
pub fn drop_incoming(socket: &Socket) {
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
}

fn close_writing(socket: &Socket) {
    socket.shutdown(std::net::Shutdown::Write).unwrap();
}

fn text(address: SocketAddr) -> String {
    let scope = if let SocketAddr::V6(v6) = address { v6.scope_id() } else { 0 };
    endpoint(address.ip(), scope, address.port())
}

/// Waits until a socket that is open has this state, by the kernel's number.
fn wait_for(socket: &Socket, state: u8) {
    until(&format!("{socket:?} is in state {state}"), || state_of(socket) == state);
}

/// The first byte of `struct tcp_info`: cheaper than the tables, which the kernel searches for all namespaces.
#[allow(unsafe_code, reason = "TCP_INFO has no safe wrapper")]
fn state_of(socket: &Socket) -> u8 {
    let mut info = [0u8; 8];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to the buffer, which is as long and outlives the call.
    let answer = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut length)
    };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    info[0]
}

impl Fixtures {
    /// One of every kind.
    pub fn all() -> Self {
        let mut fixtures = Self::default();
        for case in AddressCase::all() {
            fixtures.fill(case);
        }
        fixtures.add_listeners();
        fixtures.add_datagrams();
        fixtures.settle();
        fixtures
    }

    /// Every TCP state for one kind of address.
    pub fn fill(&mut self, case: AddressCase) {
        let server = listener(case.listen);
        let target = with_port(case.connect, local(&server).port());
        self.expect_listener(&server);

        let (client, accepted) = Self::pair(&server, target);
        self.expect_of(&client, "ESTABLISHED");
        self.expect_of(&accepted, "ESTABLISHED");
        self.open.extend([client, accepted]);

        let (client, accepted) = Self::pair(&server, target);
        close_writing(&client);
        self.expect_of(&client, "FIN_WAIT_2");
        self.expect_of(&accepted, "CLOSE_WAIT");
        self.open.extend([client, accepted]);

        let (client, accepted) = Self::pair(&server, target);
        drop_incoming(&client);
        close_writing(&client);
        self.expect_of(&client, "FIN_WAIT_1");
        self.expect_of(&accepted, "CLOSE_WAIT");
        self.open.extend([client, accepted]);

        // Both close while neither receives anything; then a retransmission tells one that the other has closed.
        let (client, accepted) = Self::pair(&server, target);
        drop_incoming(&client);
        drop_incoming(&accepted);
        close_writing(&client);
        close_writing(&accepted);
        client.detach_filter().unwrap();
        self.expect_of(&client, "CLOSING");
        self.expect_of(&accepted, "FIN_WAIT_1");
        self.open.extend([client, accepted]);

        let (client, accepted) = Self::pair(&server, target);
        close_writing(&accepted);
        wait_for(&client, CLOSE_WAIT);
        drop_incoming(&client);
        close_writing(&client);
        self.expect_of(&client, "LAST_ACK");
        self.open.extend([client, accepted]);

        let (client, accepted) = Self::pair(&server, target);
        close_writing(&client);
        wait_for(&accepted, CLOSE_WAIT);
        let (from, to) = (text(local(&client)), text(peer(&client)));
        drop((accepted, client));
        self.expect(from, to, "TIME_WAIT");

        // Orphans: closed by their owner, kept by the kernel.
        let (client, accepted) = Self::pair(&server, target);
        let (from, to) = (text(local(&client)), text(peer(&client)));
        drop(client);
        self.expect(from, to, "FIN_WAIT_2");
        self.open.push(accepted);
        let (client, accepted) = Self::pair(&server, target);
        let (from, to) = (text(local(&client)), text(peer(&client)));
        drop_incoming(&client);
        drop(client);
        self.expect(from, to, "FIN_WAIT_1");
        self.open.push(accepted);

        // The client drops the server's SYN-ACK, so that the handshake does not complete.
        let client = new_socket(target, Protocol::TCP);
        drop_incoming(&client);
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.connect(&target.into()).unwrap_err().raw_os_error(), Some(libc::EINPROGRESS));
        let (from, to) = (text(local(&client)), text(target));
        self.expect(from.clone(), to.clone(), "SYN_SENT");
        self.expect(to, from, "SYN_RECEIVED");
        self.open.push(client);

        let idle = bound(case.connect, Protocol::TCP);
        self.remember(&idle, remote_endpoint("TCP", case.connect.ip(), Ipv6Addr::UNSPECIFIED.into(), 0, 0), "BOUND");
        self.open.push(idle);

        // Reset after it was connected: CLOSED; bound to an explicit port, it keeps its port and its peer.
        let client = bound_to_chosen_port(case.connect);
        client.connect(&target.into()).unwrap();
        let (accepted, _) = server.accept().unwrap();
        let to = text(peer(&client));
        accepted.set_linger(Some(Duration::ZERO)).unwrap();
        drop(accepted);
        until("the peer's reset has arrived", || client.peer_addr().is_err());
        self.remember(&client, to, "CLOSED");
        self.open.push(client);

        self.open.push(server);
    }

    /// Listeners of every kind of binding.
    fn add_listeners(&mut self) {
        let any4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let any6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let wildcard = listener(any4);
        let on_device = new_socket(any4, Protocol::TCP);
        on_device.bind_device(Some(LINK.as_bytes())).unwrap();
        on_device.bind(&any4.into()).unwrap();
        on_device.listen(1).unwrap();
        let only_v6 = new_socket(any6, Protocol::TCP);
        only_v6.set_only_v6(true).unwrap();
        only_v6.bind(&with_port(any6, local(&wildcard).port()).into()).unwrap();
        only_v6.listen(1).unwrap();
        let mapped = listener(SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 0)));
        let mut twins = Vec::new();
        for _ in 0..3 {
            let twin = new_socket(any4, Protocol::TCP);
            twin.set_reuse_port(true).unwrap();
            twin.bind(&twins.first().map_or(any4, local).into()).unwrap();
            twin.listen(1).unwrap();
            twins.push(twin);
        }
        for socket in twins.iter().chain([&wildcard, &on_device, &only_v6, &mapped]) {
            self.expect_listener(socket);
        }
        // A connection that has not been accepted yet has no inode and no owner.
        let waiting = new_socket(any4, Protocol::TCP);
        waiting.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, local(&mapped).port())).into()).unwrap();
        self.open.extend(twins);
        self.open.extend([wildcard, on_device, only_v6, mapped, waiting]);
        // Multipath TCP: the kernel's subflow sockets have the inode of the socket that the process holds.
        if let Ok(multipath) = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::from(libc::IPPROTO_MPTCP))) {
            multipath.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
            multipath.listen(8).unwrap();
            let client = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::from(libc::IPPROTO_MPTCP))).unwrap();
            client.connect(&multipath.local_addr().unwrap()).unwrap();
            let (accepted, _) = multipath.accept().unwrap();
            self.open.extend([multipath, client, accepted]);
        }
    }

    /// UDP: bound and connected, of every family and kind of binding.
    fn add_datagrams(&mut self) {
        let localhost = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let any6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        for address in [
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            localhost,
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
            any6,
            link_local(0),
            SocketAddrV6::new("ff02::fb".parse().unwrap(), 0, 0, index_of(LINK)).into(),
            SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 0)),
        ] {
            self.open.push(bound(address, Protocol::UDP));
        }
        for peer in [
            with_port(localhost, 53),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 53)),
            link_local(53),
            SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 53)),
        ] {
            let connected = new_socket(peer, Protocol::UDP);
            connected.connect(&peer.into()).unwrap();
            self.open.push(connected);
        }
        let only_v6 = new_socket(any6, Protocol::UDP);
        only_v6.set_only_v6(true).unwrap();
        only_v6.bind(&any6.into()).unwrap();
        let mut twins = vec![only_v6];
        for _ in 0..3 {
            let twin = new_socket(localhost, Protocol::UDP);
            twin.set_reuse_port(true).unwrap();
            twin.bind(&twins.get(1).map_or(localhost, local).into()).unwrap();
            twins.push(twin);
        }
        self.open.append(&mut twins);
        let on_device = new_socket(localhost, Protocol::UDP);
        on_device.bind_device(Some(LINK.as_bytes())).unwrap();
        on_device.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
        self.open.push(on_device);
    }

    fn pair(server: &Socket, target: SocketAddr) -> (Socket, Socket) {
        let client = new_socket(target, Protocol::TCP);
        client.connect(&target.into()).unwrap();
        let (accepted, from) = server.accept().unwrap();
        assert_eq!(text(from.as_socket().unwrap()), text(local(&client)));
        (client, accepted)
    }

    fn expect(&mut self, local: String, remote: String, state: &'static str) {
        self.expected.push((local, remote, state));
    }

    fn expect_of(&mut self, socket: &Socket, state: &'static str) {
        self.expect(text(local(socket)), text(peer(socket)), state);
    }

    fn expect_listener(&mut self, socket: &Socket) {
        let address = local(socket).ip();
        let remote = remote_endpoint("TCP", address, Ipv6Addr::UNSPECIFIED.into(), 0, 0);
        self.expect(text(local(socket)), remote, "LISTENING");
    }

    /// Waits until every socket is in its state: some get there by a retransmission.
    fn settle(&self) {
        until("the fixtures are complete", || {
            let rows: Vec<Row> = proc_fs::rows(index_of(LINK)).into_iter().map(|(row, _)| row).collect();
            self.missing_from(&rows).is_empty()
        });
    }

    /// The sockets that are not in the table in their state.
    fn missing_from(&self, rows: &[Row]) -> Vec<&(String, String, &'static str)> {
        let is_in = |(local, remote, state): &(String, String, &'static str)| {
            rows.iter().any(|row| row.local == *local && row.remote == *remote && row.state == *state)
        };
        self.expected.iter().filter(|expected| !is_in(expected)).collect()
    }

    fn remember(&mut self, socket: &Socket, remote: String, state: &str) {
        self.bound.push(Row {
            protocol: "TCP".to_owned(),
            local: text(local(socket)),
            remote,
            state: state.to_owned(),
            owner: std::process::id().to_string(),
        });
    }

    /// Fails unless every socket is in the table in its state.
    pub fn assert_all_in(&self, rows: &[Row]) {
        let missing = self.missing_from(rows);
        assert!(missing.is_empty(), "{missing:#?} are not in {rows:#?}");
    }
}
