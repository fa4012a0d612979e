//! The addresses of the sockets of a load: each tells which process opened it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The port of long-lived listeners.
const LONG_LIVED: u16 = 1000;
/// The number of the parent is added to these ports.
const INHERITED: u16 = 2000;
const OWN: u16 = 3000;
/// How many children a parent can have before addresses repeat.
pub(super) const BIRTHS: u32 = 64 << 16;

/// The origin of a socket, encoded in its local address. The first number is that of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The listener of a connector, and the accepted ends of its connections.
    Server(u8),
    /// The client end of a connector's connection.
    Client(u8),
    /// The listener of a parent, which all its children inherit.
    Shared(u8),
    /// A listener that each process of a relay passes on to the next.
    Relayed(u8),
    /// A socket that a parent opened for the child with this number, and closed after the fork.
    Inherited(u8, u32),
    /// A socket that the child with this number opened itself.
    Own(u8, u32),
}

impl Origin {
    /// The address of this origin; a client may have any port.
    pub(super) fn address(self) -> SocketAddr {
        let at = |b, c, d, port| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, b, c, d)), port);
        let of_birth = |birth: u32, port| {
            let [_, b, c, d] = (birth % BIRTHS).to_be_bytes();
            at(128 + b, c, d, port)
        };
        match self {
            Self::Server(number) => at(1, number, 1, LONG_LIVED),
            Self::Client(number) => at(3, number, 1, 0),
            Self::Shared(number) => at(2, number, 1, LONG_LIVED),
            Self::Relayed(number) => at(4, number, 1, LONG_LIVED),
            Self::Inherited(number, birth) => of_birth(birth, INHERITED + u16::from(number)),
            Self::Own(number, birth) => of_birth(birth, OWN + u16::from(number)),
        }
    }

    /// The origin of the socket at an address.
    pub fn of(address: SocketAddr) -> Option<Self> {
        let IpAddr::V4(ip) = address.ip() else { return None };
        let birth = |b: u8, c, d| u32::from_be_bytes([0, b - 128, c, d]);
        let number = |first| u8::try_from(address.port() - first).ok();
        match (ip.octets(), address.port()) {
            ([127, 1, number, 1], LONG_LIVED) => Some(Self::Server(number)),
            ([127, 3, number, 1], _) => Some(Self::Client(number)),
            ([127, 2, number, 1], LONG_LIVED) => Some(Self::Shared(number)),
            ([127, 4, number, 1], LONG_LIVED) => Some(Self::Relayed(number)),
            ([127, b @ 128..=255, c, d], INHERITED..OWN) => Some(Self::Inherited(number(INHERITED)?, birth(b, c, d))),
            ([127, b @ 128..=255, c, d], OWN..) => Some(Self::Own(number(OWN)?, birth(b, c, d))),
            _ => None,
        }
    }
}
