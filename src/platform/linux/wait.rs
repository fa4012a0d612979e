//! Waiting, with an eye on the reader of the output.

use crate::platform::Wait;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// Waits until the time is up or the other end of stdout, a pipe, is closed.
pub(crate) fn wait(duration: Duration) -> Wait {
    let end = Instant::now() + duration;
    let stdout = std::io::stdout();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return sleep(left) };
        // Errors are reported without being asked for.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        match rustix::event::poll(&mut watched, Some(&timeout)) {
            Ok(0) => return Wait::Elapsed,
            Ok(_) if watched[0].revents().contains(PollFlags::ERR) => return Wait::OutputClosed,
            Err(Errno::INTR) => {}
            // Stdout is closed or cannot be watched.
            Ok(_) | Err(_) => return sleep(left),
        }
    }
}

fn sleep(duration: Duration) -> Wait {
    std::thread::sleep(duration);
    Wait::Elapsed
}
