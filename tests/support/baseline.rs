//! The cost of the kernel alone: the two lower bounds that rnetstat is measured against.
//!
//! Both run inside the benchmark, so that neither includes the start of a process.

use anyhow::{Context, bail};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RawDir};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The size of the receive buffer: the kernel fills no more of a larger one.
const BUFFER: usize = 32 * 1024;
/// The size of `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLMSG_ERROR` and `NLMSG_DONE`; a done message is a header and an error number.
const ERROR: u16 = 2;
const DONE: u16 = 3;
const DONE_LENGTH: usize = HEADER + 4;
/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const DUMP: u16 = 0x301;
/// Every state of a socket that Windows' `-a` shows, by the kernel's numbers; not bit 13, the sockets that are only bound.
const STATES: u32 = 0x1FFF;
/// TCP and UDP, each over IPv4 and IPv6: `IPPROTO_*` and `AF_*`.
const TABLES: [(u8, u8); 4] = [(6, 2), (6, 10), (17, 2), (17, 10)];

/// The raw dump: all four tables, one thread, every datagram received and only its end parsed.
pub fn raw_dump() -> anyhow::Result<()> {
    dump(|_| ())
}

/// How many sockets the raw dump holds.
pub fn sockets() -> anyhow::Result<usize> {
    let mut sockets = 0;
    dump(|mut datagram| {
        while let Some((length, kind)) = header(datagram) {
            sockets += usize::from(kind == BY_FAMILY);
            datagram = datagram.get(length.next_multiple_of(4).max(HEADER)..).unwrap_or_default();
        }
    })?;
    Ok(sockets)
}

fn dump(mut each: impl FnMut(&[u8])) -> anyhow::Result<()> {
    let socket =
        rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    let mut buffer = vec![0; BUFFER];
    for (protocol, family) in TABLES {
        rustix::net::send(&socket, &request(protocol, family), SendFlags::empty())?;
        loop {
            let (_, length) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::TRUNC)?;
            let datagram = buffer.get(..length).context("the kernel's answer was cut short")?;
            if header(datagram).is_none_or(|(_, kind)| kind == ERROR) {
                bail!("the kernel refuses to dump its sockets");
            }
            each(datagram);
            // NLMSG_DONE is the last message, alone or after the last rows.
            let last = datagram.len().checked_sub(DONE_LENGTH).and_then(|start| header(&datagram[start..]));
            if last == Some((DONE_LENGTH, DONE)) {
                break;
            }
        }
    }
    Ok(())
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`, the rest of which is zero.
fn request(protocol: u8, family: u8) -> [u8; HEADER + 56] {
    let mut bytes = [0; HEADER + 56];
    bytes[0..4].copy_from_slice(&(HEADER as u32 + 56).to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    bytes[HEADER] = family;
    bytes[HEADER + 1] = protocol;
    bytes[HEADER + 4..HEADER + 8].copy_from_slice(&STATES.to_ne_bytes());
    bytes
}

/// The length and the type of the message at the start.
fn header(bytes: &[u8]) -> Option<(usize, u16)> {
    let length = u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?);
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    Some((length as usize, kind))
}

/// What a scan saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scanned {
    /// Processes, kernel threads among them.
    pub processes: usize,
    /// Descriptors of all of them.
    pub descriptors: usize,
}

/// The bare scan: `readlinkat` of every descriptor of every process, on two threads, the answers discarded.
pub fn bare_scan() -> anyhow::Result<Scanned> {
    let proc = rustix::fs::open("/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let pids: Vec<u32> = Dir::read_from(&proc)?.filter_map(|entry| entry.ok()?.file_name().to_str().ok()?.parse().ok()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut descriptors = 0;
        let mut names = [MaybeUninit::uninit(); 8192];
        while let Some(pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
            // A process that has exited, or may not be read, has no descriptors.
            descriptors += read_links(&proc, &format!("{pid}/fd"), &mut names).unwrap_or_default();
        }
        descriptors
    };
    let descriptors = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work() + other.join().unwrap_or_default()
    });
    Ok(Scanned { processes: pids.len(), descriptors })
}

fn read_links(proc: impl rustix::fd::AsFd, path: &str, names: &mut [MaybeUninit<u8>]) -> rustix::io::Result<usize> {
    // As rnetstat does: a process without descriptors is not scanned.
    if rustix::fs::statat(&proc, path, AtFlags::empty())?.st_size == 0 {
        return Ok(0);
    }
    let folder = rustix::fs::openat(&proc, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut entries = RawDir::new(&folder, names);
    let mut descriptors = 0;
    while let Some(entry) = entries.next() {
        let mut target = [MaybeUninit::uninit(); 32];
        descriptors += usize::from(rustix::fs::readlinkat_raw(&folder, entry?.file_name(), &mut target[..]).is_ok());
    }
    Ok(descriptors)
}
