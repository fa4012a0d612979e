//! The kernel's program and the final check together accept exactly what a filter means.

use super::kernel::{Entry, accepts, passes};
use super::{LONGEST, and_local_ports, and_remote_ports, compile};
use crate::filter::owners::OwnerFilter;
use crate::filter::ports::{self, EitherPort, PortSet};
use crate::filter::selector::Selector;
use crate::filter::states::States;
use crate::filter::{Filter, addresses, states};
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Family, Protocol, Socket, State, StateSet, Table, TableSet};
use crate::request::{Query, UdpRows};
use proptest::prelude::*;
use std::net::IpAddr;

/// A value of a switch as a user thinks of it.
#[derive(Clone, Debug)]
struct Value<T> {
    excluded: bool,
    means: T,
}

#[derive(Clone, Copy, Debug)]
struct Net {
    address: IpAddr,
    length: u8,
    scope: u32,
}

type Ports = Vec<Value<(u16, u16)>>;
type Nets = Vec<Value<Net>>;

/// A filter as a user thinks of it.
#[derive(Clone, Debug)]
struct Wish {
    port: Ports,
    remote_port: Ports,
    any_port: Ports,
    local: Nets,
    remote: Nets,
    states: Vec<Value<State>>,
    users: Vec<Value<u32>>,
    listening: bool,
    family: Option<Family>,
}

/// What "alternatives, and none of the excluded ones" means, word by word.
fn chosen<T>(values: &[Value<T>], is: impl Fn(&T) -> bool) -> bool {
    let mut wanted = values.iter().filter(|value| !value.excluded).peekable();
    let hit = wanted.peek().is_none() || wanted.any(|value| is(&value.means));
    hit && values.iter().filter(|value| value.excluded).all(|value| !is(&value.means))
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

fn lies_in(socket: &Socket, address: IpAddr, net: &Net) -> bool {
    let ((address_bits, width), (net_bits, net_width)) = (bits(address), bits(net.address));
    let beyond = width - u32::from(net.length).min(width);
    width == net_width
        && address_bits.checked_shr(beyond).unwrap_or(0) == net_bits.checked_shr(beyond).unwrap_or(0)
        && (net.scope == 0 || net.scope == socket.scope(address))
}

impl Wish {
    /// Whether a row is meant, decided without any of the code under test.
    fn means(&self, socket: &Socket) -> bool {
        let (local, remote) = (socket.local, socket.remote);
        let within = |port: u16| move |range: &(u16, u16)| (range.0..=range.1).contains(&port);
        chosen(&self.port, within(local.port))
            && chosen(&self.remote_port, within(remote.port))
            && chosen(&self.any_port, |range| within(local.port)(range) || within(remote.port)(range))
            && chosen(&self.local, |net| lies_in(socket, local.address, net))
            && chosen(&self.remote, |net| lies_in(socket, remote.address, net))
            && chosen(&self.states, |&state| socket.state == Some(state))
            && chosen(&self.users, |&uid| socket.inode != 0 && socket.uid == uid)
            && (!self.listening || socket.state == Some(State::Listening) || socket.state.is_none() && remote.is_unspecified())
            && self.family.is_none_or(|family| local.address.is_ipv4() == (family == Family::V4))
    }

    /// The filter that the command line would make of it.
    fn filter(&self) -> Filter {
        fn values<T>(values: &[Value<T>], text: impl Fn(&T) -> String) -> Vec<String> {
            values.iter().map(|value| format!("{}{}", if value.excluded { "!" } else { "" }, text(&value.means))).collect()
        }
        let choice = |wish: &Ports| {
            let text = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
            Selector::parse(&values(wish, text), |value| ports::parse(value, |_| Vec::new())).unwrap()
        };
        let prefixes = |wish: &Nets| {
            let text = |net: &Net| match net.scope {
                0 => format!("{}/{}", net.address, net.length),
                scope => format!("{}%{scope}/{}", net.address, net.length),
            };
            Selector::parse(&values(wish, text), |value| addresses::parse(value, |_| None)).unwrap()
        };
        let state = Selector::parse(&values(&self.states, State::to_string), states::parse).unwrap();
        Filter {
            local_port: choice(&self.port).into_set(),
            remote_port: choice(&self.remote_port).into_set(),
            either_port: EitherPort::new(choice(&self.any_port)),
            states: States::new(&state),
            listening: self.listening,
            exposure: None,
            local: prefixes(&self.local),
            remote: prefixes(&self.remote),
            family: self.family,
            users: Selector::parse(&values(&self.users, u32::to_string), |value| Ok(value.parse::<u32>().ok())).unwrap(),
            owners: OwnerFilter::default(),
            conditions: Vec::new(),
        }
    }

    /// Whether the kernel alone can decide it, states apart.
    fn is_the_kernels(&self) -> bool {
        let unscoped = |nets: &Nets| nets.iter().all(|net| net.means.scope == 0);
        self.users.is_empty() && self.states.is_empty() && !self.listening && unscoped(&self.local) && unscoped(&self.remote)
    }
}

/// A socket as the kernel has it, and its row.
#[derive(Clone, Debug)]
struct Case {
    table: Table,
    entry: Entry,
    row: Socket,
}

const IPV4: [&str; 6] = ["0.0.0.0", "127.0.0.1", "10.0.0.1", "10.0.0.2", "10.128.0.1", "192.0.2.1"];
const IPV6: [&str; 9] = [
    "::",
    "::1",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
    "2001:db8:0:8000::1",
    "::ffff:10.0.0.1",
    "::ffff:10.128.0.1",
    "::10.0.0.1",
];

fn address(family: Family) -> impl Strategy<Value = IpAddr> {
    let pool = match family {
        Family::V4 => IPV4.as_slice(),
        Family::V6 => IPV6.as_slice(),
    };
    prop::sample::select(pool).prop_map(|text| text.parse().unwrap())
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0u16), 1u16..6, 65533..=65535u16]
}

fn value<T: std::fmt::Debug>(means: impl Strategy<Value = T>) -> impl Strategy<Value = Value<T>> {
    (prop::bool::weighted(0.4), means).prop_map(|(excluded, means)| Value { excluded, means })
}

/// Often nothing, sometimes a few values.
fn few<T: std::fmt::Debug + Clone>(means: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<Value<T>>> {
    let some = prop::collection::vec(value(means), 1..4);
    prop::option::weighted(0.4, some).prop_map(Option::unwrap_or_default)
}

fn ports() -> impl Strategy<Value = Ports> {
    few((port(), port()).prop_map(|(a, b)| (a.min(b), a.max(b))))
}

fn net() -> impl Strategy<Value = Net> {
    let length = |widest: u8| prop_oneof![Just(0), Just(widest), 0..=widest];
    prop_oneof![
        (address(Family::V4), length(32)).prop_map(|(address, length)| Net { address, length, scope: 0 }),
        (address(Family::V6), length(128), 0u32..3).prop_map(|(address, length, scope)| {
            // What a mapped prefix means is tested where it is parsed.
            let address = if address.to_canonical().is_ipv4() { "::".parse().unwrap() } else { address };
            let scope = if crate::model::socket::has_scope(address) { scope } else { 0 };
            Net { address, length, scope }
        }),
    ]
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(vec![State::Listening, State::Established, State::TimeWait, State::Bound])
}

fn wish() -> impl Strategy<Value = Wish> {
    let family = prop::option::weighted(0.2, prop::sample::select(vec![Family::V4, Family::V6]));
    let places = (ports(), ports(), ports(), few(net()), few(net()));
    let kinds = (few(state()), few(0u32..2), prop::bool::weighted(0.1), family);
    (places, kinds).prop_map(|((port, remote_port, any_port, local, remote), (states, users, listening, family))| Wish {
        port,
        remote_port,
        any_port,
        local,
        remote,
        states,
        users,
        listening,
        family,
    })
}

fn case() -> impl Strategy<Value = Case> {
    let table = prop::sample::select(Table::ALL.to_vec());
    let ends = |table: Table| (address(table.family()), port(), address(table.family()), port());
    (table.prop_flat_map(move |table| (Just(table), ends(table))), state(), 0u32..2, 0u32..2, 0u32..3).prop_map(
        |((table, (from, from_port, to, to_port)), state, uid, inode, interface)| Case {
            table,
            entry: Entry { family: table.family(), local: (from, from_port), remote: (to, to_port) },
            row: Socket {
                protocol: table.protocol(),
                family: table.family(),
                state: (table.protocol() == Protocol::Tcp).then_some(state),
                local: Endpoint::new(from, from_port),
                remote: Endpoint::new(to, to_port),
                interface,
                uid,
                inode,
                ..socket("::1", 1)
            },
        },
    )
}

/// The programs of the four tables.
fn programs(request: &Query) -> [Option<Vec<u8>>; 4] {
    Table::ALL.map(|table| compile(request, table))
}

/// Whether the kernel, asked with this request and these programs, would give the row.
fn gives(request: &Query, programs: &[Option<Vec<u8>>; 4], case: &Case) -> bool {
    request.tables.contains(case.row.table()) // what is not asked for at all
        && case.row.state.is_none_or(|state| request.states.contains(state))
        && programs[case.table as usize].as_ref().is_some_and(|program| passes(program, &case.entry))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn program_and_final_check_accept_exactly_the_wanted_sockets(wish in wish(), cases in prop::collection::vec(case(), 20)) {
        let request = Query::new(TableSet::ALL, StateSet::ALL, UdpRows::All, wish.filter());
        let programs = programs(&request);
        for program in programs.iter().flatten() {
            prop_assert!(accepts(program) && program.len() <= LONGEST, "{program:?}");
        }
        for case in &cases {
            let meant = wish.means(&case.row);
            prop_assert_eq!(request.matches(&case.row), meant, "the check on {:?}", case);
            let given = gives(&request, &programs, case);
            prop_assert!(given || !meant, "the kernel withholds {:?}", case);
            let of_both = &programs[Table::new(case.table.protocol(), Family::V6) as usize];
            let given_of_both = of_both.as_ref().is_some_and(|program| passes(program, &case.entry));
            prop_assert!(given_of_both || !meant, "in a dump of both families the kernel withholds {:?}", case);
            if wish.is_the_kernels() {
                prop_assert_eq!(given, meant, "the kernel could have decided {:?}", case);
            }
        }
    }

    #[test]
    fn tables_and_states_that_are_not_wanted_are_not_returned(
        wish in wish(), cases in prop::collection::vec(case(), 20), tables in prop::sample::subsequence(Table::ALL.to_vec(), 0..4)
    ) {
        let request = Query::new(tables.into_iter().collect(), StateSet::ALL.without(State::TimeWait), UdpRows::All, wish.filter());
        let programs = programs(&request);
        for case in &cases {
            let meant = request.tables.contains(case.row.table())
                && case.row.state != Some(State::TimeWait)
                && wish.means(&case.row);
            prop_assert_eq!(request.matches(&case.row), meant);
            prop_assert!(gives(&request, &programs, case) || !meant, "the kernel withholds {:?}", case);
        }
    }

    #[test]
    fn shards_by_ports_are_together_the_whole_dump(wish in wish(), cases in prop::collection::vec(case(), 20), cuts in prop::collection::vec((port(), port()), 0..40)) {
        let share: PortSet = cuts.into_iter().map(|(first, last)| first..=last).collect();
        let request = Query::new(TableSet::ALL, StateSet::ALL, UdpRows::All, wish.filter());
        let programs = programs(&request);
        for case in &cases {
            let Some(whole) = &programs[case.table as usize] else { continue };
            for and_ports in [and_local_ports, and_remote_ports] {
                let (one, other) = (and_ports(&share, whole), and_ports(&share.complement(), whole));
                prop_assert!(accepts(&one) && accepts(&other));
                let (one, other) = (passes(&one, &case.entry), passes(&other, &case.entry));
                prop_assert_eq!(one || other, passes(whole, &case.entry));
                prop_assert!(!(one && other));
            }
        }
    }
}

fn filter(port: &[&str], local: &[&str]) -> Filter {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    Filter {
        local_port: Selector::parse(&owned(port), |value| ports::parse(value, |_| Vec::new())).unwrap().into_set(),
        local: Selector::parse(&owned(local), |value| addresses::parse(value, |_| None)).unwrap(),
        ..Filter::default()
    }
}

fn program(filter: Filter, table: Table) -> Option<Vec<u8>> {
    compile(&Query::new(TableSet::ALL, StateSet::ALL, UdpRows::All, filter), table)
}

#[test]
fn a_port_range_is_two_instructions_and_no_filter_is_none() {
    assert_eq!(program(Filter::default(), Table::Tcp4), Some(vec![]));
    let instructions = program(filter(&["8000-8100"], &[]), Table::Udp6).unwrap();
    let [low, high] = [8000u16, 8100].map(u16::to_ne_bytes);
    let [first_no, second_no] = [20u16, 12].map(u16::to_ne_bytes);
    let first = [2, 8, first_no[0], first_no[1], 0, 0, low[0], low[1]];
    let second = [3, 8, second_no[0], second_no[1], 0, 0, high[0], high[1]];
    assert_eq!(instructions, [first, second].concat());
    assert_eq!(and_local_ports(&PortSet::from_iter([8000..=8100]), &[]), instructions);
}

#[test]
fn a_table_that_can_hold_no_wanted_socket_is_not_dumped() {
    assert_eq!(program(filter(&[], &["2001:db8::/32"]), Table::Tcp4), None);
    assert_eq!(program(filter(&["!0-65535"], &[]), Table::Tcp4), None);
    let ipv6 = Filter { family: Some(Family::V6), ..Filter::default() };
    assert_eq!(program(ipv6.clone(), Table::Udp4), None);
    assert!(program(ipv6, Table::Udp6).is_some_and(|program| !program.is_empty()));
    let time_wait = Query::new(TableSet::ALL, StateSet::NONE, UdpRows::All, Filter::default());
    assert_eq!(compile(&time_wait, Table::Tcp6), None);
}

#[test]
fn conditions_that_would_be_too_long_are_left_to_the_final_check() {
    let many_ports: Vec<String> = (0..20_000).map(|port| (2 * port + 5).to_string()).collect();
    let many_ports: Vec<&str> = many_ports.iter().map(String::as_str).collect();
    let hull = program(filter(&many_ports, &[]), Table::Tcp4).unwrap();
    assert_eq!(hull, and_local_ports(&PortSet::from_iter([5..=40_003]), &[]));

    let many_nets: Vec<String> = (0..1000).map(|net| format!("2001:db8:{net:x}::/48")).collect();
    let many_nets: Vec<&str> = many_nets.iter().map(String::as_str).collect();
    assert_eq!(program(filter(&[], &many_nets), Table::Tcp6), Some(vec![]));
    let one_port_remains = program(filter(&["80"], &many_nets), Table::Tcp6).unwrap();
    assert_eq!(one_port_remains, and_local_ports(&PortSet::from_iter([80..=80]), &[]));
}
