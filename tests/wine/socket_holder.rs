//! Opens sockets in known states, prints them row by row as the table has to show them, and holds them until its stdin ends.
//!
//! `socket-holder SCOPE OWN SILENT`: SCOPE is the index of the interface that has the address `fe80::2001`, OWN an IPv4 address
//! of this host and SILENT one from which no answer will ever come.
#![allow(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use socket2::{Domain, SockAddr, Socket, Type};
use std::error::Error;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};

/// Both ends of a connection.
struct Pair {
    client: TcpStream,
    server: TcpStream,
}

impl Pair {
    fn connect(listener: &TcpListener) -> std::io::Result<Self> {
        let client = TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept()?;
        Ok(Self { client, server })
    }

    fn print(&self, client_state: &str, server_state: &str) -> std::io::Result<()> {
        let (client, server) = (self.client.local_addr()?, self.client.peer_addr()?);
        println!("TCP {client} {server} {client_state}");
        println!("TCP {server} {client} {server_state}");
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scope, own, silent] = arguments.as_slice() else { return Err("three arguments are needed".into()) };
    let (scope, own, silent): (u32, IpAddr, IpAddr) = (scope.parse()?, own.parse()?, silent.parse()?);
    println!("PID {}", std::process::id());

    let mut listeners = Vec::new();
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()] {
        let listener = TcpListener::bind((address, 0))?;
        let peer = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        println!("TCP {} {peer} LISTENING", listener.local_addr()?);
        listeners.push(listener);
    }
    let link_local: SocketAddr = SocketAddrV6::new("fe80::2001".parse()?, 0, 0, scope).into();
    let on_the_link = TcpListener::bind(link_local)?;
    println!("TCP [fe80::2001%{scope}]:{} [::]:0 LISTENING", on_the_link.local_addr()?.port());

    let mut pairs = Vec::new();
    for listener in [&listeners[0], &listeners[2]] {
        let open = Pair::connect(listener)?;
        open.print("ESTABLISHED", "ESTABLISHED")?;
        let half_closed = Pair::connect(listener)?;
        half_closed.client.shutdown(Shutdown::Write)?;
        // The end has arrived when the server has read it.
        assert_eq!((&half_closed.server).read(&mut [0])?, 0);
        half_closed.print("FIN_WAIT_2", "CLOSE_WAIT")?;
        pairs.extend([open, half_closed]);
    }

    let unanswered = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    unanswered.set_nonblocking(true)?;
    unanswered.bind(&SockAddr::from(SocketAddr::new(own, 0)))?;
    let begun = unanswered.connect(&SockAddr::from(SocketAddr::new(silent, 9)));
    assert!(begun.is_err(), "{silent} has answered");
    let from = unanswered.local_addr()?.as_socket().ok_or("an address of no family")?;
    println!("TCP {from} {silent}:9 SYN_SENT");

    let mut datagrams = Vec::new();
    for address in [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        let socket = UdpSocket::bind((address, 0))?;
        println!("UDP {} *:*", socket.local_addr()?);
        datagrams.push(socket);
    }

    println!("ready");
    // Whoever started this ends it by closing the pipe.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
