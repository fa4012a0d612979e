//! The terminal while a screen is on it: taken, and given back on every way out.

use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal as long as this lives.
#[derive(Debug)]
pub struct TakenTerminal(());

impl TakenTerminal {
    /// Takes the terminal. A panic gives it back before it is reported: this program may be built to end with it.
    pub fn take() -> io::Result<Self> {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
        }));
        let taken = Self(());
        take()?;
        Ok(taken)
    }
}

/// Takes it, also again after it was given back or after others have used it.
pub fn take() -> io::Result<()> {
    // What was set before is asked of the terminal anew: a shell may have changed it.
    disable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

impl Drop for TakenTerminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, if it is ours. A terminal that is gone takes nothing.
pub fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = execute!(out, LeaveAlternateScreen, Show).and_then(|()| out.flush());
        let _ = disable_raw_mode();
    }
}
