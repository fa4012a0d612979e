//! Addresses with ports.

use super::table::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One end of a socket: an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address. An IPv4-mapped IPv6 address is stored as the IPv4 address that it stands for.
    pub address: IpAddr,
    /// The port, in host order; 0 where there is none.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint; an IPv4-mapped IPv6 address becomes the IPv4 address that it stands for.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self { address: address.to_canonical(), port }
    }

    /// The wildcard endpoint of a family, port 0.
    pub const fn unspecified(family: Family) -> Self {
        let address = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        Self { address, port: 0 }
    }

    /// This endpoint as the other end of a socket whose own end is `local`: an IPv6 socket that carries IPv4 and has no peer
    /// yet has the IPv4 wildcard there, so that no row mixes two families.
    #[must_use]
    pub const fn opposite(self, local: &Self) -> Self {
        match (local.address, self.address) {
            (IpAddr::V4(_), IpAddr::V6(address)) if address.is_unspecified() => {
                Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ..self }
            }
            _ => self,
        }
    }

    /// Whether this is the wildcard address with port 0.
    pub const fn is_unspecified(&self) -> bool {
        self.port == 0 && self.address.is_unspecified()
    }
}

/// Whether an address means nothing without its interface: IPv6 link-local, and multicast that is confined to one link
/// or one interface (RFC 4291, 2.7).
pub const fn has_scope(address: IpAddr) -> bool {
    match address {
        IpAddr::V6(address) => address.is_unicast_link_local() || matches!(address.segments()[0] & 0xff0f, 0xff01 | 0xff02),
        IpAddr::V4(_) => false,
    }
}
