//! A sign of life while something takes long: on standard error, if that is a terminal, and gone afterwards.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nobody waits for less than this with impatience.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the seconds are told anew.
const STEP: Duration = Duration::from_secs(1);

/// What is told as long as this lives.
#[derive(Debug)]
pub struct Progress {
    teller: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Tells `what` takes so long, from the first second on. Nothing is told where nobody is looking.
    pub fn of(what: &'static str) -> Self {
        let watched = io::stderr().is_terminal();
        Self { teller: watched.then(|| teller(what)).flatten() }
    }

    /// As [`Progress::of`], for what is written to standard output: a terminal shows that itself.
    pub fn of_writing() -> Self {
        if io::stdout().is_terminal() { Self { teller: None } } else { Self::of("writing: the reader of the output is slow") }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.teller.take() {
            drop(sender);
            // It erases its line before anything else is told.
            let _ = thread.join();
        }
    }
}

fn teller(what: &'static str) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (sender, end) = mpsc::channel();
    let thread = std::thread::Builder::new().stack_size(64 * 1024);
    let thread = thread.spawn(move || tell(&mut io::stderr(), what, &end, PATIENCE, STEP)).ok()?;
    Some((sender, thread))
}

/// Tells until the end, then erases what was told. Where it cannot be written there is nobody to be told.
fn tell(out: &mut impl Write, what: &str, end: &Receiver<()>, patience: Duration, step: Duration) {
    let start = Instant::now();
    let mut widest = 0;
    let mut pause = patience;
    while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        pause = step;
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
    fn what_ends_soon_is_never_told() {
        let (sender, end) = mpsc::channel();
        drop(sender);
        let mut out = Vec::new();
        tell(&mut out, "reading", &end, Duration::from_secs(3600), STEP);
        assert!(out.is_empty());
    }

    #[test]
    fn what_takes_long_is_told_and_erased() {
        /// Ends the work as soon as something has been told twice.
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
        tell(&mut out, "reading", &end, Duration::ZERO, Duration::ZERO);
        let text = String::from_utf8(out.seen).unwrap();
        let line = "rnetstat: reading (0 s)";
        assert_eq!(text, format!("\r{line}\r{line}\r{}\r", " ".repeat(line.len())));
    }
}
