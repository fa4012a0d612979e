//! A netlink socket, and the strictness that a dump deserves.

use crate::platform::linux::netlink::message::{Body, Malformed, Messages};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::io;
use std::os::fd::OwnedFd;

/// The kernel fills at most about this much of a datagram; a larger buffer is no faster.
const DATAGRAM: usize = 32 * 1024;

/// How often a dump that was interrupted is asked for again.
pub(crate) const RETRIES: usize = 2;

/// Why a dump has no trustworthy end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DumpError {
    #[error("{0}")]
    Refused(#[from] io::Error),
    #[error("the kernel's answer was cut short")]
    Truncated,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("cancelled by the reader")]
    Cancelled,
}

impl DumpError {
    /// Whether the kernel did not like the request as it was put (`EINVAL`).
    pub(crate) fn is_invalid_argument(&self) -> bool {
        matches!(self, Self::Refused(error) if error.kind() == io::ErrorKind::InvalidInput)
    }
}

impl From<rustix::io::Errno> for DumpError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Refused(errno.into())
    }
}

/// How a dump that came to its end came to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Consistency {
    /// Nothing was changed while it was made.
    Whole,
    /// The kernel says that the table changed meanwhile.
    Interrupted,
}

/// An open netlink socket with its receive buffer.
pub(crate) struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// A socket of one netlink protocol, closed on exec. `None` is protocol number 0, `NETLINK_ROUTE`.
    pub(crate) fn open(protocol: impl Into<Option<Protocol>>) -> io::Result<Self> {
        let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol.into())?;
        Ok(Self::over(socket))
    }

    /// Whatever answers at the other end of this socket.
    pub(crate) fn over(socket: OwnedFd) -> Self {
        Self { socket, buffer: vec![0; DATAGRAM], sequence: 0 }
    }

    /// Sends the request that `encode` makes of a sequence number, and hands the type and payload of every message of
    /// the answer to `each`. Only `NLMSG_DONE` ends it.
    pub(crate) fn dump(
        &mut self,
        encode: impl FnOnce(u32) -> Vec<u8>,
        mut each: impl FnMut(u16, &[u8]),
    ) -> Result<Consistency, DumpError> {
        self.try_dump(encode, |kind, payload| {
            each(kind, payload);
            Ok(())
        })
    }

    /// As [`Netlink::dump`], until `each` fails. The kernel then still holds the rest of the answer, and takes no other
    /// request from this socket.
    pub(crate) fn try_dump(
        &mut self,
        encode: impl FnOnce(u32) -> Vec<u8>,
        mut each: impl FnMut(u16, &[u8]) -> Result<(), DumpError>,
    ) -> Result<Consistency, DumpError> {
        self.sequence += 1;
        rustix::net::send(&self.socket, &encode(self.sequence), SendFlags::empty())?;
        let mut consistency = Consistency::Whole;
        loop {
            let datagram = receive(&self.socket, &mut self.buffer)?;
            for message in Messages::new(datagram) {
                let message = message?;
                if message.sequence != self.sequence {
                    continue; // the rest of a dump that was given up
                }
                if message.interrupted {
                    consistency = Consistency::Interrupted;
                }
                match message.body {
                    Body::Payload(kind, payload) => each(kind, payload)?,
                    Body::Done(0) => return Ok(consistency),
                    Body::Done(error) => return Err(io::Error::from_raw_os_error(error).into()),
                    Body::Error(error) if error != 0 => return Err(io::Error::from_raw_os_error(error).into()),
                    Body::Error(_) | Body::Control => {}
                }
            }
        }
    }
}

fn receive<'a>(socket: &OwnedFd, buffer: &'a mut [u8]) -> Result<&'a [u8], DumpError> {
    // With TRUNC the kernel tells the whole length of the datagram, so that a cut one shows.
    let (_, length) = rustix::io::retry_on_intr(|| rustix::net::recv(socket, &mut *buffer, RecvFlags::TRUNC))?;
    match buffer.get(..length) {
        Some([]) | None => Err(DumpError::Truncated),
        Some(datagram) => Ok(datagram),
    }
}
