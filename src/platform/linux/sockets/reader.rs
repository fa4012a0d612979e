//! One table, or a shard of it: by `sock_diag`, or from `/proc/self/net` if that fails.

use crate::filter::conditions::Condition;
use crate::model::details::{Details, WantedDetails};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::{Family, Protocol, Socket, State, StateSet, Table, TableSet};
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
use crate::platform::linux::netlink::socket::{Consistency, DumpError, Netlink, RETRIES};
use crate::platform::linux::procfs::net;
use crate::platform::linux::sockets::inet_diag_filter;
use crate::platform::linux::sockets::partition::PortShard;
use crate::platform::linux::sockets::sock_diag::{self, DumpRequest};
use crate::request::{Query, SocketSource};
use std::io::{self, BufRead, BufReader};

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct TableRows {
    pub(crate) sockets: Vec<Socket>,
    /// The details of each of them; empty if none were asked for.
    pub(crate) details: Vec<Details>,
    /// The network namespace of each of them: its inode, or another number that stands for it; empty if only one was read.
    pub(crate) namespaces: Vec<u32>,
    /// The internals of TCP connections; empty if they were not asked for.
    pub(crate) tcp_info: TcpInfoTable,
    pub(crate) problems: Vec<Problem>,
    /// Why a TCP table was read from its file, if one was.
    pub(crate) tcp_from_file: Option<FileReason>,
}

impl TableRows {
    /// Drops all rows from a position on.
    fn truncate(&mut self, start: usize) {
        self.sockets.truncate(start);
        self.details.truncate(start);
        self.tcp_info.truncate(start);
    }

    /// Fills the details up for rows of a source that has none.
    pub(crate) fn resize_details(&mut self, wanted: WantedDetails) {
        if wanted.any_of_row() {
            self.details.resize(self.sockets.len(), Details { is_unread: true, ..Details::default() });
        }
        if self.tcp_info.is_empty() {
            self.tcp_info = TcpInfoTable::new(wanted.tcp_info);
        }
        self.tcp_info.resize_unread(self.sockets.len());
    }

    /// Appends the rows of another reader and frees their memory meanwhile: there is never a second copy of many rows.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        const CHUNK: usize = 64 * 1024;
        // Chunks are taken from the end, and the details in the same order.
        while !other.sockets.is_empty() {
            let rest = other.sockets.len().saturating_sub(CHUNK);
            self.sockets.extend_from_slice(other.sockets.get(rest..).unwrap_or_default());
            self.details.extend(other.details.drain(rest.min(other.details.len())..));
            self.namespaces.extend(other.namespaces.drain(rest.min(other.namespaces.len())..));
            self.tcp_info.take_tail(&mut other.tcp_info, rest);
            other.sockets.truncate(rest);
            other.sockets.shrink_to_fit();
        }
        self.tcp_from_file = self.tcp_from_file.or(other.tcp_from_file);
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }
}

/// One dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DumpJob {
    pub(crate) kind: DumpKind,
    pub(crate) states: StateSet,
    /// Some of the sockets; `None` for all of them.
    pub(crate) shard: Option<PortShard>,
}

/// Which table is dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DumpKind {
    /// One of the kernel's tables.
    Table(Table),
    /// TCP over IPv4 and IPv6 in one dump, without bound sockets.
    BothTcp,
}

impl DumpKind {
    /// The protocol of its tables.
    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::BothTcp => Protocol::Tcp,
            Self::Table(table) => table.protocol(),
        }
    }

    /// The tables; the last one also has IPv4 rows.
    fn tables(self) -> &'static [Table] {
        match self {
            Self::BothTcp => &[Table::Tcp4, Table::Tcp6],
            Self::Table(Table::Tcp4) => &[Table::Tcp4],
            Self::Table(Table::Tcp6) => &[Table::Tcp6],
            Self::Table(Table::Udp4) => &[Table::Udp4],
            Self::Table(Table::Udp6) => &[Table::Udp6],
        }
    }
}

/// Runs jobs one after another.
pub(crate) struct Reader<'a> {
    request: &'a Query,
    netlink: Option<Netlink>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(request: &'a Query) -> Self {
        Self { request, netlink: None }
    }

    /// Runs a job to its end.
    pub(crate) fn read(&mut self, job: &DumpJob, found: &mut TableRows) {
        // A watcher that never fails cancels nothing.
        let _ = self.read_watched(job, found, &mut |_, _| Ok(()));
    }

    /// Runs a job; `watch` sees each row, wanted or not, and may cancel it. What was read until then is dropped.
    pub(crate) fn read_watched(
        &mut self,
        job: &DumpJob,
        found: &mut TableRows,
        watch: &mut dyn FnMut(&Socket, usize) -> Result<(), Cancelled>,
    ) -> Result<(), Cancelled> {
        let start = found.sockets.len();
        if found.tcp_info.is_empty() {
            found.tcp_info = TcpInfoTable::new(self.request.details.tcp_info);
        }
        let outcome = self.dump(job, found, watch);
        let refusal = match outcome {
            Ok(Consistency::Whole) => return Ok(()),
            Ok(Consistency::Interrupted) => {
                let tables = job.kind.tables().iter().map(Table::to_string).collect::<Vec<_>>().join(" or ");
                let message = format!("the {tables} table changed while it was read: rows may be missing or stale");
                let shown = job.kind.tables().iter().fold(TableSet::NONE, |all, &table| all.or(TableSet::shown_of(table)));
                found.problems.push(Problem::new(ProblemKind::TableIncomplete, message).about(shown));
                return Ok(());
            }
            Err(DumpError::Cancelled) => {
                found.truncate(start);
                self.netlink = None;
                return Err(Cancelled);
            }
            Err(refusal) => refusal,
        };
        self.netlink = None;
        if job.kind == DumpKind::BothTcp {
            found.truncate(start);
            for &table in job.kind.tables() {
                self.read(&DumpJob { kind: DumpKind::Table(table), ..job.clone() }, found);
            }
            return Ok(());
        }
        for &table in job.kind.tables() {
            let dumped = found.sockets.split_off(start);
            let details = found.details.split_off(start.min(found.details.len()));
            let mut tcp_info = TcpInfoTable::default();
            tcp_info.take_tail(&mut found.tcp_info, start);
            if table.protocol() == Protocol::Tcp {
                found.tcp_from_file = Some(if refusal.is_missing() { FileReason::NoSockDiag } else { FileReason::Refused });
            }
            let read = match self.request.sources.sockets {
                SocketSource::Netlink => Err(io::Error::other("another source is asked for")),
                SocketSource::Auto | SocketSource::Bpf | SocketSource::Proc => self.read_file(job, table, &mut found.sockets),
            };
            if let Err(error) = read {
                // The rows of the dump before it failed are better than nothing.
                let kind = if dumped.is_empty() { ProblemKind::TableUnreadable } else { ProblemKind::TableIncomplete };
                found.sockets.truncate(start);
                found.sockets.extend(dumped);
                found.details.extend(details);
                found.tcp_info.take_tail(&mut tcp_info, 0);
                let path = net::path(table);
                let message = format!("the {table} table cannot be read: sock_diag: {refusal}; {path}: {error}");
                found.problems.push(Problem::new(kind, message).about(TableSet::shown_of(table)));
            }
            if self.request.details.any() {
                found.resize_details(self.request.details);
                let message = format!("details of the {table} table are not available: sock_diag: {refusal}");
                found.problems.push(Problem::new(ProblemKind::FactUnavailable, message));
            }
        }
        Ok(())
    }

    /// The conditions that a row may be known not to fulfil as soon as it is read: it is not kept. Rates take the rows that do not
    /// match yet, with the counters of traffic.
    fn refutable_conditions(&self) -> Vec<(&'a Condition, TcpField)> {
        const TRAFFIC: TcpFields = TcpFields::of(&[TcpField::BytesSent, TcpField::BytesReceived, TcpField::BytesRetransmitted]);
        if self.request.details.tcp_info.intersects(TRAFFIC) {
            return Vec::new();
        }
        let conditions = self.request.filter.conditions.iter();
        conditions.filter_map(|condition| Some((condition, condition.kernel_number()?))).collect()
    }

    fn matches(&self, job: &DumpJob, socket: &Socket) -> bool {
        // Closed sockets that keep their port are dumped with the bound ones.
        let among = |state| if state == State::Closed { State::Bound } else { state };
        socket.state.is_none_or(|state| job.states.contains(among(state)))
            && job.shard.as_ref().is_none_or(|shard| shard.contains(socket))
            && self.request.matches(socket)
    }

    fn dump(
        &mut self,
        job: &DumpJob,
        found: &mut TableRows,
        watch: &mut dyn FnMut(&Socket, usize) -> Result<(), Cancelled>,
    ) -> Result<Consistency, DumpError> {
        let Some(&table) = job.kind.tables().last() else { return Ok(Consistency::Whole) };
        if self.request.sources.sockets == SocketSource::Proc {
            return Err(DumpError::Refused(io::ErrorKind::Unsupported.into()));
        }
        let Some(mut bytecode) = inet_diag_filter::compile(self.request, table) else { return Ok(Consistency::Whole) };
        if let Some(shard) = &job.shard {
            bytecode = shard.program(&bytecode);
        }
        let mut netlink = match self.netlink.take() {
            Some(netlink) => netlink,
            None => Netlink::open(rustix::net::netlink::SOCK_DIAG)?,
        };
        let start = found.sockets.len();
        let details = self.request.details;
        let refutable = self.refutable_conditions();
        let mut left = RETRIES;
        loop {
            let dump = DumpRequest { table, states: job.states, details, bytecode: &bytecode };
            let answer = match job.kind {
                DumpKind::BothTcp => sock_diag::OF_BOTH_FAMILIES,
                DumpKind::Table(_) => sock_diag::BY_FAMILY,
            };
            let mut rows = 0;
            let outcome = netlink.try_dump(
                |sequence| match job.kind {
                    DumpKind::BothTcp => dump.encode_for_both_families(sequence),
                    DumpKind::Table(_) => dump.encode(sequence),
                },
                |kind, payload| {
                    if kind != answer {
                        return Ok(());
                    }
                    let socket = sock_diag::parse(payload, table.protocol()).ok_or(DumpError::Truncated)?;
                    rows += 1;
                    watch(&socket, rows).map_err(|Cancelled| DumpError::Cancelled)?;
                    if self.matches(job, &socket) {
                        found.sockets.push(socket);
                        found.details.extend(details.any_of_row().then(|| sock_diag::details(payload)));
                        if !details.tcp_info.is_empty() {
                            sock_diag::internals(payload, &socket, &mut found.tcp_info.push());
                        }
                        let row = found.sockets.len() - 1;
                        if refutable.iter().any(|&(condition, field)| condition.is_refuted(field, &found.tcp_info, row)) {
                            found.truncate(row);
                        }
                    }
                    Ok(())
                },
            );
            let consistency = match outcome {
                // A kernel that does not accept the program returns every row.
                Err(refusal) if refusal.is_invalid_argument() && !bytecode.is_empty() => {
                    bytecode.clear();
                    continue;
                }
                outcome => outcome?,
            };
            if consistency == Consistency::Whole || left == 0 {
                self.netlink = Some(netlink);
                return Ok(consistency);
            }
            left -= 1;
            found.truncate(start);
        }
    }

    /// A missing file of IPv6 is an empty table if there is one of IPv4: this kernel has no IPv6. IPv4 is never missing.
    fn read_file(&self, job: &DumpJob, table: Table, sockets: &mut Vec<Socket>) -> io::Result<()> {
        let file = match std::fs::File::open(net::path(table)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && table.family() == Family::V6 => {
                let of_ipv4 = std::fs::File::open(net::path(Table::new(table.protocol(), Family::V4)))?;
                return skip_heading(&mut BufReader::new(of_ipv4));
            }
            Err(error) => return Err(error),
        };
        let mut lines = BufReader::with_capacity(64 * 1024, file);
        skip_heading(&mut lines)?;
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some(socket) = net::parse(&line, table) {
                sockets.extend(self.matches(job, &socket).then_some(socket));
            }
            line.clear();
        }
        Ok(())
    }
}

/// Why a table was read from its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileReason {
    /// This kernel has no `sock_diag` for it: a module is missing.
    NoSockDiag,
    /// `sock_diag` is refused or failed.
    Refused,
}

/// Fails if the heading is missing: the file is not the kernel's.
fn skip_heading(lines: &mut impl BufRead) -> io::Result<()> {
    let mut heading = String::new();
    lines.read_line(&mut heading)?;
    if net::is_heading(&heading) { Ok(()) } else { Err(io::Error::other("the heading is missing")) }
}

/// A watcher cancelled the dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

#[cfg(test)]
mod tests;
