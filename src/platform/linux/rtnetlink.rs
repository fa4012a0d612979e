//! `NETLINK_ROUTE`: what to ask, and from the kernel's bytes to links, addresses and routes (`linux/rtnetlink.h`).

use super::nlmsg::{attributes, u16_at, u32_at, u64_at};
use crate::interfaces::InterfaceTotals;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `NLM_F_REQUEST | NLM_F_DUMP`
const REQUEST_DUMP: u16 = 0x1 | 0x300;

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
    /// The request as the kernel reads it: a header, and a body that is empty except for the family.
    pub fn encode(self, sequence: u32) -> Vec<u8> {
        let (kind, family, body): (u16, u8, usize) = match self {
            Self::Links => (18, 0, LINK),                  // RTM_GETLINK
            Self::Ipv4Addresses => (22, AF_INET, ADDRESS), // RTM_GETADDR
            Self::Ipv4Routes => (26, AF_INET, ROUTE),      // RTM_GETROUTE
            Self::Ipv6Routes => (26, AF_INET6, ROUTE),
            Self::NextHops => (106, 0, NEXT_HOP), // RTM_GETNEXTHOP
        };
        let length = super::nlmsg::HEADER + body;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend((length as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(REQUEST_DUMP.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.push(family);
        bytes.resize(length, 0);
        bytes
    }

    /// The type of the messages that answer it.
    pub const fn answer(self) -> u16 {
        match self {
            Self::Links => 16,                         // RTM_NEWLINK
            Self::Ipv4Addresses => 20,                 // RTM_NEWADDR
            Self::Ipv4Routes | Self::Ipv6Routes => 24, // RTM_NEWROUTE
            Self::NextHops => 104,                     // RTM_NEWNEXTHOP
        }
    }
}

/// The size of `struct ifinfomsg`.
const LINK: usize = 16;
/// `IFF_LOOPBACK`
const LOOPBACK: u32 = 0x8;
/// `ARPHRD_TUNNEL`, `TUNNEL6`, `SIT`, `IPGRE`, `IP6GRE`: what stands in the place of the hardware address is the tunnel's own end.
const TUNNELS: [u16; 5] = [768, 769, 776, 778, 823];

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Whether it is a loopback.
    pub loopback: bool,
    /// Its hardware address; empty where it has none.
    pub hardware_address: Vec<u8>,
    /// Its name, not yet made safe.
    pub name: String,
    /// What it has carried.
    pub counters: LinkCounters,
}

impl Link {
    /// The link that one answer (`struct ifinfomsg` and attributes) describes; `None` where it is too short to be one.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let kind = u16_at(payload, 2)?;
        let flags = u32_at(payload, 8)?;
        let mut link = Self {
            index: u32_at(payload, 4)?,
            loopback: flags & LOOPBACK != 0,
            hardware_address: Vec::new(),
            name: String::new(),
            counters: LinkCounters::default(),
        };
        for (attribute, value) in attributes(payload.get(LINK..)?) {
            match attribute {
                // IFLA_ADDRESS; a loopback's is all zeros
                1 if !TUNNELS.contains(&kind) && value.iter().any(|&byte| byte != 0) => link.hardware_address = value.to_vec(),
                // IFLA_IFNAME
                3 => link.name = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned(),
                // IFLA_STATS64
                23 => link.counters = LinkCounters::parse(value),
                _ => {}
            }
        }
        Some(link)
    }
}

/// What an interface has carried (`struct rtnl_link_stats64`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Packets received without error, to one or to many.
    pub received_packets: u64,
    /// Packets sent, to one or to many.
    pub sent_packets: u64,
    /// Bytes of these packets received.
    pub received_bytes: u64,
    /// Bytes of these packets sent.
    pub sent_bytes: u64,
    /// Packets received with an error.
    pub received_errors: u64,
    /// Packets not sent because of an error.
    pub sent_errors: u64,
    /// Packets received and not processed, for want of room or because no protocol wanted them.
    pub received_dropped: u64,
    /// Packets dropped on their way out.
    pub sent_dropped: u64,
    /// Multicast packets among those received, where the driver counts them.
    pub received_multicast: u64,
    /// Packets that the device had no room for.
    pub received_missed: u64,
}

impl LinkCounters {
    /// A field that an older kernel does not send is 0.
    fn parse(bytes: &[u8]) -> Self {
        let field = |place: usize| u64_at(bytes, place * 8).unwrap_or(0);
        Self {
            received_packets: field(0),
            sent_packets: field(1),
            received_bytes: field(2),
            sent_bytes: field(3),
            received_errors: field(4),
            sent_errors: field(5),
            received_dropped: field(6),
            sent_dropped: field(7),
            received_multicast: field(8),
            received_missed: field(15),
        }
    }
}

/// The counters of all links except loopbacks, added up.
///
/// The kernel counts multicast packets apart only where they come in, and only where a driver does; packets of unknown
/// protocols are among the dropped ones.
pub fn totals(links: &[Link]) -> InterfaceTotals {
    let mut totals =
        InterfaceTotals { unavailable: vec!["sent.non_unicast_packets", "unknown_protocols"], ..InterfaceTotals::default() };
    let InterfaceTotals { received, sent, .. } = &mut totals;
    for counters in links.iter().filter(|link| !link.loopback).map(|link| link.counters) {
        let many = counters.received_multicast;
        add(&mut received.bytes, counters.received_bytes);
        add(&mut received.unicast_packets, counters.received_packets.saturating_sub(many));
        add(&mut received.non_unicast_packets, many);
        add(&mut received.discards, counters.received_dropped.saturating_add(counters.received_missed));
        add(&mut received.errors, counters.received_errors);
        add(&mut sent.bytes, counters.sent_bytes);
        add(&mut sent.unicast_packets, counters.sent_packets);
        add(&mut sent.discards, counters.sent_dropped);
        add(&mut sent.errors, counters.sent_errors);
    }
    totals
}

fn add(sum: &mut u64, counter: u64) {
    *sum = sum.saturating_add(counter);
}

/// The size of `struct ifaddrmsg`.
const ADDRESS: usize = 8;

/// An IPv4 address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Address {
    /// The number of the interface.
    pub interface: u32,
    /// This host's own address.
    pub address: Ipv4Addr,
    /// An address of the network on the link: the other end's where the link has two ends, else the same.
    pub network: Ipv4Addr,
    /// How many leading bits of `network` name that network.
    pub prefix_length: u8,
}

impl Ipv4Address {
    /// The address that one answer (`struct ifaddrmsg` and attributes) describes; `None` where it is none.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let prefix_length = *payload.get(1)?;
        let interface = u32_at(payload, 4)?;
        let (mut network, mut own) = (None, None);
        for (attribute, value) in attributes(payload.get(ADDRESS..)?) {
            match attribute {
                1 => network = ipv4(value), // IFA_ADDRESS
                2 => own = ipv4(value),     // IFA_LOCAL
                _ => {}
            }
        }
        let network = network.or(own)?;
        Some(Self { interface, address: own.unwrap_or(network), network, prefix_length })
    }
}

/// The size of `struct rtmsg`.
const ROUTE: usize = 12;
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
    /// What becomes of a packet that takes it.
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
    /// Where it leads; several for a multipath route. Empty where the kernel names an `object` instead.
    pub hops: Vec<Hop>,
    /// The number of the next hop object that tells where it leads.
    pub object: Option<u32>,
}

/// What becomes of a packet that takes a route (`RTN_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// It is delivered, to a host, to this host, or to many.
    Delivered,
    /// It is dropped silently.
    Blackhole,
    /// It is dropped, and the sender is told that the destination is unreachable.
    Unreachable,
    /// It is dropped, and the sender is told that it is prohibited.
    Prohibited,
    /// The look-up goes on in the next table.
    Throw,
}

/// One next hop of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The router; `None` where the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The number of the interface; 0 where there is none.
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
            let told = hop.interface != 0 || route.kind != RouteKind::Delivered || route.object.is_none();
            route.hops.extend(told.then_some(hop));
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
const NEXT_HOP: usize = 8;

/// A next hop that is an object of its own, to which routes refer by its number (since 5.3). Routes that do so tell their
/// hops too, unless `nexthop_compat_mode` is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// Its number.
    pub id: u32,
    /// Where it leads, where it is no group.
    pub hop: Hop,
    /// The numbers of the objects of which it is the group.
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
    use crate::interfaces::Traffic;
    use proptest::prelude::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((4 + value.len() as u16).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link(kind: u16, flags: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(attributes.iter().flat_map(|(kind, value)| attribute(*kind, value)));
        bytes
    }

    fn route(family: u8, kind: u8, flags: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![family, 24, 0, 0, 254, 0, 0, kind];
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(attributes.iter().flat_map(|(kind, value)| attribute(*kind, value)));
        bytes
    }

    /// `struct rtnl_link_stats64` in which each field is ten times its place, and beyond 32 bits.
    fn counters() -> Vec<u8> {
        (0..25u64).flat_map(|place| (place * 10 + (1 << 40)).to_ne_bytes()).collect()
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

    #[test]
    fn every_field_of_a_link_is_read_from_its_place() {
        let bytes = link(1, 0x1043, &[(3, b"eth0\0"), (1, &[2, 0, 0, 0, 0, 9]), (23, &counters())]);
        let at = |place: u64| place * 10 + (1 << 40);
        let counters = LinkCounters {
            received_packets: at(0),
            sent_packets: at(1),
            received_bytes: at(2),
            sent_bytes: at(3),
            received_errors: at(4),
            sent_errors: at(5),
            received_dropped: at(6),
            sent_dropped: at(7),
            received_multicast: at(8),
            received_missed: at(15),
        };
        let hardware_address = vec![2, 0, 0, 0, 0, 9];
        let expected = Link { index: 7, loopback: false, hardware_address, name: "eth0".into(), counters };
        assert_eq!(Link::parse(&bytes), Some(expected));
    }

    #[test]
    fn only_a_hardware_address_is_one() {
        let address = |kind, flags, address| Link::parse(&link(kind, flags, &[(1, address)])).unwrap().hardware_address;
        assert!(address(772, LOOPBACK, &[0; 6]).is_empty(), "the zeros of the loopback");
        assert!(address(768, 0, &[192, 0, 2, 1]).is_empty(), "the own end of an IPv4 tunnel");
        assert_eq!(address(32, 0, &[1; 20]).len(), 20, "InfiniBand");
    }

    #[test]
    fn a_name_may_be_any_bytes_and_an_old_kernel_may_tell_less() {
        let link = Link::parse(&link(1, 0, &[(3, b"a\xff\x1b[2J\0"), (23, &counters()[..40])])).unwrap();
        assert_eq!(link.name, "a\u{fffd}\u{1b}[2J");
        assert_eq!((link.counters.received_errors, link.counters.sent_errors), (40 + (1 << 40), 0));
    }

    #[test]
    fn the_loopback_is_not_in_the_sum() {
        let counted = |flags| Link::parse(&link(1, flags, &[(23, &counters())])).unwrap();
        let totals = totals(&[counted(LOOPBACK), counted(0), counted(0)]);
        let twice = |place: u64| 2 * (place * 10 + (1 << 40));
        assert_eq!(
            totals.received,
            Traffic {
                bytes: twice(2),
                unicast_packets: 0, // more multicast packets than packets: no driver's sums are trusted
                non_unicast_packets: twice(8),
                discards: twice(6) + twice(15),
                errors: twice(4),
            }
        );
        assert_eq!(
            totals.sent,
            Traffic { bytes: twice(3), unicast_packets: twice(1), non_unicast_packets: 0, discards: twice(7), errors: twice(5) }
        );
    }

    #[test]
    fn multicast_packets_are_part_of_the_packets_received() {
        let counters = LinkCounters { received_packets: 10, received_multicast: 3, ..LinkCounters::default() };
        let link = Link { counters, ..Link::parse(&link(1, 0, &[])).unwrap() };
        let received = totals(&[link]).received;
        assert_eq!((received.unicast_packets, received.non_unicast_packets), (7, 3));
    }

    #[test]
    fn an_address_with_another_end_names_the_network_of_that_end() {
        let mut bytes = vec![AF_INET, 30, 0, 0];
        bytes.extend(3u32.to_ne_bytes());
        bytes.extend(attribute(1, &[198, 51, 100, 9]));
        bytes.extend(attribute(2, &[192, 0, 2, 2]));
        let [network, address] = ["198.51.100.9", "192.0.2.2"].map(|address| address.parse().unwrap());
        assert_eq!(Ipv4Address::parse(&bytes), Some(Ipv4Address { interface: 3, address, network, prefix_length: 30 }));
        assert_eq!(Ipv4Address::parse(&bytes[..8]), None);
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
    fn a_route_that_names_an_object_has_no_hops_of_its_own_unless_it_tells_them() {
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
    fn a_route_of_another_family_is_none() {
        assert_eq!(Route::parse(&route(28, 1, 0, &[])), None, "MPLS");
        assert_eq!(Route::parse(&route(AF_INET6, 1, 0, &[(1, &[1, 2, 3, 4])])), None, "an address that is too short");
    }

    proptest! {
        #[test]
        fn any_bytes_are_something_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let link = Link::parse(&bytes);
            prop_assert_eq!(link.is_some(), bytes.len() >= LINK);
            totals(&Vec::from_iter([link.clone(), link].into_iter().flatten()));
            Ipv4Address::parse(&bytes);
            NextHop::parse(&bytes);
            Route::parse(&bytes);
        }
    }
}
