use super::*;
use crate::filter::selector::Selector;
use crate::filter::{Filter, ports};
use crate::model::details::WantedDetails;
use crate::model::socket::TableSet;
use crate::model::socket::tests::socket;
use crate::model::tcp_info::{TcpField, TcpFields};
use crate::platform::linux::netlink::replay::{DONE, Datagram, ERROR, INTERRUPTED, kernel};
use crate::request::UdpRows;
use std::net::TcpListener;

#[test]
fn details_stay_beside_their_rows_when_many_are_absorbed() {
    let found = |ports: std::ops::Range<u32>| {
        let mut found = TableRows::default();
        for port in ports {
            found.sockets.push(socket("127.0.0.1", port as u16));
            found.details.push(Details { traffic_class: Some(port as u8), ..Details::default() });
            if found.tcp_info.is_empty() {
                found.tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::Cwnd]));
            }
            found.tcp_info.push().set(TcpField::Cwnd, u64::from(port as u16));
        }
        found
    };
    let mut all = found(0..10);
    all.absorb(found(10..150_000));
    all.absorb(found(0..3));
    assert_eq!((all.sockets.len(), all.details.len()), (150_003, 150_003));
    assert!(all.sockets.iter().zip(&all.details).all(|(row, details)| details.traffic_class == Some(row.local.port as u8)));
    let cwnd = |row| all.tcp_info.get(row, TcpField::Cwnd);
    assert!(all.sockets.iter().enumerate().all(|(row, socket)| cwnd(row) == Some(socket.local.port.into())));
}

/// A listener at 192.0.2.1, as the kernel encodes it (`struct inet_diag_msg`).
fn listener(port: u16, flags: u16) -> Datagram {
    let mut bytes = vec![0; 72];
    bytes[..2].copy_from_slice(&[2, 10]);
    bytes[4..6].copy_from_slice(&port.to_be_bytes());
    bytes[8..12].copy_from_slice(&[192, 0, 2, 1]);
    Datagram::Message(sock_diag::BY_FAMILY, flags, bytes)
}

/// What is made of these answers about TCP over IPv4, and the requests that got them.
fn read(request: &Query, answers: Vec<Vec<Datagram>>) -> (TableRows, Vec<Vec<u8>>) {
    let (netlink, requests) = kernel(answers);
    let mut reader = Reader { request, netlink: Some(netlink) };
    let mut found = TableRows::default();
    let job = DumpJob { kind: DumpKind::Table(Table::Tcp4), states: request.states, shard: None };
    reader.read(&job, &mut found);
    drop(reader);
    (found, requests.join().unwrap())
}

/// Every listener of TCP over IPv4, with details.
fn listeners() -> Query {
    Query {
        details: WantedDetails { traffic_class: true, ..WantedDetails::default() },
        ..Query::new(TableSet::NONE.with(Table::Tcp4), StateSet::NONE.with(State::Listening), UdpRows::All, Filter::default())
    }
}

fn ports_of(found: &TableRows) -> Vec<u16> {
    found.sockets.iter().map(|socket| socket.local.port).collect()
}

#[test]
fn an_interrupted_dump_is_asked_for_again_and_the_whole_one_alone_is_kept() {
    let interrupted = vec![listener(1, 0), listener(2, INTERRUPTED), Datagram::done(INTERRUPTED)];
    let whole = vec![listener(2, 0), listener(3, 0), Datagram::done(0)];
    let (found, requests) = read(&listeners(), vec![interrupted, whole]);
    assert_eq!((ports_of(&found), found.problems.as_slice(), requests.len()), (vec![2, 3], &[][..], 2));
    assert_eq!(found.details.len(), 2);
}

#[test]
fn a_table_that_never_holds_still_is_shown_as_it_was_last_and_that_is_said() {
    let interrupted = |ports: std::ops::RangeInclusive<u16>| {
        ports.map(|port| listener(port, 0)).chain([Datagram::done(INTERRUPTED)]).collect::<Vec<_>>()
    };
    let (found, requests) = read(&listeners(), vec![interrupted(1..=2), interrupted(1..=3), interrupted(4..=7)]);
    assert_eq!((ports_of(&found), requests.len()), (vec![4, 5, 6, 7], 1 + RETRIES));
    assert_eq!(found.details.len(), 4);
    let [problem] = found.problems.as_slice() else { panic!("{:?}", found.problems) };
    assert_eq!(problem.kind, ProblemKind::TableIncomplete);
    assert_eq!(problem.message, "the TCP/IPv4 table changed while it was read: rows may be missing or stale");
}

#[test]
fn what_is_left_of_a_dump_that_was_given_up_is_passed_over() {
    let stale = Datagram::Misnumbered(u32::MAX, sock_diag::BY_FAMILY, vec![0; 72]);
    let end_of_stale = Datagram::Misnumbered(u32::MAX, DONE, vec![0; 4]);
    let (found, _) = read(&listeners(), vec![vec![stale, end_of_stale, listener(5, 0), Datagram::done(0)]]);
    assert_eq!((ports_of(&found), found.problems.as_slice()), (vec![5], &[][..]));
}

#[test]
fn after_any_fault_to_a_dump_the_file_tells_the_table_and_no_row_comes_twice() {
    let real = TcpListener::bind("127.0.0.1:0").unwrap();
    let real = real.local_addr().unwrap().port();
    let mut too_long = vec![0; 40 * 1024];
    too_long[..4].copy_from_slice(&20u32.to_ne_bytes());
    let request = Query { details: WantedDetails::default(), ..listeners() };
    let faults: [(&str, Vec<Datagram>); 8] = [
        ("a datagram that is cut", vec![Datagram::Raw(too_long)]),
        ("a message that claims more than there is", vec![Datagram::Raw([&80u32.to_ne_bytes()[..], &[0; 60]].concat())]),
        ("a header that is cut", vec![Datagram::Raw(vec![16, 0, 0])]),
        ("a row that is cut", vec![Datagram::Message(sock_diag::BY_FAMILY, 0, vec![2; 71])]),
        ("an end with an error", vec![Datagram::failure(DONE, libc::ENOMEM)]),
        ("no such table (no tcp_diag)", vec![Datagram::failure(ERROR, libc::ENOENT)]),
        ("a refusal", vec![Datagram::failure(ERROR, libc::EPERM)]),
        ("an empty datagram", vec![Datagram::Raw(Vec::new())]),
    ];
    for (what, fault) in faults {
        // The second request gets no answer but the end of the connection.
        let answer = std::iter::once(listener(1, 0)).chain(fault).collect();
        let (found, requests) = read(&request, vec![answer, vec![]]);
        // No file has a row of 192.0.2.1.
        assert!(found.sockets.iter().all(|socket| socket.local.address != std::net::Ipv4Addr::new(192, 0, 2, 1)), "{what}");
        assert_eq!(ports_of(&found).iter().filter(|&&port| port == real).count(), 1, "{what}");
        assert!(found.problems.is_empty() && found.tcp_from_file.is_some(), "{what}: {:?}", found.problems);
        assert!(requests.len() <= 2, "{what}");
    }
}

#[test]
fn what_the_files_cannot_tell_either_is_said() {
    let (found, _) = read(&listeners(), vec![vec![Datagram::failure(ERROR, libc::ENOENT)]]);
    assert_eq!(found.details.len(), found.sockets.len());
    let kinds: Vec<ProblemKind> = found.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::FactUnavailable]);
}

#[test]
fn a_kernel_that_takes_no_program_is_asked_without_one_and_the_rows_are_sifted_here() {
    let port = Selector::parse(&["443".to_owned()], |value| ports::parse(value, |_| Vec::new())).unwrap().into_set();
    let filter = Filter { local_port: port, ..Filter::default() };
    let request = Query { filter, details: WantedDetails::default(), ..listeners() };
    let refusal = vec![Datagram::failure(ERROR, libc::EINVAL)];
    let every_row = vec![listener(80, 0), listener(443, 0), Datagram::done(0)];
    let (found, requests) = read(&request, vec![refusal, every_row]);
    assert_eq!((ports_of(&found), found.problems.as_slice()), (vec![443], &[][..]));
    assert!(requests[0].len() > requests[1].len(), "{requests:?}");
}
