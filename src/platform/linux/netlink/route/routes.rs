//! Routes and their next hops (`linux/rtnetlink.h`, `linux/nexthop.h`).

use super::{AF_INET, AF_INET6, ip};
use crate::platform::linux::netlink::message::{attributes, u16_at, u32_at};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The size of `struct rtmsg`.
pub(super) const ROUTE: usize = 12;
/// The size of `struct rtnexthop`.
const HOP: usize = 8;
/// `RTM_F_CLONED`
const CLONED: u32 = 0x200;
/// `RTNH_F_DEAD`
const DEAD: u32 = 1;

/// A route as the kernel keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The number of its routing table.
    pub table: u32,
    /// What happens to a packet that takes it.
    pub kind: RouteKind,
    /// The network that it leads to.
    pub destination: IpAddr,
    /// How many leading bits of the destination count.
    pub prefix_length: u8,
    /// Its metric.
    pub metric: u32,
    /// The own address that it prefers as the source.
    pub source: Option<IpAddr>,
    /// Whether it is one destination's cached copy of another route.
    pub cached: bool,
    /// Its next hops; several for a multipath route. Empty if the kernel names an `object` instead.
    pub hops: Vec<Hop>,
    /// The id of the next hop object that it refers to.
    pub object: Option<u32>,
}

/// What happens to a packet that takes a route (`RTN_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// It is delivered, to a host, to this host, or to many.
    Delivered,
    /// It is dropped silently.
    Blackhole,
    /// It is dropped, and the sender gets ICMP "destination unreachable".
    Unreachable,
    /// It is dropped, and the sender gets ICMP "administratively prohibited".
    Prohibited,
    /// The look-up goes on in the next table.
    Throw,
}

/// One next hop of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The router; `None` if the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The index of the interface; 0 if there is none.
    pub interface: u32,
    /// Whether the kernel sends nothing there at present.
    pub dead: bool,
}

impl Route {
    /// The route that one answer (`struct rtmsg` and attributes) describes; `None` where it is none of IPv4 or IPv6.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let header: &[u8; ROUTE] = payload.first_chunk()?;
        let [family, prefix_length, _, _, table, _, _, kind, ..] = *header;
        let flags = u32_at(payload, 8)?;
        let mut route = Self {
            table: u32::from(table),
            kind: match kind {
                6 => RouteKind::Blackhole,
                7 => RouteKind::Unreachable,
                8 => RouteKind::Prohibited,
                9 => RouteKind::Throw,
                _ => RouteKind::Delivered,
            },
            destination: match family {
                AF_INET => Ipv4Addr::UNSPECIFIED.into(),
                AF_INET6 => Ipv6Addr::UNSPECIFIED.into(),
                _ => return None,
            },
            prefix_length,
            metric: 0,
            source: None,
            cached: flags & CLONED != 0,
            hops: Vec::new(),
            object: None,
        };
        let attributes = || attributes(payload.get(ROUTE..).unwrap_or_default());
        for (attribute, value) in attributes() {
            match attribute {
                1 => route.destination = ip(value, family)?, // RTA_DST
                6 => route.metric = u32_at(value, 0)?,       // RTA_PRIORITY
                7 => route.source = ip(value, family),       // RTA_PREFSRC
                9 => route.hops = hops(value, family),       // RTA_MULTIPATH
                15 => route.table = u32_at(value, 0)?,       // RTA_TABLE
                30 => route.object = u32_at(value, 0),       // RTA_NH_ID
                _ => {}
            }
        }
        if route.hops.is_empty() {
            let hop = Hop::new(0, flags, attributes(), family);
            let has_own_hop = hop.interface != 0 || route.kind != RouteKind::Delivered || route.object.is_none();
            route.hops.extend(has_own_hop.then_some(hop));
        }
        Some(route)
    }
}

impl Hop {
    fn new<'a>(interface: u32, flags: u32, attributes: impl Iterator<Item = (u16, &'a [u8])>, family: u8) -> Self {
        let mut hop = Self { gateway: None, interface, dead: flags & DEAD != 0 };
        for (attribute, value) in attributes {
            match attribute {
                4 => hop.interface = u32_at(value, 0).unwrap_or(0), // RTA_OIF
                5 => hop.gateway = ip(value, family),               // RTA_GATEWAY
                18 => hop.gateway = via(value),                     // RTA_VIA
                _ => {}
            }
        }
        hop
    }
}

/// The size of `struct nhmsg`.
pub(super) const NEXT_HOP: usize = 8;

/// A next hop that is an object of its own, to which routes refer by its id (5.3). Such routes contain their hops too, unless
/// `nexthop_compat_mode` is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// Its number.
    pub id: u32,
    /// Where it leads, unless it is a group.
    pub hop: Hop,
    /// The ids of the members, if it is a group.
    pub group: Vec<u32>,
}

impl NextHop {
    /// The object that one answer (`struct nhmsg` and attributes) describes; `None` where it is none.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let family = *payload.first()?;
        let flags = u32_at(payload, 4)?;
        let mut next_hop = Self { id: 0, hop: Hop { gateway: None, interface: 0, dead: flags & DEAD != 0 }, group: Vec::new() };
        for (attribute, value) in attributes(payload.get(NEXT_HOP..)?) {
            match attribute {
                1 => next_hop.id = u32_at(value, 0)?, // NHA_ID
                // NHA_GROUP, of `struct nexthop_grp`
                2 => next_hop.group = value.chunks_exact(8).filter_map(|member| u32_at(member, 0)).collect(),
                5 => next_hop.hop.interface = u32_at(value, 0)?, // NHA_OIF
                6 => next_hop.hop.gateway = ip(value, family),   // NHA_GATEWAY
                _ => {}
            }
        }
        Some(next_hop)
    }
}

/// The next hops of a multipath route: `struct rtnexthop`s, each with attributes.
fn hops(mut bytes: &[u8], family: u8) -> Vec<Hop> {
    let mut hops = Vec::new();
    while let Some(length) = u16_at(bytes, 0).map(usize::from) {
        let (Some(flags), Some(interface), Some(rest)) = (bytes.get(2), u32_at(bytes, 4), bytes.get(HOP..length)) else {
            break;
        };
        hops.push(Hop::new(interface, u32::from(*flags), attributes(rest), family));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

/// `struct rtvia`: a router of another family.
fn via(value: &[u8]) -> Option<IpAddr> {
    let family = u8::try_from(u16_at(value, 0)?).ok()?;
    ip(value.get(2..)?, family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::netlink::route::tests::attribute;

    fn route(family: u8, kind: u8, flags: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![family, 24, 0, 0, 254, 0, 0, kind];
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(attributes.iter().flat_map(|(kind, value)| attribute(*kind, value)));
        bytes
    }

    #[test]
    fn a_route_with_several_next_hops_and_one_of_them_dead() {
        let hop = |flags: u8, interface: u32, attributes: &[u8]| {
            let mut bytes = (8 + attributes.len() as u16).to_ne_bytes().to_vec();
            bytes.extend([flags, 0]);
            bytes.extend(interface.to_ne_bytes());
            bytes.extend(attributes);
            bytes
        };
        let via = [&u16::from(AF_INET6).to_ne_bytes()[..], &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]].concat();
        let mut hops =
            [hop(0, 2, &attribute(5, &[192, 0, 2, 1])), hop(16, 3, &attribute(18, &via)), hop(DEAD as u8, 4, &[])].concat();
        let parse = |hops: &[u8]| {
            let attributes = [(1, &[203, 0, 113, 0][..]), (15, &1000u32.to_ne_bytes()), (9, hops)];
            Route::parse(&route(AF_INET, 1, CLONED, &attributes)).unwrap()
        };
        let parsed = parse(&hops);
        assert_eq!((parsed.destination, parsed.prefix_length), ("203.0.113.0".parse().unwrap(), 24));
        assert_eq!((parsed.table, parsed.cached), (1000, true));
        let gateway = |address: &str| Some(address.parse().unwrap());
        let expected = [
            Hop { gateway: gateway("192.0.2.1"), interface: 2, dead: false },
            Hop { gateway: gateway("fe80::7"), interface: 3, dead: false },
            Hop { gateway: None, interface: 4, dead: true },
        ];
        assert_eq!(parsed.hops, expected);
        hops.pop();
        assert_eq!(parse(&hops).hops, expected[..2], "a hop that is cut off is none");
    }

    #[test]
    fn a_route_that_refers_to_an_object_may_have_hops_of_its_own() {
        let (object, interface) = (5u32.to_ne_bytes(), 3u32.to_ne_bytes());
        let hops = |kind, attributes: &[(u16, &[u8])]| {
            let route = Route::parse(&route(AF_INET, kind, 0, attributes)).unwrap();
            (route.object, route.hops.len())
        };
        assert_eq!(hops(1, &[(30, &object)]), (Some(5), 0));
        assert_eq!(hops(1, &[(30, &object), (4, &interface)]), (Some(5), 1));
        assert_eq!(hops(6, &[(30, &object)]), (Some(5), 1), "a black hole needs no hop");
        assert_eq!(hops(7, &[]), (None, 1));
    }

    #[test]
    fn a_next_hop_is_a_hop_or_a_group() {
        let object = |flags: u32, attributes: &[(u16, &[u8])]| {
            let mut bytes = vec![AF_INET, 0, 0, 0];
            bytes.extend(flags.to_ne_bytes());
            bytes.extend(attributes.iter().flat_map(|(kind, value)| attribute(*kind, value)));
            NextHop::parse(&bytes).unwrap()
        };
        let number = u32::to_ne_bytes;
        let gateway = Some("192.0.2.9".parse().unwrap());
        assert_eq!(
            object(DEAD, &[(1, &number(5)), (5, &number(3)), (6, &[192, 0, 2, 9])]),
            NextHop { id: 5, hop: Hop { gateway, interface: 3, dead: true }, group: Vec::new() }
        );
        let members = [number(5), [9, 0, 0, 0], number(7), [1, 0, 0, 0]].concat();
        assert_eq!(object(0, &[(1, &number(8)), (2, &members)]).group, [5, 7]);
    }

    #[test]
    fn a_route_of_another_family_is_ignored() {
        assert_eq!(Route::parse(&route(28, 1, 0, &[])), None, "MPLS");
        assert_eq!(Route::parse(&route(AF_INET6, 1, 0, &[(1, &[1, 2, 3, 4])])), None, "an address that is too short");
    }
}
