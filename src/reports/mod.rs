//! Reports: each is a function of a [`Moment`] that writes bytes. None reads the system, looks anything up or waits.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod actions;
pub mod consumers;
pub mod diff;
pub mod document;
pub mod events;
pub mod explain;
pub(crate) mod findings;
mod i18n;
pub mod interfaces;
pub mod openmetrics;
pub(crate) mod paint;
pub mod rdma;
pub mod routes;
pub mod sockets;
pub mod statistics;
pub mod summary;
pub mod table_style;

#[cfg(test)]
pub(crate) mod tests;

use crate::model::statistics::Section;
use crate::model::time::rfc3339;
use crate::moment::{Moment, Part};
use crate::request::{Amount, Format, Request, View};
use explain::compute::Explanation;
use std::io::{self, Write};
use summary::text::Named;
use table_style::TableStyle;

/// Writes what the request asks of a moment.
pub fn write(out: &mut impl Write, moment: &Moment, request: &Request, style: TableStyle) -> io::Result<()> {
    match request.output.amount {
        Amount::Rows => {}
        Amount::Count => return writeln!(out, "{}", moment.rows(View::Sockets).len()),
        Amount::Nothing => return Ok(()),
    }
    match request.output.format {
        Format::Json => document::write_json(out, moment, request),
        Format::Ndjson => document::write_ndjson(out, moment, request),
        Format::Csv => {
            let time = request.interval.and_then(|_| rfc3339(moment.time));
            let layout =
                sockets::csv::Layout { columns: &request.columns, time: time.as_deref(), no_header: request.output.no_header };
            sockets::csv::write(out, moment.rows(View::Sockets), layout)
        }
        Format::OpenMetrics => openmetrics::write(out, moment),
        Format::Wide => {
            let are_chosen = request.columns_are_chosen;
            let is_of_one_namespace = moment.snapshot().is_none_or(|snapshot| snapshot.namespaces.len() < 2);
            let layout = sockets::wide::Layout {
                columns: &request.columns,
                are_chosen,
                is_grouped: request.sort.is_empty() && is_of_one_namespace,
                language: request.language,
                style,
            };
            sockets::wide::write(out, moment.rows(View::Sockets), layout)
        }
        Format::Table => request.views.iter().enumerate().try_for_each(|(position, &view)| {
            // The routes begin with a rule, not with an empty line.
            if view == View::Routes && position > 0 && known(moment.routing.as_ref()).is_some() {
                writeln!(out)?;
            }
            write_view(out, moment, request, view, style)
        }),
    }
}

/// Writes one view as text; nothing if nothing of it could be read.
fn write_view(out: &mut impl Write, moment: &Moment, request: &Request, view: View, style: TableStyle) -> io::Result<()> {
    let (language, no_header) = (request.language, request.output.no_header);
    match view {
        View::Sockets => {
            let layout = sockets::table::Layout::of(request, moment.host.name.as_deref());
            sockets::table::write(out, moment.rows(view), &layout, no_header)
        }
        View::Interfaces => match known(moment.interfaces.as_ref()) {
            Some(totals) => interfaces::text::write(out, totals, language.interfaces(), no_header),
            None => Ok(()),
        },
        View::Statistics(chosen) => match known(moment.statistics.as_ref()) {
            Some(statistics) => {
                let sections = chosen.as_ref().map_or(&Section::ALL[..], std::slice::from_ref);
                statistics::text::write(out, statistics, sections, language.statistics())
            }
            None => Ok(()),
        },
        View::Routes => match known(moment.routing.as_ref()) {
            Some(routing) => routes::text::write(out, routing, request.query.filter.family, language.routes()),
            None => Ok(()),
        },
        View::Rdma => match known(moment.rdma.as_ref()) {
            Some(endpoints) => rdma::text::write(out, endpoints, language.rdma(), no_header),
            None => Ok(()),
        },
        View::Consumers => {
            let consumers = moment.consumers.as_deref().unwrap_or_default();
            let namespaces = moment.namespaces();
            consumers::text::write(out, consumers, &moment.lookups.processes, namespaces, language.consumers(), style)
        }
        View::Summary => match Named::of(moment) {
            Some(named) => summary::text::write(out, &named, language, style),
            None => Ok(()),
        },
        View::Explanations => {
            let explanations = Explanation::of_request(moment, request);
            match request.task.wait() {
                Some(wait) => explanations
                    .iter()
                    .try_for_each(|explanation| explain::wait::write(out, explanation, wait.until, style.color)),
                None => explain::namespaces::write_all(out, &explanations, style),
            }
        }
    }
}

fn known<T>(part: Option<&Part<T>>) -> Option<&T> {
    part.and_then(Part::known)
}
