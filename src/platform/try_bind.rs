//! Trying to bind a port, by the calls that all systems share.

use crate::model::bind::{BindAttempt, BindOutcome};
use crate::model::socket::Protocol;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Binds the port on every address of a family, and closes it again at once. TCP does not listen: nobody can connect meanwhile.
///
/// The socket has no option by which it could share the port: the standard library would set SO_REUSEADDR, with which a port
/// in TIME_WAIT can be bound.
pub(super) fn try_bind(protocol: Protocol, address: IpAddr, port: u16) -> BindAttempt {
    let outcome = match bind(protocol, address, port) {
        Ok(()) => BindOutcome::Bound,
        Err(error) => outcome_of(&error),
    };
    BindAttempt { protocol, address, port, outcome }
}

/// The addresses to try: every address of each family.
pub(super) const EVERY_ADDRESS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];

fn bind(protocol: Protocol, address: IpAddr, port: u16) -> io::Result<()> {
    let kind = match protocol {
        Protocol::Tcp => Type::STREAM,
        Protocol::Udp => Type::DGRAM,
    };
    let address = SocketAddr::new(address, port);
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        // Else it would also take the port of IPv4, which has a try of its own.
        socket.set_only_v6(true)?;
    }
    socket.bind(&SockAddr::from(address))
}

fn outcome_of(error: &io::Error) -> BindOutcome {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindOutcome::InUse,
        io::ErrorKind::PermissionDenied => BindOutcome::Denied,
        // IPv6 is not built in, or is switched off.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => BindOutcome::NoFamily,
        _ => BindOutcome::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::system::System;
    use crate::platform::SYSTEM;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn a_port_is_bound_only_if_nobody_has_it() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let [v4, _] = EVERY_ADDRESS;
        if SYSTEM != System::Windows {
            // There, every address may be bound beside a certain one.
            assert_eq!(try_bind(Protocol::Tcp, v4, tcp.local_addr().unwrap().port()).outcome, BindOutcome::InUse);
            assert_eq!(try_bind(Protocol::Udp, v4, udp.local_addr().unwrap().port()).outcome, BindOutcome::InUse);
        }
        let port = tcp.local_addr().unwrap().port();
        drop(tcp);
        for _ in 0..2 {
            assert_eq!(try_bind(Protocol::Tcp, v4, port).outcome, BindOutcome::Bound, "it is closed again");
        }
    }

    #[test]
    fn errors_that_say_nothing_about_other_sockets_are_told_apart() {
        let outcome = |kind: io::ErrorKind| outcome_of(&kind.into());
        assert_eq!(outcome(io::ErrorKind::AddrInUse), BindOutcome::InUse);
        assert_eq!(outcome(io::ErrorKind::PermissionDenied), BindOutcome::Denied);
        assert_eq!(outcome(io::ErrorKind::AddrNotAvailable), BindOutcome::NoFamily);
        assert!(matches!(outcome(io::ErrorKind::OutOfMemory), BindOutcome::Failed(_)));
    }
}
