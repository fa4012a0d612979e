//! Connections that the firewall tracks, made by telling it about them (`ctnetlink`): it needs neither rules nor traffic.
#![allow(unsafe_code, reason = "netlink sockets have no safe wrapper")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const NEW: u16 = 1 << 8; // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW
const TUPLE_ORIG: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const TIMEOUT: u16 = 7;
const NESTED: u16 = 0x8000;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [(4 + value.len() as u16).to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The ends of packets in one direction (`CTA_TUPLE_*`): IPv4, UDP.
fn tuple(kind: u16, source: ([u8; 4], u16), destination: ([u8; 4], u16)) -> Vec<u8> {
    let addresses = [attribute(1, &source.0), attribute(2, &destination.0)].concat();
    let ports = [
        attribute(1, &[libc::IPPROTO_UDP as u8]),
        attribute(2, &source.1.to_be_bytes()),
        attribute(3, &destination.1.to_be_bytes()),
    ];
    let both = [attribute(1 | NESTED, &addresses), attribute(2 | NESTED, &ports.concat())].concat();
    attribute(kind | NESTED, &both)
}

/// Makes the firewall of the calling thread's namespace track a connection for each of these numbers.
pub fn track_connections(numbers: std::ops::Range<u16>) {
    // SAFETY: the call takes no pointers.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_NETFILTER) };
    assert!(socket >= 0, "{}", io::Error::last_os_error());
    // SAFETY: the descriptor was just opened, and nothing else has its number.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    for number in numbers {
        let (client, server) = (([192, 0, 2, 1], 1000 + number), ([192, 0, 2, 2], 53));
        let mut body = vec![libc::AF_INET as u8, 0, 0, 0];
        body.extend(tuple(TUPLE_ORIG, client, server));
        body.extend(tuple(TUPLE_REPLY, server, client));
        body.extend(attribute(TIMEOUT, &600u32.to_be_bytes()));
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
        let mut message = (16 + body.len() as u32).to_ne_bytes().to_vec();
        message.extend([NEW.to_ne_bytes(), flags.to_ne_bytes()].concat());
        message.extend([0; 8]);
        message.extend(body);
        let mut answer = [0u8; 4096];
        // SAFETY: both buffers have the lengths that are given, and outlive the calls.
        let received = unsafe {
            libc::send(socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0);
            libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0)
        };
        assert!(received >= 20, "{}", io::Error::last_os_error());
        let error = i32::from_ne_bytes(answer[16..20].try_into().unwrap());
        assert_eq!(error, 0, "{}", io::Error::from_raw_os_error(-error));
    }
}
