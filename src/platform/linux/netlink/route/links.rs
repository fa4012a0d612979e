//! Network interfaces (`linux/if_link.h`).

use crate::model::interface::InterfaceTotals;
use crate::platform::linux::netlink::message::{attributes, u16_at, u32_at, u64_at};

/// The size of `struct ifinfomsg`.
pub(super) const LINK: usize = 16;
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
                3 => link.name = String::from(String::from_utf8_lossy(value).trim_end_matches('\0')),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::interface::Traffic;
    use crate::platform::linux::netlink::route::tests::attribute;

    fn link(kind: u16, flags: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(attributes.iter().flat_map(|(kind, value)| attribute(*kind, value)));
        bytes
    }

    /// `struct rtnl_link_stats64` in which each field is ten times its place, and beyond 32 bits.
    fn counters() -> Vec<u8> {
        (0..25u64).flat_map(|place| (place * 10 + (1 << 40)).to_ne_bytes()).collect()
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
}
