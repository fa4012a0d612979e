//! What a pane shows of the selected row: read for that row alone.

use super::fields;
use super::styled::{StyledLine, Tint};
use crate::app::Reader;
use crate::cli::{self, Command};
use crate::model::cgroup::Container;
use crate::model::process::Facts;
use crate::model::socket::{Socket, StateSet};
use crate::moment::Moment;
use crate::moment::row::Row;
use crate::output::escape::escape;
use crate::platform;
use crate::reports::paint::Paint;
use crate::reports::sockets::cells::name_and_pid;
use crate::reports::sockets::json;
use crate::reports::table_style::TableStyle;
use crate::request::column::Column;
use crate::request::needs::Needs;
use crate::request::{Names, PortQuestion, Query, Request, UdpRows, View};
use std::ffi::OsString;

/// The details of a row: every field of JSON, then where its owners belong. They are read again for that row alone, with all
/// that costs too much for each row; of a socket that is gone meanwhile, what the screen had of it is left.
pub fn details(reader: &mut Reader, request: &Request, row: Row<'_>) -> Vec<StyledLine> {
    let is_read = |column: &Column| *column != Column::Peer && column.is_on(platform::SYSTEM);
    let columns: Vec<Column> = Column::ALL.into_iter().filter(is_read).collect();
    let request = Request {
        query: query(request, row.socket),
        columns: columns.clone(),
        columns_are_chosen: false,
        sort: Vec::new(),
        names: Names::Numeric,
        ..request.clone()
    };
    let mut moment = reader.read(&request);
    let key = row.key();
    let found = moment.rows(View::Sockets).iter().position(|row| row.key() == key);
    let position = found.and_then(|number| moment.rows(View::Sockets).positions().get(number).copied());
    let Some(position) = position else {
        let mut lines = vec![StyledLine::painted("  The socket is gone; this is what was known of it.", Paint::Bad)];
        lines.extend(record(row, Column::JSON));
        return lines;
    };
    let needs = Needs { processes: Some(Facts::ALL), cgroups: true, ancestors: true, ..Needs::OWNERS };
    reader.look_up_rows(&mut moment, &[position], needs, Names::Numeric);
    let Some(now) = moment.rows(View::Sockets).get(position) else { return Vec::new() };
    let mut lines = record(now, &columns);
    lines.extend(peers(row));
    lines.extend(owners(now, &moment));
    lines
}

/// Reads that one socket, or those few that share its ports.
fn query(request: &Request, socket: &Socket) -> Query {
    let mut query = Query { states: StateSet::ALL, udp: UdpRows::All, ..request.query.clone() };
    query.tables = [socket.table()].into_iter().collect();
    query.filter = crate::filter::Filter::default();
    query.filter.local_port = Some([socket.local.port..=socket.local.port].into_iter().collect());
    query.filter.remote_port = socket.peer().map(|end| [end.port..=end.port].into_iter().collect());
    query
}

fn record(row: Row<'_>, columns: &[Column]) -> Vec<StyledLine> {
    let lines = json::record(row, columns).and_then(|json| fields::lines(&json));
    lines.unwrap_or_else(|error| vec![StyledLine::painted(escape(&error.to_string()).into_owned(), Paint::Bad)])
}

fn fact(name: &str, value: &str) -> StyledLine {
    let mut line = StyledLine::painted(format!("  {name}  "), Paint::Dim);
    line.push(escape(value).into_owned(), None);
    line
}

fn peers(row: Row<'_>) -> Option<StyledLine> {
    let name = |pid| row.process(pid).map(|process| process.name.to_string_lossy());
    let peers: Vec<String> = row.peers().iter().map(|&pid| name_and_pid(pid, name(pid).as_deref())).collect();
    (!peers.is_empty()).then(|| fact("other end", &peers.join("; ")))
}

/// The unit, the container and the ancestors of each owner.
fn owners(row: Row<'_>, moment: &Moment) -> Vec<StyledLine> {
    let mut lines = Vec::new();
    for pid in row.owners().pids() {
        let cgroup = moment.lookups.cgroups.get(&pid);
        let ancestors = moment.lookups.ancestors.get(&pid).map_or(&[][..], Vec::as_slice);
        let name = |pid: u32| row.process(pid).map(|process| process.name.to_string_lossy());
        let ancestors: Vec<String> = ancestors.iter().map(|&pid| name_and_pid(pid, name(pid).as_deref())).collect();
        let facts = [
            ("unit", cgroup.and_then(|cgroup| cgroup.unit.clone())),
            ("container", cgroup.and_then(|cgroup| cgroup.container.as_ref()).map(Container::short_name)),
            ("started by", Some(ancestors.join(", by ")).filter(|text| !text.is_empty())),
        ];
        let known = facts.into_iter().filter_map(|(fact, value)| Some((fact, value?)));
        lines.extend(known.map(|(name, value)| fact(&format!("{pid} {name}"), &value)));
    }
    lines
}

/// Why the port of a row is taken: what `--explain` prints.
pub fn explanation(reader: &mut Reader, request: &Request, row: Row<'_>, width: u16) -> Vec<StyledLine> {
    let question = PortQuestion { port: row.socket.local.port, protocol: Some(row.socket.protocol) };
    let words = ["--explain".to_owned(), question.to_string()].map(OsString::from);
    let asked = match cli::parse(words) {
        Ok(Command::Run(asked)) => *asked,
        Ok(Command::Print(text)) => return vec![StyledLine::new(text, None)],
        Err(error) => return vec![StyledLine::painted(error.sentence, Paint::Bad)],
    };
    let query = Query { sources: request.query.sources, namespaces: request.query.namespaces.clone(), ..asked.query.clone() };
    let asked = Request { query, ..asked };
    let moment = reader.read(&asked);
    let mut out = Vec::new();
    let style = TableStyle { width: Some(width), color: true, no_header: false };
    if let Err(error) = crate::reports::write(&mut out, &moment, &asked, style) {
        return vec![StyledLine::painted(error.to_string(), Paint::Bad)];
    }
    String::from_utf8_lossy(&out).lines().map(line_of_report).collect()
}

fn line_of_report(text: &str) -> StyledLine {
    let mut line = StyledLine::default();
    for (text, paint) in Paint::parts(text) {
        line.push(text, paint.map(Tint::Paint));
    }
    line
}
