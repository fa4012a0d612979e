//! The `bpf` system call: create a map, load a program, attach and open an iterator, run a program once.
#![allow(unsafe_code)] // rustix does not wrap bpf(2)

use super::assembler;
use std::ffi::{CStr, c_int, c_long};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `enum bpf_cmd`
const BPF_MAP_CREATE: c_int = 0;
const BPF_PROG_LOAD: c_int = 5;
const BPF_PROG_TEST_RUN: c_int = 10;
const BPF_BTF_LOAD: c_int = 18;
const BPF_LINK_CREATE: c_int = 28;
const BPF_ITER_CREATE: c_int = 33;

/// `enum bpf_prog_type` and `enum bpf_attach_type`
const BPF_PROG_TYPE_TRACING: u32 = 26;
const BPF_PROG_TYPE_SYSCALL: u32 = 31;
const BPF_TRACE_ITER: u32 = 28;

/// `enum bpf_map_type` and flags of `BPF_MAP_CREATE`
const BPF_MAP_TYPE_HASH: u32 = 1;
const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_F_NO_PREALLOC: u32 = 1;
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// A flag of `BPF_PROG_LOAD`: the program may sleep, as those of type `BPF_PROG_TYPE_SYSCALL` must be able to.
const BPF_F_SLEEPABLE: u32 = 1 << 4;

/// Helpers such as `bpf_seq_write` are reserved to programs under a license compatible with the GPL.
const LICENSE: &CStr = c"Dual MIT/GPL";

/// The part of `union bpf_attr` that one command reads.
///
/// # Safety
///
/// The type is `repr(C)`, has the layout of that part and no padding. Pointers in it are numbers; see [`bpf`] for what they
/// must point to.
unsafe trait Attributes {}

#[repr(C)]
#[derive(Default)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
}

// SAFETY: five 32-bit numbers, in the order of the kernel's structure.
unsafe impl Attributes for MapCreate {}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
}

// SAFETY: in the order of the kernel's structure; 64-bit numbers are aligned to 8 bytes, and so is the end.
unsafe impl Attributes for ProgLoad {}
const _: () = assert!(size_of::<ProgLoad>() == 112);

#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
}

// SAFETY: in the order of the kernel's structure; 64-bit numbers are aligned to 8 bytes, and so is the end.
unsafe impl Attributes for TestRun {}
const _: () = assert!(size_of::<TestRun>() == 64);

#[repr(C)]
#[derive(Default)]
struct BtfLoad {
    btf: u64,
    btf_log_buf: u64,
    btf_size: u32,
    btf_log_size: u32,
}

// SAFETY: in the order of the kernel's structure; 64-bit numbers are aligned to 8 bytes, and so is the end.
unsafe impl Attributes for BtfLoad {}

#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
}

// SAFETY: four 32-bit numbers, in the order of the kernel's structure.
unsafe impl Attributes for LinkCreate {}

#[repr(C)]
#[derive(Default)]
struct IterCreate {
    link_fd: u32,
    flags: u32,
}

// SAFETY: two 32-bit numbers, in the order of the kernel's structure.
unsafe impl Attributes for IterCreate {}

/// Calls the kernel; commands answer with a new descriptor or with 0.
///
/// # Safety
///
/// Each pointer in the attributes must point to memory of the size given beside it (a string: up to its NUL) until the
/// call returns. The kernel writes to that of `ctx_in` alone, and to fields of the attributes.
unsafe fn bpf<A: Attributes>(command: c_int, attributes: &mut A) -> io::Result<c_int> {
    let attributes: *mut A = attributes;
    // SAFETY: `attributes` is the structure that the command reads, of the size that is passed (`Attributes`); the caller
    // answers for the pointers in it.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, c_long::from(command), attributes, size_of::<A>() as c_long) };
    c_int::try_from(answer).ok().filter(|&answer| answer >= 0).ok_or_else(io::Error::last_os_error)
}

/// The same for commands that answer with a new descriptor, which the kernel closes on exec.
///
/// # Safety
///
/// As [`bpf`].
unsafe fn bpf_fd<A: Attributes>(command: c_int, attributes: &mut A) -> io::Result<OwnedFd> {
    // SAFETY: the caller keeps what `bpf` asks for.
    let descriptor = unsafe { bpf(command, attributes) }?;
    // SAFETY: the descriptor is new, and nothing else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn raw(descriptor: &OwnedFd) -> u32 {
    // Descriptors are never negative.
    descriptor.as_raw_fd() as u32
}

/// An array with one value of this size, all 0, which can be mapped into memory.
pub(crate) fn create_mappable_array(value_size: u32) -> io::Result<OwnedFd> {
    let mut attributes =
        MapCreate { map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size, max_entries: 1, map_flags: BPF_F_MMAPABLE };
    // SAFETY: the attributes hold no pointer.
    unsafe { bpf_fd(BPF_MAP_CREATE, &mut attributes) }
}

/// An empty hash table, whose entries are allocated when they are added.
pub(crate) fn create_hash(key_size: u32, value_size: u32, max_entries: u32) -> io::Result<OwnedFd> {
    let mut attributes =
        MapCreate { map_type: BPF_MAP_TYPE_HASH, key_size, value_size, max_entries, map_flags: BPF_F_NO_PREALLOC };
    // SAFETY: the attributes hold no pointer.
    unsafe { bpf_fd(BPF_MAP_CREATE, &mut attributes) }
}

/// What a program is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramType {
    /// To be attached to the iterator whose function has this BTF id.
    Iterator(u32),
    /// To be run by [`Program::run`] (5.14).
    Syscall,
}

/// A loaded program.
#[derive(Debug)]
pub(crate) struct Program(OwnedFd);

impl Program {
    /// Loads a program. `name` is what `bpftool prog` shows; its first 15 bytes count.
    pub(crate) fn load(name: &str, program_type: ProgramType, program: &assembler::Program) -> io::Result<Self> {
        let functions = if program.functions.len() > 1 { Some(Functions::describe(&program.functions)?) } else { None };
        let mut attributes = ProgLoad {
            insn_cnt: program.insns.len() as u32,
            insns: program.insns.as_ptr() as u64,
            license: LICENSE.as_ptr() as u64,
            ..ProgLoad::default()
        };
        match program_type {
            ProgramType::Iterator(target) => {
                attributes.prog_type = BPF_PROG_TYPE_TRACING;
                attributes.expected_attach_type = BPF_TRACE_ITER;
                attributes.attach_btf_id = target;
            }
            ProgramType::Syscall => {
                attributes.prog_type = BPF_PROG_TYPE_SYSCALL;
                attributes.prog_flags = BPF_F_SLEEPABLE;
            }
        }
        for (slot, byte) in attributes.prog_name.iter_mut().take(15).zip(name.bytes()) {
            *slot = byte;
        }
        if let Some(functions) = &functions {
            attributes.prog_btf_fd = raw(&functions.btf);
            attributes.func_info_rec_size = size_of::<[u32; 2]>() as u32;
            attributes.func_info = functions.records.as_ptr() as u64;
            attributes.func_info_cnt = functions.records.len() as u32;
        }
        // SAFETY: instructions, license and records of functions outlive the call and have the sizes that are passed.
        unsafe { bpf_fd(BPF_PROG_LOAD, &mut attributes) }.map(Self)
    }

    /// Runs a program of type [`ProgramType::Syscall`] once and returns what it returns. It may read and write `context`.
    pub(crate) fn run(&self, context: &mut [u8]) -> io::Result<u32> {
        let mut attributes = TestRun {
            prog_fd: raw(&self.0),
            ctx_size_in: u32::try_from(context.len()).map_err(io::Error::other)?,
            ctx_in: context.as_mut_ptr() as u64,
            ..TestRun::default()
        };
        // SAFETY: the context is writable, outlives the call and has the size that is passed.
        unsafe { bpf(BPF_PROG_TEST_RUN, &mut attributes) }?;
        Ok(attributes.retval)
    }
}

/// What the kernel wants to know of the functions of a program before it lets one be called back.
struct Functions {
    btf: OwnedFd,
    /// `struct bpf_func_info`: the first instruction and the BTF id of the function.
    records: Vec<[u32; 2]>,
}

impl Functions {
    /// Describes all functions by one type: static, without declared arguments.
    fn describe(functions: &[u32]) -> io::Result<Self> {
        const FUNC: u32 = 12 << 24;
        const FUNC_PROTO: u32 = 13 << 24;
        const NAME: u32 = 1;
        const STRINGS: &[u8; 4] = b"\0fn\0";
        // Type 1 is the prototype, type 2 the function: name, kind, type.
        let types = [[0, FUNC_PROTO, 0], [NAME, FUNC, 1]];
        let types_length = size_of_val(&types) as u32;
        // `struct btf_header`, whose first word is the magic number, version 1 and no flags.
        let magic = u32::from_ne_bytes(if cfg!(target_endian = "little") { [0x9f, 0xeb, 1, 0] } else { [0xeb, 0x9f, 1, 0] });
        let header = [magic, 24, 0, types_length, types_length, STRINGS.len() as u32];
        let mut blob: Vec<u8> = header.iter().chain(types.as_flattened()).flat_map(|word| word.to_ne_bytes()).collect();
        blob.extend(STRINGS);
        let mut attributes = BtfLoad { btf: blob.as_ptr() as u64, btf_size: blob.len() as u32, ..BtfLoad::default() };
        // SAFETY: the description outlives the call and has the size that is passed.
        let btf = unsafe { bpf_fd(BPF_BTF_LOAD, &mut attributes) }?;
        Ok(Self { btf, records: functions.iter().map(|&first| [first, 2]).collect() })
    }
}

/// A program attached to one of the kernel's iterators; it is detached when this is dropped.
#[derive(Debug)]
pub(crate) struct IteratorLink(OwnedFd);

impl IteratorLink {
    /// Attaches a program of type [`ProgramType::Iterator`].
    pub(crate) fn attach(program: &Program) -> io::Result<Self> {
        let mut attributes = LinkCreate { prog_fd: raw(&program.0), attach_type: BPF_TRACE_ITER, ..LinkCreate::default() };
        // SAFETY: the attributes hold no pointer.
        unsafe { bpf_fd(BPF_LINK_CREATE, &mut attributes) }.map(Self)
    }

    /// A new run from the start: reading the descriptor runs the program and returns what it writes.
    pub(crate) fn open(&self) -> io::Result<OwnedFd> {
        let mut attributes = IterCreate { link_fd: raw(&self.0), flags: 0 };
        // SAFETY: the attributes hold no pointer.
        unsafe { bpf_fd(BPF_ITER_CREATE, &mut attributes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::bpf::assembler::Register::{R0, R1, R2, R3, R4, R6, R10};
    use crate::platform::linux::bpf::assembler::{Assembler, Size};

    const BPF_FUNC_LOOP: i32 = 181;
    const BPF_FUNC_MAP_LOOKUP_ELEM: i32 = 1;
    const BPF_FUNC_MAP_UPDATE_ELEM: i32 = 2;

    /// Loads and runs, or says why this machine cannot.
    fn run(program: &assembler::Program, context: &mut [u8]) -> Option<u32> {
        match Program::load("test", ProgramType::Syscall, program) {
            Ok(program) => Some(program.run(context).unwrap()),
            Err(error) => {
                eprintln!("SKIPPED: the kernel loads no program of this type: {error}");
                None
            }
        }
    }

    #[test]
    fn a_program_reads_and_writes_its_context_and_loops_by_a_callback() {
        let mut a = Assembler::new();
        let callback = a.label();
        a.mov(R6, R1);
        a.ldx(Size::Dw, R1, R6, 0);
        a.st(Size::Dw, R10, -8, 0);
        a.lddw_func(R2, callback);
        a.mov(R3, R10);
        a.add(R3, -8);
        a.mov(R4, 0);
        a.call(BPF_FUNC_LOOP);
        a.ldx(Size::Dw, R1, R10, -8);
        a.stx(Size::Dw, R6, 0, R1);
        a.mov(R0, 7);
        a.exit();
        // Adds the index to the number that its second argument points to.
        a.bind(callback);
        a.ldx(Size::Dw, R3, R2, 0);
        a.add(R3, R1);
        a.stx(Size::Dw, R2, 0, R3);
        a.mov(R0, 0);
        a.exit();
        let mut context = 10u64.to_ne_bytes();
        let Some(returned) = run(&a.finish().unwrap(), &mut context) else { return };
        assert_eq!((returned, u64::from_ne_bytes(context)), (7, 45));
    }

    #[test]
    fn a_program_finds_in_a_hash_table_what_it_has_put_there() {
        let table = match create_hash(8, 8, 16) {
            Ok(table) => table,
            Err(error) => return eprintln!("SKIPPED: the kernel creates no map: {error}"),
        };
        let mut a = Assembler::new();
        let missing = a.label();
        a.st(Size::Dw, R10, -8, 5);
        a.st(Size::Dw, R10, -16, 11);
        for helper in [BPF_FUNC_MAP_UPDATE_ELEM, BPF_FUNC_MAP_LOOKUP_ELEM] {
            a.lddw_map(R1, table.as_raw_fd());
            a.mov(R2, R10);
            a.add(R2, -8);
            a.mov(R3, R10);
            a.add(R3, -16);
            a.mov(R4, 0);
            a.call(helper);
        }
        a.jeq(R0, 0, missing);
        a.ldx(Size::Dw, R0, R0, 0);
        a.bind(missing);
        a.exit();
        let Some(returned) = run(&a.finish().unwrap(), &mut [0; 8]) else { return };
        assert_eq!(returned, 11);
    }
}
