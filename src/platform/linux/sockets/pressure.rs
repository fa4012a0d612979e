//! What findings rest on and no row has: the drops of listeners, full receive buffers, data that nobody acknowledges.
//!
//! Only what may be worth a look is asked for: one dump of the listeners, a lookup for each TCP connection with something in a
//! queue, and one dump of each UDP table in which something waits to be read.

use super::sock_diag::{self, DumpRequest};
use crate::model::details::WantedDetails;
use crate::model::pressure::Pressure;
use crate::model::socket::{Protocol, Socket, State, StateSet, Table};
use crate::model::tcp_info::{TcpField, TcpFields};
use crate::platform::linux::netlink::socket::Netlink;
use crate::request::{SocketSource, Sources};
use std::collections::HashMap;

/// More connections than this are not looked up, which takes 4 µs each: the fullest queues come first.
const MAX_LOOKUPS: usize = 10_000;

/// The attribute with the memory counters.
const MEMORY: WantedDetails = WantedDetails { tcp_info: TcpFields::of(&[TcpField::Drops]), ..WantedDetails::NONE };
/// The same with the internals of a connection.
const INTERNALS: WantedDetails =
    WantedDetails { tcp_info: TcpFields::of(&[TcpField::Drops, TcpField::LastAck]), ..WantedDetails::NONE };

/// Reads it for sockets of the network namespace of this thread, by their positions. What cannot be read is absent.
pub(crate) fn read(sockets: &[Socket], sources: Sources) -> HashMap<u32, Pressure> {
    let mut found = HashMap::new();
    if sources.sockets == SocketSource::Proc {
        return found;
    }
    let Ok(mut netlink) = Netlink::open(rustix::net::netlink::SOCK_DIAG) else { return found };
    dump(&mut netlink, sockets, &mut found);
    let mut queues: Vec<(u32, &Socket)> = (0..).zip(sockets).filter(|(_, socket)| has_queue(socket)).collect();
    queues.sort_by_key(|(_, socket)| std::cmp::Reverse(socket.receive_queue.max(socket.send_queue)));
    for (row, socket) in queues.into_iter().take(MAX_LOOKUPS) {
        let encode = |sequence| sock_diag::lookup_request(socket, INTERNALS, sequence);
        let parse = |kind, payload: &[u8]| {
            let of = sock_diag::parse(payload, Protocol::Tcp).filter(|_| kind == sock_diag::BY_FAMILY)?;
            Some((of, sock_diag::pressure(payload, &of)))
        };
        if let Ok((of, pressure)) = netlink.get(encode, parse)
            && of.inode == socket.inode
        {
            found.insert(row, pressure);
        }
    }
    found
}

/// Whether it is a connection with something in a queue. One that is not established yet has sent no data.
fn has_queue(socket: &Socket) -> bool {
    let may_have_data = socket.is_connection() && !matches!(socket.state, Some(State::SynSent | State::SynReceived));
    may_have_data && (socket.receive_queue > 0 || socket.send_queue > 0)
}

/// Dumps the listeners and the UDP tables in which something waits. A lookup could find another socket of the same port.
fn dump(netlink: &mut Netlink, sockets: &[Socket], found: &mut HashMap<u32, Pressure>) {
    let is_dumped = |socket: &Socket| match socket.protocol {
        Protocol::Tcp => socket.state == Some(State::Listening),
        Protocol::Udp => socket.receive_queue > 0,
    };
    let sought = (0..).zip(sockets).filter(|(_, socket)| socket.inode != 0 && is_dumped(socket));
    let rows: HashMap<u32, u32> = sought.clone().map(|(row, socket)| (socket.inode, row)).collect();
    // The listeners of both families come in one dump.
    let of_kernel = |socket: &Socket| match socket.protocol {
        Protocol::Tcp => Table::Tcp6,
        Protocol::Udp => Table::new(Protocol::Udp, socket.family),
    };
    let mut tables: Vec<Table> = sought.map(|(_, socket)| of_kernel(socket)).collect();
    tables.sort_unstable();
    tables.dedup();
    for table in tables {
        let protocol = table.protocol();
        let states = StateSet::NONE.with(State::Listening);
        let request = DumpRequest { table, states, details: MEMORY, bytecode: &[] };
        let encode = |sequence| match protocol {
            Protocol::Tcp => request.encode_for_both_families(sequence),
            Protocol::Udp => request.encode(sequence),
        };
        let each = |_, payload: &[u8]| {
            let Some(socket) = sock_diag::parse(payload, protocol) else { return };
            if let Some(&row) = rows.get(&socket.inode) {
                found.insert(row, sock_diag::pressure(payload, &socket));
            }
        };
        // A dump that ends early has told what it has told.
        let _ = netlink.dump(encode, each);
    }
}
