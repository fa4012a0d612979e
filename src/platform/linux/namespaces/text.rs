//! The sockets of every network namespace without any right: each process shows the tables of its namespace as text, and the file of
//! one table has the same inode for all processes of one namespace.

use super::list::Listed;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::{Pid, Table};
use crate::platform::linux::procfs::net;
use crate::platform::linux::sockets::reader::TableRows;
use crate::request::Query;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;

/// Reads the rows of the namespaces of all processes that can be seen. Namespaces whose inode may not be known are added to the list
/// under the number of their file.
pub(crate) fn read(query: &Query, listed: &mut Listed) -> TableRows {
    let mut all = TableRows::default();
    // One process of each namespace; known ones first, so that theirs are recognised.
    let known: Vec<(u32, Pid)> = listed.iter().filter_map(|(key, found)| found.pids.first().map(|&pid| (key, pid))).collect();
    let mut namespaces: HashMap<u64, u32> = HashMap::new();
    let mut readers: Vec<(u32, Pid)> = Vec::new();
    for (key, pid) in known {
        if let Some(file) = file_of(pid) {
            namespaces.insert(file, key);
            readers.push((key, pid));
        }
    }
    for pid in listed.refused.clone() {
        let Some(file) = file_of(pid) else { continue };
        let key = *namespaces.entry(file).or_insert_with(|| {
            // Inodes of files under /proc/PID/net and of namespaces are numbered together, so that no two are the same.
            let key = file as u32;
            readers.push((key, pid));
            key
        });
        listed.add_unknown(key, pid);
    }
    let without_process: Vec<u32> = listed.iter().filter(|(_, found)| found.pids.is_empty()).map(|(key, _)| key).collect();
    listed.unreadable.extend(without_process);
    for (key, pid) in readers {
        let mut found = TableRows::default();
        for table in query.tables.sources() {
            if read_table(pid, table, query, &mut found).is_err() {
                listed.unreadable.insert(key);
                break;
            }
        }
        found.namespaces = vec![key; found.sockets.len()];
        all.absorb(found);
    }
    if query.details.any() {
        all.resize_details(query.details);
        let message = "details of sockets (DSCP, congestion control, what is internal to TCP) cannot be read of other namespaces \
                       without rights; run rnetstat as root (sudo)";
        all.problems.push(Problem::new(ProblemKind::FactUnavailable, message));
    }
    all
}

/// The inode of a process' table of TCP.
fn file_of(pid: Pid) -> Option<u64> {
    std::fs::metadata(format!("/proc/{pid}/net/tcp")).ok().map(|metadata| metadata.ino())
}

fn read_table(pid: Pid, table: Table, query: &Query, found: &mut TableRows) -> std::io::Result<()> {
    let name = match table {
        Table::Tcp4 => "tcp",
        Table::Tcp6 => "tcp6",
        Table::Udp4 => "udp",
        Table::Udp6 => "udp6",
    };
    let file = match File::open(format!("/proc/{pid}/net/{name}")) {
        Ok(file) => file,
        // A kernel without IPv6, or a process that has ended.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut lines = BufReader::with_capacity(64 * 1024, file);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        if let Some(socket) = net::parse(&line, table)
            && query.matches(&socket)
        {
            found.sockets.push(socket);
        }
        line.clear();
    }
    Ok(())
}
