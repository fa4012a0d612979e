use super::*;
use crate::model::tcp_info::TcpInfoTable;
use proptest::prelude::*;

/// A connection over the loopback that sent 100,000 bytes and received 5,000, as Linux 6.18 gave it (280 bytes, little endian).
const RECORDED: &str = "\
010000000007aa00e01c0300409c000000ba0000881300000000000000000000000000000000000000000000000000000000000000000000\
00000000ffff000082a201001e0000000e000000ffffff7f0d000000cbff00000300000000000000d7ff000000000000edf30a9a06000000\
ffffffffffffffffa18601000000000088130000000000000600000004000000000000000b00000001000000030000000b59cbf600000000\
0000000000000000000000000000000000000000000000000400000000000000a08601000000000000000000000000000000000000000000\
000000000074010000a401000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

/// What `SK_MEMINFO` of the same connection was.
const RECORDED_MEMORY: &str = "000000000000020000000000001e3c000000000000000000000000000000000000000000";

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap();
    (0..hexadecimal.len()).step_by(2).map(pair).collect()
}

fn everything() -> TcpFields {
    TcpField::ALL.iter().copied().collect()
}

/// The fields that are read of a structure, and those that it does not have.
fn read(info: &[u8]) -> (Vec<(TcpField, u64)>, TcpFields) {
    let mut table = TcpInfoTable::new(everything());
    parse(info, &mut table.push());
    let known = TcpField::ALL.iter().filter_map(|&field| Some((field, table.get(0, field)?)));
    (known.collect(), table.missing())
}

fn names(fields: impl IntoIterator<Item = TcpField>) -> Vec<TcpField> {
    fields.into_iter().collect()
}

#[test]
fn each_field_of_a_recorded_structure_is_read() {
    let (known, missing) = read(&bytes(RECORDED));
    let expected = [
        (TcpField::Rtt, 30),
        (TcpField::RttVariation, 14),
        (TcpField::MinRtt, 11),
        (TcpField::Rto, 204_000),
        (TcpField::Cwnd, 13),
        (TcpField::Mss, 47_616),
        (TcpField::PathMtu, 65_535),
        (TcpField::Unacked, 0),
        (TcpField::Lost, 0),
        (TcpField::Retransmitting, 0),
        (TcpField::Retransmits, 0),
        (TcpField::BytesSent, 100_000),
        (TcpField::BytesAcked, 100_001),
        (TcpField::BytesReceived, 5000),
        (TcpField::BytesRetransmitted, 0),
        (TcpField::SegmentsOut, 6),
        (TcpField::SegmentsIn, 4),
        (TcpField::NotSent, 0),
        (TcpField::DeliveryRate, 4_140_521_739),
        (TcpField::AppLimited, 0),
        (TcpField::PacingRate, 28_354_212_845),
        (TcpField::LastSend, 0),
        (TcpField::LastReceive, 0),
        (TcpField::LastAck, 0),
        (TcpField::Busy, 0),
        (TcpField::WindowLimited, 0),
        (TcpField::BufferLimited, 0),
        (TcpField::SendWindow, 95_232),
        (TcpField::ReceiveWindow, 107_520),
        (TcpField::Reordering, 3),
        (TcpField::Ecn, 0),
        (TcpField::Timeouts, 0),
    ];
    assert_eq!(known, expected);
    assert!(missing.is_empty());
}

#[test]
fn what_a_shorter_structure_does_not_have_is_unknown_and_never_0() {
    use TcpField::*;
    let recorded = bytes(RECORDED);
    let since = |least: usize| match least {
        168 => names([BytesAcked, BytesReceived, SegmentsOut, SegmentsIn, NotSent, MinRtt, DeliveryRate, PacingRate, AppLimited]),
        192 => names([Busy, WindowLimited, BufferLimited]),
        224 => names([BytesSent, BytesRetransmitted]),
        232 => names([SendWindow]),
        240 => names([ReceiveWindow]),
        248 => names([Timeouts]),
        _ => Vec::new(),
    };
    let sizes = [104, 168, 192, 200, 224, 232, 240, 248, 280];
    for size in sizes {
        let (known, missing) = read(&recorded[..size]);
        let later: TcpFields = sizes.into_iter().filter(|&least| least > size).flat_map(since).collect();
        assert_eq!(missing, later, "{size} bytes");
        let (all, _) = read(&recorded);
        let expected: Vec<_> = all.into_iter().filter(|(field, _)| !later.contains(*field)).collect();
        assert_eq!(known, expected, "{size} bytes");
    }
    let longer = [&recorded[..], &[0xff; 40]].concat();
    assert_eq!(read(&longer), read(&recorded), "what a newer kernel adds changes nothing");
}

#[test]
fn values_that_stand_for_none_are_left_out() {
    use TcpField::*;
    let mut info = [0; 280];
    let at = |field| MEMBERS.iter().find(|member| member.field == field).unwrap().offset;
    info[at(MinRtt)..][..4].fill(0xff);
    info[at(PacingRate)..][..8].fill(0xff);
    info[at(Ssthresh)..][..4].copy_from_slice(&0x7fff_ffffu32.to_ne_bytes());
    info[at(RttVariation)..][..4].copy_from_slice(&250_000u32.to_ne_bytes());
    let (known, missing) = read(&info);
    let absent = [Rtt, RttVariation, MinRtt, Rto, Ssthresh, Mss, PathMtu, DeliveryRate, PacingRate];
    assert!(known.iter().all(|(field, value)| !absent.contains(field) && *value == 0), "{known:?}");
    assert_eq!((known.len(), missing), (IN_STRUCTURE.len() - absent.len(), TcpFields::NONE));
}

#[test]
fn bits_are_read_from_their_bytes() {
    use TcpField::*;
    let read_bits = |options: u8, limited: u8| {
        let mut info = [0; 280];
        (info[5], info[7]) = (options, limited);
        let (known, _) = read(&info);
        [Ecn, AppLimited].map(|field| known.iter().find(|(known, _)| *known == field).map(|(_, value)| *value))
    };
    assert_eq!(read_bits(7, 0xfe), [Some(0), Some(0)]);
    assert_eq!(read_bits(8, 1), [Some(1), Some(1)]);
    assert_eq!(read_bits(16, 0), [Some(2), Some(0)]);
    assert_eq!(read_bits(0x18 | 7, 3), [Some(2), Some(1)]);
}

#[test]
fn memory_counters_are_read_by_their_numbers() {
    let read = |counters: &[u8], protocol| {
        let mut table = TcpInfoTable::new(IN_MEMORY);
        parse_memory(counters, protocol, &mut table.push());
        ([TcpField::MemoryReceive, TcpField::MemorySend, TcpField::Drops].map(|field| table.get(0, field)), table.missing())
    };
    let counters: Vec<u8> = (1u32..=9).flat_map(u32::to_ne_bytes).collect();
    assert_eq!(read(&counters, Protocol::Tcp), ([Some(1), Some(6), Some(9)], TcpFields::NONE));
    assert_eq!(read(&counters, Protocol::Udp), ([Some(1), Some(3), Some(9)], TcpFields::NONE));
    // SK_MEMINFO_DROPS is there since Linux 4.7.
    assert_eq!(read(&counters[..32], Protocol::Tcp), ([Some(1), Some(6), None], TcpFields::of(&[TcpField::Drops])));
    assert_eq!(read(&bytes(RECORDED_MEMORY), Protocol::Tcp).0, [Some(0), Some(0), Some(0)]);
}

#[test]
fn every_field_has_one_source() {
    assert_eq!(IN_STRUCTURE.or(IN_MEMORY), everything());
    assert_eq!(IN_STRUCTURE.len() + IN_MEMORY.len(), TcpField::ALL.len());
}

proptest! {
    #[test]
    fn any_bytes_are_internals(info in prop::collection::vec(any::<u8>(), 0..320)) {
        let (known, missing) = read(&info);
        prop_assert!(known.iter().all(|(field, _)| !missing.contains(*field)));
        let mut table = TcpInfoTable::new(everything());
        parse_memory(&info, Protocol::Tcp, &mut table.push());
    }
}

#[test]
fn what_waits_for_an_acknowledgement_is_no_older_than_its_timeouts() {
    let waited = |unacked: u32, rto_ms: u32, backoff: u8, last_send: u32, last_ack: u32| {
        let mut info = [0; 104];
        info[4] = backoff;
        for (offset, value) in [(8, rto_ms * 1000), (24, unacked), (44, last_send), (56, last_ack)] {
            info[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
        }
        unacknowledged_ms(&info)
    };
    // The other end has closed its window: it acknowledges probes.
    assert_eq!(waited(0, 200, 0, 31_000, 500), Some(31_000));
    // Idle for hours, and a byte was sent just now.
    assert_eq!(waited(1, 200, 0, 3, 7_200_000), Some(3));
    // 200 ms doubled seven times: 0.2 + 0.4 + … + 12.8 s, and 5 s since.
    assert_eq!(waited(1, 25_600, 7, 5000, 7_200_000), Some(30_400));
    assert_eq!(waited(1, 25_600, 7, 5000, 10_000), Some(10_000));
    assert_eq!(waited(1, 120_000, 255, 0, u32::MAX), Some(120_000));
    assert_eq!(unacknowledged_ms(&[0; 59]), None);
}
