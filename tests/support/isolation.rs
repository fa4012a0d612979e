//! A network namespace with a loopback interface: the host's sockets do not count, and nothing is left behind.
//!
//! Only the sockets are apart. The processes are the host's, and so is the kernel's table of established connections, which all
//! namespaces share.
#![allow(unsafe_code, reason = "unshare and the ioctl that raises the loopback interface have no safe wrappers")]

use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::{fs, io};

/// Settings for many connections: they are opened faster than servers accept, and from more ports than usual.
const LOAD_SETTINGS: [(&str, &str); 2] =
    [("/proc/sys/net/core/somaxconn", "65535"), ("/proc/sys/net/ipv4/ip_local_port_range", "30000 65535")];

/// Moves the calling thread, and every process that it starts from now on, into a new namespace with a loopback interface.
pub fn enter() -> io::Result<()> {
    // SAFETY: unshare takes no pointer; that a thread is in another network namespace than its siblings is sound.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    raise_loopback()
}

/// As [`enter`], with the settings that a load of many connections needs.
pub fn enter_for_load() -> anyhow::Result<()> {
    use anyhow::Context;
    enter().context("a network namespace cannot be made: this takes root")?;
    for (file, value) in LOAD_SETTINGS {
        // If they may not be written the usual values serve all but the largest loads.
        let _ = fs::write(file, value);
    }
    Ok(())
}

fn raise_loopback() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: an ifreq of zeros is a valid one, with an empty name.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = *byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request is a valid ifreq that lives as long as the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
