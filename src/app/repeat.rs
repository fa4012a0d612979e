//! A display again and again: the pauses between them, and their end.

use super::Exit;
use crate::platform::{self, Wait};
use anyhow::Context;
use std::time::Duration;

/// Displays once, or again after each pause until CTRL+C, which ends the program at once with status 0. The pause lies
/// between two displays, however long each of them takes.
pub fn repeat(interval: Option<Duration>, display: impl FnMut() -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    if interval.is_some() {
        end_at_interrupt()?;
    }
    repeat_with(interval, display, platform::wait)
}

/// Lets CTRL+C end the program at once with status 0, unless the caller has made it go on.
pub fn end_at_interrupt() -> anyhow::Result<()> {
    if platform::is_interrupt_ignored() {
        return Ok(());
    }
    // What was written is flushed block by block: nothing is lost by an end in the middle of one.
    ctrlc::set_handler(|| std::process::exit(0)).context("CTRL+C cannot be watched for")
}

fn repeat_with(
    interval: Option<Duration>,
    mut display: impl FnMut() -> anyhow::Result<Exit>,
    mut pause: impl FnMut(Duration) -> Wait,
) -> anyhow::Result<Exit> {
    loop {
        let exit = display()?;
        match interval.map(&mut pause) {
            Some(Wait::Elapsed) => {}
            Some(Wait::OutputClosed) => return Ok(Exit::Done),
            None => return Ok(exit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pauses that take no time, so many of them.
    fn rounds(mut left: usize) -> impl FnMut(Duration) -> Wait {
        move |_| {
            left -= 1;
            if left == 0 { Wait::OutputClosed } else { Wait::Elapsed }
        }
    }

    #[test]
    fn without_an_interval_there_is_one_display_and_its_status() {
        let mut displays = 0;
        let once = || {
            displays += 1;
            Ok(Exit::No)
        };
        assert_eq!(repeat_with(None, once, |_| panic!("no pause")).unwrap(), Exit::No);
        assert_eq!(displays, 1);
    }

    #[test]
    fn a_reader_that_is_gone_ends_it_and_so_does_an_error() {
        let mut displays = 0;
        let count = || {
            displays += 1;
            Ok(Exit::Done)
        };
        assert_eq!(repeat_with(Some(Duration::from_secs(7)), count, rounds(3)).unwrap(), Exit::Done);
        assert_eq!(displays, 3);
        let failing = || anyhow::bail!("the disk is full");
        assert!(repeat_with(Some(Duration::from_secs(7)), failing, rounds(2)).is_err());
    }
}
