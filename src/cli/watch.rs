//! The switch of the live screen.

use super::UsageError;
use crate::request::Task;
use clap::Args;

/// A screen instead of a report.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::SHOW)]
pub(super) struct WatchArguments {
    /// Show the sockets on a full screen that is drawn again every second, or every INTERVAL (0.2 to 3600): what is new, gone
    /// and changed is marked. ? lists the keys, q ends it.
    #[arg(long, overrides_with = "watch")]
    pub watch: bool,
}

impl WatchArguments {
    /// The task, if it is asked for and this program was built with it.
    pub(super) fn task(&self) -> Result<Option<Task>, UsageError> {
        if self.watch && !cfg!(feature = "watch") {
            return Err(UsageError::new(
                "this rnetstat was built without the live screen",
                "'cargo build --release --features watch' builds it; 'rnetstat -an 2' prints again every 2 seconds.",
            ));
        }
        Ok(self.watch.then_some(Task::Watch))
    }
}
