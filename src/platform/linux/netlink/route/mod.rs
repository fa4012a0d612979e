//! `NETLINK_ROUTE`: requests, and parsing of answers into links, addresses and routes (`linux/rtnetlink.h`).

mod addresses;
mod links;
mod routes;

pub use addresses::Ipv4Address;
pub use links::{Link, LinkCounters, totals};
pub use routes::{Hop, NextHop, Route, RouteKind};

use crate::platform::linux::netlink::message::dump_request;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `AF_INET` and `AF_INET6` of Linux.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// A table of the kernel's that can be dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// Network interfaces.
    Links,
    /// IPv4 addresses of interfaces.
    Ipv4Addresses,
    /// IPv4 routes of all routing tables.
    Ipv4Routes,
    /// IPv6 routes of all routing tables.
    Ipv6Routes,
    /// The next hops that are objects of their own.
    NextHops,
}

impl Dump {
    /// The request: a header, and a body that is empty except for the family.
    pub fn encode(self, sequence: u32) -> Vec<u8> {
        let (kind, family, body): (u16, u8, usize) = match self {
            Self::Links => (18, 0, links::LINK),                      // RTM_GETLINK
            Self::Ipv4Addresses => (22, AF_INET, addresses::ADDRESS), // RTM_GETADDR
            Self::Ipv4Routes => (26, AF_INET, routes::ROUTE),         // RTM_GETROUTE
            Self::Ipv6Routes => (26, AF_INET6, routes::ROUTE),
            Self::NextHops => (106, 0, routes::NEXT_HOP), // RTM_GETNEXTHOP
        };
        let mut payload = vec![0; body];
        // Each body begins with its family.
        payload.iter_mut().take(1).for_each(|first| *first = family);
        dump_request(kind, sequence, &payload)
    }

    /// The type of the answers.
    pub const fn answer(self) -> u16 {
        match self {
            Self::Links => 16,                         // RTM_NEWLINK
            Self::Ipv4Addresses => 20,                 // RTM_NEWADDR
            Self::Ipv4Routes | Self::Ipv6Routes => 24, // RTM_NEWROUTE
            Self::NextHops => 104,                     // RTM_NEWNEXTHOP
        }
    }
}

/// An address of a family, in network order.
fn ip(value: &[u8], family: u8) -> Option<IpAddr> {
    match family {
        AF_INET => ipv4(value).map(IpAddr::V4),
        AF_INET6 => value.first_chunk().map(|octets: &[u8; 16]| Ipv6Addr::from_octets(*octets).into()),
        _ => None,
    }
}

fn ipv4(value: &[u8]) -> Option<Ipv4Addr> {
    value.first_chunk().map(|octets: &[u8; 4]| Ipv4Addr::from_octets(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::netlink::message::{u16_at, u32_at};
    use proptest::prelude::*;

    /// An attribute as the kernel writes it.
    pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((4 + value.len() as u16).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_request_is_a_header_and_an_empty_body_of_its_family() {
        for (dump, kind, length, family) in [
            (Dump::Links, 18, 32, 0),
            (Dump::Ipv4Addresses, 22, 24, AF_INET),
            (Dump::Ipv4Routes, 26, 28, AF_INET),
            (Dump::Ipv6Routes, 26, 28, AF_INET6),
            (Dump::NextHops, 106, 24, 0),
        ] {
            let bytes = dump.encode(5);
            assert_eq!((u32_at(&bytes, 0), bytes.len()), (Some(length), length as usize));
            assert_eq!((u16_at(&bytes, 4), u16_at(&bytes, 6), u32_at(&bytes, 8)), (Some(kind), Some(0x301), Some(5)));
            assert_eq!(bytes[16], family);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let link = Link::parse(&bytes);
            prop_assert_eq!(link.is_some(), bytes.len() >= links::LINK);
            totals(&[link.clone(), link].into_iter().flatten().collect::<Vec<_>>());
            Ipv4Address::parse(&bytes);
            NextHop::parse(&bytes);
            Route::parse(&bytes);
        }
    }
}
