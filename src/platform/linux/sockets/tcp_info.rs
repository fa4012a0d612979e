//! `struct tcp_info` (`linux/tcp.h`) and the memory counters (`linux/sock_diag.h`) of a socket, as `sock_diag` gives them.
//!
//! The structure has grown at its end since 104 bytes: what lies beyond its length, this kernel does not have. Some values
//! stand for "none yet" and are left out.

use crate::model::pressure::Usage;
use crate::model::socket::Protocol;
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoRow};
use crate::platform::linux::netlink::message::{u16_at, u32_at, u64_at};

/// A field of the structure.
struct Member {
    field: TcpField,
    offset: usize,
    kind: Kind,
    /// Which values stand for none.
    none: Absent,
}

/// How a field is stored.
#[derive(Clone, Copy)]
enum Kind {
    U16,
    U32,
    U64,
    /// Some bits of a byte, as a number; known if the structure has so many bytes.
    Bits {
        shift: u8,
        mask: u8,
        least: usize,
    },
}

/// Which values stand for none.
#[derive(Clone, Copy)]
enum Absent {
    /// Every value is one.
    Never,
    /// 0: nothing was measured yet.
    Zero,
    /// 0, and the largest number that fits.
    ZeroOrMax,
    /// `TCP_INFINITE_SSTHRESH` and above.
    Infinite,
}

const fn member(field: TcpField, offset: usize, kind: Kind, none: Absent) -> Member {
    Member { field, offset, kind, none }
}

/// `TCP_INFINITE_SSTHRESH`
const INFINITE_SSTHRESH: u64 = 0x7fff_ffff;

/// The fields by their offsets, which never change. Sizes of the structure: 104 bytes at first, 168 since Linux 4.9, 192 (4.10),
/// 200 (4.18), 224 (4.19), 232 (5.4), 240 (6.2), 248 (6.7), 280 (6.18).
const MEMBERS: [Member; 33] = {
    use Absent::{Infinite, Never, Zero, ZeroOrMax};
    use Kind::{Bits, U16, U32, U64};
    #[allow(clippy::enum_glob_use, reason = "the table names nearly all of them")]
    use TcpField::*;
    [
        // `tcpi_options`: TCPI_OPT_ECN is 8, TCPI_OPT_ECN_SEEN 16.
        member(Ecn, 5, Bits { shift: 3, mask: 3, least: 6 }, Never),
        // `tcpi_delivery_rate_app_limited` was a hole until there was `tcpi_delivery_rate`.
        member(AppLimited, 7, Bits { shift: 0, mask: 1, least: 168 }, Never),
        member(Rto, 8, U32, Zero),
        member(Mss, 16, U32, Zero),
        member(Unacked, 24, U32, Never),
        member(Lost, 32, U32, Never),
        member(Retransmitting, 36, U32, Never),
        member(LastSend, 44, U32, Never),
        member(LastReceive, 52, U32, Never),
        member(LastAck, 56, U32, Never),
        member(PathMtu, 60, U32, Zero),
        member(Rtt, 68, U32, Zero),
        member(RttVariation, 72, U32, Never),
        member(Ssthresh, 76, U32, Infinite),
        member(Cwnd, 80, U32, Never),
        member(Reordering, 88, U32, Never),
        member(Retransmits, 100, U32, Never),
        member(PacingRate, 104, U64, ZeroOrMax),
        member(BytesAcked, 120, U64, Never),
        member(BytesReceived, 128, U64, Never),
        member(SegmentsOut, 136, U32, Never),
        member(SegmentsIn, 140, U32, Never),
        member(NotSent, 144, U32, Never),
        member(MinRtt, 148, U32, ZeroOrMax),
        member(DeliveryRate, 160, U64, Zero),
        member(Busy, 168, U64, Never),
        member(WindowLimited, 176, U64, Never),
        member(BufferLimited, 184, U64, Never),
        member(BytesSent, 200, U64, Never),
        member(BytesRetransmitted, 208, U64, Never),
        member(SendWindow, 228, U32, Never),
        member(ReceiveWindow, 232, U32, Never),
        member(Timeouts, 240, U16, Never),
    ]
};

/// The fields that the structure has.
#[expect(clippy::indexing_slicing, reason = "the loop ends with the table")]
pub(super) const IN_STRUCTURE: TcpFields = {
    let mut fields = [TcpField::Rtt; MEMBERS.len()];
    let mut next = 0;
    while next < MEMBERS.len() {
        fields[next] = MEMBERS[next].field;
        next += 1;
    }
    TcpFields::of(&fields)
};

/// The fields that are in the memory counters.
pub(super) const IN_MEMORY: TcpFields = TcpFields::of(&[TcpField::MemoryReceive, TcpField::MemorySend, TcpField::Drops]);

/// Reads the wanted fields of a `struct tcp_info` of any length.
pub(super) fn parse(info: &[u8], row: &mut TcpInfoRow<'_>) {
    // The deviation has a value before anything was measured.
    let has_rtt = u32_at(info, 68).is_some_and(|rtt| rtt != 0);
    let wanted = row.wanted();
    for member in MEMBERS.iter().filter(|member| wanted.contains(member.field)) {
        match member.read(info) {
            Some(_) if member.field == TcpField::RttVariation && !has_rtt => {}
            Some(Some(value)) => row.set(member.field, value),
            Some(None) => {}
            None => row.set_missing(member.field),
        }
    }
}

impl Member {
    /// What the structure says, which may be that there is no value; `None` if it is too short to say anything.
    fn read(&self, info: &[u8]) -> Option<Option<u64>> {
        let (value, max) = match self.kind {
            Kind::U16 => (u16_at(info, self.offset)?.into(), u16::MAX.into()),
            Kind::U32 => (u32_at(info, self.offset)?.into(), u32::MAX.into()),
            Kind::U64 => (u64_at(info, self.offset)?, u64::MAX),
            Kind::Bits { shift, mask, least } => {
                let byte = *info.get(self.offset).filter(|_| info.len() >= least)?;
                ((byte >> shift & mask).into(), u64::MAX)
            }
        };
        // Whether ECN was seen says more than that it was negotiated.
        let value = if self.field == TcpField::Ecn { value.min(2) } else { value };
        let is_none = match self.none {
            Absent::Never => false,
            Absent::Zero => value == 0,
            Absent::ZeroOrMax => value == 0 || value == max,
            Absent::Infinite => value >= INFINITE_SSTHRESH,
        };
        Some((!is_none).then_some(value))
    }
}

/// For how many milliseconds nothing was acknowledged, of a connection with data in its send queue; `None` if the structure is too
/// short to say.
///
/// If segments are on their way, that is the time since the first of them was sent: a connection that was idle for hours and has
/// just sent something is not stuck. The kernel does not keep that time, but each timeout doubles the one before, so that the
/// timeouts until now lasted for `rto - (rto >> backoff)`. If no segment is on its way, the other end has closed its window: it
/// acknowledges the probes of the window, but no data, since data was last sent.
pub(super) fn unacknowledged_ms(info: &[u8]) -> Option<u32> {
    let milliseconds = |offset| u32_at(info, offset);
    let (last_send, last_ack) = (milliseconds(44)?, milliseconds(56)?);
    if u32_at(info, 24)? == 0 {
        return Some(last_send);
    }
    let (rto, backoff) = (u32_at(info, 8)?, *info.get(4)?);
    let timeouts = (rto - rto.checked_shr(backoff.into()).unwrap_or(0)) / 1000;
    Some(last_ack.min(timeouts.saturating_add(last_send)))
}

/// The drops in the memory counters.
pub(super) fn drops(counters: &[u8]) -> Option<u32> {
    u32_at(counters, 4 * DROPS)
}

/// The receive buffer in the memory counters.
pub(super) fn receive_buffer(counters: &[u8]) -> Option<Usage> {
    Some(Usage { used: u32_at(counters, 4 * RMEM_ALLOC)?.into(), limit: u32_at(counters, 4 * RCVBUF)?.into() })
}

/// The numbers of `SK_MEMINFO_*`.
const RMEM_ALLOC: usize = 0;
const RCVBUF: usize = 1;
const WMEM_ALLOC: usize = 2;
const WMEM_QUEUED: usize = 5;
const DROPS: usize = 8;

/// Reads the wanted fields of the memory counters (`INET_DIAG_SKMEMINFO`).
pub(super) fn parse_memory(counters: &[u8], protocol: Protocol, row: &mut TcpInfoRow<'_>) {
    // What UDP sends is with the network card at once; TCP keeps it until it is acknowledged.
    let send = match protocol {
        Protocol::Tcp => WMEM_QUEUED,
        Protocol::Udp => WMEM_ALLOC,
    };
    let members = [(TcpField::MemoryReceive, RMEM_ALLOC), (TcpField::MemorySend, send), (TcpField::Drops, DROPS)];
    for (field, number) in members {
        match u32_at(counters, 4 * number) {
            Some(value) => row.set(field, value.into()),
            None => row.set_missing(field),
        }
    }
}

#[cfg(test)]
mod tests;
