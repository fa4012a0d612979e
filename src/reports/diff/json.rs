//! Differences in JSON.

use super::compare::Comparison;
use super::recorded::{Head, Recorded};
use crate::model::socket::{Endpoint, State};
use crate::moment::changes::{Change, Difference, Group, Owner};
use crate::moment::row::protocol_name;
use crate::output::json::{write_compact, write_document};
use crate::reports::document::SCHEMA_VERSION;
use crate::request::{Format, Output};
use serde::Serialize;
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes the differences as JSON or as NDJSON.
pub fn write(out: &mut impl Write, documents: [&Recorded; 2], comparison: &Comparison, output: &Output) -> io::Result<()> {
    let [earlier, later] = documents;
    let head = DocumentHead {
        schema_version: SCHEMA_VERSION,
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        later: &later.head,
        complete: comparison.missing.is_empty(),
        earlier: &earlier.head,
    };
    let differences = comparison.differences.iter().map(DifferenceRecord::new);
    if output.format == Format::Json {
        return write_document(out, &Document { head, differences: differences.collect() });
    }
    if !output.no_header {
        write_compact(out, &Line { r#type: "snapshot", value: head })?;
        out.write_all(b"\n")?;
    }
    for value in differences {
        write_compact(out, &Line { r#type: "difference", value })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Line<T> {
    r#type: &'static str,
    #[serde(flatten)]
    value: T,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    head: DocumentHead<'a>,
    differences: Vec<DifferenceRecord<'a>>,
}

#[derive(Serialize)]
struct DocumentHead<'a> {
    schema_version: u32,
    program: &'static str,
    version: &'static str,
    #[serde(flatten)]
    later: &'a Head,
    complete: bool,
    earlier: &'a Head,
}

#[derive(Serialize)]
struct DifferenceRecord<'a> {
    change: &'static str,
    changed: Vec<&'static str>,
    namespace: Option<&'a str>,
    protocol: &'static str,
    local: EndRecord,
    device: Option<&'a str>,
    remote: Option<EndRecord>,
    before: Option<GroupRecord<'a>>,
    after: Option<GroupRecord<'a>>,
}

#[derive(Serialize)]
struct EndRecord {
    address: IpAddr,
    port: u16,
}

#[derive(Serialize)]
struct GroupRecord<'a> {
    sockets: usize,
    states: Vec<&'static str>,
    backlog: Option<u32>,
    owners_known: bool,
    owners: Vec<&'a Owner>,
}

impl<'a> DifferenceRecord<'a> {
    fn new(difference: &'a Difference) -> Self {
        let Difference { key, before, after, changes } = difference;
        let end = |end: &Endpoint| EndRecord { address: end.address, port: end.port };
        Self {
            change: difference.word(),
            changed: changes.iter().copied().map(Change::word).collect(),
            namespace: key.namespace.as_deref(),
            protocol: protocol_name(key.protocol),
            local: end(&key.local),
            device: key.device.as_deref(),
            remote: key.remote.as_ref().map(end),
            before: before.as_ref().map(GroupRecord::new),
            after: after.as_ref().map(GroupRecord::new),
        }
    }
}

impl<'a> GroupRecord<'a> {
    fn new(group: &'a Group) -> Self {
        Self {
            sockets: group.sockets,
            states: group.states.iter().map(State::word).collect(),
            backlog: group.backlog,
            owners_known: group.owners_are_known,
            owners: group.owners.iter().collect(),
        }
    }
}
