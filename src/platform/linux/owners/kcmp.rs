//! Whether two tasks share a table of open files (`kcmp`).
#![allow(unsafe_code)] // rustix does not wrap kcmp(2)

use crate::model::socket::Pid;
use rustix::io::Errno;
use std::cmp::Ordering;
use std::ffi::c_long;

/// `KCMP_FILES`
const KCMP_FILES: c_long = 2;

/// The order of two tasks' tables, equal if they share one: arbitrary, but the same as long as both tables exist.
fn compare(first: Pid, second: Pid) -> Result<Ordering, Errno> {
    let (first, second) = (c_long::from(first as i32), c_long::from(second as i32));
    let unused: c_long = 0;
    // SAFETY: the call takes numbers only and touches no memory of this process.
    match unsafe { libc::syscall(libc::SYS_kcmp, first, second, KCMP_FILES, unused, unused) } {
        0 => Ok(Ordering::Equal),
        1 => Ok(Ordering::Less),
        2 => Ok(Ordering::Greater),
        // 3 is "not equal, and no order": no kernel answers that for tables.
        3.. => Err(Errno::OPNOTSUPP),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::OPNOTSUPP)),
    }
}

/// Tables that were seen, each by a task that uses it, with something known of it.
#[derive(Debug)]
pub(crate) struct Tables<T>(Vec<(Pid, T)>);

impl<T: Copy> Tables<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// What is known of the table of a task; if it is seen for the first time, it is added with `new`.
    ///
    /// Fails with `ESRCH` if the task has exited, and with another error if the kernel does not answer.
    pub(crate) fn get_or_add(&mut self, task: Pid, new: impl FnOnce() -> T) -> Result<Seen<T>, Errno> {
        let (mut from, mut to) = (0, self.0.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let Some(&(known, value)) = self.0.get(middle) else { break };
            match compare(task, known) {
                Ok(Ordering::Equal) => return Ok(Seen::Before(value)),
                Ok(Ordering::Less) => to = middle,
                Ok(Ordering::Greater) => from = middle + 1,
                Err(Errno::SRCH) => {
                    compare(task, task)?;
                    // The known task has exited. If others still use its table, it is seen anew.
                    self.0.remove(middle);
                    to -= 1;
                }
                Err(error) => return Err(error),
            }
        }
        if self.0.is_empty() {
            // With nothing to compare with, whether the kernel answers at all.
            compare(task, task)?;
        }
        let value = new();
        self.0.insert(from, (task, value));
        Ok(Seen::First(value))
    }

    /// Forgets the tables of which this holds.
    pub(crate) fn forget(&mut self, is_forgotten: impl Fn(T) -> bool) {
        self.0.retain(|&(_, value)| !is_forgotten(value));
    }
}

/// Whether a table was seen before, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen<T> {
    Before(T),
    First(T),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_seen_once_and_another_process_has_another_one() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut tables = Tables::new();
        match tables.get_or_add(own, || 1) {
            Ok(seen) => assert_eq!(seen, Seen::First(1)),
            Err(error) => eprintln!("SKIPPED: no kcmp here: {error}"),
        }
        let seen = [tables.get_or_add(own, || 2), tables.get_or_add(child.id(), || 3), tables.get_or_add(child.id(), || 4)];
        child.kill().unwrap();
        child.wait().unwrap();
        if seen[0].is_err() {
            return;
        }
        assert_eq!(seen, [Ok(Seen::Before(1)), Ok(Seen::First(3)), Ok(Seen::Before(3))]);
        assert_eq!(tables.get_or_add(child.id(), || 5), Err(Errno::SRCH));
        assert_eq!(tables.get_or_add(own, || 6), Ok(Seen::Before(1)), "beside a process that has exited");
        tables.forget(|value| value == 1);
        assert_eq!(tables.get_or_add(own, || 7), Ok(Seen::First(7)));
    }
}
