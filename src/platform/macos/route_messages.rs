//! Messages of the routing socket as `sysctl` dumps them (`net/route.h`, `NET_RT_DUMP2`): bytes in, routes out.

use super::socket_fdinfo::without_embedded_scope;
use crate::platform::little_endian::{u16_at, u32_at};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const MESSAGE_LENGTH: usize = 0;
const VERSION: usize = 2;
const TYPE: usize = 3;
const INDEX: usize = 4;
const FLAGS: usize = 8;
const ADDRESSES: usize = 12;
/// `sizeof(struct rt_msghdr2)`: the addresses follow.
pub const HEADER: usize = 92;

/// `RTM_VERSION`
const RTM_VERSION: u8 = 5;
/// `RTM_GET2`
const RTM_GET2: u8 = 0x14;

const RTA_DST: u32 = 1;
const RTA_GATEWAY: u32 = 2;
const RTA_NETMASK: u32 = 4;

const RTF_GATEWAY: u32 = 0x2;
const RTF_HOST: u32 = 0x4;
const RTF_REJECT: u32 = 0x8;
const RTF_BLACKHOLE: u32 = 0x1000;
const RTF_WASCLONED: u32 = 0x2_0000;
const RTF_CONDEMNED: u32 = 0x200_0000;
const RTF_DEAD: u32 = 0x2000_0000;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 30;

/// Socket addresses in a message are aligned to this many bytes.
const ALIGNMENT: usize = 4;

/// Where each field stands: the struct, the field, its offset in bytes.
pub const OFFSETS: &[(&str, &str, usize)] = &[
    ("rt_msghdr2", "rtm_msglen", MESSAGE_LENGTH),
    ("rt_msghdr2", "rtm_version", VERSION),
    ("rt_msghdr2", "rtm_type", TYPE),
    ("rt_msghdr2", "rtm_index", INDEX),
    ("rt_msghdr2", "rtm_flags", FLAGS),
    ("rt_msghdr2", "rtm_addrs", ADDRESSES),
    ("sockaddr_in", "sin_addr", 4),
    ("sockaddr_in6", "sin6_addr", 8),
];

/// The constants that are read: the name in Apple's headers and the value.
pub const CONSTANTS: &[(&str, u32)] = &[
    ("sizeof(struct rt_msghdr2)", HEADER as u32),
    ("RTM_VERSION", RTM_VERSION as u32),
    ("RTM_GET2", RTM_GET2 as u32),
    ("RTA_DST", RTA_DST),
    ("RTA_GATEWAY", RTA_GATEWAY),
    ("RTA_NETMASK", RTA_NETMASK),
    ("RTF_GATEWAY", RTF_GATEWAY),
    ("RTF_HOST", RTF_HOST),
    ("RTF_REJECT", RTF_REJECT),
    ("RTF_BLACKHOLE", RTF_BLACKHOLE),
    ("RTF_WASCLONED", RTF_WASCLONED),
    ("RTF_CONDEMNED", RTF_CONDEMNED),
    ("RTF_DEAD", RTF_DEAD),
    ("AF_INET", AF_INET as u32),
    ("AF_INET6", AF_INET6 as u32),
];

/// What becomes of packets that take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// They go to the destination itself.
    OnLink,
    /// They go to this router.
    Router(IpAddr),
    /// The sender is told that the destination is unreachable.
    Reject,
    /// They are dropped.
    Blackhole,
}

/// A route of the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub destination: IpAddr,
    /// How many leading bits of it count.
    pub prefix_length: u8,
    /// The next hop.
    pub hop: Hop,
    /// The index of the interface.
    pub interface: u32,
}

/// A dump that ends in the middle of a message, or holds a message of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dump of the routing table is damaged at byte {0}")]
pub struct Malformed(pub usize);

/// Hands each route of a dump to `each`: those of IPv4 and IPv6 that are in use. Entries that the kernel has cloned from a route
/// for a single destination, such as neighbours, are left out.
pub fn parse(dump: &[u8], mut each: impl FnMut(Route)) -> Result<(), Malformed> {
    let mut rest = dump;
    while !rest.is_empty() {
        let position = dump.len() - rest.len();
        let (message, behind) = split_message(rest).ok_or(Malformed(position))?;
        if message.get(TYPE) == Some(&RTM_GET2)
            && let Some(route) = route(message).ok_or(Malformed(position))?
        {
            each(route);
        }
        rest = behind;
    }
    Ok(())
}

/// The first message and what stands behind it; `None` if it is cut short or of a version with another layout.
fn split_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16_at(bytes, MESSAGE_LENGTH)?);
    let is_known = *bytes.get(VERSION)? == RTM_VERSION && length > TYPE;
    bytes.split_at_checked(length).filter(|_| is_known)
}

/// The route of a message. The outer `None`: the message is damaged; the inner one: it is no route to be shown.
#[expect(clippy::option_option, reason = "the two are different answers, and the function is private")]
fn route(message: &[u8]) -> Option<Option<Route>> {
    let flags = u32_at(message, FLAGS)?;
    if flags & (RTF_WASCLONED | RTF_CONDEMNED | RTF_DEAD) != 0 {
        return Some(None);
    }
    let present = u32_at(message, ADDRESSES)?;
    let mut addresses = message.get(HEADER..)?;
    let [mut destination, mut gateway, mut mask] = [None; 3];
    for bit in 0..u32::BITS {
        let which = 1 << bit;
        if present & which == 0 {
            continue;
        }
        let address = take_socket_address(&mut addresses)?;
        match which {
            RTA_DST => destination = Some(address),
            RTA_GATEWAY => gateway = Some(address),
            RTA_NETMASK => mask = Some(address),
            _ => {}
        }
    }
    let Some(destination) = destination.and_then(ip_address) else { return Some(None) };
    let prefix_length = match (destination, mask) {
        (IpAddr::V4(_), _) if flags & RTF_HOST != 0 => 32,
        (IpAddr::V6(_), _) if flags & RTF_HOST != 0 => 128,
        (_, None) => 0,
        (IpAddr::V4(_), Some(mask)) => leading_ones(mask, 4, 4),
        (IpAddr::V6(_), Some(mask)) => leading_ones(mask, 8, 16),
    };
    let router = gateway.and_then(ip_address).filter(|_| flags & RTF_GATEWAY != 0);
    let hop = if flags & RTF_BLACKHOLE != 0 {
        Hop::Blackhole
    } else if flags & RTF_REJECT != 0 {
        Hop::Reject
    } else {
        router.map_or(Hop::OnLink, Hop::Router)
    };
    Some(Some(Route { destination, prefix_length, hop, interface: u16_at(message, INDEX)?.into() }))
}

/// Takes a socket address off the front; its first byte is its length, and an empty one still takes up the alignment.
fn take_socket_address<'a>(addresses: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(*addresses.first()?);
    let address = addresses.get(..length)?;
    let padded = length.next_multiple_of(ALIGNMENT).max(ALIGNMENT);
    // The padding of the last address may be missing.
    *addresses = addresses.get(padded..).unwrap_or_default();
    Some(address)
}

fn ip_address(socket_address: &[u8]) -> Option<IpAddr> {
    match *socket_address.get(1)? {
        AF_INET => Some(IpAddr::V4(Ipv4Addr::from(*socket_address.get(4..)?.first_chunk::<4>()?))),
        AF_INET6 => {
            let address = Ipv6Addr::from(*socket_address.get(8..)?.first_chunk::<16>()?);
            Some(IpAddr::V6(without_embedded_scope(address).0))
        }
        _ => None,
    }
}

/// The length of the prefix of a mask, whose trailing zero bytes the kernel leaves out.
fn leading_ones(mask: &[u8], offset: usize, length: usize) -> u8 {
    let bytes = mask.get(offset..).unwrap_or_default().iter().take(length);
    let mut ones = 0;
    for byte in bytes {
        ones += byte.leading_ones() as u8;
        if *byte != u8::MAX {
            break;
        }
    }
    ones
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AF_LINK: u8 = 18;

    fn socket_address(address: &str) -> Vec<u8> {
        match address.parse().unwrap() {
            IpAddr::V4(v4) => [&[16, AF_INET, 0, 0], &v4.octets()[..], &[0; 8]].concat(),
            IpAddr::V6(v6) => [&[28, AF_INET6, 0, 0, 0, 0, 0, 0], &v6.octets()[..], &[0; 4]].concat(),
        }
    }

    fn link(index: u8) -> Vec<u8> {
        let mut address = vec![20, AF_LINK, index, 0];
        address.resize(20, 0);
        address
    }

    fn message(kind: u8, index: u16, flags: u32, present: u32, addresses: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0, 0, RTM_VERSION, kind];
        bytes.extend(index.to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(flags.to_le_bytes());
        bytes.extend(present.to_le_bytes());
        bytes.resize(HEADER, 0);
        for address in addresses {
            bytes.extend(address);
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        }
        let length = (bytes.len() as u16).to_le_bytes();
        bytes[..2].copy_from_slice(&length);
        bytes
    }

    fn routes(dump: &[u8]) -> Vec<Route> {
        let mut routes = Vec::new();
        parse(dump, |route| routes.push(route)).unwrap();
        routes
    }

    fn route(destination: &str, prefix_length: u8, hop: Hop, interface: u32) -> Route {
        Route { destination: destination.parse().unwrap(), prefix_length, hop, interface }
    }

    const ALL: u32 = RTA_DST | RTA_GATEWAY | RTA_NETMASK;

    #[test]
    fn routes_of_both_families_have_their_networks_and_routers() {
        // Masks as the kernel cuts them: 255.255.240, nothing of the default route's, 64 bits of IPv6.
        let dump = [
            message(RTM_GET2, 4, RTF_GATEWAY, ALL, &[socket_address("0.0.0.0"), socket_address("192.0.2.1"), vec![0, 0, 0, 0]]),
            message(RTM_GET2, 4, 0, ALL, &[socket_address("192.0.2.0"), link(4), vec![7, 0, 0, 0, 255, 255, 240]]),
            message(RTM_GET2, 1, RTF_HOST, RTA_DST | RTA_GATEWAY, &[socket_address("127.0.0.1"), socket_address("127.0.0.1")]),
            message(
                RTM_GET2,
                5,
                RTF_GATEWAY,
                ALL,
                &[
                    socket_address("2001:db8::"),
                    socket_address("fe80:5::1"),
                    [&[16, AF_INET6, 0, 0, 0, 0, 0, 0][..], &[255; 8]].concat(),
                ],
            ),
        ]
        .concat();
        assert_eq!(
            routes(&dump),
            [
                route("0.0.0.0", 0, Hop::Router("192.0.2.1".parse().unwrap()), 4),
                route("192.0.2.0", 20, Hop::OnLink, 4),
                route("127.0.0.1", 32, Hop::OnLink, 1),
                route("2001:db8::", 64, Hop::Router("fe80::1".parse().unwrap()), 5),
            ]
        );
    }

    #[test]
    fn routes_that_drop_packets_say_so() {
        let both = [socket_address("10.0.0.0"), socket_address("127.0.0.1"), vec![5, 0, 0, 0, 255]];
        let dump = [
            message(RTM_GET2, 1, RTF_REJECT | RTF_GATEWAY, ALL, &both),
            message(RTM_GET2, 1, RTF_BLACKHOLE | RTF_GATEWAY, ALL, &both),
        ]
        .concat();
        assert_eq!(routes(&dump), [route("10.0.0.0", 8, Hop::Reject, 1), route("10.0.0.0", 8, Hop::Blackhole, 1)]);
    }

    #[test]
    fn cloned_entries_other_families_and_other_messages_are_no_routes() {
        let neighbour = [socket_address("192.0.2.9"), link(4)];
        let dump = [
            message(RTM_GET2, 4, RTF_HOST | RTF_WASCLONED, RTA_DST | RTA_GATEWAY, &neighbour),
            message(RTM_GET2, 4, 0, RTA_DST | RTA_GATEWAY, &[link(1), link(4)]),
            message(0x12, 4, 0, 0, &[]),
        ]
        .concat();
        assert_eq!(routes(&dump), []);
    }

    #[test]
    fn a_damaged_dump_gives_what_stands_before_the_damage_and_says_where() {
        let whole = message(RTM_GET2, 1, RTF_HOST, RTA_DST, &[socket_address("127.0.0.1")]);
        let mut count = 0;
        let cut = [&whole[..], &whole[..whole.len() - 1]].concat();
        assert_eq!(parse(&cut, |_| count += 1), Err(Malformed(whole.len())));
        assert_eq!(count, 1);
        let mut other_version = whole.clone();
        other_version[VERSION] = 6;
        assert_eq!(parse(&other_version, |_| {}), Err(Malformed(0)));
        assert_eq!(parse(&[0, 0, RTM_VERSION, RTM_GET2], |_| {}), Err(Malformed(0)), "a message of no length");
        let mut beyond = whole;
        beyond[HEADER] = 200;
        assert_eq!(parse(&beyond, |_| {}), Err(Malformed(0)), "an address that is longer than its message");
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..400), flags in any::<u32>(), present in any::<u32>()) {
            let mut dump = message(RTM_GET2, 1, flags, present, std::slice::from_ref(&bytes));
            dump.extend(bytes);
            let mut count = 0;
            let outcome = parse(&dump, |route| {
                count += 1;
                assert!(route.prefix_length <= if route.destination.is_ipv4() { 32 } else { 128 });
            });
            prop_assert!(outcome.is_ok() || count <= dump.len() / 4);
        }
    }
}
