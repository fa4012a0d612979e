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
}

impl Dump {
    /// The request as the kernel reads it: a header, and a body that is empty except for the family.
    pub fn encode(self, sequence: u32) -> Vec<u8> {
        let (kind, family, body): (u16, u8, usize) = match self {
            Self::Links => (18, 0, LINK),                  // RTM_GETLINK
            Self::Ipv4Addresses => (22, AF_INET, ADDRESS), // RTM_GETADDR
            Self::Ipv4Routes => (26, AF_INET, ROUTE),      // RTM_GETROUTE
            Self::Ipv6Routes => (26, AF_INET6, ROUTE),
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
    /// Where it leads; several for a multipath route, none where packets are refused.
    pub hops: Vec<Hop>,
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
        };
        let attributes = || attributes(payload.get(ROUTE..).unwrap_or_default());
        for (attribute, value) in attributes() {
            match attribute {
                1 => route.destination = ip(value, family)?, // RTA_DST
                6 => route.metric = u32_at(value, 0)?,       // RTA_PRIORITY
                7 => route.source = ip(value, family),       // RTA_PREFSRC
                9 => route.hops = hops(value, family),       // RTA_MULTIPATH
                15 => route.table = u32_at(value, 0)?,       // RTA_TABLE
                _ => {}
            }
        }
        if route.hops.is_empty() {
            route.hops.push(Hop::new(0, flags, attributes(), family));
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
