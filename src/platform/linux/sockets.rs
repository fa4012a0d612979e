//! The four tables of sockets: `sock_diag` first, `/proc/net` where it is refused.

use super::netlink::{Consistency, DumpError, Netlink, RETRIES};
use super::sock_diag::{self, DumpRequest};
use super::{bytecode, owners, proc_net};
use crate::request::{OwnerSearch, SocketRequest};
use crate::snapshot::{Problem, ProblemKind, Snapshot};
use crate::socket::{Protocol, Socket, State, Table};
use std::io::{self, BufRead, BufReader};

/// Which Linux this is.
const RELEASE_FILE: &str = "/proc/sys/kernel/osrelease";

/// Reads the sockets, then their owners: a socket that vanishes in between is nobody's any more, and none is missed.
pub(crate) fn snapshot(request: &SocketRequest, search: OwnerSearch) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut reader = Reader { request, netlink: None, reads_files: false };
    for table in request.tables.sources() {
        reader.read(table, &mut snapshot);
    }
    snapshot.problems.extend(reader.bound_sockets_untold());
    snapshot.owners = owners::find(&snapshot.sockets, search, None, &mut snapshot.problems);
    snapshot
}

struct Reader<'a> {
    request: &'a SocketRequest,
    netlink: Option<Netlink>,
    /// Whether a TCP table had to be read from its file.
    reads_files: bool,
}

impl Reader<'_> {
    fn read(&mut self, table: Table, snapshot: &mut Snapshot) {
        let start = snapshot.sockets.len();
        let refusal = match self.dump(table, &mut snapshot.sockets) {
            Ok(Consistency::Whole) => return,
            Ok(Consistency::Interrupted) => {
                let message = format!("the {table} table changed while it was read: rows may be missing or stale");
                return snapshot.problems.push(Problem::new(ProblemKind::TableIncomplete, message));
            }
            Err(refusal) => refusal,
        };
        let dumped = snapshot.sockets.split_off(start);
        self.reads_files |= table.protocol() == Protocol::Tcp;
        if let Err(error) = self.read_file(table, &mut snapshot.sockets) {
            // What the dump gave before it failed is better than nothing.
            let kind = if dumped.is_empty() { ProblemKind::TableUnreadable } else { ProblemKind::TableIncomplete };
            snapshot.sockets.truncate(start);
            snapshot.sockets.extend(dumped);
            let path = proc_net::path(table);
            let message = format!("the {table} table cannot be read: sock_diag: {refusal}; {path}: {error}");
            snapshot.problems.push(Problem::new(kind, message));
        }
    }

    /// What to say where bound sockets were asked for and nothing here can tell them.
    fn bound_sockets_untold(&self) -> Option<Problem> {
        let asked = self.request.states.contains(State::Bound)
            && self.request.tables.iter().any(|table| table.protocol() == Protocol::Tcp);
        let reason = match asked {
            false => return None,
            true if self.reads_files => "sock_diag is refused, and /proc/net does not list them",
            true if knows_no_bound_sockets(&std::fs::read_to_string(RELEASE_FILE).unwrap_or_default()) => {
                "Linux lists them from 6.8 on"
            }
            true => return None,
        };
        Some(Problem::new(ProblemKind::FactUnavailable, format!("BOUND ports cannot be shown: {reason}")))
    }

    fn dump(&mut self, table: Table, sockets: &mut Vec<Socket>) -> Result<Consistency, DumpError> {
        let netlink = match &mut self.netlink {
            Some(netlink) => netlink,
            closed => closed.insert(Netlink::open(rustix::net::netlink::SOCK_DIAG)?),
        };
        let Some(mut bytecode) = bytecode::compile(self.request, table) else { return Ok(Consistency::Whole) };
        let start = sockets.len();
        let mut left = RETRIES;
        loop {
            let mut unreadable = false;
            let dump = DumpRequest { table, states: self.request.states, bytecode: &bytecode };
            let outcome = netlink.dump(
                |sequence| dump.encode(sequence),
                |kind, payload| {
                    if kind != sock_diag::BY_FAMILY {
                        return;
                    }
                    match sock_diag::parse(payload, table.protocol()) {
                        Some(socket) => sockets.extend(self.request.admits(&socket).then_some(socket)),
                        None => unreadable = true,
                    }
                },
            );
            let consistency = match outcome {
                // A kernel that does not take the program gives every row.
                Err(refusal) if refusal.is_invalid_argument() && !bytecode.is_empty() => {
                    bytecode.clear();
                    continue;
                }
                outcome => outcome?,
            };
            if unreadable {
                return Err(DumpError::Truncated);
            }
            if consistency == Consistency::Whole || left == 0 {
                return Ok(consistency);
            }
            left -= 1;
            sockets.truncate(start);
        }
    }

    /// A file that is missing is a table that this kernel does not have (no IPv6): it is empty.
    fn read_file(&self, table: Table, sockets: &mut Vec<Socket>) -> io::Result<()> {
        let file = match std::fs::File::open(proc_net::path(table)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && std::path::Path::new("/proc/self/net").exists() => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut lines = BufReader::with_capacity(64 * 1024, file);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some(socket) = proc_net::parse(&line, table) {
                sockets.extend(self.request.admits(&socket).then_some(socket));
            }
            line.clear();
        }
        Ok(())
    }
}

/// Whether a release (`6.1.0-18-amd64`) is older than 6.8, the first that lists bound sockets. One that cannot be read is not.
fn knows_no_bound_sockets(release: &str) -> bool {
    let mut numbers = release.split(['.', '-']).map_while(|number| number.trim().parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) < (6, 8),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::knows_no_bound_sockets;

    #[test]
    fn kernels_before_6_8_do_not_list_bound_sockets() {
        for old in ["6.1.0-18-amd64\n", "5.15.0", "4.4.0-19041-Microsoft", "6.7.12"] {
            assert!(knows_no_bound_sockets(old), "{old}");
        }
        for new in ["6.8.0-31-generic\n", "6.18.44", "7.0-rc1", "10.0", "", "unknown"] {
            assert!(!knows_no_bound_sockets(new), "{new}");
        }
    }
}
