//! The files under `/proc`: the tables of `/proc/net`, and which process has which socket open.

use super::row::{Row, endpoint, remote_endpoint};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every socket of the calling thread's namespace with its inode. The files have no scope: `link` is the index of the interface
/// with the link-local addresses.
pub fn rows(link: u32) -> Vec<(Row, u64)> {
    let tables = [("TCP", "tcp"), ("TCP", "tcp6"), ("UDP", "udp"), ("UDP", "udp6")];
    let tables = tables.iter().flat_map(|(protocol, file)| {
        // The thread's own namespace is not the one of /proc/net, which is the first thread's.
        let text = fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap();
        text.lines().skip(1).map(|line| row(protocol, line, link)).collect::<Vec<_>>()
    });
    tables.collect()
}

fn row(protocol: &str, line: &str, link: u32) -> (Row, u64) {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (local, local_port) = address(fields[1]);
    let (remote, remote_port) = address(fields[2]);
    let state = match (protocol, fields[3]) {
        ("UDP", _) => "",
        (_, "01") => "ESTABLISHED",
        (_, "02") => "SYN_SENT",
        (_, "03") => "SYN_RECEIVED",
        (_, "04") => "FIN_WAIT_1",
        (_, "05") => "FIN_WAIT_2",
        (_, "06") => "TIME_WAIT",
        (_, "07") => "CLOSED",
        (_, "08") => "CLOSE_WAIT",
        (_, "09") => "LAST_ACK",
        (_, "0A") => "LISTENING",
        (_, "0B") => "CLOSING",
        other => panic!("{other:?}"),
    };
    let row = Row {
        protocol: protocol.to_owned(),
        local: endpoint(local, link, local_port),
        remote: remote_endpoint(protocol, local, remote, link, remote_port),
        state: state.to_owned(),
        owner: String::new(),
    };
    (row, fields[9].parse().unwrap())
}

/// `0100007F:1F90`: words of 32 bits as this machine has them in memory.
fn address(field: &str) -> (IpAddr, u16) {
    let (digits, port) = field.split_once(':').unwrap();
    let words = digits.as_bytes().chunks(8).map(|word| u32::from_str_radix(std::str::from_utf8(word).unwrap(), 16).unwrap());
    let bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    let address = match *bytes {
        [a, b, c, d] => Ipv4Addr::new(a, b, c, d).into(),
        _ => Ipv6Addr::from_octets(bytes.try_into().unwrap()).into(),
    };
    (address, u16::from_str_radix(port, 16).unwrap())
}

/// Which processes hold which of the test's sockets, found by the simplest possible scan. Only this process and its descendants
/// can have any of them: the rest of the host, which may be busy, is left out.
pub fn holders() -> BTreeMap<u64, BTreeSet<u32>> {
    let mut holders = BTreeMap::<u64, BTreeSet<u32>>::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if !is_own_or_descendant(pid) {
            continue;
        }
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        for target in descriptors.flatten().filter_map(|descriptor| fs::read_link(descriptor.path()).ok()) {
            let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode {
                holders.entry(inode).or_default().insert(pid);
            }
        }
    }
    holders
}

/// Whether a process is this one or a descendant.
fn is_own_or_descendant(mut pid: u32) -> bool {
    while pid > 1 && pid != std::process::id() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        pid = parent.unwrap_or(0);
    }
    pid > 1
}

/// The owner column of a socket that no process was found to hold: `0`, or `-` if some process refuses even root (a security
/// module, a container without `CAP_SYS_PTRACE`).
pub fn no_owner_found() -> &'static str {
    let processes =
        fs::read_dir("/proc").unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    let denies = |process: fs::DirEntry| match fs::read_dir(process.path().join("fd")) {
        // A process shows every link or none.
        Ok(mut descriptors) => {
            descriptors.next().is_some_and(|entry| fs::read_link(entry.unwrap().path()).is_err_and(|error| refused(&error)))
        }
        Err(error) => refused(&error),
    };
    if processes.into_iter().any(denies) { "-" } else { "0" }
}

/// The rows with the lowest PID that holds each socket, `0` if none does.
pub fn owned_rows(link: u32) -> Vec<Row> {
    let rows = rows(link);
    let holders = holders();
    let owned = rows.into_iter().map(|(row, inode)| {
        let lowest = if inode == 0 { None } else { holders.get(&inode).and_then(|pids| pids.first()) };
        Row { owner: lowest.copied().unwrap_or(0).to_string(), ..row }
    });
    owned.collect()
}
