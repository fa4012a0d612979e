//! Standard output.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;

/// Waits until standard output takes bytes again, or until an error that the next write reports.
pub(crate) fn wait_for_stdout() -> io::Result<()> {
    let stdout = io::stdout();
    loop {
        let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
