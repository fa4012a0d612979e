//! How far away the peers of a listener may be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where a listener can be reached, judged by the address that it is bound to and by nothing else: neither the firewall
/// nor address translation is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exposure {
    /// From this host alone.
    Loopback,
    /// From the same link.
    LinkLocal,
    /// From networks whose addresses are not routed on the Internet.
    Private,
    /// At an address that can be routed on the Internet.
    Public,
    /// At every address that the host has now or is given later.
    EveryAddress,
}

impl Exposure {
    /// Every exposure, the narrowest first.
    pub const ALL: [Self; 5] = [Self::Loopback, Self::LinkLocal, Self::Private, Self::Public, Self::EveryAddress];

    /// The exposure of a listener that is bound to an address. Multicast groups count by their scope.
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_ipv4(address),
            IpAddr::V6(address) => Self::of_ipv6(address),
        }
    }

    const fn of_ipv4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [0, 0, 0, 0] => Self::EveryAddress,
            [127, ..] => Self::Loopback,
            // RFC 3927; the local network control block (RFC 5771, 4); limited broadcast.
            [169, 254, ..] | [224, 0, 0, _] | [255, 255, 255, 255] => Self::LinkLocal,
            // RFC 1918, shared address space (RFC 6598), administratively scoped multicast (RFC 2365).
            [10 | 239, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    const fn of_ipv6(address: Ipv6Addr) -> Self {
        if address.is_unspecified() {
            return Self::EveryAddress;
        }
        if address.is_loopback() {
            return Self::Loopback;
        }
        match address.octets() {
            // The scope of a multicast group (RFC 4291, 2.7).
            [0xff, scope, ..] => match scope & 0x0f {
                0 | 1 => Self::Loopback,
                2 => Self::LinkLocal,
                0x0e | 0x0f => Self::Public,
                _ => Self::Private,
            },
            [0xfe, 0x80..=0xbf, ..] => Self::LinkLocal,
            // Unique local (RFC 4193) and the former site-local addresses (RFC 3879).
            [0xfc | 0xfd, ..] | [0xfe, 0xc0..=0xff, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    /// The fixed word of every format.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Public => "public",
            Self::EveryAddress => "every-address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bind_address_alone_decides() {
        for (exposure, addresses) in [
            (Exposure::Loopback, &["127.0.0.1", "127.255.255.254", "::1", "ff01::1", "::ffff:127.0.0.53"][..]),
            (Exposure::LinkLocal, &["169.254.1.1", "224.0.0.251", "255.255.255.255", "fe80::1", "ff02::fb"]),
            (
                Exposure::Private,
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "100.64.0.1",
                    "239.255.255.250",
                    "fd00::1",
                    "fec0::1",
                    "ff05::2",
                ],
            ),
            (
                Exposure::Public,
                &[
                    "192.0.2.1",
                    "8.8.8.8",
                    "172.15.0.1",
                    "172.32.0.1",
                    "100.63.0.1",
                    "100.128.0.1",
                    "0.0.0.1",
                    "2001:db8::1",
                    "ff0e::1",
                ],
            ),
            (Exposure::EveryAddress, &["0.0.0.0", "::", "::ffff:0.0.0.0"]),
        ] {
            for address in addresses {
                assert_eq!(Exposure::of(address.parse().unwrap()), exposure, "{address}");
            }
        }
    }
}
