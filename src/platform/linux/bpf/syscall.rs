//! The `bpf` system call, as far as an iterator needs it: load a program, attach it, open what it writes; and memory that a
//! program shares with this process.
#![allow(unsafe_code)] // rustix knows nothing of bpf

use crate::platform::linux::bpf::insn::Instruction;
use std::ffi::{CStr, c_int, c_long};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `BPF_MAP_CREATE`, `BPF_PROG_LOAD`, `BPF_LINK_CREATE` and `BPF_ITER_CREATE`.
const CREATE_MAP: c_int = 0;
const LOAD: c_int = 5;
const LINK: c_int = 28;
const ITERATE: c_int = 33;

/// `BPF_PROG_TYPE_TRACING` and `BPF_TRACE_ITER`.
const TRACING: u32 = 26;
const TRACE_ITERATOR: u32 = 28;

/// `BPF_MAP_TYPE_ARRAY` and `BPF_F_MMAPABLE`.
const ARRAY: u32 = 2;
const MAPPABLE: u32 = 1 << 10;

/// The part of `union bpf_attr` that creates a map.
#[repr(C)]
struct MapAttributes {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    entries: u32,
    flags: u32,
}

/// An array with one value of so many bytes, all 0, that can be mapped into memory.
pub(crate) fn shared_memory(bytes: u32) -> io::Result<OwnedFd> {
    call(CREATE_MAP, &MapAttributes { map_type: ARRAY, key_size: 4, value_size: bytes, entries: 1, flags: MAPPABLE })
}

/// The part of `union bpf_attr` that loads a program. What stands behind it in newer kernels is 0.
#[repr(C)]
#[derive(Default)]
struct LoadAttributes {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
    btf: u32,
    function_record: u32,
    functions: u64,
    function_count: u32,
    line_record: u32,
    lines: u64,
    line_count: u32,
    attach_to: u32,
}

/// The part of `union bpf_attr` that attaches a program.
#[repr(C)]
#[derive(Default)]
struct LinkAttributes {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
}

/// The part of `union bpf_attr` that opens an iterator.
#[repr(C)]
#[derive(Default)]
struct IterateAttributes {
    link: u32,
    flags: u32,
}

/// A program that is attached to one of the kernel's iterators. It is detached when this is dropped.
pub(crate) struct Iterator(OwnedFd);

impl Iterator {
    /// Loads a program and attaches it. `hook` is the type number of the iterator's function in the kernel's BTF.
    ///
    /// The kernel closes the descriptors of programs, links and runs on exec by itself.
    pub(crate) fn attach(program: &[Instruction], hook: u32, license: &CStr) -> io::Result<Self> {
        let program = call(
            LOAD,
            &LoadAttributes {
                program_type: TRACING,
                instruction_count: program.len() as u32,
                instructions: program.as_ptr() as u64,
                license: license.as_ptr() as u64,
                name: *b"socket_owners\0\0\0",
                attach_type: TRACE_ITERATOR,
                attach_to: hook,
                ..LoadAttributes::default()
            },
        )?;
        let link =
            LinkAttributes { program: program.as_raw_fd() as u32, attach_type: TRACE_ITERATOR, ..LinkAttributes::default() };
        call(LINK, &link).map(Self)
    }

    /// A new run from the start: reading the descriptor runs the program and gives what it writes.
    pub(crate) fn run(&self) -> io::Result<OwnedFd> {
        call(ITERATE, &IterateAttributes { link: self.0.as_raw_fd() as u32, flags: 0 })
    }
}

/// One of the commands that answer with a new descriptor.
fn call<Attributes>(command: c_int, attributes: &Attributes) -> io::Result<OwnedFd> {
    // SAFETY: `attributes` is a plain C structure of exactly the size that is passed, laid out as the kernel's; the
    // pointers in it are to a program and a string that outlive the call. The kernel only reads them.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, c_long::from(command), attributes, size_of::<Attributes>() as c_long) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: for these commands an answer that is no error is a new descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(answer as c_int) })
}
