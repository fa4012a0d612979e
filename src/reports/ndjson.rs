//! NDJSON: a line for the moment, then a line for each socket, each with its `type`.

use super::json::{ConsumerRecord, Head, RdmaRecord, Section};
use super::json_records::SocketRecord;
use crate::output::json;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Line<T> {
    r#type: &'static str,
    #[serde(flatten)]
    value: T,
}

/// Writes the lines of one moment, the head first: what is incomplete is known before the first row is read.
pub fn write(out: &mut impl Write, head: &Head<'_>, sections: &[Section<'_>]) -> io::Result<()> {
    line(out, &Line { r#type: "snapshot", value: head })?;
    for section in sections {
        match section {
            Section::Sockets(listing) => {
                listing.iter().try_for_each(|row| line(out, &SocketRecord::new(row).of_type("socket")))?;
            }
            Section::Consumers(consumers, processes) => consumers.iter().try_for_each(|consumer| {
                line(out, &Line { r#type: "consumer", value: ConsumerRecord::new(consumer, processes) })
            })?,
            Section::Rdma(endpoints) => {
                endpoints.iter().try_for_each(|endpoint| line(out, &Line { r#type: "rdma", value: RdmaRecord::new(endpoint) }))?
            }
            other => line(out, &Line { r#type: other.name(), value: other })?,
        }
    }
    Ok(())
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    json::write(out, value)?;
    out.write_all(b"\n")
}
