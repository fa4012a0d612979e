//! What an interface has counted (`net/if_mib.h`, `struct ifmibdata`): bytes in, counters out.

use crate::model::interface::{InterfaceTotals, Traffic};
use crate::platform::little_endian::{u32_at, u64_at};

/// How many bytes of `struct ifmibdata` are read: a shorter answer is none.
pub const LENGTH: usize = DATA + 128;

/// `ifmd_snd_drops`
pub const SEND_DROPS: usize = 32;
/// `ifmd_data`, a `struct if_data64`: the offsets that follow are within it.
pub const DATA: usize = 52;
/// `ifi_type`
pub const TYPE: usize = 0;
/// `ifi_ipackets`
pub const PACKETS_IN: usize = 24;
/// `ifi_ierrors`
pub const ERRORS_IN: usize = 32;
/// `ifi_opackets`
pub const PACKETS_OUT: usize = 40;
/// `ifi_oerrors`
pub const ERRORS_OUT: usize = 48;
/// `ifi_ibytes`
pub const BYTES_IN: usize = 64;
/// `ifi_obytes`
pub const BYTES_OUT: usize = 72;
/// `ifi_imcasts`
pub const MULTICASTS_IN: usize = 80;
/// `ifi_omcasts`
pub const MULTICASTS_OUT: usize = 88;
/// `ifi_iqdrops`
pub const DROPS_IN: usize = 96;
/// `ifi_noproto`
pub const UNKNOWN_PROTOCOL: usize = 104;

/// `IFT_LOOP`
const LOOPBACK: u8 = 0x18;

/// The counters of one interface; `None` if the answer is too short. A loopback counts nothing.
pub fn parse(answer: &[u8]) -> Option<InterfaceTotals> {
    let answer = answer.get(..LENGTH)?;
    let data = answer.get(DATA..)?;
    if *data.get(TYPE)? == LOOPBACK {
        return Some(InterfaceTotals::default());
    }
    let counter = |offset| u64_at(data, offset);
    let drops_out = u32_at(answer, SEND_DROPS)?;
    let traffic = |bytes, packets: u64, multicasts, discards, errors| Traffic {
        bytes,
        unicast_packets: packets.saturating_sub(multicasts),
        non_unicast_packets: multicasts,
        discards,
        errors,
    };
    Some(InterfaceTotals {
        received: traffic(
            counter(BYTES_IN)?,
            counter(PACKETS_IN)?,
            counter(MULTICASTS_IN)?,
            counter(DROPS_IN)?,
            counter(ERRORS_IN)?,
        ),
        sent: traffic(
            counter(BYTES_OUT)?,
            counter(PACKETS_OUT)?,
            counter(MULTICASTS_OUT)?,
            drops_out.into(),
            counter(ERRORS_OUT)?,
        ),
        unknown_protocols: counter(UNKNOWN_PROTOCOL)?,
        unavailable: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(kind: u8) -> Vec<u8> {
        let mut answer = vec![0; LENGTH];
        answer[DATA + TYPE] = kind;
        answer[SEND_DROPS..][..4].copy_from_slice(&5u32.to_le_bytes());
        for (offset, number) in [
            (PACKETS_IN, 100u64),
            (ERRORS_IN, 1),
            (PACKETS_OUT, 50),
            (ERRORS_OUT, 2),
            (BYTES_IN, 10_000_000_000),
            (BYTES_OUT, 7),
            (MULTICASTS_IN, 30),
            (MULTICASTS_OUT, 60),
            (DROPS_IN, 4),
            (UNKNOWN_PROTOCOL, 9),
        ] {
            answer[DATA + offset..][..8].copy_from_slice(&number.to_le_bytes());
        }
        answer
    }

    #[test]
    fn multicasts_are_taken_out_of_the_packets() {
        let totals = parse(&answer(6)).unwrap();
        let received = Traffic { bytes: 10_000_000_000, unicast_packets: 70, non_unicast_packets: 30, discards: 4, errors: 1 };
        // More multicasts than packets: the counters are read one after the other.
        let sent = Traffic { bytes: 7, unicast_packets: 0, non_unicast_packets: 60, discards: 5, errors: 2 };
        assert_eq!(totals, InterfaceTotals { received, sent, unknown_protocols: 9, unavailable: Vec::new() });
    }

    #[test]
    fn a_loopback_counts_nothing_and_a_short_answer_is_none() {
        assert_eq!(parse(&answer(LOOPBACK)), Some(InterfaceTotals::default()));
        assert_eq!(parse(&answer(6)[..LENGTH - 1]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(parse(&bytes).is_some(), bytes.len() >= LENGTH);
        }
    }
}
