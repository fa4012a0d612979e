//! The processes that use io_uring, by an iterator over tasks: an io_uring holds the files that are registered with it.

use super::assembler::Register::{R1, R2, R3, R6, R10};
use super::assembler::{AssembleError, Assembler, Program, Size};
use super::seq_file;
use super::syscall::{self, IteratorLink, ProgramType};
use super::task_layout::TaskFileLayout;
use crate::model::socket::Pid;
use std::io;

/// The processes of which a task has used an io_uring, ascending.
pub(crate) fn processes(layout: &TaskFileLayout) -> io::Result<Vec<Pid>> {
    let Some(io_uring) = layout.task_io_uring else { return Ok(Vec::new()) };
    let program = program(layout, io_uring).map_err(io::Error::other)?;
    let program = syscall::Program::load("io_uring_users", ProgramType::Iterator(layout.task_hook), &program)?;
    let run = IteratorLink::attach(&program)?.open()?;
    let written = seq_file::read_all(run)?;
    let mut pids: Vec<Pid> = written.as_chunks().0.iter().map(|pid| Pid::from_ne_bytes(*pid)).collect();
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

/// The program: writes the process of each task whose `io_uring` is not NULL.
fn program(layout: &TaskFileLayout, io_uring: i16) -> Result<Program, AssembleError> {
    let mut a = Assembler::new();
    let end = a.label();
    a.mov(R6, R1);
    a.ldx(Size::Dw, R2, R6, 8); // task, NULL at the very end
    a.jeq(R2, 0, end);
    a.ldx(Size::Dw, R3, R2, io_uring);
    a.jeq(R3, 0, end);
    a.ldx(Size::W, R2, R2, layout.task_tgid);
    a.stx(Size::W, R10, -4, R2);
    seq_file::write_and_exit(&mut a, R6, -4, size_of::<Pid>(), end);
    a.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_io_uring_is_not_listed() {
        let layout = match TaskFileLayout::of_running_kernel() {
            Ok(layout) => layout,
            Err(error) => return eprintln!("SKIPPED: this kernel has no BTF: {error}"),
        };
        match processes(&layout) {
            Ok(pids) => assert!(!pids.contains(&std::process::id())),
            Err(error) => eprintln!("SKIPPED: no iterator here: {error}"),
        }
    }
}
