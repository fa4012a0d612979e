//! A fake kernel for tests: recorded, interrupted, truncated or malformed answers.
#![allow(clippy::unwrap_used)] // only tests use it

use crate::platform::linux::netlink::message::{HEADER, u32_at};
use crate::platform::linux::netlink::socket::Netlink;
use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::thread::JoinHandle;

/// `NLM_F_DUMP_INTR`
pub(crate) const INTERRUPTED: u16 = 0x10;
/// `NLMSG_ERROR` and `NLMSG_DONE`
pub(crate) const ERROR: u16 = 2;
pub(crate) const DONE: u16 = 3;

/// One datagram of an answer.
#[derive(Clone)]
pub(crate) enum Datagram {
    /// A message with the sequence number of the request: its type, flags and payload.
    Message(u16, u16, Vec<u8>),
    /// The same with this number added to the sequence number.
    Misnumbered(u32, u16, Vec<u8>),
    /// These bytes.
    Raw(Vec<u8>),
}

impl Datagram {
    /// The end of a dump.
    pub(crate) fn done(flags: u16) -> Self {
        Self::Message(DONE, flags, vec![0; 4])
    }

    /// An error number that ends a dump, in a message of this type.
    pub(crate) fn failure(kind: u16, errno: i32) -> Self {
        Self::Message(kind, 0, (-errno).to_ne_bytes().to_vec())
    }

    fn bytes(&self, sequence: u32) -> Vec<u8> {
        match self {
            Self::Message(kind, flags, payload) => message(*kind, *flags, sequence, payload),
            Self::Misnumbered(by, kind, payload) => message(*kind, 0, sequence.wrapping_add(*by), payload),
            Self::Raw(bytes) => bytes.clone(),
        }
    }
}

fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = ((HEADER + payload.len()) as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// A socket at whose other end each request gets the next of these answers; after the last one the end is closed. The thread
/// returns the requests when the socket has been closed.
pub(crate) fn kernel(answers: Vec<Vec<Datagram>>) -> (Netlink, JoinHandle<Vec<Vec<u8>>>) {
    let (ours, theirs): (OwnedFd, OwnedFd) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let thread = std::thread::spawn(move || {
        let mut requests = Vec::new();
        let mut answers = answers.into_iter();
        let mut buffer = vec![0; 4096];
        while let Ok((length @ 1.., _)) = rustix::net::recv(&theirs, &mut buffer, RecvFlags::empty()) {
            let sequence = u32_at(&buffer, 8).unwrap();
            requests.push(buffer.get(..length).unwrap().to_vec());
            let Some(answer) = answers.next() else { break };
            for datagram in answer {
                // The reader may have closed its end.
                let _ = rustix::net::send(&theirs, &datagram.bytes(sequence), SendFlags::NOSIGNAL);
            }
        }
        requests
    });
    (Netlink::of_test(ours), thread)
}
