//! The framing of netlink messages and attributes (`linux/netlink.h`).

/// `NLMSG_ERROR`
const ERROR: u16 = 2;
/// `NLMSG_DONE`
const DONE: u16 = 3;
/// The first message type that belongs to a protocol rather than to netlink itself (`NLMSG_MIN_TYPE`).
const FIRST_OF_PROTOCOL: u16 = 0x10;
/// `NLM_F_DUMP_INTR`: the table changed while it was dumped.
const DUMP_INTERRUPTED: u16 = 0x10;
/// The size of `struct nlmsghdr`.
pub const HEADER: usize = 16;

/// `NLM_F_REQUEST`
const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`
const ACKNOWLEDGE: u16 = 0x4;
/// `NLM_F_DUMP`
const DUMP: u16 = 0x300;

/// The request to dump a table: the header of a message of this type, and what follows it.
pub fn dump_request(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    message(kind, REQUEST | DUMP, sequence, payload)
}

/// The request for one entry of a table.
pub fn request(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    message(kind, REQUEST, sequence, payload)
}

/// A request that is acknowledged when it is done.
pub fn acknowledged_request(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    message(kind, REQUEST | ACKNOWLEDGE, sequence, payload)
}

fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = HEADER + payload.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// One message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The sequence number of the request that it answers.
    pub sequence: u32,
    /// Whether the table changed while it was dumped.
    pub interrupted: bool,
    /// Its content.
    pub body: Body<'a>,
}

/// The content of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A message of the protocol: its type, and what follows the header.
    Payload(u16, &'a [u8]),
    /// The end of the dump: 0, or the error number that ended it.
    Done(i32),
    /// The request failed with this error number; 0 is an acknowledgement.
    Error(i32),
    /// A message of netlink itself that carries nothing (`NLMSG_NOOP`, `NLMSG_OVERRUN`).
    Control,
}

/// A datagram whose headers do not fit its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a malformed netlink message")]
pub struct Malformed;

/// The messages of a datagram. It ends at the last message or after the first malformed one.
pub struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// The messages of what one `recv` returned.
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(self.0) else {
            self.0 = &[];
            return Some(Err(Malformed));
        };
        self.0 = rest;
        Some(Ok(message))
    }
}

fn split(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = u32_at(bytes, 0)? as usize;
    let kind = u16_at(bytes, 4)?;
    let flags = u16_at(bytes, 6)?;
    let sequence = u32_at(bytes, 8)?;
    let payload = bytes.get(HEADER..length)?;
    let body = match kind {
        DONE => Body::Done(errno(payload).unwrap_or(0)),
        ERROR => Body::Error(errno(payload)?),
        ..FIRST_OF_PROTOCOL => Body::Control,
        _ => Body::Payload(kind, payload),
    };
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((Message { sequence, interrupted: flags & DUMP_INTERRUPTED != 0, body }, rest))
}

/// Errors are negative on the wire.
fn errno(payload: &[u8]) -> Option<i32> {
    u32_at(payload, 0).map(|number| (number as i32).wrapping_neg())
}

/// The native-endian number at an offset.
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// The native-endian number at an offset.
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

/// The native-endian number at an offset.
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

/// The attributes (`struct nlattr`) in `bytes`: type and value. It ends at the first malformed one.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)?;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((HEADER as u32 + payload.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn bodies(datagram: &[u8]) -> Vec<Result<Body<'_>, Malformed>> {
        Messages::new(datagram).map(|message| message.map(|message| message.body)).collect()
    }

    #[test]
    fn messages_are_aligned_to_four_bytes() {
        let datagram = [message(20, 2, b"abcde"), message(DONE, 2, &0i32.to_ne_bytes())].concat();
        assert_eq!(bodies(&datagram), [Ok(Body::Payload(20, b"abcde")), Ok(Body::Done(0))]);
    }

    #[test]
    fn the_error_inside_done_is_read() {
        let datagram = message(DONE, 2, &(-12i32).to_ne_bytes());
        assert_eq!(bodies(&datagram), [Ok(Body::Done(12))]);
    }

    #[test]
    fn the_flag_of_an_interrupted_dump_is_read() {
        let datagram = message(20, 2 | DUMP_INTERRUPTED, b"");
        assert!(Messages::new(&datagram).next().unwrap().unwrap().interrupted);
    }

    #[test]
    fn a_length_beyond_the_datagram_is_malformed_and_ends_the_iteration() {
        let mut datagram = [message(20, 0, b"whole"), message(20, 0, b"cut off here")].concat();
        datagram.truncate(datagram.len() - 4);
        assert_eq!(bodies(&datagram), [Ok(Body::Payload(20, b"whole")), Err(Malformed)]);
        let too_short = [4u32.to_ne_bytes(), [0; 4], [0; 4], [0; 4]].concat();
        assert_eq!(bodies(&too_short), [Err(Malformed)]);
    }

    #[test]
    fn attributes_end_at_the_first_malformed_one() {
        let bytes = [&[6, 0, 1, 0, 9, 8, 0, 0][..], &[4, 0, 2, 0], &[200, 0, 3, 0, 1]].concat();
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), [(1, &[9, 8][..]), (2, &[])]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Messages::new(&bytes).count() <= bytes.len());
            prop_assert!(attributes(&bytes).count() <= bytes.len());
        }
    }
}
