//! The addresses of a network namespace, as `/proc/PID/net/fib_trie` and `/proc/PID/net/if_inet6` of a process in it show them.

use crate::model::socket::Pid;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of the network namespace that a process is in.
pub fn of_namespace(pid: Pid) -> Vec<IpAddr> {
    let text = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
    let mut addresses: Vec<IpAddr> = ipv4(&text("fib_trie")).map(IpAddr::V4).collect();
    addresses.extend(ipv6(&text("if_inet6")).map(IpAddr::V6));
    addresses
}

/// The local addresses in `fib_trie`: a leaf such as `|-- 172.17.0.2`, and below it `/32 host LOCAL`.
fn ipv4(text: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut leaf = None;
    text.lines().filter_map(move |line| {
        if let Some(address) = line.trim_start().strip_prefix("|-- ") {
            leaf = address.parse().ok();
            return None;
        }
        leaf.filter(|_| line.trim() == "/32 host LOCAL")
    })
}

/// The addresses in `if_inet6`, each 32 hexadecimal digits at the beginning of a line.
fn ipv6(text: &str) -> impl Iterator<Item = Ipv6Addr> {
    let digits = |line: &str| u128::from_str_radix(line.split(' ').next()?, 16).ok();
    text.lines().filter_map(digits).map(Ipv6Addr::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn local_addresses_are_found_and_those_of_networks_are_not() {
        let text = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 172.17.0.0/16 2 0 2\n        \
                    |-- 172.17.0.0\n           /16 link UNICAST\n        |-- 172.17.0.2\n           /32 host LOCAL\n        \
                    |-- 172.17.255.255\n           /32 link BROADCAST\n";
        assert_eq!(ipv4(text).collect::<Vec<_>>(), [Ipv4Addr::new(172, 17, 0, 2)]);
        let text =
            "00000000000000000000000000000001 01 80 10 80       lo\nfd00000000000000000000000000ab12 02 40 00 80     eth0\n";
        assert_eq!(ipv6(text).collect::<Vec<_>>(), [Ipv6Addr::LOCALHOST, "fd00::ab12".parse().unwrap()]);
    }

    proptest! {
        #[test]
        fn any_text_has_addresses_or_none(text in ".*") {
            prop_assert!(ipv4(&text).count() + ipv6(&text).count() <= 2 * text.lines().count());
        }
    }
}
