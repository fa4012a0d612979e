//! A display again and again: the pauses between them, and their end.

use crate::app::exit_code::Exit;
use crate::platform::{self, Wait};
use anyhow::Context;
use std::time::Duration;

/// Displays once, or again after each pause until CTRL+C, which ends the program at once with status 0. The pause lies
/// between two displays, however long each of them takes.
pub fn repeat(interval: Option<Duration>, display: impl FnMut() -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    // What the caller has made to go on at CTRL+C goes on.
    if interval.is_some() && !platform::is_interrupt_ignored() {
        // What was written is flushed block by block: nothing is lost by an end in the middle of one.
        ctrlc::set_handler(|| std::process::exit(0)).context("CTRL+C cannot be watched for")?;
    }
    repeat_with(interval, display, platform::wait)
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
    use crate::lookup::processes::Processes;
    use crate::lookup::state_times::StateTimes;
    use crate::model::snapshot::Snapshot;
    use crate::model::socket::tests::socket;
    use crate::order::windows_order;
    use crate::reports::connections::{self, RowContext};
    use crate::request::Columns;
    use std::collections::HashMap;
    use std::time::Instant;

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
            Ok(Exit::NothingMatched)
        };
        assert_eq!(repeat_with(None, once, |_| panic!("no pause")).unwrap(), Exit::NothingMatched);
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

    #[test]
    fn ten_thousand_rounds_need_the_buffer_of_the_first_and_are_all_alike() {
        let sockets = (1..=50).map(|port| socket("127.0.0.1", port)).collect();
        let snapshot = Snapshot { sockets, ..Snapshot::default() };
        let processes = Processes::default();
        let (components, times) = (HashMap::new(), StateTimes::default());
        let times = (&times, Instant::now());
        let known = RowContext { processes: &processes, components: &components, times, naming: None };
        let (mut buffer, mut text, mut first) = (Vec::new(), Vec::new(), Vec::new());
        let (mut capacity, mut displays) = (0, 0);
        let display = || {
            let (columns, rows) = (Columns::default(), windows_order(&snapshot.sockets));
            connections::write_heading(&mut buffer, &columns, &connections::ENGLISH);
            connections::write_rows(&mut buffer, &snapshot, &rows, &columns, known, |block| {
                text.append(block);
                Ok(())
            })?;
            if displays == 0 {
                first.clone_from(&text);
                capacity = buffer.capacity();
            }
            assert_eq!(text, first);
            text.clear();
            assert_eq!(buffer.capacity(), capacity);
            displays += 1;
            Ok(Exit::Done)
        };
        repeat_with(Some(Duration::from_secs(1)), display, rounds(10_000)).unwrap();
        assert_eq!(displays, 10_000);
    }
}
