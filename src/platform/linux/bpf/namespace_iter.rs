//! The network namespaces of all processes, by an iterator over tasks: a link under `/proc` takes ten times as long for each.

use super::assembler::Register::{R0, R1, R2, R4, R6, R7, R10};
use super::assembler::{AssembleError, Assembler, Program, Size};
use super::btf::{BtfError, Types};
use super::kernel_btf;
use super::seq_file;
use super::syscall::{self, IteratorLink, ProgramType};
use crate::model::socket::Pid;
use std::io;

/// The fields that the program reads.
const FIELDS: [(&[u8], &[u8], &str); 6] = [
    (b"task_struct", b"tgid", "task_struct.tgid"),
    (b"task_struct", b"group_leader", "task_struct.group_leader"),
    (b"task_struct", b"nsproxy", "task_struct.nsproxy"),
    (b"nsproxy", b"net_ns", "nsproxy.net_ns"),
    (b"net", b"ns", "net.ns"),
    (b"ns_common", b"inum", "ns_common.inum"),
];
const FUNCTIONS: [&str; 2] = ["bpf_iter_task", "bpf_rdonly_cast"];

/// Where the fields are; types are BTF ids.
#[derive(Clone, Copy, Debug)]
struct Layout {
    tgid: i16,
    group_leader: i16,
    nsproxy: i16,
    net_ns: i16,
    inum: i16,
    type_task: u32,
    hook: u32,
    cast: u32,
}

impl Layout {
    fn find(btf: &[u8]) -> Result<Self, BtfError> {
        let mut types = Types::open(btf).ok_or(BtfError::Malformed)?;
        let (fields, functions) = types.find(&FIELDS, &FUNCTIONS)?;
        let missing = || BtfError::Missing("what leads from a task to its network namespace");
        let [Some(tgid), Some(leader), Some(nsproxy), Some(net_ns), Some(ns), Some(inum)] = fields else { return Err(missing()) };
        let [Some(hook), Some(cast)] = functions else { return Err(missing()) };
        Ok(Self {
            tgid: tgid.offset,
            group_leader: leader.offset,
            nsproxy: nsproxy.offset,
            net_ns: net_ns.offset,
            inum: ns.offset.checked_add(inum.offset).ok_or_else(missing)?,
            type_task: tgid.structure,
            hook,
            cast,
        })
    }
}

/// Each process with the inode of its network namespace, by ascending PID. Every error means that this kernel or this user's
/// rights do not allow it.
pub(crate) fn processes() -> io::Result<Vec<(Pid, u32)>> {
    let layout = kernel_btf::find(Layout::find)?;
    let program = program(&layout).map_err(io::Error::other)?;
    let program = syscall::Program::load("namespaces", ProgramType::Iterator(layout.hook), &program)?;
    let run = IteratorLink::attach(&program)?.open()?;
    let written = seq_file::read_all(run)?;
    let entries = written.as_chunks::<8>().0.iter().map(|entry| u64::from_ne_bytes(*entry));
    Ok(entries.map(|entry| ((entry >> 32) as Pid, entry as u32)).collect())
}

/// The program: writes the PID of each process above the inode of its namespace. A process that exits has none.
fn program(layout: &Layout) -> Result<Program, AssembleError> {
    let mut a = Assembler::new();
    let end = a.label();
    a.mov(R6, R1);
    a.ldx(Size::Dw, R1, R6, 8); // task, NULL at the very end
    a.jeq(R1, 0, end);
    a.mov(R2, layout.type_task.cast_signed());
    a.call_kfunc(layout.cast);
    a.mov(R7, R0);
    a.ldx(Size::Dw, R1, R7, layout.group_leader);
    a.jne(R1, R7, end);
    a.ldx(Size::Dw, R1, R7, layout.nsproxy);
    a.jeq(R1, 0, end);
    a.ldx(Size::Dw, R1, R1, layout.net_ns);
    a.ldx(Size::W, R4, R1, layout.inum);
    a.jeq(R4, 0, end);
    a.ldx(Size::W, R2, R7, layout.tgid);
    a.lsh(R2, 32);
    a.or(R4, R2);
    a.stx(Size::Dw, R10, -8, R4);
    seq_file::write_and_exit(&mut a, R6, -8, size_of::<u64>(), end);
    a.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn this_process_is_listed_with_its_namespace() {
        let processes = match processes() {
            Ok(processes) => processes,
            Err(error) => return eprintln!("SKIPPED: no iterator over tasks here: {error}"),
        };
        let own = std::fs::metadata("/proc/self/ns/net").unwrap().ino() as u32;
        assert!(processes.contains(&(std::process::id(), own)));
        assert!(processes.is_sorted_by_key(|&(pid, _)| pid));
    }
}
