//! Standard output, whatever the caller has made of it.

use crate::platform;
use std::io::{self, ErrorKind, StdoutLock, Write};

/// Standard output, locked. If the caller has made it non-blocking (node and ssh share such pipes with their children), a
/// write waits until the reader has made room; if the caller has closed it, a write is an error.
#[derive(Debug)]
pub struct Stdout {
    inner: StdoutLock<'static>,
}

/// Locks standard output.
pub fn stdout() -> Stdout {
    Stdout { inner: io::stdout().lock() }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if platform::is_stdout_closed() {
            return Err(io::Error::new(ErrorKind::NotConnected, "standard output is closed"));
        }
        retry(|| self.inner.write(bytes), platform::wait_for_stdout)
    }

    fn flush(&mut self) -> io::Result<()> {
        retry(|| self.inner.flush(), platform::wait_for_stdout)
    }
}

/// Repeats what would have blocked, after each wait. An attempt that fails like this has written nothing.
fn retry<T>(mut attempt: impl FnMut() -> io::Result<T>, mut wait: impl FnMut() -> io::Result<()>) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait()?,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_block_is_repeated_after_a_wait_and_other_errors_are_not() {
        let mut waits = 0;
        let mut results = vec![Ok(7), Err(ErrorKind::WouldBlock.into()), Err(ErrorKind::WouldBlock.into())];
        let written = retry(
            || results.pop().unwrap(),
            || {
                waits += 1;
                Ok(())
            },
        );
        assert_eq!((written.unwrap(), waits), (7, 2));
        let broken = retry(|| Err::<(), _>(ErrorKind::BrokenPipe.into()), || panic!("waits"));
        assert_eq!(broken.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let cannot_wait = retry(|| Err::<(), _>(ErrorKind::WouldBlock.into()), || Err(ErrorKind::InvalidInput.into()));
        assert_eq!(cannot_wait.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
