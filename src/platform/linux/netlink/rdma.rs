//! `NETLINK_RDMA`: what to ask, and from the kernel's bytes to connections (`rdma/rdma_netlink.h`).

use crate::model::rdma::RdmaEndpoint;
use crate::model::socket::{Endpoint, Family};
use crate::platform::linux::netlink::message::{attributes, dump_request, u16_at, u32_at};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `RDMA_NL_NLDEV`, where the type of a message keeps its client.
const CLIENT: u16 = 5 << 10;
/// The `RDMA_NLDEV_ATTR_…` that are read here.
const DEV_INDEX: u16 = 1;
const PORT_INDEX: u16 = 3;
const RES_STATE: u16 = 27;
const RES_PID: u16 = 28;
const RES_CM_ID: u16 = 30;
const RES_CM_ID_ENTRY: u16 = 31;
const RES_SRC_ADDR: u16 = 33;
const RES_DST_ADDR: u16 = 34;
const NDEV_INDEX: u16 = 50;
/// `NLA_F_NESTED`, which some kernels set in the type of a table.
const NESTED: u16 = 1 << 15;
/// `RDMA_CM_LISTEN`
const LISTEN: u8 = 8;
/// `AF_INET` and `AF_INET6` of Linux.
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// A table of the kernel's that can be dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// The RDMA devices.
    Devices,
    /// The ports of the device with this index.
    Ports(u32),
    /// The connections of the device with this index.
    Connections(u32),
}

impl Dump {
    /// The request as the kernel reads it.
    pub fn encode(self, sequence: u32) -> Vec<u8> {
        let device = match self {
            Self::Devices => None,
            Self::Ports(device) | Self::Connections(device) => Some(device),
        };
        let mut payload = Vec::new();
        if let Some(device) = device {
            payload.extend(8u16.to_ne_bytes());
            payload.extend(DEV_INDEX.to_ne_bytes());
            payload.extend(device.to_ne_bytes());
        }
        dump_request(self.message_type(), sequence, &payload)
    }

    /// The type of the request and of the messages that answer it.
    pub const fn message_type(self) -> u16 {
        CLIENT
            | match self {
                Self::Devices => 1,         // RDMA_NLDEV_CMD_GET
                Self::Ports(_) => 5,        // RDMA_NLDEV_CMD_PORT_GET
                Self::Connections(_) => 11, // RDMA_NLDEV_CMD_RES_CM_ID_GET
            }
    }
}

/// The index of the device that a message is about.
pub fn device(payload: &[u8]) -> Option<u32> {
    number(payload, DEV_INDEX)
}

/// A port of a device, and the network interface that it sits on.
pub fn port(payload: &[u8]) -> Option<(u32, u32)> {
    Some((number(payload, PORT_INDEX)?, number(payload, NDEV_INDEX)?))
}

/// The connections of a device, each with the port that it uses, where it uses one; their interface is left open.
pub fn connections(payload: &[u8]) -> impl Iterator<Item = (Option<u32>, RdmaEndpoint)> {
    attributes(payload)
        .filter(|(kind, _)| kind & !NESTED == RES_CM_ID)
        .flat_map(|(_, table)| attributes(table))
        .filter(|(kind, _)| kind & !NESTED == RES_CM_ID_ENTRY)
        .filter_map(|(_, entry)| connection(entry))
}

fn connection(entry: &[u8]) -> Option<(Option<u32>, RdmaEndpoint)> {
    let value = |wanted| attributes(entry).find_map(|(kind, value)| (kind == wanted).then_some(value));
    let local = socket_address(value(RES_SRC_ADDR)?)?;
    let family = if local.address.is_ipv4() { Family::V4 } else { Family::V6 };
    let endpoint = RdmaEndpoint {
        pid: number(entry, RES_PID),
        interface: 0,
        is_listener: value(RES_STATE).and_then(<[u8]>::first) == Some(&LISTEN),
        local,
        remote: value(RES_DST_ADDR).and_then(socket_address).unwrap_or(Endpoint::unspecified(family)),
    };
    Some((number(entry, PORT_INDEX), endpoint))
}

fn number(bytes: &[u8], wanted: u16) -> Option<u32> {
    attributes(bytes).find_map(|(kind, value)| if kind == wanted { u32_at(value, 0) } else { None })
}

/// A `struct sockaddr_in` or `sockaddr_in6`; InfiniBand's own addresses are none of ours.
fn socket_address(bytes: &[u8]) -> Option<Endpoint> {
    let port = bytes.get(2..)?.first_chunk().map(|port| u16::from_be_bytes(*port))?;
    let address = match u16_at(bytes, 0)? {
        AF_INET => IpAddr::V4(Ipv4Addr::from_octets(*bytes.get(4..)?.first_chunk()?)),
        AF_INET6 => IpAddr::V6(Ipv6Addr::from_octets(*bytes.get(8..)?.first_chunk()?)),
        _ => return None,
    };
    Some(Endpoint::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = [(4 + value.len() as u16).to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn ipv4(last: u8, port: u16) -> Vec<u8> {
        let mut bytes = [&AF_INET.to_ne_bytes()[..], &port.to_be_bytes(), &[192, 0, 2, last]].concat();
        bytes.resize(128, 0);
        bytes
    }

    #[test]
    fn connections_and_listeners_are_read_from_their_table() {
        let connected = [
            attribute(PORT_INDEX, &1u32.to_ne_bytes()),
            attribute(RES_STATE, &[5]),
            attribute(RES_PID, &4711u32.to_ne_bytes()),
            attribute(RES_SRC_ADDR, &ipv4(1, 20049)),
            attribute(RES_DST_ADDR, &ipv4(2, 1023)),
        ];
        let listening = [attribute(RES_STATE, &[LISTEN]), attribute(RES_SRC_ADDR, &ipv4(0, 18515))];
        let infiniband = [attribute(RES_SRC_ADDR, &[27, 0, 1, 2, 3, 4, 5, 6])];
        let table: Vec<u8> = [&connected[..], &listening, &infiniband]
            .into_iter()
            .flat_map(|entry| attribute(RES_CM_ID_ENTRY | NESTED, &entry.concat()))
            .collect();
        let message = [attribute(DEV_INDEX, &7u32.to_ne_bytes()), attribute(RES_CM_ID | NESTED, &table)].concat();
        let end = |last, port| Endpoint::new(IpAddr::from([192, 0, 2, last]), port);
        let expected = [
            (
                Some(1),
                RdmaEndpoint { pid: Some(4711), interface: 0, is_listener: false, local: end(1, 20049), remote: end(2, 1023) },
            ),
            (
                None,
                RdmaEndpoint {
                    pid: None,
                    interface: 0,
                    is_listener: true,
                    local: end(0, 18515),
                    remote: Endpoint::unspecified(Family::V4),
                },
            ),
        ];
        assert_eq!(connections(&message).collect::<Vec<_>>(), expected);
        assert_eq!((device(&message), port(&message)), (Some(7), None));
        let sits_on = [attribute(PORT_INDEX, &1u32.to_ne_bytes()), attribute(NDEV_INDEX, &3u32.to_ne_bytes())].concat();
        assert_eq!(port(&sits_on), Some((1, 3)));
    }

    #[test]
    fn a_request_names_its_device() {
        let all = Dump::Devices.encode(9);
        assert_eq!((all.len(), u16_at(&all, 4), u32_at(&all, 8)), (16, Some(5121), Some(9)));
        let of_one = Dump::Connections(7).encode(9);
        assert_eq!((of_one.len(), u16_at(&of_one, 4), device(&of_one[16..])), (24, Some(5131), Some(7)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_connections_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(connections(&bytes).count() <= bytes.len());
            let table = attribute(RES_CM_ID, &attribute(RES_CM_ID_ENTRY, &bytes));
            prop_assert!(connections(&table).count() <= 1);
            let _ = port(&bytes);
        }
    }
}
