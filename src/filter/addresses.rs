//! Addresses and prefixes that a socket's end may have.

use crate::model::socket::has_scope;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr};

/// A single address or a prefix, for a link-local address perhaps on one interface alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The addresses. Prefixes within `::ffff:0:0/96` are the IPv4 prefixes that they stand for.
    pub net: IpNet,
    /// The scope id that the address must have (`%3`); 0 where any will do.
    pub scope: u32,
}

impl Prefix {
    /// Whether an address, with its scope id, lies within.
    pub fn contains(&self, address: IpAddr, scope: u32) -> bool {
        (self.scope == 0 || self.scope == scope) && self.net.contains(&address)
    }
}

/// The prefixes that a value stands for: `10.0.0.1`, `10.0.0.0/8`, `fe80::1%3`, `[fe80::%eth0]/64`. `interface` is asked
/// for the index of an interface that is given by name. `localhost` is every loopback address.
pub fn parse(value: &str, interface: impl FnOnce(&str) -> Option<u32>) -> Result<Vec<Prefix>, String> {
    if value.eq_ignore_ascii_case("localhost") {
        return ["127.0.0.0/8", "::1"].into_iter().map(|loopback| prefix(loopback, |_| None)).collect();
    }
    prefix(value, interface).map(|prefix| vec![prefix])
}

fn prefix(value: &str, interface: impl FnOnce(&str) -> Option<u32>) -> Result<Prefix, String> {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (value, None),
    };
    let address = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
    let (address, zone) = match address.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (address, None),
    };
    let address: IpAddr =
        address.parse().map_err(|_| "expected an address (192.0.2.1, fe80::1%2) or a prefix (10.0.0.0/8)".to_owned())?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => widest,
        Some(length) => prefix_length(length)
            .filter(|&length| length <= widest)
            .ok_or_else(|| format!("the prefix length of such an address is a number from 0 to {widest}"))?,
    };
    let scope = match zone {
        None => 0,
        Some(_) if !has_scope(address) => return Err("only a link-local IPv6 address has a scope".to_owned()),
        Some(zone) => {
            index(zone).or_else(|| interface(zone)).ok_or_else(|| "there is no interface of that name here".to_owned())?
        }
    };
    let net = IpNet::new(address, length).map_err(|error| error.to_string())?;
    Ok(Prefix { net: canonical(net), scope })
}

fn prefix_length(text: &str) -> Option<u8> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An interface by number; there is no interface 0.
fn index(zone: &str) -> Option<u32> {
    zone.parse().ok().filter(|&index| index != 0)
}

/// Rows carry IPv4-mapped addresses as the IPv4 addresses that they stand for, and so do prefixes.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(address), Some(length)) => Ipv4Net::new(address, length).map_or(net, IpNet::V4),
        _ => net,
    }
}

/// Whether an IPv6 prefix, taken as bits, has IPv4-mapped addresses in it.
pub fn covers_mapped(net: Ipv6Net) -> bool {
    net.contains(&Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interfaces(name: &str) -> Option<u32> {
        (name == "eth0").then_some(2)
    }

    fn contains(value: &str, address: &str, scope: u32) -> bool {
        let address = address.parse::<IpAddr>().unwrap().to_canonical();
        parse(value, interfaces).unwrap().iter().any(|prefix| prefix.contains(address, scope))
    }

    #[test]
    fn addresses_and_prefixes() {
        assert!(contains("10.0.0.1", "10.0.0.1", 0));
        assert!(!contains("10.0.0.1", "10.0.0.2", 0));
        assert!(contains("10.1.2.3/8", "10.200.0.1", 0));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1", 0));
        assert!(!contains("2001:db8::/32", "2001:db9::1", 0));
        assert!(contains("[::1]", "::1", 0));
        assert!(contains("[2001:db8::]/32", "2001:db8::1", 0));
    }

    #[test]
    fn localhost_is_every_loopback_address() {
        assert!(contains("localhost", "127.0.0.53", 0) && contains("LocalHost", "::1", 0));
        assert!(!contains("localhost", "10.0.0.1", 0) && !contains("localhost", "::2", 0));
    }

    #[test]
    fn each_family_has_its_own_everything() {
        assert!(contains("0.0.0.0/0", "192.0.2.1", 0) && !contains("0.0.0.0/0", "::1", 0));
        assert!(contains("::/0", "2001:db8::1", 0) && !contains("::/0", "192.0.2.1", 0));
    }

    #[test]
    fn mapped_addresses_are_ipv4_on_both_sides() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.1.1", 0));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.1.1", 0));
        assert!(contains("::ffff:10.0.0.1", "10.0.0.1", 0));
    }

    #[test]
    fn a_scope_narrows_and_its_absence_does_not() {
        assert!(contains("fe80::1", "fe80::1", 7));
        assert!(contains("fe80::1%7", "fe80::1", 7) && !contains("fe80::1%7", "fe80::1", 8));
        assert!(contains("fe80::%eth0/64", "fe80::9", 2) && !contains("fe80::%eth0/64", "fe80::9", 3));
    }

    #[test]
    fn what_is_no_address_says_why() {
        let reason = |value| parse(value, interfaces).unwrap_err();
        for value in ["myhost", "10.0.0", "", "/8", "1.2.3.4.5", "[::1", "10.0.0.1:80"] {
            assert_eq!(reason(value), "expected an address (192.0.2.1, fe80::1%2) or a prefix (10.0.0.0/8)", "{value}");
        }
        for value in ["10.0.0.0/40", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/255.0.0.0"] {
            assert_eq!(reason(value), "the prefix length of such an address is a number from 0 to 32", "{value}");
        }
        assert_eq!(reason("::/129"), "the prefix length of such an address is a number from 0 to 128");
        assert_eq!(reason("10.0.0.1%2"), "only a link-local IPv6 address has a scope");
        assert_eq!(reason("fe80::1%nowhere"), "there is no interface of that name here");
        assert_eq!(reason("fe80::1%0"), "there is no interface of that name here");
    }
}
