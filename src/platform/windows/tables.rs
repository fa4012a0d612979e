//! The socket tables of Windows' IP Helper (`iphlpapi.h`, `tcpmib.h`, `udpmib.h`): bytes in, rows out.
//!
//! A table is a 32-bit count and that many rows of one size. Numbers are little-endian; addresses and ports are in network
//! order, a port in the first two bytes of a 32-bit field.

use crate::model::socket::{Endpoint, Family, Pid, Protocol, Socket, State, Table, Timer};
use crate::platform::little_endian::{u32_at, u64_at};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which of the layouts a buffer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `TCP_TABLE_OWNER_PID_ALL`, `UDP_TABLE_OWNER_PID`: the process of each row.
    OwnerPid,
    /// `TCP_TABLE_OWNER_MODULE_ALL`, `UDP_TABLE_OWNER_MODULE`: the process, the creation time and the module.
    OwnerModule,
    /// `MIB_TCPTABLE2`, `MIB_TCP6TABLE2`: the process and the offload state, which means nothing since Windows 10, which
    /// has no offloading; there is no such table of UDP.
    Offload,
}

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The socket. It has no inode, no user and no queues: Windows does not give them.
    pub socket: Socket,
    /// The process; 0 if the socket is the system's own.
    pub pid: Pid,
    /// When the socket was made, in units of 100 ns since 1601 (a `FILETIME`), if the table has it.
    pub created: Option<u64>,
    /// The row as the system gave it, for the functions that take it back.
    pub bytes: &'a [u8],
}

/// A buffer that does not hold what its count claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The buffer is too short to hold even the count.
    #[error("the table has no count")]
    NoCount,
    /// The count is larger than the buffer.
    #[error("the table claims {claimed} rows and holds {held}")]
    TooFewRows {
        /// The rows that the count promises.
        claimed: u32,
        /// The rows that are there.
        held: usize,
    },
    /// There is no such layout: UDP has no offload table.
    #[error("there is no such table")]
    NoSuchTable,
}

/// Hands each row of a table to `each`. The rows that are there are given even if the count promises more.
pub fn parse<'a>(buffer: &'a [u8], table: Table, class: Class, mut each: impl FnMut(Row<'a>)) -> Result<(), Malformed> {
    let layout = Layout::of(table, class).ok_or(Malformed::NoSuchTable)?;
    let claimed = u32_at(buffer, 0).ok_or(Malformed::NoCount)?;
    let rows = buffer.get(layout.first..).unwrap_or_default().chunks_exact(layout.size);
    let held = rows.len();
    for bytes in rows.take(claimed as usize) {
        if let Some(row) = layout.row(bytes, table) {
            each(row);
        }
    }
    if claimed as usize > held { Err(Malformed::TooFewRows { claimed, held }) } else { Ok(()) }
}

/// The part of a buffer that its count says is the table: what stands behind the last row was never filled in.
pub fn used_part(buffer: &[u8], table: Table, class: Class) -> &[u8] {
    let used = Layout::of(table, class)
        .zip(u32_at(buffer, 0))
        .and_then(|(layout, count)| layout.size.checked_mul(count as usize)?.checked_add(layout.first));
    used.and_then(|used| buffer.get(..used)).unwrap_or(buffer)
}

/// Where things stand in a row, in bytes.
struct Layout {
    /// Where the first row begins: rows that hold 64-bit numbers are aligned to them.
    first: usize,
    size: usize,
    state: Option<usize>,
    local: At,
    remote: Option<At>,
    pid: usize,
    created: Option<usize>,
}

/// Where an endpoint stands in a row. The port comes behind the address, and behind the scope if there is one.
struct At {
    address: usize,
    scope: Option<usize>,
    port: usize,
}

impl At {
    const fn v4(address: usize) -> Self {
        Self { address, scope: None, port: address + 4 }
    }

    const fn v6(address: usize) -> Self {
        Self { address, scope: Some(address + 16), port: address + 20 }
    }
}

impl Layout {
    const fn of(table: Table, class: Class) -> Option<Self> {
        let mut layout = match table {
            Table::Tcp4 => {
                Self { first: 4, size: 24, state: Some(0), local: At::v4(4), remote: Some(At::v4(12)), pid: 20, created: None }
            }
            Table::Tcp6 => {
                Self { first: 4, size: 56, state: Some(48), local: At::v6(0), remote: Some(At::v6(24)), pid: 52, created: None }
            }
            Table::Udp4 => Self { first: 4, size: 12, state: None, local: At::v4(0), remote: None, pid: 8, created: None },
            Table::Udp6 => Self { first: 4, size: 28, state: None, local: At::v6(0), remote: None, pid: 24, created: None },
        };
        match class {
            Class::OwnerPid => {}
            Class::OwnerModule => {
                // The creation time stands at the next multiple of 8. Behind it come the flags of a UDP socket, which
                // fill 8 bytes, and 16 numbers of 64 bits about the module.
                let created = layout.size.next_multiple_of(8);
                let flags = if layout.state.is_none() { 8 } else { 0 };
                layout.first = 8;
                layout.size = created + 8 + flags + 16 * 8;
                layout.created = Some(created);
            }
            Class::Offload => {
                if layout.state.is_none() {
                    return None;
                }
                layout.size += 4;
            }
        }
        Some(layout)
    }

    /// `None` never happens for a slice of [`Layout::size`] bytes.
    fn row<'a>(&self, bytes: &'a [u8], table: Table) -> Option<Row<'a>> {
        let state = match self.state {
            Some(at) => Some(state_of_number(u32_at(bytes, at)?)),
            None => None,
        };
        let (local, local_scope) = endpoint(bytes, &self.local)?;
        let (remote, remote_scope) = match &self.remote {
            // What stands in a listener's foreign fields means nothing.
            Some(at) if state != Some(State::Listening) => endpoint(bytes, at)?,
            _ => (Endpoint::unspecified(table.family()), 0),
        };
        let mut socket = Socket {
            protocol: table.protocol(),
            family: table.family(),
            state,
            timer: Timer::Off,
            local,
            remote,
            interface: local_scope,
            inode: 0,
            uid: 0,
            receive_queue: 0,
            send_queue: 0,
            expires_ms: 0,
        };
        // Only an address that is confined to a link says on which one: elsewhere the field may hold anything.
        if socket.scope(local.address) == 0 {
            socket.interface = remote_scope;
            socket.interface = socket.scope(remote.address);
        }
        Some(Row {
            socket,
            pid: u32_at(bytes, self.pid)?,
            created: self.created.and_then(|at| u64_at(bytes, at)).filter(|&created| created != 0),
            bytes,
        })
    }
}

/// A state by its number in `MIB_TCP_STATE`.
pub const fn state_of_number(number: u32) -> State {
    match number {
        1 => State::Closed,
        2 => State::Listening,
        3 => State::SynSent,
        4 => State::SynReceived,
        5 => State::Established,
        6 => State::FinWait1,
        7 => State::FinWait2,
        8 => State::CloseWait,
        9 => State::Closing,
        10 => State::LastAck,
        11 => State::TimeWait,
        12 => State::DeleteTcb,
        _ => State::Unknown,
    }
}

fn endpoint(row: &[u8], at: &At) -> Option<(Endpoint, u32)> {
    let address = match at.scope {
        None => IpAddr::V4(Ipv4Addr::from(*row.get(at.address..)?.first_chunk::<4>()?)),
        Some(_) => IpAddr::V6(Ipv6Addr::from(*row.get(at.address..)?.first_chunk::<16>()?)),
    };
    let port = u16::from_be_bytes(*row.get(at.port..)?.first_chunk()?);
    let scope = at.scope.and_then(|scope| u32_at(row, scope)).unwrap_or(0);
    Some((Endpoint::new(address, port), scope))
}

/// A row of the tables of sockets that are bound without listening: whatever the table says of its state and its peer.
pub const fn bound(socket: Socket) -> Socket {
    let remote = Endpoint::unspecified(match socket.local.address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    });
    Socket { protocol: Protocol::Tcp, state: Some(State::Bound), remote, ..socket }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A row from 32-bit fields; what is to stand in network order is given so.
    fn fields(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn v4(text: &str) -> u32 {
        u32::from_le_bytes(text.parse::<Ipv4Addr>().unwrap().octets())
    }

    fn v6(text: &str) -> [u32; 4] {
        let octets = text.parse::<Ipv6Addr>().unwrap().octets();
        std::array::from_fn(|word| u32::from_le_bytes(*octets[word * 4..].first_chunk().unwrap()))
    }

    /// A port as the tables hold it, with garbage in the half that is not used.
    fn port(number: u16) -> u32 {
        u32::from(number.swap_bytes()) | 0xabcd_0000
    }

    fn table(alignment: usize, count: u32, rows: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = count.to_le_bytes().to_vec();
        bytes.resize(alignment, 0xee);
        bytes.extend(rows.concat());
        bytes
    }

    fn rows(bytes: &[u8], table: Table, class: Class) -> (Vec<Row<'_>>, Result<(), Malformed>) {
        let mut rows = Vec::new();
        let outcome = parse(bytes, table, class, |row| rows.push(row));
        (rows, outcome)
    }

    fn endpoint_of(address: &str, port: u16) -> Endpoint {
        Endpoint::new(address.parse().unwrap(), port)
    }

    #[test]
    fn a_tcp_row_with_its_module() {
        let mut row = fields(&[5, v4("192.0.2.1"), port(50000), v4("198.51.100.7"), port(443), 4321]);
        row.extend(132_000_000_000_000_000u64.to_le_bytes());
        row.extend([0x77; 128]);
        let bytes = table(8, 1, &[row]);
        let (rows, outcome) = rows(&bytes, Table::Tcp4, Class::OwnerModule);
        assert_eq!(outcome, Ok(()));
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].socket.state, Some(State::Established));
        assert_eq!(rows[0].socket.local, endpoint_of("192.0.2.1", 50000));
        assert_eq!(rows[0].socket.remote, endpoint_of("198.51.100.7", 443));
        assert_eq!((rows[0].pid, rows[0].created), (4321, Some(132_000_000_000_000_000)));
        assert_eq!(rows[0].bytes.len(), 160);
    }

    #[test]
    fn a_tcp6_row_with_its_module_and_a_scope_on_the_link_only() {
        let row = |local: &str, scope, remote: &str, remote_scope| {
            let mut row = fields(&v6(local));
            row.extend(fields(&[scope, port(546)]));
            row.extend(fields(&v6(remote)));
            row.extend(fields(&[remote_scope, port(547), 8, 77]));
            row.extend([0; 8]);
            row.extend([0x77; 128]);
            assert_eq!(row.len(), 192);
            row
        };
        let bytes = table(8, 3, &[row("fe80::1", 12, "fe80::2", 12), row("::1", 99, "::1", 98), row("::1", 99, "fe80::2", 7)]);
        let (rows, outcome) = rows(&bytes, Table::Tcp6, Class::OwnerModule);
        assert_eq!(outcome, Ok(()));
        let interfaces: Vec<u32> = rows.iter().map(|row| row.socket.interface).collect();
        assert_eq!(interfaces, [12, 0, 7]);
        assert_eq!(rows[0].socket.state, Some(State::CloseWait));
        assert_eq!(rows[0].socket.local, endpoint_of("fe80::1", 546));
        assert_eq!(rows[0].socket.remote, endpoint_of("fe80::2", 547));
        assert_eq!((rows[0].pid, rows[0].created), (77, None));
    }

    #[test]
    fn udp_rows_of_both_classes_have_their_owner_and_no_peer() {
        let mut with_module = fields(&[v4("0.0.0.0"), port(5353), 9, 0xcccc_cccc]);
        with_module.extend(5u64.to_le_bytes());
        with_module.extend([0; 8 + 128]);
        let mut with_module6 = fields(&v6("::"));
        with_module6.extend(fields(&[0, port(123), 10, 0xcccc_cccc]));
        with_module6.extend(6u64.to_le_bytes());
        with_module6.extend([0; 8 + 128]);
        let with_pid = fields(&[v4("127.0.0.1"), port(53), 11]);
        let mut with_pid6 = fields(&v6("::1"));
        with_pid6.extend(fields(&[3, port(500), 12]));
        for (which, class, alignment, row, local, pid, created) in [
            (Table::Udp4, Class::OwnerModule, 8, with_module, endpoint_of("0.0.0.0", 5353), 9, Some(5)),
            (Table::Udp6, Class::OwnerModule, 8, with_module6, endpoint_of("::", 123), 10, Some(6)),
            (Table::Udp4, Class::OwnerPid, 4, with_pid, endpoint_of("127.0.0.1", 53), 11, None),
            (Table::Udp6, Class::OwnerPid, 4, with_pid6, endpoint_of("::1", 500), 12, None),
        ] {
            // Two rows: a wrong row size would show in the second.
            let bytes = table(alignment, 2, &[row.clone(), row]);
            let (rows, outcome) = rows(&bytes, which, class);
            assert_eq!(outcome, Ok(()));
            assert_eq!(rows.len(), 2, "{which} {class:?}");
            for row in rows {
                assert_eq!((row.socket.local, row.pid, row.created), (local, pid, created), "{which} {class:?}");
                assert_eq!(row.socket.state, None);
                assert!(row.socket.remote.is_unspecified());
            }
        }
    }

    #[test]
    fn owner_pid_rows_of_tcp() {
        let row = fields(&[2, v4("0.0.0.0"), port(135), 0x5555_5555, port(4444), 900]);
        let bytes = table(4, 1, &[row]);
        let (rows4, _) = rows(&bytes, Table::Tcp4, Class::OwnerPid);
        assert_eq!((rows4[0].socket.local.port, rows4[0].pid), (135, 900));
        assert!(rows4[0].socket.remote.is_unspecified(), "a listener has no peer, whatever its row says");

        let mut row = fields(&v6("2001:db8::1"));
        row.extend(fields(&[0, port(80)]));
        row.extend(fields(&v6("2001:db8::2")));
        row.extend(fields(&[0, port(81), 11, 0]));
        let bytes = table(4, 1, &[row]);
        let (rows6, _) = rows(&bytes, Table::Tcp6, Class::OwnerPid);
        assert_eq!(rows6[0].socket.state, Some(State::TimeWait));
        assert_eq!(rows6[0].socket.remote, endpoint_of("2001:db8::2", 81));
        assert_eq!(rows6[0].pid, 0);
    }

    #[test]
    fn bound_endpoints_come_as_offload_rows_and_have_no_peer() {
        let row = fields(&[0, v4("10.0.0.1"), port(7000), 0xffff_ffff, port(1), 55, 0]);
        let bytes = table(4, 2, &[row.clone(), row]);
        let (rows, outcome) = rows(&bytes, Table::Tcp4, Class::Offload);
        assert_eq!((outcome, rows.len(), rows[1].pid), (Ok(()), 2, 55));
        let socket = bound(rows[1].socket);
        assert_eq!((socket.state, socket.local), (Some(State::Bound), endpoint_of("10.0.0.1", 7000)));
        assert!(socket.remote.is_unspecified());
        assert_eq!(parse(&bytes, Table::Udp4, Class::Offload, |_| {}), Err(Malformed::NoSuchTable));
    }

    #[test]
    fn a_state_outside_the_list_is_unknown() {
        for number in [0, 13, 100, u32::MAX] {
            assert_eq!(state_of_number(number), State::Unknown);
        }
        let numbered: Vec<State> = (1..=12).map(state_of_number).collect();
        assert_eq!(numbered, State::ALL[..12]);
    }

    #[test]
    fn an_absurd_count_gives_the_rows_that_are_there_and_says_so() {
        let row = fields(&[2, v4("0.0.0.0"), port(135), 0, 0, 900]);
        let bytes = table(4, u32::MAX, &[row.clone(), row[..23].to_vec()]);
        let (rows, outcome) = rows(&bytes, Table::Tcp4, Class::OwnerPid);
        assert_eq!(rows.len(), 1);
        assert_eq!(outcome, Err(Malformed::TooFewRows { claimed: u32::MAX, held: 1 }));
        assert_eq!(parse(&[1, 0], Table::Tcp4, Class::OwnerPid, |_| {}), Err(Malformed::NoCount));
        assert_eq!(
            parse(&[1, 0, 0, 0], Table::Tcp6, Class::OwnerModule, |_| {}),
            Err(Malformed::TooFewRows { claimed: 1, held: 0 })
        );
    }

    #[test]
    fn what_stands_behind_the_last_row_is_no_row() {
        let row = fields(&[2, v4("0.0.0.0"), port(135), 0, 0, 900]);
        let bytes = table(4, 1, &[row.clone(), row]);
        assert_eq!(rows(&bytes, Table::Tcp4, Class::OwnerPid).0.len(), 1);
        assert_eq!(rows(&table(4, 0, &[]), Table::Tcp4, Class::OwnerPid), (vec![], Ok(())));
        assert_eq!(used_part(&bytes, Table::Tcp4, Class::OwnerPid).len(), 4 + 24);
        assert_eq!(used_part(&bytes[..20], Table::Tcp4, Class::OwnerPid).len(), 20, "less than the count claims");
        assert_eq!(used_part(&[1], Table::Tcp4, Class::OwnerPid).len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down_or_make_rows_of_nothing(
            bytes in prop::collection::vec(any::<u8>(), 0..700), misalignment in 0usize..8
        ) {
            for which in Table::ALL {
                for class in [Class::OwnerPid, Class::OwnerModule, Class::Offload] {
                    let buffer = bytes.get(misalignment..).unwrap_or_default();
                    let mut count = 0;
                    let outcome = parse(buffer, which, class, |row| {
                        count += 1;
                        assert!(row.socket.interface == 0 || row.socket.scope(row.socket.local.address) != 0
                            || row.socket.scope(row.socket.remote.address) != 0);
                    });
                    let claimed = u32_at(buffer, 0).unwrap_or(0) as usize;
                    prop_assert!(count <= claimed && count * 12 <= buffer.len());
                    prop_assert!(outcome.is_err() || count == claimed);
                }
            }
        }
    }
}
