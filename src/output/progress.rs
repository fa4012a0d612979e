//! A progress line while something takes long: on standard error if that is a terminal, and erased afterwards.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What ends sooner than this shows no line.
const DELAY: Duration = Duration::from_secs(1);

/// How often the seconds are updated.
const UPDATE: Duration = Duration::from_secs(1);

/// A progress line that is shown as long as this lives.
#[derive(Debug)]
pub struct Progress {
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Shows what is being done and for how long, from the first second on, if standard error is a terminal.
    pub fn of(what: &'static str) -> Self {
        Self { thread: io::stderr().is_terminal().then(|| start(what)).flatten() }
    }

    /// As [`Progress::of`], for writing to standard output: a terminal shows that by itself.
    pub fn of_writing() -> Self {
        if io::stdout().is_terminal() { Self { thread: None } } else { Self::of("writing: the reader of the output is slow") }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            // It erases its line before anything else is printed.
            let _ = thread.join();
        }
    }
}

fn start(what: &'static str) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (sender, end) = mpsc::channel();
    let thread = std::thread::Builder::new().stack_size(64 * 1024);
    let thread = thread.spawn(move || show(&mut io::stderr(), what, &end, DELAY, UPDATE)).ok()?;
    Some((sender, thread))
}

/// Shows the line until the end, then erases it. A terminal that cannot be written to shows none.
fn show(out: &mut impl Write, what: &str, end: &Receiver<()>, delay: Duration, update: Duration) {
    let start = Instant::now();
    let mut widest = 0;
    let mut pause = delay;
    while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        pause = update;
        let line = format!("rnetstat: {what} ({} s)", start.elapsed().as_secs());
        widest = widest.max(line.len());
        let _ = write!(out, "\r{line}").and_then(|()| out.flush());
    }
    if widest > 0 {
        let _ = write!(out, "\r{:widest$}\r", "").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_shows_no_line() {
        let (sender, end) = mpsc::channel();
        drop(sender);
        let mut out = Vec::new();
        show(&mut out, "reading", &end, Duration::from_hours(1), UPDATE);
        assert!(out.is_empty());
    }

    #[test]
    fn what_takes_long_shows_a_line_and_erases_it() {
        /// Ends the work as soon as the line has been written twice.
        struct Watcher {
            seen: Vec<u8>,
            work: Option<Sender<()>>,
        }
        impl Write for Watcher {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.seen.extend_from_slice(bytes);
                if self.seen.iter().filter(|&&byte| byte == b'\r').count() >= 2 {
                    self.work = None;
                }
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (sender, end) = mpsc::channel();
        let mut out = Watcher { seen: Vec::new(), work: Some(sender) };
        show(&mut out, "reading", &end, Duration::ZERO, Duration::ZERO);
        let text = String::from_utf8(out.seen).unwrap();
        let line = "rnetstat: reading (0 s)";
        assert_eq!(text, format!("\r{line}\r{line}\r{}\r", " ".repeat(line.len())));
    }
}
