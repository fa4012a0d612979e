use super::*;
use crate::model::pressure::Usage;
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
use crate::platform::linux::netlink::message::HEADER;
use proptest::prelude::*;

/// An established IPv6 connection, `[2001:db8::7%3]:443` to `[2001:db8::9]:50000`, as the kernel encodes it.
fn answer() -> [u8; ANSWER] {
    let mut bytes = [0; ANSWER];
    bytes[..4].copy_from_slice(&[AF_INET6, 1, 2, 0]);
    bytes[4..6].copy_from_slice(&443u16.to_be_bytes());
    bytes[6..8].copy_from_slice(&50000u16.to_be_bytes());
    bytes[8..24].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
    bytes[24..40].copy_from_slice(&"2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
    for (at, value) in [(40, 3u32), (52, 7000), (56, 11), (60, 12), (64, 1000), (68, 4711)] {
        bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }
    bytes
}

#[test]
fn every_field_is_read_from_its_offset() {
    let expected = Socket {
        protocol: Protocol::Tcp,
        family: Family::V6,
        state: Some(State::Established),
        timer: Timer::KeepAlive,
        local: Endpoint::new("2001:db8::7".parse().unwrap(), 443),
        remote: Endpoint::new("2001:db8::9".parse().unwrap(), 50000),
        interface: 3,
        inode: 4711,
        uid: 1000,
        receive_queue: 11,
        send_queue: 12,
        expires_ms: 7000,
    };
    assert_eq!(parse(&answer(), Protocol::Tcp), Some(expected));
    assert_eq!(parse(&answer(), Protocol::Udp).unwrap().state, None);
}

#[test]
fn a_mapped_answer_is_an_ipv4_row() {
    let mut bytes = answer();
    bytes[8..24].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
    let socket = parse(&bytes, Protocol::Tcp).unwrap();
    assert_eq!((socket.table(), socket.family), (Table::Tcp4, Family::V6));
}

#[test]
fn close_without_a_peer_is_bound() {
    let mut bytes = answer();
    bytes[1] = 7;
    assert_eq!(parse(&bytes, Protocol::Tcp).unwrap().state, Some(State::Closed));
    bytes[6..8].fill(0);
    assert_eq!(parse(&bytes, Protocol::Tcp).unwrap().state, Some(State::Bound));
}

#[test]
fn every_kernel_state_has_a_name_and_a_new_one_is_unknown() {
    let words: Vec<_> = (0..=14u8)
        .map(|number| {
            let mut bytes = answer();
            bytes[1] = number;
            parse(&bytes, Protocol::Tcp).unwrap().state.unwrap().word()
        })
        .collect();
    assert_eq!(
        words,
        [
            "UNKNOWN",
            "ESTABLISHED",
            "SYN_SENT",
            "SYN_RECEIVED",
            "FIN_WAIT_1",
            "FIN_WAIT_2",
            "TIME_WAIT",
            "CLOSED",
            "CLOSE_WAIT",
            "LAST_ACK",
            "LISTENING",
            "CLOSING",
            "SYN_RECEIVED",
            "UNKNOWN",
            "UNKNOWN"
        ]
    );
}

#[test]
fn the_request_has_the_bits_of_the_wanted_states() {
    let states = |table, states| {
        u32_at(&DumpRequest { table, states, details: WantedDetails::default(), bytecode: &[] }.encode(1), 20).unwrap()
    };
    assert_eq!(states(Table::Tcp4, StateSet::NONE.with(State::Listening)), 1 << 10);
    assert_eq!(states(Table::Tcp6, StateSet::NONE.with(State::SynReceived)), 1 << 3 | 1 << 12);
    assert_eq!(states(Table::Tcp4, StateSet::ALL.without(State::Bound)) & BOUND_INACTIVE, 0);
    assert_eq!(states(Table::Tcp4, StateSet::ALL) & BOUND_INACTIVE, BOUND_INACTIVE);
    assert_eq!(states(Table::Udp4, StateSet::NONE), u32::MAX);
}

#[test]
fn a_lookup_has_the_ends_of_the_socket_and_for_udp_those_of_a_packet_that_arrives() {
    let mut socket = parse(&answer(), Protocol::Tcp).unwrap();
    let request = lookup_request(&socket, WantedDetails::NONE, 9);
    assert_eq!((u32_at(&request, 0), request[6..8].to_vec()), (Some(72), 1u16.to_ne_bytes().to_vec()));
    assert_eq!(request[16..20], [AF_INET6, IPPROTO_TCP, 0, 0]);
    assert_eq!(request[24..60], answer()[4..40], "ports and addresses");
    assert_eq!((u32_at(&request, 60), request[64..72].to_vec()), (Some(3), vec![0xff; 8]));
    socket.protocol = Protocol::Udp;
    assert_eq!(lookup_request(&socket, WantedDetails::NONE, 9)[24..26], 50_000u16.to_be_bytes());
    let mut mapped = answer();
    mapped[8..24].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
    let socket = parse(&mapped, Protocol::Tcp).unwrap();
    assert_eq!(lookup_request(&socket, WantedDetails::NONE, 9)[28..44], mapped[8..24]);
}

#[test]
fn a_socket_is_closed_by_its_ends_and_its_cookie_and_the_kernel_acknowledges_it() {
    let mut bytes = answer();
    bytes[44..52].copy_from_slice(&0x1122_3344_5566_7788u64.to_ne_bytes());
    assert_eq!(cookie(&bytes), Some(0x1122_3344_5566_7788));
    assert_eq!(cookie(&bytes[..71]), None);
    let request = destroy_request(&parse(&bytes, Protocol::Tcp).unwrap(), 0x1122_3344_5566_7788, 9);
    assert_eq!(request[4..8], [21u16.to_ne_bytes(), 5u16.to_ne_bytes()].concat());
    assert_eq!(request[24..72], bytes[4..52], "ends, interface and cookie");
}

#[test]
fn the_number_of_an_mptcp_connection_is_nested_three_deep() {
    let subflow = with_attributes(Vec::new(), &[(1, &[0; 4]), (2, &7u32.to_ne_bytes())]);
    let nested = with_attributes(Vec::new(), &[(INET_ULP_INFO_NAME, b"mptcp\0"), (INET_ULP_INFO_MPTCP | NESTED, &subflow)]);
    let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_ULP_INFO | NESTED, &nested)]);
    assert_eq!(mptcp_token(&bytes), Some(7));
    assert_eq!(mptcp_token(&bytes[..bytes.len() - 4]), None);
    let tls = with_attributes(Vec::new(), &[(INET_ULP_INFO_NAME, b"tls\0")]);
    assert_eq!(mptcp_token(&with_attributes(answer().to_vec(), &[(INET_DIAG_ULP_INFO, &tls)])), None);
}

#[test]
fn a_program_is_sent_as_an_attribute() {
    let request =
        DumpRequest { table: Table::Udp6, states: StateSet::ALL, details: WantedDetails::default(), bytecode: &[1, 2, 3, 4] }
            .encode(9);
    assert_eq!(u32_at(&request, 0), Some(request.len() as u32));
    assert_eq!(request[16..18], [AF_INET6, IPPROTO_UDP]);
    assert_eq!(request[HEADER + 56..], [8, 0, 1, 0, 1, 2, 3, 4]);
}

#[test]
fn the_older_request_has_its_own_offsets() {
    let states = StateSet::NONE.with(State::Listening);
    let request = DumpRequest { table: Table::Tcp4, states, details: WantedDetails::default(), bytecode: &[1, 2, 3, 4] }
        .encode_for_both_families(9);
    assert_eq!((u32_at(&request, 0), request[4]), (Some(84), 18));
    assert_eq!(request[HEADER..HEADER + 52], [0; 52]);
    assert_eq!(u32_at(&request, HEADER + 52), Some(1 << 10));
    assert_eq!(request[HEADER + 60..], [8, 0, 1, 0, 1, 2, 3, 4]);
}

fn with_attributes(mut bytes: Vec<u8>, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    for (kind, value) in attributes {
        bytes.extend((4 + value.len() as u16).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(*value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

#[test]
fn details_are_requested_by_their_bits_only_if_wanted() {
    let extensions = |details| {
        let request = DumpRequest { table: Table::Tcp4, states: StateSet::ALL, details, bytecode: &[] };
        let byte = request.encode(1)[HEADER + 2];
        assert_eq!(request.encode_for_both_families(1)[HEADER + 3], byte);
        byte
    };
    assert_eq!(extensions(WantedDetails::default()), 0);
    assert_eq!(extensions(WantedDetails { traffic_class: true, ..WantedDetails::default() }), 1 << 4 | 1 << 5);
    assert_eq!(extensions(WantedDetails { congestion: true, ..WantedDetails::default() }), 1 << 3);
    let internals = |field| WantedDetails { tcp_info: TcpFields::of(&[field]), ..WantedDetails::default() };
    assert_eq!(extensions(internals(TcpField::Rtt)), 1 << 1);
    assert_eq!(extensions(internals(TcpField::Drops)), 1 << 6);
    assert_eq!(extensions(WantedDetails { upper_layer: true, ..WantedDetails::default() }), 1 << 1);
}

#[test]
fn details_are_read_from_their_attributes() {
    let attributes: &[(u16, &[u8])] = &[(8, &[0]), (INET_DIAG_TOS, &[0x10]), (INET_DIAG_TCLASS, &[0xb8]), (4, b"bbr\0")];
    let bytes = with_attributes(answer().to_vec(), attributes);
    let expected = Details { traffic_class: Some(0xb8), congestion: KernelName::new(b"bbr"), ..Details::default() };
    assert_eq!(details(&bytes), expected);
    let mut mapped = answer();
    mapped[8..24].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
    assert_eq!(details(&with_attributes(mapped.to_vec(), attributes)).traffic_class, Some(0x10));
    assert_eq!(details(&answer()), Details::default());
    assert_eq!(details(&[]), Details::default());
}

#[test]
fn the_protocol_above_tcp_is_named_inside_its_attribute() {
    let nested = with_attributes(Vec::new(), &[(7, &[1]), (INET_ULP_INFO_NAME, b"mptcp\0"), (3, &[0; 8])]);
    let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_INFO, &[0; 104]), (INET_DIAG_ULP_INFO, &nested)]);
    assert_eq!(details(&bytes).upper_layer, KernelName::new(b"mptcp"));
    let unnamed = with_attributes(answer().to_vec(), &[(INET_DIAG_ULP_INFO, &[1, 2, 3])]);
    assert_eq!(details(&unnamed).upper_layer, None);
}

#[test]
fn a_listener_has_no_internals_but_its_drops() {
    let mut info = [0; 104];
    info[68..72].copy_from_slice(&1234u32.to_ne_bytes());
    let mut counters = [0; 36];
    counters[32..].copy_from_slice(&24u32.to_ne_bytes());
    let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_INFO, &info), (INET_DIAG_SKMEMINFO, &counters)]);
    let read = |state| {
        let mut table = TcpInfoTable::new(TcpFields::of(&[TcpField::Rtt, TcpField::Drops]));
        let socket = Socket { state, ..parse(&bytes, Protocol::Tcp).unwrap() };
        internals(&bytes, &socket, &mut table.push());
        [TcpField::Rtt, TcpField::Drops].map(|field| table.get(0, field))
    };
    assert_eq!(read(Some(State::Established)), [Some(1234), Some(24)]);
    assert_eq!(read(Some(State::Listening)), [None, Some(24)]);
}

#[test]
fn pressure_is_read_from_the_counters_and_of_data_that_waits() {
    let mut info = [0; 104];
    info[44..48].copy_from_slice(&40_000u32.to_ne_bytes());
    let mut counters = [0; 36];
    for (number, value) in [(0, 900u32), (1, 1000), (8, 24)] {
        counters[4 * number..][..4].copy_from_slice(&value.to_ne_bytes());
    }
    let bytes = with_attributes(answer().to_vec(), &[(INET_DIAG_INFO, &info), (INET_DIAG_SKMEMINFO, &counters)]);
    let connection = parse(&bytes, Protocol::Tcp).unwrap();
    let of = |socket| pressure(&bytes, &socket);
    let memory = Pressure { drops: Some(24), receive_buffer: Some(Usage { used: 900, limit: 1000 }), unacknowledged_ms: None };
    assert_eq!(of(connection), Pressure { unacknowledged_ms: Some(40_000), ..memory });
    assert_eq!(of(Socket { send_queue: 0, ..connection }), memory);
    assert_eq!(of(Socket { state: Some(State::Listening), ..connection }), memory);
    assert_eq!(pressure(&answer(), &connection), Pressure::default());
}

proptest! {
    #[test]
    fn any_attributes_are_internals(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let payload = [&answer()[..], &bytes].concat();
        let mut table = TcpInfoTable::new(TcpField::ALL.iter().copied().collect());
        let socket = parse(&payload, Protocol::Tcp).unwrap();
        internals(&payload, &socket, &mut table.push());
        pressure(&payload, &socket);
    }

    #[test]
    fn any_attributes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let payload = [&answer()[..], &bytes].concat();
        let _ = (details(&payload), mptcp_token(&payload), cookie(&bytes));
    }

    #[test]
    fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let row = parse(&bytes, Protocol::Tcp);
        prop_assert_eq!(row.is_some(), bytes.len() >= ANSWER && [AF_INET, AF_INET6].contains(&bytes[0]));
    }
}
