//! Addresses of interfaces (`linux/if_addr.h`).

use super::ipv4;
use crate::platform::linux::netlink::message::{attributes, u32_at};
use std::net::Ipv4Addr;

/// The size of `struct ifaddrmsg`.
pub(super) const ADDRESS: usize = 8;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::netlink::route::AF_INET;
    use crate::platform::linux::netlink::route::tests::attribute;

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
}
