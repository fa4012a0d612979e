//! Events in NDJSON: short lines, without what is known of most sockets.

use crate::model::closed::LastFigures;
use crate::model::owners::OwnerStatus;
use crate::model::problem::Problem;
use crate::model::socket::{Endpoint, State};
use crate::model::time::rfc3339_ms;
use crate::moment::changes::{Change, Group, Key, Owner};
use crate::moment::events::Event;
use crate::moment::row::protocol_name;
use crate::output::json::write_compact;
use serde::Serialize;
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes events in their order.
pub fn write(out: &mut impl Write, events: &[Event]) -> io::Result<()> {
    events.iter().try_for_each(|event| {
        let difference = &event.difference;
        let Some(now) = difference.after.as_ref().or(difference.before.as_ref()) else { return Ok(()) };
        let was = difference.before.as_ref().filter(|_| difference.after.is_some());
        let changed: Vec<Change> = difference.changes.clone();
        let is_closed = difference.after.is_none();
        let line = EventLine {
            r#type: "event",
            event: difference.word(),
            time: rfc3339_ms(event.time_ms),
            seen_open: is_closed.then_some(event.was_seen),
            changed: changed.iter().copied().map(Change::word).collect(),
            before: was.map(|was| Before::of(was, &changed)),
            socket: SocketRecord::of(&difference.key, now, event.last.as_ref()),
        };
        write_compact(out, &line)?;
        out.write_all(b"\n")
    })
}

/// Writes that something is missing from now on, or was lost until now.
pub fn write_problem(out: &mut impl Write, problem: &Problem, time_ms: u64) -> io::Result<()> {
    let line = ProblemLine { r#type: "problem", time: rfc3339_ms(time_ms), code: problem.kind.word(), message: &problem.message };
    write_compact(out, &line)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct ProblemLine<'a> {
    r#type: &'static str,
    time: Option<String>,
    code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct EventLine<'a> {
    r#type: &'static str,
    event: &'static str,
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_open: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Before<'a>>,
    socket: SocketRecord<'a>,
}

/// What was before, of what changed.
#[derive(Serialize)]
struct Before<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_queue: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owners: Option<Vec<OwnerRecord<'a>>>,
}

impl<'a> Before<'a> {
    fn of(group: &'a Group, changed: &[Change]) -> Self {
        let has = |change| changed.contains(&change);
        Self {
            state: group.states.iter().next().filter(|_| has(Change::State)).map(State::word),
            send_queue: group.backlog.filter(|_| has(Change::Backlog)),
            sockets: has(Change::Sockets).then_some(group.sockets),
            owner_status: has(Change::Owner).then_some(group.owner_status.word()),
            owners: has(Change::Owner).then(|| owners(group)),
        }
    }
}

/// What is known of a socket, as a row has it but shorter: what there is not is absent.
#[derive(Serialize)]
struct SocketRecord<'a> {
    protocol: &'static str,
    local: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The longest queue of a listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_queue: Option<u32>,
    /// How many sockets share the address and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<usize>,
    owner_status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<OwnerRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_info: Option<Figures>,
}

impl<'a> SocketRecord<'a> {
    fn of(key: &'a Key, group: &'a Group, last: Option<&LastFigures>) -> Self {
        let end = |end: &Endpoint| End { address: end.address, port: end.port };
        Self {
            protocol: protocol_name(key.protocol),
            local: end(&key.local),
            remote: key.remote.as_ref().map(end),
            device: key.device.as_deref(),
            state: group.states.iter().next().map(State::word),
            send_queue: group.backlog,
            sockets: Some(group.sockets).filter(|&sockets| sockets > 1),
            owner_status: group.owner_status.word(),
            owners: owners(group),
            tcp_info: last.map(Figures::of),
        }
    }
}

fn owners(group: &Group) -> Vec<OwnerRecord<'_>> {
    let is_shown = group.owner_status == OwnerStatus::Owned;
    group.owners.iter().filter(|_| is_shown).map(OwnerRecord::of).collect()
}

#[derive(Serialize)]
struct End {
    address: IpAddr,
    port: u16,
}

#[derive(Serialize)]
struct OwnerRecord<'a> {
    pid: u32,
    name: Option<&'a str>,
}

impl<'a> OwnerRecord<'a> {
    fn of(owner: &'a Owner) -> Self {
        Self { pid: owner.pid, name: owner.name.as_deref() }
    }
}

/// The last figures of a connection; null if the system has forgotten them.
#[derive(Serialize)]
struct Figures {
    bytes_sent: Option<u64>,
    bytes_received: Option<u64>,
    rtt_us: Option<u64>,
    retransmits: Option<u64>,
}

impl Figures {
    const fn of(last: &LastFigures) -> Self {
        let LastFigures { bytes_sent, bytes_received, rtt_us, retransmits, .. } = *last;
        Self { bytes_sent, bytes_received, rtt_us, retransmits }
    }
}
