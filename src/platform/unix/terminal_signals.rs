//! The signals that concern a program with a screen.
#![allow(unsafe_code)] // Signals are sent and their dispositions set by libc alone.

use super::signals::is_ignored;
use crate::platform::TerminalSignal;
use libc::c_int;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::io;

/// Watches for signals on a thread of its own. What the caller has made this process ignore stays ignored.
pub(crate) fn watch_terminal_signals(take: impl Fn(TerminalSignal) + Send + 'static) -> io::Result<()> {
    let watched = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT].into_iter().filter(|&signal| !is_ignored(signal));
    let mut signals = Signals::new(watched)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGTSTP => take(TerminalSignal::Stop),
                SIGCONT => take(TerminalSignal::Continue),
                _ => {
                    take(TerminalSignal::End);
                    end_by(signal);
                }
            }
        }
    })?;
    Ok(())
}

/// Ends this process as the signal would have done; CTRL+C is a way to end it that is no failure.
fn end_by(signal: c_int) {
    if signal != SIGINT {
        // It does not return, unless the signal is unknown.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    std::process::exit(0);
}

/// Asks this process and the others of its job to stop.
pub(crate) fn ask_job_to_stop() {
    // SAFETY: the call takes numbers; 0 is the process group of the caller.
    unsafe { libc::kill(0, SIGTSTP) };
}

/// Stops this process by the signal's own effect, which the kernel leaves out if nobody could continue it.
pub(crate) fn stop() {
    // SAFETY: a `sigaction` of zeros is a valid value.
    let mut default: libc::sigaction = unsafe { std::mem::zeroed() };
    default.sa_sigaction = libc::SIG_DFL;
    let mut before = default;
    // SAFETY: both values outlive the calls; the disposition of before is put back as the kernel gave it.
    unsafe {
        if libc::sigaction(SIGTSTP, &raw const default, &raw mut before) == 0 {
            libc::raise(SIGTSTP);
            libc::sigaction(SIGTSTP, &raw const before, std::ptr::null_mut());
        }
    }
}
