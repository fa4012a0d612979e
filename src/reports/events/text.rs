//! Events for people: a line each, its time first, then as differences are written.

use crate::model::closed::LastFigures;
use crate::model::time::rfc3339_ms;
use crate::moment::events::Event;
use crate::output::escape::escape;
use crate::reports::diff::text::line;
use crate::request::unit::{Quantity, Unit};
use std::io::{self, Write};

/// Writes events in their order.
pub fn write(out: &mut impl Write, events: &[Event]) -> io::Result<()> {
    events.iter().try_for_each(|event| {
        let time = rfc3339_ms(event.time_ms).unwrap_or_default();
        let unseen = if event.was_seen { "" } else { "; it was opened after the last read" };
        let figures = event.last.as_ref().map(figures).unwrap_or_default();
        writeln!(out, "{time} {}{figures}{unseen}", escape(&line(&event.difference)))
    })
}

/// `; sent 1.2KiB, received 500B, rtt 12.3ms, 2 retransmits`, as far as they are known.
fn figures(last: &LastFigures) -> String {
    let quantity = |name: &str, number: Option<u64>, unit| number.map(|number| format!("{name} {}", Quantity(number, unit)));
    let known = [
        quantity("sent", last.bytes_sent, Unit::Bytes),
        quantity("received", last.bytes_received, Unit::Bytes),
        quantity("rtt", last.rtt_us, Unit::Microseconds),
        last.retransmits.filter(|&count| count > 0).map(|count| format!("retransmits {count}")),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    if known.is_empty() { String::new() } else { format!("; {}", known.join(", ")) }
}
