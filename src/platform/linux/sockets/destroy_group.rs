//! Listening to what the kernel says of TCP sockets that it frees.
//!
//! It is said once to whoever listens, and kept in the receive buffer, which without rights often holds some 300 of them
//! (`net.core.rmem_max`): a thread does nothing but read.

use super::destroyed;
use crate::model::closed::ClosedFeed;
use crate::model::time;
use crate::platform::linux::netlink::socket::{DumpError, Netlink};
use std::io;

/// What the kernel may keep until it is read, if this process has `CAP_NET_ADMIN`: 20,000 sockets at 1.6 KiB each. It is memory only
/// while it is used.
const BUFFER: usize = 32 << 20;

/// Begins to listen in the network namespace of this thread, or says why that cannot be done.
pub(crate) fn closed_connections() -> Result<ClosedFeed, String> {
    let netlink = Netlink::subscribe(rustix::net::netlink::SOCK_DIAG, destroyed::TCP_GROUPS, BUFFER);
    let mut netlink = netlink.map_err(|error| format!("sock_diag: {error}"))?;
    let feed = ClosedFeed::default();
    let told = feed.clone();
    let listen = move || {
        loop {
            let Err(error) = read(&mut netlink, &told) else { continue };
            let is_overrun = error.raw_os_error() == Some(libc::ENOBUFS);
            told.update(|batch| {
                batch.is_incomplete = true;
                batch.ended = (!is_overrun).then(|| error.to_string());
            });
            if !is_overrun {
                return;
            }
        }
    };
    // It ends with the process.
    std::thread::Builder::new().spawn(listen).map_err(|error| format!("no thread can be started: {error}"))?;
    Ok(feed)
}

/// Reads one datagram.
fn read(netlink: &mut Netlink, feed: &ClosedFeed) -> io::Result<()> {
    let datagram = match netlink.receive() {
        Ok(datagram) => datagram,
        Err(DumpError::Refused(error)) => return Err(error),
        Err(error @ (DumpError::Truncated | DumpError::Malformed(_) | DumpError::Cancelled)) => {
            return Err(io::Error::other(error));
        }
    };
    let time_ms = time::now_ms();
    feed.update(|batch| {
        destroyed::connections(datagram.unwrap_or_default(), time_ms).for_each(|connection| batch.push(connection));
    });
    Ok(())
}
