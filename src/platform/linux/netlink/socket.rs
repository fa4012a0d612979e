//! A netlink socket that trusts the kernel alone and takes no incomplete dump for a complete one.

use crate::platform::linux::netlink::message::{Body, Malformed, Messages};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, sockopt};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;

/// The port of the kernel.
const KERNEL: SocketAddrNetlink = SocketAddrNetlink::new(0, 0);

/// The kernel fills datagrams up to about this size; a larger buffer is no faster.
const DATAGRAM: usize = 32 * 1024;

/// How often an interrupted dump is requested again.
pub(crate) const RETRIES: usize = 2;

/// Why a dump failed.
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
    /// Whether this kernel does not have what was asked for, as opposed to refusing it: a module is missing.
    pub(crate) fn is_missing(&self) -> bool {
        let Self::Refused(error) = self else { return false };
        matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT))
    }

    /// Whether the kernel has no such entry (`ENOENT`).
    pub(crate) fn is_missing_entry(&self) -> bool {
        matches!(self, Self::Refused(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the kernel rejected the request as malformed (`EINVAL`).
    pub(crate) fn is_invalid_argument(&self) -> bool {
        matches!(self, Self::Refused(error) if error.kind() == io::ErrorKind::InvalidInput)
    }
}

impl From<rustix::io::Errno> for DumpError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Refused(errno.into())
    }
}

/// Whether a complete dump is consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Consistency {
    /// Nothing changed during the dump.
    Whole,
    /// The table changed meanwhile.
    Interrupted,
}

/// An open netlink socket with its receive buffer.
///
/// Any process with `CAP_NET_ADMIN` over the network namespace can send to any netlink socket in it: root of a container, for
/// example, if this program runs in the container's network namespace. Therefore the socket is connected to the kernel, the
/// sender of each datagram is checked, and answers must bear a sequence number that cannot be guessed.
pub(crate) struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
    /// Whether only datagrams of the kernel count; tests answer from another socket.
    from_kernel_only: bool,
}

impl Netlink {
    /// A socket of one netlink protocol, closed on exec. `None` is protocol number 0, `NETLINK_ROUTE`.
    pub(crate) fn open(protocol: impl Into<Option<Protocol>>) -> io::Result<Self> {
        let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol.into())?;
        rustix::net::connect(&socket, &KERNEL)?;
        Ok(Self::over(socket, true))
    }

    /// A socket that the kernel tells what it says to these groups, as far as the receive buffer holds it: this many bytes, or as
    /// many as the system lets everybody have.
    pub(crate) fn subscribe(protocol: Protocol, groups: u32, buffer: usize) -> io::Result<Self> {
        let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(protocol))?;
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        rustix::net::connect(&socket, &KERNEL)?;
        if sockopt::set_socket_recv_buffer_size_force(&socket, buffer).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, buffer)?;
        }
        Ok(Self::over(socket, true))
    }

    fn over(socket: OwnedFd, from_kernel_only: bool) -> Self {
        // The keys of `RandomState` come from the system's random numbers.
        let sequence = RandomState::new().hash_one(0) as u32;
        Self { socket, buffer: vec![0; DATAGRAM], sequence, from_kernel_only }
    }

    /// A test's answers, at the other end of this socket.
    #[cfg(test)]
    pub(crate) fn of_test(socket: OwnedFd) -> Self {
        Self::over(socket, false)
    }

    /// Sends the request that `encode` makes of a sequence number, and calls `each` with the type and payload of every message of
    /// the answer. Only `NLMSG_DONE` ends it.
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
        self.sequence = self.sequence.wrapping_add(1);
        self.send(&encode(self.sequence))?;
        let sequence = self.sequence;
        let mut consistency = Consistency::Whole;
        loop {
            let Some(datagram) = self.receive()? else { continue };
            for message in Messages::new(datagram) {
                let message = message?;
                if message.sequence != sequence {
                    continue; // the rest of a dump that was cancelled
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

    /// Sends a request for one entry, and returns what `parse` makes of its type and payload.
    pub(crate) fn get<T>(
        &mut self,
        encode: impl FnOnce(u32) -> Vec<u8>,
        parse: impl Fn(u16, &[u8]) -> Option<T>,
    ) -> Result<T, DumpError> {
        self.sequence = self.sequence.wrapping_add(1);
        self.send(&encode(self.sequence))?;
        let sequence = self.sequence;
        loop {
            let Some(datagram) = self.receive()? else { continue };
            for message in Messages::new(datagram) {
                let message = message?;
                if message.sequence != sequence {
                    continue;
                }
                match message.body {
                    Body::Payload(kind, payload) => return parse(kind, payload).ok_or(DumpError::Truncated),
                    Body::Done(error) | Body::Error(error) => return Err(io::Error::from_raw_os_error(error).into()),
                    Body::Control => {}
                }
            }
        }
    }

    /// Sends a request that the kernel answers by an acknowledgement alone.
    pub(crate) fn acknowledge(&mut self, encode: impl FnOnce(u32) -> Vec<u8>) -> Result<(), DumpError> {
        match self.get(encode, |_, _| None) {
            // The acknowledgement is the error 0.
            Err(DumpError::Refused(error)) if error.raw_os_error() == Some(0) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    fn send(&self, request: &[u8]) -> rustix::io::Result<usize> {
        rustix::io::retry_on_intr(|| rustix::net::send(&self.socket, request, SendFlags::empty()))
    }

    /// The next datagram; `None` for one that is not the kernel's.
    pub(crate) fn receive(&mut self) -> Result<Option<&[u8]>, DumpError> {
        // With TRUNC the length is that of the whole datagram, so that a truncated one is recognised.
        let receive = || rustix::net::recvfrom(&self.socket, &mut *self.buffer, RecvFlags::TRUNC);
        let (_, length, sender) = rustix::io::retry_on_intr(receive)?;
        if self.from_kernel_only && !is_kernel(sender) {
            return Ok(None);
        }
        match self.buffer.get(..length) {
            Some([]) | None => Err(DumpError::Truncated),
            datagram @ Some(_) => Ok(datagram),
        }
    }
}

fn is_kernel(sender: Option<SocketAddrAny>) -> bool {
    sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok()).is_some_and(|sender| sender.pid() == KERNEL.pid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;
    use rustix::net::netlink::SOCK_DIAG;

    fn address(socket: &OwnedFd) -> SocketAddrNetlink {
        rustix::net::getsockname(socket).unwrap().try_into().unwrap()
    }

    /// Two sockets that are not connected to the kernel, if this user may send messages from the first to the second.
    fn stranger_and_victim() -> Option<(OwnedFd, OwnedFd)> {
        let [stranger, victim] = [(); 2].map(|()| {
            let protocol = Some(SOCK_DIAG);
            let socket =
                rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol).unwrap();
            rustix::net::bind(&socket, &KERNEL).unwrap();
            socket
        });
        match rustix::net::sendto(&stranger, &[0; 16], SendFlags::empty(), &address(&victim)) {
            Ok(_) => Some((stranger, victim)),
            Err(error) => {
                eprintln!("SKIPPED: this user may not send netlink messages to others: {error}");
                None
            }
        }
    }

    #[test]
    fn no_other_process_can_send_to_the_socket_of_a_dump() {
        let Some((stranger, _)) = stranger_and_victim() else { return };
        let netlink = Netlink::open(SOCK_DIAG).unwrap();
        let sent = rustix::net::sendto(&stranger, &[0; 16], SendFlags::empty(), &address(&netlink.socket));
        assert_eq!(sent, Err(Errno::CONNREFUSED));
    }

    #[test]
    fn a_dump_ignores_a_message_of_another_sender() {
        let Some((_stranger, victim)) = stranger_and_victim() else { return };
        // Not connected, as if the message had arrived before that.
        assert_eq!(Netlink::over(victim, true).receive().unwrap(), None);
    }

    #[test]
    fn only_port_0_is_the_kernel() {
        assert!(is_kernel(Some(KERNEL.into())));
        assert!(!is_kernel(Some(SocketAddrNetlink::new(1, 0).into())));
        assert!(!is_kernel(None));
    }

    #[test]
    fn sequence_numbers_cannot_be_guessed() {
        let first = || Netlink::open(None).unwrap().sequence;
        let numbers = [first(), first(), first()];
        assert!(numbers.iter().any(|number| *number > 1000), "{numbers:?}");
        assert!(numbers[0] != numbers[1] || numbers[1] != numbers[2], "{numbers:?}");
    }
}
